"""A chip as a drawing: its parts to scale, and what its multipliers do while a network runs."""

from __future__ import annotations

import math

from ..chips.chip import DRAM_UM2, MAC_UM2, SRAM_BIT_UM2, Chip, ChipCost
from .style import COLORS, INK

__all__ = ["areas", "draw_die", "shares_of_time"]

ARRAY, DRAM, BUFFER = COLORS[:3]
EDGES = (4, 6, 10, 20, 30)  # mm: so that neighbouring chips are drawn to one scale


def areas(chip: Chip) -> dict[str, float]:
    """Square millimetres of each part; together ``chip.area``."""
    return {
        "array": chip.rows * chip.columns * MAC_UM2[chip.precision] / 1e6,
        "buffer": 8 * chip.buffer * SRAM_BIT_UM2 / 1e6,
        "DRAM": chip.bandwidth / 1e9 * DRAM_UM2 / 1e6,
    }


def shares_of_time(chip: Chip, run: ChipCost) -> dict[str, float]:
    """What the multipliers do, in the mean over all of them and the time of ``run``; sums to 1.

    They multiply; or the array is busy, but a fold is loaded or filled, or leaves them empty; or
    they wait for DRAM.
    """
    work = run.macs / (chip.rows * chip.columns * chip.clock * run.seconds)
    busy = run.compute / run.seconds
    return {"work": work, "no work": busy - work, "wait": 1 - busy}


def draw_die(axis, chip: Chip, run: ChipCost, name: str) -> None:
    """The die on a matplotlib axis in mm, a square; the part that ``run`` waits for is framed.

    The array is shared out by ``shares_of_time``. ``name`` is that of the network.
    """
    mm2, shares, side = areas(chip), shares_of_time(chip, run), math.sqrt(chip.area)
    strip = mm2["DRAM"] / side
    width = side - strip
    low = mm2["buffer"] / width
    array = f"{chip.rows:g} × {chip.columns:g} multipliers: {mm2['array']:.1f} mm²"
    labels = {
        "work": f"{array}; at work {shares['work']:.0%},",
        "no work": f"loading, filling, or without a weight {shares['no work']:.0%},",
        "wait": f"waiting for DRAM {shares['wait']:.0%}",
    }
    left = strip
    for part, look in (("work", (1, "")), ("no work", (0.45, "//")), ("wait", (0.12, ".."))):
        _box(axis, left, low, shares[part] * width, side - low, ARRAY, *look, labels[part])
        left += shares[part] * width
    kib, gigabytes = chip.buffer / 1024, chip.bandwidth / 1e9
    text = f"buffer, {kib:,.0f} KiB: {mm2['buffer']:.1f} mm²"
    _box(axis, strip, 0, width, low, BUFFER, 1, "", text)
    text = f"DRAM interface, {gigabytes:.4g} GB/s: {mm2['DRAM']:.1f} mm²"
    _box(axis, 0, 0, strip, side, DRAM, 1, "", text)
    memory = run.bound == "memory"
    frame = (0, 0, strip, side) if memory else (strip, low, width, side - low)
    waits = "the DRAM interface" if memory else "the array"
    _box(axis, *frame, "none", 1, "", f"{name} is bound by {waits}", edge=INK, linewidth=3.5)
    edge = next((edge for edge in EDGES if edge >= side), side)
    axis.set(xlim=(-0.01 * edge, 1.01 * edge), ylim=(-0.01 * edge, 1.01 * edge), aspect="equal")
    axis.set(xlabel="mm", ylabel="mm", title=f"a die of {chip.area:.1f} mm², drawn to scale")
    axis.grid(visible=False)


def _box(axis, x, y, width, height, color, alpha, hatch, label, edge=INK, linewidth=0.8):
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Rectangle

    face = "none" if color == "none" else to_rgba(color, alpha)
    axis.add_patch(
        Rectangle(
            *((x, y), width, height),
            facecolor=face,
            edgecolor=edge,
            linewidth=linewidth,
            hatch=hatch,
            label=label,
            zorder=3 if color == "none" else 2,
        )
    )
