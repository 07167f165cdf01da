"""Exercise 1.4. The residual Inception block."""

from __future__ import annotations

from ..answers import question
from ..registry import register
from . import inception, inception_residual, inception_weights

register(
    "8.4/1.4",
    "The residual Inception block",
    [
        ("is built from (width, c1, c2, c3, c4, scale)", inception_residual.builds),
        ("takes a batch of images through its layers", inception.runs),
        ("adds what fits: the output has its input's shape", inception_residual.keeps_shape),
        ("leaves its input as it was", inception_weights.leaves_input),
        ("has the four branches of 1.1 and one linear 1x1", inception_residual.counts),
        ("is ReLU(X + scale · residual), whatever the residual", inception_residual.adds),
        ("makes the residual from the branches of 1.1", inception_residual.residual_agrees),
        ("can be trained: a gradient reaches every parameter", inception_residual.trains),
    ],
    prepare=inception_residual.ResidualTrial,
    nudges=inception_residual.RESIDUAL_NUDGES,
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
)
