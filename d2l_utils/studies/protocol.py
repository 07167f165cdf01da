"""The common protocol of recorded comparisons: one small network, one recipe, arms that differ in
one thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import nn

from ..data import FashionMNIST
from ..networks import GOOGLENET, SMALL_STEM, GoogleNet, Inception, conv_relu
from ..networks.units import Unit
from ..trainer import cosine_decay
from .study import Study

__all__ = ["PROTOCOL", "ProtocolNet", "ProtocolStudy", "init_he"]

# The last 10,000 training images choose, for every arm, between learning rates of one grid.
PROTOCOL = {
    "epochs": 5,
    "batch_size": 128,
    "resize": 28,
    "holdout": 10_000,
    "init": "He",
    "optimizer": "SGD, momentum 0.9",
    "schedule": "cosine",
}


def init_he(layer: nn.Module) -> None:
    """He's normal initialisation (He et al. 2015, arXiv 1502.01852, section 2.2), biases 0."""
    if type(layer) in (nn.Conv2d, nn.Linear):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


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
    """A ``Study`` by the protocol: ``PROTOCOL`` is its configuration, ``init_he`` draws weights.

    Args:
        name, build, arms, seeds, measure, borrowed: As in ``Study``; ``build`` need not initialise.
    """

    def __init__(
        self,
        name: str,
        build: Callable[[dict], nn.Module],
        arms: Mapping[str, Mapping],
        seeds: Sequence[int] = (0,),
        measure: Callable[[nn.Module, FashionMNIST], dict] | None = None,
        borrowed: Mapping[str, tuple[Study, str]] | None = None,
    ) -> None:
        def initialised(config: dict) -> nn.Module:
            model = build(config)
            model.apply_init([torch.rand(2, 1, 28, 28)], init_he)
            return model

        super().__init__(name, initialised, arms, PROTOCOL, seeds, cosine_decay, measure, borrowed)
