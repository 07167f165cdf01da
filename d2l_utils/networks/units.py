"""What every network here is made of: a convolution with what follows it, and parallel branches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import nn

__all__ = ["Branches", "Unit", "conv_bn_relu", "conv_relu", "conv_unit"]

Unit = Callable[..., list[nn.Module]]  # makes a convolution and what follows it, as conv_relu does


def conv_unit(
    channels: int,
    kernel_size: int | tuple[int, int],
    stride: int = 1,
    padding: int | tuple[int, int] = 0,
    *,
    norm: bool = False,
    relu: bool = True,
    **options,
) -> list[nn.Module]:
    """A convolution, then its batch normalization and its ReLU, as wanted.

    ``options`` are more arguments of ``nn.LazyConv2d``.
    """
    conv = nn.LazyConv2d(channels, kernel_size, stride=stride, padding=padding, **options)
    return [conv, *[nn.LazyBatchNorm2d()] * norm, *[nn.ReLU()] * relu]


conv_relu: Unit = conv_unit
conv_bn_relu: Unit = partial(conv_unit, norm=True, bias=False)  # BN cancels a bias


class Branches(nn.Module):
    """Branches that see the same input (N, C, H, W) and are concatenated along the channels."""

    def __init__(self, *branches: Iterable[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Sequential(*layers) for layers in branches)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Concatenate what the branches make of ``X``."""
        return torch.cat([branch(X) for branch in self.branches], dim=1)
