"""A loss that is no longer a number ends the training, with words that help."""

from __future__ import annotations

import math

import torch
from torch import nn

__all__ = ["DivergenceError"]

EVERY = 50  # batches: a GPU is asked for its loss so often, for it has to wait each time


class DivergenceError(FloatingPointError):
    """The loss is no longer a finite number."""


class LastGood:
    """What a batch spoils before its loss is known: the running statistics of batch norm.

    On a GPU also the weights, since its loss is asked for only now and then.
    """

    def __init__(self, trainer) -> None:
        model: nn.Module = trainer.model
        self.tensors = [*model.buffers(), *(model.parameters() if trainer.gpus else ())]
        self.kept = [tensor.detach().clone() for tensor in self.tensors]

    def keep(self) -> None:
        """Keep them as they are: the loss was finite."""
        _copy(self.tensors, self.kept)

    def restore(self) -> None:
        """Put back what was kept last."""
        _copy(self.kept, self.tensors)


@torch.no_grad()
def _copy(source: list[torch.Tensor], target: list[torch.Tensor]) -> None:
    for there, here in zip(source, target, strict=True):
        here.copy_(there)


def require_finite(loss: torch.Tensor, trainer) -> None:
    """Stop before a loss that is not finite is differentiated, with the model as it was before."""
    if trainer.gpus and trainer.train_batch_idx % EVERY:
        return
    (value,) = trainer.processes.total(loss.detach())
    if math.isfinite(value):
        trainer.last_good.keep()
        return
    trainer.last_good.restore()
    batch = trainer.train_batch_idx % trainer.num_train_batches + 1
    raise DivergenceError(
        f"the loss is {value} in epoch {trainer.epoch + 1}, batch {batch} of "
        f"{trainer.num_train_batches}, at learning rate {trainer.learning_rate.now():g}. Try a "
        "smaller learning rate, gradient clipping (gradient_clip_val=1) or batch normalization."
    )
