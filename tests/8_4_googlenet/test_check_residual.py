"""The check of the residual Inception block: right styles pass, wrong ones are explained."""

import re
import time

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from d2l_utils.checks import run

EXERCISE = "8.4/1.4"
INDEX = {
    name: i
    for i, name in enumerate(
        ("builds", "runs", "shape", "input", "counts", "adds", "branches", "trains")
    )
}


def unit(channels, k, **options):
    conv = nn.LazyConv2d(channels, k, padding=k // 2, bias=False)
    return [conv, nn.LazyBatchNorm2d(**options), nn.ReLU()]


class Branches(nn.Module):
    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(nn.Sequential(*layers) for layers in branches)

    def forward(self, X):
        return torch.cat([branch(X) for branch in self.branches], 1)


def four(c1, c2, c3, c4):
    pool = nn.MaxPool2d(3, stride=1, padding=1)
    return (
        unit(c1, 1),
        unit(c2[0], 1) + unit(c2[1], 3),
        unit(c3[0], 1) + unit(c3[1], 5),
        [
            pool,
            *unit(c4, 1),
        ],
    )


class Base(nn.Module):
    """A right block; the wrong ones replace its branches, what closes it, or how it adds."""

    four = staticmethod(four)
    close = staticmethod(lambda width: [nn.LazyConv2d(width, 1)])

    def __init__(self, width, c1, c2, c3, c4, scale):
        super().__init__()
        self.branches = Branches(*self.four(c1, c2, c3, c4))
        self.closing = nn.Sequential(*self.close(width))
        self.scale = scale
        self.more(width)

    def more(self, width):
        pass

    def body(self, X):
        return self.closing(self.branches(X))

    def add(self, X, R):
        return torch.relu(X + self.scale * R)

    def forward(self, X):
        return self.add(X, self.body(X))


def with_(**methods):
    return type("Attempt", (Base,), methods)


def adding(add):
    return with_(add=add)


def closing(*layers):
    return with_(
        close=staticmethod(lambda width: [nn.LazyConv2d(width, 1), *[f() for f in layers]])
    )


def branch(i, make):
    def changed(c1, c2, c3, c4):
        branches = list(four(c1, c2, c3, c4))
        branches[i] = make(c1, c2, c3, c4)
        return branches

    return with_(four=staticmethod(changed))


# Right solutions


class Eager(nn.Module):
    """Nothing lazy, the pool first, the input last in the sum, a kernel kept as a matrix."""

    def __init__(self, width, c1, c2, c3, c4, scale=1.0):
        super().__init__()

        def own(i, o, k):
            conv = nn.Conv2d(i, o, k, padding="same", bias=False)
            return nn.Sequential(conv, nn.BatchNorm2d(o, eps=1e-3), nn.ReLU(inplace=True))

        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), own(width, c4, 1))
        self.five = nn.Sequential(own(width, c3[0], 1), own(*c3, 5))
        self.three = nn.Sequential(own(width, c2[0], 1), own(*c2, 3))
        self.one = own(width, c1, 1)
        self.linear = nn.Linear(c1 + c2[1] + c3[1] + c4, width)
        self.factor = scale

    def forward(self, X):
        Y = torch.cat([part(X) for part in (self.pool, self.one, self.five, self.three)], 1)
        R = self.linear(Y.movedim(1, -1)).movedim(-1, 1)
        return F.relu(R.mul(self.factor).add(X), inplace=True)


class Functional(Base):
    """The closing convolution by hand, its parameters made at the first forward."""

    def more(self, width):
        self.W, self.b = nn.UninitializedParameter(), nn.Parameter(torch.zeros(width))
        self.width, self.closing = width, None

    def body(self, X):
        Y = self.branches(X)
        if isinstance(self.W, nn.UninitializedParameter):
            self.W = nn.Parameter(torch.randn(self.width, Y.shape[1], 1, 1))
        return F.conv2d(self.scale * Y, self.W, self.scale * self.b)

    def add(self, X, R):
        return (R + X).clamp(min=0)


def factory(width, c1, c2, c3, c4, scale):
    return Base(width, c1, c2, c3, c4, scale)


RIGHT = {
    "Base": Base,
    "Eager": Eager,
    "Functional": Functional,
    "factory": factory,
    "scale kept as a buffer": with_(
        more=lambda self, width: self.register_buffer("s", torch.tensor(self.scale)),
        add=lambda self, X, R: F.relu(torch.add(X, self.s * R)),
    ),
    "branches in another order": with_(four=staticmethod(lambda *c: four(*c)[::-1])),
}


@pytest.mark.parametrize("attempt", RIGHT.values(), ids=RIGHT.keys())
def test_right_solutions_pass(attempt):
    report = run(EXERCISE, attempt)
    assert report.passed, report.text


# Wrong solutions: (attempt, the requirement not met, words in what is found, words in the nudge)


def each_branch_plus_input(self, X):
    return torch.cat([branch(X) + X for branch in self.branches.branches], 1)


class Published(Base):
    """An answer found in the wild, with its batch norm before the pool branch's convolution."""

    forward = each_branch_plus_input

    @staticmethod
    def four(c1, c2, c3, c4):
        *others, (pool, *own) = four(c1, c2, c3, c4)
        return *others, [pool, nn.LazyBatchNorm2d(), *own]


def norm_before_pooled_convolution(c1, c2, c3, c4):
    return [nn.MaxPool2d(3, 1, 1), nn.LazyBatchNorm2d(), *unit(c4, 1)]


def relu_first(c1, c2, c3, c4):
    conv, norm, relu = unit(c1, 1)
    return [conv, relu, norm]


WRONG = {
    "published": (Published, "shape", "X, of 6 channels, added to a tensor of 4", "Concatenate"),
    "published, its branches": (
        branch(3, norm_before_pooled_convolution),
        "counts",
        "in the branches, 1617 parameters: the pool's output is normalised",
        "not before it",
    ),
    "X added to the concatenation": (
        with_(forward=lambda self, X: self.add(X, self.branches(X))),
        "shape",
        "X, of 6 channels, added to a tensor of 16",
        "A 1x1 convolution brings",
    ),
    "no sum, no closing convolution": (
        with_(forward=lambda self, X: self.branches(X)),
        "shape",
        "43 channels",
        "A 1x1 convolution brings",
    ),
    "X concatenated": (
        with_(body=lambda self, X: self.closing(torch.cat([self.branches(X), X], 1))),
        "counts",
        "a closing convolution of 49 channels, not of 43",
        "X comes in later",
    ),
    "X concatenated, no sum": (
        with_(forward=lambda self, X: self.closing(torch.cat([self.branches(X), X], 1))),
        "counts",
        "49 channels",
        "Concatenate the last output of each branch",
    ),
    "concatenated along the height": (
        with_(
            body=lambda self, X: self.closing(
                torch.cat([branch(X) for branch in self.branches.branches], 2)
            )
        ),
        "shape",
        "added to a tensor of 112",
        "along the channels, dimension 1",
    ),
    "branches added to one another": (
        with_(body=lambda self, X: self.closing(sum(b(X) for b in self.branches.branches))),
        "shape",
        "tensors of 9 and 13 channels added",
        "Concatenate first",
    ),
    "no padding in a branch": (
        branch(1, lambda c1, c2, *_: [nn.LazyConv2d(c2[1], 3), nn.ReLU()]),
        "shape",
        "26",
        "without padding",
    ),
    "no padding anywhere": (
        with_(close=staticmethod(lambda width: [nn.LazyConv2d(width, 3)])),
        "shape",
        "added to a tensor of 26",
        "without padding",
    ),
    "old arguments": (
        lambda c1, c2, c3, c4: Base(6, c1, c2, c3, c4, 1),
        "builds",
        "(c1, c2, c3, c4)",
        "width",
    ),
    "instance": (Base(6, 9, (5, 13), (3, 10), 11, 1), "builds", "already built", "the class"),
    "input changed": (
        adding(lambda self, X, R: X.add_(self.scale * R).relu_()),
        "input",
        "have changed",
        "In-place",
    ),
    "no bias": (
        with_(close=staticmethod(lambda width: [nn.LazyConv2d(width, 1, bias=False)])),
        "counts",
        "has no bias",
        "linear",
    ),
    "batch norm after the closing convolution": (
        closing(nn.LazyBatchNorm2d),
        "counts",
        "a batch norm of the residual",
        "no batch norm, no ReLU",
    ),
    "batch norm in place of its bias": (
        with_(
            close=staticmethod(
                lambda width: [nn.LazyConv2d(width, 1, bias=False), nn.LazyBatchNorm2d()]
            )
        ),
        "counts",
        "a batch norm of the residual",
        "linear",
    ),
    "batch norm without parameters": (
        closing(lambda: nn.LazyBatchNorm2d(affine=False)),
        "adds",
        "other values in training",
        "normalises",
    ),
    "dropout": (closing(lambda: nn.Dropout(0.2)), "adds", "in training", "drops"),
    "a 3x3 closes": (
        with_(close=staticmethod(lambda width: [nn.LazyConv2d(width, 3, padding=1)])),
        "counts",
        "no convolution from 43 to 6",
        "A 1x1",
    ),
    "two convolutions close": (
        with_(
            close=staticmethod(lambda w: [nn.LazyConv2d(43, 1), nn.ReLU(), nn.LazyConv2d(w, 1)])
        ),
        "counts",
        "in the branches, ",
        "",
    ),
    "projected shortcut": (
        with_(
            more=lambda self, width: setattr(self, "shortcut", nn.LazyConv2d(width, 1)),
            forward=lambda self, X: self.add(self.shortcut(X), self.body(X)),
        ),
        "counts",
        "a convolution of X",
        "added as it is",
    ),
    "learned scale": (
        with_(
            more=lambda self, width: setattr(self, "scale", nn.Parameter(torch.tensor(self.scale)))
        ),
        "counts",
        "one number",
        "not learned",
    ),
    "closing convolution unused": (
        with_(forward=lambda self, X: torch.relu(X + self.branches(X)[:, :6])),
        "counts",
        "never used",
        "its place",
    ),
    "layers made in forward": (
        with_(
            more=lambda self, width: self._modules.clear(),
            forward=lambda self, X: X + nn.Conv2d(6, 6, 1)(X),
        ),
        "counts",
        "no layer belongs",
        "__init__",
    ),
    "ReLU on the residual": (
        closing(nn.ReLU),
        "adds",
        "ReLU is applied to the residual",
        "only add, never take away",
    ),
    "ReLU on the residual, none on the sum": (
        adding(lambda self, X, R: X + self.scale * R.relu()),
        "adds",
        "ReLU is applied to the residual",
        "linear",
    ),
    "no ReLU": (adding(lambda self, X, R: X + self.scale * R), "adds", "no ReLU after", "then"),
    "ReLU on X": (
        adding(lambda self, X, R: torch.relu(X.relu() + self.scale * R)),
        "adds",
        "applied to X",
        "as it is",
    ),
    "scale on the shortcut": (
        adding(lambda self, X, R: torch.relu(self.scale * X + R)),
        "adds",
        "X is multiplied by the scale",
        "residual alone",
    ),
    "scale on the sum": (
        adding(lambda self, X, R: self.scale * torch.relu(X + R)),
        "adds",
        "the sum is multiplied by the scale",
        "residual alone",
    ),
    "scale shared out": (
        adding(lambda self, X, R: torch.relu((1 - self.scale) * X + self.scale * R)),
        "adds",
        "X is multiplied by 0.75",
        "residual alone",
    ),
    "no scale": (adding(lambda self, X, R: torch.relu(X + R)), "adds", "scale is not used", "once"),
    "scale twice": (
        adding(lambda self, X, R: torch.relu(X + self.scale**2 * R)),
        "adds",
        "multiplied by 0.0625, for a scale of 0.25",
        "once",
    ),
    "a scale of its own": (
        adding(lambda self, X, R: torch.relu(X + 0.5 * R)),
        "adds",
        "multiplied by 0.5, for a scale of 0.25",
        "that the block was given",
    ),
    "subtracted": (
        adding(lambda self, X, R: torch.relu(X - self.scale * R)),
        "adds",
        "multiplied by -0.25",
        "once",
    ),
    "no shortcut": (
        adding(lambda self, X, R: torch.relu(self.scale * R)),
        "adds",
        "X is not in the sum",
        "Add the block's input",
    ),
    "no residual": (
        adding(lambda self, X, R: torch.relu(X + 0 * R)),
        "adds",
        "the residual is not in the sum",
        "multiply the residual by the scale, then add X",
    ),
    "sigmoid": (
        adding(lambda self, X, R: torch.sigmoid(X + self.scale * R)),
        "adds",
        "X is multiplied by 0.125",
        "residual alone",
    ),
    "batch norm of X": (
        with_(
            more=lambda self, width: setattr(self, "norm", nn.LazyBatchNorm2d()),
            body=lambda self, X: Base.body(self, self.norm(X)),
        ),
        "counts",
        "the block's input is normalised",
        "not before it",
    ),
    "not finite": (adding(lambda self, X, R: X * torch.nan), "adds", "", ""),
    "ReLU before batch norm": (
        branch(0, relu_first),
        "branches",
        "ReLU before batch norm, in the branch `1x1`",
        "then apply ReLU",
    ),
    "average pool": (
        branch(3, lambda c1, c2, c3, c4: [nn.AvgPool2d(3, 1, 1), *unit(c4, 1)]),
        "branches",
        "average pooling, in the branch `pool → 1x1`",
        "maximum",
    ),
    "no batch norm in the branches": (
        with_(
            four=staticmethod(
                lambda *c: [
                    [layer for layer in branch if not isinstance(layer, nn.LazyBatchNorm2d)]
                    for branch in four(*c)
                ]
            )
        ),
        "counts",
        "no batch norm",
        "Six batch norms",
    ),
    "3x3 in branch 3": (
        branch(2, lambda c1, c2, c3, c4: unit(c3[0], 1) + unit(c3[1], 3)),
        "counts",
        "3x3 convolution from 3 to 10",
        "5x5 in the paper",
    ),
    "no ReLU at the end of a branch": (
        branch(2, lambda c1, c2, c3, c4: unit(c3[0], 1) + unit(c3[1], 5)[:2]),
        "branches",
        "no ReLU at the end, in the branch `1x1 → 5x5`",
        "followed by ReLU",
    ),
    "momentum 0": (
        branch(0, lambda c1, *_: unit(c1, 1, momentum=0.0)),
        "branches",
        "as they were, in the branch `1x1`",
        "`momentum` 0",
    ),
    "cut gradient": (
        adding(lambda self, X, R: torch.relu(X + self.scale * R.detach())),
        "trains",
        "20 of 20 parameters",
        "detach",
    ),
    "one tensor too few": (adding(lambda self, X, R: None), "runs", "returns nothing", "return"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_wrong_solutions_are_explained(case):
    attempt, requirement, found, nudge = case
    report = run(EXERCISE, attempt)
    assert report.failed == INDEX[requirement], report.text
    assert found in report.problem.found, report.text
    assert re.search(nudge, report.problem.nudge), report.text
    assert report.problem.nudge.count(". ") <= 1


class Scaffold(nn.Module):
    def __init__(self, width, c1, c2, c3, c4, scale):
        super().__init__()

    def forward(self, X):
        raise NotImplementedError


@pytest.mark.parametrize(
    "attempt", [None, ..., Scaffold, lambda width, c1, c2, c3, c4, scale: None]
)
def test_unattempted(attempt):
    report = run(EXERCISE, attempt)
    assert not report.attempted


@pytest.mark.parametrize(
    "attempt",
    [7, nn.Conv2d, lambda *_: nn.Identity(), lambda *_: nn.ReLU(), lambda *_: 7, with_(eval=None)],
)
def test_junk_is_refused_without_an_error(attempt):
    report = run(EXERCISE, attempt)
    assert not report.passed
    assert "0x" not in report.text


@pytest.mark.parametrize("seed", range(2))
def test_the_verdict_does_not_depend_on_the_numbers_drawn(redraw, seed):
    redraw(EXERCISE, seed)
    assert all(run(EXERCISE, attempt).passed for attempt in RIGHT.values())
    assert [run(EXERCISE, case[0]).failed for case in WRONG.values()] == [
        INDEX[case[1]] for case in WRONG.values()
    ]


def test_a_check_is_instant():
    start = time.process_time()
    run(EXERCISE, Base)
    assert time.process_time() - start < 1


# The questions

WRONG_ANSWERS = [
    ("b", 768, "the first block"),
    ("b", 192, "each branch"),
    ("b", 1536, "concatenated"),
    ("b", 7, "next block"),
    ("c", 5, "hundredth"),
    ("c", 41, "scale 1"),
    ("c", 0.4, "input"),
    ("c", 1.489, "batch norm"),
    ("c", 45.26, "square"),
    ("c", 7, "add up"),
    ("c", "a lot", "number"),
]


@pytest.mark.parametrize(("question", "answer"), [("b", 192 * 4**2), ("c", 1.4)])
def test_right_answers_pass(question, answer):
    assert run(f"{EXERCISE}{question}", answer).passed
    assert not run(f"{EXERCISE}{question}", None).attempted


@pytest.mark.parametrize(("question", "answer", "reply"), WRONG_ANSWERS)
def test_wrong_answers_get_their_own_reply(question, answer, reply):
    report = run(f"{EXERCISE}{question}", answer)
    assert not report.passed
    assert reply in report.problem.nudge
