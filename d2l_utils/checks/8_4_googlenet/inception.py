"""The Inception block as an expression, and what its exercises have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..blocks.block import Block
from ..blocks.graph import Node, X, cat, conv_of, max_pool
from ..blocks.kinds_of_mistake import Wrong

CHANNELS = C1, C2, C3, C4 = 9, (5, 13), (3, 10), 11  # two mistakes in them never give the same sum
EVEN = 4, (4, 4), (4, 4), 4
SIGNATURE = "(c1, c2, c3, c4), or (in_channels, c1, c2, c3, c4) if its layers are not lazy"
HINT = "c1 and c4 are numbers, c2 and c3 pairs of numbers."

ERRORS = {  # nudges, by the error of the learner's code
    r"to have \d+ channels, but got 6 channels": (
        "The number of input channels is fixed in your code: use `nn.LazyConv2d`, or take "
        "`in_channels` as the first argument."
    ),
    r"to have \d+ channels, but got \d+ channels": (
        "A convolution does not fit the tensor it gets: compare its input channels with what the "
        "layer before it gives, and see which tensor the branch starts from."
    ),
    r"cat\(\)(: argument 'tensors'| takes)": "`torch.cat` takes one tuple or list of tensors.",
    r"takes \d+ positional argument.* but \d+ were given": (
        "The block is made as `Inception(c1, c2, c3, c4)` and called on one tensor: "
        "`__init__` and `forward` need those arguments, after `self`."
    ),
    r"^TypeError.*\b(tuple|int' object is not subscriptable)": (
        "c2 and c3 are pairs, c1 and c4 numbers: `c2[0]` is the 1x1 reduction's width, `c2[1]` "
        "the 3x3 convolution's."
    ),
    r"modified by an inplace operation": "Do not change a tensor in place that is used again.",
}
NORM_ERRORS = {
    r"running_mean should contain|weight should contain|Expected weight to be a vector": (
        "A batch norm has as many channels as the convolution before it gives: use "
        "`nn.LazyBatchNorm2d`, or compare the two numbers."
    ),
    r"expected (2D|3D|5D|2D or 3D) input \(got 4D": "For images it is `BatchNorm2d`.",
    **ERRORS,
}

Unit = Callable[..., Node]


def four_branches(
    unit: Unit, c1=C1, c2=C2, c3=C3, c4=C4, kernels=(3, 5), inner: Unit | None = None
) -> Node:
    """The block, of a ``unit`` made from an input, output channels and a kernel's size.

    Wrong blocks are made of other ``kernels``, or have another unit as their ``inner`` ones.
    """
    inner = inner or unit
    return cat(
        unit(X, c1, 1),
        unit(inner(X, c2[0], 1), c2[1], kernels[0]),
        unit(inner(X, c3[0], 1), c3[1], kernels[1]),
        unit(max_pool(X), c4, 1),
    )


def swapped(unit: Unit, n: Node) -> Wrong:
    """Two branches, each in the place of the other."""
    if n.op == "cat":
        yield "kernels-swapped", four_branches(unit, kernels=(5, 3))
        yield "ends-swapped", four_branches(unit, c1=C4, c4=C1)


def where(conv: Node, branch: Node | None) -> str:
    """The place of a convolution in its branch."""
    return "at the end" if branch and conv_of(branch) is conv else "between the two convolutions"


def block(exercise: str, expression: Callable[..., Node], **own: Any) -> Block:
    """A block of these channels, with rules and words of its own."""
    return Block(exercise, expression, CHANNELS, EVEN, SIGNATURE, HINT, "Inception", **own)


FOUND = {
    "kernels-swapped": "3x3 and 5x5 are swapped",
    "ends-swapped": "c1 and c4 are swapped",
}
NUDGES = {
    "kernels-swapped": "c2 belongs to the 3x3 convolution, c3 to the 5x5.",
    "ends-swapped": "The branch with c1 channels has no pool, the one with c4 channels has.",
    "3x3-for-5x5": "It is 5x5 in the paper. (torchvision's 3x3 is a well-known deviation.)",
}
NORM_FOUND = FOUND | {
    "no-norm": "no batch norm after {convs}",
    "vectors": "more vectors than six scales and six shifts",
}
NORM_NUDGES = NUDGES | dict.fromkeys(
    ("no-norm", "no-inner-norm", "norm-at-the-end", "vectors"),
    "Six batch norms: one after each convolution, before its ReLU.",
)
