"""What the reader predicts, drawn beside what was measured; it is never judged."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

__all__ = ["mark_prediction", "predicted"]

COLOR = "#8A63D2"  # not of the palette of the curves; 4:1 on white, 4.2:1 on the dark page


def predicted(value: Any, *choices: str, order: bool = False) -> Any:
    """A prediction as it can be drawn: a finite number, or one of ``choices``, else None.

    ``None`` and ``...`` are no prediction yet. What cannot be read is told in one line. With
    ``order`` it is all of ``choices`` in some order: a list of them, or a text with commas.
    """
    if value is None or value is ...:
        return None
    if choices:
        by_name = {choice.lower(): choice for choice in choices}
        parts = value.split(",") if isinstance(value, str) else value
        parts = list(parts) if order and isinstance(parts, Iterable) else [value]
        named = [by_name.get(str(part).strip().lower()) for part in parts]
        if order and None not in named and sorted(named) == sorted(choices):
            return named
        if not order and named[0] is not None:
            return named[0]
        names = ", ".join(map(repr, choices))
        expected = f"a list of all of these, each once: {names}" if order else f"one of {names}"
    else:
        text = value.strip().rstrip("%").strip() if isinstance(value, str) else value
        try:
            number = float(text)
        except (TypeError, ValueError, RuntimeError):
            number = math.nan
        if math.isfinite(number):
            return number
        expected = "a number"
    print(f"prediction {value!r}: expected {expected}; nothing is drawn for it")
    return None


def mark_prediction(axis, x: float | None = None, y: float | None = None) -> None:
    """Mark a prediction on a matplotlib axis: a point, or a line where x or y alone is given."""
    label = "your prediction"
    if any(line.get_label() == label for line in axis.lines):
        label = None  # once in the legend
    if x is not None and y is not None:
        axis.plot([x], [y], "*", color=COLOR, markersize=14, label=label, zorder=5)
    elif x is not None:
        axis.axvline(x, color=COLOR, linestyle=":", linewidth=2, label=label)
    elif y is not None:
        axis.axhline(y, color=COLOR, linestyle=":", linewidth=2, label=label)
