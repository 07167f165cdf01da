"""The check of the Inception block with batch norm: right styles pass, wrong ones are explained."""

import functools
import importlib
import re
import time

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from d2l_utils.checks import run
from d2l_utils.checks.blocks.explain import apply, explain, singles
from d2l_utils.checks.blocks.graph import branches, width
from d2l_utils.networks import Inception

SECTION = "d2l_utils.checks.8_4_googlenet"
CHANNELS = importlib.import_module(f"{SECTION}.inception").CHANNELS
BLOCK = importlib.import_module(f"{SECTION}.1_1_batch_norm").BLOCK
TOTAL = width(BLOCK.graph, 6)

EXERCISE = "8.4/1.1"
INDEX = {
    "builds": 0,
    "runs": 1,
    "size": 2,
    "joins": 3,
    "counts": 4,
    "input": 5,
    "normalises": 6,
    "remembers": 7,
    "relu": 8,
    "agrees": 9,
    "trains": 10,
}


def unit(channels, k, bias=False, norm=nn.LazyBatchNorm2d, **kwargs):
    """Convolution, batch norm, ReLU, as a list; any norm that takes no channels."""
    conv = nn.LazyConv2d(channels, k, padding=kwargs.pop("padding", k // 2), bias=bias)
    return [conv, norm(**kwargs), nn.ReLU()]


def pool():
    return nn.MaxPool2d(3, stride=1, padding=1)


class Base(nn.Module):
    """A right block; the wrong ones below replace a branch, or how all of them are made."""

    unit = staticmethod(unit)

    def __init__(self, c1, c2, c3, c4):
        super().__init__()
        unit = self.unit
        self.b1 = nn.Sequential(*unit(c1, 1))
        self.b2 = nn.Sequential(*unit(c2[0], 1), *unit(c2[1], 3))
        self.b3 = nn.Sequential(*unit(c3[0], 1), *unit(c3[1], 5))
        self.b4 = nn.Sequential(pool(), *unit(c4, 1))
        self.change(c1, c2, c3, c4)

    def change(self, c1, c2, c3, c4):
        pass

    def forward(self, X):
        return torch.cat([self.b1(X), self.b2(X), self.b3(X), self.b4(X)], dim=1)


def made_of(unit, **methods):
    return type("Attempt", (Base,), {"unit": staticmethod(unit), **methods})


def with_norm(norm, **kwargs):
    """A block with a layer made by ``norm(channels)`` in place of each batch norm."""

    def unit(channels, k):
        conv = nn.LazyConv2d(channels, k, padding=k // 2, bias=False)
        return [conv, norm(channels, **kwargs), nn.ReLU()]

    return made_of(unit)


def changed(**methods):
    return type("Attempt", (Base,), methods)


def branch(**branches):
    """A block in which functions of (c1, c2, c3, c4) give the layers of some branches."""

    def change(self, *channels):
        for name, make in branches.items():
            setattr(self, name, nn.Sequential(*make(*channels)))

    return changed(change=change)


# Right solutions


class Eager(nn.Module):
    """Input channels given, one helper, branches in another order, another ε, in-place ReLU."""

    def __init__(self, in_channels, c1, c2, c3, c4):
        super().__init__()

        def block(i, o, k=1):
            conv = nn.Conv2d(i, o, k, padding="same", bias=False)
            return nn.Sequential(conv, nn.BatchNorm2d(o, eps=1e-3), nn.ReLU(inplace=True))

        self.pool = nn.Sequential(pool(), block(in_channels, c4))
        self.one = block(in_channels, c1)
        self.three = nn.Sequential(block(in_channels, c2[0]), block(*c2, 3))
        self.five = nn.Sequential(block(in_channels, c3[0]), block(*c3, 5))

    def forward(self, X):
        return torch.cat((self.pool(X), self.five(X), self.three(X), self.one(X)), 1)


class Functional(nn.Module):
    """Parameters and buffers by hand, shift before scale, variance before mean."""

    def __init__(self, c1, c2, c3, c4, c_in):
        super().__init__()
        shapes = (c1, c_in, 1), (c2[0], c_in, 1), (*c2[::-1], 3), (c3[0], c_in, 1), (*c3[::-1], 5)
        for n, (out, inputs, k) in enumerate((*shapes, (c4, c_in, 1))):
            setattr(self, f"w{n}", nn.Parameter(torch.randn(out, inputs, k, k)))
            setattr(self, f"shift{n}", nn.Parameter(torch.zeros(out)))
            setattr(self, f"scale{n}", nn.Parameter(torch.ones(out)))
            self.register_buffer(f"var{n}", torch.ones(out))
            self.register_buffer(f"mean{n}", torch.zeros(out))

    training_norm = property(lambda self: self.training)

    def unit(self, n, X):
        own = [getattr(self, f"{name}{n}") for name in ("w", "mean", "var", "scale", "shift")]
        X = F.conv2d(X, own[0], padding=own[0].shape[-1] // 2)
        return F.relu(F.batch_norm(X, *own[1:], training=self.training_norm, momentum=0.05))

    def forward(self, X):
        two, three = self.unit(2, self.unit(1, X)), self.unit(4, self.unit(3, X))
        four = self.unit(5, F.max_pool2d(X, 3, 1, 1))
        return torch.cat((self.unit(0, X), two, three, four), 1)


class OneNorm(nn.Module):
    """One batch norm for the ends of the four branches, another for the reductions, fused."""

    def __init__(self, c1, c2, c3, c4):
        super().__init__()
        self.sizes = c1, c2[0], c3[0]
        self.heads = nn.LazyConv2d(sum(self.sizes), 1, bias=False)
        self.inner = nn.LazyBatchNorm2d()
        self.c2 = nn.LazyConv2d(c2[1], 3, padding=1, bias=False)
        self.c3 = nn.LazyConv2d(c3[1], 5, padding=2, bias=False)
        self.c4 = nn.Sequential(pool(), nn.LazyConv2d(c4, 1, bias=False))
        self.end = nn.LazyBatchNorm2d(momentum=None)

    def forward(self, X):
        one, *reduced = self.heads(X).split(self.sizes, 1)
        two, three = self.inner(torch.cat(reduced, 1)).relu().split(self.sizes[1:], 1)
        Y = torch.cat([self.c2(two), one, self.c4(X), self.c3(three)], 1)
        return self.end(Y).relu()


class FusedHeads(Base):
    """The three 1x1 units on the input as one."""

    def change(self, c1, c2, c3, c4):
        self.sizes = c3[0], c1, c2[0]
        self.b1 = nn.Sequential(*unit(sum(self.sizes), 1))
        self.b2, self.b3 = nn.Sequential(*unit(c2[1], 3)), nn.Sequential(*unit(c3[1], 5))

    def forward(self, X):
        three, one, two = self.b1(X).split(self.sizes, 1)
        return torch.cat([one, self.b2(two), self.b3(three), self.b4(X)], 1)


class Scratch(nn.Module):
    """Batch norm as in D2L section 8.5: statistics in plain attributes, mode by gradients."""

    def __init__(self, channels):
        super().__init__()
        shape = (1, channels, 1, 1)
        self.gamma, self.beta = nn.Parameter(torch.ones(shape)), nn.Parameter(torch.zeros(shape))
        self.moving_mean, self.moving_var = torch.zeros(shape), torch.ones(shape)

    def forward(self, X):
        if not torch.is_grad_enabled():
            mean, var = self.moving_mean, self.moving_var
        else:
            mean = X.mean(dim=(0, 2, 3), keepdim=True)
            var = ((X - mean) ** 2).mean(dim=(0, 2, 3), keepdim=True)
            self.moving_mean = (0.9 * self.moving_mean + 0.1 * mean).detach()
            self.moving_var = (0.9 * self.moving_var + 0.1 * var).detach()
        return self.gamma * (X - mean) / torch.sqrt(var + 1e-5) + self.beta


def conv_bn_relu(channels, kernel_size, stride=1, padding=0):
    conv = nn.LazyConv2d(channels, kernel_size, stride=stride, padding=padding, bias=False)
    return [conv, nn.LazyBatchNorm2d(), nn.ReLU()]


RIGHT = {
    "Sequential": Base,
    "eager": Eager,
    "functional": Functional,
    "one norm for all ends": OneNorm,
    "fused heads": FusedHeads,
    "batch norm from scratch": with_norm(Scratch),
    "the module's block with another unit": functools.partial(Inception, unit=conv_bn_relu),
    "factory": lambda c1, c2, c3, c4: Base(c1, c2, c3, c4),
    "large ε, long memory": with_norm(nn.BatchNorm2d, eps=1e-3, momentum=1e-3),
    "no memory": with_norm(nn.BatchNorm2d, momentum=1.0),
    "cumulative average": with_norm(nn.BatchNorm2d, momentum=None),
}


@pytest.mark.parametrize("attempt", RIGHT.values(), ids=RIGHT.keys())
def test_right_solutions_pass(attempt):
    report = run(EXERCISE, attempt)
    assert report.passed, report.text


# Wrong solutions: (attempt, the requirement not met, words in what is found, words in the nudge)


class Published(nn.Module):
    """An answer found in the wild: a batch norm too many, and biases under the others."""

    def __init__(self, c1, c2, c3, c4, bias=True):
        super().__init__()
        u = functools.partial(unit, bias=bias)
        self.b1 = nn.Sequential(*u(c1, 1))
        self.b2 = nn.Sequential(*u(c2[0], 1), *u(c2[1], 3))
        self.b3 = nn.Sequential(*u(c3[0], 1), *u(c3[1], 5))
        self.b4 = nn.Sequential(pool(), nn.LazyBatchNorm2d(), *u(c4, 1))

    forward = Base.forward


def plain(channels, k, bias=True):
    return [nn.LazyConv2d(channels, k, padding=k // 2, bias=bias), nn.ReLU()]


def relu_first(channels, k):
    conv, norm, relu = unit(channels, k)
    return [conv, relu, norm]


def norm_first(channels, k):
    conv, norm, relu = unit(channels, k)
    return [norm, conv, relu]


def unused_norm(self, X):
    two = self.b2[3:](F.relu(self.b2[0](X)))
    return torch.cat([self.b1(X), two, self.b3(X), self.b4(X)], dim=1)


class BatchAlways(nn.BatchNorm2d):
    def forward(self, X):
        return F.batch_norm(
            X, self.running_mean, self.running_var, self.weight, self.bias, training=True
        )


class Forgetful(nn.BatchNorm2d):
    def forward(self, X):
        stats = torch.zeros(len(self.weight)), torch.ones(len(self.weight))
        return F.batch_norm(X, *stats, self.weight, self.bias, training=self.training)


class LearnsInEvaluation(nn.BatchNorm2d):
    def forward(self, X):
        if not self.training:
            self.running_mean += 0.1 * (X.mean((0, 2, 3)) - self.running_mean)
        return super().forward(X)


class NoRoot(nn.BatchNorm2d):
    def forward(self, X):
        if self.training:
            return super().forward(X)
        scale = (self.weight / (self.running_var + 1e-5))[:, None, None]
        return scale * (X - self.running_mean[:, None, None]) + self.bias[:, None, None]


def input_norm(self, *channels):
    self.norm = nn.LazyBatchNorm2d()


def one_at_the_end(self, *channels):
    self.end = nn.LazyBatchNorm2d()


WRONG = {
    "published": (Published, "counts", "the pool's output is normalised before", "not before it"),
    "published, without biases": (
        functools.partial(Published, bias=False),
        "counts",
        "the pool's output is normalised before",
        "after a convolution",
    ),
    "extra norm without parameters": (
        branch(
            b4=lambda c1, c2, c3, c4: [
                pool(),
                nn.LazyBatchNorm2d(affine=False),
                *unit(c4, 1),
            ],
        ),
        "agrees",
        "the pool's output is normalised before its convolution, in the branch `pool → 1x1`",
        "nowhere else",
    ),
    "instance": (Base(*CHANNELS), "builds", "already built", r'check\("8.4/1.1", Inception\)'),
    "input normalised": (
        changed(
            change=input_norm,
            forward=lambda self, X: Base.forward(self, self.norm(X)),
        ),
        "counts",
        "the block's input is normalised",
        "not before it",
    ),
    "norm before each convolution": (
        made_of(norm_first),
        "counts",
        "the block's input is normalised",
        "after a convolution",
    ),
    "biases left": (
        made_of(functools.partial(unit, bias=True)),
        "counts",
        "6 of 6 convolutions with a bias",
        "bias=False.*takes its place",
    ),
    "one bias left": (
        branch(b1=lambda c1, *_: unit(c1, 1, bias=True)),
        "counts",
        "1 of 6 convolutions with a bias",
        "bias=False",
    ),
    "fused heads, biases left": (
        type("A", (FusedHeads,), {"unit": staticmethod(functools.partial(unit, bias=True))}),
        "counts",
        "1 of 6 convolutions with a bias",
        "bias=False",
    ),
    "no batch norm": (made_of(plain), "counts", "no batch norm", "Six batch norms"),
    "no batch norm, no bias": (
        made_of(functools.partial(plain, bias=False)),
        "counts",
        "no batch norm",
        "before its ReLU",
    ),
    "no affine": (
        with_norm(nn.BatchNorm2d, affine=False),
        "counts",
        "without a scale and a shift",
        "affine=True",
    ),
    "none after the reductions": (
        branch(
            b2=lambda c1, c2, c3, c4: [*plain(c2[0], 1), *unit(c2[1], 3)],
            b3=lambda c1, c2, c3, c4: [*plain(c3[0], 1), *unit(c3[1], 5)],
        ),
        "counts",
        "no batch norm after the two reductions",
        "after each convolution",
    ),
    "only at the end of the block": (
        made_of(
            plain,
            change=one_at_the_end,
            forward=lambda self, X: self.end(Base.forward(self, X)),
        ),
        "counts",
        "reductions, only at the end of the block",
        "before its ReLU",
    ),
    "none in the pool branch": (
        branch(b4=lambda c1, c2, c3, c4: [pool(), *plain(c4, 1)]),
        "counts",
        "no batch norm after the convolution 1x1 to 11",
        "Six batch norms",
    ),
    "two after one convolution": (
        branch(b1=lambda c1, *_: [*unit(c1, 1), nn.LazyBatchNorm2d()]),
        "counts",
        "more vectors than six scales and six shifts",
        "Six batch norms",
    ),
    "3x3 in branch 3": (
        branch(b3=lambda c1, c2, c3, c4: [*unit(c3[0], 1), *unit(c3[1], 3)]),
        "counts",
        "3x3 convolution from 3 to 10",
        "5x5 in the paper",
    ),
    "input changed": (
        changed(forward=lambda self, X: Base.forward(self, X.relu_())),
        "input",
        "have changed",
        "In-place",
    ),
    "dropout": (
        changed(forward=lambda self, X: F.dropout(Base.forward(self, X), 0.1, self.training)),
        "normalises",
        "two runs on the same images differ",
        "dropout",
    ),
    "not finite": (
        changed(forward=lambda self, X: Base.forward(self, X) * torch.nan),
        "normalises",
        "not finite",
        "step by step",
    ),
    "stored statistics in training": (
        type("A", (Functional,), {"training_norm": False}),
        "normalises",
        "multiplied by 10",
        r"training=self\.training",
    ),
    "instance norm": (
        with_norm(nn.InstanceNorm2d, affine=True, track_running_stats=True),
        "normalises",
        "each image normalised by itself",
        "Batch norm takes the images together",
    ),
    "group norm": (
        with_norm(lambda channels: nn.GroupNorm(1, channels)),
        "normalises",
        "each image normalised by itself",
        "group norm",
    ),
    "no running statistics": (
        with_norm(nn.BatchNorm2d, track_running_stats=False),
        "remembers",
        "depends on the others in its batch",
        "track_running_stats",
    ),
    "batch statistics always": (
        with_norm(BatchAlways),
        "remembers",
        "depends on the others in its batch",
        r"training=self\.training",
    ),
    "momentum 0": (
        with_norm(nn.BatchNorm2d, momentum=0.0),
        "remembers",
        "training leaves running statistics as they were",
        "`momentum` 0",
    ),
    "momentum 0 in one branch": (
        branch(b2=lambda c1, c2, c3, c4: [*unit(c2[0], 1, momentum=0.0), *unit(c2[1], 3)]),
        "remembers",
        "as they were, in the branch `1x1 → 3x3`",
        "`momentum` 0",
    ),
    "statistics made anew": (
        with_norm(Forgetful),
        "remembers",
        "training leaves running statistics as they were",
        "made anew",
    ),
    "evaluation changes them": (
        with_norm(LearnsInEvaluation),
        "remembers",
        "evaluation changes later outputs",
        "in training only",
    ),
    "ReLU before batch norm": (
        made_of(relu_first),
        "relu",
        "ReLU before batch norm, in the branches `1x1`, `1x1 → 3x3`, `1x1 → 5x5`, `pool → 1x1`",
        "then apply ReLU",
    ),
    "ReLU before one batch norm": (
        branch(b2=lambda c1, c2, c3, c4: [*relu_first(c2[0], 1), *unit(c2[1], 3)]),
        "relu",
        "ReLU before batch norm, between the two convolutions, in the branch `1x1 → 3x3`",
        "Normalise",
    ),
    "no last ReLU": (
        branch(b3=lambda c1, c2, c3, c4: [*unit(c3[0], 1), *unit(c3[1], 5)[:2]]),
        "relu",
        "no ReLU at the end, in the branch `1x1 → 5x5`",
        "followed by ReLU",
    ),
    "sigmoid": (
        branch(b1=lambda c1, *_: [*unit(c1, 1)[:2], nn.Sigmoid()]),
        "relu",
        "sigmoid in place of ReLU",
        "ReLU throughout",
    ),
    "a batch norm never used": (
        changed(
            change=lambda self, c1, c2, c3, c4: setattr(
                self, "b2", nn.Sequential(*unit(c2[0], 1)[:1], nn.BatchNorm2d(c2[0]), nn.ReLU(),
                                          *unit(c2[1], 3))
            ),
            forward=unused_norm,
        ),
        "remembers",
        "as they were, in the branch `1x1 → 3x3`",
        "a batch norm not used",
    ),
    "average pool": (
        branch(b4=lambda c1, c2, c3, c4: [nn.AvgPool2d(3, 1, 1), *unit(c4, 1)]),
        "agrees",
        "average pooling, in the branch `pool → 1x1`",
        "maximum",
    ),
    "pool between convolution and batch norm": (
        branch(b4=lambda c1, c2, c3, c4: [unit(c4, 1)[0], pool(), *unit(c4, 1)[1:]]),
        "agrees",
        "the convolution before the pool",
        "pool comes first",
    ),
    "dilated": (
        branch(
            b2=lambda c1, c2, c3, c4: [
                *unit(c2[0], 1),
                nn.LazyConv2d(c2[1], 3, padding=2, dilation=2, bias=False),
                *unit(c2[1], 3)[1:],
            ]
        ),
        "agrees",
        "other values in the branch `1x1 → 3x3`",
        "step by step",
    ),
    "variance in place of its root": (
        with_norm(NoRoot),
        "agrees",
        "other values after `eval()`, in the branch `1x1`",
        "√",
    ),
    "cut gradient": (
        changed(forward=lambda self, X: Base.forward(self, X).detach()),
        "trains",
        "18 of 18 parameters",
        "detach",
    ),
    "wrong number of channels": (
        branch(b2=lambda c1, c2, c3, c4: [*unit(c2[0], 1, norm=lambda: nn.BatchNorm2d(c2[1]))]),
        "runs",
        "running_mean",
        "as many channels",
    ),
    "one-dimensional": (
        with_norm(nn.BatchNorm1d),
        "runs",
        "expected 2D or 3D input",
        "BatchNorm2d",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_wrong_solutions_are_explained(case):
    attempt, requirement, found, nudge = case
    report = run(EXERCISE, attempt)
    assert report.failed == INDEX[requirement], report.text
    assert found in report.problem.found, report.text
    assert re.search(nudge, report.problem.nudge), report.text
    assert report.problem.nudge.count(". ") <= 1  # two sentences at most
    assert max(map(len, report.text.splitlines())) <= 88


# Not attempted yet


class Scaffold(nn.Module):
    def __init__(self, c1, c2, c3, c4):
        super().__init__()

    def forward(self, X):
        raise NotImplementedError("your code here")


@pytest.mark.parametrize(
    "attempt",
    [None, ..., Scaffold, changed(forward=Scaffold.forward), lambda c1, c2, c3, c4: None],
)
def test_unattempted(attempt):
    report = run(EXERCISE, attempt)
    assert not report.attempted
    assert "not attempted yet" in report.text


JUNK = [
    7,
    nn.BatchNorm2d,
    lambda *channels: nn.Identity(),
    changed(forward=lambda self, X: X.new_zeros(len(X), TOTAL, *X.shape[2:])),
    changed(forward=lambda self, X: Base.forward(self, X) * torch.nan),
    changed(forward=lambda self, X: F.dropout(Base.forward(self, X))),
    changed(eval=lambda self: None),
    changed(train=lambda self, mode=True: None),
    changed(train=lambda self, mode=True: self),
]


@pytest.mark.parametrize("attempt", JUNK, ids=range(len(JUNK)))
def test_junk_is_refused_without_an_error(attempt):
    report = run(EXERCISE, attempt)
    assert not report.passed
    assert "0x" not in report.text


# The check itself


def test_the_two_exercises_tell_their_blocks_apart():
    assert not run("8.4/0", Base).passed
    assert not run(EXERCISE, Inception).passed


def test_known_mistakes_are_mistakes():
    for branch in branches(BLOCK.graph):
        wrong = [apply(branch, mistake) for mistake in singles(branch, BLOCK.rules())]
        assert branch not in wrong
        tried = []
        explain(branch, BLOCK.rules(), tried.append, partner=lambda graph: True)
        assert set(wrong) <= set(tried)
        assert len(tried) == len(set(tried))


@pytest.mark.parametrize("name", ["published", "momentum 0", "dilated", "instance norm"])
def test_reports_are_the_same_every_time(name):
    first = run(EXERCISE, WRONG[name][0])
    torch.manual_seed(5)
    second = run(EXERCISE, WRONG[name][0])
    assert first == second
    assert first.text == second.text


@pytest.mark.parametrize("seed", range(3))
def test_the_verdict_does_not_depend_on_the_numbers_drawn(redraw, seed):
    redraw(EXERCISE, seed)
    for attempt in RIGHT.values():
        assert run(EXERCISE, attempt).passed
    for attempt, requirement, *_ in WRONG.values():
        assert run(EXERCISE, attempt).failed == INDEX[requirement]


def test_the_callers_state_is_untouched():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    for attempt in (Base, with_norm(Scratch), Published):
        run(EXERCISE, attempt)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.is_grad_enabled()


def test_works_without_gradients_and_with_doubles():
    with torch.no_grad():
        assert run(EXERCISE, Base).passed
    torch.set_default_dtype(torch.float64)
    try:
        assert run(EXERCISE, Base).passed
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("attempt", [Base, OneNorm, WRONG["dilated"][0]])
def test_a_check_is_instant(attempt):
    times = []
    for _ in range(4):
        start = time.process_time()
        run(EXERCISE, attempt)
        times.append(time.process_time() - start)
    assert min(times) < 0.3, times
