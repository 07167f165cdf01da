"""LeNet-5 (D2L section 7.6)."""

from __future__ import annotations

from torch import nn

from ..classifier import Classifier

__all__ = ["LeNet"]


class LeNet(Classifier):
    """LeNet-5 (LeCun et al. 1998) as in D2L section 7.6. Input (N, C, 28, 28)."""

    def __init__(self, lr: float = 0.1, num_classes: int = 10) -> None:
        super().__init__()
        self.save_hyperparameters()
        layers = []
        for channels, padding in ((6, 2), (16, 0)):
            layers += [nn.LazyConv2d(channels, 5, padding=padding), nn.Sigmoid(), nn.AvgPool2d(2)]
        layers.append(nn.Flatten())
        for features in (120, 84):
            layers += [nn.LazyLinear(features), nn.Sigmoid()]
        self.net = nn.Sequential(*layers, nn.LazyLinear(num_classes))
