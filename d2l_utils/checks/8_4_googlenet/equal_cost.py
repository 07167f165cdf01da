"""Exercise 8.4/1.2f: at which width of the body a network of other blocks costs the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ...networks import GOOGLENET, SMALL_STEM, scaled
from ..answers import read_number
from ..report import Problem, Unattempted, clean

BLOCKS = "3x3", "1x7", "1x3 beside 3x1"
TOLERANCE = 0.05
ROUNDING = 0.0051  # of a width that someone computed, to two decimals
WIDTH = 0.25  # of the small network, stem and body
GRIDS = 14, 7, 4  # pixels on an edge, in the three stages of the body

# Weights of the convolutions between the 1x1 at the start of branches 2 and 3 and their ends: as
# many MACs for each pixel, since all keep height and width. A fork's two arms cost 3 a b together.
KERNELS: dict[str, Callable[[int, int, int, int], int]] = {
    "original": lambda a, b, c, d: 9 * a * b + 25 * c * d,
    "3x3": lambda a, b, c, d: 9 * a * b + 9 * c * d + 9 * d * d,
    "1x7": lambda a, b, c, d: 7 * a * a + 7 * a * b + 21 * c * c + 7 * c * d,
    "1x3 beside 3x1": lambda a, b, c, d: 3 * a * b + 9 * c * d + 3 * d * d,
}


def macs(block: str, body: float) -> int:
    """MACs of the small network of such blocks for a 28x28 image, its body's channels scaled."""
    inputs, total = 1, 0
    for full, kernel, *_ in SMALL_STEM[0]:
        total += 28 * 28 * kernel**2 * inputs * scaled(full, WIDTH)
        inputs = scaled(full, WIDTH)
    for stage, grid in zip(scaled(scaled(GOOGLENET, body), WIDTH), GRIDS, strict=True):
        for c1, (a, b), (c, d), c4 in stage:
            heads = inputs * (c1 + a + c + c4)
            total += grid**2 * (heads + KERNELS[block](a, b, c, d))
            inputs = c1 + b + d + c4
    return total + 10 * inputs


def share(block: str, body: float) -> float:
    """The same, of the original's."""
    return macs(block, body) / macs("original", 1.0)


def widths(attempt: Any) -> Any:
    """The attempt, if there is a width in it."""
    if isinstance(attempt, Mapping) and all(v is None or v is ... for v in attempt.values()):
        raise Unattempted
    return attempt


def _width(raw: Any) -> float | None:
    """A finite number of 0 or more; also from NumPy and torch, or as a text."""
    value = read_number(raw)
    return float(value) if value is not None and 0 <= value < math.inf else None


def gives(attempt: Any) -> Problem | None:
    """A requirement: a width for each of the blocks."""
    names = ", ".join(map(repr, BLOCKS))
    if not isinstance(attempt, Mapping):
        found = clean(f"{attempt!r}, of type {type(attempt).__name__}", 80)
        return Problem(found, f"a dictionary with the keys {names}", "Keep the scaffold's form.")
    for block in BLOCKS:
        if block not in attempt:
            found = f"the keys {', '.join(map(repr, attempt)) or 'of an empty dictionary'}"
            return Problem(clean(found, 200), f"the keys {names}", f"{block!r} is not among them.")
        raw = attempt[block]
        if _width(raw) is None or _width(raw) > 10:
            found = clean(f"{raw!r} for {block!r}", 80)
            nudge = "The width is a factor for the body's channels; 1.0 leaves them as they are."
            if isinstance(raw, bool):
                nudge = f"A width is a number, as 1.0 is: {raw} says only yes or no."
            return Problem(found, "a number above 0, not above 10", nudge)
    return None


def equal(block: str) -> Callable[[Any], Problem | None]:
    """A requirement: with this block, and its width in the attempt, the MACs are the original's."""

    def judge(attempt: Any) -> Problem | None:
        body = _width(attempt[block])
        found, at_once = share(block, body), share(block, 1.0)
        if abs(found - 1) <= TOLERANCE:
            return None
        expected = f"between {1 - TOLERANCE:.2f} and {1 + TOLERANCE:.2f} of them"
        if abs(share(block, body / WIDTH) - 1) <= TOLERANCE:
            nudge = "The body's width comes on top of the network's 0.25: 1.0 means unchanged."
        elif abs(body - 1 / at_once) < ROUNDING:
            nudge = "Corrected in proportion: but twice the width costs nearly four times as much."
        elif abs(body - at_once) < ROUNDING:
            nudge = "That is its cost at width 1.0. The width that brings it to 1 is wanted."
        else:
            nudge = (
                f"Too {'dear: make the body narrower' if found > 1 else 'cheap: make it wider'}."
            )
        return Problem(f"{found:.3f} of the original's MACs at {body:g}", expected, nudge)

    return judge
