"""A model of a chip for networks: an array of MACs, a buffer, DRAM; its time, energy and area.

Plain functions over the rows of ``cost_table``. The chip works layer by layer: inputs and weights
come from DRAM, outputs go back to it; while one tile is computed the next is fetched.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass

import torch

from .cost import LayerCost, bytes_per_number

__all__ = ["Chip", "Run", "dram_bytes", "run_on", "systolic_cycles", "tilings"]

# Picojoules at 45 nm and 0.9 V (Horowitz 2014, ISSCC, figure 1.1.9): a product and a sum.
MAC_PJ = {"fp32": 3.7 + 0.9, "fp16": 1.1 + 0.4, "int8": 0.2 + 0.1}  # int8 adds into 32 bits
SRAM_PJ = ((8 * 2**10, 10.0), (32 * 2**10, 20.0), (2**20, 100.0))  # bytes of the memory; 64 bits
DRAM_PJ = 1300.0  # 64 bits, the lower end of 1.3 to 2.6 nJ
# Square micrometres at 45 nm: multiplier and adder (Dally 2016, from synthesis); our assumptions: a
# bit of SRAM with its share of the decoders (0.35 for the cell alone), 1 GB/s of DRAM interface.
MAC_UM2 = {"fp32": 7700.0 + 4184.0, "fp16": 1640.0 + 1360.0, "int8": 282.0 + 137.0}
SRAM_BIT_UM2 = 0.7
DRAM_UM2 = 250_000.0


@dataclass(frozen=True)
class Chip:
    """``rows`` x ``columns`` MACs at ``clock`` Hz; ``buffer`` bytes; DRAM ``bandwidth`` bytes/s."""

    rows: int = 128
    columns: int = 128
    buffer: int = 2**20
    bandwidth: float = 25e9
    clock: float = 1e9
    precision: str = "int8"

    def __post_init__(self) -> None:
        for name in ("rows", "columns", "buffer", "bandwidth", "clock"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} = {getattr(self, name)!r}: expected more than 0")
        bytes_per_number(self.precision)

    @property
    def area(self) -> float:
        """Square millimetres at 45 nm: array, buffer and DRAM interface."""
        array = self.rows * self.columns * MAC_UM2[self.precision]
        memory = 8 * self.buffer * SRAM_BIT_UM2
        return (array + memory + self.bandwidth / 1e9 * DRAM_UM2) / 1e6


def systolic_cycles(
    M: int, K: int, N: int, rows: int, columns: int, dataflow: str = "weight"
) -> int:
    """Cycles of an M x K by K x N product on a systolic array (Samajdar et al. 2018, SCALE-Sim).

    ``dataflow`` "weight": each MAC keeps a weight, K along the rows, N along the columns, and the
    M rows of inputs pass. "output": each keeps a sum, M along the rows, and the K steps pass.
    """
    if dataflow not in ("weight", "output"):
        raise ValueError(f"dataflow = {dataflow!r}: expected 'weight' or 'output'")
    for name, value in (("M", M), ("K", K), ("N", N), ("rows", rows), ("columns", columns)):
        if value < 1:
            raise ValueError(f"{name} = {value!r}: expected an integer of 1 or more")
    along, passing = (K, M) if dataflow == "weight" else (M, K)
    folds = math.ceil(along / rows) * math.ceil(N / columns)
    return folds * (2 * rows + columns + passing - 2) - 1


# -- DRAM -----------------------------------------------------------------------------------------


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


# -- a layer on a chip ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """One layer, or a whole network, on a chip: times in seconds, energies in joules."""

    macs: int
    compute: float  # the time that the array needs
    transfer: float  # the time that DRAM needs
    seconds: float  # the longer of the two, layer by layer
    dram_bytes: int
    mac_energy: float
    sram_energy: float
    dram_energy: float

    @property
    def bound(self) -> str:
        """What the time is spent waiting for: "compute" or "memory"."""
        return "compute" if self.compute >= self.transfer else "memory"

    @property
    def energy(self) -> float:
        """Joules in all."""
        return self.mac_energy + self.sram_energy + self.dram_energy

    def __add__(self, other: Run) -> Run:
        return Run(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


def sram_accesses(layer: LayerCost, rows: int, columns: int) -> int:
    """Numbers read from and written to the buffer by a weight-stationary array.

    Weights once; inputs again for each fold of the filters; sums again for each fold of K, read
    and written.
    """
    M, K, N = layer.as_matmul()
    k_folds, n_folds = -(-K // rows), -(-N // columns)
    return layer.groups * (K * N + M * K * n_folds + M * N * (2 * k_folds - 1))


def sram_picojoules(buffer: int) -> float:
    """Energy of an access of 64 bits: between and beyond Horowitz's figures, on a log-log line."""
    (x0, y0), (x1, y1), (x2, y2) = [(math.log(x), math.log(y)) for x, y in SRAM_PJ]
    x = math.log(buffer)
    slope, at = ((y1 - y0) / (x1 - x0), (x0, y0)) if x < x1 else ((y2 - y1) / (x2 - x1), (x1, y1))
    return math.exp(at[1] + slope * (x - at[0]))


def run_on(chip: Chip, table: Iterable[LayerCost]) -> Run:
    """The layers in ``table`` on a chip, weight-stationary, one after the other.

    A layer without weights costs its traffic. Leave out of ``table`` what the chip does on the
    way, such as activations. ValueError for a layer whose MACs are not counted.
    """
    total = Run(0, 0.0, 0.0, 0.0, 0, 0.0, 0.0, 0.0)
    size = bytes_per_number(chip.precision)
    for layer in table:
        if layer.macs is None:
            what = f"{layer.name or 'the network'} ({layer.operation})"
            raise ValueError(f"{what} can't be put on a chip: its MACs are not counted")
        cycles, accesses = 0, layer.inputs + layer.outputs
        if layer.kind in ("convolution", "linear"):
            product = layer.as_matmul()
            cycles = layer.groups * systolic_cycles(*product, chip.rows, chip.columns)
            accesses = sram_accesses(layer, chip.rows, chip.columns)
        moved = dram_bytes(layer, chip.buffer, chip.precision)
        compute, transfer = cycles / chip.clock, moved / chip.bandwidth
        total += Run(
            layer.macs,
            compute,
            transfer,
            max(compute, transfer),
            moved,
            1e-12 * layer.macs * MAC_PJ[chip.precision],
            1e-12 * accesses * size / 8 * sram_picojoules(chip.buffer),
            1e-12 * moved / 8 * DRAM_PJ,
        )
    return total
