"""Drawings of networks side by side in one row, as small as can still be read."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import cached_property

from .diagram_graph import Box
from .diagram_layout import layout
from .diagrams import FONT, HEAD, MARGIN, Diagram, _draw, _shown, _size

__all__ = ["SmallDiagram"]

SMALLEST = 9.0  # points


class SmallDiagram(Diagram):
    """The networks of ``drawings`` in one row, each in its frame, in letters of 9 points.

    The text is that of the drawings, one after the other. A stride has a line of its own, so that
    boxes are narrow. Where a drawing has a network without a name, the row has no frame for it.
    """

    def __init__(self, *drawings: Diagram) -> None:
        super().__init__({name: each for one in drawings for name, each in one.graphs.items()})

    @cached_property
    def picture(self) -> tuple[bytes, int, int]:
        """A PNG of two pixels for each one on the screen, and its width and height there."""
        return _row({name: _narrow(boxes) for name, boxes in self.graphs.items()})


def _narrow(boxes: Sequence[Box]) -> list[Box]:
    """The same graph; what says "3×3 conv, 64, stride 2" does so in two lines."""
    made: dict[Box, Box] = {}
    for box in boxes:
        lines = [
            part for line in box.lines for part in line.replace(", stride", "\nstride").split("\n")
        ]
        made[box] = Box(lines, [made[start] for start in box.before], box.title, box.role)
    return list(made.values())


def _row(graphs: Mapping[str, Sequence[Box]]) -> tuple[bytes, int, int]:
    """As ``diagrams._png``, in one row, and as much smaller as the letters are."""
    from matplotlib.figure import Figure
    from PIL import Image

    sizes = {box: _size(_shown(box), bool(box.title)) for boxes in graphs.values() for box in boxes}
    frames = {name: layout(boxes, sizes) for name, boxes in graphs.items()}
    width = sum(placed.size[0] + 3 * MARGIN for placed in frames.values()) - MARGIN
    height = max(placed.size[1] + 2 * MARGIN + HEAD * bool(name) for name, placed in frames.items())
    figure = Figure(figsize=(width / 72, height / 72), facecolor="none")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    left = MARGIN
    for name, placed in frames.items():
        _draw(axes, name, placed, sizes, left, MARGIN + HEAD * bool(name))
        left += placed.size[0] + 3 * MARGIN
    scale = SMALLEST / FONT * 96  # pixels of the screen an inch
    drawn, file = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=2 * scale, transparent=True)
    few_colors = Image.open(drawn).quantize(64, method=Image.Quantize.FASTOCTREE)
    few_colors.save(file, "png", optimize=True)
    return file.getvalue(), round(width * scale / 72), round(height * scale / 72)
