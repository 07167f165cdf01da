"""The book's classifier (D2L section 4.3), and how it draws the first weights of a CNN."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .module import Module

__all__ = ["Classifier", "init_cnn"]


class Classifier(Module):
    """A model whose output is one logit per class: cross-entropy loss and accuracy."""

    def validation_step(self, batch) -> None:
        """Plot the loss and the accuracy of one validation batch."""
        Y_hat = self.predict(*batch[:-1])
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
