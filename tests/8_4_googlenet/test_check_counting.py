"""The checks of exercise 4: right counts pass, each known mistake gets its own reply."""

import importlib

import pytest
from torch import nn

from d2l_utils.checks import run

SECTION = "d2l_utils.checks.8_4_googlenet"
counting = importlib.import_module(f"{SECTION}.counting")
MANY = counting.MANY
reference = counting.reference


def by_formula(layers):
    total = 0
    for _kind, n_in, n_out, *kernel in layers:
        total += (n_in * (kernel[0] ** 2 if kernel else 1) + 1) * n_out
    return total


def by_torch(layers):
    made = nn.ModuleList(
        (nn.Conv2d if kind == "conv" else nn.Linear)(*rest) for kind, *rest in layers
    )
    return sum(p.numel() for p in made.parameters())


@pytest.mark.parametrize("count", [by_formula, by_torch, lambda layers: float(by_formula(layers))])
def test_right_counts_pass(count):
    assert run("8.4/4a", count).passed


def test_scaffold_is_not_attempted():
    def scaffold(layers):
        raise NotImplementedError

    assert not run("8.4/4a", scaffold).attempted
    assert not run("8.4/4b", None).attempted
    assert not run("8.4/4c", None).attempted


def wrong(conv, linear):
    return lambda layers: sum(
        conv(*rest) if kind == "conv" else linear(*rest) for kind, *rest in layers
    )


@pytest.mark.parametrize(
    ("count", "requirement", "reply"),
    [
        (wrong(lambda i, o, k: i * o * k * k, lambda i, o: i * o), 0, "a bias as well"),
        (wrong(lambda i, o, k: i * o * k * k + 1, lambda i, o: i * o + 1), 0, "one bias a layer"),
        (wrong(lambda i, o, k: (o * k * k + 1) * i, lambda i, o: (o + 1) * i), 0, "to the inputs"),
        (wrong(lambda i, o, k: (i * k + 1) * o, lambda i, o: (i + 1) * o), 0, "k · k pixels"),
        (wrong(lambda i, o, k: (k * k + 1) * o, lambda i, o: (i + 1) * o), 0, "every input ch"),
        (wrong(lambda i, o, k: i * k * k + 1, lambda i, o: i + 1), 0, "kernel of its own"),
        (wrong(lambda i, o, k: (i * k * k + 1) * o, lambda i, o: i * o), 1, "a bias as well"),
        (wrong(lambda i, o, k: 12345, lambda i, o: 1), 0, "Take one output channel"),
        (lambda layers: by_formula(layers[:1]), 3, "Take one output channel"),
        (lambda layers: None, 0, "return its result"),
        (lambda layers: "many", 0, "one whole number"),
        (lambda layers: True, 0, "one whole number"),
        (
            lambda layers: sum((i * k * k + 1) * o for _, i, o, k in layers),
            1,
            "Tuples differ in length",
        ),
        (lambda: 532, 0, "takes one argument"),
        (532, 0, "the function itself"),
    ],
)
def test_mistakes_are_named(count, requirement, reply):
    report = run("8.4/4a", count)
    assert (report.failed, reply in report.problem.nudge) == (requirement, True), report.text


@pytest.mark.parametrize(
    ("share", "reply"),
    [(7.16, "convolutions"), (0.928, "percent"), (79.8, "alone"), (92, "AlexNet"), (50, "Count")],
)
def test_wrong_shares_get_their_reply(share, reply):
    assert reply in run("8.4/4b", share).problem.nudge


@pytest.mark.parametrize("share", [92.8, 92.84, 93, 100 * 119_586_826 / 128_807_306])
def test_right_share(share):
    assert run("8.4/4b", share).passed


def test_idea():
    assert run("8.4/4c", "Global average pooling").passed
    assert "in convolutions at all" in run("8.4/4c", "1x1 convolutions").problem.nudge


def test_reference_counts_real_layers():
    assert reference(MANY) == by_formula(MANY)
