"""The Inception block as data: four short programs, and the weights they run with.

A check gives a learner's block random weights, runs these programs with the same weights, and looks
for their results among the channels of the block's output.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

IN = 6  # channels of the test images
# Chosen so that no two weights share a shape, no two biases a length, no two mistakes a total
CHANNELS = C1, C2, C3, C4 = 9, (5, 13), (3, 10), 11
TOTAL = C1 + C2[1] + C3[1] + C4

# Each convolution: (output channels, input channels, kernel size)
CONVS = {
    "1": (C1, IN, 1),
    "2a": (C2[0], IN, 1),
    "2b": (C2[1], C2[0], 3),
    "3a": (C3[0], IN, 1),
    "3b": (C3[1], C3[0], 5),
    "4": (C4, IN, 1),
}
BRANCHES = {
    "1x1": ("1", "relu"),
    "1x1 → 3x3": ("2a", "relu", "2b", "relu"),
    "1x1 → 5x5": ("3a", "relu", "3b", "relu"),
    "pool → 1x1": ("max", "4", "relu"),
}
PARAMETERS = sum(out * (inputs * k * k + 1) for out, inputs, k in CONVS.values())
NORMED = {  # the same with batch normalisation
    branch: tuple(s for step in steps for s in ((step, "norm") if step in CONVS else (step,)))
    for branch, steps in BRANCHES.items()
}
# Convolutions that may share a tensor, by its length: alone, on the same input, or joined
SHARING = {
    sum(CONVS[role][0] for role in roles): roles
    for roles in (
        *((role,) for role in CONVS),
        *(("1", "2a"), ("1", "3a"), ("2a", "3a"), ("1", "2a", "3a")),
        ("1", "2b", "3b", "4"),
    )
}

OPERATIONS = {
    "relu": F.relu,
    "max": lambda X: F.max_pool2d(X, 3, stride=1, padding=1),
    "zero-padded max": lambda X: F.max_pool2d(F.pad(X, (1, 1, 1, 1)), 3, stride=1),
    "5x5 max": lambda X: F.max_pool2d(X, 5, stride=1, padding=2),
    "average": lambda X: F.avg_pool2d(X, 3, stride=1, padding=1),
    "uncounted average": lambda X: F.avg_pool2d(X, 3, 1, 1, count_include_pad=False),
    "leaky ReLU": F.leaky_relu,
    "GELU": F.gelu,
    "SiLU": F.silu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "plain norm": lambda X: F.batch_norm(X, None, None, training=True),
}
ACTIVATIONS = ("leaky ReLU", "GELU", "SiLU", "sigmoid", "tanh")

Pair = tuple[torch.Tensor | None, torch.Tensor | None]


class Layer(NamedTuple):
    """A convolution's weight, then its bias, or what belongs to its batch norm."""

    W: torch.Tensor
    b: torch.Tensor | None = None
    affine: Pair = (None, None)  # scale and shift
    running: Pair = (None, None)  # mean and variance, if found

    @property
    def key(self) -> tuple[float, ...]:
        """Some of the random numbers in it, to know it by."""
        learned = (self.W, self.b, *self.affine)
        return tuple(float(t.flatten()[0]) for t in learned if t is not None)


Weights = dict[str, Layer]
Shaped = dict[tuple[int, ...], list[torch.Tensor]]


def branch_of(role: str) -> str:
    """The name of the branch in which the convolution ``role`` is."""
    return next(name for name, program in BRANCHES.items() if role in program)


def listed(branches: list[str]) -> str:
    """Branches in words."""
    names = ", ".join(f"`{b}`" for b in branches)
    return f"the branch{'es' * (len(branches) > 1)} {names}"


def execute(
    program: tuple[str, ...], X: torch.Tensor, weights: Weights, training: bool = True
) -> torch.Tensor:
    """Run one branch; a step "2b" is that convolution, "~2b" the same without its bias.

    A step "norm" is the batch norm of the convolution before it, by default as in training.
    """
    for step in program:
        role = step.removeprefix("~")
        if role in weights:
            layer = weights[role]
            b = None if step[0] == "~" else layer.b
            X = F.conv2d(X, layer.W, b, padding=layer.W.shape[-1] // 2)
        elif step == "norm":
            running = (None, None) if training else layer.running
            X = F.batch_norm(X, *running, *layer.affine, training)
        else:
            X = OPERATIONS[step](X)
    return X


def tensors(block: nn.Module) -> tuple[Shaped, Shaped]:
    """Parameters, and all other tensors kept in ``block``, by their shape without ones."""
    others = list(block.buffers())
    for module in block.modules():
        others += [value for value in vars(module).values() if isinstance(value, torch.Tensor)]
    found: tuple[Shaped, Shaped] = {}, {}
    for shaped, group in zip(found, (block.parameters(), others), strict=True):
        for tensor in group:
            shape = tuple(n for n in tensor.shape if n > 1)
            shaped.setdefault(shape, []).append(tensor.detach().reshape(shape))
    return found


def assignments(block: nn.Module, normed: bool = False) -> Iterator[Weights]:
    """What belongs to each convolution in ``block``, told apart by shape: each way to see it.

    1x1 convolutions may be kept as matrices, either way round. The channels of a shared tensor
    (``SHARING``) can be in any order. Scale and shift, mean and variance are pairs of vectors of
    the same length, in either order, but the same one throughout.
    """
    parameters, others = tensors(block)
    kernels = {}
    for shape, (W, *_) in parameters.items():
        if len(shape) not in (2, 4):
            continue
        W = W.t() if len(shape) == 2 and shape[0] == IN else W
        W = W[:, :, None, None] if len(shape) == 2 else W
        if {CONVS[role][1:] for role in SHARING.get(len(W), ())} == {tuple(W.shape[1:3])}:
            kernels[len(W)] = W

    def vectors(shaped: Shaped, number: int) -> list[dict[int, torch.Tensor]]:
        rows = {s[0]: row for s, row in shaped.items() if len(s) == 1 and len(row) == number}
        return [{n: row[i] for n, row in rows.items()} for i in range(number)]

    whole = [kernels, *vectors(parameters, 1 + normed), *(vectors(others, 2) if normed else ())]
    lengths = sorted({n for each in whole for n in each} & SHARING.keys())
    for orders in product(*(permutations(SHARING[n]) for n in lengths)):
        pieces: list[dict[str, torch.Tensor]] = [{} for _ in whole]
        for n, roles in zip(lengths, orders, strict=True):
            for tensor, piece in zip((each.get(n) for each in whole), pieces, strict=True):
                if tensor is not None:
                    cuts = tensor.split([CONVS[role][0] for role in roles])
                    piece.update(zip(roles, cuts, strict=True))
        W, b, *norm = pieces
        if not W.keys() == b.keys() == CONVS.keys():
            continue
        if not normed:
            yield {role: Layer(W[role], b[role]) for role in CONVS}
            continue
        for (g, s), (m, v) in product(permutations((b, norm[0])), permutations(norm[1:])):
            yield {
                role: Layer(W[role], None, (g[role], s[role]), (m.get(role), v.get(role)))
                for role in CONVS
            }


def search(
    branches: dict[str, tuple[str, ...]], X: torch.Tensor, Y: torch.Tensor, ways: Iterator[Weights]
) -> tuple[dict[str, int], Weights | None]:
    """Where each branch stands in the block's output ``Y``, the best of all ``ways``; and that."""
    best, chosen, known = {}, None, {}
    for weights in ways:
        found = {}
        for branch, steps in branches.items():
            key = branch, *(weights[role].key for role in steps if role in CONVS)
            if key not in known:
                known[key] = locate(Y, execute(steps, X, weights))
            if known[key] is not None:
                found[branch] = known[key]
        if chosen is None or len(found) > len(best):
            best, chosen = found, weights
        if len(best) == len(branches):
            break
    return best, chosen


def locate(Y: torch.Tensor, part: torch.Tensor, tolerance: float = 1e-4) -> int | None:
    """The first channel of ``Y`` (N, C, H, W) at which ``part`` (N, c, H, W) stands, or None."""
    windows = Y.unfold(1, part.shape[1], 1).movedim(-1, 2)  # (N, places, c, H, W)
    hits = ((windows - part[:, None]).abs() <= tolerance).flatten(2).all(2).all(0)
    return int(hits.nonzero()[0]) if hits.any() else None
