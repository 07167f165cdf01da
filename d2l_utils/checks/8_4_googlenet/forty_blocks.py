"""Exercise 1.4e. What the shortcut and the scale do: three findings, a requirement each."""

from __future__ import annotations

from ..answers import answers

__all__ = ["REQUIREMENTS"]

GROWS = "With a smaller scale it grows less: look at the left of the figure."
ONE_SEED = "That is one seed. Subtract the means of both."

activations = answers({1: GROWS, 0.3: GROWS}, 0.1, key=lambda findings: findings[0])
gradients = answers(
    {
        "scale 1": "It is the largest of the three with a shortcut. And without one?",
        "scale 0.3": "Look at block 1 on the right of the figure: which curve is on top?",
        "scale 0.1": "That is the flattest of the four curves.",
    },
    "no shortcut",
    key=lambda findings: findings[1],
)
accuracy = answers(
    {
        93.33 - 92.78: "That is with 9 blocks.",
        -3: "The shortcut comes out ahead: subtract the plain network's accuracy from its own.",
        3.19: ONE_SEED,
        2.84: ONE_SEED,
        93.91 - 90.20: "Those are held-out images, and single runs. Take the table below.",
    },
    3,
    key=lambda findings: findings[2],
    otherwise="Two rows of the table have 18 blocks: subtract one mean from the other.",
    rel_tol=0.01,
)

REQUIREMENTS = [
    ("activations: the scale with which the deviation grows least", activations),
    ("gradients: where the first block's is the largest multiple of the last's", gradients),
    ("accuracy: what the shortcut brings with 18 blocks, in points", accuracy),
]
