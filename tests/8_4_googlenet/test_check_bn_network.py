"""Exercises 1.1b to d: the bias, the whole network with batch norm, the largest rate."""

import re
from functools import partial

import pytest
from torch import nn

import d2l_utils as d2l
from d2l_utils.checks import run

Block = partial(d2l.Inception, unit=d2l.conv_bn_relu)


def unit(channels, kernel_size, stride=1, padding=0):
    conv = nn.LazyConv2d(channels, kernel_size, stride=stride, padding=padding, bias=False)
    return [conv, nn.LazyBatchNorm2d(), nn.ReLU()]


def composed(lr=0.1, width=1.0):
    return d2l.GoogleNet(lr=lr, width=width, block=Block, unit=unit)


class Subclass(d2l.GoogleNet):
    def __init__(self, lr=0.1, width=1.0):
        super().__init__(lr, width=width, block=partial(d2l.Inception, unit=unit), unit=unit)


class ByHand(d2l.Classifier):
    """Its own stem and stages, without a line of the given network."""

    def __init__(self, lr=0.1, width=1.0):
        super().__init__()
        self.lr = lr
        scale, pool = partial(d2l.scaled, width=width), partial(nn.MaxPool2d, 3, 2, 1)
        layers = [
            *unit(scale(64), 7, 2, 3),
            pool(),
            *unit(scale(64), 1),
            *unit(scale(192), 3, 1, 1),
        ]
        for stage in d2l.GOOGLENET:
            layers += [pool(), *(Block(*scale(channels)) for channels in stage)]
        head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(10)
        self.net = nn.Sequential(*layers, *head)


@pytest.mark.parametrize("make", [composed, Subclass, ByHand])
def test_right_networks_pass(make):
    report = run("8.4/1.1c", make)
    assert report.passed, report.text


class Unwritten(nn.Module):
    def __init__(self, c1, c2, c3, c4):
        super().__init__()

    def forward(self, X):
        raise NotImplementedError


def unwritten(*_):
    raise NotImplementedError


@pytest.mark.parametrize(
    ("options", "name"), [({"block": Unwritten}, "forward"), ({"unit": unwritten}, "unwritten")]
)
def test_what_it_uses_must_be_written(options, name):
    """The network is attempted; its block is the scaffold still."""

    def make(lr=0.1, width=1.0):
        return d2l.GoogleNet(lr=lr, width=width, **({"block": Block, "unit": unit} | options))

    report = run("8.4/1.1c", make)
    assert report.attempted
    assert re.search(rf"{name}`, which your attempt uses, is not written", report.problem.found)


def relu_first(*args, **kwargs):
    conv, norm, relu = unit(*args, **kwargs)
    return [conv, relu, norm]


def with_bias(*args, **kwargs):
    _, norm, relu = unit(*args, **kwargs)
    channels, kernel, stride, padding = (*args, *kwargs.values(), 1, 0)[:4]
    return [nn.LazyConv2d(channels, kernel, stride=stride, padding=padding), norm, relu]


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (composed(), "no brackets"),
        (lambda lr=0.1, width=1.0: d2l.GoogleNet(lr, width=width), "Did the stem get the unit?"),
        (lambda lr=0.1, width=1.0: d2l.GoogleNet(lr, width=width, block=Block), "Did the stem"),
        (lambda lr=0.1, width=1.0: d2l.GoogleNet(lr, width=width, unit=unit), "Did the stem"),
        (
            lambda lr=0.1, width=1.0: d2l.GoogleNet(lr, width=width, block=Block, unit=with_bias),
            "none has a bias",
        ),
        (
            lambda lr=0.1, width=1.0: d2l.GoogleNet(lr, width=width, block=Block, unit=relu_first),
            "57 times in this order",
        ),
        (lambda lr=0.1, width=1.0: d2l.GoogleNet(lr, block=Block, unit=unit), "Hand `width` on"),
        (lambda lr=0.1, width=1.0: d2l.GoogleNet(width=width, block=Block, unit=unit), "`lr` on"),
        (lambda: composed(), "It takes `lr=0.1, width=1.0`"),
        (
            lambda lr=0.1, width=1.0: d2l.GoogleNet(
                lr, width=width, block=Block, unit=unit, stem=d2l.SMALL_STEM
            ),
            "The channels and strides are the book's",
        ),
    ],
)
def test_wrong_networks_are_told_what_is_wrong(attempt, words):
    report = run("8.4/1.1c", attempt)
    assert not report.passed
    assert words in report.problem.nudge, report.text


@pytest.mark.parametrize(
    ("exercise", "right", "wrong", "words"),
    [
        ("8.4/1.1b", 0, 5, "What does the normalization subtract"),
        ("8.4/1.1b", 0.0, 5 / 3, "the mean of the channel before and after"),
        ("8.4/1.1d", 1, 10, "no better than that of guessing"),
        ("8.4/1.1d", 1.0, 0.1, "Does the next one train"),
        ("8.4/1.1d", 1, 0.001, "it does not learn there"),
    ],
)
def test_numbers(exercise, right, wrong, words):
    assert run(exercise, right).passed
    assert words in run(exercise, wrong).problem.nudge
