"""What an expression gives: shapes, torch's errors, values.

Nobody has to know which of a block's parameters is which, since what they are set to depends on
their shapes only, and on what they began with: a vector of ones is a scale or a running variance.
All channels of an input weigh alike, so that it does not matter in which order they were joined; so
do all 1x1 kernels, which may be kept as one.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from functools import cached_property

import torch
from torch.nn import functional as F

from .graph import Node, Norm, cat, parts

VECTOR, STATISTIC = 0.5, 64.0
SCALE, VARIANCE = 0.75, 256.0  # of vectors that began as ones, if those tell them from the others
FLAWS = (  # of a batch norm that somebody wrote
    "unbiased-variance",
    "no-division",
    "no-root",
    "no-mean",
    "shift-first",
    "scale-for-shift",
    "mean-for-variance",
    "affine-unused",
    "scale-unused",
    "shift-unused",
    "doubled",
)
TOLERANCE = 5e-5

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
    "unpadded pool": lambda X: F.max_pool2d(X, 3, stride=1),
    "strided pool": lambda X: F.max_pool2d(X, 3, padding=1),
    "bare pool": lambda X: F.max_pool2d(X, 3),
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
    """The test images, and what parameters are set to; a ``gain`` makes the ε of norms small.

    1x1 kernels of ``positive`` inputs are positive, all others negative.
    """

    inputs: int
    gain: float = 2.0
    seed: int = 84
    positive: int = 0
    scale: float = VECTOR
    variance: float = STATISTIC

    def images(self, n: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
        """Random images, from dark to bright; their channels differ in spread."""
        random = torch.Generator().manual_seed(1000 * self.seed + seed)
        X = torch.randn(n, self.inputs, height, width, generator=random)
        spread = 1 + torch.arange(self.inputs)[:, None, None] / self.inputs
        return self.gain**0.5 * spread * (X + torch.linspace(-3, 2, width))

    def kernel(self, out: int, inputs: int, height: int, width: int) -> torch.Tensor:
        """A kernel of this shape, alike in all input channels."""
        random = torch.Generator().manual_seed(1000 * self.seed + 10 * height + width)
        sign = 1.0 if inputs == self.positive else -1.0  # what is negative, ReLU changes
        pixels = torch.full((out, 1, 1, 1), sign)
        if height * width > 1:
            pixels = torch.randn(out, 1, height, width, generator=random)
        size = self.gain / (inputs * (height * width) ** 0.5)
        return size * pixels.expand(-1, inputs, -1, -1)


class Values(dict):
    """What each node gives for the images ``X``, computed when first asked for."""

    def __init__(self, X: torch.Tensor, numbers: Numbers, training: bool = True) -> None:
        self.X, self.training, self.numbers = X, training, numbers
        self.kernel = functools.cache(numbers.kernel)

    def __missing__(self, n: Node) -> torch.Tensor:
        inputs = [self[i] for i in n.inputs]
        self[n] = self._apply(n, *inputs) if inputs else self.X
        return self[n]

    def _apply(self, n: Node, X: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        if n.op == "conv":
            W = self.kernel(n.spec.out, X.shape[1], *n.spec.kernel)
            Y = F.conv2d(X, W, None, n.spec.stride, n.spec.padding)
            return Y + VECTOR if n.spec.bias and not n.spec.forgotten else Y
        if n.op in ("norm", "stored norm"):
            return self._normed(X, n.spec, self.training and n.op == "norm")
        return n.spec * X if n.op == "scale" else OPERATIONS[n.op](X, *others)

    def _normed(self, X: torch.Tensor, spec: Norm, training: bool) -> torch.Tensor:
        """Batch norm, perhaps with a flaw."""
        flaw, scale, shift = spec.flaw, self.numbers.scale, VECTOR
        if training and not flaw:
            Y = F.batch_norm(X, None, None, training=True)
        else:
            mean, variance = torch.tensor(STATISTIC), torch.tensor(self.numbers.variance)
            if training:
                unbiased = flaw == "unbiased-variance"
                variance, mean = torch.var_mean(X, (0, 2, 3), unbiased, keepdim=True)
            if flaw == "mean-for-variance" and not training:
                mean, variance = variance, mean
            Y = X if flaw == "no-mean" else X - mean
            Y = Y if flaw == "no-division" else Y / variance ** (1 if flaw == "no-root" else 0.5)
        if flaw == "scale-for-shift":
            scale, shift = shift, scale
        elif flaw == "shift-first":
            shift = scale * shift
        elif flaw == "scale-unused":
            scale = 1.0
        elif flaw == "shift-unused":
            shift = 0.0
        if spec.affine and flaw != "affine-unused":
            Y = scale * Y + shift
        return 2 * Y if flaw == "doubled" else Y


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


@dataclass(frozen=True, eq=False)
class Observation:
    """An output, and the values that expressions give in its place."""

    Y: torch.Tensor
    values: Values

    def shows(self, graph: Node) -> bool:
        """Whether an expression gives the output; what it joins can be in any order."""
        if graph.op == "cat" and not all(map(self.holds, parts(graph))):
            return False  # at the first part that is not there the others need no computing
        Z = self._value(graph)
        if Z is None or graph.op != "cat":
            return Z is not None and near(Z, self.Y)
        return Z.shape == self.Y.shape and self.holds(graph)

    def holds(self, part: Node) -> bool:
        """Whether what an expression gives is among the channels of the output."""
        Z = self._value(part)
        if Z is None or Z.shape[2:] != self.Y.shape[2:] or len(Z) != len(self.Y):
            return False
        return holds(self.channels, self._weighed(Z))

    @cached_property
    def channels(self) -> torch.Tensor:
        """A number for each image and channel of the output, to know channels by."""
        return self._weighed(self.Y)

    def _weighed(self, Y: torch.Tensor) -> torch.Tensor:
        return Y.flatten(2) @ self.weights

    @cached_property
    def weights(self) -> torch.Tensor:
        """Of each pixel another one."""
        n = self.Y[0, 0].numel()
        return torch.arange(n).to(self.Y).cos() / n**0.5

    def _value(self, graph: Node) -> torch.Tensor | None:
        """What it gives, if its sizes fit."""
        try:
            return self.values[graph]
        except RuntimeError:
            return None

    def missing(self, graph: Node) -> list[Node]:
        """The parts of an expression that are not in the output; or the whole of it."""
        if self.shows(graph) or graph.op != "cat":
            return [] if self.shows(graph) else [graph]
        found: list[Node] = []
        for part in parts(graph):
            if self.holds(cat(*found, part)):
                found.append(part)
        return [part for part in parts(graph) if part not in found]
