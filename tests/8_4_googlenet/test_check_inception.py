"""Checks: right solutions of every style pass, wrong ones are told what is wrong."""

import builtins
import html
import importlib
import itertools
import re
import time

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import d2l_utils as d2l
from d2l_utils.checks import check, run
from d2l_utils.checks.blocks.explain import apply, singles
from d2l_utils.checks.blocks.graph import branches, width
from d2l_utils.networks import Inception

SECTION = "d2l_utils.checks.8_4_googlenet"
inception = importlib.import_module(f"{SECTION}.inception")
exercise_0 = importlib.import_module(f"{SECTION}.0_googlenet")
CHANNELS = inception.CHANNELS
BLOCK = exercise_0.BLOCK
PARAMETERS = BLOCK.parameters
TOTAL = width(BLOCK.graph, 6)

INDEX = {
    "builds": 0,
    "runs": 1,
    "size": 2,
    "joins": 3,
    "counts": 4,
    "input": 5,
    "relu": 6,
    "agrees": 7,
    "trains": 8,
}


def conv(channels, k, padding=None, **kwargs):
    padding = k // 2 if padding is None else padding
    return nn.Sequential(nn.LazyConv2d(channels, k, padding=padding, **kwargs), nn.ReLU())


def pool():
    return nn.MaxPool2d(3, stride=1, padding=1)


class Base(nn.Module):
    """A right block in the usual style, whose parts the wrong ones below replace."""

    def __init__(self, c1, c2, c3, c4):
        super().__init__()
        self.b1 = conv(c1, 1)
        self.b2 = nn.Sequential(conv(c2[0], 1), conv(c2[1], 3))
        self.b3 = nn.Sequential(conv(c3[0], 1), conv(c3[1], 5))
        self.b4 = nn.Sequential(pool(), conv(c4, 1))
        self.change(c1, c2, c3, c4)

    def change(self, c1, c2, c3, c4):
        pass

    def forward(self, X):
        return self.join([self.b1(X), self.b2(X), self.b3(X), self.b4(X)])

    def join(self, branches):
        return torch.cat(branches, dim=1)


def changed(change=None, **methods):
    """A subclass of ``Base`` with other methods."""
    return type("Attempt", (Base,), {**({"change": change} if change else {}), **methods})


# Right solutions


class Book(nn.Module):
    def __init__(self, c1, c2, c3, c4, **kwargs):
        super().__init__(**kwargs)
        self.b1_1 = nn.LazyConv2d(c1, kernel_size=1)
        self.b2_1 = nn.LazyConv2d(c2[0], kernel_size=1)
        self.b2_2 = nn.LazyConv2d(c2[1], kernel_size=3, padding="same")
        self.b3_1 = nn.LazyConv2d(c3[0], kernel_size=1)
        self.b3_2 = nn.LazyConv2d(c3[1], kernel_size=5, padding=2)
        self.b4_1 = nn.MaxPool2d(kernel_size=3, stride=1, padding=1)
        self.b4_2 = nn.LazyConv2d(c4, kernel_size=1)

    def forward(self, x):
        b1 = F.relu(self.b1_1(x))
        b2 = F.relu(self.b2_2(F.relu(self.b2_1(x))))
        b3 = F.relu(self.b3_2(F.relu(self.b3_1(x))))
        b4 = F.relu(self.b4_2(self.b4_1(x)))
        return torch.cat((b1, b2, b3, b4), dim=1)


class Eager(nn.Module):
    def __init__(self, in_channels, c1, c2, c3, c4):
        super().__init__()
        self.note = "an attribute that nobody asked for"
        relu = nn.ReLU(inplace=True)
        self.p = nn.Sequential(nn.Conv2d(in_channels, c1, 1), relu)
        self.q = nn.Sequential(
            nn.Conv2d(in_channels, c2[0], 1), relu, nn.Conv2d(c2[0], c2[1], 3, padding=1), relu
        )
        self.r = nn.Sequential(
            nn.Conv2d(in_channels, c3[0], 1), relu, nn.Conv2d(c3[0], c3[1], 5, padding=2), relu
        )
        self.s = nn.Sequential(pool(), nn.Conv2d(in_channels, c4, 1), relu)

    def forward(self, X):
        return torch.cat([self.p(X), self.q(X), self.r(X), self.s(X)], -3)


class Functional(nn.Module):
    """Parameters by hand, never initialised; 1x1 convolutions as matrices."""

    def __init__(self, c1, c2, c3, c4, c_in):
        super().__init__()
        self.W1, self.b1 = nn.Parameter(torch.empty(c_in, c1)), self.bias(c1)
        self.W2, self.b2 = nn.Parameter(torch.empty(c2[0], c_in, 1, 1)), self.bias(c2[0])
        self.W3, self.b3 = nn.Parameter(torch.empty(c2[1], c2[0], 3, 3)), self.bias(c2[1])
        self.W4, self.b4 = nn.Parameter(torch.empty(c3[0], c_in, 1, 1)), self.bias(c3[0])
        self.W5, self.b5 = nn.Parameter(torch.empty(c3[1], c3[0], 5, 5)), self.bias(c3[1])
        self.W6, self.b6 = nn.Parameter(torch.empty(c4, c_in)), nn.Parameter(torch.empty(c4, 1, 1))

    def bias(self, n):
        return nn.Parameter(torch.zeros(n))

    def forward(self, X):
        one = torch.einsum("nchw,cd->ndhw", X, self.W1) + self.b1[:, None, None]
        two = F.conv2d(F.conv2d(X, self.W2, self.b2).relu(), self.W3, self.b3, padding=1)
        three = F.conv2d(F.conv2d(X, self.W4, self.b4).clamp(min=0), self.W5, self.b5, padding=2)
        four = F.max_pool2d(X, 3, 1, 1)
        four = torch.einsum("nchw,dc->ndhw", four, self.W6) + self.b6
        return F.relu(torch.cat([one, two, three, four], 1))


class Reordered(nn.Module):
    def __init__(self, *channels):
        super().__init__()
        base = Base(*channels)
        self.branches = nn.ModuleList([base.b4, base.b2, base.b1, base.b3])

    def forward(self, X):
        return torch.cat([branch(X) for branch in self.branches], 1)


class Fused(nn.Module):
    """The three 1x1 convolutions on the input as one."""

    def __init__(self, c1, c2, c3, c4):
        super().__init__()
        self.sizes = c2[0], c1, c3[0]
        self.head = conv(sum(self.sizes), 1)
        self.b2, self.b3 = conv(c2[1], 3), conv(c3[1], 5)
        self.b4 = nn.Sequential(pool(), conv(c4, 1))

    def forward(self, X):
        two, one, three = self.head(X).split(self.sizes, dim=1)
        return torch.cat([one, self.b2(two), self.b3(three), self.b4(X)], 1)


class Keyword(Base):
    def __init__(self, c1, c2, c3, c4, *, in_channels):
        super().__init__(c1, c2, c3, c4)
        self.b1[0] = nn.Conv2d(in_channels, c1, 1)


def factory(c1, c2, c3, c4):
    return Base(c1, c2, c3, c4)


RIGHT = [Base, Book, Inception, Eager, Functional, Reordered, Fused, Keyword, factory]


@pytest.mark.parametrize("attempt", RIGHT, ids=lambda a: a.__name__)
def test_right_solutions_pass(attempt):
    report = run("8.4/0", attempt)
    assert report.passed, report.text
    assert report.failed is None
    assert report.requirement is None


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_branches_may_have_any_order(order):
    def join(self, branches):
        return torch.cat([branches[i] for i in order], 1)

    assert run("8.4/0", changed(join=join)).passed


@pytest.mark.parametrize("attempt", RIGHT, ids=lambda a: a.__name__)
def test_right_solutions_go_on_as_the_body_of_the_network(attempt, capsys):
    """Also those that ask for their input channels, of which the network knows nothing."""
    block = d2l.yours("8.4/0", attempt, None)
    assert f"is passed: below, your {attempt.__name__} is used." in capsys.readouterr().out
    net = d2l.GoogleNet(block=block, width=0.25)
    X = torch.rand(2, 1, 28, 28)
    assert net(X).shape == (2, 10)
    assert d2l.count_parameters(net) == 377_478
    net.loss(net(X), torch.tensor([1, 2])).backward()
    assert all(parameter.grad is not None for parameter in net.parameters())
    first = block(*d2l.GOOGLENET[0][0])
    assert d2l.count_macs(first, (1, 192, 28, 28)) == 128_049_152
    drawing = d2l.diagram({"yours": first}, (1, 192, 28, 28)).source
    assert "concatenate" in drawing


def test_an_attempt_is_taken_as_it_is_where_that_will_do():
    assert d2l.yours("8.4/0", Base, None) is Base
    assert d2l.yours("8.4/0", Eager, None) is not Eager
    assert d2l.yours("8.4/0", changed(forward=misspelt), Base) is Base


# Wrong solutions: (attempt, the requirement not met, words in what is found, words in the nudge)


def sets(**branches):
    """A ``change`` that replaces branches by what functions of (c1, c2, c3, c4) return."""

    def change(self, *channels):
        for name, make in branches.items():
            setattr(self, name, make(*channels))

    return change


def branch3(*layers):
    """Branch 3 of given layers, each a function of (c3[0], c3[1])."""
    return sets(b3=lambda c1, c2, c3, c4: nn.Sequential(*(f(*c3) for f in layers)))


def plain_list(self, *channels):
    base = Base(*channels)
    del self.b1, self.b2, self.b3, self.b4
    self.layers = [base.b1, base.b2, base.b3, base.b4]


def made_in_forward(self, X):
    return Base(*self.channels)(X)


def keep_channels(self, *channels):
    del self.b1, self.b2, self.b3, self.b4
    self.channels = channels


def no_super(self, c1, c2, c3, c4):
    self.b1 = conv(c1, 1)


def relu_first(self, X):
    X = F.relu(X, inplace=True)
    return Base.forward(self, X)


def misspelt(self, X):
    return torch.cat([self.b1(X), self.b5(X)], 1)


def chained(self, X):
    two = self.b2[0](X)
    return self.join([self.b1(X), self.b2[1](two), self.b3(self.b2[1](two)), self.b4(X)])


def wrong_pool(make):
    return changed(sets(b4=lambda c1, c2, c3, c4: nn.Sequential(make(), conv(c4, 1))))


def no_grad_forward(self, X):
    with torch.no_grad():
        return Base.forward(self, X)


class TorchvisionStyle(nn.Module):
    def __init__(self, in_channels, ch1, ch3red, ch3, ch5red, ch5, proj):
        super().__init__()


class FixedInput(Base):
    def change(self, c1, c2, c3, c4):
        self.b1 = nn.Sequential(nn.Conv2d(192, c1, 1), nn.ReLU())


def extra_unused(self, *channels):
    self.spare = nn.LazyConv2d(3, 1)


def add_norm(self, c1, c2, c3, c4):
    self.b1 = nn.Sequential(nn.LazyConv2d(c1, 1), nn.LazyBatchNorm2d(), nn.ReLU())


def affineless_norm(self, c1, c2, c3, c4):
    self.b1 = nn.Sequential(nn.LazyConv2d(c1, 1), nn.BatchNorm2d(c1, affine=False), nn.ReLU())


def no_last_relu(self, X):
    return torch.cat([self.b1[0](X), self.b2(X), self.b3(X), self.b4(X)], 1)


def dropout(self, X):
    return F.dropout(Base.forward(self, X), 0.1)


WRONG = {
    "instance": (Base(*CHANNELS), "builds", "already built", "class itself"),
    "seven numbers": (TorchvisionStyle, "builds", "ch3red", "pairs"),
    "not a module": (lambda c1, c2, c3, c4: len, "builds", "builtin", "nn.Module"),
    "constructor without super": (
        type("Attempt", (nn.Module,), {"__init__": no_super}),
        "builds",
        "Module.__init__",
        r"super\(\).__init__\(\)",
    ),
    "pair as a number": (
        changed(sets(b2=lambda c1, c2, c3, c4: conv(c2, 3))),
        "runs",
        "TypeError",
        "c2 and c3 are pairs",
    ),
    "misspelt attribute": (changed(forward=misspelt), "runs", "'b5'", "spelling"),
    "no forward": (
        type("Attempt", (Base,), {"forward": nn.Module.forward}),
        "runs",
        "forward",
        "Define `forward",
    ),
    "input channels fixed": (FixedInput, "runs", "192 channels", "LazyConv2d"),
    "no return": (
        changed(forward=lambda self, X: None),
        "runs",
        "returns nothing",
        "return",
    ),
    "list of branches": (changed(join=lambda self, b: b), "runs", "a list", "torch.cat"),
    "stack": (
        changed(join=lambda self, b: torch.stack(b, 1)),
        "runs",
        "shape (2, 4, 4, 28, 28)",
        "torch.stack",
    ),
    "cat without a list": (
        changed(join=lambda self, b: torch.cat(*b)),
        "runs",
        "TypeError",
        "tuple or list",
    ),
    "half precision out": (
        changed(join=lambda self, b: torch.cat(b, 1).half()),
        "runs",
        "float16",
        "No conversion",
    ),
    "3x3 not padded": (
        changed(sets(b2=lambda c1, c2, c3, c4: nn.Sequential(conv(c2[0], 1), conv(c2[1], 3, 0)))),
        "size",
        "width of 26, in tensor number 2",
        "3x3 .*without padding",
    ),
    "5x5 not padded": (
        changed(branch3(lambda a, b: conv(a, 1), lambda a, b: conv(b, 5, 0))),
        "size",
        "width of 24, in tensor number 3",
        "5x5 .*without padding",
    ),
    "1x1 padded": (
        changed(sets(b1=lambda c1, c2, c3, c4: conv(c1, 1, 1))),
        "size",
        "width of 30, in tensor number 1",
        "1x1 with 0",
    ),
    "pool stride left out": (
        wrong_pool(lambda: nn.MaxPool2d(3, padding=1)),
        "size",
        "width of 10, in tensor number 4",
        "stride of `MaxPool2d`",
    ),
    "pool bare": (
        wrong_pool(lambda: nn.MaxPool2d(3)),
        "size",
        "width of 9,",
        "stride=1, padding=1",
    ),
    "stride 2 everywhere": (
        changed(forward=lambda self, X: Base.forward(self, X[:, :, ::2, ::2])),
        "size",
        "14x14",
        "stride of 2",
    ),
    "size fixed in the code": (
        changed(join=lambda self, b: torch.cat(b, 1).new_ones(len(b[0]), 16, 28, 28)),
        "size",
        "28x28",
        "must not be fixed",
    ),
    "joined along height": (
        changed(join=lambda self, b: torch.cat(b, 2)),
        "size",
        "112x28",
        "dimension 1",
    ),
    "joined along the batch": (
        changed(join=lambda self, b: torch.cat(b)),
        "joins",
        "8 outputs for 2 images",
        "dim=1",
    ),
    "sum": (changed(join=lambda self, b: sum(b)), "joins", "element by element", "Concatenate"),
    "reductions joined too": (
        changed(
            forward=lambda self, X: torch.cat(
                [self.b1(X), self.b2[0](X), self.b2(X), self.b3[0](X), self.b3(X), self.b4(X)], 1
            )
        ),
        "joins",
        "51 channels",
        "reductions are inner steps",
    ),
    "pool without its 1x1": (
        changed(sets(b4=lambda *c: pool())),
        "joins",
        "38 channels",
        "1x1 convolution to c4 follows",
    ),
    "a branch forgotten": (
        changed(join=lambda self, b: torch.cat(b[:3], 1)),
        "joins",
        "32 channels",
        "pool → 1x1",
    ),
    "plain list": (
        changed(
            plain_list, forward=lambda self, X: torch.cat([layer(X) for layer in self.layers], 1)
        ),
        "counts",
        "plain Python list",
        "ModuleList",
    ),
    "layers made in forward": (
        changed(keep_channels, forward=made_in_forward),
        "counts",
        "no layer belongs",
        "__init__",
    ),
    "reduction missing, branch 2": (
        changed(sets(b2=lambda c1, c2, c3, c4: conv(c2[1], 3))),
        "counts",
        "from 6 to 13 channels, in the branch `1x1 → 3x3`",
        "reduce its input first",
    ),
    "reduction missing, branch 3": (
        changed(branch3(lambda a, b: conv(b, 5))),
        "counts",
        "from 6 to 10 channels, in the branch `1x1 → 5x5`",
        "1x1 convolution to 3 channels",
    ),
    "3x3 in branch 3, as torchvision": (
        changed(branch3(lambda a, b: conv(a, 1), lambda a, b: conv(b, 3))),
        "counts",
        "3x3 convolution from 3 to 10",
        "5x5 in the paper.*torchvision",
    ),
    "two 3x3 for the 5x5": (
        changed(branch3(lambda a, b: conv(a, 1), lambda a, b: conv(b, 3), lambda a, b: conv(b, 3))),
        "counts",
        "3x3 convolution from 3 to 10",
        "5x5 in the paper",
    ),
    "3x3 before 1x1": (
        changed(sets(b2=lambda c1, c2, c3, c4: nn.Sequential(conv(c2[0], 3), conv(c2[1], 1)))),
        "counts",
        "3x3 first",
        "1x1 convolution comes first",
    ),
    "3x3 and 5x5 swapped": (
        changed(
            sets(
                b2=lambda c1, c2, c3, c4: nn.Sequential(conv(c2[0], 1), conv(c2[1], 5)),
                b3=lambda c1, c2, c3, c4: nn.Sequential(conv(c3[0], 1), conv(c3[1], 3)),
            )
        ),
        "counts",
        "swapped",
        "c2 belongs to the 3x3",
    ),
    "no bias": (
        changed(sets(b1=lambda c1, *c: conv(c1, 1, bias=False))),
        "counts",
        "1 of 6 convolutions without a bias",
        "bias",
    ),
    "batch norm": (changed(add_norm), "counts", "more vectors", "Batch normalisation"),
    "branch 3 fed by branch 2": (
        changed(forward=chained),
        "counts",
        "from 13 to 3 channels, in the branch `1x1 → 5x5`",
        "block's input, 6 channels",
    ),
    "a layer never used": (changed(extra_unused), "counts", "never used", "forward"),
    "input changed": (changed(forward=relu_first), "input", "have changed", "in place|In-place"),
    "no last ReLU": (
        changed(forward=no_last_relu),
        "relu",
        "no ReLU at the end, in the branch `1x1`",
        "the last of a branch",
    ),
    "no inner ReLU": (
        changed(
            sets(
                b2=lambda c1, c2, c3, c4: nn.Sequential(nn.LazyConv2d(c2[0], 1), conv(c2[1], 3)),
                b3=lambda c1, c2, c3, c4: nn.Sequential(nn.LazyConv2d(c3[0], 1), conv(c3[1], 5)),
            )
        ),
        "relu",
        "between the two convolutions, in the branches `1x1 → 3x3`, `1x1 → 5x5`",
        "Every convolution",
    ),
    "sigmoid": (
        changed(sets(b1=lambda c1, *c: nn.Sequential(nn.LazyConv2d(c1, 1), nn.Sigmoid()))),
        "relu",
        "sigmoid in place of ReLU",
        "ReLU throughout",
    ),
    "unknown, negative": (
        changed(join=lambda self, b: torch.cat(b, 1) - 1),
        "relu",
        "down to -1.00",
        "does not end with it",
    ),
    "average pool": (
        wrong_pool(lambda: nn.AvgPool2d(3, stride=1, padding=1)),
        "agrees",
        "average pooling, in the branch `pool → 1x1`",
        "maximum",
    ),
    "pool after the convolution": (
        changed(sets(b4=lambda c1, c2, c3, c4: nn.Sequential(conv(c4, 1), pool()))),
        "agrees",
        "before the pool",
        "Swap the two",
    ),
    "pool left out": (
        changed(sets(b4=lambda c1, c2, c3, c4: conv(c4, 1))),
        "agrees",
        "no pooling",
        "begins with a 3x3 max pool",
    ),
    "c1 and c4 swapped": (
        changed(
            sets(
                b1=lambda c1, c2, c3, c4: conv(c4, 1),
                b4=lambda c1, c2, c3, c4: nn.Sequential(pool(), conv(c1, 1)),
            )
        ),
        "agrees",
        "c1 and c4 are swapped",
        "c4 channels has",
    ),
    "dilated": (
        changed(
            sets(
                b2=lambda c1, c2, c3, c4: nn.Sequential(
                    conv(c2[0], 1), conv(c2[1], 3, 2, dilation=2)
                )
            )
        ),
        "agrees",
        "other values in the branch `1x1 → 3x3`",
        "step by step",
    ),
    "dropout": (changed(forward=dropout), "agrees", "two runs", "dropout"),
    "batch norm without parameters": (
        changed(affineless_norm),
        "agrees",
        r"after `train()`",
        "batch norm",
    ),
    "not finite": (
        changed(join=lambda self, b: torch.cat(b, 1) * torch.nan),
        "agrees",
        "not finite",
        "step by step",
    ),
    "without gradient": (
        changed(forward=no_grad_forward),
        "trains",
        "12 of 12 parameters",
        "no_grad",
    ),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_wrong_solutions_are_explained(case):
    attempt, requirement, found, nudge = case
    report = run("8.4/0", attempt)
    assert report.failed == INDEX[requirement], report.text
    assert found in report.problem.found, report.text
    assert re.search(nudge, report.problem.nudge), report.text
    assert report.requirement == report.requirements[report.failed]
    assert not report.passed
    assert report.attempted
    assert report.problem.nudge.count(". ") <= 1  # two sentences at most
    assert f"✗ {report.requirement}" in report.text
    assert report.text.count("✓") == report.failed


def test_test_channels_tell_mistakes_apart():
    c1, (c2, d2), (c3, d3), c4 = CHANNELS
    assert len({c1, c2, d2, c3, d3, c4}) == 6
    assert c1 + d2 + d3 + c4 == TOTAL
    assert run("8.4/0", Inception).passed
    block = Inception(*CHANNELS)
    block(torch.zeros(1, 6, 1, 1))
    assert sum(p.numel() for p in block.parameters()) == PARAMETERS
    for branch in branches(BLOCK.graph):
        wrong = [apply(branch, mistake) for mistake in singles(branch, BLOCK.rules())]
        assert branch not in wrong


# Not attempted yet


class Scaffold(nn.Module):
    def __init__(self, c1, c2, c3, c4):
        super().__init__()

    def forward(self, X):
        raise NotImplementedError("your code here")


class NotBuilt(nn.Module):
    def __init__(self, c1, c2, c3, c4):
        raise NotImplementedError


def unwritten(c1, c2, c3, c4):
    raise NotImplementedError


UNATTEMPTED = {
    "None": None,
    "Ellipsis": ...,
    "forward raises": Scaffold,
    "constructor raises": NotBuilt,
    "forward returns None": type("S", (Scaffold,), {"forward": lambda self, X: None}),
    "forward is ...": type("S", (Scaffold,), {"forward": lambda self, X: ...}),
    "no forward": type("S", (Scaffold,), {"forward": nn.Module.forward}),
    "layers, then forward raises": changed(forward=Scaffold.forward),
    "function returns None": lambda c1, c2, c3, c4: None,
    "function raises": unwritten,
}


@pytest.mark.parametrize("attempt", UNATTEMPTED.values(), ids=UNATTEMPTED.keys())
def test_unattempted(attempt):
    report = run("8.4/0", attempt)
    assert not report.attempted, report.text
    assert not report.passed
    assert report.failed is None
    assert "not attempted yet" in report.text
    assert "run this cell again" in report.text
    assert report.text.count("  — ") == len(report.requirements)
    assert "✗" not in report.text
    assert "✓" not in report.text


# Errors of the learner


def raising(make_error):
    def forward(self, X):
        raise make_error()

    return changed(forward=forward)


class UnprintableError(Exception):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("make_error", "found"),
    [
        (lambda: SystemExit(3), "SystemExit: 3"),
        (lambda: ValueError("odd"), "ValueError: odd"),
        (lambda: GeneratorExit(), "GeneratorExit"),
        (lambda: UnprintableError(), "UnprintableError"),
        (lambda: OSError(2, "No such file", "/home/someone/deep/weights.pt"), "'weights.pt'"),
        (lambda: KeyError(object()), "KeyError: <object object>"),
        (lambda: ValueError("\x1b[31m\ud800\n" + 999 * "long "), "long"),
    ],
)
def test_errors_are_explained_not_raised(make_error, found):
    report = run("8.4/0", raising(make_error))
    assert report.failed == INDEX["runs"]
    assert found in report.problem.found
    assert re.search(r"line \d+ of your code: `raise make_error\(\)`", report.problem.found)
    for text in (report.text, report.html):
        text.encode()
        assert "/home" not in text
        assert "0x" not in text
        assert "\x1b" not in text
        assert len(text) < 6000


def test_endless_recursion_is_explained():
    report = run("8.4/0", changed(forward=lambda self, X: self.forward(X)))
    assert "RecursionError" in report.problem.found
    assert "without end" in report.problem.nudge


def test_stopping_is_left_to_the_learner():
    with pytest.raises(KeyboardInterrupt):
        run("8.4/0", raising(KeyboardInterrupt))


class Hostile:
    """Something whose every question raises."""

    def __getattribute__(self, name):
        raise RuntimeError("no")

    def __eq__(self, other):
        raise RuntimeError("no")

    __hash__ = None


JUNK = [
    0,
    "Inception",
    b"",
    [],
    {},
    object(),
    print,
    int,
    torch.zeros(3),
    nn.Module,
    nn.ReLU,
    nn.Conv2d,
    Hostile,
    lambda: None,
    lambda *a, **k: nn.Identity(),
    lambda a, b: Base(a, b, b, a),
    lambda *channels: nn.Flatten(),
    lambda *channels: nn.Softmax(dim=1),
    changed(forward=lambda self, X: X.new_zeros(len(X), TOTAL, *X.shape[2:])),
    changed(forward=lambda self, X: torch.full_like(X, torch.inf)),
    changed(forward=lambda self, X: torch.tensor(1.0)),
    changed(forward=lambda self, X: X.new_empty(0)),
    changed(forward=lambda self, X: Base.forward(self, X).int()),
    changed(forward=lambda self, X: Base.forward(self, X).to(torch.complex64)),
    changed(forward=lambda self, X: Base.forward(self, X).to("meta")),
    changed(forward=lambda self: None),
    changed(parameters=lambda self: [1, 2]),
    changed(eval=lambda self: None),
    changed(train=lambda self, mode=True: None),
]


@pytest.mark.parametrize("attempt", JUNK, ids=range(len(JUNK)))
def test_junk_is_refused_without_an_error(attempt):
    report = run("8.4/0", attempt)
    assert not report.passed
    assert report.text
    assert report.html
    assert "0x" not in report.text


def test_hostile_objects_are_refused_without_an_error():
    assert run("8.4/0", Hostile()).failed == INDEX["builds"]
    assert run("8.4/0", lambda *channels: Hostile()).failed == INDEX["builds"]
    assert run("8.4/0", changed(forward=lambda self, X: Hostile())).failed == INDEX["runs"]


# Reports


def shown(text):
    """The words of some HTML or text, without tags, labels' padding and signs of code."""
    text = html.unescape(re.sub(r"<[^>]+>", " ", text))
    return re.sub(r"[\s`]+", "", text)


@pytest.mark.parametrize(
    "attempt", [Base, None, WRONG["sigmoid"][0], raising(lambda: ValueError("<script>a & b</"))]
)
def test_html_and_text_have_the_same_facts(attempt):
    report = run("8.4/0", attempt)
    bundle = report._repr_mimebundle_()
    assert bundle == {"text/plain": report.text, "text/html": report.html}
    assert shown(re.sub(r"</?script>", "", report.html)) == shown(report.html)
    assert shown(report.html).replace("<script>", "") == re.sub(
        r"\s|`", "", report.text.replace("<script>", "")
    )


def test_html_escapes_what_the_learner_wrote():
    report = run("8.4/0", raising(lambda: ValueError("<script>alert('x')</script><img src=x>")))
    assert "<script" not in report.html
    assert "<img" not in report.html
    assert "&lt;script&gt;" in report.html
    assert "<script>" in report.text


def test_html_follows_the_theme():
    for attempt in (Base, None, WRONG["sum"][0]):
        report = run("8.4/0", attempt)
        assert "currentColor" in report.html
        assert not re.search(r"background|color: *(black|white|#000|#fff)", report.html)


@pytest.mark.parametrize("name", ["no last ReLU", "unknown, negative", "dilated", "dropout"])
def test_reports_are_the_same_every_time(name):
    first = run("8.4/0", WRONG[name][0])
    torch.manual_seed(5)
    second = run("8.4/0", WRONG[name][0])
    assert first == second
    assert first.text == second.text
    assert first.html == second.html


def test_lines_are_short():
    for attempt, *_ in WRONG.values():
        assert max(map(len, run("8.4/0", attempt).text.splitlines())) <= 88


def test_the_callers_state_is_untouched():
    torch.manual_seed(1)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    methods = dict(vars(Base))
    for attempt in (Base, Functional, changed(forward=no_grad_forward), raising(ValueError)):
        run("8.4/0", attempt)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.is_grad_enabled()
    assert threads == torch.get_num_threads()
    assert dict(vars(Base)) == methods


def test_works_without_gradients_and_with_doubles():
    with torch.no_grad():
        assert run("8.4/0", Base).passed
    torch.set_default_dtype(torch.float64)
    try:
        assert run("8.4/0", Base).passed
    finally:
        torch.set_default_dtype(torch.float32)


def test_a_check_is_instant():
    run("8.4/0", Base)
    for attempt in (Base, WRONG["dilated"][0]):
        times = []
        for _ in range(5):
            start = time.process_time()
            run("8.4/0", attempt)
            times.append(time.process_time() - start)
        assert min(times) < 0.3


# Showing


def test_check_prints_and_returns_nothing(capsys):
    assert check("8.4/0", Base) is None
    assert capsys.readouterr().out == run("8.4/0", Base).text + "\n"


def test_check_shows_one_object_in_a_notebook(monkeypatch, capsys):
    ipython = pytest.importorskip("IPython")
    import IPython.display

    shown_objects = []
    monkeypatch.setattr(ipython, "get_ipython", object)
    monkeypatch.setattr(IPython.display, "display", shown_objects.append)
    assert check("8.4/0", Base) is None
    assert shown_objects == [run("8.4/0", Base)]
    assert capsys.readouterr().out == ""


def test_check_prints_on_a_terminal_without_the_signs(monkeypatch, capsys):
    def ascii_only(text):
        text.encode("ascii")
        written.append(text)

    written = []
    monkeypatch.setattr(builtins, "print", ascii_only)
    monkeypatch.setattr("sys.stdout", type("Out", (), {"encoding": "ascii"}))
    check("8.4/0", Base)
    assert "? is built from" in written[0]
