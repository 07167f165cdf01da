"""Exercise 2. The smallest image."""

from __future__ import annotations

from ..answers import question
from ..registry import register
from . import sizes

register(
    "8.4/2a",
    "The smallest image that a chain of layers takes",
    [
        ("one kernel without padding", sizes.agrees_on(sizes.WINDOW)),
        ("a chain with strides", sizes.agrees_on(sizes.STRIDED)),
        ("AlexNet's chain, with padding", sizes.agrees_on(sizes.ALEXNET)),
        ("more padding than the kernel needs", sizes.agrees_on(sizes.GENEROUS)),
        ("GoogLeNet's five halvings", sizes.agrees_on(sizes.GOOGLENET)),
    ],
    nudges=sizes.NUDGES,
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
        96: "That is the size the book trains at. Smaller ones run as well.",
        15: "That is torchvision's GoogLeNet, whose stem and pools are padded"
        " differently. The book's is another.",
        0: "An image without a pixel is none.",
        2: "Does one pixel not go through? Take the layers one by one.",
    },
    correct=1,
    otherwise="Put the layers of the stem and the pools into your function.",
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
    },
    correct=4,
    otherwise="A 5×5 kernel reads 25 numbers; padding of 2 on each side supplies some.",
)
