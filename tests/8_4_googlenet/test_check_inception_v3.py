"""The checks of the three Inception-v3 blocks: right styles pass, wrong ones are explained."""

import importlib
import re
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from d2l_utils.checks import run
from d2l_utils.checks.blocks import graph
from d2l_utils.checks.blocks.explain import apply, singles
from d2l_utils.checks.blocks.kinds_of_mistake import RULES

SECTION = "d2l_utils.checks.8_4_googlenet"
CHANNELS = importlib.import_module(f"{SECTION}.inception").CHANNELS
inception_v3 = importlib.import_module(f"{SECTION}.1_2_inception_v3")
EXPRESSIONS = inception_v3.factorised, inception_v3.asymmetric, inception_v3.expanded

BUILDS, RUNS, SIZE, JOINS, COUNTS, INPUT, AGREES, REMEMBERS, TRAINS = range(9)
A, B, C = "8.4/1.2a", "8.4/1.2b", "8.4/1.2c"


class Join(nn.Module):
    def __init__(self, *branches):
        super().__init__()
        self.parts = nn.ModuleList(nn.Sequential(*branch) for branch in branches)

    def forward(self, X):
        return torch.cat([part(X) for part in self.parts], 1)


class Sum(Join):
    def forward(self, X):
        return sum(part(X) for part in self.parts)


def conv(out, *size, norm=nn.LazyBatchNorm2d, bias=False, **options):
    """A lazy unit; a size of one number is a square."""
    size = size if len(size) == 2 else size * 2
    options = {"padding": tuple(n // 2 for n in size), **options}
    return [nn.LazyConv2d(out, size, bias=bias, **options), norm(), nn.ReLU()]


def pool():
    return nn.MaxPool2d(3, 1, 1)


def fork(c, conv=conv, join=Join):
    return [join(conv(c - c // 2, 1, 3), conv(c // 2, 3, 1))]


def branches(exercise, c1, c2, c3, c4, conv=conv, fork=None):
    """The four branches of a block, as lists."""
    fork = fork or partial(globals()["fork"], conv=conv)
    two, three = conv(c2[0], 1), conv(c3[0], 1)
    if exercise == A:
        two, three = two + conv(c2[1], 3), three + conv(c3[1], 3) + conv(c3[1], 3)
    elif exercise == B:
        two += conv(c2[0], 1, 7) + conv(c2[1], 7, 1)
        three += conv(c3[0], 7, 1) + conv(c3[0], 1, 7) + conv(c3[0], 7, 1) + conv(c3[1], 1, 7)
    else:
        two, three = two + fork(c2[1]), three + conv(c3[1], 3) + fork(c3[1])
    return [conv(c1, 1), two, three, [pool(), *conv(c4, 1)]]


def block(exercise, **options):
    """The class of a right block, or one that is made of another ``conv`` or ``fork``."""
    return lambda c1, c2, c3, c4: Join(*branches(exercise, c1, c2, c3, c4, **options))


def with_branch(exercise, place, make):
    """A block with another branch at ``place``, made from its pair of channels."""

    def attempt(*channels):
        parts = branches(exercise, *channels)
        parts[place - 1] = make(channels[place - 1])
        return Join(*parts)

    return attempt


def outer(exercise, forward):
    """A block around which something happens."""

    class Attempt(Join):
        def __init__(self, c1, c2, c3, c4):
            super().__init__(*branches(exercise, c1, c2, c3, c4))

        def forward(self, X):
            return forward(super().forward, X)

    return Attempt


# -- right -----------------------------------------------------------------------------------------


class Eager(nn.Module):
    """Input channels given, "same" padding, branches and arms in another order, its own ε."""

    def __init__(self, in_channels, c1, c2, c3, c4):
        super().__init__()

        def unit(i, o, *size):
            layer = nn.Conv2d(i, o, size, padding="same", bias=False)
            return nn.Sequential(layer, nn.BatchNorm2d(o, eps=1e-3), nn.ReLU(inplace=True))

        self.end = nn.Sequential(unit(in_channels, c3[0], 1, 1), unit(*c3, 3, 3))
        self.start = unit(in_channels, c2[0], 1, 1)
        half2, half3 = c2[1] // 2, c3[1] // 2
        self.row2, self.column2 = unit(c2[0], c2[1] - half2, 1, 3), unit(c2[0], half2, 3, 1)
        self.row3, self.column3 = unit(c3[1], c3[1] - half3, 1, 3), unit(c3[1], half3, 3, 1)
        self.pooled, self.one = unit(in_channels, c4, 1, 1), unit(in_channels, c1, 1, 1)

    def forward(self, X):
        two, three = self.start(X), self.end(X)
        pooled = self.pooled(F.max_pool2d(X, 3, 1, 1))
        arms = self.column3(three), self.row2(two), self.row3(three), self.column2(two)
        return torch.cat((pooled, *arms, self.one(X)), 1)


class Functional(nn.Module):
    """Kernels as parameters, and batch norm without its module."""

    def __init__(self, c1, c2, c3, c4, c_in):
        super().__init__()
        (a, b), (c, d) = c2, c3
        shapes = (c1, c_in, 1, 1), (a, c_in, 1, 1), (a, a, 1, 7), (b, a, 7, 1), (c, c_in, 1, 1)
        long = (c, c, 7, 1), (c, c, 1, 7), (c, c, 7, 1), (d, c, 1, 7), (c4, c_in, 1, 1)
        self.kernels = nn.ParameterList(torch.randn(shape) for shape in shapes + long)
        self.scales = nn.ParameterList(torch.ones(len(k)) for k in self.kernels)
        self.shifts = nn.ParameterList(torch.zeros(len(k)) for k in self.kernels)
        for i, k in enumerate(self.kernels):
            self.register_buffer(f"mean{i}", torch.zeros(len(k)))
            self.register_buffer(f"variance{i}", torch.ones(len(k)))

    def chain(self, X, *numbers):
        for i in numbers:
            stored = getattr(self, f"mean{i}"), getattr(self, f"variance{i}")
            X = F.conv2d(X, self.kernels[i], padding=[n // 2 for n in self.kernels[i].shape[2:]])
            X = F.batch_norm(X, *stored, self.scales[i], self.shifts[i], self.training).relu()
        return X

    def forward(self, X):
        two, three = self.chain(X, 1, 2, 3), self.chain(X, 4, 5, 6, 7, 8)
        return torch.cat((self.chain(X, 0), two, three, self.chain(pool()(X), 9)), 1)


class Fused(nn.Module):
    """The three 1x1 convolutions of the input as one."""

    def __init__(self, c1, c2, c3, c4):
        super().__init__()
        self.sizes = c2[0], c1, c3[0]
        self.heads = nn.Sequential(*conv(sum(self.sizes), 1))
        self.two = nn.Sequential(*conv(c2[1], 3))
        self.three = nn.Sequential(*conv(c3[1], 3), *conv(c3[1], 3))
        self.four = nn.Sequential(pool(), *conv(c4, 1))

    def forward(self, X):
        two, one, three = self.heads(X).split(self.sizes, 1)
        return torch.cat([one, self.two(two), self.three(three), self.four(X)], 1)


RIGHT = {
    **{f"lists, {exercise}": (exercise, block(exercise)) for exercise in (A, B, C)},
    "eager": (C, Eager),
    "functional": (B, Functional),
    "fused heads": (A, Fused),
    "large ε": (B, block(B, conv=partial(conv, norm=partial(nn.LazyBatchNorm2d, eps=1e-3)))),
    "all before": (B, block(B, conv=partial(conv, norm=lambda: nn.LazyBatchNorm2d(momentum=None)))),
}


@pytest.mark.parametrize(("exercise", "attempt"), RIGHT.values(), ids=RIGHT.keys())
def test_right_blocks_pass(exercise, attempt):
    assert run(exercise, attempt).passed, run(exercise, attempt).text


@pytest.mark.parametrize("exercise", [A, B, C])
def test_each_block_is_refused_as_another(exercise):
    for other in {A, B, C} - {exercise}:
        report = run(exercise, block(other))
        assert report.failed == COUNTS, report.text


# -- wrong: (exercise, attempt, the requirement not met, words in what is found, in the nudge) -----


class Published(nn.Module):
    """Found in the wild: an arm of the third branch's fork is fed by the second branch."""

    def __init__(self, c1, c2, c3, c4):
        super().__init__()
        self.b1, self.b2 = nn.Sequential(*conv(c1, 1)), nn.Sequential(*conv(c2[0], 1))
        self.b2_1, self.b2_2 = fork(c2[1])[0].parts
        self.b3 = nn.Sequential(*conv(c3[0], 1), *conv(c3[1], 3))
        self.b3_1, self.b3_2 = fork(c3[1])[0].parts
        self.b4 = nn.Sequential(pool(), *conv(c4, 1))

    def forward(self, X):
        o2, o3 = self.b2(X), self.b3(X)
        o3_1, o3_2 = self.b3_1(o3), self.b3_2(o2)
        return torch.cat([self.b1(X), self.b2_1(o2), self.b2_2(o2), o3_1, o3_2, self.b4(X)], 1)


class PublishedEager(Eager):
    def forward(self, X):
        two, three = self.start(X), self.end(X)
        three = torch.cat([self.row3(three), self.column3(two)], 1)
        parts = self.row2(two), self.column2(two), three, self.one(X), self.pooled(X)
        return torch.cat(parts, 1)


def no_norm(out, *size, bias=True):
    layer, _, relu = conv(out, *size, bias=bias)
    return [layer, relu]


def relu_first(out, *size):
    layer, norm, relu = conv(out, *size)
    return [layer, relu, norm]


def turned(out, *size):
    size = size if len(size) == 2 else size * 2
    return conv(out, *size, padding=tuple(n // 2 for n in size[::-1]))


def in_sequence(c):
    return conv(c, 1, 3) + conv(c, 3, 1)


def full_sum(c):
    return [Sum(conv(c, 1, 3), conv(c, 3, 1))]


def full_join(c):
    return [Join(conv(c, 1, 3), conv(c, 3, 1))]


def low_half_first(c):
    return [Join(conv(c // 2, 1, 3), conv(c - c // 2, 3, 1))]


class Listed(nn.Module):
    """Whatever, in a plain list."""

    def __init__(self, c1, c2, c3, c4):
        super().__init__()
        self.parts = [nn.Sequential(*branch) for branch in branches(A, c1, c2, c3, c4)]

    forward = Join.forward


def bare(out, *size, bias=False):
    return conv(out, *size, bias=bias)[:1]


def bare_sevens(c):
    """Two of the four are bare."""
    pair = bare(c[0], 7, 1) + conv(c[0], 1, 7)
    return conv(c[0], 1) + pair + bare(c[0], 7, 1) + conv(c[1], 1, 7)


WRONG = {
    "published": (
        C,
        Published,
        COUNTS,
        "a 3x1 convolution from 5 to 5",
        "of its branch, not the c2",
    ),
    "published, eager": (C, PublishedEager, RUNS, "10 channels, but got 5", "starts from"),
    "no batch norm": (A, block(A, conv=no_norm), COUNTS, "no batch norm", "one batch norm"),
    "no batch norm, no bias": (
        B,
        block(B, conv=partial(no_norm, bias=False)),
        COUNTS,
        "no batch norm",
        "Each convolution has one",
    ),
    "no batch norm, forked": (C, block(C, conv=no_norm), COUNTS, "no batch norm", "no bias"),
    "no batch norm in one place": (
        B,
        with_branch(B, 2, lambda c: conv(c[0], 1) + no_norm(c[0], 1, 7) + conv(c[1], 7, 1)),
        COUNTS,
        "no batch norm after the 1x7 convolution, in the branch `1x1 → 1x7 → 7x1`",
        "followed by batch norm",
    ),
    "a bare convolution": (
        B,
        with_branch(B, 2, lambda c: conv(c[0], 1) + bare(c[0], 1, 7) + conv(c[1], 7, 1)),
        COUNTS,
        "no batch norm and no ReLU after the 1x7 convolution, in the branch `1x1 → 1x7 → 7x1`",
        "followed by batch norm",
    ),
    "a bare convolution with a bias": (
        B,
        with_branch(B, 2, lambda c: conv(c[0], 1) + conv(c[0], 1, 7) + bare(c[1], 7, 1, bias=True)),
        COUNTS,
        "no batch norm and no ReLU after the 7x1 convolution, in the branch `1x1 → 1x7 → 7x1`",
        "followed by batch norm",
    ),
    "no batch norm, and another kernel that is dilated": (
        B,
        with_branch(
            B,
            2,
            lambda c: (
                conv(c[0], 1)
                + no_norm(c[0], 1, 7)
                + conv(c[1], 7, 1, padding=(6, 0), dilation=(2, 1))
            ),
        ),
        COUNTS,
        "numbers in scales, shifts and biases",
        "one batch norm",
    ),
    "no scale": (
        A,
        block(A, conv=partial(conv, norm=partial(nn.LazyBatchNorm2d, affine=False))),
        COUNTS,
        "0 numbers",
        "scale and shift",
    ),
    "biases": (A, block(A, conv=partial(conv, bias=True)), COUNTS, "with a bias", "cancels it"),
    "padded on both sides": (
        B,
        block(B, conv=partial(conv, padding=3)),
        SIZE,
        "34",
        r"padding \(h // 2, w // 2\)",
    ),
    "not padded": (B, block(B, conv=partial(conv, padding=0)), SIZE, "22", r"h // 2"),
    "fork padded on both sides": (
        C,
        block(C, fork=partial(fork, conv=partial(conv, padding=1))),
        SIZE,
        "height or width of 30",
        r"h // 2",
    ),
    "padded crosswise": (
        C,
        block(C, fork=partial(fork, conv=turned)),
        SIZE,
        "height or width of",
        "h high and w wide",
    ),
    "padded crosswise twice": (
        B,
        with_branch(B, 2, lambda c: conv(c[0], 1) + turned(c[0], 1, 7) + turned(c[1], 7, 1)),
        AGREES,
        "padding on the wrong sides, in the branch `1x1 → 1x7 → 7x1`",
        "h high",
    ),
    "sequence for a fork": (
        C,
        block(C, fork=in_sequence),
        COUNTS,
        "a 1x3 convolution from 10 to 10",
        "same input, side by side, and are concatenated",
    ),
    "sequence of halves": (
        C,
        block(C, fork=lambda c: conv(c - c // 2, 1, 3) + conv(c // 2, 3, 1)),
        JOINS,
        "31 channels",
        "Not joined, it seems",
    ),
    "fork added": (C, block(C, fork=full_sum), COUNTS, "convolution from 10 to 10", "concatenated"),
    "halves added": (
        C,
        block(C, fork=partial(fork, join=Sum)),
        JOINS,
        "combined element by element",
        "cannot be added",
    ),
    "arms with all channels": (C, block(C, fork=full_join), JOINS, "66 channels", "c − c // 2"),
    "odd channel to the 3x1": (
        C,
        block(C, fork=low_half_first),
        COUNTS,
        "3x1 convolution from 5 to 7",
        "c − c",
    ),
    "one arm": (
        C,
        with_branch(C, 2, lambda c: conv(c[0], 1) + conv(c[1] - c[1] // 2, 1, 3)),
        JOINS,
        "37 channels",
        "`1x1 → 3x1`",
    ),
    "5x5": (
        A,
        with_branch(A, 3, lambda c: conv(c[0], 1) + conv(c[1], 5)),
        COUNTS,
        "a 5x5 convolution from 3 to 10",
        "should be 3x3",
    ),
    "one 3x3": (
        A,
        with_branch(A, 3, lambda c: conv(c[0], 1) + conv(c[1], 3)),
        COUNTS,
        "no 3x3 convolution from 10 to 10",
        "with the table",
    ),
    "narrow middle": (
        A,
        with_branch(A, 3, lambda c: conv(c[0], 1) + conv(c[0], 3) + conv(c[1], 3)),
        COUNTS,
        "a 3x3 convolution from 3 to 3",
        "with the table",
    ),
    "n = 3": (
        B,
        with_branch(B, 2, lambda c: conv(c[0], 1) + conv(c[0], 1, 3) + conv(c[1], 3, 1)),
        COUNTS,
        "a 1x3 convolution",
        "should be 1x7",
    ),
    "7x1 first": (
        B,
        with_branch(B, 2, lambda c: conv(c[0], 1) + conv(c[0], 7, 1) + conv(c[1], 1, 7)),
        COUNTS,
        "a 7x1 convolution from 5 to 5",
        r"kernel_size=\(1, 7\).*order",
    ),
    "two 7x1 in a row": (
        B,
        with_branch(
            B,
            3,
            lambda c: (
                conv(c[0], 1)
                + conv(c[0], 7, 1)
                + conv(c[0], 7, 1)
                + conv(c[0], 1, 7)
                + conv(c[1], 1, 7)
            ),
        ),
        AGREES,
        "in another order",
        "The table",
    ),
    "1x1 before its pool": (
        A,
        with_branch(A, 4, lambda c: [*conv(c, 1), pool()]),
        AGREES,
        "the convolution before the pool, in the branch `pool → 1x1`",
        "begins with",
    ),
    "average pool": (
        B,
        with_branch(B, 4, lambda c: [nn.AvgPool2d(3, 1, 1), *conv(c, 1)]),
        AGREES,
        "average pooling",
        "maximum",
    ),
    "no pool": (C, with_branch(C, 4, lambda c: conv(c, 1)), AGREES, "no pooling", "begins with"),
    "pool too much": (
        A,
        with_branch(A, 1, lambda c: [pool(), *conv(c, 1)]),
        AGREES,
        "the pooled input",
        "Only the last",
    ),
    "pool by default": (
        A,
        with_branch(A, 4, lambda c: [nn.MaxPool2d(3), *conv(c, 1)]),
        SIZE,
        "9",
        "stride=1",
    ),
    "ReLU before batch norm": (
        B,
        block(B, conv=relu_first),
        AGREES,
        "ReLU before batch norm",
        "then by ReLU",
    ),
    "no ReLU at an end": (
        C,
        with_branch(C, 1, lambda c: conv(c, 1)[:2]),
        AGREES,
        "no ReLU after the 1x1",
        "then by ReLU",
    ),
    "GELU": (
        A,
        with_branch(A, 1, lambda c: [*conv(c, 1)[:2], nn.GELU()]),
        AGREES,
        "GELU in place",
        "ReLU",
    ),
    "dilated": (
        A,
        with_branch(A, 2, lambda c: conv(c[0], 1) + conv(c[1], 3, padding=2, dilation=2)),
        AGREES,
        "other values in the branch `1x1 → 3x3`",
        "step by step",
    ),
    "no running statistics": (
        A,
        block(A, conv=partial(conv, norm=partial(nn.LazyBatchNorm2d, track_running_stats=False))),
        REMEMBERS,
        "depends on the other images",
        "1.1",
    ),
    "momentum 0": (
        A,
        block(A, conv=partial(conv, norm=partial(nn.LazyBatchNorm2d, momentum=0.0))),
        REMEMBERS,
        "leaves as they were",
        "1.1",
    ),
    "in a list": (A, Listed, COUNTS, "does not know of", "ModuleList"),
    "input changed": (A, outer(A, lambda f, X: f(X.relu_())), INPUT, "changed", "In-place"),
    "not finite": (B, outer(B, lambda f, X: f(X) * torch.nan), AGREES, "not finite", "step"),
    "dropout": (B, outer(B, lambda f, X: F.dropout(f(X))), AGREES, "differ", "dropout"),
    "cut gradient": (C, outer(C, lambda f, X: f(X).detach()), TRAINS, "parameters", "detach"),
    "input joined": (A, outer(A, lambda f, X: torch.cat([f(X), X], 1)), JOINS, "49", "table"),
    "built": (B, block(B)(*CHANNELS), BUILDS, "already built", "8.4/1.2b"),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_wrong_blocks_are_explained(case):
    exercise, attempt, failed, found, nudge = case
    report = run(exercise, attempt)
    assert report.failed == failed, report.text
    assert found in report.problem.found, report.text
    assert re.search(nudge, report.problem.nudge), report.text
    assert max(map(len, report.text.splitlines())) <= 88
    assert run(exercise, attempt).text == report.text


def test_no_layer_is_blamed_by_counts_alone():
    """5 + 3 + 3 numbers are missing, as many as behind the pool's convolution."""

    def attempt(c1, c2, c3, c4):
        two = conv(c2[0], 1) + bare(c2[0], 1, 7) + conv(c2[1], 7, 1)
        return Join(conv(c1, 1), two, bare_sevens(c3), [pool(), *conv(c4, 1)])

    report = run(B, attempt)
    assert report.problem.code == "vectors"
    assert "branch" not in report.problem.found


@pytest.mark.parametrize("exercise", [A, B, C])
def test_unfilled_and_junk(exercise):
    class Unfilled(nn.Module):
        def __init__(self, c1, c2, c3, c4):
            super().__init__()

        def forward(self, X):
            raise NotImplementedError

    for attempt in (None, ..., Unfilled):
        assert not run(exercise, attempt).attempted
    for attempt in (3, nn.Conv2d, lambda *c: nn.Identity(), outer(exercise, lambda f, X: None)):
        assert not run(exercise, attempt).passed


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_no_mistake_is_right(expression):
    for branch in graph.branches(expression(*CHANNELS)):
        wrong = [apply(branch, mistake) for mistake in singles(branch, RULES)]
        assert branch not in wrong


@pytest.mark.parametrize("answer", [16 / 9, 1.77, 1.78, 1.7778, torch.tensor(16 / 9), "16/9"])
def test_the_right_ratio(answer):
    assert run("8.4/1.2d", answer).passed


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        (25 / 18, "where they meet"),
        (0.72, "meet"),
        (0.5625, "Upside down"),
        (1, "cheaper"),
        (2, "dearer"),
        (2.78, "the first of the two"),
        (7, "k² a b"),
        (1.76, "k² a b"),
        (1.8, "k² a b"),
        ("25/18", "where they meet"),
        ("16:9", "nothing else"),
    ],
)
def test_wrong_ratios(answer, reply):
    report = run("8.4/1.2d", answer)
    assert not report.passed
    assert reply in report.problem.nudge


@pytest.mark.parametrize("seed", [1, 2])
def test_other_random_numbers_give_the_same_verdict(redraw, seed):
    for exercise in (A, B, C):
        redraw(exercise, seed)
    assert all(run(exercise, attempt).passed for exercise, attempt in RIGHT.values())
    for exercise, attempt, failed, found, _ in WRONG.values():
        report = run(exercise, attempt)
        assert report.failed == failed, report.text
        assert found in report.problem.found


def test_a_block_that_asks_for_its_input_channels_goes_on_without_them():
    from d2l_utils.checks import yours

    Used = yours(C, Eager, None)
    assert Used(4, (2, 6), (2, 5), 3)(torch.rand(2, 7, 8, 8)).shape == (2, 18, 8, 8)
