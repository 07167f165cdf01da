"""Exercise 8.4/5: a chip that is fast and small enough."""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from itertools import product
from numbers import Real
from typing import Any

import torch

from ...chips.chip import Chip, run_on
from ...costs.cost_table import cost_table
from ...networks import GoogleNet
from ..report import Problem, Unattempted, clean

IMAGES = 1000  # a second
LARGEST = 10.0  # mm²; the best of a grid of powers of two has 4 % less
# what to say of the size that can be cut
SURPLUS = {
    "rows": "The array is larger than it has to be: with fewer rows it is still fast enough.",
    "columns": "The array is larger than it has to be: with fewer columns it is still fast enough.",
    "buffer": "The buffer is larger than it has to be: with a smaller one it is still fast enough.",
    "bandwidth": "DRAM is faster than it has to be: with less bandwidth it is still fast enough.",
    "": "No size can be cut by an eighth, so trade one for another. What does a smaller buffer "
    "cost in bandwidth, and what does a larger array save?",
}


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
    return Problem(f"{chip.area:.1f} mm²", f"at most {LARGEST:g} mm²", SURPLUS[_surplus(chip)])


def _surplus(chip: Chip) -> str:
    """The size that can be cut, alone, for the most area, with the chip still fast enough."""
    cuts = {"": chip.area}
    for name, share in product(SURPLUS.keys() - {""}, (1 / 2, 3 / 4, 7 / 8)):
        size = max(1, int(share * getattr(chip, name)))
        smaller = replace(chip, **{name: size})
        try:
            fast = is_fast(smaller) is None
        except ValueError:  # a tile does not fit such a buffer
            continue
        if fast:
            cuts[name] = min(smaller.area, cuts.get(name, math.inf))
    return min(sorted(cuts), key=cuts.get)
