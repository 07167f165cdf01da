"""Tables: HTML on a page, aligned text wherever there is none."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

__all__ = ["Table", "text_table"]


class Table:
    """Rows below a heading; the last expression of a cell, or ``show()``, puts it on the page.

    Args:
        columns: The title of each column, and how its values are formatted (",.1f", say; "" as they
            are). A column with a format, or of numbers, is set to the right.
        rows: The values; None is an empty cell. A column of strings is set to the left.
        note: What stands below the table: a sentence, or several lines.

    Raises ValueError for a row that has not as many values as there are columns.
    """

    def __init__(
        self, columns: Mapping[str, str], rows: Iterable[Sequence[Any]], note: str = ""
    ) -> None:
        self.titles, self.note = list(columns), note
        rows = [list(row) for row in rows]
        for row in rows:
            if len(row) != len(self.titles):
                raise ValueError(
                    f"rows: expected {len(self.titles)} values, as columns has, got {row}"
                )
        self.right = [
            any(map(_is_number, values)) and all(v is None or _is_number(v) for v in values)
            for values in zip(*rows, strict=True)
        ] or [False] * len(self.titles)
        self.cells = [
            [
                "" if v is None else _formatted(v, form)
                for v, form in zip(row, columns.values(), strict=True)
            ]
            for row in rows
        ]

    def __repr__(self) -> str:
        text = text_table([self.titles, *self.cells], self.right)
        return "\n".join(filter(None, [text, self.note]))

    def _repr_html_(self) -> str:
        sides = ["right" if right else "left" for right in self.right]

        def row(tag: str, cells: Sequence[str]) -> str:
            tags = [tag if cell else "td" for cell in cells]  # an empty title is none
            inside = "".join(
                f'<{tag} style="text-align: {side}">{escape(cell)}</{tag}>'
                for cell, side, tag in zip(cells, sides, tags, strict=True)
            )
            return f"<tr>{inside}</tr>"

        body = "\n".join(row("td", cells) for cells in self.cells)
        note = "".join(f"<p>{escape(line)}</p>" for line in self.note.splitlines())
        head = row("th", self.titles)
        return f"<table>\n<thead>{head}</thead>\n<tbody>\n{body}\n</tbody>\n</table>{note}"

    def show(self) -> None:
        """Put the table on the page, among other outputs; where there is no page, print it."""
        if "IPython" in sys.modules:
            from IPython.display import display

            display(self)  # outside of a notebook it prints
        else:
            print(self)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _formatted(value: Any, form: str) -> str:
    return format(value, form if _is_number(value) else "")


def text_table(rows: Iterable[Sequence[str]], right: Sequence[bool] = ()) -> str:
    """``rows`` of cells, the heading first, as lines of text, two blanks between columns.

    Columns are set to the left, but for those of which ``right`` says True.
    """
    from tabulate import tabulate

    sides = ["right" if side else "left" for side in right]
    lines = tabulate(rows, tablefmt="plain", disable_numparse=True, colalign=sides or None)
    return "\n".join(map(str.rstrip, lines.splitlines()))
