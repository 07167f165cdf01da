"""Exercise 1.4. The residual Inception block."""

from __future__ import annotations

import re
from functools import partial

from torch.nn.parameter import is_lazy

from ..answers import question
from ..blocks import judge_parameters, judge_shapes, judge_values
from ..blocks.block import Block
from ..blocks.graph import (
    Node,
    X,
    add,
    cat,
    changed,
    conv,
    conv_norm_relu,
    norm,
    parts,
    relu,
    scale,
)
from ..blocks.kinds_of_mistake import Wrong
from ..blocks.learners_block import Attempt
from ..registry import register
from ..report import Problem
from ..whole_network import Network
from . import forty_blocks, inception, inception_resnet_v2
from .residual_sum import JOINED, OTHER, SCALE, TOTAL, WIDTH, adds

SIGNATURE = "(width, c1, c2, c3, c4, scale)"
ADDED = re.compile(r"tensor a \((\d+)\) must match the size of tensor b \((\d+)\) .*dimension (\d)")
CLOSING = "A 1x1 convolution brings the concatenation back to the input's width."
ONCE = "Concatenate first; a 1x1 brings that back to the input's width; then X is added, once."
LINEAR = "The closing convolution is linear: a 1x1 with its bias, no batch norm, no ReLU."
ERRORS = {
    r"takes \d+ positional argument.* but \d+ were given": (
        f"The block is made from `{SIGNATURE}` and called on one tensor: `__init__` and `forward` "
        "need those arguments, after `self`."
    ),
    **inception.NORM_ERRORS,
}


def residual(width: int, c1: int, c2: tuple, c3: tuple, c4: int, factor: float) -> Node:
    """The block of exercise 1.1, closed and added."""
    closing = conv(inception.four_branches(conv_norm_relu, c1, c2, c3, c4), width, 1)
    return relu(add(X, scale(closing, factor)))


def wrong(n: Node) -> Wrong:
    """Mistakes at the closing convolution, and at the sum."""
    if n.op == "conv" and n.x.op == "cat":
        yield "input-closed", conv(cat(*parts(n.x), X), WIDTH, 1)
        yield "wide-closing", conv(n.x, WIDTH, 3)
        yield "no-closing-bias", changed(n, bias=False)
        first, *others = parts(n.x)
        for bias in (True, False):
            rest = (conv(p, WIDTH, 1, bias=bias) for p in others)
            yield "closings-summed", add(conv(first, WIDTH, 1), *rest)
        yield "closing-norm", norm(n)
        yield "closing-norm", norm(changed(n, bias=False))
    elif n.op == "add":
        yield "projected", add(conv(X, WIDTH, 1), *n.inputs[1:])


FOUND = {
    "input-closed": f"a closing convolution of {TOTAL + WIDTH} channels, not of {TOTAL}",
    "wide-closing": f"no convolution from {TOTAL} to {WIDTH} channels",
    "no-closing-bias": "the closing convolution has no bias",
    "closing-norm": "a batch norm of the residual, or of X",
    "closings-summed": "a closing convolution for each branch, and their sum",
    "projected": "a convolution of X on its way to the sum",
}
NUDGES = {
    "input-closed": "Concatenate the last output of each branch, nothing else: X comes in later.",
    "wide-closing": CLOSING,
    "no-closing-bias": LINEAR,
    "closing-norm": LINEAR,
    "closings-summed": f"One 1x1, from all {TOTAL} channels: concatenate the branches first.",
    "projected": "X is added as it is.",
}
BLOCK = Block(
    "8.4/1.4",
    residual,
    (WIDTH, *inception.CHANNELS, SCALE),
    (WIDTH, *inception.EVEN, OTHER),
    SIGNATURE,
    "`width` is the number of channels of the input.",
    name="ResidualInception",
    more={"sum": wrong},
    found=inception.NORM_FOUND | FOUND,
    nudges=inception.NORM_NUDGES | NUDGES,
    where=inception.where,
    counted="in the branches, {} parameters",
    uncounted=WIDTH * (TOTAL + 1),
    closing=TOTAL,
)


def keeps_shape(attempt: Attempt) -> Problem | None:
    """What is added fits: height, width and channels of the input."""
    for output in (attempt.even_output, attempt.output):
        if isinstance(output, str) and (match := ADDED.search(output)):
            return _misfit(attempt, *map(int, match.groups()))
    if problem := judge_shapes.keeps_size(attempt):
        return problem
    channels = attempt.output.shape[1]
    if channels == WIDTH:
        return None
    nudge = CLOSING if channels == TOTAL else ONCE
    return Problem(f"{channels} channels", f"{WIDTH} channels, as the input", nudge, "channels")


def _misfit(attempt: Attempt, a: int, b: int, dimension: int) -> Problem:
    """A sum that torch refused: of tensors that differ in channels, or in height or width."""
    if dimension == 0:
        found = f"X, of {a if b > a else b} images, added to a tensor of {max(a, b)}"
        nudge = "The branches are joined along the batch: channels are dimension 1, `dim=1`."
        return Problem(found, "the sum of two tensors of one shape", nudge, "joined-batch")
    if dimension == 1 and WIDTH not in (a, b):
        found = f"tensors of {a} and {b} channels added"
        return Problem(found, "a concatenation", ONCE, "added")
    if dimension == 1:
        given = b if a == WIDTH else a
        found = f"X, of {WIDTH} channels, added to a tensor of {given}"
        nudge = CLOSING if given in (TOTAL, JOINED) else ONCE
        return Problem(found, "the sum of two tensors of one shape", nudge, "channels")
    given = b if a == 28 else a
    found = f"X, of 28 pixels, added to a tensor of {given}"
    if given == 4 * 28:
        nudge = "The branches are joined along the channels, dimension 1."
        return Problem(found, "28, as the input", nudge, "joined-height")
    return judge_shapes.wrong_size(attempt, found)


def closes(attempt: Attempt) -> Problem | None:
    """The branches of exercise 1.1 and one closing convolution with its bias."""
    if any(not is_lazy(p) and p.numel() == 1 for p in attempt.module.parameters()):
        nudge = "The scale is fixed, not learned: keep it so."
        return Problem("a parameter of one number", "no such", nudge, "learned-scale")
    return judge_parameters.counts(attempt)


def has_branches(attempt: Attempt) -> Problem | None:
    """The branches, as in exercise 1.1."""
    names = ("normalises", "remembers", "has_relu", "agrees")
    problems = (getattr(judge_values, name)(attempt) for name in names)
    return next(filter(None, problems), None)


register(
    "8.4/1.4",
    "The residual Inception block",
    [
        ("is built from (width, c1, c2, c3, c4, scale)", judge_shapes.builds),
        ("takes a batch of images through its layers", judge_shapes.runs),
        ("adds what fits: the output has its input's shape", keeps_shape),
        ("leaves its input as it was", judge_values.leaves_input),
        ("has the four branches of 1.1 and one linear 1x1", closes),
        ("is ReLU(X + scale · residual), whatever the residual", adds),
        ("makes the residual from the branches of 1.1", has_branches),
        ("can be trained: a gradient reaches every parameter", judge_values.trains),
    ],
    prepare=partial(Attempt, BLOCK),
    nudges=ERRORS,
    hints=(
        "Hint a1: what can be added",
        "Hint a2: from the block of 1.1 to this one",
        "Hint a3: the residual block with gaps",
    ),
    starts={
        "has the four branches of 1.1 and one linear 1x1": 1,
        "is ReLU(X + scale · residual), whatever the residual": 1,
        "makes the residual from the branches of 1.1": 1,
    },
)

question(
    "8.4/1.4b",
    "Two blocks that add X to each branch",
    "the channels after the second block",
    {
        192: "So many does each branch have, for its sum with X to be possible.",
        256: "So many come out of block 3a without any sum.",
        768: "So many come out of the first block. The second adds these to each of its branches.",
        1536: "Each block makes four times the channels: the branches are concatenated, not added.",
    },
    correct=3072,
    otherwise="A branch needs as many channels as X; four of them are concatenated;"
    " and then that is the next block's X.",
    hints=("Hint b1: how wide a branch has to be", "Hint b2: the channels, with gaps"),
)

question(
    "8.4/1.4c",
    "The variance after forty blocks",
    "the variance of the sum",
    {
        5: "A number times 0.1 has a hundredth of the variance, not a tenth.",
        41: "That is with scale 1. What does the factor 0.1 do to a variance?",
        0.4: "That is what the forty residuals bring. The input has a variance too.",
        1.01**40: "That would be so if each residual grew with its input. It does"
        " not: batch norm sees to that.",
        1.1**40: "Residuals do not grow with their input, and the variance goes with"
        " the square of the scale.",
        2.0**40: "That would double with each block: a residual as large as all"
        " before it, and no scale.",
    },
    correct=1.4,
    otherwise="Variances of independent numbers add up; a factor enters squared.",
    rel_tol=1e-3,
    hints=("Hint c1: how variances add up", "Hint c2: the variance, with gaps"),
)

register(
    "8.4/1.4d",
    "Inception-ResNet-v2",
    inception_resnet_v2.REQUIREMENTS,
    prepare=Network,
    nudges=inception_resnet_v2.ERRORS,
    hints=(
        "Hint d1: what is repeated",
        "Hint d2: one function for each",
        "Hint d3: the network with gaps",
    ),
)

register(
    "8.4/1.4e",
    "What the shortcut and the scale do",
    forty_blocks.REQUIREMENTS,
    hints=("Hint e1: where the three are shown", "Hint e2: how to read them"),
)
