"""Exercise 5. Computation and accelerators."""

from __future__ import annotations

from ..answers import question
from ..registry import register
from . import chips

register(
    "8.4/5a",
    "The cycles of a systolic array",
    [
        ("a product that fits the array", chips.agrees_on(5, 4, 3, 4, 3)),
        ("folds along K and along N", chips.agrees_on(7, 12, 15, 4, 5)),
        ("folds that do not fill the array", chips.agrees_on(6, 9, 10, 4, 3)),
        ("a fully connected layer of one input", chips.agrees_on(1, 4096, 1000, 32, 32)),
    ],
    prepare=chips.one_argument,
    nudges={r"^TypeError: .*positional argument": "Five arguments: M, K, N, rows, columns."},
)

question(
    "8.4/5b",
    "Which of the two computes more",
    "names the network",
    {
        "alexnet": "It has eight times the parameters. But how often is a weight of a fully"
        " connected layer used, how often one of a convolution?",
    },
    correct="GoogLeNet",
)

question(
    "8.4/5c",
    "What a fully connected layer waits for",
    "names what is short",
    {
        "compute": "128×128 multipliers need each weight once for one image. How long does DRAM"
        " take to bring 43 million of them?",
    },
    correct="memory",
)

register(
    "8.4/5d",
    "A chip for GoogLeNet",
    [
        ("is a d2l.Chip of 8 bits at 1 GHz", chips.is_a_chip),
        (f"runs GoogLeNet {chips.IMAGES:,} times a second", chips.is_fast),
        (f"takes at most {chips.LARGEST:g} mm²", chips.is_small),
    ],
)
