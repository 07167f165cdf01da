"""The time that a systolic array takes for a matrix product."""

from __future__ import annotations

import math

__all__ = ["systolic_cycles"]


def systolic_cycles(
    M: int, K: int, N: int, rows: int, columns: int, dataflow: str = "weight"
) -> int:
    """The last cycle of an M x K by K x N product on a systolic array, the first having number 0.

    As SCALE-Sim v2 simulates and counts it: one less than the number of cycles.

    ``dataflow`` "weight": each MAC keeps a weight, K along the rows, N along the columns; a fold
    loads its weights for ``rows`` cycles, then the M rows of inputs pass. "output": each keeps a
    sum, M along the rows, and the K steps pass; nothing is loaded, and the sums leave while the
    next fold comes. (Equation 1 of Samajdar et al. 2018, arXiv 1811.02883, counts ``rows`` more
    cycles a fold for them.)

    Raises ValueError for a number below 1, or another dataflow.
    """
    if dataflow not in ("weight", "output"):
        raise ValueError(f"dataflow = {dataflow!r}: expected 'weight' or 'output'")
    for name, value in (("M", M), ("K", K), ("N", N), ("rows", rows), ("columns", columns)):
        if value < 1:
            raise ValueError(f"{name} = {value!r}: expected an integer of 1 or more")
    along, loading, passing = (K, rows, M) if dataflow == "weight" else (M, 0, K)
    folds = math.ceil(along / rows) * math.ceil(N / columns)
    return folds * (loading + rows + columns + passing - 2) - 1
