"""The residual blocks that D2L sections 8.6 and 8.8 define once and call by name."""

from __future__ import annotations

from torch import nn
from torch.nn import functional as F

from .units import conv_unit

__all__ = ["ResNeXtBlock", "Residual"]


def _conv_bn(channels: int, kernel_size: int, relu: bool = False, **options) -> nn.Sequential:
    """A unit with batch normalization that keeps its input's size at stride 1.

    The convolution keeps its bias, as in the book.
    """
    unit = conv_unit(
        channels, kernel_size, padding=kernel_size // 2, norm=True, relu=relu, **options
    )
    return nn.Sequential(*unit)


class Residual(nn.Module):
    """The residual block (He et al. 2015, arXiv 1512.03385, figure 2; D2L section 8.6.2).

    Two 3x3 convolutions with batch normalization, the input added before the last ReLU. Maps
    (N, C, H, W) to (N, num_channels, H / strides, W / strides), rounded up; where that changes the
    shape, ``use_1x1conv=True`` brings the input to it.
    """

    def __init__(self, num_channels: int, use_1x1conv: bool = False, strides: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _conv_bn(num_channels, 3, relu=True, stride=strides), _conv_bn(num_channels, 3)
        )
        self.shortcut = (
            nn.LazyConv2d(num_channels, 1, stride=strides) if use_1x1conv else nn.Identity()
        )

    def forward(self, X):
        """Add the body to the shortcut."""
        return F.relu(self.body(X) + self.shortcut(X))


class ResNeXtBlock(nn.Module):
    """The ResNeXt block (Xie et al. 2017, arXiv 1611.05431; D2L section 8.6.5).

    1x1, grouped 3x3 and 1x1 convolution, the middle ones of ``num_channels * bot_mul`` channels.
    ``groups`` is the number of channels in a group, which is how the book's code reads it.
    """

    def __init__(
        self,
        num_channels: int,
        groups: int,
        bot_mul: float,
        use_1x1conv: bool = False,
        strides: int = 1,
    ) -> None:
        super().__init__()
        middle = round(num_channels * bot_mul)
        self.body = nn.Sequential(
            _conv_bn(middle, 1, relu=True),
            _conv_bn(middle, 3, relu=True, stride=strides, groups=middle // groups),
            _conv_bn(num_channels, 1),
        )
        self.shortcut = _conv_bn(num_channels, 1, stride=strides) if use_1x1conv else nn.Identity()

    def forward(self, X):
        """Add the body to the shortcut."""
        return F.relu(self.body(X) + self.shortcut(X))
