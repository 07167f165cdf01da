"""What an expression gives: shapes, torch's errors, numbers of parameters, values.

Nobody has to know which of a block's parameters is which, since what they are set to depends on
their shapes only. All channels of an input weigh alike, so that it does not matter in which order
they were joined; so do all 1x1 kernels, which may be kept as one; scales, shifts and biases are one
number, and running means and variances another.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from .graph import Node, nodes, width

VECTOR, STATISTIC = 0.5, 64.0
TOLERANCE = 1e-4

OPERATIONS = {
    "ReLU": F.relu,
    "GELU": F.gelu,
    "SiLU": F.silu,
    "leaky ReLU": F.leaky_relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "max pool": lambda X: F.max_pool2d(X, 3, stride=1, padding=1),
    "zero-padded max pool": lambda X: F.max_pool2d(F.pad(X, (1, 1, 1, 1)), 3, stride=1),
    "5x5 max pool": lambda X: F.max_pool2d(X, 5, stride=1, padding=2),
    "max pool without padding": lambda X: F.max_pool2d(X, 3, stride=1),
    "max pool of stride 3": lambda X: F.max_pool2d(X, 3, padding=1),
    "max pool as it comes": lambda X: F.max_pool2d(X, 3),
    "average pool": lambda X: F.avg_pool2d(X, 3, stride=1, padding=1),
    "uncounted average pool": lambda X: F.avg_pool2d(X, 3, 1, 1, count_include_pad=False),
    "every second pixel": lambda X: X[:, :, ::2, ::2],
    "cat": lambda *Xs: torch.cat(Xs, 1),
    "cat along the height": lambda *Xs: torch.cat(Xs, 2),
    "cat along the batch": lambda *Xs: torch.cat(Xs, 0),
    "add": lambda *Xs: sum(Xs[1:], Xs[0]),
}
ACTIVATIONS = ("leaky ReLU", "GELU", "SiLU", "sigmoid", "tanh")


@dataclass(frozen=True)
class Numbers:
    """The test images, and what parameters are set to; a ``gain`` makes the ε of norms small."""

    inputs: int
    gain: float = 2.0
    seed: int = 84

    def images(self, n: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
        """Random images, from dark to bright; their channels differ in spread."""
        random = torch.Generator().manual_seed(1000 * self.seed + seed)
        X = torch.randn(n, self.inputs, height, width, generator=random)
        spread = 1 + torch.arange(self.inputs)[:, None, None] / self.inputs
        return self.gain * spread * (X + torch.linspace(-3, 2, width))

    def kernel(self, out: int, inputs: int, height: int, width: int) -> torch.Tensor:
        """A kernel of this shape, alike in all input channels."""
        random = torch.Generator().manual_seed(1000 * self.seed + 10 * height + width)
        pixels = torch.ones(out, 1, 1, 1)
        if height * width > 1:
            pixels = torch.randn(out, 1, height, width, generator=random)
        size = self.gain / (inputs * (height * width) ** 0.5)
        return size * pixels.expand(-1, inputs, -1, -1)


class Values(dict):
    """What each node gives for the images ``X``, computed when first asked for."""

    def __init__(self, X: torch.Tensor, numbers: Numbers, training: bool = True) -> None:
        self.X, self.training, self.kernel = X, training, functools.cache(numbers.kernel)

    def __missing__(self, n: Node) -> torch.Tensor:
        inputs = [self[i] for i in n.inputs]
        self[n] = self._apply(n, *inputs) if inputs else self.X
        return self[n]

    def _apply(self, n: Node, X: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        if n.op == "conv":
            W = self.kernel(n.spec.out, X.shape[1], *n.spec.kernel)
            Y = F.conv2d(X, W, None, n.spec.stride, n.spec.padding)
            return Y + VECTOR if n.spec.bias else Y
        if n.op in ("norm", "stored norm"):
            if self.training and n.op == "norm":
                Y = F.batch_norm(X, None, None, training=True)
            else:
                Y = (X - STATISTIC) / STATISTIC**0.5
            return VECTOR * Y + VECTOR if n.spec.affine else Y
        return n.spec * X if n.op == "scale" else OPERATIONS[n.op](X, *others)


def near(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether the values agree, up to rounding."""
    return a.shape == b.shape and bool((a - b).abs().max() <= TOLERANCE * (1 + b.abs().max()))


def holds(have: torch.Tensor, want: torch.Tensor) -> bool:
    """Whether all channels that are wanted are there, each as often, in any order.

    Of each image and channel a number is given.
    """
    limit = TOLERANCE * (1 + want.abs().max())

    def times(some: torch.Tensor) -> torch.Tensor:
        return ((some[:, :, None] - want[:, None]).abs().amax(0) <= limit).sum(0)

    there = times(have)
    return bool(there.all()) and bool((there >= times(want)).all())


# -- parameters -----------------------------------------------------------------------------------

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
def fill(block: nn.Module, numbers: Numbers, right: list[Kernel], normed: bool) -> None:
    """Set a block's parameters and statistics to what ``Values`` computes with."""
    for p in block.parameters():
        if not is_kernel(p):
            p.fill_(VECTOR)
            continue
        kernel = oriented(p, right)
        if len(kernel) == 4:  # a matrix is a 1x1 kernel, whose weights are all the same
            p.copy_(numbers.kernel(*kernel).reshape(p.shape))
    for t in statistics(block) if normed else ():
        t.fill_(STATISTIC)
