"""GoogLeNet and its Inception block (D2L section 8.4), the architecture as data."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral

from torch import nn

from ..classifier import Classifier
from .units import Branches, Unit, conv_relu

__all__ = ["GOOGLENET", "SMALL_STEM", "STEM", "GoogleNet", "Inception", "scaled"]


class Inception(Branches):
    """The Inception block (Szegedy et al. 2014, arXiv 1409.4842, figure 2b; D2L section 8.4.1).

    Four branches see the same input and are concatenated along the channels: 1x1 (``c1``
    channels), 1x1 then 3x3 (``c2`` a pair), 1x1 then 5x5 (``c3`` a pair), and 3x3 max pool then
    1x1 (``c4``). ReLU follows every convolution; ``unit`` makes the pair. Maps (N, C, H, W) to
    (N, c1 + c2[1] + c3[1] + c4, H, W).
    """

    def __init__(
        self, c1: int, c2: tuple[int, int], c3: tuple[int, int], c4: int, unit: Unit = conv_relu
    ) -> None:
        super().__init__(
            unit(c1, 1),
            unit(c2[0], 1) + unit(c2[1], 3, padding=1),
            unit(c3[0], 1) + unit(c3[1], 5, padding=2),
            [nn.MaxPool2d(3, stride=1, padding=1), *unit(c4, 1)],
        )


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
    if isinstance(channels, Integral):  # NumPy's as well
        return max(1, round(int(channels) * width))
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
