"""Whole networks are judged by what they are, not by names, order or style."""

from functools import partial

import pytest
import torch
from torch import nn

import d2l_utils as d2l
from d2l_utils.checks import register, registry, run
from d2l_utils.checks.judge_network import requirements
from d2l_utils.checks.whole_network import Network, Reference

NUDGES = {name: f"Look at the {name}." for name in ("maps", "weights", "vectors", "logits")}
MAPS = {"behind the stem": (48, 28, 28), "behind the body": (256, 7, 7)}


class BNInception(d2l.Inception):
    def __init__(self, *channels):
        super().__init__(*channels, unit=d2l.conv_bn_relu)


right = partial(d2l.GoogleNet, num_classes=7, width=0.25, block=BNInception, unit=d2l.conv_bn_relu)


class Otherwise(nn.Module):
    """The same network by another hand: other names, branches in another order, joined to match."""

    def __init__(self):
        super().__init__()
        net = right()
        self.head, self.middle = net.net[-1], nn.ModuleList(reversed(list(net.net[:-1])))

    def forward(self, images):
        for stage in reversed(self.middle):
            images = stage(images)
        return self.head(images)


@pytest.fixture(autouse=True)
def exercise(monkeypatch):
    monkeypatch.setattr(registry, "EXERCISES", {})
    reference = Reference.of("the right one", right)
    register(
        "0.0/net",
        "A network",
        requirements(lambda: reference, MAPS, NUDGES, size=224, classes=7),
        prepare=Network,
    )


@pytest.mark.parametrize("make", [right, Otherwise, lambda: right().train()])
def test_right_ones_pass(make):
    report = run("0.0/net", make)
    assert report.passed, report.text


def edited(edit):
    def make():
        net = right()
        edit(net)
        return net

    return make


def other_pool(net):
    net.net[0][-1] = nn.AvgPool2d(3, stride=2, padding=1)


def bias(net):
    net.net[0][0] = nn.LazyConv2d(16, 7, stride=2, padding=3)


def turned(net):
    net.net[1][3] = nn.LazyConv2d(48, (1, 9), padding=(0, 4), bias=False)


def no_relu(net):
    del net.net[1][2]


def epsilon(value):
    def edit(net):
        net.net[1][1].eps = value

    return edit


@pytest.mark.parametrize("value", [1e-6, 1e-5, 1e-3, 1e-2])
def test_libraries_differ_in_epsilon(value):
    assert run("0.0/net", edited(epsilon(value))).passed


def early_end(net):
    net.net[-1] = nn.LazyLinear(6)


@pytest.mark.parametrize(
    ("attempt", "found", "expected", "nudge"),
    [
        (right(), "type GoogleNet", "a function or class", "no brackets"),
        (lambda: [right()], "type list", "nn.Module", "Return the network"),
        (edited(early_end), "shape (N, 6)", "logits (N, 7)", "head"),
        (partial(right, width=0.26), "50×28×28 is the nearest", "48×28×28 behind the stem", "maps"),
        (
            edited(turned),
            "0 of a 3×3 convolution from 16 to 48",
            "1 of a 3×3 convolution from 16 to 48",
            "weights",
        ),
        (edited(bias), "parameters", "parameters", "vectors"),
        (edited(other_pool), "other logits", "the right one", "logits"),
        (edited(no_relu), "other logits", "the right one", "logits"),
        (edited(epsilon(1.0)), "ε = 1", "from 0.000001 to 0.01", "leave its default"),
        (edited(epsilon(0)), "ε = 0", "from 0.000001 to 0.01", "leave its default"),
    ],
)
def test_wrong_ones_are_told_what_is_wrong(attempt, found, expected, nudge):
    report = run("0.0/net", attempt)
    assert not report.passed
    assert found in report.problem.found
    assert expected in report.problem.expected
    assert nudge in report.problem.nudge


@pytest.mark.parametrize(
    "make", [right, lambda: nn.Sequential(nn.Conv2d(3, 7, 3), nn.Flatten(), nn.LazyLinear(7))]
)
def test_first_weights_are_not_drawn(make):
    """They would be replaced; drawing them takes longer than all the rest."""
    before = torch.get_rng_state()
    Network(make).output(224)
    assert torch.equal(torch.get_rng_state(), before)


def test_scaffolds_are_not_attempted():
    def empty():
        raise NotImplementedError

    for scaffold in (None, lambda: None, empty):
        assert not run("0.0/net", scaffold).attempted


def test_a_reference_is_kept_as_text():
    one = Reference.of("it", right)
    other = Reference.from_json(one.to_json())
    assert (other.name, other.parameters, other.weights) == ("it", one.parameters, one.weights)
    assert torch.allclose(one.logits, other.logits, atol=1e-4)
    assert one.logits.std() > 0.01  # an agreement of constants would say nothing
    assert (one.logits[0] - one.logits[1]).abs().max() > 0.001
