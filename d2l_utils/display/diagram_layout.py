"""Where the boxes of a drawing stand and how its arrows run: a layered layout, top to bottom.

As Sugiyama, Tagawa and Toda have it (1981, IEEE Trans. Systems, Man, and Cybernetics 11): a box
stands a row below the lowest one that an arrow reaches it from; a longer arrow gets a bend in each
row that it passes, so that it leads round the boxes there; within a row the order is that of the
neighbours' middles; and each box comes as near to the middle of its neighbours as the others let
it.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean

from .diagram_graph import Box

__all__ = ["Layout", "layout"]

GAP, ROW_GAP, BEND = 18.0, 30.0, 6.0  # between boxes, between rows; the width of a bend
SWEEPS = 8  # over the rows, down and up, for the order
STRAIGHT = 20  # times as hard as others an arrow pulls that no other begins or ends with
STEPS = 200  # of all rows, for the places


@dataclass(eq=False)
class Node:
    """A box, or a bend of an arrow, with its neighbours in the rows above and below."""

    row: int
    width: float
    box: Box | None = None
    above: list[Node] = field(default_factory=list)
    below: list[Node] = field(default_factory=list)
    x: float = 0.0  # its middle


@dataclass
class Layout:
    """Middles of boxes, and the corners of arrows: (x, y) with y downwards, from 0, 0 on."""

    size: tuple[float, float]
    boxes: dict[Box, tuple[float, float]]
    arrows: list[list[tuple[float, float]]]


def layout(boxes: Sequence[Box], sizes: Mapping[Box, tuple[float, float]]) -> Layout:
    """Places for ``boxes``, each of which comes after those in which its arrows begin.

    ``sizes`` are their widths and heights.
    """
    rows, chains = _rows(boxes, sizes)
    for down in (True, False) * SWEEPS:
        for row in rows if down else rows[::-1]:
            places = {node: i for other in rows for i, node in enumerate(other)}
            near = {node: node.above if down else node.below for node in row}
            row.sort(key=lambda node: mean(map(places.get, near[node])) if near[node] else 0.0)
    for row in rows:
        _stand(row, [0.0] * len(row))
    for _ in range(STEPS):
        for row in rows:
            _stand(row, [_middle_of_neighbours(node) for node in row])
    left = min(node.x - node.width / 2 for row in rows for node in row)
    right = max(node.x + node.width / 2 for row in rows for node in row)
    heights = [max((sizes[node.box][1] for node in row if node.box), default=0.0) for row in rows]
    tops = [sum(heights[:i]) + ROW_GAP * i for i in range(len(rows))]
    middles = {
        node.box: (node.x - left, tops[node.row] + heights[node.row] / 2)
        for row in rows
        for node in row
        if node.box
    }
    arrows = []
    for chain in chains:
        corners = []
        for node in chain:
            top, bottom = tops[node.row], tops[node.row] + heights[node.row]
            if node.box:  # the arrow begins and ends at the edge of a box
                half = sizes[node.box][1] / 2
                middle = middles[node.box][1]
                top, bottom = middle - half, middle + half
            corners += [(node.x - left, top), (node.x - left, bottom)]
        arrows.append(corners[1:-1])
    return Layout((right - left, tops[-1] + heights[-1]), middles, arrows)


def _rows(
    boxes: Sequence[Box], sizes: Mapping[Box, tuple[float, float]]
) -> tuple[list[list[Node]], list[list[Node]]]:
    """The nodes of each row, and of each arrow those that it joins, the first one above."""
    nodes: dict[Box, Node] = {}
    rows: defaultdict[int, list[Node]] = defaultdict(list)
    chains = []
    for box in boxes:
        row = 1 + max((nodes[start].row for start in box.before), default=-1)
        nodes[box] = Node(row, sizes[box][0], box)
        for start in box.before:
            bends = [Node(i, BEND) for i in range(nodes[start].row + 1, row)]
            chain = [nodes[start], *bends, nodes[box]]
            for upper, lower in itertools.pairwise(chain):
                upper.below.append(lower)
                lower.above.append(upper)
            for bend in bends:
                rows[bend.row].append(bend)
            chains.append(chain)
        rows[row].append(nodes[box])
    return [rows[i] for i in range(len(rows))], chains


def _middle_of_neighbours(node: Node) -> float:
    """Where arrows pull ``node``; one that has both its ends to itself pulls harder."""
    pulls = [(near.x, len(near.below) == len(node.above) == 1) for near in node.above]
    pulls += [(near.x, len(node.below) == len(near.above) == 1) for near in node.below]
    weights = [STRAIGHT if alone else 1 for _, alone in pulls]
    if not pulls:
        return node.x
    return sum(x * weight for (x, _), weight in zip(pulls, weights, strict=True)) / sum(weights)


def _stand(row: Sequence[Node], wanted: Sequence[float]) -> None:
    """Move the nodes of a row as near as they come to where they are ``wanted``, without overlap.

    The squares of what is missing add up to the least: pool adjacent violators, as in isotonic
    regression.
    """
    before, offsets = 0.0, []
    for left, right in itertools.pairwise(row):
        offsets.append(before)
        before += (left.width + right.width) / 2 + GAP
    offsets.append(before)
    pools: list[list[float]] = []  # of each pool its places, less the offsets
    for want, offset in zip(wanted, offsets, strict=True):
        pools.append([want - offset])
        while len(pools) > 1 and mean(pools[-2]) > mean(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    places = [mean(pool) for pool in pools for _ in pool]
    for node, place, offset in zip(row, places, offsets, strict=True):
        node.x = place + offset
