"""What a figure shows, in words: for those who cannot see it, and where pictures are not shown."""

from __future__ import annotations

import re
from collections import Counter

__all__ = ["in_words"]


def in_words(figure) -> str:
    """A matplotlib ``figure`` in a sentence a plot, from its own titles, axes and legends.

    Without measured numbers: on another machine the words are the same.
    """
    plots = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    told = [_plot(axes) for axes in plots if axes.has_data() or axes.get_title()]
    told = [f"{n} {words}s" if n > 1 else words for words, n in Counter(told).items()]
    if figure.get_suptitle():
        told.insert(0, _line(figure.get_suptitle()))
    named = [text for legend in figure.legends for text in _texts(legend)]
    if named:
        told.append(f"legend: {', '.join(named)}")
    return "Figure. " + "; ".join(told or ["empty"]) + "."


def _plot(axes) -> str:
    x, y = _line(axes.get_xlabel()), _line(axes.get_ylabel())
    what = "picture" if axes.images else "plot"
    if x and y:
        what = f"{y} against {x}"
    elif x or y:
        what = f"{what} of {x or y}"
    legend = axes.get_legend()
    title = _line(axes.get_title())
    if axes.images:
        title = re.sub(r" \d+ ?%", "", title)  # how sure a network is differs in the last digit
    parts = [title, what, ", ".join(_texts(legend)) if legend else ""]
    return ": ".join(filter(None, parts))


def _texts(legend) -> list[str]:
    return [_line(text.get_text()) for text in legend.get_texts()]


def _line(text: str) -> str:
    """``text`` on one line."""
    return " ".join(text.split())
