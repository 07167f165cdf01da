"""Exercise 1.4e. What the shortcut and the scale do: three findings, a requirement each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..answers import answers
from ..report import Problem, Unattempted, clean

__all__ = ["REQUIREMENTS"]

NAMES = "my_scale", "my_network", "my_points"
GROWS = "With a smaller scale it grows less: look at the left of the figure."
ONE_SEED = "That is one seed. Subtract the means of both."


def _finding(index: int, replies: dict, correct: Any, **options: Any) -> Callable:
    """A requirement on one of the findings; told apart are no findings and one left out."""
    judge = answers(replies, correct, **options)

    def judge_one(findings: Any) -> Problem | None:
        if not isinstance(findings, Sequence) or len(findings) != len(NAMES):
            found = clean(f"{findings!r}, of type {type(findings).__name__}", 80)
            expected = f"({', '.join(NAMES)})"
            return Problem(found, expected, "Hand over the three findings, in this order.")
        missing = [name for name, each in zip(NAMES, findings, strict=True) if each in (None, ...)]
        if len(missing) == len(NAMES):
            raise Unattempted
        if NAMES[index] in missing:
            found = f"nothing for {', '.join(f'`{name}`' for name in missing)}"
            return Problem(found, "an answer for each", "Fill in what is missing as well.")
        return judge(findings[index])

    return judge_one


def _scale(given: Any) -> Any:
    """The number, of "scale 0.1" as well."""
    return given.lower().removeprefix("scale") if isinstance(given, str) else given


REQUIREMENTS = [
    (
        "activations: the scale with which the deviation grows least",
        _finding(0, {1: GROWS, 0.3: GROWS}, 0.1, key=_scale),
    ),
    (
        "gradients: where the first block's is the largest multiple of the last's",
        _finding(
            1,
            {
                "scale 1": "It is the largest of the three with a shortcut. And without one?",
                "scale 0.3": "Look at block 1 on the right of the figure: which curve is on top?",
                "scale 0.1": "That is the flattest of the four curves.",
            },
            "no shortcut",
        ),
    ),
    (
        "accuracy: what the residual network of 18 blocks has more, in points",
        _finding(
            2,
            {
                93.33 - 92.78: "That is with 9 blocks.",
                -3.015: "The shortcut comes out ahead: subtract the plain network's accuracy from"
                " its own.",
                3: "That is not it to two decimals: subtract the means as the table has them.",
                3.19: ONE_SEED,
                2.84: ONE_SEED,
                93.91 - 90.20: "Those are held-out images, and single runs. Take the table below.",
            },
            3.015,
            otherwise="Two rows of the table have 18 blocks: subtract one mean from the other.",
            rel_tol=2e-3,  # 3.01 and 3.02 are roundings of it, 3.0 is too coarse
        ),
    ),
]
