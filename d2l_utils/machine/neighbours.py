"""What other programs do with the cores of this machine, and how many are free beside them."""

from __future__ import annotations

import os
import time

import psutil

__all__: list[str] = []

SHORTEST = 0.2  # seconds that are watched at least: the system counts in hundredths


class Neighbours:
    """Watches, from now on, how many cores other programs keep busy."""

    def __init__(self) -> None:
        self.start = time.monotonic(), _busy_seconds()

    def busy_cores(self) -> float:
        """On average since then; fractions are what several do now and then."""
        then, busy = self.start
        if (missing := then + SHORTEST - time.monotonic()) > 0:
            time.sleep(missing)
        return max(0.0, (_busy_seconds() - busy) / (time.monotonic() - then))

    def free_cores(self, granted: int) -> int:
        """Of the ``granted`` cores those that the others leave, at least 1.

        A core is given up for a program that needs most of it: with a thread on each core, both
        would wait for each other at every step.
        """
        free = (os.cpu_count() or 1) - self.busy_cores()
        return granted if free > granted - 0.6 else max(1, round(free))


def _busy_seconds() -> float:
    """Of all cores together, since the machine was started, without this process.

    Without programs that give way as well, those of a lower priority (``nice``).
    """
    everyone, own = psutil.cpu_times(), psutil.Process().cpu_times()
    return everyone.user + everyone.system - own.user - own.system


AT_IMPORT = Neighbours()
