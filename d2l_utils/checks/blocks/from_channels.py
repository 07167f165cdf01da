"""A right attempt as the workbook uses it: made from the block's arguments alone."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from .block import Block
from .construct import bound
from .learners_block import Attempt


class LazyBlock(nn.Module):
    """Becomes the block that ``make`` gives for the channels of the first input, when that comes.

    As torch's lazy layers become what they stand for: drawings and counts see the block alone.
    """

    def __init__(self, make: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.make = make

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """What the block makes of ``X`` (N, C, H, W)."""
        block = self.make(X.shape[1]).train(self.training).to(X)
        self.__class__, self.__dict__ = type(block), block.__dict__
        return block(X)


def from_channels(block: Block, given: Any) -> Any:
    """``given`` itself, or what makes it lazily where it asks for its input channels as well."""
    if bound(given, block.inputs, block.arguments) == (block.arguments, {}):
        return given

    @functools.wraps(given, updated=())
    def lazily(*arguments: Any) -> LazyBlock:
        return LazyBlock(
            lambda channels: Attempt(replace(block, inputs=channels), given).build(arguments)
        )

    return lazily
