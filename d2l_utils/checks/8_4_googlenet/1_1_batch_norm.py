"""Exercise 1.1. The Inception block with batch normalisation."""

from __future__ import annotations

from functools import partial

from ..blocks import judge_parameters, judge_shapes, judge_values
from ..blocks.attempt import Attempt
from ..blocks.block import Block
from ..blocks.graph import Node, conv, conv_norm_relu, conv_relu, norm, relu
from ..blocks.rules import Wrong
from ..registry import register
from .inception import (
    CHANNELS,
    EVEN,
    HINT,
    NORM_ERRORS,
    NORM_FOUND,
    NORM_NUDGES,
    SIGNATURE,
    SIX,
    counted,
    inception,
    swapped,
    where,
)


def norm_first(x: Node, out: int, kernel: int) -> Node:
    """A unit in the wrong order."""
    return relu(conv(norm(x, mark=(out, kernel)), out, kernel, bias=False))


def wrong(n: Node) -> Wrong:
    """Mistakes that are in several places."""
    if n.op == "cat":
        yield "norm-at-the-end", norm(inception(conv_relu, *CHANNELS))
        yield "no-inner-norm", inception(conv_norm_relu, *CHANNELS, inner=conv_relu)
        yield "norm-first", inception(norm_first, *CHANNELS)


FIRST = "the block's input is normalised, batch norm before each convolution"
INNER = "no batch norm after the two reductions"
END = f"{INNER}, only at the end of the block"
BLOCK = Block(
    "8.4/1.1",
    partial(inception, conv_norm_relu),
    CHANNELS,
    EVEN,
    SIGNATURE,
    HINT,
    more={"norm": wrong, "convolution": partial(swapped, conv_norm_relu)},
    found=NORM_FOUND | {"norm-at-the-end": END, "no-inner-norm": INNER, "norm-first": FIRST},
    nudges=NORM_NUDGES | {"norm-at-the-end": SIX, "no-inner-norm": SIX},
    where=where,
    counted=counted,
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
    nudges=NORM_ERRORS,
)
