"""Requirements for questions whose answer is a number or a choice."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from types import MappingProxyType
from typing import Any

from .registry import register
from .report import Problem, Unattempted, clean

__all__ = ["answers", "number", "question", "read_number"]

ROUNDED = 5  # times the tolerance: so far off may a number be to get its reply,
FAR = 0.01  # but no further, lest it be told that it is a number that it is not


def answers(
    replies: Mapping[Any, str],
    correct: float | str,
    *,
    otherwise: str = "Not this one; the hints below lead on.",
    rel_tol: float = 1e-9,
    key: Callable[[Any], Any] = lambda attempt: attempt,
    square: bool = False,
    synonyms: Mapping[str, str] = MappingProxyType({}),
) -> Callable[[Any], Problem | None]:
    """A requirement that takes only ``correct``: a number, or one of some choices (strings).

    ``replies`` maps wrong answers to what to say to them, ``otherwise`` is said to any other.
    Numbers agree within the relative tolerance ``rel_tol``, and may be texts such as "92.8 %". A
    wrong number may be rounded: it gets the closest reply within 5 times the tolerance, or 1 %.
    Case, outer blanks and remarks in brackets of a choice do not matter; ``synonyms`` maps other
    words for it, in lower case, to its own. ``key`` takes the answer out of an attempt with several
    parts. ``square``: the number is a height and width, and an equal pair names it as well.
    """
    is_choice = isinstance(correct, str)
    kind = "a choice" if is_choice else "a number"
    options = sorted({_value(a) for a in (*replies, correct)}) if is_choice else []
    one_of = f"one of {', '.join(map(repr, options))}"

    def near(given: Any, answer: Any, tolerance: float = rel_tol) -> bool:
        return math.isclose(given, answer, rel_tol=tolerance, abs_tol=1e-5 * (answer == 0))

    def is_correct(given: Any) -> bool:
        return given == _value(correct) if is_choice else near(given, correct)

    def reply_to(given: Any) -> str:
        if is_choice:
            return next((r for a, r in replies.items() if _value(a) == given), otherwise)
        tolerance = max(rel_tol, min(ROUNDED * rel_tol, FAR)) if rel_tol > 1e-6 else rel_tol
        some = [a for a in (*replies, correct) if near(given, a, tolerance)]
        closest = min(some, key=lambda a: 0 if a == given else abs(a - given), default=correct)
        return replies.get(closest, otherwise)

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
        given = synonyms.get(given, given)
        if is_correct(given):
            return None
        if is_choice and given not in options:
            return Problem(clean(repr(raw), 80), one_of, "Pick one of the choices offered.")
        return Problem(clean(str(given), 80), f"another {kind[2:]}", reply_to(given))

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
    """A number; a choice in lower case, without remarks in brackets."""
    if not isinstance(raw, str):
        return number(raw)
    text = raw.strip().lower().replace("×", "x")
    return re.sub(r"\s*\([^()]*\)", "", text).strip() or text


def read_number(raw: Any, square: bool = False) -> Real | None:
    """A number, written as a text perhaps; None if it is none.

    Of a ``square``, one side may stand for an equal pair.
    """
    if isinstance(raw, str):
        text = re.sub(r"\s*(pixels?|px)\b", "", raw.lower())
        sides = re.split(r"[x×*]", text) if square else [raw]
        values = [_from_text(side) for side in sides]
    elif square and number(raw) is None and hasattr(raw, "__len__") and len(raw) == 2:
        values = [number(side) for side in raw]
    else:
        return number(raw)
    return values[0] if len(values) <= 2 and values[0] == values[-1] else None


def _from_text(text: str) -> Real | None:
    """The number that "92.8 %", "48.4 GB/s", "1,234", "52,8" or "16/9" says."""
    text = re.sub(r"(?<=[\d.])\s*(%|[a-z²]+(/[a-z²]+)?)$", "", text.strip().lower())
    text = text.replace("−", "-")
    if re.fullmatch(r"-?[1-9]\d{0,2}(,\d{3})+(\.\d*)?", text):  # in thousands
        text = text.replace(",", "")
    elif re.fullmatch(r"-?\d*,\d+", text):
        text = text.replace(",", ".")
    above, slash, below = text.partition("/")
    if slash:
        sides = _from_text(above), _from_text(below)
        return None if None in sides or not sides[1] else sides[0] / sides[1]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None
