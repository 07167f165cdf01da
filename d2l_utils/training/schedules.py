"""The learning rate: the optimizer's own, or changed step by step by a schedule."""

from __future__ import annotations

import math
from collections.abc import Callable

__all__ = ["cosine_decay"]


def cosine_decay(done: float) -> float:
    """A ``schedule``: half a cosine from 1 to 0 (Loshchilov and Hutter 2017, arXiv 1608.03983)."""
    return 0.5 * (1 + math.cos(math.pi * done))


class LearningRate:
    """The learning rates of ``optim``'s parameter groups, as ``schedule`` changes them.

    ``schedule`` maps the share of ``steps`` that is done to a factor of the rates; None leaves them
    to the optimizer. One written by hand, without groups, has its ``lr``.
    """

    def __init__(self, optim, schedule: Callable[[float], float] | None, steps: int) -> None:
        self.optim, self.schedule, self.steps = optim, schedule, steps
        self.initial: list[float] = [group["lr"] for group in getattr(optim, "param_groups", [])]

    def set_for(self, step: int) -> None:
        """Set the rates for the step of this number, counted from 0."""
        if self.schedule is None:
            return
        factor = self.schedule(step / self.steps)
        for group, initial in zip(self.optim.param_groups, self.initial, strict=True):
            group["lr"] = initial * factor

    def now(self) -> float:
        """The rate of the first group."""
        groups = getattr(self.optim, "param_groups", None)
        return groups[0]["lr"] if groups else getattr(self.optim, "lr", math.nan)
