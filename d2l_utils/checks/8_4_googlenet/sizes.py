"""Exercise 8.4/2: the smallest image that a chain of windows takes, derived by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ..functions import returns
from ..report import Problem

Layers = list[tuple[int, int, int]]  # of each layer: kernel, stride, padding

NUDGES = {
    r"^TypeError: .*positional argument": "The function takes one argument, the list of layers.",
    r"^ValueError: .*unpack": "Each layer is a tuple of three: `(kernel, stride, padding)`.",
}
WINDOW = [(5, 1, 0)]
STRIDED = [(11, 4, 0), (3, 2, 0), (5, 1, 0)]
ALEXNET = [(11, 4, 1), (3, 2, 0), (5, 1, 2), (3, 2, 0), (3, 1, 1), (3, 2, 0)]
GENEROUS = [(3, 2, 0), (3, 1, 2)]
GOOGLENET = [(7, 2, 3), (3, 2, 1), (3, 2, 1), (3, 2, 1), (3, 2, 1)]


def runs(layers: Layers, size: int) -> bool:
    """Whether torch runs ``layers`` on an image of ``size`` by ``size``; on no device but meta."""
    X = torch.empty(1, 1, size, size, device="meta")
    try:
        for kernel, stride, padding in layers:
            X = nn.Conv2d(1, 1, kernel, stride, padding, device="meta")(X)
    except RuntimeError:
        return False
    return True


def by_trying(layers: Layers) -> int:
    """The smallest size that runs."""
    return next(size for size in range(1, 1000) if runs(layers, size))


def _backwards(step: Callable[[int, int, int, int], int]) -> Callable[[Layers], int]:
    """The size that someone derives who takes ``step`` (of size, kernel, stride, padding) back."""

    def derive(layers: Layers) -> int:
        size = 1
        for kernel, stride, padding in reversed(layers):
            size = step(size, kernel, stride, padding)
        return size

    return derive


def _forwards(layers: Layers) -> int:
    size = 1
    for kernel, stride, padding in layers:
        size = max(1, (size - 1) * stride + kernel - 2 * padding)
    return size


MISTAKES = (
    (
        lambda layers: math.prod(stride for _, stride, _ in layers),
        "That is the product of the strides: how far the image shrinks if it is large. What is "
        "left of a small one is decided by kernels and padding.",
    ),
    (
        _backwards(lambda n, k, s, p: max(1, (n - 1) * s + k)),
        "Padding counts as well: 2p of the pixels under the kernels need not be image.",
    ),
    (
        _backwards(lambda n, k, s, p: max(1, (n - 1) * s + k - p)),
        "The padding is on both sides: 2p.",
    ),
    (
        _backwards(lambda n, k, s, p: max(1, n * s + k - 2 * p)),
        "n places of a kernel are n − 1 steps apart.",
    ),
    (
        _backwards(lambda n, k, s, p: (n - 1) * s + k - 2 * p),
        "An image has at least one pixel, whatever the padding.",
    ),
    (_forwards, "The chain is walked from the wrong end: start with the last layer."),
)


def agrees_on(layers: Layers) -> Callable[[Any], Problem | None]:
    """A requirement: the smallest size for ``layers`` is right."""
    otherwise = "Try it by hand, backwards: what does the last layer need to give one pixel?"
    return returns(by_trying, layers, f"for `{layers}`", MISTAKES, otherwise)
