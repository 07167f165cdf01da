"""Network in Network (D2L section 8.3), its architecture as data."""

from __future__ import annotations

from torch import nn

from ..classifier import Classifier
from .units import conv_relu

__all__ = ["NIN", "NiN", "nin_block"]

# (channels, kernel, stride, padding) of each block; the last block has one channel per class
NIN = ((96, 11, 4, 0), (256, 5, 1, 2), (384, 3, 1, 1))


def nin_block(out_channels: int, kernel_size: int, strides: int, padding: int) -> nn.Sequential:
    """A convolution and two 1x1 convolutions, each with ReLU."""
    return nn.Sequential(
        *conv_relu(out_channels, kernel_size, strides, padding),
        *conv_relu(out_channels, 1),
        *conv_relu(out_channels, 1),
    )


class NiN(Classifier):
    """Network in Network (Lin et al. 2013, arXiv 1312.4400) as in D2L section 8.3.

    Input (N, C, H, W) with H, W of 67 or more.
    """

    def __init__(self, lr: float = 0.1, num_classes: int = 10) -> None:
        super().__init__()
        self.save_hyperparameters()
        layers = []
        for block in NIN:
            layers += [nin_block(*block), nn.MaxPool2d(3, stride=2)]
        self.net = nn.Sequential(
            *layers,
            nn.Dropout(0.5),
            nin_block(num_classes, 3, 1, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
