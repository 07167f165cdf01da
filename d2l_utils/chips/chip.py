"""A model of a chip for networks: an array of MACs, a buffer, DRAM; its time, energy and area.

Plain functions over the rows of ``cost_table``. The chip works layer by layer: inputs and weights
come from DRAM, outputs go back to it; while one tile is computed the next is fetched.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass

from ..costs.cost_table import LayerCost, bytes_per_number
from .dram_traffic import SUM_BYTES, dram_bytes
from .energy import DRAM_PJ, MAC_PJ, sram_picojoules
from .systolic import systolic_cycles

__all__ = ["Chip", "ChipCost", "run_on"]

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


@dataclass(frozen=True)
class ChipCost:
    """What one layer, or a whole network, costs on a chip: seconds, joules, bytes."""

    macs: int = 0
    compute: float = 0.0  # seconds that the array needs
    transfer: float = 0.0  # seconds that DRAM needs
    seconds: float = 0.0  # the longer of the two, layer by layer
    dram_bytes: int = 0
    mac_energy: float = 0.0
    sram_energy: float = 0.0
    dram_energy: float = 0.0

    @property
    def bound(self) -> str:
        """What the time is spent waiting for: "compute" or "memory"."""
        return "compute" if self.compute >= self.transfer else "memory"

    @property
    def energy(self) -> float:
        """Joules in all."""
        return self.mac_energy + self.sram_energy + self.dram_energy

    def __add__(self, other: ChipCost) -> ChipCost:
        return ChipCost(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


def sram_bytes(layer: LayerCost, rows: int, columns: int, precision: str) -> int:
    """Bytes read from and written to the buffer by a weight-stationary array.

    Weights once; inputs again for each fold of the filters; outputs once, when they are finished,
    and before that, between the folds of K, as sums that are written and read.
    """
    M, K, N = layer.as_matmul()
    k_folds, n_folds = -(-K // rows), -(-N // columns)
    numbers = K * N + M * K * n_folds + M * N
    sums = M * N * 2 * (k_folds - 1)
    return layer.groups * (bytes_per_number(precision) * numbers + SUM_BYTES * sums)


def run_on(chip: Chip, table: Iterable[LayerCost], maps: int | None = None) -> ChipCost:
    """The layers in ``table`` on a chip, weight-stationary, one after the other.

    A layer without weights costs its traffic. Leave out of ``table`` what the chip does on the
    way, such as activations.

    Every layer's inputs come from DRAM and its outputs go there, unless ``maps`` is given: the
    numbers that the buffer has to hold so that maps stay on the chip (``largest_maps``). Then
    weights alone are fetched, each once, beside the first layer's input, and the last output goes
    out. Weights on their way, and sums that are not finished, take no room of the buffer in this
    model.

    Raises ValueError for a layer whose MACs are not counted, for maps that the buffer can't hold,
    and for fewer than a layer of ``table`` writes.
    """
    layers = list(table)
    if maps is None:
        return sum((_layer_on(chip, layer) for layer in layers), start=ChipCost())
    if (largest := max((layer.outputs for layer in layers), default=1)) > maps:
        raise ValueError(f"maps = {maps!r}: expected {largest} or more, which a layer writes")
    needed = maps * bytes_per_number(chip.precision)
    if needed > chip.buffer:
        raise ValueError(f"maps of {needed} bytes: the buffer of {chip.buffer} can't hold them")
    size, total = bytes_per_number(chip.precision), ChipCost()
    for i, layer in enumerate(layers, start=1):
        moved = layer.parameters + layer.buffers
        moved += layer.inputs * (i == 1) + layer.outputs * (i == len(layers))
        total += _layer_on(chip, layer, size * moved)
    return total


def _layer_on(chip: Chip, layer: LayerCost, moved: int | None = None) -> ChipCost:
    """One layer; ``moved`` are the bytes of DRAM traffic, by default the least of all tilings."""
    if layer.macs is None:
        what = f"{layer.name or 'the network'} ({layer.operation})"
        raise ValueError(f"{what} can't be put on a chip: its MACs are not counted")
    cycles = 0
    accessed = (layer.inputs + layer.outputs) * bytes_per_number(chip.precision)
    if layer.kind in ("convolution", "linear"):
        cycles = layer.groups * systolic_cycles(*layer.as_matmul(), chip.rows, chip.columns)
        accessed = sram_bytes(layer, chip.rows, chip.columns, chip.precision)
    if moved is None:
        moved = dram_bytes(layer, chip.buffer, chip.precision)
    compute, transfer = cycles / chip.clock, moved / chip.bandwidth
    return ChipCost(
        macs=layer.macs,
        compute=compute,
        transfer=transfer,
        seconds=max(compute, transfer),
        dram_bytes=moved,
        mac_energy=1e-12 * layer.macs * MAC_PJ[chip.precision],
        sram_energy=1e-12 * accessed / 8 * sram_picojoules(chip.buffer),
        dram_energy=1e-12 * moved / 8 * DRAM_PJ,
    )
