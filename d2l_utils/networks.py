"""The networks of D2L sections 7.6 and 8.1 to 8.4, their architecture written as data.

Every class takes ``lr`` and ``num_classes`` as in the book; what makes one network differ from the
next is the tuple of channels above it. Layers are lazy: they take their input size, and their first
weights, from the first input they see; ``model.apply_init([X], init_cnn)`` then draws them anew.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from .base import Classifier

__all__ = [
    "ALEXNET",
    "GOOGLENET",
    "NIN",
    "SMALL_STEM",
    "STEM",
    "VGG",
    "VGG11",
    "AlexNet",
    "GoogleNet",
    "Inception",
    "LeNet",
    "NiN",
    "conv_relu",
    "nin_block",
    "scaled",
    "vgg_block",
]


def conv_relu(
    channels: int, kernel_size: int, stride: int = 1, padding: int = 0
) -> list[nn.Module]:
    """A convolution and its ReLU."""
    return [nn.LazyConv2d(channels, kernel_size, stride=stride, padding=padding), nn.ReLU()]


Unit = Callable[..., list[nn.Module]]  # makes a convolution and what follows it, as conv_relu does


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


class Inception(nn.Module):
    """The Inception block (Szegedy et al. 2014, arXiv 1409.4842, figure 2b; D2L section 8.4.1).

    Four branches see the same input and are concatenated along the channels: 1x1 (``c1``
    channels), 1x1 then 3x3 (``c2`` a pair), 1x1 then 5x5 (``c3`` a pair), and 3x3 max pool then
    1x1 (``c4``). ReLU follows every convolution; ``unit`` makes the pair. Maps (N, C, H, W) to
    (N, c1 + c2[1] + c3[1] + c4, H, W).
    """

    def __init__(
        self, c1: int, c2: tuple[int, int], c3: tuple[int, int], c4: int, unit: Unit = conv_relu
    ) -> None:
        super().__init__()
        pool = nn.MaxPool2d(3, stride=1, padding=1)
        self.branches = nn.ModuleList(
            nn.Sequential(*layers)
            for layers in (
                unit(c1, 1),
                unit(c2[0], 1) + unit(c2[1], 3, padding=1),
                unit(c3[0], 1) + unit(c3[1], 5, padding=2),
                [pool, *unit(c4, 1)],
            )
        )

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Concatenate the four branches."""
        return torch.cat([branch(X) for branch in self.branches], dim=1)


# The stem, stage by stage, a 3x3 max pool of stride 2 after each. Of each convolution: (channels,
# kernel, stride, padding).
STEM = (((64, 7, 2, 3),), ((64, 1, 1, 0), (192, 3, 1, 1)))
# For images of 28x28: the same channels, but only one halving before the body, which sees 14x14.
SMALL_STEM = (((64, 3, 1, 1), (64, 1, 1, 0), (192, 3, 1, 1)),)

# The body, stage by stage, a 3x3 max pool of stride 2 between them: (c1, c2, c3, c4) of each block.
# Table 1 of the paper; 3a and 3b, 4a to 4e, 5a and 5b.
GOOGLENET = (
    (
        (64, (96, 128), (16, 32), 32),
        (128, (128, 192), (32, 96), 64),
    ),
    (
        (192, (96, 208), (16, 48), 64),
        (160, (112, 224), (24, 64), 64),
        (128, (128, 256), (24, 64), 64),
        (112, (144, 288), (32, 64), 64),
        (256, (160, 320), (32, 128), 128),
    ),
    (
        (256, (160, 320), (32, 128), 128),
        (384, (192, 384), (48, 128), 128),
    ),
)


def scaled(channels, width: float):
    """Channel counts, nested as they are, multiplied by ``width`` and rounded, at least 1."""
    if isinstance(channels, int):
        return max(1, round(channels * width))
    return tuple(scaled(part, width) for part in channels)


class GoogleNet(Classifier):
    """GoogLeNet (Szegedy et al. 2014, arXiv 1409.4842) as in D2L section 8.4.2.

    Stem, body of nine Inception blocks in three stages, head; no auxiliary classifiers. Input
    (N, C, H, W) of any H, W of 1 or more: every layer is padded, the head averages what is left.
    ``width`` scales the channels of stem and body, rounded; ``block`` makes the blocks of the body
    from the channels in ``stages``, ``unit`` each convolution of the stem.
    """

    def __init__(
        self,
        lr: float = 0.1,
        num_classes: int = 10,
        stages=GOOGLENET,
        width: float = 1.0,
        stem=STEM,
        block: Callable[..., nn.Module] = Inception,
        unit: Unit = conv_relu,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        head = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        layers = [
            [layer for channels, *rest in convs for layer in unit(scaled(channels, width), *rest)]
            for convs in stem
        ]
        layers += [[block(*scaled(channels, width)) for channels in stage] for stage in stages]
        for stage in layers[:-1]:
            stage.append(self.pool())
        layers[-1] += head
        self.net = nn.Sequential(
            *(nn.Sequential(*stage) for stage in layers), nn.LazyLinear(num_classes)
        )

    @staticmethod
    def pool() -> nn.MaxPool2d:
        """The pool between stages: halves height and width, rounding up."""
        return nn.MaxPool2d(3, stride=2, padding=1)
