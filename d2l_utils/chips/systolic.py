"""The time that a systolic array takes for a matrix product."""

from __future__ import annotations

import math

__all__ = ["systolic_cycles"]


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
