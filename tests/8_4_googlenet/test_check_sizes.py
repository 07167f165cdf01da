"""The checks of exercise 2: right derivations pass, each known mistake gets its own reply."""

import importlib
import math

import pytest

from d2l_utils.checks import run

SECTION = "d2l_utils.checks.8_4_googlenet"
sizes = importlib.import_module(f"{SECTION}.sizes")


def backwards(layers):
    size = 1
    for kernel, stride, padding in layers[::-1]:
        size = max(1, (size - 1) * stride + kernel - 2 * padding)
    return size


def by_formula_forwards(layers):
    """Tries sizes, by arithmetic."""
    for size in range(1, 500):
        n = size
        for kernel, stride, padding in layers:
            n = (n + 2 * padding - kernel) // stride + 1 if n + 2 * padding >= kernel else 0
            if n < 1:
                break
        if n >= 1:
            return size
    return None


def stepping_back(step):
    def derive(layers):
        size = 1
        for layer in reversed(layers):
            size = step(size, *layer)
        return size

    return derive


@pytest.mark.parametrize("derive", [backwards, by_formula_forwards, sizes.by_trying])
def test_right_derivations_pass(derive):
    assert run("8.4/2a", derive).passed


def test_scaffold_is_not_attempted():
    def scaffold(layers):
        raise NotImplementedError

    assert not run("8.4/2a", scaffold).attempted
    assert not run("8.4/2b", None).attempted
    assert not run("8.4/2c", None).attempted


@pytest.mark.parametrize(
    ("derive", "requirement", "reply"),
    [
        (lambda layers: math.prod(s for _, s, _ in layers), 0, "product of the strides"),
        (lambda layers: math.prod(s for _, s, _ in layers) + 4, 1, "Try it by hand"),
        (stepping_back(lambda n, k, s, p: max(1, (n - 1) * s + k)), 2, "Padding counts"),
        (stepping_back(lambda n, k, s, p: max(1, (n - 1) * s + k - p)), 2, "both sides: 2p"),
        (stepping_back(lambda n, k, s, p: max(1, n * s + k - 2 * p)), 0, "n − 1 steps apart"),
        (stepping_back(lambda n, k, s, p: (n - 1) * s + k - 2 * p), 3, "at least one pixel"),
        (lambda layers: backwards(layers[::-1]), 1, "from the wrong end"),
        (lambda layers: backwards(layers) if len(layers) < 5 else 32, 2, "product of the strides"),
        (lambda layers: None, 0, "return its result"),
        (lambda layers: sum(k for k, s in layers), 0, "a tuple of three"),
        (1, 0, "the function itself"),
    ],
)
def test_mistakes_are_named(derive, requirement, reply):
    report = run("8.4/2a", derive)
    assert (report.failed, reply in report.problem.nudge) == (requirement, True), report.text


@pytest.mark.parametrize(
    ("size", "reply"),
    [
        (32, "2 to the power of 5"),
        (28, "Fashion-MNIST"),
        (224, "ImageNet"),
        (96, "the book trains"),
        (15, "torchvision"),
        (2, "one pixel"),
        (17, "into your function"),
    ],
)
def test_wrong_sizes_get_their_reply(size, reply):
    assert reply in run("8.4/2b", size).problem.nudge


@pytest.mark.parametrize(("share", "reply"), [(20, "two sides"), (0.04, "percent"), (50, "25")])
def test_wrong_shares_get_their_reply(share, reply):
    assert reply in run("8.4/2c", share).problem.nudge


def test_right_numbers():
    assert run("8.4/2b", 1).passed
    assert run("8.4/2c", 4.0).passed
