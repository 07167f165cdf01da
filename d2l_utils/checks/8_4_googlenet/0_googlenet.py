"""Exercise 0. The Inception block."""

from __future__ import annotations

from functools import partial

from ..blocks import requirements
from ..blocks.attempt import Attempt, Block
from ..blocks.graph import conv_relu
from ..registry import register
from .inception import (
    CHANNELS,
    EVEN,
    HINT,
    NUDGES,
    SIGNATURE,
    WORDS,
    counted,
    inception,
    swapped,
    where,
)

BLOCK = Block(
    "8.4/0",
    partial(inception, conv_relu),
    CHANNELS,
    EVEN,
    SIGNATURE,
    HINT,
    more=swapped(conv_relu),
    words={
        **WORDS,
        "vectors": (
            "more vectors than six biases",
            "Batch normalisation and the like came later: this block is convolutions and ReLU "
            "only.",
        ),
    },
    where=where,
    counted=counted,
    same="the paper's block, with the same weights",
)

register(
    "8.4/0",
    "The Inception block",
    [
        ("is built from the channel numbers (c1, c2, c3, c4)", requirements.builds),
        ("takes a batch of images through its layers", requirements.runs),
        ("keeps height and width in every branch", requirements.keeps_size),
        ("joins the branches to c1 + c2[1] + c3[1] + c4 channels", requirements.joins),
        ("has the parameters of six convolutions, no more, no fewer", requirements.counts),
        ("leaves its input as it was", requirements.leaves_input),
        ("applies ReLU after every convolution", requirements.has_relu),
        ("computes the same function as the paper's block", requirements.agrees),
        ("can be trained: a gradient reaches every parameter", requirements.trains),
    ],
    prepare=partial(Attempt, BLOCK),
    nudges=NUDGES,
)
