"""The progress bar of a training run: tqdm's, in a terminal or in place below a notebook's cell."""

from __future__ import annotations

import io
import sys

from ..board import in_notebook
from ..machine.cores import tell_of_fewer_threads
from .pace import Pace

__all__: list[str] = []

FORMAT = "{desc} {percentage:3.0f}%|{bar:24}| {rate_noinv_fmt}, {remaining} left{postfix}"


class ProgressBar:
    """Epoch, images a second and the time left of ``epochs`` epochs, of which ``done`` are done."""

    def __init__(self, loader, epochs: int, done: int = 0, show: bool = True) -> None:
        try:
            images = len(loader.dataset)
            total, initial = epochs * images, done * images
        except (AttributeError, TypeError):  # a loader of unknown size
            total, initial = None, 0
        if show:
            tell_of_fewer_threads()
        self.epochs, self.bar, self.pace = epochs, _tqdm(total, initial, show), Pace()

    def start_epoch(self, epoch: int) -> None:
        """Name the epoch; the first is 0."""
        self.bar.set_description_str(f"epoch {epoch + 1}/{self.epochs}", refresh=False)
        self.pace.pause()

    def update(self, images: int) -> None:
        """So many more images are done."""
        self.bar.update(images)
        self.pace.update(images)

    def end_epoch(self, row: dict[str, float]) -> None:
        """Show the validation accuracy, where ``row`` of the history has one."""
        if "val_acc" in row:
            self.bar.set_postfix_str(f"val_acc {row['val_acc']:.3f}")

    def close(self) -> None:
        """Leave the bar as it is."""
        self.bar.close()


def _tqdm(total: int | None, initial: int, show: bool):
    """A tqdm bar of ``total`` images, of which ``initial`` are done."""
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
        initial=initial,
        unit=" images",
        unit_scale=True,
        file=io.StringIO() if cell else sys.stdout,
        ncols=88,
        ascii=False,
        bar_format=FORMAT,
        mininterval=0.3 if watched else 30,
        disable=not show,
    )
