"""Exercise 8.4/5: the cycles of a matrix product on a systolic array."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from numbers import Real
from typing import Any

from ...chips.systolic import systolic_cycles
from ..functions import returns
from ..report import Problem

Product = tuple[int, int, int, int, int]  # M, K, N, rows, columns
Cycles = Callable[..., float]

FITS: Product = (5, 4, 3, 4, 3)
FOLDS: Product = (7, 12, 15, 4, 5)
REMAINDERS: Product = (6, 9, 10, 4, 3)
CONNECTED: Product = (1, 4096, 1000, 32, 32)
PRODUCTS = (FITS, FOLDS, REMAINDERS, CONNECTED)

OTHERWISE = "Draw an array of 2×2 and write down what happens in each cycle."
ROUND_UP = "A fold that does not fill the array takes its time all the same: round up."
SKEW = "The inputs of a fold take M + R + C − 2 cycles to pass, the first and the last included."
AXES = "K runs along the rows of the array, N along its columns."


def _folds(K: int, N: int, rows: int, columns: int) -> int:
    return math.ceil(K / rows) * math.ceil(N / columns)


def _made_of(
    load: Callable[[int, int], int] = lambda rows, columns: rows,
    skew: Callable[[int, int], int] = lambda rows, columns: rows + columns - 2,
    folds: Callable[..., float] = _folds,
    whole: Callable[[float], float] = lambda cycles: cycles,
) -> Cycles:
    """Cycles of someone who loads, passes, folds or rounds like this."""

    def cycles(M: int, K: int, N: int, rows: int, columns: int) -> float:
        fold = load(rows, columns) + M + skew(rows, columns)
        return whole(folds(K, N, rows, columns) * fold - 1)

    return cycles


MISTAKES: tuple[tuple[Cycles, str], ...] = (
    *(
        (
            lambda M, K, N, rows, columns, whole=whole: whole(M * K * N / (rows * columns)),
            "That would be an array that never waits: each fold has to be loaded and filled.",
        )
        for whole in (math.ceil, math.floor, float)
    ),
    (
        _made_of(whole=lambda cycles: cycles + 1),
        "That is the number of cycles. Numbered from 0, the last one is one less.",
    ),
    (
        lambda M, K, N, R, C: _folds(K, N, R, C) * (2 * R + C + M - 3),
        "One is less in the whole, not in each fold: only the first cycle has the number 0.",
    ),
    (
        _made_of(load=lambda R, C: 0),
        "Before a fold's inputs can pass, its weights are loaded: R cycles.",
    ),
    (
        lambda M, K, N, R, C: R + _folds(K, N, R, C) * (M + R + C - 2) - 1,
        "Each fold has weights of its own: they are loaded anew, R cycles for each fold.",
    ),
    (
        _made_of(load=lambda R, C: C),
        "A fold has R rows of weights, and one row is loaded in a cycle.",
    ),
    (
        _made_of(skew=lambda R, C: 0),
        "The inputs of a fold enter one row after the other, and leave one column after the other.",
    ),
    *(
        (_made_of(skew=skew), SKEW)
        for skew in (
            lambda R, C: R + C,
            lambda R, C: R + C - 1,
            lambda R, C: R,
            lambda R, C: C,
            lambda R, C: R - 1,
            lambda R, C: C - 1,
        )
    ),
    *(
        (_made_of(folds=lambda K, N, R, C: K / R * (N / C), whole=whole), ROUND_UP)
        for whole in (float, math.floor, math.ceil, round)
    ),
    *(
        (_made_of(folds=folds), ROUND_UP)
        for folds in (
            lambda K, N, R, C: (K // R) * (N // C),
            lambda K, N, R, C: round(K / R) * round(N / C),
        )
    ),
    *(
        (
            _made_of(folds=folds),
            "Round up along K and along N, each by itself, then multiply.",
        )
        for folds in (
            lambda K, N, R, C: math.ceil(K * N / (R * C)),
            lambda K, N, R, C: math.ceil(K / R) * N / C,
            lambda K, N, R, C: K / R * math.ceil(N / C),
        )
    ),
    *(
        (_made_of(folds=folds), "The weights are cut along K and along N: each piece with each.")
        for folds in (
            lambda K, N, R, C: 1,
            lambda K, N, R, C: math.ceil(K / R),
            lambda K, N, R, C: math.ceil(N / C),
            lambda K, N, R, C: math.ceil(K / R) + math.ceil(N / C),
        )
    ),
    (_made_of(folds=lambda K, N, R, C: _folds(N, K, R, C)), AXES),
    (lambda M, K, N, R, C: systolic_cycles(M, K, N, C, R), AXES),
    *(
        (mistake, "The M rows of inputs pass; K and N are the sides of the weights, which are cut.")
        for mistake in (
            lambda M, K, N, R, C: systolic_cycles(K, M, N, R, C),
            lambda M, K, N, R, C: systolic_cycles(N, K, M, R, C),
        )
    ),
)


def one_argument(function: Any) -> Any:
    """``function`` of five numbers as one of a list."""
    return (lambda args: function(*args)) if callable(function) else function


def agrees_on(product: Product) -> Callable[[Any], Problem | None]:
    """A requirement: the cycles of this product on its array are right."""
    M, K, N, rows, columns = product
    what = f"for M {M}, K {K}, N {N} on {rows}×{columns}"
    judge = returns(lambda args: systolic_cycles(*args), list(product), what, (), OTHERWISE)

    def explained(function: Any) -> Problem | None:
        problem = judge(function)
        nudge = _named(function) if problem and callable(function) else None
        return replace(problem, nudge=nudge) if nudge else problem

    return explained


def _named(function: Callable[[list], Any]) -> str | None:
    """What to say to the mistake that explains each number which ``function`` returns."""
    numbers = {}
    for product in PRODUCTS:
        try:
            number = function(list(product))
        except Exception:  # no number to explain: the report tells the error where it comes
            continue
        if not isinstance(number, Real) or isinstance(number, bool):
            return None
        numbers[product] = number
    for mistake, nudge in MISTAKES:
        if all(math.isclose(mistake(*each), number) for each, number in numbers.items()):
            return nudge
    return None
