"""The traffic between a chip and its DRAM, over all ways to cut a layer into tiles."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence

import torch

from ..costs.layers import LayerCost, bytes_per_number

__all__ = ["dram_bytes", "tilings"]


def _steps(size: int) -> list[int]:
    """Tile sizes to try along a dimension: powers of two, and the whole."""
    return sorted({2**i for i in range(size.bit_length()) if 2**i < size} | {size})


def _geometry(layer: LayerCost) -> dict[str, int]:
    """The sizes of a convolution, or of a linear layer as a convolution of single pixels."""
    if layer.kind == "linear":
        M, K, N = layer.as_matmul()
        return dict(B=M, C=K, N=N, H=1, W=1, X_H=1, X_W=1, k=1, k_w=1, s=1, d=1, G=1)
    B, _, H, W = layer.output_shape
    X_H, X_W = layer.input_shapes[0][2:]
    c_out, C, k, k_w = layer.weight_shape
    G = layer.groups
    sizes = dict(B=B, C=C, N=c_out // G, H=H, W=W, X_H=X_H, X_W=X_W, k=k, k_w=k_w, G=G)
    return sizes | dict(s=layer.stride[0], d=layer.dilation[0])


def _rows_read(h: int, g: dict[str, int], padding: int) -> tuple[int, int]:
    """Input rows read for tiles of ``h`` output rows: those of the largest tile, and in all.

    Neighbouring tiles share rows, which are read again. All of the input is read at least once.
    """
    each = []
    for first in range(0, g["H"], h):
        last = min(first + h, g["H"]) - 1
        start = first * g["s"] - padding
        end = last * g["s"] - padding + (g["k"] - 1) * g["d"] + 1
        each.append(min(end, g["X_H"]) - max(start, 0))
    return max(each), max(sum(each), g["X_H"])


@functools.cache
def tilings(layer: LayerCost) -> tuple[torch.Tensor, torch.Tensor]:
    """All ways to cut a layer into tiles: numbers on chip, and numbers moved to and from DRAM.

    A tile is so many images, output rows (of full width), output channels and input channels; the
    buffer holds a tile of inputs, of weights and of outputs. The tiles of images and rows (p), of
    output channels (n) and of input channels (c) are three loops, in any order. Weights depend on
    n and c, inputs on c and p, outputs on n and p. A tile is fetched again in each turn of every
    loop outside the innermost of its own loops; outputs that are not finished go out and come back.
    """
    g, p = _geometry(layer), layer.padding[0]
    pixels = [(b, g["H"]) for b in _steps(g["B"])] + [(1, h) for h in _steps(g["H"])[:-1]]
    on_chip, moved = [], []
    for (b, h), n, c in itertools.product(pixels, _steps(g["N"]), _steps(g["C"])):
        most, rows = _rows_read(h, g, p)
        weights = n * c * g["k"] * g["k_w"]
        on_chip.append(weights + b * c * most * g["X_W"] + b * n * h * g["W"])
        turns = {"p": -(-g["B"] // b) * -(-g["H"] // h), "n": -(-g["N"] // n), "c": -(-g["C"] // c)}
        sizes = {
            "weights": ("nc", g["N"] * g["C"] * g["k"] * g["k_w"]),
            "inputs": ("cp", g["B"] * g["C"] * rows * g["X_W"]),
            "outputs": ("np", g["B"] * g["N"] * g["H"] * g["W"]),
        }
        moved.append(min(_moved(order, turns, sizes) for order in itertools.permutations("pnc")))
    biases = layer.parameters - math.prod(layer.weight_shape)
    return torch.tensor(on_chip), g["G"] * torch.tensor(moved) + biases


def _moved(order: Sequence[str], turns: dict[str, int], sizes: dict[str, tuple[str, int]]) -> int:
    """Numbers moved with the loops in ``order``, outermost first."""
    total = 0
    for operand, (own, size) in sizes.items():
        inner = max(
            (i for i, loop in enumerate(order) if loop in own and turns[loop] > 1), default=0
        )
        again = math.prod(turns[loop] for loop in order[:inner] if loop not in own)
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
