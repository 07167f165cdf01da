"""The book's base classes of models (D2L sections 3.2.2 and 4.3)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from .board import ProgressBoard
from .hyperparameters import HyperParameters

__all__ = ["Classifier", "Module", "init_cnn"]


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
        self.trainer.log(key, value, train)

    def training_step(self, batch):
        """The loss of one batch, plotted; what ``Trainer`` differentiates."""
        loss = self.loss(self(*batch[:-1]), batch[-1])
        self.plot("loss", loss, train=True)
        return loss

    def validation_step(self, batch) -> None:
        """Plot the loss of one validation batch."""
        self.plot("loss", self.loss(self(*batch[:-1]), batch[-1]), train=False)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Minibatch stochastic gradient descent at ``self.lr``."""
        return torch.optim.SGD(self.parameters(), lr=self.lr)

    def apply_init(self, inputs, init: Callable | None = None) -> None:
        """Run ``inputs`` once, which gives lazy layers their shapes, then apply ``init``."""
        self.forward(*inputs)
        if init is not None:
            self.net.apply(init)


class Classifier(Module):
    """A model whose output is one logit per class: cross-entropy loss and accuracy."""

    def validation_step(self, batch) -> None:
        """Plot the loss and the accuracy of one validation batch."""
        Y_hat = self(*batch[:-1])
        self.plot("loss", self.loss(Y_hat, batch[-1]), train=False)
        self.plot("acc", self.accuracy(Y_hat, batch[-1]), train=False)

    def accuracy(self, Y_hat, Y, averaged: bool = True) -> torch.Tensor:
        """Share of rows of ``Y_hat`` (..., classes) whose largest logit is at ``Y``.

        With ``averaged=False``, one 0.0 or 1.0 for each example.
        """
        hits = (Y_hat.flatten(0, -2).argmax(1) == Y.flatten()).float()
        return hits.mean() if averaged else hits

    def loss(self, Y_hat, Y, averaged: bool = True) -> torch.Tensor:
        """Cross-entropy of logits ``Y_hat`` (..., classes) and labels ``Y`` (...)."""
        reduction = "mean" if averaged else "none"
        return F.cross_entropy(Y_hat.flatten(0, -2), Y.flatten(), reduction=reduction)

    @torch.no_grad()
    def layer_summary(self, X_shape: tuple[int, ...]) -> None:
        """Print the output shape of each layer of ``self.net`` for an input of ``X_shape``."""
        X = torch.randn(*X_shape)
        for layer in self.net:
            X = layer(X)
            print(f"{layer.__class__.__name__} output shape:\t {X.shape}")


def init_cnn(module: nn.Module) -> None:
    """Xavier-uniform weights for one convolution or linear layer; use with ``net.apply``.

    A lazy layer that has seen no input has no weights yet and is left alone: call it through
    ``apply_init``, not in ``__init__``.
    """
    if type(module) in (nn.Linear, nn.Conv2d):  # exactly: a LazyConv2d is a Conv2d as well
        nn.init.xavier_uniform_(module.weight)
