"""The common protocol of recorded comparisons: one small network, one recipe, arms that differ in
one thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from ..networks import GOOGLENET, SMALL_STEM, GoogleNet, Inception, conv_relu
from ..networks.units import Unit
from .configuration import Recipe
from .study import Study

__all__ = ["PROTOCOL", "ProtocolNet", "ProtocolStudy"]

# The last 10,000 training images choose, for every arm, between learning rates of one grid.
PROTOCOL = {
    "epochs": 5,
    "batch_size": 128,
    "resize": 28,
    "holdout": 10_000,
    "init": "He",
    "optimizer": {"name": "SGD", "momentum": 0.9},
    "schedule": "cosine",
}


class ProtocolNet(GoogleNet):
    """GoogLeNet at a quarter of its width, with a stem for 28x28 images: 0.4 M parameters.

    Arguments as for ``GoogleNet``. Input (N, C, H, W) of any size. SGD with momentum 0.9.
    """

    def __init__(
        self,
        lr: float = 0.1,
        stages=GOOGLENET,
        width: float = 0.25,
        block: Callable[..., nn.Module] = Inception,
        unit: Unit = conv_relu,
        stem=SMALL_STEM,
    ) -> None:
        super().__init__(lr, 10, stages, width, stem, block, unit)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Stochastic gradient descent with momentum."""
        return torch.optim.SGD(self.parameters(), lr=self.lr, momentum=0.9)


class ProtocolStudy(Study):
    """A ``Study`` by the protocol: ``PROTOCOL`` is what its arms have in common.

    ``name``, ``recipe``, ``arms`` and ``options`` (``seeds``, ``measure``, ``borrowed``) as in
    ``Study``.
    """

    def __init__(
        self,
        name: str,
        recipe: Recipe | Callable[[Mapping], nn.Module],
        arms: Mapping[str, Mapping],
        **options: Any,
    ) -> None:
        super().__init__(name, recipe, arms, PROTOCOL, **options)
