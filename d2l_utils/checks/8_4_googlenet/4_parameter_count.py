"""Exercise 4. Parameters counted."""

from __future__ import annotations

from ..answers import question
from ..registry import register
from . import counting

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

question(
    "8.4/4b",
    "The share of VGG-11's fully connected layers",
    "names the share, in percent",
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
)

question(
    "8.4/4c",
    "The idea that takes most parameters from VGG-11",
    "names the idea",
    {
        "1x1 convolutions": "They make convolutions thinner. How many of VGG-11's"
        " parameters are in convolutions at all?"
    },
    correct="global average pooling",
)
