"""One colour-blind-safe style for all figures, readable on light and dark pages."""

from __future__ import annotations

import sys

__all__ = ["COLORS", "INK", "pyplot"]

# Okabe and Ito's palette, black left out: it vanishes on a dark page, as white does on a light one.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK = "#7a7a7a"  # 4.3:1 on white, 4.4:1 on JupyterLab's dark grey

STYLE = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "figure.facecolor": "none",
    "font.size": 10,
    "grid.alpha": 0.25,
    "grid.color": INK,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "savefig.facecolor": "none",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def pyplot():
    """``matplotlib.pyplot`` in the workbook's style; imported on first use, for it is slow."""
    import matplotlib.pyplot as plt
    from cycler import cycler

    if "ipykernel" in sys.modules:
        from matplotlib_inline import backend_inline

        # It asks for a white card behind transparent figures. This style can be read without.
        backend_inline._fetch_figure_metadata = lambda figure: None
        _tell_in_words(plt.Figure)
    plt.rcParams.update(STYLE)
    plt.rcParams["axes.prop_cycle"] = cycler(color=COLORS)
    return plt


def _tell_in_words(kind: type) -> None:
    """Have a notebook say what a figure of ``kind`` shows, in place of its size in pixels."""
    from IPython import get_ipython

    from .figure_words import in_words

    if shell := get_ipython():
        formatter = shell.display_formatter.formatters["text/plain"]
        formatter.for_type(kind, lambda figure, page, cycle: page.text(in_words(figure)))
