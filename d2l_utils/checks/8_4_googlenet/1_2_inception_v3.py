"""Exercise 1.2. The blocks of Inception-v3."""

from __future__ import annotations

from ..answers import question
from ..registry import register
from . import inception, inception_norm, inception_paths, inception_v3, inception_weights

for exercise, title, paths in (
    ("8.4/1.2a", "Two 3x3 in place of the 5x5", inception_paths.FACTORISED),
    ("8.4/1.2b", "1x7 and 7x1", inception_paths.ASYMMETRIC),
    ("8.4/1.2c", "1x3 beside 3x1", inception_paths.EXPANDED),
):
    register(
        exercise,
        title,
        [
            ("is built from the channel numbers (c1, c2, c3, c4)", inception.builds),
            ("takes a batch of images through its layers", inception.runs),
            ("keeps height and width in every branch", inception_v3.keeps_size),
            ("joins the branches to c1 + c2[1] + c3[1] + c4 channels", inception_v3.joins),
            ("has the convolutions of the table, with batch norm", inception_v3.counts),
            ("leaves its input as it was", inception_weights.leaves_input),
            ("computes what the table says", inception_v3.agrees),
            ("takes running statistics in evaluation", inception_v3.remembers),
            ("can be trained: a gradient reaches every parameter", inception_weights.trains),
        ],
        prepare=inception_v3.trial(exercise, paths),
        nudges=inception_norm.NORM_NUDGES,
    )

question(
    "8.4/1.2d",
    "Where two 3x3 cost as much as one 5x5",
    "the ratio b / a",
    {
        25 / 18: "So much dearer is the 5x5 at b = a. The question is where they meet.",
        18 / 25: "The two cost so much of the 5x5 at b = a. Where do they meet?",
        9 / 16: "Upside down, or a middle of a channels: here the middle has b.",
        1: "At b = a the two are cheaper: 18 a² against 25 a².",
        2: "At b = 2 a the two are dearer: 9·2 + 9·4 = 54, against 25·2 = 50.",
        25 / 9: "You have left out the first of the two: 9 a b.",
    },
    correct=16 / 9,
    otherwise="A k x k convolution from a to b channels costs k² a b per pixel: write"
    " down both sides, and solve for b / a.",
    rel_tol=1e-2,
)
