"""Tables as text, their columns aligned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["text_table"]


def text_table(rows: Iterable[Sequence[str]]) -> str:
    """``rows`` of cells, the heading first, as lines of text: columns to the left, two blanks."""
    from tabulate import tabulate

    return tabulate(rows, tablefmt="plain", disable_numparse=True)
