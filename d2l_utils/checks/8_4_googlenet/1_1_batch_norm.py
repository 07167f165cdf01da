"""Exercise 1.1. The Inception block with batch normalisation."""

from __future__ import annotations

from functools import partial

from ..blocks import requirements
from ..blocks.attempt import Attempt, Block
from ..blocks.graph import Node, conv, conv_norm_relu, conv_relu, norm, relu
from ..blocks.rules import NOT_BEFORE, Rule
from ..registry import register
from .inception import (
    CHANNELS,
    EVEN,
    HINT,
    NORM_NUDGES,
    NORM_WORDS,
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


WRONG = [  # blocks with a mistake that is in several places
    Rule(
        "norm-at-the-end",
        "norm",
        "cat",
        lambda n: norm(inception(conv_relu, *CHANNELS)),
        "no batch norm after the two reductions, only at the end of the block",
        SIX,
    ),
    Rule(
        "no-inner-norm",
        "norm",
        "cat",
        lambda n: inception(conv_norm_relu, *CHANNELS, inner=conv_relu),
        "no batch norm after the two reductions",
        SIX,
    ),
    Rule(
        "norm-first",
        "norm",
        "cat",
        lambda n: inception(norm_first, *CHANNELS),
        "the block's input is normalised, batch norm before each convolution",
        NOT_BEFORE,
    ),
]
BLOCK = Block(
    "8.4/1.1",
    partial(inception, conv_norm_relu),
    CHANNELS,
    EVEN,
    SIGNATURE,
    HINT,
    more=[*WRONG, *swapped(conv_norm_relu)],
    words=NORM_WORDS,
    where=where,
    counted=counted,
    same="the block with batch norm, with the same weights",
)

register(
    "8.4/1.1",
    "The Inception block with batch normalisation",
    [
        ("is built from the channel numbers (c1, c2, c3, c4)", requirements.builds),
        ("takes a batch of images through its layers", requirements.runs),
        ("keeps height and width in every branch", requirements.keeps_size),
        ("joins the branches to c1 + c2[1] + c3[1] + c4 channels", requirements.joins),
        ("has six convolutions without bias, each with its batch norm", requirements.counts),
        ("leaves its input as it was", requirements.leaves_input),
        ("normalises over the batch in training", requirements.normalises),
        ("learns running statistics in training, for evaluation", requirements.remembers),
        ("applies ReLU after every batch norm", requirements.has_relu),
        ("computes the same function as a right block, in both modes", requirements.agrees),
        ("can be trained: a gradient reaches every parameter", requirements.trains),
    ],
    prepare=partial(Attempt, BLOCK),
    nudges=NORM_NUDGES,
)
