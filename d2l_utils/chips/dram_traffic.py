"""The traffic between a chip and its DRAM, over all ways to cut a layer into tiles."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import torch

from ..costs.cost_table import LayerCost, bytes_per_number

__all__ = ["dram_bytes", "tilings"]


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
    """Tile sizes to try along a dimension: powers of two, and the whole."""
    return sorted({2**i for i in range(size.bit_length()) if 2**i < size} | {size})


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


@functools.cache
def tilings(layer: LayerCost) -> tuple[torch.Tensor, torch.Tensor]:
    """All ways to cut a layer into tiles: numbers on chip, and numbers moved to and from DRAM.

    A tile is so many images, output rows (of full width), filters and input channels; the buffer
    holds a tile of inputs, of weights and of outputs. The tiles of images and rows (p), of filters
    (n) and of input channels (c) are three loops, in any order. Weights depend on n and c, inputs
    on c and p, outputs on n and p. A tile is fetched again in each turn of every loop outside the
    innermost of its own loops; outputs that are not finished go out and come back.
    """
    g = _geometry(layer)
    pixels = [(images, g.height) for images in _steps(g.images)]
    pixels += [(1, rows) for rows in _steps(g.height)[:-1]]
    on_chip, moved = [], []
    tiles = itertools.product(pixels, _steps(g.filters), _steps(g.channels))
    for (images, rows), filters, channels in tiles:
        most, rows_in_all = _rows_read(rows, g)
        tile = g._replace(images=images, height=rows, filters=filters, channels=channels)
        on_chip.append(tile.weights + tile.inputs(most) + tile.outputs)
        turns = {
            "p": math.ceil(g.images / images) * math.ceil(g.height / rows),
            "n": math.ceil(g.filters / filters),
            "c": math.ceil(g.channels / channels),
        }
        sizes = {
            "weights": ("nc", g.weights),
            "inputs": ("cp", g.inputs(rows_in_all)),
            "outputs": ("np", g.outputs),
        }
        moved.append(min(_moved(order, turns, sizes) for order in itertools.permutations("pnc")))
    tiled = g.groups * (g.weights + g.inputs(g.input_height) + g.outputs)
    biases = layer.numbers - tiled  # moved once
    return torch.tensor(on_chip), g.groups * torch.tensor(moved) + biases


def _moved(order: Sequence[str], turns: dict[str, int], sizes: dict[str, tuple[str, int]]) -> int:
    """Numbers moved with the loops in ``order``, outermost first."""
    total = 0
    for operand, (own, size) in sizes.items():
        turning = [i for i, loop in enumerate(order) if loop in own and turns[loop] > 1]
        outside = order[: max(turning, default=0)]
        again = math.prod(turns[loop] for loop in outside if loop not in own)
        total += size * (2 * again - 1 if operand == "outputs" else again)
    return total


def dram_bytes(layer: LayerCost, buffer: int, precision: str = "fp32") -> int:
    """Least bytes to and from DRAM for a layer, over the tilings that fit ``buffer`` bytes.

    Never below the compulsory ``layer.bytes``, equal to it if all fits, never rising with the
    buffer. A layer without weights streams through. ValueError if not even the smallest tile fits.
    """
    if layer.kind not in ("convolution", "linear"):
        return layer.bytes(precision)
    on_chip, moved = tilings(layer)
    size = bytes_per_number(precision)
    fits = size * on_chip <= buffer
    if not fits.any():
        least = size * int(on_chip.min())
        raise ValueError(
            f"buffer = {buffer} bytes: the smallest tile of {layer.name} takes {least}"
        )
    return size * int(moved[fits].min())
