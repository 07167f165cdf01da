"""The parameters of expressions and of modules: counted, compared, and set."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import NamedTuple

import torch
from torch import nn

from .evaluate import SCALE, STATISTIC, VARIANCE, VECTOR, Numbers
from .graph import Node, nodes, width

Kernel = tuple[int, int, int, int]  # outputs, inputs, height, width


def kernels(root: Node, inputs: int) -> list[Kernel]:
    """The kernels of an expression."""
    convs = (n for n in nodes(root) if n.op == "conv")
    return [(n.spec.out, width(n.x, inputs), *n.spec.kernel) for n in convs]


def vectors(root: Node, inputs: int) -> int:
    """How many numbers the scales, shifts and biases of an expression are."""
    biased = sum(n.spec.out for n in nodes(root) if n.op == "conv" and n.spec.bias)
    norms = (n for n in nodes(root) if n.op in ("norm", "stored norm") and n.spec.affine)
    return biased + sum(2 * width(n, inputs) for n in norms)


def summary(some: Iterable[Kernel]) -> Counter:
    """Kernels by inputs and size, their outputs added up: several may be kept as one."""
    total: Counter = Counter()
    for out, *rest in some:
        total[tuple(rest)] += out
    return total


@functools.cache
def parameters(root: Node, inputs: int) -> tuple[int, Counter]:
    """What tells expressions apart by their parameters."""
    return vectors(root, inputs), summary(kernels(root, inputs))


def oriented(p: torch.Tensor, right: list[Kernel]) -> Kernel:
    """The kernel that a parameter is; a matrix is a 1x1 kernel, either way round."""
    if p.squeeze().dim() != 2 or p.dim() == 4:
        return tuple(p.shape)
    a, b = p.squeeze().shape
    narrow = {kernel[:2] for kernel in right if kernel[2:] == (1, 1)}
    turned = (b, a) in narrow or b not in {inputs for _, inputs in narrow}
    return (b, a, 1, 1) if turned and (a, b) not in narrow else (a, b, 1, 1)


def is_kernel(p: torch.Tensor) -> bool:
    """Whether a parameter is a convolution's weight, and no scale, shift or bias."""
    return p.squeeze().dim() > 1


def statistics(block: nn.Module) -> Iterator[torch.Tensor]:
    """The vectors that a block keeps beside its parameters, in buffers or as attributes."""
    others = list(block.buffers())
    for module in block.modules():
        others += [value for value in vars(module).values() if isinstance(value, torch.Tensor)]
    return (t for t in others if t.squeeze().dim() == 1 and t.is_floating_point())


@torch.no_grad()
def ones(some: Iterable[torch.Tensor]) -> list[bool]:
    """Which vectors are all ones; none, unless all zeros are as many numbers as they."""
    some = list(some)
    found = [bool((t == 1).all()) for t in some]
    size = sum(t.numel() for t, one in zip(some, found, strict=True) if one)
    zeros = sum(t.numel() for t in some if not t.any())
    return found if size == zeros else [False] * len(some)


class Roles(NamedTuple):
    """Which vectors of a block began as ones: of its parameters, and of its statistics."""

    scales: list[bool]
    variances: list[bool]

    def tell(self, numbers: Numbers) -> Numbers:
        """What such vectors are set to, if there are some."""
        scale = SCALE if any(self.scales) else VECTOR
        return replace(
            numbers, scale=scale, variance=VARIANCE if any(self.variances) else STATISTIC
        )


@torch.no_grad()
def fill(
    block: nn.Module, numbers: Numbers, right: list[Kernel], normed: bool, roles: Roles
) -> None:
    """Set a block's parameters and statistics to what ``Values`` computes with."""
    scales = iter(roles.scales)
    for p in block.parameters():
        if not is_kernel(p):
            p.fill_(numbers.scale if next(scales, False) else VECTOR)
            continue
        kernel = oriented(p, right)
        if len(kernel) == 4:  # a matrix is a 1x1 kernel, whose weights are all the same
            p.copy_(numbers.kernel(*kernel).reshape(p.shape))
    for t, one in zip_longest(statistics(block) if normed else (), roles.variances):
        if t is not None:
            t.fill_(numbers.variance if one else STATISTIC)
