"""The unit of every network here: a convolution and what follows it."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

__all__ = ["Unit", "conv_relu"]


def conv_relu(
    channels: int, kernel_size: int, stride: int = 1, padding: int = 0
) -> list[nn.Module]:
    """A convolution and its ReLU."""
    return [nn.LazyConv2d(channels, kernel_size, stride=stride, padding=padding), nn.ReLU()]


Unit = Callable[..., list[nn.Module]]  # makes a convolution and what follows it, as conv_relu does
