"""Exercise 8.4/5: a chip that is fast and small enough."""

from __future__ import annotations

import functools
from numbers import Real
from typing import Any

import torch

from ...chips.chip import Chip, run_on
from ...costs.cost_table import cost_table
from ...networks import GoogleNet
from ..report import Problem, Unattempted, clean

IMAGES = 1000  # a second
LARGEST = 10.0  # mm²; the best of a grid of powers of two has 5 % less


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
    if not all(_whole(size) for size in (chip.rows, chip.columns)):
        found = f"{chip.rows} × {chip.columns}"
        return Problem(found, "whole numbers of rows and columns", "No multiplier comes in parts.")
    return None


def _whole(size: Any) -> bool:
    return isinstance(size, Real) and size == int(size)


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
