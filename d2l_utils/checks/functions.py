"""Requirements for exercises whose answer is a function that returns a whole number."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from numbers import Integral
from typing import Any

from .report import Problem, clean

__all__ = ["returns"]

Mistakes = Iterable[tuple[Callable[[Any], int], str]]


def returns(
    reference: Callable[[list], int],
    argument: list,
    what: str,
    mistakes: Mistakes,
    otherwise: str,
) -> Callable[[Any], Problem | None]:
    """A requirement: the attempt, called with ``argument``, returns what ``reference`` returns.

    ``what`` stands behind the number expected. ``mistakes`` pairs what wrong functions compute
    with what to say to them; ``otherwise`` is said to any other wrong value.
    """

    def judge(function: Callable[[list], Any]) -> Problem | None:
        if not callable(function):
            found = clean(f"{function!r}, of type {type(function).__name__}", 80)
            return Problem(found, "a function", "Pass the function itself, without calling it.")
        right = reference(argument)
        expected = f"{right:,} {what}"
        given = function(copy.deepcopy(argument))
        if given is None:
            return Problem("None", expected, "Does the function return its result?")
        whole = isinstance(given, Integral) or (isinstance(given, float) and given.is_integer())
        if not whole or isinstance(given, bool):
            found = clean(f"{given!r}, of type {type(given).__name__}", 80)
            return Problem(found, expected, "Return one whole number.")
        if given == right:
            return None
        nudge = next((say for wrong, say in mistakes if wrong(argument) == given), otherwise)
        return Problem(f"{int(given):,}", expected, nudge)

    return judge
