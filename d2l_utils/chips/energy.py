"""The energy of arithmetic and of memory, at 45 nm."""

from __future__ import annotations

import math

__all__ = ["DRAM_PJ", "MAC_PJ", "SRAM_PJ", "sram_picojoules"]

# Picojoules at 45 nm and 0.9 V (Horowitz 2014, ISSCC, figure 1.1.9): a product and a sum.
MAC_PJ = {"fp32": 3.7 + 0.9, "fp16": 1.1 + 0.4, "int8": 0.2 + 0.1}  # int8 adds into 32 bits
SRAM_PJ = ((8 * 2**10, 10.0), (32 * 2**10, 20.0), (2**20, 100.0))  # bytes of the memory; 64 bits
DRAM_PJ = 1300.0  # 64 bits, the lower end of 1.3 to 2.6 nJ


def sram_picojoules(buffer: int) -> float:
    """Energy of an access of 64 bits: between and beyond Horowitz's figures, on a log-log line."""
    (x0, y0), (x1, y1), (x2, y2) = [(math.log(x), math.log(y)) for x, y in SRAM_PJ]
    x = math.log(buffer)
    slope, at = ((y1 - y0) / (x1 - x0), (x0, y0)) if x < x1 else ((y2 - y1) / (x2 - x1), (x1, y1))
    return math.exp(at[1] + slope * (x - at[0]))
