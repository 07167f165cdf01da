"""Exercise 8.4/5: the cycles of a systolic array, and a chip that is fast and small enough."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import torch

from ...chips.chip import Chip, run_on
from ...chips.systolic import systolic_cycles
from ...costs.layers import cost_table
from ...networks import GoogleNet
from ..functions import returns
from ..report import Problem, Unattempted, clean

IMAGES = 1000  # a second
LARGEST = 10.0  # mm²; the best of a grid of powers of two has 5 % less

MISTAKES = (
    (
        lambda args: math.ceil(args[0] * args[1] * args[2] / (args[3] * args[4])),
        "That would be an array that never waits: each fold has to be loaded and filled.",
    ),
    (
        lambda args: systolic_cycles(*args) + 1,
        "That is the number of cycles. Numbered from 0, the last one is one less.",
    ),
    (
        lambda args: _count(*args, load=0),
        "Before a fold's inputs can pass, its weights are loaded: R cycles.",
    ),
    (
        lambda args: _count(*args, skew=0),
        "The inputs of a fold enter one row after the other, and leave one column after the other.",
    ),
    (
        lambda args: _count(*args, fold=lambda size, side: size / side),
        "A fold that does not fill the array takes its time all the same: round up.",
    ),
    (
        lambda args: _count(*args, fold=lambda size, side: size // side),
        "A fold that does not fill the array takes its time all the same: round up.",
    ),
    (
        lambda args: systolic_cycles(args[0], args[1], args[2], args[4], args[3]),
        "K runs along the rows, N along the columns.",
    ),
)


def _count(M, K, N, rows, columns, load=1, skew=1, fold=lambda a, b: math.ceil(a / b)) -> float:
    passing = M + (rows + columns - 2 if skew else 0)
    return fold(K, rows) * fold(N, columns) * (load * rows + passing) - 1


def one_argument(function: Any) -> Any:
    """``function`` of five numbers as one of a list."""
    return (lambda args: function(*args)) if callable(function) else function


def agrees_on(M: int, K: int, N: int, rows: int, columns: int) -> Callable[[Any], Problem | None]:
    """A requirement: the cycles of this product on this array are right."""
    what = f"for M {M}, K {K}, N {N} on {rows}×{columns}"
    otherwise = "Draw an array of 2×2 and write down what happens in each cycle."
    args = [M, K, N, rows, columns]
    return returns(lambda args: systolic_cycles(*args), args, what, MISTAKES, otherwise)


# -- the chip -------------------------------------------------------------------------------------


@functools.cache
def _googlenet():
    """GoogLeNet for one image, without the activations: computed on the way."""
    with torch.device("meta"):
        net = GoogleNet().eval()
        net(torch.empty(1, 3, 224, 224))
    return [row for row in cost_table(net, (1, 3, 224, 224)) if row.kind != "activation"]


def is_a_chip(chip: Any) -> Problem | None:
    """A requirement: a ``Chip`` of 8 bits at 1 GHz, its sides whole numbers."""
    if chip is None or chip is ...:
        raise Unattempted
    if not isinstance(chip, Chip):
        found = clean(f"{chip!r}, of type {type(chip).__name__}", 80)
        return Problem(found, "d2l.Chip(rows=…, columns=…, …)", "Make one, and give it here.")
    if chip.precision != "int8" or chip.clock != 1e9:
        found = f"{chip.precision} at {chip.clock / 1e9:g} GHz"
        return Problem(found, "int8 at 1 GHz", "Leave precision and clock as they are.")
    if not all(isinstance(size, int) for size in (chip.rows, chip.columns)):
        found = f"{chip.rows} × {chip.columns}"
        return Problem(found, "whole numbers of rows and columns", "No multiplier comes in parts.")
    return None


def is_fast(chip: Chip) -> Problem | None:
    """A requirement: it runs GoogLeNet often enough."""
    run = run_on(chip, _googlenet())
    if run.seconds <= 1 / IMAGES:
        return None
    nudge = "It waits for its array: more rows or columns, or sides that the layers fill better."
    if run.bound == "memory":
        nudge = "It waits for DRAM: more bandwidth, or a buffer that saves more of the traffic."
    return Problem(f"{1 / run.seconds:.0f} images/s", f"{IMAGES:,} or more", nudge)


def is_small(chip: Chip) -> Problem | None:
    """A requirement: its area is near the least."""
    if chip.area <= LARGEST:
        return None
    run = run_on(chip, _googlenet())
    if run.compute < 0.6 * run.transfer:
        nudge = "The array waits most of the time: it is larger than the DRAM can feed."
    elif run.transfer < 0.6 * run.compute:
        nudge = "DRAM waits most of the time: less bandwidth would do."
    else:
        nudge = "Array and DRAM are busy alike. What does half the buffer cost in traffic?"
    return Problem(f"{chip.area:.1f} mm²", f"at most {LARGEST:g} mm²", nudge)
