"""Inception blocks as lists of paths, each the kernels on the way to one part of the output.

A path is a tuple of (output channels, kernel), perhaps behind "max"; with all before it, such a
pair names one convolution, so that the arms of a fork share what they fork from.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations

import torch
from torch import nn
from torch.nn import functional as F

from .inception_branches import ACTIVATIONS, C1, C2, C3, C4, IN, OPERATIONS

Path = tuple
HEADS = ((C1, "1x1"),), ((C2[0], "1x1"),), ((C3[0], "1x1"),)
ONE, TWO, THREE = HEADS
POOL = ("max", (C4, "1x1"))


def _fork(trunk: Path, channels: int) -> tuple[Path, Path]:
    half = channels // 2
    return (*trunk, (channels - half, "1x3")), (*trunk, (half, "3x1"))


FACTORISED = (
    ONE,
    (*TWO, (C2[1], "3x3")),
    (*THREE, (C3[1], "3x3"), (C3[1], "3x3")),
    POOL,
)
ASYMMETRIC = (
    ONE,
    (*TWO, (C2[0], "1x7"), (C2[1], "7x1")),
    (*THREE, (C3[0], "7x1"), (C3[0], "1x7"), (C3[0], "7x1"), (C3[1], "1x7")),
    POOL,
)
EXPANDED = (ONE, *_fork(TWO, C2[1]), *_fork((*THREE, (C3[1], "3x3")), C3[1]), POOL)

# 1x1 convolutions of the input that may be kept as one, by their channels
FUSED = {sum(path[0][0] for path in some): some for n in (2, 3) for some in combinations(HEADS, n)}
PAD = "A kernel h high and w wide keeps the size with padding (h // 2, w // 2), the pool with "
PAD += "stride 1 and padding 1."


def shape(key: Path) -> tuple[int, ...]:
    """Of the last kernel on a path: outputs, inputs, height, width."""
    out, kernel = key[-1]
    inputs = IN if len(key) == 1 or key[-2] == "max" else key[-2][0]
    return out, inputs, *map(int, kernel.split("x"))


def kernels(block: nn.Module) -> dict[tuple[int, ...], list[torch.Tensor]]:
    """The kernels among a block's parameters, by shape; a matrix is a 1x1 kernel."""
    found: dict[tuple[int, ...], list[torch.Tensor]] = {}
    for p in block.parameters():
        if p.squeeze().dim() > 1:
            W = p.detach() if p.dim() == 4 else p.detach()[:, :, None, None]
            found.setdefault(tuple(W.shape), []).append(W)
    return found


def label(path: Path) -> str:
    """The path in words."""
    return " → ".join("pool" if step == "max" else step[1] for step in path)


def run(program: tuple, X: torch.Tensor, weights: dict[Path, torch.Tensor]) -> torch.Tensor:
    """Run a path, written out by ``steps``; a kernel behind "turned" is padded crosswise."""
    turned = "turned" in program
    for step in program:
        if step in weights:
            padding = [n // 2 for n in weights[step].shape[2:]]
            X = F.conv2d(X, weights[step], padding=padding[::-1] if turned else padding)
        elif step == "norm":
            X = F.batch_norm(X, None, None, training=True)
        elif step != "turned":
            X = OPERATIONS[step](X)
    return X


def steps(path: Path) -> tuple:
    """A path's kernels, each with batch norm and ReLU."""
    units = ((path[: i + 1], "norm", "relu") for i, step in enumerate(path) if step != "max")
    return (*path[:1] * (path[0] == "max"), *(step for unit in units for step in unit))


def mistakes(path: Path) -> Iterator[tuple[tuple, str, str]]:
    """Wrong versions of a path: their steps, what is wrong, and a nudge."""
    right = steps(path)
    places = [i for i, step in enumerate(right) if isinstance(step, tuple)]
    unit = "Each convolution is followed by batch norm, then by ReLU."
    for some in [*((i,) for i in places), places]:
        where = f"the {right[some[0]][-1][1]} convolution" if len(some) == 1 else "any convolution"
        for what, change in (
            ("no batch norm after", ("relu",)),
            ("no ReLU after", ("norm",)),
            ("ReLU before batch norm, after", ("relu", "norm")),
            *((f"{name} in place of ReLU after", ("norm", name)) for name in ACTIVATIONS),
        ):
            units = [(right[i], *(change if i in some else ("norm", "relu"))) for i in places]
            wrong = (*right[: places[0]], *(step for each in units for step in each))
            yield wrong, f"{what} {where}", unit
    if right[0] == "max":
        first = "This branch begins with a 3x3 max pool, stride 1, padding 1."
        for average in ("average", "uncounted average"):
            yield (average, *right[1:]), "average pooling", "Take the maximum, not the mean."
        yield right[1:], "no pooling", first
        yield (*right[1:], "max"), "the convolution before the pool", first
    else:
        yield ("max", *right), "the pooled input", "Only the last branch pools the block's input."
    yield ("turned", *right), "padding on the wrong sides", PAD
    middle = [i for i in places if shape(right[i])[0] == shape(right[i])[1]]
    for order in permutations(middle):
        moved = list(right)
        for i, j in zip(middle, order, strict=True):
            moved[i] = right[j]
        yield tuple(moved), "its convolutions in another order", "The table has them in order."
