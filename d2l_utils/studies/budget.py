"""Seconds or hours: the one switch of all that is trained, ``D2L_BUDGET``."""

from __future__ import annotations

import os

__all__ = ["budget", "by_budget"]


def budget() -> str:
    """``"quick"`` (seconds, on the bundled sample) or ``"full"``, from ``D2L_BUDGET``."""
    name = os.environ.get("D2L_BUDGET", "quick")
    if name not in ("quick", "full"):
        raise ValueError(f"D2L_BUDGET must be 'quick' or 'full', not {name!r}")
    return name


def by_budget(*, quick, full):
    """``quick`` or ``full``, as the budget is."""
    return quick if budget() == "quick" else full
