"""Exercise 8.4/1.3d: what the recorded runs say that smoothing does."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from ..answers import answers, read_number
from ..report import Problem, Unattempted, clean

__all__: list[str] = []

THERE = "the table of the differences from ε = 0"
ACCURACY, CONFIDENCE = "test accuracy", "confidence"
CALIBRATION, FEATURES, SHIFT = "calibration error", "within/between", "shift"
LINES = ACCURACY, CONFIDENCE, CALIBRATION, FEATURES, SHIFT


def filled_in(findings: Any) -> Problem | None:
    """All lines of the scaffold, or none yet."""
    if not isinstance(findings, Mapping):
        found = clean(f"{findings!r}, of type {type(findings).__name__}", 80)
        return Problem(found, "a dictionary", "Fill in the lines of the scaffold as it stands.")
    missing = [line for line in LINES if findings.get(line) in (None, ...)]
    if len(missing) == len(LINES):
        raise Unattempted
    if not missing:
        return None
    found = f"nothing for {', '.join(map(repr, missing))}"
    return Problem(found, "an answer on each line", "Fill in the other lines as well.")


def in_numbers(findings: Mapping[str, Any]) -> dict[str, Any]:
    """``findings``, the shift as a number where it was given as a text."""
    return {**findings, SHIFT: read_number(findings[SHIFT])}


def _finding(line: str, replies: Mapping[Any, str], correct: str):
    return answers(replies, correct, key=itemgetter(line))


REQUIREMENTS = (
    ("has an answer on each line", filled_in),
    (
        "says what becomes of the test accuracy",
        _finding(
            ACCURACY,
            {
                **dict.fromkeys(
                    ("rises", "falls"),
                    f"Look at {THERE}: how many standard errors is each of the two?",
                ),
            },
            "not resolved",
        ),
    ),
    (
        "says what becomes of the confidence",
        _finding(
            CONFIDENCE,
            {
                "rises": f"Look at its sign in {THERE}. Which gap between the logits is best with"
                " smoothing, and which without?",
                "not resolved": f"Look at its line in {THERE}: how many standard errors is it?",
            },
            "falls",
        ),
    ),
    (
        "says what becomes of the calibration error",
        _finding(
            CALIBRATION,
            {
                "falls": "So it is reported of networks that promise far too much; this one"
                f" promised about one point too much. Look at ECE in {THERE}: do its signs say so?",
                "not resolved": f"Look at ECE in {THERE}: how many standard errors is it?",
            },
            "rises",
        ),
    ),
    (
        "says what becomes of the spread of the features, within over between the classes",
        _finding(
            FEATURES,
            {
                "rises": f"Look at its sign, and its size, in {THERE}.",
                "falls": "Tighter clusters are what the paper on them found. Look at the last line"
                f" in {THERE}: how many standard errors is each of the two?",
            },
            "not resolved",
        ),
    ),
    (
        "gives the shift of over-confidence from ε = 0 to ε = 0.1, in points",
        answers(
            {
                8.44: "The size is right. It is a fall: its sign is negative.",
                -8.18: "That is the change of the confidence. Over-confidence is confidence less"
                " accuracy: take its own line.",
                -7.08: "That is where it ends. How far is that from where it began?",
                1.36: "That is where it begins. How far does ε = 0.1 move it?",
                -5.72: "Mind the signs: it begins above 0 and ends below.",
                -25.50: "That is for ε = 0.3.",
                5.65: "That is the change of the calibration error. Over-confidence has a line of"
                " its own.",
            },
            correct=-8.44,
            rel_tol=3e-3,
            key=itemgetter(SHIFT),
            otherwise="It is in the table of effects: over-confidence for ε = 0.1, less that for"
            " ε = 0, in percentage points.",
        ),
    ),
)
