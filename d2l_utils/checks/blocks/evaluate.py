"""What an expression gives: shapes, torch's errors, numbers of parameters, values.

Nobody has to know which of a block's parameters is which, since what they are set to depends on
their shapes only. All channels of an input weigh alike, so that it does not matter in which order
they were joined; so do all 1x1 kernels, which may be kept as one; scales, shifts and biases are one
number, and running means and variances another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from .graph import Node, nodes, width

VECTOR, STATISTIC = -0.4, 0.8
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
        """Random images; their channels differ in mean and spread."""
        random = torch.Generator().manual_seed(1000 * self.seed + seed)
        X = torch.randn(n, self.inputs, height, width, generator=random)
        c = torch.arange(self.inputs)[:, None, None] / self.inputs
        return self.gain * ((1 + c) * X + c - 0.3)

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
        self.X, self.numbers, self.training = X, numbers, training

    def __missing__(self, n: Node) -> torch.Tensor:
        inputs = [self[i] for i in n.inputs]
        self[n] = self._apply(n, *inputs) if inputs else self.X
        return self[n]

    def _apply(self, n: Node, X: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        def constant(value: float) -> torch.Tensor:
            return torch.full((X.shape[1],), value, dtype=X.dtype, device=X.device)

        if n.op == "conv":
            W = self.numbers.kernel(n.spec.out, X.shape[1], *n.spec.kernel).to(X)
            b = W.new_full((n.spec.out,), VECTOR) if n.spec.bias else None
            return F.conv2d(X, W, b, n.spec.stride, n.spec.padding)
        if n.op in ("norm", "stored norm"):
            batch = self.training and n.op == "norm"
            stored = (None, None) if batch else (constant(STATISTIC), constant(STATISTIC))
            affine = (constant(VECTOR), constant(VECTOR)) if n.spec else (None, None)
            return F.batch_norm(X, *stored, *affine, training=batch)
        return n.spec * X if n.op == "scale" else OPERATIONS[n.op](X, *others)


def near(a: torch.Tensor, b: torch.Tensor, tolerance: float = TOLERANCE) -> bool:
    """Whether the values agree, up to rounding."""
    return a.shape == b.shape and bool((a - b).abs().max() <= tolerance * (1 + b.abs().max()))


def holds(Y: torch.Tensor, part: torch.Tensor, tolerance: float = TOLERANCE) -> bool:
    """Whether all channels of ``part`` are among those of ``Y``, each as often, in any order."""
    if Y.shape[0] != part.shape[0] or Y.shape[2:] != part.shape[2:]:
        return False
    pixels = torch.arange(Y[0, 0].numel()).to(Y).cos()  # each counts in its own way
    limit = tolerance * (1 + part.abs().max()) * len(pixels) ** 0.5
    mine, wanted = (Z.flatten(2) @ pixels for Z in (Y, part))  # a number for image and channel

    def times(Z: torch.Tensor) -> torch.Tensor:
        return ((Z[:, :, None] - wanted[:, None]).abs().amax(0) <= limit).sum(0)

    return bool((times(mine) >= times(wanted)).all())


# -- parameters -----------------------------------------------------------------------------------

Kernel = tuple[int, int, int, int]  # outputs, inputs, height, width


def kernels(root: Node, inputs: int) -> list[Kernel]:
    """The kernels of an expression."""
    convs = (n for n in nodes(root) if n.op == "conv")
    return [(n.spec.out, width(n.x, inputs), *n.spec.kernel) for n in convs]


def vectors(root: Node, inputs: int) -> int:
    """How many numbers the scales, shifts and biases of an expression are."""
    biased = sum(n.spec.out for n in nodes(root) if n.op == "conv" and n.spec.bias)
    norms = (n for n in nodes(root) if n.op in ("norm", "stored norm") and n.spec)
    return biased + sum(2 * width(n, inputs) for n in norms)


def summary(some: Iterable[Kernel]) -> Counter:
    """Kernels by inputs and size, their outputs added up: several may be kept as one."""
    total: Counter = Counter()
    for out, *rest in some:
        total[tuple(rest)] += out
    return total


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
