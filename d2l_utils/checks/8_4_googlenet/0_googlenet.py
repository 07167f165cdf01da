"""Exercise 0. The Inception block."""

from __future__ import annotations

from ..registry import register
from . import inception, inception_weights

register(
    "8.4/0",
    "The Inception block",
    [
        ("is built from the channel numbers (c1, c2, c3, c4)", inception.builds),
        ("takes a batch of images through its layers", inception.runs),
        ("keeps height and width in every branch", inception.keeps_size),
        ("joins the branches to c1 + c2[1] + c3[1] + c4 channels", inception.joins),
        ("has the parameters of six convolutions, no more, no fewer", inception_weights.counts),
        ("leaves its input as it was", inception_weights.leaves_input),
        ("applies ReLU after every convolution", inception_weights.has_relu),
        ("computes the same function as the paper's block", inception_weights.agrees),
        ("can be trained: a gradient reaches every parameter", inception_weights.trains),
    ],
    prepare=inception.Trial,
    nudges=inception.NUDGES,
)
