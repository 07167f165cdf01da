"""Exercise 2. The smallest image."""

from __future__ import annotations

from ..answers import question
from ..registry import register
from . import image_share, sizes

register(
    "8.4/2a",
    "The smallest image that a chain of layers takes",
    [
        ("one kernel without padding", sizes.agrees_on(sizes.WINDOW)),
        ("a chain with strides", sizes.agrees_on(sizes.STRIDED)),
        ("AlexNet's chain, with padding", sizes.agrees_on(sizes.ALEXNET)),
        ("more padding than the kernel needs", sizes.agrees_on(sizes.GENEROUS)),
        ("a long chain, that of Inception-v3", sizes.agrees_on(sizes.VALID)),
        ("more padding than needed, then a kernel", sizes.agrees_on(sizes.GENEROUS_FIRST)),
    ],
    nudges=sizes.NUDGES,
    hints=(
        "Hint a1: from which end?",
        "Hint a2: one layer backwards",
        "Hint a3: the loop, with a gap",
    ),
    starts={"AlexNet's chain, with padding": 1, "more padding than the kernel needs": 1},
    used=sizes.in_numbers,
)

question(
    "8.4/2b",
    "The smallest image for the book's GoogLeNet",
    "names the height and width",
    {
        32: "The popular answer: five halvings, 2 to the power of 5. But they round up"
        " here, and what is ⌈1 / 2⌉?",
        28: "That is Fashion-MNIST's size. The question is what the layers need.",
        224: "That is ImageNet's usual size. The question is what the layers need.",
        224 * 224: "That is the number of pixels of ImageNet's usual size. The question is what"
        " height and width the layers need.",
        32 * 32: "That is the number of pixels of 32×32, and one side is asked. Do the halvings"
        " round down here?",
        299: "That is the usual size for Inception-v3. The question is what the layers need.",
        96: "That is the size the book trains at. Smaller ones run as well.",
        7: "That is the first kernel's size. But how much of what it reads may be padding?",
        15: "That is torchvision's GoogLeNet, whose pools between the stages have"
        " no padding. The book's is another.",
        0: "An image without a pixel is none.",
        2: "Does one pixel not go through? Take the layers one by one.",
    },
    correct=1,
    otherwise="Put the layers of the stem and the pools into your function.",
    square=True,
    hints=("Hint b1: which layers matter?", "Hint b2: the chain of the book's GoogLeNet"),
)

question(
    "8.4/2c",
    "What a 5×5 kernel sees of a map of 1×1",
    "names the share of its inputs that are image, in percent",
    {
        20: "On one side it is 1 of 5. A kernel has two sides.",
        0.04: "In percent, please: times 100.",
        96: "That is the share of the padding.",
        100: "The kernel is applied to 25 numbers. How many of them are pixels?",
        25: "That many numbers the kernel reads. How many of them are pixels, in percent?",
        1: "That many pixels the kernel reads. Of how many numbers, in percent?",
    },
    correct=4,
    otherwise="A 5×5 kernel reads 25 numbers; padding of 2 on each side supplies some.",
    rel_tol=1e-3,
    hints=("Hint c1: what is under the kernel?", "Hint c2: a picture to count in"),
)

register(
    "8.4/2d",
    "The share of image in what a kernel reads",
    [
        ("a kernel without padding", image_share.agrees_on(*image_share.WINDOW)),
        ("a padded kernel", image_share.agrees_on(*image_share.BORDER)),
        ("a kernel that is larger than the map", image_share.agrees_on(*image_share.SMALL)),
        ("a kernel with a stride", image_share.agrees_on(*image_share.STRIDED)),
        ("a stride that leaves a pixel over", image_share.agrees_on(*image_share.REST)),
    ],
    nudges=image_share.NUDGES,
    hints=(
        "Hint d1: one side is enough",
        "Hint d2: place by place",
        "Hint d3: the function, with gaps",
    ),
    starts={"a kernel that is larger than the map": 1, "a kernel with a stride": 1},
)

question(
    "8.4/2e",
    "What an enlarged image gives the network",
    "names what there is more of",
    {
        "information": "The enlarged image is computed from the small one alone. Then what can it"
        " hold that the small one does not?",
        "weights": "A convolution's weights do not depend on the image's size, and the head"
        " averages each map. Count the parameters at both sizes.",
        "steps": "The number of images and the size of a batch decide how many steps an epoch has."
        " Neither changes.",
    },
    correct="places",
    hints=("Hint e1: one candidate at a time", "Hint e2: what reaches the last stage"),
)
