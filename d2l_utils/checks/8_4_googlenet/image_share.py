"""Exercise 8.4/2d: how much of what padded kernels read is image, by counting."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import fmean
from typing import Any

from ..answers import number
from ..report import Problem, clean

Place = tuple[int, int, int, int]  # size of the map, kernel, stride, padding

NUDGES = {
    r"^TypeError: .*positional argument": "It takes `n, kernel, stride, padding`, in this order.",
    r"^ZeroDivisionError": "How many places has the kernel? `range(-padding, …, stride)` has them.",
}
WINDOW = (6, 3, 1, 0)
BORDER = (4, 3, 1, 1)
SMALL = (2, 5, 1, 2)
STRIDED = (9, 5, 4, 2)
REST = (8, 7, 2, 3)  # a pixel is left over behind the last place
PLACES = (WINDOW, BORDER, SMALL, STRIDED, REST)


def sides(n: int, kernel: int, stride: int, padding: int) -> list[float]:
    """The share along one side at each place, by looking at each of its inputs."""
    places = range(-padding, n + padding - kernel + 1, stride)
    return [sum(0 <= start + i < n for i in range(kernel)) / kernel for start in places]


def side(*place: int) -> float:
    """The share along one side, the mean over the places."""
    return fmean(sides(*place))


def share(*place: int) -> float:
    """The share of a square kernel's inputs that are pixels, over all its places, in percent."""
    return 100 * side(*place) ** 2


def _one_place(place: Place, start: int) -> float:
    n, kernel, _, _ = place
    return 100 * (sum(0 <= start + i < n for i in range(kernel)) / kernel) ** 2


MISTAKES: tuple[tuple[Callable[[Place], float], str], ...] = (
    (lambda place: share(*place) / 100, "In percent, please: times 100."),
    (
        lambda place: 100 * side(*place),
        "That is the share along one side. A kernel has two sides, and both are cut at the border.",
    ),
    (
        lambda place: 100 * fmean(x**2 for x in sides(*place)),
        "That is the mean of the squares: only the places on the map's diagonal. Square the mean; "
        "do not average the squares.",
    ),
    (lambda place: 100 - share(*place), "That is the share of the padding."),
    (
        lambda place: 100 * (place[0] / (place[0] + 2 * place[3])) ** 2,
        "That is the share of the padded map. But a kernel reads the pixels in the middle more "
        "often than those at the border: count what it reads at each place.",
    ),
    (
        lambda place: _one_place(place, -place[3]),
        "That is the kernel in the corner. At the other places it reads more image: take the mean.",
    ),
    (
        lambda place: _one_place(place, (place[0] - place[1]) // 2),
        "That is the kernel in the middle. At the border it reads less image: take the mean.",
    ),
    (
        lambda place: share(place[0], place[1], 1, place[3]),
        "The places are `stride` pixels apart.",
    ),
)


def agrees_on(*place: int) -> Callable[[Any], Problem | None]:
    """A requirement: the share for this size, kernel, stride and padding is right."""
    n, kernel, stride, padding = place
    right = share(*place)
    expected = f"{right:.4g} % for {kernel}×{kernel}, stride {stride}, padding {padding} on {n}×{n}"

    def judge(function: Callable) -> Problem | None:
        if not callable(function):
            found = clean(f"{function!r}, of type {type(function).__name__}", 80)
            return Problem(found, "a function", "Pass the function itself, without calling it.")
        raw = function(*place)
        if raw is None:
            return Problem("None", expected, "Does the function return its result?")
        value = number(raw)
        if value is None:
            found = clean(f"{raw!r}, of type {type(raw).__name__}", 80)
            return Problem(found, expected, "Return one number.")
        if _same(value, right):
            return None
        given = [_returned(function, other) for other in PLACES]
        otherwise = "Write down, for each place along one side, how many of its inputs are pixels."
        told = (
            say
            for wrong, say in MISTAKES
            if not _same(wrong(place), right) and all(map(_same, given, map(wrong, PLACES)))
        )
        return Problem(f"{value:.4g} %", expected, next(told, otherwise))

    return judge


def _same(value: Any, right: float) -> bool:
    return value is not None and math.isclose(value, right, rel_tol=1e-3)


def _returned(function: Callable, place: Place) -> Any:
    """What ``function`` returns, as a number; None if it fails there."""
    try:
        return number(function(*place))
    except Exception:  # the learner's code may raise anything
        return None
