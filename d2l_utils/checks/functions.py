"""Requirements for exercises whose answer is a function that returns a whole number."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from typing import Any

from .answers import read_number
from .report import Problem, clean

__all__ = ["returns"]

Mistakes = Iterable[tuple[Callable[[Any], int], str]]


def returns(
    reference: Callable[[list], int],
    argument: list,
    what: str,
    mistakes: Mistakes,
    otherwise: str,
    others: Sequence[list] = (),
    square: bool = False,
) -> Callable[[Any], Problem | None]:
    """A requirement: the attempt, called with ``argument``, returns what ``reference`` returns.

    ``what`` stands behind the number expected. ``mistakes`` pairs what wrong functions compute
    with what to say to them; ``otherwise`` is said to any other wrong value. A mistake is named
    only if it explains what the attempt returns for each of ``others`` as well. ``square``: the
    number is a height and width, and an equal pair names it as well.
    """

    def value_of(given: Any) -> Real | None:
        return None if isinstance(given, str) else read_number(given, square)

    def returned(function: Callable[[list], Any], argument: list) -> Real | None:
        try:
            return value_of(function(copy.deepcopy(argument)))
        except Exception:  # the learner's code may raise anything
            return None

    def explains(wrong: Callable[[list], int], function: Callable[[list], Any], given: Any) -> bool:
        return wrong(argument) == given and all(
            wrong(other) == returned(function, other) for other in others
        )

    def judge(function: Callable[[list], Any]) -> Problem | None:
        if not callable(function):
            found = clean(f"{function!r}, of type {type(function).__name__}", 80)
            return Problem(found, "a function", "Pass the function itself, without calling it.")
        right = reference(argument)
        expected = f"{right:,} {what}"
        given = function(copy.deepcopy(argument))
        if given is None:
            return Problem("None", expected, "Does the function return its result?")
        value = value_of(given)
        if value is None or value % 1 != 0:  # so are NaN and infinity
            found = clean(f"{given!r}, of type {type(given).__name__}", 80)
            return Problem(found, expected, "Return one whole number.")
        if value == right:
            return None
        told = (say for wrong, say in mistakes if explains(wrong, function, value))
        return Problem(f"{int(value):,}", expected, next(told, otherwise))

    return judge
