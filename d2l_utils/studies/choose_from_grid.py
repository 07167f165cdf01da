"""The best of some arms, by the held-out images."""

from __future__ import annotations

from collections.abc import Iterable

from .compare_arms import RunsOfArms

__all__ = ["choose"]


def choose(records: RunsOfArms, groups: Iterable[Iterable[str]]) -> list[str]:
    """Of each group of arms the one that does best on the held-out images, by its first seed.

    Prints what it compares. A group of which nothing is recorded has no best arm.
    """
    best = []
    for group in groups:
        held_out = {}
        for arm in group:
            if runs := records[arm]:
                sound = runs[0].get("diverged") is None
                held_out[arm] = runs[0]["history"][-1]["val_acc"] if sound else 0.0
                print(f"{arm}: {100 * held_out[arm]:.2f} % of the held-out images")
        best += [max(held_out, key=held_out.get)] if held_out else []
    print("chosen:", *best, sep="\n  ")
    return best
