"""The exercises of D2L section 8.4, multi-branch networks (GoogLeNet)."""

from __future__ import annotations

from . import counting, inception, inception_norm, inception_weights
from .answers import answers
from .registry import register

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

register(
    "8.4/4a",
    "Counting parameters",
    [
        ("counts a convolution", counting.agrees_on(counting.ONE_CONV)),
        ("counts a fully connected layer", counting.agrees_on(counting.ONE_LINEAR)),
        ("counts a 1×1 convolution", counting.agrees_on(counting.POINTWISE)),
        ("adds up a list of layers", counting.agrees_on(counting.MANY)),
    ],
    nudges=counting.NUDGES,
)

register(
    "8.4/4b",
    "The share of VGG-11's fully connected layers",
    [
        (
            "names the share, in percent",
            answers(
                {
                    7.2: "That is the share of the convolutions.",
                    0.928: "In percent, please: times 100.",
                    79.8: "That is the first fully connected layer alone; there are three.",
                    92.0: "That is AlexNet's share.",
                },
                correct=100 * 119_586_826 / 128_807_306,
                otherwise="Count both parts with your function: 8 convolutions, and 25,088 numbers"
                " that go to 4,096, to 4,096, to 10.",
                rel_tol=2e-3,
            ),
        )
    ],
)

register(
    "8.4/4c",
    "The idea that takes most parameters from VGG-11",
    [
        (
            "names the idea",
            answers(
                {
                    "1x1 convolutions": "They make convolutions thinner. How many of VGG-11's"
                    " parameters are in convolutions at all?"
                },
                correct="global average pooling",
            ),
        )
    ],
)
