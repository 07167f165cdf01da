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
        ("leaves the body's last stage maps of 4×4 or more", stems.leaves_pixels),
        ("costs at most 750 M MACs an image", stems.affordable),
    ],
    prepare=stems.prepare,
)

question(
    "8.4/3b",
    "What is left of 28×28 in the last stage, with the book's stem",
    "names the height and width",
    {
        7: "That is what is left of 224×224, or of 28×28 behind the stem. Four halvings stand"
        " between image and last stage.",
        2: "That is what stage 4 works on. One more pool follows it.",
        4: "That is what a stem with one halving would leave.",
        0: "Each halving rounds up.",
        28: "That is the image.",
    },
    correct=1,
    otherwise="Halve 28 once for each stride of 2 before the last stage, rounding up.",
)

question(
    "8.4/3c",
    "The part that has to change",
    "names the part",
    {
        "body": "Its blocks keep height and width. Which part throws the pixels away before them?",
        "head": "Averaging takes maps of any size. It does not mind the image.",
        "none": "It runs. But what do the last stage's kernels read? Exercise 2 has the share.",
        "all": "Change one part at a time and see which change is enough.",
    },
    correct="stem",
)
