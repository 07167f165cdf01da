"""AlexNet (D2L section 8.1), its architecture as data."""

from __future__ import annotations

from torch import nn

from ..classifier import Classifier
from .units import conv_relu

__all__ = ["ALEXNET", "AlexNet"]

# (channels, kernel, stride, padding, max pool after it?)
ALEXNET = (
    (96, 11, 4, 1, True),
    (256, 5, 1, 2, True),
    (384, 3, 1, 1, False),
    (384, 3, 1, 1, False),
    (256, 3, 1, 1, True),
)


class AlexNet(Classifier):
    """AlexNet (Krizhevsky et al. 2012) as in D2L section 8.1: one column, no groups.

    Input (N, C, H, W) with H, W of 65 or more.
    """

    def __init__(self, lr: float = 0.1, num_classes: int = 10) -> None:
        super().__init__()
        self.save_hyperparameters()
        layers = []
        for *conv, pool in ALEXNET:
            layers += conv_relu(*conv) + [nn.MaxPool2d(3, stride=2)] * pool
        layers.append(nn.Flatten())
        for _ in range(2):
            layers += [nn.LazyLinear(4096), nn.ReLU(), nn.Dropout(0.5)]
        self.net = nn.Sequential(*layers, nn.LazyLinear(num_classes))
