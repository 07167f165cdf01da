"""The time that a systolic array takes for a matrix product."""

from __future__ import annotations

import math

__all__ = ["systolic_cycles"]


def systolic_cycles(
    M: int,
    K: int,
    N: int,
    rows: int,
    columns: int,
    dataflow: str = "weight",
    loads_overlap: bool = False,
) -> int:
    """The last cycle of an M x K by K x N product on a systolic array, the first having number 0.

    As SCALE-Sim v2 simulates and counts it: one less than the number of cycles.

    ``dataflow`` "weight": each MAC keeps a weight, K along the rows, N along the columns; a fold
    loads its weights for ``rows`` cycles, then the M rows of inputs pass. "output": each keeps a
    sum, M along the rows, and the K steps pass; nothing is loaded, and the sums leave while the
    next fold comes. (Equation 1 of Samajdar et al. 2018, arXiv 1811.02883, counts ``rows`` more
    cycles a fold for them.)

    ``loads_overlap``, of dataflow "weight": a second set of weights is loaded while the inputs of
    the fold before pass, and the inputs of one fold follow those of the other, as in the TPU
    (Jouppi et al. 2017, arXiv 1704.04760, section 2). A fold then takes the longer of ``rows`` and
    M; once, at the start, weights are waited for, and once, at the end, the array runs empty.

    Raises ValueError for a number below 1, another dataflow, or loads that overlap where nothing
    is loaded.
    """
    if dataflow not in ("weight", "output"):
        raise ValueError(f"dataflow = {dataflow!r}: expected 'weight' or 'output'")
    for name, value in (("M", M), ("K", K), ("N", N), ("rows", rows), ("columns", columns)):
        if value < 1:
            raise ValueError(f"{name} = {value!r}: expected an integer of 1 or more")
    if loads_overlap and dataflow == "output":
        raise ValueError("loads_overlap = True: with dataflow 'output' no weights are loaded")
    along, loading, passing = (K, rows, M) if dataflow == "weight" else (M, 0, K)
    folds = math.ceil(along / rows) * math.ceil(N / columns)
    if loads_overlap:
        return rows + (folds - 1) * max(rows, M) + M + rows + columns - 2 - 1
    return folds * (loading + rows + columns + passing - 2) - 1
