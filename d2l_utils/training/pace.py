"""Notices when a training begins to crawl, as it does beside another program."""

from __future__ import annotations

import time
import warnings
from collections import deque
from collections.abc import Callable

import torch

__all__: list[str] = []

FEW = 5  # batches whose rate is compared
SLOW = 3.0  # times slower than its best is a crawl


class Pace:
    """The rate of the last few batches against the best so far; warns once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock, self.best, self.warned = clock, 0.0, False
        self.pause()

    def pause(self) -> None:
        """What comes between two batches now, a validation say, does not count."""
        self.times: deque[float] = deque(maxlen=FEW + 1)
        self.images: deque[int] = deque(maxlen=FEW)

    def update(self, images: int) -> None:
        """A batch of so many images is done."""
        self.times.append(self.clock())
        if len(self.times) > 1:
            self.images.append(images)
        if len(self.images) < FEW:
            return
        rate = sum(self.images) / max(self.times[-1] - self.times[0], 1e-9)
        self.best = max(self.best, rate)
        if rate * SLOW < self.best and not self.warned:
            self.warned = True
            told = f"the training crawls: {rate:.0f} images/s, where it had {self.best:.0f}"
            if (threads := torch.get_num_threads()) > 1:
                told += (
                    f". If another program uses the cores, start again with OMP_NUM_THREADS=1 in "
                    f"the environment: {threads} threads wait for each other at every step"
                )
            warnings.warn(told, stacklevel=4)
