"""The checks of three blocks of other networks: right ones pass, wrong ones are named."""

import re

import other_blocks  # noqa: F401 (registers them)
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from d2l_utils.checks import run

BUILDS, RUNS, SIZE, CHANNELS, COUNTS, INPUT, NORMALISES, REMEMBERS, RELU, AGREES, TRAINS = range(11)


# -- attempts --------------------------------------------------------------------------------------


class Bottleneck(nn.Module):
    """The usual style; wrong ones replace its layers or how it adds."""

    def __init__(self, width, middle):
        super().__init__()
        self.net = nn.Sequential(*self.layers(width, middle))

    def layers(self, width, middle):
        yield from (nn.Conv2d(width, middle, 1, bias=False), nn.BatchNorm2d(middle), nn.ReLU())
        yield from (nn.Conv2d(middle, middle + 1, 3, padding=1, bias=False),)
        yield from (nn.BatchNorm2d(middle + 1), nn.ReLU())
        yield from (nn.Conv2d(middle + 1, width, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, X):
        return F.relu(self.net(X) + X)


class LazyBottleneck(nn.Module):
    """Lazy layers, batch norm with another ε, the sum in place."""

    def __init__(self, width, middle):
        super().__init__()
        sizes = ((middle, 1), (middle + 1, 3), (width, 1))
        self.convs = nn.ModuleList(
            nn.LazyConv2d(c, k, padding="same", bias=False) for c, k in sizes
        )
        self.norms = nn.ModuleList(nn.LazyBatchNorm2d(eps=1e-3) for _ in sizes)

    def forward(self, X):
        Y = X
        for i, (convolution, batch_norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            Y = batch_norm(convolution(Y))
            Y = (Y + X if i == 2 else Y).relu()
        return Y


class Preactivation(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.n1, self.n2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.c1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.c2 = nn.Conv2d(width, width, 3, padding=1, bias=False)

    def forward(self, X):
        Y = self.c1(F.relu(self.n1(X)))
        return X + self.c2(F.relu(self.n2(Y)))


class PreactivationSequential(nn.Module):
    def __init__(self, width):
        super().__init__()

        def half():
            return nn.LazyBatchNorm2d(), nn.ReLU(), nn.LazyConv2d(width, 3, padding=1, bias=False)

        self.residual = nn.Sequential(*half(), *half())

    def forward(self, X):
        return self.residual(X).add_(X)


class Dense(nn.Module):
    """Older channels first; wrong ones replace how a layer is made, or what it sees."""

    def __init__(self, layers, growth):
        super().__init__()
        self.layers = nn.ModuleList(nn.Sequential(*self.layer(growth)) for _ in range(layers))

    def layer(self, growth):
        return nn.LazyBatchNorm2d(), nn.ReLU(), nn.LazyConv2d(growth, 3, padding=1)

    def forward(self, X):
        for layer in self.layers:
            X = torch.cat([X, layer(X)], 1)
        return X


class DenseList(Dense):
    """All features in a list, the newest first."""

    def forward(self, X):
        features = [X]
        for layer in self.layers:
            features.insert(0, layer(torch.cat(features, 1)))
        return torch.cat(features, 1)


RIGHT = [
    ("resnet/bottleneck", Bottleneck),
    ("resnet/bottleneck", LazyBottleneck),
    ("resnet/preactivation", Preactivation),
    ("resnet/preactivation", PreactivationSequential),
    ("densenet/dense", Dense),
    ("densenet/dense", DenseList),
]


@pytest.mark.parametrize(("exercise", "attempt"), RIGHT, ids=lambda a: getattr(a, "__name__", a))
def test_right_blocks_pass(exercise, attempt):
    assert run(exercise, attempt).passed, run(exercise, attempt).text


def made(base, **methods):
    return type("Wrong", (base,), methods)


def edited(edit):
    """A bottleneck whose list of layers is edited."""

    def layers(self, width, middle):
        some = list(Bottleneck.layers(self, width, middle))
        edit(some)
        return some

    return made(Bottleneck, layers=layers)


def chained(self, X):
    Y = X
    for layer in self.layers:
        Y = layer(Y)
    return torch.cat([X, Y], 1)


WRONG = {  # exercise, attempt, requirement, code, words
    "no shortcut": (
        "resnet/bottleneck",
        made(Bottleneck, forward=lambda self, X: F.relu(self.net(X))),
        (AGREES, "no-shortcut", "X is not in the sum.*makes it residual"),
    ),
    "ReLU before the sum": (
        "resnet/bottleneck",
        made(Bottleneck, forward=lambda self, X: F.relu(self.net(X)) + X),
        (RELU, "relu-before-sum", "before the shortcut"),
    ),
    "no last ReLU": (
        "resnet/bottleneck",
        made(Bottleneck, forward=lambda self, X: self.net(X) + X),
        (RELU, "no-relu", "no ReLU"),
    ),
    "no inner ReLU": (
        "resnet/bottleneck",
        edited(lambda some: some.pop(5)),
        (RELU, "no-relu", "no ReLU after the 3x3 convolution"),
    ),
    "no last batch norm": (
        "resnet/bottleneck",
        edited(lambda some: some.pop()),
        (COUNTS, "no-norm", "no batch norm after the 1x1 convolution.*Three"),
    ),
    "3x3 not padded": (
        "resnet/bottleneck",
        edited(lambda some: setattr(some[3], "padding", (0, 0))),
        (SIZE, "unpadded", "3x3"),
    ),
    "5x5": (
        "resnet/bottleneck",
        edited(lambda some: some.__setitem__(3, nn.Conv2d(4, 5, 5, padding=2, bias=False))),
        (COUNTS, "5x5-for-3x3", "5x5 convolution from 4 to 5.*should be 3x3"),
    ),
    "momentum 0": (
        "resnet/bottleneck",
        edited(lambda some: setattr(some[1], "momentum", 0.0)),
        (REMEMBERS, "frozen-statistics", "as they were.*momentum"),
    ),
    "ReLU after the sum": (
        "resnet/preactivation",
        made(Preactivation, forward=lambda self, X: F.relu(Preactivation.forward(self, X))),
        (RELU, "last-relu", "ReLU after the sum.*stays free"),
    ),
    "the first ResNet": (
        "resnet/preactivation",
        made(
            Preactivation,
            forward=lambda self, X: F.relu(X + self.n2(self.c2(F.relu(self.n1(self.c1(X)))))),
        ),
        (RELU, "postactivation", "before its batch norm.*norm and ReLU come first"),
    ),
    "ReLU before batch norm": (
        "resnet/preactivation",
        made(
            Preactivation,
            forward=lambda self, X: X + self.c2(self.n2(F.relu(self.c1(F.relu(self.n1(X)))))),
        ),
        (RELU, "relu-before-norm", "ReLU before batch norm"),
    ),
    "GELU": (
        "resnet/preactivation",
        made(
            Preactivation,
            forward=lambda self, X: X + self.c2(F.gelu(self.n2(self.c1(F.relu(self.n1(X)))))),
        ),
        (RELU, "other-activation", "GELU in place of ReLU"),
    ),
    "scaled": (
        "resnet/preactivation",
        made(Preactivation, forward=lambda self, X: 2 * Preactivation.forward(self, X)),
        (AGREES, "values", "other values"),
    ),
    "a chain": (
        "densenet/dense",
        made(Dense, forward=chained),
        (CHANNELS, "chain", "10 channels.*Each layer sees all before it"),
    ),
    "no bias": (
        "densenet/dense",
        made(
            Dense,
            layer=lambda self, growth: (
                nn.LazyBatchNorm2d(),
                nn.ReLU(),
                nn.LazyConv2d(growth, 3, padding=1, bias=False),
            ),
        ),
        (COUNTS, "no-bias", "3 of 3 convolutions without a bias"),
    ),
    "sums in place of concatenations": (
        "densenet/dense",
        made(Dense, forward=lambda self, X: sum(layer(X) for layer in self.layers)),
        (CHANNELS, "not-joined", "4 channels"),
    ),
    "1x1": (
        "densenet/dense",
        made(
            Dense,
            layer=lambda self, growth: (
                nn.LazyBatchNorm2d(),
                nn.ReLU(),
                nn.LazyConv2d(growth, 1),
            ),
        ),
        (COUNTS, "1x1-for-3x3", "1x1 convolution from 6 to 4.*should be 3x3"),
    ),
    "no activation": (
        "densenet/dense",
        made(
            Dense,
            layer=lambda self, growth: (
                nn.LazyBatchNorm2d(),
                nn.LazyConv2d(growth, 3, padding=1),
            ),
        ),
        (RELU, "no-relu", "no ReLU"),
    ),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_wrong_blocks_are_named(case):
    exercise, attempt, (failed, code, words) = case
    report = run(exercise, attempt)
    assert report.failed == failed, report.text
    assert report.problem.code == code, report.text
    assert re.search(words, f"{report.problem.found} {report.problem.nudge}"), report.text
