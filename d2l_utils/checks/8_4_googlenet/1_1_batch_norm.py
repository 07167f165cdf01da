"""Exercise 1.1. The Inception block with batch normalisation."""

from __future__ import annotations

from ..registry import register
from . import inception, inception_norm, inception_weights

register(
    "8.4/1.1",
    "The Inception block with batch normalisation",
    [
        ("is built from the channel numbers (c1, c2, c3, c4)", inception.builds),
        ("takes a batch of images through its layers", inception.runs),
        ("keeps height and width in every branch", inception.keeps_size),
        ("joins the branches to c1 + c2[1] + c3[1] + c4 channels", inception.joins),
        ("has six convolutions without bias, each with its batch norm", inception_weights.counts),
        ("leaves its input as it was", inception_weights.leaves_input),
        ("normalises over the batch in training", inception_norm.normalises),
        ("learns running statistics in training, for evaluation", inception_norm.remembers),
        ("applies ReLU after every batch norm", inception_weights.has_relu),
        ("computes the same function as a right block, in both modes", inception_norm.agrees),
        ("can be trained: a gradient reaches every parameter", inception_weights.trains),
    ],
    prepare=inception_norm.NormTrial,
    nudges=inception_norm.NORM_NUDGES,
)
