"""Exercise 4. Parameters counted."""

from __future__ import annotations

from ..answers import question
from ..registry import register
from . import parameter_counting as counting
from . import vgg_variants

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
    hints=(
        "Hint a1: one output channel",
        "Hint a2: both kinds in one formula",
        "Hint a3: the function with gaps",
    ),
    starts={"adds up a list of layers": 2},
)

BODY, HEAD = 9_220_480, 119_586_826  # parameters of VGG-11's convolutions and connected layers

question(
    "8.4/4b",
    "The share of VGG-11's fully connected layers",
    "names the share, in percent",
    {
        100 * BODY / (BODY + HEAD): "That is the share of the convolutions.",
        7.2: "That is the share of the convolutions.",
        BODY / (BODY + HEAD): "That is the share of the convolutions, and not in percent.",
        HEAD / (BODY + HEAD): "In percent, please: times 100.",
        79.8: "That is the first fully connected layer alone; there are three.",
        92.0: "That is AlexNet's share.",
        93.06: "That is the share with 1,000 classes; here there are 10.",
        HEAD: "That is their number. Which share of all parameters is it?",
        HEAD / 1e6: "That is their number in millions. Which share of all parameters is it?",
        HEAD / BODY: "That is how many times the convolutions they are; divide by all parameters.",
        100 * HEAD / BODY: "That is in percent of the convolutions; divide by all parameters.",
    },
    correct=100 * HEAD / (BODY + HEAD),
    otherwise="Count both parts with your function: 8 convolutions, and 25,088 numbers"
    " that go to 4,096, to 4,096, to 10.",
    rel_tol=2e-3,
    hints=("Hint b1: count twice", "Hint b2: the computation with gaps"),
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
    synonyms={
        "gap": "global average pooling",
        "1x1": "1x1 convolutions",
        "1x1 convolution": "1x1 convolutions",
    },
    hints=("Hint c1: body and head", "Hint c2: what each can save at most"),
)

register(
    "8.4/4d",
    "VGG-11 with one idea at a time",
    [
        ("are two lists of layers", vgg_variants.are_lists),
        ("each layer reads what the one before it gives", vgg_variants.are_chains),
        ("GAP only: the convolutions are VGG-11's", vgg_variants.keeps_the_convolutions),
        ("GAP only: one layer from the averages to the classes", vgg_variants.averages),
        ("reductions only: the head is VGG-11's", vgg_variants.keeps_the_head),
        (
            "reductions only: half of the channels reach each 3×3 but the first",
            vgg_variants.reduces,
        ),
    ],
    prepare=vgg_variants.prepare,
    hints=(
        "Hint d1: what averaging leaves",
        "Hint d2: two layers in the place of one",
        "Hint d3: both lists with gaps",
    ),
    starts={"reductions only: half of the channels reach each 3×3 but the first": 1},
)
