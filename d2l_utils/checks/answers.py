"""Requirements for questions whose answer is a number or a choice."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

from .registry import register
from .report import Problem, Unattempted, clean

__all__ = ["answers", "number", "question", "read_number"]


def answers(
    replies: Mapping[Any, str],
    correct: float | str,
    *,
    otherwise: str = "Not this one; the hints below lead on.",
    rel_tol: float = 1e-9,
    key: Callable[[Any], Any] = lambda attempt: attempt,
    square: bool = False,
) -> Callable[[Any], Problem | None]:
    """A requirement that takes only ``correct``: a number, or one of some choices (strings).

    ``replies`` maps wrong answers to what to say to them, ``otherwise`` is said to any other.
    Numbers agree within the relative tolerance ``rel_tol``, and may be texts such as "92.8 %"; case
    and outer blanks of a choice do not matter. ``key`` takes the answer out of an attempt with
    several parts. ``square``: the number is a height and width, and an equal pair names it as well.
    """
    is_choice = isinstance(correct, str)
    kind = "a choice" if is_choice else "a number"
    options = sorted({_value(a) for a in (*replies, correct)}) if is_choice else []
    one_of = f"one of {', '.join(map(repr, options))}"

    def same(given: Any, answer: Any) -> bool:
        answer = _value(answer)
        return (
            given == answer
            if is_choice
            else math.isclose(given, answer, rel_tol=rel_tol, abs_tol=1e-5 * (answer == 0))
        )

    def judge(attempt: Any) -> Problem | None:
        raw = key(attempt)
        if raw is None or raw is ...:
            raise Unattempted
        given = _value(raw) if is_choice else read_number(raw, square)
        if given is None or isinstance(given, str) != is_choice:
            found = clean(f"{raw!r}, of type {type(raw).__name__}", 80)
            expected = one_of if is_choice else kind
            nudge = f"Give {kind}, nothing else."
            if square:
                nudge += " It stands for the height, and for the width, which is the same."
            return Problem(found, expected, nudge)
        if same(given, correct):
            return None
        if is_choice and given not in options:
            return Problem(clean(repr(raw), 80), one_of, "Pick one of the choices offered.")
        reply = next((r for answer, r in replies.items() if same(given, answer)), otherwise)
        return Problem(clean(str(given), 80), f"another {kind[2:]}", reply)

    return judge


def question(
    exercise: str,
    title: str,
    asked: str,
    replies: Mapping[Any, str],
    correct: float | str,
    hints: Sequence[str] = (),
    **options: Any,
) -> None:
    """Register an exercise of a single answer; ``asked`` is its line in the report.

    ``hints`` as for ``register``, the rest as for ``answers``.
    """
    register(exercise, title, [(asked, answers(replies, correct, **options))], hints=hints)


def number(raw: Any) -> Real | None:
    """A number of any kind: Python's, NumPy's, a tensor of one element; None if it is none."""
    if hasattr(raw, "item") and getattr(raw, "shape", None) in ((), (1,)):
        raw = raw.item()
    return raw if isinstance(raw, Real) and not isinstance(raw, bool) else None


def _value(raw: Any) -> Real | str | None:
    """A number; a choice in lower case."""
    return raw.strip().lower().replace("×", "x") if isinstance(raw, str) else number(raw)


def read_number(raw: Any, square: bool = False) -> Real | None:
    """A number, written as a text perhaps; None if it is none.

    Of a ``square``, one side may stand for an equal pair.
    """
    if isinstance(raw, str):
        sides = re.split(r"[x×*]", raw.lower()) if square else [raw]
        values = [_from_text(side) for side in sides]
    elif square and number(raw) is None and hasattr(raw, "__len__") and len(raw) == 2:
        values = [number(side) for side in raw]
    else:
        return number(raw)
    return values[0] if len(values) <= 2 and values[0] == values[-1] else None


def _from_text(text: str) -> Real | None:
    """The number that "92.8 %", "48.4 GB/s" or "1,234" says."""
    text = re.sub(r"(?<=[\d.])\s*(%|[a-z²/]+)$", "", text.strip(), flags=re.IGNORECASE)
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text.replace("−", "-"))
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None
