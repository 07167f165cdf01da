"""The checks of exercise 4: right counts pass, each known mistake gets its own reply."""

import importlib

import numpy as np
import pytest
import torch
from torch import nn

import d2l_utils as d2l
from d2l_utils.checks import run

SECTION = "d2l_utils.checks.8_4_googlenet"
counting = importlib.import_module(f"{SECTION}.parameter_counting")
variants = importlib.import_module(f"{SECTION}.vgg_variants")
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


def by_recursion(layers):
    if not layers:
        return 0
    kind, n_in, n_out, *kernel = layers.pop()
    return n_out * (n_in * (kernel[0] * kernel[0] if kind == "conv" else 1) + 1) + by_recursion(
        layers
    )


@pytest.mark.parametrize(
    "count",
    [
        by_formula,
        by_torch,
        by_recursion,
        lambda layers: float(by_formula(layers)),
        lambda layers: np.int64(by_formula(layers)),
        lambda layers: np.sum([by_formula([layer]) for layer in layers]),
    ],
)
def test_right_counts_pass(count):
    assert run("8.4/4a", count).passed


def test_scaffold_is_not_attempted():
    def scaffold(layers):
        raise NotImplementedError

    assert not run("8.4/4a", scaffold).attempted
    assert not run("8.4/4b", None).attempted
    assert not run("8.4/4c", None).attempted
    assert not run("8.4/4d", (None, None)).attempted


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
        (lambda layers: by_formula(layers[:1]), 3, "`return` inside the loop"),
        (lambda layers: by_formula(layers[-1:]), 3, "set anew for each layer"),
        (lambda layers: by_formula(layers[:2]), 3, "Take one output channel"),
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
    [
        (7.158, "share of the convolutions."),
        (100 * 9_220_480 / 128_807_306, "share of the convolutions."),
        (7.2, "share of the convolutions."),
        (0.07158, "not in percent"),
        (0.072, "not in percent"),
        (0.928, "times 100"),
        (119_586_826 / 128_807_306, "times 100"),
        (79.8, "alone"),
        (92, "AlexNet"),
        (93.06, "1,000 classes"),
        (119_586_826, "their number"),
        (119.6, "in millions"),
        (12.97, "how many times"),
        (1297, "of the convolutions"),
        (50, "Count"),
    ],
)
def test_wrong_shares_get_their_reply(share, reply):
    assert reply in run("8.4/4b", share).problem.nudge


@pytest.mark.parametrize("share", [92.8, 92.84, 93, 100 * 119_586_826 / 128_807_306])
def test_right_share(share):
    assert run("8.4/4b", share).passed


def test_idea():
    for idea in ("Global average pooling", "global average pooling (GAP)", "GAP", " gap "):
        assert run("8.4/4c", idea).passed, idea
    for idea in ("1x1 convolutions (reductions)", "1×1 convolution", "1x1"):
        assert "in convolutions at all" in run("8.4/4c", idea).problem.nudge
    assert "Pick one" in run("8.4/4c", "pooling").problem.nudge
    assert "in convolutions at all" in run("8.4/4c", "1x1 convolutions").problem.nudge


def test_reference_counts_real_layers():
    assert reference(MANY) == by_formula(MANY)


# -- VGG-11 with one idea at a time ----------------------------------------------------------------

BODY, HEAD = variants.BODY, variants.HEAD
GAP_ONLY = [*BODY, ("linear", 512, 10)]
HALVED = [BODY[0]] + [
    part
    for _, c_in, c_out, k in BODY[1:]
    for part in (("conv", c_in, c_in // 2, 1), ("conv", c_in // 2, c_out, k))
]
REDUCTIONS_ONLY = HALVED + HEAD


def test_vgg11_is_that_of_torch():
    with torch.device("meta"):
        net = d2l.VGG()
        net(torch.empty(1, 3, 224, 224))
    convs = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)]
    linear = [layer for layer in net.modules() if isinstance(layer, nn.Linear)]
    assert [("conv", c.in_channels, c.out_channels, c.kernel_size[0]) for c in convs] == BODY
    assert [("linear", each.in_features, each.out_features) for each in linear] == HEAD
    numbers = importlib.import_module(f"{SECTION}.4_parameter_count")
    assert (reference(BODY), reference(HEAD)) == (numbers.BODY, numbers.HEAD)


@pytest.mark.parametrize(
    "pair",
    [
        (GAP_ONLY, REDUCTIONS_ONLY),
        (tuple(GAP_ONLY), [list(layer) for layer in REDUCTIONS_ONLY]),
        ([*BODY, ("conv", 512, 10, 1)], REDUCTIONS_ONLY),  # before the average: it is the same
        (GAP_ONLY, [(kind, *np.array(sizes)) for kind, *sizes in REDUCTIONS_ONLY]),
        (GAP_ONLY, [(kind, *map(float, sizes)) for kind, *sizes in REDUCTIONS_ONLY]),
    ],
)
def test_right_variants_pass(pair):
    report = run("8.4/4d", pair)
    assert report.passed, report.text


NARROW_READS_ALL = [BODY[0], ("conv", 64, 32, 1), *BODY[1:]]
QUARTERED = [BODY[0]] + [
    part
    for _, c_in, c_out, k in BODY[1:]
    for part in (("conv", c_in, c_in // 4, 1), ("conv", c_in // 4, c_out, k))
]
HALF_OUTPUTS = [(kind, max(3, i // 2), o // 2, k) for kind, i, o, k in BODY]
WIDENED = [("conv", 3, 3, 1), *HALVED]
ONE_LEFT = [*HALVED[:-2], BODY[-1]]
POINTS_FOR_THREES = [BODY[0], *[("conv", i, o, 1) for _, i, o, _ in BODY[1:]]]


@pytest.mark.parametrize(
    ("gap", "reduced", "requirement", "reply"),
    [
        (GAP_ONLY, None, 0, "both lists"),
        (None, REDUCTIONS_ONLY, 0, "both lists"),
        (GAP_ONLY, 124_000_000, 0, "both lists"),
        (GAP_ONLY, [], 0, "Begin with"),
        ([BODY, HEAD], REDUCTIONS_ONLY, 0, "list in the list"),
        ([*BODY, ("average",)], REDUCTIONS_ONLY, 0, "Look at that layer"),
        ([*BODY, ("linear", 512, 10, 1)], REDUCTIONS_ONLY, 0, "Look at that layer"),
        (GAP_ONLY, [*BODY, ("conv", 0.5, 10, 1)], 0, "Look at that layer"),
        (GAP_ONLY, NARROW_READS_ALL + HEAD, 1, "the layer before it give"),
        (BODY[1:], REDUCTIONS_ONLY, 1, "An image has 3"),
        (HEAD + BODY, REDUCTIONS_ONLY, 1, "An image has 3"),
        (GAP_ONLY + BODY, REDUCTIONS_ONLY, 1, "in the order"),
        ([*BODY, ("linear", 7 * 7, 10)], REDUCTIONS_ONLY, 1, "the layer before it give"),
        ([*HALVED, ("linear", 512, 10)], REDUCTIONS_ONLY, 2, "the other idea"),
        ([*HALF_OUTPUTS, ("linear", 256, 10)], REDUCTIONS_ONLY, 2, "unchanged"),
        (BODY + HEAD, REDUCTIONS_ONLY, 3, "VGG-11's own head"),
        (BODY, REDUCTIONS_ONLY, 3, "missing"),
        ([*BODY, ("linear", 25088, 10)], REDUCTIONS_ONLY, 3, "How many numbers does averaging"),
        ([*BODY, ("linear", 512, 1000)], REDUCTIONS_ONLY, 3, "How many classes"),
        ([*BODY, ("linear", 512, 4096), *HEAD[1:]], REDUCTIONS_ONLY, 3, "straight to the classes"),
        (GAP_ONLY, [*HALVED, ("linear", 512, 10)], 4, "Averaging is the other idea"),
        (GAP_ONLY, [*HALVED, HEAD[0], HEAD[2]], 4, "unchanged"),
        (GAP_ONLY, BODY + HEAD, 5, "no 1×1 convolution"),
        (GAP_ONLY, POINTS_FOR_THREES + HEAD, 5, "All eight 3×3"),
        (GAP_ONLY, WIDENED + HEAD, 5, "nothing comes before it"),
        (GAP_ONLY, ONE_LEFT + HEAD, 5, "still reads all channels"),
        (GAP_ONLY, QUARTERED + HEAD, 5, "half of the channels"),
        (
            GAP_ONLY,
            [("conv", 3, 32, 3), ("conv", 32, 64, 1), *HALVED[1:], *HEAD],
            5,
            "gives as many channels",
        ),
    ],
)
def test_wrong_variants_get_their_reply(gap, reduced, requirement, reply):
    report = run("8.4/4d", (gap, reduced))
    assert (report.failed, reply in report.problem.nudge) == (requirement, True), report.text


@pytest.mark.parametrize("handed_over", [GAP_ONLY, [GAP_ONLY], [GAP_ONLY] * 3, 5, "GAP"])
def test_two_lists_are_asked_for(handed_over):
    report = run("8.4/4d", handed_over)
    assert (report.failed, report.problem.expected) == (0, "two lists of layers"), report.text
