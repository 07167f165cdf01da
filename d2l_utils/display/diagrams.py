"""Drawings of networks, made from the modules that run, so that the two cannot differ."""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping, Sequence
from functools import cached_property

from torch import nn

from .diagram_graph import Box, network_graph
from .diagram_layout import Layout, layout
from .style import COLORS, INK

__all__ = ["Diagram", "diagram"]

FONT = 10.0  # points, on a screen of 96 pixels an inch 13 pixels
LINE, PADDING, MARGIN = 14.0, 7.0, 12.0  # points
HEAD = LINE + 4  # what a name takes above its frame's contents
WIDEST = 660.0  # points that a row of frames takes at most: 880 pixels
FILL, TEXT = "#dcebf7", "#222222"  # of boxes; what is between them is to be seen on any page


class Diagram:
    """A picture of one network or several; a terminal shows it as text, an arrow a line.

    ``source`` is that text: a line for each box, with the numbers of those before it.
    """

    def __init__(self, graphs: Mapping[str, Sequence[Box]]) -> None:
        self.graphs = graphs
        lines = []
        for name, boxes in graphs.items():
            lines += [f"{name}:"] * bool(name) + _described(boxes)
        self.source = "\n".join(lines)

    def __repr__(self) -> str:
        return self.source

    @cached_property
    def picture(self) -> tuple[bytes, int, int]:
        """A PNG of two pixels for each one on the screen, and its width and height there."""
        return _png(self.graphs)

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict, dict]:
        png, width, height = self.picture
        shown = {"width": width, "height": height, "alt": self.source}
        return {"image/png": png, "text/plain": self.source}, {"image/png": shown}


def diagram(
    module: nn.Module | Mapping[str, nn.Module],
    X_shape: Sequence[int],
    stages: Sequence[str] = (),
    closed: type[nn.Module] | tuple[type[nn.Module], ...] = (),
) -> Diagram:
    """Draw ``module`` as it treats an input of ``X_shape`` (N, C, H, W), from top to bottom.

    Boxes are the layers, and the functions called between them; arrows are the tensors that go from
    one to the next. ReLU and BN share the box of their layer. Modules that hold others are opened,
    but for those of the types ``closed``, which are one box each. With ``stages``, one name for
    each layer of a network, draws it from afar: a box for each. Modules by name are drawn side by
    side as far as the page is wide, each in a frame with its name.

    Raises ValueError for a shape that is none, and for more or fewer ``stages`` than layers.
    """
    modules = module if isinstance(module, Mapping) else {"": module}
    graphs = {}
    for name, each in modules.items():
        titles = {}
        if stages:
            layers = list(getattr(each, "net", each).children())
            if len(stages) != len(layers):
                raise ValueError(f"stages = {stages!r}: expected {len(layers)} names, one a layer")
            titles = dict(zip(layers, stages, strict=True))
        graphs[name] = network_graph(each, X_shape, titles, closed)
    return Diagram(graphs)


def _described(boxes: Sequence[Box]) -> list[str]:
    """A line a box: its number, what it says, and where its arrows come from."""
    number = {box: str(i) for i, box in enumerate(boxes)}
    lines = []
    for box in boxes:
        told = ": ".join([box.title] * bool(box.title) + [", ".join(box.lines)])
        come = f" <- {', '.join(number[start] for start in box.before)}" if box.before else ""
        lines.append(f"{number[box]}  {told}{come}")
    return lines


# -- the picture: lengths in points, y downwards ---------------------------------------------------


def _shown(box: Box) -> list[str]:
    """The lines in a box; what joined its layer stands below it."""
    lines = [box.title] if box.title else []
    for line in box.lines:
        layer, plus, joined = line.partition(" + ")
        lines += [layer, f"+ {joined}"] if plus and not box.title else [line]
    return lines


def _png(graphs: Mapping[str, Sequence[Box]]) -> tuple[bytes, int, int]:
    from matplotlib.figure import Figure
    from PIL import Image

    sizes = {box: _size(_shown(box), bool(box.title)) for boxes in graphs.values() for box in boxes}
    frames = {name: layout(boxes, sizes) for name, boxes in graphs.items()}
    corners, (width, height) = _packed(frames)
    figure = Figure(figsize=(width / 72, height / 72), facecolor="none")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    for name, placed in frames.items():
        _draw(axes, name, placed, sizes, *corners[name])
    drawn, file = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=2 * 96, transparent=True)
    few_colors = Image.open(drawn).quantize(64, method=Image.Quantize.FASTOCTREE)
    few_colors.save(file, "png", optimize=True)  # a quarter of the bytes
    return file.getvalue(), round(width * 96 / 72), round(height * 96 / 72)


def _size(lines: Sequence[str], titled: bool) -> tuple[float, float]:
    """Width and height of a box with these lines, the first of them bold if it is a title."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    def width(line: str, bold: bool) -> float:
        font = FontProperties(size=FONT, weight="bold" if bold else "normal")
        return TextPath((0, 0), line, prop=font).get_extents().width

    widest = max(width(line, titled and i == 0) for i, line in enumerate(lines))
    return widest + 2 * PADDING, LINE * len(lines) + 1.2 * PADDING


def _packed(frames: Mapping[str, Layout]) -> tuple[dict[str, tuple[float, float]], tuple]:
    """The upper left corner of each frame's contents, in rows, and the size of all."""
    corners, x, y, right, bottom = {}, 0.0, 0.0, 0.0, 0.0
    for name, placed in frames.items():
        head = HEAD if name else 0.0
        width, height = (length + 2 * MARGIN for length in placed.size)
        if x and x + width > WIDEST:
            x, y = 0.0, bottom + MARGIN
        corners[name] = x + MARGIN, y + MARGIN + head
        right, bottom = max(right, x + width), max(bottom, y + height + head)
        x += width + MARGIN
    return corners, (right, bottom)


def _draw(axes, name: str, placed: Layout, sizes: Mapping, left: float, top: float) -> None:
    """One network, in a frame if it has a name."""
    from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
    from matplotlib.path import Path

    def rectangle(x, y, width, height, **style):
        style |= {"boxstyle": "round,pad=0,rounding_size=4", "linewidth": 0.8}
        axes.add_patch(FancyBboxPatch((x, y), width, height, **style))

    def words(x, y, line, **style):
        axes.text(x, y, line, fontsize=FONT, ha="center", va="center", **style)

    if name:
        width, height = (length + 2 * (MARGIN - 2) for length in placed.size)
        x, y = left - MARGIN + 2, top - MARGIN + 2 - HEAD
        rectangle(x, y, width, height + HEAD, fill=False, edgecolor=INK)
        words(x + width / 2, y + HEAD / 2 + 3, name, color=INK)
    for arrow in placed.arrows:
        points, codes = [(arrow[0][0] + left, arrow[0][1] + top)], [Path.MOVETO]
        for (x0, y0), (x1, y1) in itertools.pairwise(arrow):
            middle = (y0 + y1) / 2 + top
            points += [(x0 + left, middle), (x1 + left, middle), (x1 + left, y1 + top)]
            codes += [Path.CURVE4] * 3
        axes.add_patch(PathPatch(Path(points, codes), fill=False, edgecolor=INK, linewidth=1))
        x, y = points[-1]
        axes.add_patch(Polygon([(x, y), (x - 3, y - 6), (x + 3, y - 6)], color=INK, linewidth=0))
    for box, (x, y) in placed.boxes.items():
        width, height = sizes[box]
        corner = x + left - width / 2, y + top - height / 2
        rectangle(*corner, width, height, facecolor=FILL, edgecolor=COLORS[0])
        lines = _shown(box)
        for i, line in enumerate(lines):
            weight = "bold" if box.title and i == 0 else "normal"
            line_y = y + top + (i - (len(lines) - 1) / 2) * LINE
            words(x + left, line_y, line, color=TEXT, weight=weight)
