"""What is kept of the numbers that a model plots: means for the history, points for the curves."""

from __future__ import annotations

from dataclasses import dataclass

import torch

__all__: list[str] = []


@dataclass
class Mean:
    """A weighted mean of scalars, which stay on their device until it is asked for."""

    total: float | torch.Tensor = 0.0
    weight: float = 0

    def add(self, value: float | torch.Tensor, weight: float = 1) -> None:
        """Let ``value`` count ``weight`` times."""
        self.total = self.total + value * weight
        self.weight += weight

    def value(self) -> float:
        """The mean of what was added."""
        return float(self.total) / self.weight


class Meters:
    """Means over the examples of an epoch; on a ``board``, if any, points: means of some batches.

    Where a batch stands, and how many examples it has, is read from ``trainer``.
    """

    def __init__(self, trainer, board=None) -> None:
        self.trainer, self.board = trainer, board
        self.points: dict[str, tuple[Mean, Mean]] = {}  # x and y of those not complete yet
        self.start_epoch()

    def start_epoch(self) -> None:
        """Begin new means; points may go on from one epoch to the next."""
        self.sums: dict[str, Mean] = {}

    def log(self, key: str, value, train: bool) -> None:
        """Count one batch's ``value``, a scalar."""
        trainer, value = self.trainer, torch.as_tensor(value).detach()
        label = ("train_" if train else "val_") + key
        weight = trainer.examples * trainer.processes.fraction
        self.sums.setdefault(label, Mean()).add(value, weight)
        if self.board is None:
            return
        if train:
            x = trainer.train_batch_idx / trainer.num_train_batches
            batches = trainer.num_train_batches / trainer.model.plot_train_per_epoch
        else:
            x = trainer.epoch + 1
            batches = trainer.num_val_batches / trainer.model.plot_valid_per_epoch
        xs, ys = self.points.setdefault(label, (Mean(), Mean()))
        xs.add(x)
        ys.add(value, weight)
        if xs.weight >= int(batches):
            del self.points[label]
            self.board.draw(xs.value(), ys.value(), label)

    def means(self) -> dict[str, float]:
        """The epoch's mean of everything, over all the processes that share its batches."""
        total = self.trainer.processes.total
        return {
            label: Mean(*total(mean.total, mean.weight)).value()
            for label, mean in self.sums.items()
        }

    def state_dict(self) -> dict:
        """The points that are not complete yet, after an epoch."""
        return {
            label: [(mean.total, mean.weight) for mean in point]
            for label, point in self.points.items()
        }

    def load_state_dict(self, state: dict) -> None:
        """Go on with the points of ``state``."""
        self.points = {
            label: tuple(Mean(*sums) for sums in point) for label, point in state.items()
        }
