"""The base class of the book's models (D2L section 3.2.2)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from .board import ProgressBoard
from .hyperparameters import HyperParameters

__all__ = ["Module"]


class Module(nn.Module, HyperParameters):
    """A model that knows its loss, its optimizer and how to plot its training.

    Subclasses set ``self.net`` (or override ``forward``) and ``self.lr`` (or override
    ``configure_optimizers``). A batch is a sequence of tensors whose last is the target.
    """

    def __init__(self, plot_train_per_epoch: int = 2, plot_valid_per_epoch: int = 1) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.board = ProgressBoard()

    def loss(self, Y_hat, Y):
        """The scalar that training minimises."""
        raise NotImplementedError(f"{type(self).__name__} must define loss(Y_hat, Y)")

    def forward(self, X):
        """Apply ``self.net``."""
        if not hasattr(self, "net"):
            raise AttributeError(f"{type(self).__name__} must set self.net or define forward(X)")
        return self.net(X)

    def plot(self, key: str, value: torch.Tensor, train: bool) -> None:
        """Record ``value`` (a scalar) as ``train_key`` or ``val_key`` and draw it on the board."""
        if not hasattr(self, "trainer"):
            raise AttributeError("plot() needs a trainer: call Trainer.fit(model, data) first")
        self.trainer.meters.log(key, value, train)

    def training_step(self, batch):
        """The loss of one batch, plotted; what ``Trainer`` differentiates."""
        batch = self.augment(batch)
        loss = self.loss(self(*batch[:-1]), batch[-1])
        self.plot("loss", loss, train=True)
        return loss

    def augment(self, batch):
        """A training batch as the network shall see it; override it to flip images, say."""
        return batch

    def validation_step(self, batch) -> None:
        """Plot the loss of one validation batch."""
        self.plot("loss", self.loss(self.predict(*batch[:-1]), batch[-1]), train=False)

    def predict(self, *X):
        """What validation judges: the forward pass; override it to average over flips, say."""
        return self(*X)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Minibatch stochastic gradient descent at ``self.lr``."""
        return torch.optim.SGD(self.parameters(), lr=self.lr)

    def apply_init(self, inputs, init: Callable | None = None) -> None:
        """Run ``inputs`` once, which gives lazy layers their shapes, then apply ``init``."""
        self.forward(*inputs)
        if init is not None:
            self.net.apply(init)
