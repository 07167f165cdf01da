"""The best of some arms, by the held-out images."""

from __future__ import annotations

from collections.abc import Iterable

from ..display.tables import Table
from .compare_arms import RunsOfArms

__all__ = ["choose"]


COLUMNS = {"arm": "", "held-out images right, %": ".2f", "": ""}


def choose(records: RunsOfArms, groups: Iterable[Iterable[str]]) -> list[str]:
    """Of each group of arms the one that does best on the held-out images, by its first seed.

    Shows a table of what it compares, and says so where the best of several learning rates is the
    lowest or the highest: a rate beyond it may do better. A group of which nothing is recorded has
    no best.
    """
    best, rows = [], []
    for group in groups:
        held_out, rates = {}, {}
        for arm in group:
            if runs := records[arm]:
                sound = runs[0].get("diverged") is None
                held_out[arm] = 100 * runs[0]["history"][-1]["val_acc"] if sound else 0.0
                rates[arm] = runs[0]["config"].get("lr")
        if held_out:
            chosen = max(held_out, key=held_out.get)
            best.append(chosen)
            remark = "chosen" + _edge(rates[chosen], set(rates.values()) - {None})
            rows += [(arm, v, remark if arm == chosen else "") for arm, v in held_out.items()]
    Table(COLUMNS, rows).show()
    return best


def _edge(rate: float | None, tried: set[float]) -> str:
    """A remark if ``rate`` is at an edge of those ``tried``."""
    if len(tried) < 2 or rate not in (min(tried), max(tried)):
        return ""
    return f", at an edge: no {'lower' if rate == min(tried) else 'higher'} rate was tried"
