"""The book's helpers for figures (D2L sections 2.4.2 and 4.2), in the workbook's style."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .display.style import pyplot

__all__ = ["plot", "set_axes", "set_figsize", "show_images", "use_svg_display"]


def use_svg_display() -> None:
    """Show figures of this notebook as SVG."""
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    set_matplotlib_formats("svg")


def set_figsize(figsize: tuple[float, float] = (3.5, 2.5)) -> None:
    """Set the size of the figures to come, in inches."""
    pyplot().rcParams["figure.figsize"] = figsize


def set_axes(axes, xlabel, ylabel, xlim, ylim, xscale, yscale, legend) -> None:
    """Set labels, limits, scales and legend of matplotlib ``axes``."""
    axes.set(xlabel=xlabel, ylabel=ylabel, xscale=xscale, yscale=yscale)
    axes.set(xlim=xlim, ylim=ylim)
    if legend:
        axes.legend(legend)
    axes.grid(True)


def _as_curves(values) -> list:
    """A list of curves: ``values`` itself, or ``[values]`` if it is one curve."""
    one = getattr(values, "ndim", None) == 1 or (
        isinstance(values, Sequence) and len(values) > 0 and not hasattr(values[0], "__len__")
    )
    return [values] if one else list(values)


def plot(
    X,
    Y=None,
    xlabel=None,
    ylabel=None,
    legend=(),
    xlim=None,
    ylim=None,
    xscale="linear",
    yscale="linear",
    fmts=("-", "--", "-.", ":"),
    figsize=(3.5, 2.5),
    axes=None,
) -> None:
    """Plot one or more curves: ``plot(Y)``, ``plot(X, Y)`` or ``plot(X, [Y1, Y2])``."""
    Y_curves = _as_curves(X if Y is None else Y)
    X_curves = [range(len(y)) for y in Y_curves] if Y is None else _as_curves(X)
    if len(X_curves) == 1:
        X_curves = X_curves * len(Y_curves)
    if axes is None:
        set_figsize(figsize)
        axes = pyplot().gca()
    axes.cla()
    for i, (x, y) in enumerate(zip(X_curves, Y_curves, strict=True)):
        axes.plot(x, y, fmts[i % len(fmts)])
    set_axes(axes, xlabel, ylabel, xlim, ylim, xscale, yscale, legend)


def show_images(imgs, num_rows: int, num_cols: int, titles=None, scale: float = 1.5):
    """Show images (arrays or tensors, (H, W) or (H, W, 3)) in a grid; returns the axes."""
    size = (num_cols * scale, num_rows * scale)
    _, axes = pyplot().subplots(num_rows, num_cols, figsize=size, squeeze=False)
    axes = axes.flatten()
    for ax in axes:
        ax.set_axis_off()
    for i, (ax, image) in enumerate(zip(axes, imgs, strict=False)):
        ax.imshow(
            image.numpy(force=True) if isinstance(image, torch.Tensor) else image, cmap="gray"
        )
        if titles:
            ax.set_title(titles[i])
    return axes
