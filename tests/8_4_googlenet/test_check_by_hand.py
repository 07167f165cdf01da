"""The checks of blocks, of batch norms written by hand and of other habits, in every exercise."""

import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from d2l_utils.checks import run

A, B, C, NORMED, RESIDUAL = "8.4/1.2a", "8.4/1.2b", "8.4/1.2c", "8.4/1.1", "8.4/1.4"


class Norm(nn.Module):
    """A right batch norm, whose parts the wrong ones replace."""

    def __init__(self, channels, momentum=0.1):
        super().__init__()
        self.scale, self.shift = (nn.Parameter(f(channels)) for f in (torch.ones, torch.zeros))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))
        self.momentum = momentum

    def batch(self, X):
        return X.mean((0, 2, 3)), X.var((0, 2, 3), unbiased=False)

    def update(self, mean, variance):
        self.mean += self.momentum * (mean - self.mean)
        self.variance += self.momentum * (variance - self.variance)

    def norm(self, X, mean, variance):
        return (X - mean[:, None, None]) / (variance[:, None, None] + 1e-5).sqrt()

    def affine(self, Y):
        return self.scale[:, None, None] * Y + self.shift[:, None, None]

    def evaluate(self, X):
        return self.affine(self.norm(X, self.mean, self.variance))

    def forward(self, X):
        if not self.training:
            return self.evaluate(X)
        mean, variance = self.batch(X)
        with torch.no_grad():
            self.update(mean, variance)
        return self.affine(self.norm(X, mean, variance))


def by_hand(**methods):
    return type("Own", (Norm,), methods)


class InADict(Norm):
    """Statistics where nobody finds them."""

    def __init__(self, channels):
        super().__init__(channels)
        self.kept = [self._buffers.pop("mean"), self._buffers.pop("variance")]

    mean = property(lambda self: self.kept[0], lambda self, new: None)
    variance = property(lambda self: self.kept[1], lambda self, new: None)


class Remembering(Norm):
    """It keeps the last batch's mean, too."""

    def update(self, mean, variance):
        self.last = mean.clone()
        super().update(mean, variance)


class Swapped(nn.BatchNorm2d):
    def forward(self, X):
        vectors = self.running_var, self.running_mean, self.weight, self.bias
        return F.batch_norm(X, *vectors, self.training)


class SwappedAffine(nn.BatchNorm2d):
    def forward(self, X):
        vectors = self.running_mean, self.running_var, self.bias, self.weight
        return F.batch_norm(X, *vectors, self.training)


def random_start(channels):
    norm = nn.BatchNorm2d(channels)
    nn.init.uniform_(norm.weight)
    nn.init.normal_(norm.bias)
    return norm


def moving(*names):
    """An update of one of the two only."""

    def update(self, mean, variance):
        new = {"mean": mean, "variance": variance}
        for name in names:
            getattr(self, name).mul_(0.9).add_(0.1 * new[name])

    return update


def add_up(self, mean, variance):
    self.mean += 0.1 * mean
    self.variance += 0.1 * variance


def unit(norm, inputs, out, *kernel):
    kernel = kernel if len(kernel) == 2 else kernel * 2
    padding = tuple(n // 2 for n in kernel)
    return [nn.Conv2d(inputs, out, kernel, padding=padding, bias=False), norm(out), nn.ReLU()]


class Fork(nn.Module):
    def __init__(self, norm, inputs, c, halves=lambda c: (c - c // 2, c // 2)):
        super().__init__()
        row, column = halves(c)
        self.row = nn.Sequential(*unit(norm, inputs, row, 1, 3))
        self.column = nn.Sequential(*unit(norm, inputs, column, 3, 1))

    def forward(self, X):
        return torch.cat([self.row(X), self.column(X)], 1)


def make_branches(exercise, norm, inputs, c1, c2, c3, c4, **fork):
    (a, b), (c, d) = c2, c3
    two, three = unit(norm, inputs, a, 1), unit(norm, inputs, c, 1)
    if exercise == A:
        two, three = two + unit(norm, a, b, 3), three + unit(norm, c, d, 3) + unit(norm, d, d, 3)
    elif exercise == B:
        two += unit(norm, a, a, 1, 7) + unit(norm, a, b, 7, 1)
        for i, out in enumerate((c, c, c, d)):
            three += unit(norm, c, out, *((1, 7) if i % 2 else (7, 1)))
    elif exercise == C:
        two += [Fork(norm, a, b, **fork)]
        three += [*unit(norm, c, d, 3), Fork(norm, d, d, **fork)]
    else:
        two, three = two + unit(norm, a, b, 3), three + unit(norm, c, d, 5)
    pooled = [nn.MaxPool2d(3, 1, 1), *unit(norm, inputs, c4, 1)]
    return [nn.Sequential(*b) for b in (unit(norm, inputs, c1, 1), two, three, pooled)]


def block(exercise, norm=nn.BatchNorm2d, **fork):
    """The class of a block, of any batch norm."""
    of_branches = NORMED if exercise == RESIDUAL else exercise

    class Plain(nn.Module):
        def __init__(self, in_channels, c1, c2, c3, c4):
            super().__init__()
            made = make_branches(of_branches, norm, in_channels, c1, c2, c3, c4, **fork)
            self.branches = nn.ModuleList(made)

        def forward(self, X):
            return torch.cat([branch(X) for branch in self.branches], 1)

    class Residual(Plain):
        def __init__(self, width, c1, c2, c3, c4, scale):
            super().__init__(width, c1, c2, c3, c4)
            self.closing, self.scale = nn.Conv2d(c1 + c2[1] + c3[1] + c4, width, 1), scale

        def body(self, X):
            return self.closing(super().forward(X))

        def forward(self, X):
            return torch.relu(X + self.scale * self.body(X))

    return Residual if exercise == RESIDUAL else Plain


def words(exercise, attempt):
    report = run(exercise, attempt)
    assert not report.passed
    assert max(map(len, report.text.splitlines())) <= 88
    return f"{report.problem.found} | {report.problem.nudge}"


RIGHT = {
    "by hand": Norm,
    "in a dict": InADict,
    "remembering": Remembering,
    "long memory": lambda channels: Norm(channels, 0.01),
    "no memory": lambda channels: Norm(channels, 1.0),
    "cumulative": lambda channels: nn.BatchNorm2d(channels, momentum=None),
    "random start": random_start,
}


@pytest.mark.parametrize("exercise", [NORMED, A, B, C, RESIDUAL])
@pytest.mark.parametrize("seed", [84, 2, 5, 6])
def test_right_norms_pass(redraw, exercise, seed):
    redraw(exercise, seed)
    for name, norm in RIGHT.items():
        report = run(exercise, block(exercise, norm))
        assert report.passed, (name, report.text)


def twice(self, X):
    return 2 * Norm.evaluate(self, X)


UNTRUE = "other values after `eval"
WRONG = {
    "twice": (by_hand(evaluate=twice), "twice what it should"),
    "twice, hidden": (type("Own", (InADict,), {"evaluate": twice}), UNTRUE),
    "twice, remembering": (type("Own", (Remembering,), {"evaluate": twice}), UNTRUE),
    "no division": (by_hand(norm=lambda s, X, m, v: X - m[:, None, None]), "not divide"),
    "no division in evaluation": (
        by_hand(evaluate=lambda self, X: self.affine(X - self.mean[:, None, None])),
        "does not divide",
    ),
    "no root": (
        by_hand(norm=lambda s, X, m, v: (X - m[:, None, None]) / v[:, None, None]),
        "not by its root",
    ),
    "variance never updated": (by_hand(update=moving("mean")), "as they were"),
    "mean never updated": (by_hand(update=moving("variance")), "as they were"),
    "momentum 0": (lambda channels: Norm(channels, 0), "as they were"),
    "shift first": (
        by_hand(affine=lambda s, Y: s.scale[:, None, None] * (Y + s.shift[:, None, None])),
        "shift before it multiplies",
    ),
    "unbiased": (by_hand(batch=lambda s, X: (X.mean((0, 2, 3)), X.var((0, 2, 3)))), "unbiased"),
    "mean for variance": (Swapped, "takes the mean for the variance"),
    "scale for shift": (SwappedAffine, "began as zeros"),
    "swapped in evaluation": (
        by_hand(evaluate=lambda self, X: self.affine(self.norm(X, self.variance, self.mean))),
        "running variance",
    ),
    "deviation kept": (
        by_hand(update=lambda self, mean, var: Norm.update(self, mean, var.sqrt())),
        UNTRUE,
    ),
    "added up": (by_hand(update=add_up), "stays whole"),
    "no shift": (by_hand(affine=lambda s, Y: s.scale[:, None, None] * Y + 0 * s.shift.sum()),
                 "does not use its shift"),
}  # fmt: skip


@pytest.mark.parametrize("exercise", [NORMED, A, B, C, RESIDUAL])
@pytest.mark.parametrize("name", WRONG)
def test_wrong_norms_are_explained(exercise, name):
    norm, found = WRONG[name]
    assert found in words(exercise, block(exercise, norm))


# -- other habits, in every exercise with batch norm ---------------------------------------------


def around(exercise, forward):
    """A block, its result changed."""
    base = block(exercise)

    def changed(self, X):
        return forward(lambda X: base.forward(self, X), X)

    return type("Attempt", (base,), {"forward": changed})


@pytest.mark.parametrize("exercise", [NORMED, A, RESIDUAL])
def test_habits_are_explained(exercise):
    squeezed = around(exercise, lambda f, X: f(X).squeeze())
    fixed = around(exercise, lambda f, X: f(X).reshape(2, -1, *X.shape[2:]))
    for attempt in (squeezed, fixed):
        assert "for one image | The batch size must not be fixed" in words(exercise, attempt)
    cut = around(exercise, lambda f, X: f(X.detach()))
    assert "the gradient is lost | Look for `detach`" in words(exercise, cut)


def test_layers_in_nested_lists_and_in_forward():
    class Nested(block(A)):
        def __init__(self, in_channels, c1, c2, c3, c4):
            super().__init__(in_channels, c1, c2, c3, c4)
            self.kept = [list(self.branches)[1:]]
            self.branches = self.branches[:1]

        def forward(self, X):
            return torch.cat([b(X) for b in (*self.branches, *self.kept[0])], 1)

    class InForward(Nested):
        def __init__(self, *channels):
            super().__init__(*channels)
            self.kept, self.channels = None, channels

        def forward(self, X):
            made = make_branches(A, nn.BatchNorm2d, *self.channels)[1:]
            return torch.cat([b(X) for b in (*self.branches, *made)], 1)

    assert "plain Python list" in words(A, Nested)
    assert "`forward` makes anew" in words(
        A, lambda in_channels, c1, c2, c3, c4: InForward(in_channels, c1, c2, c3, c4)
    )


@pytest.mark.parametrize(
    ("halves", "found"),
    [
        (lambda c: (c // 2, c // 2), "loses a channel"),
        (lambda c: (c - c // 2, c - c // 2), "one too many"),
        (lambda c: (c / 2, c / 2), "`c / 2` is a float"),
    ],
)
def test_halves_of_a_fork(halves, found):
    assert found in words(C, block(C, halves=halves))


# -- the residual block --------------------------------------------------------------------------


class PerBranch(block(RESIDUAL)):
    """A closing convolution for each branch."""

    def __init__(self, width, c1, c2, c3, c4, scale):
        super().__init__(width, c1, c2, c3, c4, scale)
        widths = c1, c2[1], c3[1], c4
        self.closing = nn.ModuleList(nn.Conv2d(c, width, 1) for c in widths)

    def body(self, X):
        ends = zip(self.closing, self.branches, strict=True)
        return sum(closing(branch(X)) for closing, branch in ends)


def residual(body=None, forward=None):
    given = {"body": body, "forward": forward}
    return type("Attempt", (block(RESIDUAL),), {k: v for k, v in given.items() if v})


def joined(dim):
    def body(self, X):
        return F.conv2d(torch.cat([b(X) for b in self.branches], dim), self.closing.weight[:, :4])

    return residual(body)


@pytest.mark.parametrize(
    ("attempt", "found"),
    [
        (PerBranch, "a closing convolution for each branch"),
        (joined(0), "images, added to a tensor of 8 | .*along the batch"),
        (joined(2), "28 pixels, added to a tensor of 112"),
        (residual(forward=lambda s, X: torch.relu(X.detach() + s.scale * s.body(X))), "is lost"),
        (residual(forward=lambda s, X: torch.relu(X + s.scale * s.body(X.detach()))), "is lost"),
        (
            residual(
                forward=lambda s, X: torch.relu(
                    X + s.closing(s.scale * torch.cat([b(X) for b in s.branches], 1))
                )
            ),
            "before the closing convolution, whose bias",
        ),
    ],
)
def test_residual_blocks_are_explained(attempt, found):
    assert re.search(found.replace("|", r"\|"), words(RESIDUAL, attempt))
