"""Notices when a training begins to crawl, as it does beside another program."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import torch

__all__: list[str] = []

FEW = 5  # batches whose rate is compared
SLOW = 3.0  # times slower than its best is a crawl
LONG = 5.0  # seconds that it lasts


class Pace:
    """The rate of the last few batches against the best so far; tells, once, of a lasting fall."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock, self.best, self.told = clock, 0.0, False
        self.pause()

    def pause(self) -> None:
        """What comes between two batches now, a validation say, does not count."""
        self.times: deque[float] = deque(maxlen=FEW + 1)
        self.images: deque[int] = deque(maxlen=FEW)
        self.slow_since: float | None = None

    def update(self, images: int) -> None:
        """A batch of so many images is done."""
        self.times.append(self.clock())
        if len(self.times) > 1:
            self.images.append(images)
        if len(self.images) < FEW or self.told:
            return
        rate = sum(self.images) / max(self.times[-1] - self.times[0], 1e-9)
        self.best = max(self.best, rate)
        if rate * SLOW >= self.best:
            self.slow_since = None
            return
        if self.slow_since is None:
            self.slow_since = self.times[0]
        if self.times[-1] - self.slow_since >= LONG:
            self.told = True
            print(_crawls(rate, self.best))


def _crawls(rate: float, best: float) -> str:
    told = f"The training crawls: {rate:.0f} images/s, where it had {best:.0f}."
    if (threads := torch.get_num_threads()) > 1:
        told += (
            " If another program uses the cores, start again with OMP_NUM_THREADS=1 in the "
            f"environment: {threads} threads wait for each other at every step."
        )
    return told
