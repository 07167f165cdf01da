"""A loss that is no longer a number ends the training, with words that help."""

from __future__ import annotations

import math

import torch

__all__ = ["DivergenceError"]


class DivergenceError(FloatingPointError):
    """The loss is no longer a finite number."""


def require_finite(loss: torch.Tensor, trainer) -> None:
    """Stop before a loss that is not finite is differentiated; a GPU is asked each 50th batch."""
    if trainer.gpus and trainer.train_batch_idx % 50:
        return
    (value,) = trainer.processes.total(loss.detach())
    if math.isfinite(value):
        return
    batch = trainer.train_batch_idx % trainer.num_train_batches + 1
    raise DivergenceError(
        f"the loss is {value} in epoch {trainer.epoch + 1}, batch {batch} of "
        f"{trainer.num_train_batches}, at learning rate {trainer.learning_rate.now():g}. Try a "
        "smaller learning rate, gradient clipping (gradient_clip_val=1) or batch normalization."
    )
