"""The live plot of a training run (D2L section 3.2.1)."""

from __future__ import annotations

import io
import sys
import time
from collections import namedtuple

from .display.style import COLORS, pyplot
from .hyperparameters import HyperParameters

__all__ = ["ProgressBoard"]

Point = namedtuple("Point", ["x", "y"])


def in_notebook() -> bool:
    """Whether this process is a Jupyter kernel."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


class ProgressBoard(HyperParameters):
    """Curves that grow while the program runs, redrawn in place below the cell.

    Drawing costs at most a twentieth of the time, however many points there are: between two
    pictures passes 20 times what the last one took. The last picture is drawn when the cell ends.
    Outside a notebook the points are kept in ``self.data``, and nothing is drawn.
    """

    def __init__(
        self,
        xlabel=None,
        ylabel=None,
        xlim=None,
        ylim=None,
        xscale="linear",
        yscale="linear",
        ls=("-", "--", "-.", ":"),
        colors=COLORS,
        fig=None,
        axes=None,
        figsize=(4.5, 3),
        display=True,
    ) -> None:
        self.save_hyperparameters()
        self.reset()

    def reset(self) -> None:
        """Forget every point; the next picture appears below the cell that draws it."""
        self.raw_points: dict[str, list[Point]] = {}
        self.data: dict[str, list[Point]] = {}
        self._handle = None
        self._next_picture = 0.0

    def draw(self, x: float, y: float, label: str, every_n: int = 1) -> None:
        """Add a point to the curve ``label``: the mean of each ``every_n`` points given."""
        window = self.raw_points.setdefault(label, [])
        line = self.data.setdefault(label, [])
        window.append(Point(float(x), float(y)))
        if len(window) < every_n:
            return
        line.append(Point(*(sum(values) / len(window) for values in zip(*window, strict=True))))
        window.clear()
        if self.display and in_notebook() and time.monotonic() >= self._next_picture:
            self.show()

    def state_dict(self) -> dict:
        """The curves, as a checkpoint keeps them."""
        return {label: [tuple(point) for point in line] for label, line in self.data.items()}

    def load_state_dict(self, state: dict) -> None:
        """Draw the curves of ``state``."""
        self.reset()
        for label, points in state.items():
            for x, y in points:
                self.draw(x, y, label)

    def show(self) -> None:
        """Draw the curves as they are now."""
        from IPython.display import display

        pyplot()  # sets the style; imported the first time, which is not a picture's cost
        start = time.monotonic()
        picture, metadata = self._picture()
        if self._handle is None:
            self._handle = display(picture, metadata=metadata, raw=True, display_id=True)
            self._show_again_when_the_cell_ends()
        else:
            self._handle.update(picture, metadata=metadata, raw=True)
        now = time.monotonic()
        self._next_picture = now + max(0.2, 20 * (now - start))

    def _show_again_when_the_cell_ends(self) -> None:
        from IPython import get_ipython

        events, handle = get_ipython().events, self._handle

        def last_picture(*_):
            events.unregister("post_run_cell", last_picture)
            if self._handle is handle:
                self.show()

        events.register("post_run_cell", last_picture)

    def _picture(self) -> tuple[dict, dict]:
        """The MIME bundle of the figure, a PNG of two pixels a point, and its metadata."""
        if self.axes is None:
            from matplotlib.figure import Figure

            # Not pyplot's: those the notebook shows once more at the end of the cell.
            self.fig = Figure(figsize=self.figsize, layout="constrained")
            self.axes = self.fig.add_subplot()
        self.fig = self.axes.figure
        self.axes.cla()
        for i, (label, line) in enumerate(self.data.items()):
            color, ls = self.colors[i % len(self.colors)], self.ls[i % len(self.ls)]
            self.axes.plot([p.x for p in line], [p.y for p in line], ls, color=color, label=label)
        self.axes.set(xlabel=self.xlabel, ylabel=self.ylabel)
        self.axes.set(xscale=self.xscale, yscale=self.yscale)
        if self.xlim:
            self.axes.set_xlim(self.xlim)
        if self.ylim:
            self.axes.set_ylim(self.ylim)
        if self.data:
            self.axes.legend()
        png = io.BytesIO()
        self.fig.savefig(png, format="png", dpi=200)
        width, height = (round(inches * 100) for inches in self.fig.get_size_inches())
        last = ", ".join(f"{label} {line[-1].y:.3g}" for label, line in self.data.items() if line)
        return (
            {"image/png": png.getvalue(), "text/plain": f"<curves: {last}>"},
            {"image/png": {"width": width, "height": height}},
        )
