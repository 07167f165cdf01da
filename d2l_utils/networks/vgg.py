"""VGG (D2L section 8.2), its architecture as data."""

from __future__ import annotations

from torch import nn

from ..classifier import Classifier
from .units import conv_relu

__all__ = ["VGG", "VGG11", "vgg_block"]

# (convolutions, channels) of each block
VGG11 = ((1, 64), (1, 128), (2, 256), (2, 512), (2, 512))


def vgg_block(num_convs: int, out_channels: int) -> nn.Sequential:
    """``num_convs`` 3x3 convolutions with ReLU, then a 2x2 max pool of stride 2."""
    layers = []
    for _ in range(num_convs):
        layers += conv_relu(out_channels, 3, padding=1)
    return nn.Sequential(*layers, nn.MaxPool2d(2, stride=2))


class VGG(Classifier):
    """VGG (Simonyan and Zisserman 2014, arXiv 1409.1556) as in D2L section 8.2.

    Input (N, C, H, W) with H, W of 32 or more.
    """

    def __init__(self, arch=VGG11, lr: float = 0.1, num_classes: int = 10) -> None:
        super().__init__()
        self.save_hyperparameters()
        head = [nn.Flatten()]
        for _ in range(2):
            head += [nn.LazyLinear(4096), nn.ReLU(), nn.Dropout(0.5)]
        blocks = [vgg_block(*block) for block in arch]
        self.net = nn.Sequential(*blocks, *head, nn.LazyLinear(num_classes))
