"""The checks of exercise 2: right derivations pass, each known mistake gets its own reply."""

import importlib
import math

import numpy as np
import pytest
import torch
from torch import nn

from d2l_utils.checks import run, yours

SECTION = "d2l_utils.checks.8_4_googlenet"
sizes = importlib.import_module(f"{SECTION}.sizes")
image_share = importlib.import_module(f"{SECTION}.image_share")


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


def step(n, k, s, p):
    return (n - 1) * s + k - 2 * p


def recursively(layers):
    if not layers:
        return 1
    (kernel, stride, padding), *rest = layers
    return max((recursively(rest) - 1) * stride + kernel - 2 * padding, 1)


def emptying_its_argument(layers):
    size = 1
    while layers:
        k, s, p = layers.pop()
        size = max(1, (size - 1) * s + k - 2 * p)
    return size


@pytest.mark.parametrize(
    "derive", [backwards, by_formula_forwards, sizes.by_trying, recursively, emptying_its_argument]
)
def test_right_derivations_pass(derive):
    assert run("8.4/2a", derive).passed


@pytest.mark.parametrize(
    "kind", [float, np.int32, np.int64, np.float32, np.float64, np.array, torch.tensor]
)
def test_whole_numbers_of_every_kind(kind):
    assert run("8.4/2a", lambda layers: kind(backwards(layers))).passed


@pytest.mark.parametrize("wrong", [2.5, math.nan, math.inf, True, "5", [5], torch.ones(3)])
def test_what_is_no_whole_number(wrong):
    report = run("8.4/2a", lambda layers: wrong)
    assert (report.failed, report.problem.nudge) == (0, "Return one whole number.")


@pytest.mark.parametrize("layers", sizes.CHAINS)
def test_the_reference_is_what_torch_runs(layers):
    net = nn.Sequential(*(nn.Conv2d(1, 1, *layer, device="meta") for layer in layers))
    smallest = sizes.by_trying(layers)
    net(torch.empty(1, 1, smallest, smallest, device="meta"))
    with pytest.raises(RuntimeError):
        net(torch.empty(1, 1, smallest - 1, smallest - 1, device="meta"))


def test_scaffold_is_not_attempted():
    def scaffold(layers):
        raise NotImplementedError

    def share_scaffold(n, kernel, stride, padding):
        raise NotImplementedError

    assert not run("8.4/2a", scaffold).attempted
    assert not run("8.4/2b", None).attempted
    assert not run("8.4/2c", None).attempted
    assert not run("8.4/2d", share_scaffold).attempted
    assert not run("8.4/2e", None).attempted


def test_an_equal_pair_is_a_size():
    def pair(layers):
        return backwards(layers), backwards(layers)

    assert run("8.4/2a", pair).passed
    used = yours("8.4/2a", pair, backwards)
    assert used(sizes.ALEXNET) == backwards(sizes.ALEXNET)
    assert used.__name__ == "pair"


@pytest.mark.parametrize(
    ("derive", "requirement", "reply"),
    [
        (lambda layers: math.prod(s for _, s, _ in layers), 0, "product of the strides"),
        (lambda layers: math.prod(s for _, s, _ in layers) + 3, 1, "Try it by hand"),
        (stepping_back(lambda n, k, s, p: max(1, (n - 1) * s + k)), 2, "Padding counts"),
        (stepping_back(lambda n, k, s, p: max(1, (n - 1) * s + k - p)), 2, "both sides: 2p"),
        (stepping_back(lambda n, k, s, p: max(1, n * s + k - 2 * p)), 0, "n − 1 steps apart"),
        (stepping_back(lambda n, k, s, p: (n - 1) * s + k - 2 * p), 3, "at least one pixel"),
        (lambda layers: backwards(layers[::-1]), 1, "from the wrong end"),
        # One number is that of a known mistake, the others are not: it is not named.
        (lambda layers: backwards(layers) if len(layers) < 5 else 32, 2, "Try it by hand"),
        (
            lambda layers: -1 if layers == [(3, 2, 0), (3, 1, 2)] else backwards(layers),
            3,
            "one pixel",
        ),
        (lambda layers: 1, 0, "Try it by hand"),
        (lambda layers: max(1, stepping_back(step)(layers)), 3, "belongs to each step"),
        (stepping_back(lambda n, k, s, p: (n - 1) * s + k + 2 * p), 2, "2p is taken off"),
        (stepping_back(lambda n, k, s, p: n * s + k - 2 * p), 0, "n − 1 steps apart"),
        (stepping_back(lambda n, k, s, p: (n - 1) * s + k - p), 2, "both sides: 2p"),
        (lambda layers: backwards(layers[-1:]), 1, "the last layer alone"),
        (lambda layers: backwards(layers[:1]), 1, "the first layer alone"),
        (stepping_back(lambda n, k, s, p: max(n, (n - 1) * s + k - 2 * p)), 5, "not `size`"),
        (stepping_back(lambda n, k, s, p: max(k, (n - 1) * s + k - 2 * p)), 3, "than the kernel"),
        (lambda layers: (backwards(layers), 1), 0, "one whole number"),
        (lambda layers: str(backwards(layers)), 0, "one whole number"),
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
        ("32", "2 to the power of 5"),
        ("32x32", "2 to the power of 5"),
        ((32, 32), "2 to the power of 5"),
        (2**5, "2 to the power of 5"),
        ("224*224", "ImageNet"),
        ("224×224", "ImageNet"),
        (224 * 224, "number of pixels"),
        (32 * 32, "one side is asked"),
        ("299", "Inception-v3"),
        (7, "may be padding"),
        ("28 x 28", "Fashion-MNIST"),
        ((1, 2), "for the width, which is the same"),
        ("1x2", "for the width, which is the same"),
        ((1, 1, 1), "for the width, which is the same"),
        ("one", "a number, nothing else"),
        ([1, "1"], "a number, nothing else"),
    ],
)
def test_wrong_sizes_get_their_reply(size, reply):
    assert reply in run("8.4/2b", size).problem.nudge


@pytest.mark.parametrize(
    ("share", "reply"),
    [
        *(
            (20, "two sides"),
            (0.04, "percent"),
            (50, "25"),
            (25, "How many of them"),
            (96, "padding"),
        ),
        *((1, "Of how many"), ("20 %", "two sides"), ("0.04", "percent"), ((4, 4), "a number")),
    ],
)
def test_wrong_shares_get_their_reply(share, reply):
    assert reply in run("8.4/2c", share).problem.nudge


@pytest.mark.parametrize(
    "one",
    [
        *(1, 1.0, "1", " 1 ", np.int64(1), np.float32(1), torch.tensor(1), torch.tensor([1])),
        *((1, 1), [1, 1], "1x1", "1×1", "1 X 1", "1*1", np.array([1, 1]), torch.tensor([1, 1])),
        *(torch.Size([1, 1]), (np.int64(1), 1.0)),
    ],
)
def test_right_sizes(one):
    assert run("8.4/2b", one).passed


@pytest.mark.parametrize("four", [4, 4.0, "4", "4 %", "4.0%", np.float64(4), 100 / 25])
def test_right_shares(four):
    assert run("8.4/2c", four).passed


def counted(n, kernel, stride, padding):
    """In two dimensions, on a padded map."""
    padded = torch.zeros(n + 2 * padding, n + 2 * padding)
    padded[padding : padding + n, padding : padding + n] = 1
    return 100 * padded.unfold(0, kernel, stride).unfold(1, kernel, stride).mean()


def pooled(n, kernel, stride, padding):
    return 100 * nn.functional.avg_pool2d(torch.ones(1, 1, n, n), kernel, stride, padding).mean()


def by_sides(n, kernel, stride, padding):
    starts = np.arange(-padding, n + padding - kernel + 1, stride)
    inside = np.minimum(starts + kernel, n) - np.maximum(starts, 0)
    return 100 * np.float64(inside.mean() / kernel) ** 2


def inside(n, kernel, stride, padding):
    starts = range(-padding, n + padding - kernel + 1, stride)
    return [(min(start + kernel, n) - max(start, 0)) / kernel for start in starts]


def by_places(*place):
    """The mean over all places of the share at each."""
    return 100 * np.mean([row * column for row in inside(*place) for column in inside(*place)])


def mean_of_squares(*place):
    return 100 * np.mean([share**2 for share in inside(*place)])


@pytest.mark.parametrize("share", [image_share.share, counted, pooled, by_sides, by_places])
def test_right_functions_of_the_share_pass(share):
    assert run("8.4/2d", share).passed


@pytest.mark.parametrize(
    ("share", "requirement", "reply"),
    [
        (lambda n, k, s, p: by_sides(n, k, s, p) / 100, 0, "times 100"),
        (lambda n, k, s, p: 100 * (by_sides(n, k, s, p) / 100) ** 0.5, 1, "two sides"),
        (mean_of_squares, 1, "do not average the squares"),
        (lambda n, k, s, p: 100 - by_sides(n, k, s, p), 0, "of the padding"),
        (lambda n, k, s, p: 100 * (n / (n + 2 * p)) ** 2, 1, "the padded map"),
        (lambda n, k, s, p: 100 * (min(k - p, n) / k) ** 2, 1, "in the corner"),
        (lambda n, k, s, p: 100 * (min(k, n) / k) ** 2, 1, "in the middle"),
        (lambda n, k, s, p: by_sides(n, k, 1, p), 3, "pixels apart"),
        (lambda n, k, s, p: 100 if p == 0 else 70, 1, "Write down"),
        (lambda n, k, s, p: None, 0, "return its result"),
        (lambda n, k, s, p: "100 %", 0, "one number"),
        (lambda n, k: 100, 0, "in this order"),
        (4, 0, "the function itself"),
    ],
)
def test_mistakes_of_the_share_are_named(share, requirement, reply):
    report = run("8.4/2d", share)
    assert (report.failed, reply in report.problem.nudge) == (requirement, True), report.text


@pytest.mark.parametrize(
    ("more", "reply"),
    [("information", "computed"), ("weights", "averages"), ("Steps", "an epoch"), ("x", "Pick")],
)
def test_wrong_choices_get_their_reply(more, reply):
    assert reply in run("8.4/2e", more).problem.nudge


def test_right_choice():
    assert run("8.4/2e", "places").passed
