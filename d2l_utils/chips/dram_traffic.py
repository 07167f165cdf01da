"""The traffic between a chip and its DRAM, over all ways to cut a layer into tiles."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import torch

from ..costs.cost_table import LayerCost, bytes_per_number

__all__ = ["SUM_BYTES", "dram_bytes", "tilings"]

SUM_BYTES = 4  # of a sum that is not finished: products of 8 bits, too, are added up in 32


class _Geometry(NamedTuple):
    """The sizes of a convolution; a linear layer is one of single pixels.

    Channels and filters are those of one group. Tiles have full width, so that stride, dilation and
    padding are those of the rows.
    """

    images: int
    channels: int
    filters: int
    height: int = 1
    width: int = 1
    input_height: int = 1
    input_width: int = 1
    kernel_height: int = 1
    kernel_width: int = 1
    stride: int = 1
    dilation: int = 1
    padding: int = 0
    groups: int = 1

    @property
    def weights(self) -> int:
        """Weights of one group."""
        return self.filters * self.channels * self.kernel_height * self.kernel_width

    @property
    def outputs(self) -> int:
        """Numbers that one group writes."""
        return self.images * self.filters * self.height * self.width

    def inputs(self, rows: int) -> int:
        """Numbers in ``rows`` rows of one group's input."""
        return self.images * self.channels * rows * self.input_width


def _geometry(layer: LayerCost) -> _Geometry:
    M, K, N = layer.as_matmul()
    if layer.kind == "linear":
        return _Geometry(images=M, channels=K, filters=N)
    if len(layer.weight_shape) != 4:
        name, shape = layer.name or "the network", layer.weight_shape
        raise ValueError(f"{name}: weights of shape {shape}: expected a convolution of images")
    images, _, height, width = layer.output_shape
    _, channels, *kernel = layer.weight_shape
    rows = layer.stride[0], layer.dilation[0], layer.padding[0]
    input_size = layer.input_shapes[0][2:]
    return _Geometry(
        images, channels, N, height, width, *input_size, *kernel, *rows, groups=layer.groups
    )


def _steps(size: int) -> list[int]:
    """Tile sizes to try along a dimension: powers of two; the whole, its half, quarter, ..."""
    powers = range(size.bit_length())
    return sorted({2**i for i in powers} | {math.ceil(size / 2**i) for i in powers})


def _rows_read(rows: int, g: _Geometry) -> tuple[int, int]:
    """Input rows read for tiles of ``rows`` output rows: those of the largest tile, and in all.

    Neighbouring tiles share rows, which are read again. All of the input is read at least once.
    """
    each = []
    for first in range(0, g.height, rows):
        last = min(first + rows, g.height) - 1
        start = first * g.stride - g.padding
        end = last * g.stride - g.padding + (g.kernel_height - 1) * g.dilation + 1
        each.append(min(end, g.input_height) - max(start, 0))
    return max(each), max(sum(each), g.input_height)


class Tilings(NamedTuple):
    """Ways to cut a layer into tiles, an entry each: what is on the chip, and what is moved.

    Numbers, but of sums as many as there are of them: what is not finished is wider.
    """

    operands: torch.Tensor  # on the chip: a tile of inputs and one of weights
    sums: torch.Tensor  # on the chip: a tile of outputs
    moved: torch.Tensor  # inputs and weights fetched, finished outputs written
    moved_sums: torch.Tensor  # outputs that are not finished, written and fetched again


@functools.cache
def tilings(layer: LayerCost) -> Tilings:
    """Ways to cut a layer into tiles of powers of two, and of the whole, its half, quarter, ...

    A tile is so many images, output rows (of full width), filters and input channels; the buffer
    holds a tile of inputs, of weights and of outputs. The tiles of images and rows (p), of filters
    (n) and of input channels (c) are three loops, in any order: of each order all tiles, one after
    the other. A tile is fetched once, or anew in each turn of the loop on which it does not depend,
    if another one turns inside that; outputs that are not finished go out and come back.
    """
    g = _geometry(layer)
    pixels = [(images, g.height) for images in _steps(g.images)]
    pixels += [(1, rows) for rows in _steps(g.height)[:-1]]
    pixels = torch.tensor([(*each, *_rows_read(each[1], g)) for each in pixels])
    filters, channels = torch.tensor(_steps(g.filters)), torch.tensor(_steps(g.channels))
    tiles = torch.meshgrid(torch.arange(len(pixels)), filters, channels, indexing="ij")
    pixel, filters, channels = (each.flatten() for each in tiles)
    images, rows, most, rows_in_all = pixels[pixel].T
    tile = g._replace(images=images, height=rows, filters=filters, channels=channels)
    turns = {
        "p": _turns(g.images, images) * _turns(g.height, rows),
        "n": _turns(g.filters, filters),
        "c": _turns(g.channels, channels),
    }
    orders = list(itertools.permutations("pnc"))
    weights, inputs, outputs = (
        torch.cat([_fetched(order, foreign, turns) for order in orders]) for foreign in "pnc"
    )
    tiled = g.groups * (g.weights + g.inputs(g.input_height) + g.outputs)
    biases = layer.numbers - tiled  # moved once
    inputs_in_all = g.inputs(rows_in_all).repeat(len(orders))
    moved = weights * g.weights + inputs * inputs_in_all + g.outputs
    return Tilings(
        (tile.weights + tile.inputs(most)).repeat(len(orders)),
        tile.outputs.repeat(len(orders)),
        g.groups * moved + biases,
        g.groups * 2 * (outputs - 1) * g.outputs,
    )


def _turns(size: int, step: torch.Tensor) -> torch.Tensor:
    return (size + step - 1) // step


def _fetched(order: Sequence[str], foreign: str, turns: dict[str, torch.Tensor]) -> torch.Tensor:
    """How often what does not depend on the loop ``foreign`` is fetched; outermost loop first."""
    again = torch.zeros_like(turns[foreign], dtype=torch.bool)
    for loop in order[order.index(foreign) + 1 :]:
        again |= turns[loop] > 1
    return torch.where(again, turns[foreign], 1)


@functools.cache
def dram_bytes(
    layer: LayerCost, buffer: int, precision: str = "fp32", sum_bytes: int = SUM_BYTES
) -> int:
    """Least bytes to and from DRAM for a layer, over the ``tilings`` that fit ``buffer`` bytes.

    Sums take ``sum_bytes`` each, whatever the precision, in the buffer and on their way, until they
    are finished. Never below the compulsory ``layer.bytes``, equal to it if all fits, never rising
    with the buffer. A layer without weights streams through.

    ValueError if not even the smallest tile fits.
    """
    if layer.kind not in ("convolution", "linear"):
        return layer.bytes(precision)
    ways, size = tilings(layer), bytes_per_number(precision)
    on_chip = size * ways.operands + sum_bytes * ways.sums
    fits = on_chip <= buffer
    if not fits.any():
        raise ValueError(
            f"buffer = {buffer} bytes: the smallest tile of {layer.name} takes {int(on_chip.min())}"
        )
    return int((size * ways.moved + sum_bytes * ways.moved_sums)[fits].min())
