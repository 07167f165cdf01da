"""The Inception block as data: four short programs, and what people write in their place.

A check gives a learner's block random weights, runs these programs with the same weights, and looks
for their results among the channels of the block's output.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations
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
}
ACTIVATIONS = ("leaky ReLU", "GELU", "SiLU", "sigmoid", "tanh")

Weights = dict[str, tuple[torch.Tensor, torch.Tensor]]


def branch_of(role: str) -> str:
    """The name of the branch in which the convolution ``role`` is."""
    return next(name for name, program in BRANCHES.items() if role in program)


def execute(program: tuple[str, ...], X: torch.Tensor, weights: Weights) -> torch.Tensor:
    """Run one branch; a step "2b" is that convolution, "~2b" the same without its bias."""
    for step in program:
        role = step.removeprefix("~")
        if role in weights:
            W, b = weights[role]
            X = F.conv2d(X, W, None if step[0] == "~" else b, padding=W.shape[-1] // 2)
        else:
            X = OPERATIONS[step](X)
    return X


class Variant(NamedTuple):
    """A wrong branch: what was found (to be followed by where), and the nudge."""

    program: tuple[str, ...]
    found: str
    nudge: str
    about_relu: bool


Edit = tuple[tuple[str, ...], str, str]  # the program, what is wrong with it, the nudge


def _relu_edits(program: tuple[str, ...]) -> Iterator[Edit]:
    """Mistakes in the activations."""
    spots = [i for i, step in enumerate(program) if step == "relu"]
    after = "Every convolution is followed by ReLU, the last of a branch too."
    without = [tuple(s for i, s in enumerate(program) if i != spot) for spot in spots]
    yield without[-1], "no ReLU at the end", after
    if len(spots) > 1:
        yield without[0], "no ReLU between the two convolutions", after
        yield tuple(s for s in program if s != "relu"), "no ReLU at all", after
    if len(program) == 2 * len(spots) == 4:
        before = (program[1], program[0], program[3], program[2])
        yield before, "ReLU before each convolution", "First convolve, then apply ReLU."
    for other in ACTIVATIONS:
        swapped = tuple(other if s == "relu" else s for s in program)
        yield swapped, f"{other} in place of ReLU", "The paper uses ReLU throughout."


def _other_edits(program: tuple[str, ...]) -> Iterator[Edit]:
    """Mistakes in all else."""
    if program[0] == "max":
        rest = program[1:]
        pool = "The branch begins with a 3x3 max pool, stride 1, padding 1."
        for average in ("average", "uncounted average"):
            yield (average, *rest), "average pooling", "Take the maximum, not the mean."
        yield rest, "no pooling", pool
        order = "Swap the two: max pool first, then the 1x1 convolution."
        yield (*rest, "max"), "the convolution before the pool", order
        yield ("5x5 max", *rest), "a 5x5 pool", pool
        zeros = "Zeros win over negative values: `max_pool2d` pads by itself, as if with −∞."
        yield ("zero-padded max", *rest), "a max pool padded with zeros", zeros
    else:
        own = "This branch works on the block's input itself; only the last one pools it."
        yield ("max", *program), "the pooled input", own
    yield ("relu", *program), "ReLU applied to the block's input", "Feed it the input as it is."
    no_bias = tuple(f"~{s}" if s in CONVS else s for s in program)
    yield no_bias, "a convolution without its bias", "Add the bias before ReLU is applied."


def variants(name: str) -> list[Variant]:
    """The known wrong versions of a branch, those with one mistake before those with two."""
    right = BRANCHES[name]
    singles = [Variant(*edit, True) for edit in _relu_edits(right)]
    singles += [Variant(*edit, False) for edit in _other_edits(right)]
    pairs = [
        Variant(program, f"{relu} and {what}", nudge, True)
        for other, what, _ in _other_edits(right)
        for program, relu, nudge in _relu_edits(other)
    ]
    seen = {right: None}
    for variant in singles + pairs:
        seen.setdefault(variant.program, variant)
    return [variant for variant in seen.values() if variant]


def assignments(block: nn.Module) -> Iterator[Weights]:
    """The weights and biases of ``block`` by convolution, told apart by shape.

    1x1 convolutions may be kept as matrices, either way round, and those that see the block's input
    may be fused into one; as its channels can be in any order, each order is yielded.
    """
    tensors = {tuple(n for n in p.shape if n > 1): p.detach() for p in block.parameters()}

    def kernel(out: int, inputs: int, k: int) -> torch.Tensor | None:
        if k > 1:
            return tensors.get((out, inputs, k, k))
        matrix = tensors.get((out, inputs))
        if matrix is None and (inputs, out) in tensors:
            matrix = tensors[inputs, out].squeeze().t()
        return None if matrix is None else matrix.reshape(out, inputs, 1, 1)

    found, open_roles = {}, []
    for role, (out, inputs, k) in CONVS.items():
        W, b = kernel(out, inputs, k), tensors.get((out,))
        if W is not None and b is not None:
            found[role] = W, b.reshape(-1)
        else:
            open_roles.append(role)
    if not open_roles:
        yield found
    if set(open_roles) <= {"1", "2a", "3a"} and len(open_roles) > 1:
        sizes = {role: CONVS[role][0] for role in open_roles}
        W, b = kernel(sum(sizes.values()), IN, 1), tensors.get((sum(sizes.values()),))
        if W is None or b is None:
            return
        for order in permutations(open_roles):
            lengths = [sizes[role] for role in order]
            pieces = zip(W.split(lengths), b.reshape(-1).split(lengths), strict=True)
            yield {**found, **dict(zip(order, pieces, strict=True))}


def locate(Y: torch.Tensor, part: torch.Tensor, tolerance: float = 1e-4) -> int | None:
    """The first channel of ``Y`` (N, C, H, W) at which ``part`` (N, c, H, W) stands, or None."""
    windows = Y.unfold(1, part.shape[1], 1).movedim(-1, 2)  # (N, places, c, H, W)
    hits = ((windows - part[:, None]).abs() <= tolerance).flatten(2).all(2).all(0)
    return int(hits.nonzero()[0]) if hits.any() else None


def totals() -> dict[int, str]:
    """What went wrong, by the number of channels of the block's output."""
    out = {"1x1": C1, "1x1 → 3x3": C2[1], "1x1 → 5x5": C3[1], "pool → 1x1": C4}
    twice = "The reductions are inner steps: only the last output of each branch is joined."
    known = {
        TOTAL + C2[0] + C3[0]: twice,
        TOTAL + C2[0]: twice,
        TOTAL + C3[0]: twice,
        TOTAL + IN: "The input itself is not a branch: leave it out of the concatenation.",
        TOTAL - C4 + IN: "Pooling keeps its input's channels: a 1x1 convolution to c4 follows it.",
        TOTAL - C2[1] + C2[0]: "The 3x3 convolution gives c2[1] channels, its reduction c2[0].",
        TOTAL - C3[1] + C3[0]: "The 5x5 convolution gives c3[1] channels, its reduction c3[0].",
        TOTAL - C2[1] + C2[0] - C3[1] + C3[0]: (
            "c2 and c3 are pairs: [0] is the reduction's width, [1] the branch's output."
        ),
    }
    for size in (1, 2, 3):
        for names in combinations(out, size):
            lost = TOTAL - sum(out[name] for name in names)
            known.setdefault(lost, f"Not joined: {', '.join(f'`{name}`' for name in names)}.")
    return known
