"""Recorded arms as curves over the epochs."""

from __future__ import annotations

import math
from statistics import mean

from ..display.style import COLORS, INK, pyplot
from .compare_arms import RunsOfArms

__all__ = ["plot"]


def plot(records: RunsOfArms, *keys: str):
    """One panel for each of ``keys`` of the history: each arm's mean and range over epochs."""
    size = (4.5 * len(keys), 3)
    figure, axes = pyplot().subplots(
        1, len(keys), figsize=size, squeeze=False, layout="constrained"
    )
    for axis, key in zip(axes[0], keys, strict=True):
        for place, (arm, runs) in enumerate(records.items()):
            color = (*COLORS, INK)[place % 7]
            look = (".-", ".--", ".:")[(place + 1) // 7 % 3]  # dashed, too, where colours run out
            curves = [[row[key] for row in run["history"]] for run in runs]
            by_epoch = list(zip(*curves, strict=False))  # a diverged run ends early
            if by_epoch:
                epochs = range(1, len(by_epoch) + 1)
                low, high, middle = (list(map(f, by_epoch)) for f in (min, max, mean))
                axis.plot(epochs, middle, look, color=color, label=arm)
                axis.fill_between(epochs, low, high, color=color, alpha=0.2)
        axis.set(xlabel="epoch", ylabel=key.replace("_", " "))
        axis.xaxis.get_major_locator().set_params(integer=True)
    lines = axes[0][0].lines
    if len(lines) > 4:  # too many to stand among the curves
        figure.set_figheight(3 + 0.25 * math.ceil(len(lines) / 2))
        figure.legend(handles=lines, loc="outside lower center", ncols=2)
    elif lines:
        axes[0][0].legend()
    return figure
