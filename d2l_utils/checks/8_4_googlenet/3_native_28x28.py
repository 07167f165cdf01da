"""Exercise 3. GoogLeNet for images of 28x28."""

from __future__ import annotations

from ..answers import question
from ..registry import register
from . import stems

register(
    "8.4/3a",
    "A stem for 28×28",
    [
        ("has the form of d2l.STEM", stems.has_the_form),
        ("takes an image of 28×28", stems.runs),
        ("gives the body more than one picture, scaled", stems.has_pictures),
        ("gives the body more image than padding", stems.shows_the_image),
        ("leaves the body's last stage maps of 4×4 or more", stems.leaves_pixels),
        ("costs at most 750 M MACs an image", stems.affordable),
    ],
    prepare=stems.prepare,
    hints=(
        "Hint a1: count from the end",
        "Hint a2: which halvings are left for the stem",
        "Hint a3: a stem with gaps",
    ),
    starts={
        "has the form of d2l.STEM": 2,
        "gives the body more than one picture, scaled": 2,
        "gives the body more image than padding": 2,
        "costs at most 750 M MACs an image": 1,
    },
)

question(
    "8.4/3b",
    "What is left of 28×28 in the last stage, with the book's stem",
    "names the height and width",
    {
        7: "That is what is left of 224×224. Of 28×28 it is what two halvings leave, and the last"
        " stage is behind five.",
        4: "That is what the body receives. Its last stage is behind two more pools.",
        2: "That is what the body's second stage works on. One more pool follows it.",
        3: "That is what is left of 96×96. Of 28, each halving rounds up.",
        14: "That is what the first halving leaves. Four more follow.",
        0: "Each halving rounds up.",
        0.875: "That is 28 / 32. But each halving rounds up.",
        28: "That is the image.",
        32: "That is how many times a large image shrinks. What is left of 28?",
    },
    correct=1,
    otherwise="Halve 28 once for each stride of 2 before the last stage, rounding up.",
    square=True,
    hints=("Hint b1: what halves", "Hint b2: the row of sizes"),
)

question(
    "8.4/3c",
    "What else has to change",
    "names the part",
    {
        "body": "Its blocks keep height and width, whatever they get. Put in your stem and run it.",
        "head": "Averaging takes maps of any size. It does not mind the image.",
        "both": "Put your stem into `d2l.GoogleNet(stem=my_stem)`. Does anything fail?",
        "stem": "That is what part a has changed. Which part beside it?",
    },
    correct="none",
    hints=("Hint c1: what each part does to a map", "Hint c2: one part at a time"),
)
