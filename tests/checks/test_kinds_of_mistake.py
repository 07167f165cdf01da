"""Every rule of the engine fires: on modules that are made of the wrong expressions themselves."""

import importlib
from dataclasses import replace
from functools import partial
from itertools import product

import other_blocks
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from d2l_utils.checks.blocks.evaluate import OPERATIONS
from d2l_utils.checks.blocks.explain import apply, kinds, singles
from d2l_utils.checks.blocks.graph import (
    X,
    add,
    branches,
    conv,
    conv_norm_relu,
    nodes,
    relu,
    scale,
    width,
)
from d2l_utils.checks.blocks.learners_block import Attempt
from d2l_utils.checks.registry import EXERCISES, find, register, run

SECTION = "d2l_utils.checks.8_4_googlenet"


class Flawed(nn.BatchNorm2d):
    """A batch norm written by hand, with one of the known flaws."""

    flaw = ""

    def forward(self, X):
        n = X.numel() // X.shape[1]
        mean, variance = X.mean((0, 2, 3)), X.var((0, 2, 3), unbiased=False)
        if self.training:
            with torch.no_grad():
                self.running_mean += 0.1 * (mean - self.running_mean)
                self.running_var += 0.1 * (variance - self.running_var)
        else:
            mean, variance = self.running_mean, self.running_var
        if self.flaw == "unbiased-variance" and self.training:
            variance = variance * n / (n - 1)
        divisor = {"no-division": 1 + 0 * variance, "no-root": variance + self.eps}
        divisor = divisor.get(self.flaw, (variance + self.eps).sqrt())
        Y = X.movedim(1, -1) - (0 if self.flaw == "no-mean" else mean)
        Y = Y / divisor
        scale, shift = self.weight, self.bias
        Y = {
            "shift-first": lambda: (Y + shift) * scale,
            "scale-for-shift": lambda: Y * shift + scale,
            "affine-unused": lambda: Y,
            "scale-unused": lambda: Y + shift,
            "shift-unused": lambda: Y * scale,
            "doubled": lambda: 2 * (Y * scale + shift),
        }.get(self.flaw, lambda: Y * scale + shift)()
        return Y.movedim(-1, 1)


class Built(nn.Module):
    """A module made of an expression."""

    def __init__(self, graph, inputs=6):
        super().__init__()
        self.graph, self.layers = graph, nn.ModuleDict()
        for i, n in enumerate(nodes(graph)):
            if n.op == "conv":
                out, kernel, padding, stride, bias, _ = n.spec
                self.layers[str(i)] = nn.Conv2d(
                    width(n.x, inputs), out, kernel, stride, padding, bias=bias
                )
            elif n.op == "norm" and n.spec.flaw:
                self.layers[str(i)] = Flawed(width(n, inputs))
                self.layers[str(i)].flaw = n.spec.flaw
            elif n.op in ("norm", "stored norm"):
                self.layers[str(i)] = nn.BatchNorm2d(width(n, inputs), affine=n.spec.affine)

    def forward(self, X):
        values = {}
        for i, n in enumerate(nodes(self.graph)):
            inputs = [values[x] for x in n.inputs]
            if not inputs:
                values[n] = X
            elif n.op == "stored norm":
                own = self.layers[str(i)]
                values[n] = F.batch_norm(
                    *inputs, own.running_mean, own.running_var, own.weight, own.bias
                )
            elif n.op == "conv" and n.spec.forgotten:
                own = self.layers[str(i)]
                values[n] = F.conv2d(*inputs, own.weight, None, own.stride, own.padding)
            elif n.op == "scale":
                values[n] = n.spec * inputs[0]
            else:
                layer = self.layers[str(i)] if str(i) in self.layers else OPERATIONS[n.op]
                values[n] = layer(*inputs)
        return values[self.graph]


SCALED = replace(
    other_blocks.BOTTLENECK,
    exercise="test/scaled",
    expression=lambda: relu(add(X, scale(conv(conv_norm_relu(X, 5, 3), 6, 3), 0.5))),
    arguments=(),
    even=(),
)
register(SCALED.exercise, "", other_blocks.REQUIREMENTS)
BLOCKS = [
    importlib.import_module(f"{SECTION}.0_googlenet").BLOCK,
    importlib.import_module(f"{SECTION}.1_1_batch_norm").BLOCK,
    other_blocks.BOTTLENECK,
    other_blocks.PREACTIVATION,
    other_blocks.DENSE,
    SCALED,
]
AT_JOINTS = ("joined-height", "joined-batch", "added")  # these show with even branches
# Mistakes that come to the same here: which of them is told does not matter
SAME = [
    {"pool-late", "pool-inside"},  # ReLU and maximum can change places
    {"no-residual", "no-layers"},
    {"relu-on-input", "relu-before-norm"},  # the norm of what is not negative stays so
]


@pytest.fixture
def judge(monkeypatch):
    """Judges modules made of wrong expressions."""

    def judge(block, *mistakes):
        def attempt(*arguments):
            root = block.expression(*arguments)
            spots = [kinds(root, block.rules())[m.kind] for m in mistakes]
            own = [
                replace(m, places=(some[0],) if m.kind.code in AT_JOINTS else m.places)
                for m, some in zip(mistakes, spots, strict=True)
            ]
            return Built(apply(root, *own))

        if mistakes[0].kind.code not in AT_JOINTS:
            block = replace(block, even=block.arguments)
        spec = replace(find(block.exercise), prepare=partial(Attempt, block))
        monkeypatch.setitem(EXERCISES, block.exercise, spec)
        return run(block.exercise, attempt)

    return judge


def cases():
    """Each mistake of each block, once; those of joins where no two channel numbers are alike."""
    for block in BLOCKS:
        names, graphs = set(), set()
        for mistake in singles(block.graph, block.rules()):
            graph = apply(block.graph, mistake)
            telling = mistake.kind.about != "join" or len(block.arguments) == 4
            if telling and graph not in graphs and mistake.kind not in names:
                names.add(mistake.kind)
                name = f"{block.exercise} {mistake.kind.code} {mistake.kind.number}"
                yield pytest.param(block, mistake, id=name)
            graphs.add(graph)


@pytest.mark.parametrize(("block", "mistake"), list(cases()))
def test_every_mistake_is_named(judge, block, mistake):
    report = judge(block, mistake)
    code = mistake.kind.code
    same = next((some for some in SAME if code in some), {code})
    assert not report.passed
    got = f"{report.failed} {report.problem.code}: {report.problem.found} | {report.problem.nudge}"
    assert report.problem.code in same, got
    if report.problem.code == code:
        assert report.problem.nudge == block.nudge(block.graph, [mistake])


PAIRS = [  # exercise's place in BLOCKS, and two codes
    (0, "no-relu", "average-pool"),
    (0, "other-activation", "pooled-input"),
    (1, "relu-before-norm", "no-pool"),
    (1, "pool-normed", "bias"),
    (1, "no-relu", "stored-statistics"),
    (2, "no-shortcut", "relu-before-norm"),
    (2, "no-affine", "bias"),
    (5, "no-scale", "other-activation"),
]


@pytest.mark.parametrize(("number", "first", "second"), PAIRS)
def test_two_mistakes_at_once_are_both_named(judge, number, first, second):
    block = BLOCKS[number]
    alone = [m for m in singles(block.graph, block.rules()) if len(m.places) == 1]
    pairs = product(*([m for m in alone if m.kind.code == code] for code in (first, second)))
    ends = branches(block.graph) or [block.graph]
    one, two = next(  # in one branch
        (one, two)
        for one, two in pairs
        if any({*one.places, *two.places} <= set(nodes(end)) for end in ends)
    )
    report = judge(block, one, two)
    assert not report.passed
    for mistake in (one, two):
        found = block.finding(block.graph, [mistake])
        assert found.partition(", in the branch")[0] in report.problem.found, report.text
