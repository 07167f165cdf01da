"""Exercise 1.1. The Inception block with batch normalisation."""

from __future__ import annotations

from functools import partial

from ..blocks import judge_parameters, judge_shapes, judge_values
from ..blocks.attempt import Attempt
from ..blocks.graph import Node, conv, conv_norm_relu, conv_relu, norm, relu
from ..blocks.rules import Wrong
from ..registry import register
from . import inception
from .inception import four_branches


def norm_first(x: Node, out: int, kernel: int) -> Node:
    """A unit in the wrong order."""
    return relu(conv(norm(x, mark=(out, kernel)), out, kernel, bias=False))


def wrong(n: Node) -> Wrong:
    """Mistakes that are in several places."""
    if n.op == "cat":
        yield "norm-at-the-end", norm(four_branches(conv_relu))
        yield "no-inner-norm", four_branches(conv_norm_relu, inner=conv_relu)
        yield "norm-first", four_branches(norm_first)


INNER = "no batch norm after the two reductions"
FOUND = {
    "norm-at-the-end": f"{INNER}, only at the end of the block",
    "no-inner-norm": INNER,
    "norm-first": "the block's input is normalised, batch norm before each convolution",
}
BLOCK = inception.block(
    "8.4/1.1",
    partial(four_branches, conv_norm_relu),
    more={"norm": wrong, "convolution": partial(inception.swapped, conv_norm_relu)},
    found=inception.NORM_FOUND | FOUND,
    nudges=inception.NORM_NUDGES,
    where=inception.where,
    counted="{} parameters",
    same="the block with batch norm, with the same weights",
)

register(
    "8.4/1.1",
    "The Inception block with batch normalisation",
    [
        ("is built from the channel numbers (c1, c2, c3, c4)", judge_shapes.builds),
        ("takes a batch of images through its layers", judge_shapes.runs),
        ("keeps height and width in every branch", judge_shapes.keeps_size),
        ("joins the branches to c1 + c2[1] + c3[1] + c4 channels", judge_shapes.joins),
        ("has six convolutions without bias, each with its batch norm", judge_parameters.counts),
        ("leaves its input as it was", judge_values.leaves_input),
        ("normalises over the batch in training", judge_values.normalises),
        ("learns running statistics in training, for evaluation", judge_values.remembers),
        ("applies ReLU after every batch norm", judge_values.has_relu),
        ("computes the same function as a right block, in both modes", judge_values.agrees),
        ("can be trained: a gradient reaches every parameter", judge_values.trains),
    ],
    prepare=partial(Attempt, BLOCK),
    nudges=inception.NORM_ERRORS,
)
