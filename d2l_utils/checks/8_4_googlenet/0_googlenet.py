"""Exercise 0. The Inception block."""

from __future__ import annotations

from functools import partial

from ..blocks import judge_parameters, judge_shapes, judge_values
from ..blocks.from_channels import from_channels
from ..blocks.graph import conv_relu
from ..blocks.learners_block import Attempt
from ..registry import register
from . import inception

LATER = "Batch normalisation and the like came later: this block is convolutions and ReLU only."
BLOCK = inception.block(
    "8.4/0",
    partial(inception.four_branches, conv_relu),
    more={"convolution": partial(inception.swapped, conv_relu)},
    found=inception.FOUND | {"vectors": "more vectors than six biases"},
    nudges=inception.NUDGES | {"vectors": LATER},
    where=inception.where,
    counted="{} parameters",
    same="the paper's block, with the same weights",
)

register(
    "8.4/0",
    "The Inception block",
    [
        ("is built from the channel numbers (c1, c2, c3, c4)", judge_shapes.builds),
        ("takes a batch of images through its layers", judge_shapes.runs),
        ("keeps height and width in every branch", judge_shapes.keeps_size),
        ("joins the branches to c1 + c2[1] + c3[1] + c4 channels", judge_shapes.joins),
        ("has the parameters of six convolutions, no more, no fewer", judge_parameters.counts),
        ("leaves its input as it was", judge_values.leaves_input),
        ("applies ReLU after every convolution", judge_values.has_relu),
        ("computes the same function as the paper's block", judge_values.agrees),
        ("can be trained: a gradient reaches every parameter", judge_values.trains),
    ],
    prepare=partial(Attempt, BLOCK),
    nudges=inception.ERRORS,
    hints=(
        "Hint 1: four things to ask of each branch",
        "Hint 2: how each of them is done",
        "Hint 3: the class, with gaps",
    ),
    starts={  # the first hint is about the branches, the second about the class as well
        "is built from the channel numbers (c1, c2, c3, c4)": 1,
        "leaves its input as it was": 1,
        "can be trained: a gradient reaches every parameter": 1,
    },
    used=partial(from_channels, BLOCK),
)
