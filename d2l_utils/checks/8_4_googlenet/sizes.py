"""Exercise 8.4/2: the smallest image that a chain of windows takes, derived by hand."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from ..answers import read_number
from ..functions import returns
from ..report import Problem

Layers = list[tuple[int, int, int]]  # of each layer: kernel, stride, padding

NUDGES = {
    r"^TypeError: .*positional argument": "The function takes one argument, the list of layers.",
    r"^ValueError: .*unpack": "Each layer is a tuple of three: `(kernel, stride, padding)`.",
}
WINDOW = [(4, 1, 0)]  # an even answer: the others are odd
STRIDED = [(11, 4, 0), (3, 2, 0), (5, 1, 0)]
ALEXNET = [(11, 4, 1), (3, 2, 0), (5, 1, 2), (3, 2, 0), (3, 1, 1), (3, 2, 0)]
GENEROUS = [(3, 2, 0), (3, 1, 2)]
GENEROUS_FIRST = [(3, 1, 2), (4, 1, 0)]
VALID = [(3, 2, 0), (3, 1, 0), (3, 1, 1), (3, 2, 0), (1, 1, 0), (3, 1, 0), *3 * [(3, 2, 0)]]
CHAINS = (WINDOW, STRIDED, ALEXNET, GENEROUS, VALID, GENEROUS_FIRST)


def runs(layers: Layers, size: int) -> bool:
    """Whether ``layers`` run on an image of ``size`` by ``size``, by the arithmetic of torch."""
    for kernel, stride, padding in layers:
        size = (size + 2 * padding - kernel) // stride + 1
        if size < 1:
            return False
    return True


def by_trying(layers: Layers) -> int:
    """The smallest size that runs."""
    return next(size for size in range(1, 1000) if runs(layers, size))


def _backwards(
    step: Callable[[int, int, int, int], int], least: float = 1
) -> Callable[[Layers], int]:
    """The size that someone derives who takes ``step`` (of size, kernel, stride, padding) back."""

    def derive(layers: Layers) -> int:
        size = 1
        for kernel, stride, padding in reversed(layers):
            size = max(least, step(size, kernel, stride, padding))
        return size

    return derive


def _step(size: int, kernel: int, stride: int, padding: int) -> int:
    return (size - 1) * stride + kernel - 2 * padding


def _forwards(layers: Layers) -> int:
    return _backwards(_step)(layers[::-1])


# Each is tried with the bound of one pixel and without, as attempts have them.
STEPS = (
    (
        lambda n, k, s, p: (n - 1) * s + k,
        "Padding counts as well: 2p of the pixels under the kernels need not be image.",
    ),
    (lambda n, k, s, p: (n - 1) * s + k - p, "The padding is on both sides: 2p."),
    (lambda n, k, s, p: n * s + k - 2 * p, "n places of a kernel are n − 1 steps apart."),
    (
        lambda n, k, s, p: (n - 1) * s + k + 2 * p,
        "Padding is not image: with it, an image may be smaller, so 2p is taken off.",
    ),
)
MISTAKES = (
    (
        lambda layers: math.prod(stride for _, stride, _ in layers),
        "That is the product of the strides: how far the image shrinks if it is large. What is "
        "left of a small one is decided by kernels and padding.",
    ),
    *(
        (
            lambda layers, one=one, least=least: _backwards(_step, least)(layers[one]),
            f"That is the {which} layer alone. Does the function `return` inside the loop?",
        )
        for which, one in (("last", slice(-1, None)), ("first", slice(1)))
        for least in (1, -math.inf)
    ),
    (
        _backwards(lambda n, k, s, p: max(n, _step(n, k, s, p))),
        "Padding can make a layer's output larger than its input. Each layer needs at least one "
        "pixel, not `size` of them.",
    ),
    (
        _backwards(lambda n, k, s, p: max(k, _step(n, k, s, p))),
        "Part of what is under a kernel may be padding, so an image can be smaller than the "
        "kernel: each layer needs at least one pixel.",
    ),
    (_backwards(_step, -math.inf), "An image has at least one pixel, whatever the padding."),
    (_forwards, "The chain is walked from the wrong end: start with the last layer."),
    (
        lambda layers: max(1, _backwards(_step, -math.inf)(layers)),
        "Each layer needs at least one pixel, not the first alone: the bound belongs to each step.",
    ),
    *((_backwards(step, least), say) for step, say in STEPS for least in (1, -math.inf)),
)


def agrees_on(layers: Layers) -> Callable[[Any], Problem | None]:
    """A requirement: the smallest size for ``layers`` is right."""
    otherwise = "Try it by hand, backwards: what does the last layer need to give one pixel?"
    what = f"for `{layers}`"
    return returns(by_trying, layers, what, MISTAKES, otherwise, others=CHAINS, square=True)


def in_numbers(function: Callable[[Layers], Any]) -> Callable[[Layers], Any]:
    """``function``, an equal pair as the one number that it names."""
    return functools.wraps(function)(lambda layers: read_number(function(layers), square=True))
