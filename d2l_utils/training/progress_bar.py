"""The progress bar of a training run: tqdm's, in a terminal or in place below a notebook's cell."""

from __future__ import annotations

import io
import sys

from ..board import in_notebook

__all__ = ["progress_bar"]

FORMAT = "{desc} {percentage:3.0f}%|{bar:24}| {rate_noinv_fmt}, {remaining} left{postfix}"


def progress_bar(total: int | None, unit: str, show: bool = True, done: int = 0):
    """A tqdm bar of ``total`` units, ``done`` already, with their rate and the time left."""
    from tqdm import tqdm

    class CellBar(tqdm):
        """One output of the cell, replaced by each update; a stream would keep all of them."""

        handle = None

        def display(self, msg: str | None = None, pos: int | None = None) -> None:
            from IPython.display import display

            text = {"text/plain": str(self) if msg is None else msg}
            if self.handle is None:
                self.handle = display(text, raw=True, display_id=True)
            else:
                self.handle.update(text, raw=True)

    cell = in_notebook()
    # A log file should not grow with every second.
    watched = cell or sys.stdout.isatty()
    return (CellBar if cell else tqdm)(
        total=total,
        initial=done,
        unit=f" {unit}",
        unit_scale=True,
        file=io.StringIO() if cell else sys.stdout,
        ncols=88,
        ascii=False,
        bar_format=FORMAT,
        mininterval=0.3 if watched else 30,
        disable=not show,
    )
