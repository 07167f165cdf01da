"""Exercises 8.4/1.2: three blocks of Inception-v3, each judged by what it computes.

A block passes if its own kernels, run along the paths of the table with batch norm and ReLU, give
its output in training; kernels that differ, or paths known to be wrong, name the mistake.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations, permutations, product
from math import prod
from typing import Any

import torch
from torch import nn

from ..report import Problem
from . import inception
from .inception_branches import C2, C3, IN, TOTAL, locate
from .inception_paths import (
    EXPANDED,
    FUSED,
    PAD,
    Path,
    kernels,
    label,
    mistakes,
    run,
    shape,
    steps,
)
from .inception_weights import hides_layers, steady

NAMES = {IN: "block's input", C2[0]: "c2[0] channels", C3[0]: "c3[0] channels"}
NAMES |= {C2[1]: "c2[1] channels", C3[1]: "c3[1] channels"}
SQUARE = {inception.SIZE, *(inception.SIZES[n] for n in (24, 26, 27, 30, 32))}
FORK = "The 1x3 gives c − c // 2 channels and the 3x1 c // 2: both take the same input, side by "
FORK += "side, and are concatenated."
TABLE = "Compare the kernels and channels of each branch with the table."
STEPS = "Run that branch step by step on a small image and look where it goes astray."
UNIT = "Each convolution has one batch norm with scale and shift, and no bias: the mean cancels it."

Kernel = tuple[int, ...]  # outputs, inputs, height, width


class PathTrial(inception.Trial):
    """An attempt at one of the three blocks."""

    run = inception.Trial.trained
    same = "the block of the table, with the same weights"

    def __init__(self, attempt: Any, exercise: str, paths: tuple[Path, ...]) -> None:
        super().__init__(attempt)
        self.exercise, self.paths = exercise, paths
        keys = [path[: i + 1] for path in paths for i, step in enumerate(path) if step != "max"]
        self.wanted: dict[Kernel, list[Path]] = {}
        for key in dict.fromkeys(keys):
            self.wanted.setdefault(shape(key), []).append(key)

    @property
    def forks(self) -> bool:
        """Whether branches of this block end in two arms."""
        return self.paths is EXPANDED

    def fused(self, kernel: Kernel) -> tuple[Path, ...]:
        """The 1x1 convolutions of the input that ``kernel`` may be, all in one."""
        alone = kernel in self.wanted or kernel[1:] != (IN, 1, 1)
        return () if alone else FUSED.get(kernel[0], ())

    def ways(self) -> Iterator[dict[Path, torch.Tensor]]:
        """Which of the attempt's kernels is which: each way to see it."""
        groups = []
        for kernel, tensors in kernels(self.block).items():
            if names := self.fused(kernel):
                sizes = {order: [name[0][0] for name in order] for order in permutations(names)}
                group = [zip(o, tensors[0].split(n), strict=True) for o, n in sizes.items()]
            else:
                names = self.wanted[kernel]
                group = [zip(names, order, strict=True) for order in permutations(tensors)]
            groups.append([dict(pairs) for pairs in group])
        for parts in product(*groups):
            yield {name: W for part in parts for name, W in part.items()}


def trial(exercise: str, paths: tuple[Path, ...]) -> Callable[[Any], PathTrial]:
    """What prepares an attempt at ``exercise``."""
    return lambda attempt: PathTrial(attempt, exercise, paths)


def keeps_size(trial: PathTrial) -> Problem | None:
    """Height and width, with a nudge for kernels that are not square."""
    problem = inception.keeps_size(trial)
    return replace(problem, nudge=PAD) if problem and problem.nudge in SQUARE else problem


def joins(trial: PathTrial) -> Problem | None:
    """The number of channels: which part of the output is missing, or twice there."""
    problem = inception.joins(trial)
    if problem is None or "block" not in trial.outputs or len(trial.outputs["even"]) != 2:
        return problem
    wide = (C2[1], C3[1], C2[1] + C3[1])
    known = {TOTAL + n: FORK for n in wide if trial.forks}
    known |= {TOTAL + n: "Only the end of each branch is joined." for n in (C2[0], C3[0])}
    for some in (some for n in (1, 2) for some in combinations(trial.paths, n)):
        lost = sum(path[-1][0] for path in some)
        names = ", ".join(f"`{label(path)}`" for path in some)
        known.setdefault(TOTAL - lost, f"Not joined, it seems: {names}.")
    return replace(problem, nudge=known.get(trial.outputs["block"].shape[1], TABLE))


def counts(trial: PathTrial) -> Problem | None:
    """The kernels, one by one; then scales, shifts and biases by their number."""
    parameters = list(trial.block.parameters())
    if any(nn.parameter.is_lazy(p) for p in parameters):
        nudge = "Every layer made in `__init__` has its place in `forward`; drop those that do not."
        return Problem("a lazy layer that is never used", "layers that are used", nudge)
    if hides_layers(trial.block) or not parameters:
        nudge = "Keep layers in `nn.ModuleList` or `nn.Sequential`: they register what they hold."
        return Problem("layers that the module does not know of", "all of them registered", nudge)
    have: Counter[Kernel] = Counter()
    for kernel, tensors in kernels(trial.block).items():
        parts = [shape(path) for path in trial.fused(kernel)] or [kernel]
        have.update(parts * len(tensors))
    right = Counter({kernel: len(names) for kernel, names in trial.wanted.items()})
    if have != right:
        return _difference(trial, list(have - right), list(right - have))
    outputs = sum(kernel[0] * n for kernel, n in right.items())
    vectors = sum(p.numel() for p in parameters if p.squeeze().dim() < 2)
    if vectors == 2 * outputs:
        return None
    if vectors == 3 * outputs:
        return Problem("convolutions with a bias", "none under batch norm", UNIT)
    problem = agrees(trial)
    if problem and problem.found.startswith("no batch norm") and vectors in (0, outputs):
        return Problem("no batch norm", "one after each convolution", UNIT)
    found = f"{vectors} numbers in scales, shifts and biases"
    return problem or Problem(found, f"{2 * outputs}, two for each channel", UNIT)


def _difference(trial: PathTrial, extra: list[Kernel], missing: list[Kernel]) -> Problem:
    """Two kernels that stand for each other, and what is wrong with the one found."""

    def words(kernel: Kernel) -> str:
        out, inputs, height, width = kernel
        return f"{height}x{width} convolution from {inputs} to {out} channels"

    if not extra or not missing:
        found = f"no {words(missing[0])}" if missing else f"one more {words(extra[0])}"
        return Problem(found, "the convolutions of the table", TABLE)
    pairs = product(missing, extra)
    (_, nudge), right, wrong = min((_compare(trial, w, r), r, w) for r, w in pairs)
    return Problem(f"a {words(wrong)}", f"a {words(right)}", nudge)


def _compare(trial: PathTrial, wrong: Kernel, right: Kernel) -> tuple[int, str]:
    """What makes one kernel of another; the clearer it is, the lower the number before it."""
    same_out, same_in, *same_size = (a == b for a, b in zip(wrong, right, strict=True))
    if same_out and all(same_size):
        other = NAMES.get(wrong[1], "output of another layer")
        return 0, f"Feed it the {NAMES[right[1]]} of its own branch, not the {other}."
    if trial.forks and all(same_size) and sorted(wrong[2:]) == [1, 3]:
        return 1, FORK
    height, width = right[2:]
    if same_out and same_in and wrong[2:] == (width, height):
        size = f"`kernel_size=({height}, {width})`"
        return 2, f"Height comes first: {size}. Compare the order with the table."
    if same_out and same_in:
        return 3, f"Its kernel should be {height}x{width}."
    return 4 + (not same_in) + (not all(same_size)), TABLE


def agrees(trial: PathTrial) -> Problem | None:
    """In training mode: the result of each path stands somewhere in the output."""
    with torch.no_grad():
        for p in trial.block.parameters():  # large, lest ε matter; scales and shifts stay 1 and 0
            if p.squeeze().dim() > 1:
                size = 300 * (2 / prod(p.shape[1:])) ** 0.5
                p.copy_(size * torch.randn(p.shape, generator=trial.random))
    if problem := steady(trial):
        return problem
    X = trial.images(2, 13, 9)
    Y = trial.trained(X)
    ways = list(trial.ways())
    for path in trial.paths:
        if any(locate(Y, run(steps(path), X, way)) is not None for way in ways):
            continue
        where = f"in the branch `{label(path)}`"
        for program, found, nudge in mistakes(path):
            if any(_near(Y, run(program, X, way)) for way in ways):
                return Problem(f"{found}, {where}", trial.same, nudge)
        return Problem(f"other values {where}", trial.same, STEPS)
    return None


def _near(Y: torch.Tensor, part: torch.Tensor) -> bool:
    """Whether ``part`` stands in ``Y``, small biases aside."""
    tolerance = 3e-3 * float(part.abs().max())
    return part.shape[2:] == Y.shape[2:] and locate(Y, part, tolerance) is not None


def remembers(trial: PathTrial) -> Problem | None:
    """Evaluation takes running statistics, and training moves them."""
    X, others = trial.images(2, 13, 9), 5 * trial.images(2, 13, 9) + 1
    trial.trained(X)
    Y = trial(X)
    gap = (Y - trial(torch.cat([X, others]))[:2]).abs().max()
    trial.trained(others)
    found = ""
    if torch.equal(Y, trial(X)):
        found = "running statistics that training leaves as they were"
    if gap > 1e-3 * (1 + Y.abs().max()):
        found = "an output that depends on the other images, after `eval()`"
    nudge = "As in exercise 1.1: `nn.BatchNorm2d` does it by itself."
    expected = "running mean and variance, learned in training"
    return Problem(found, expected, nudge) if found else None
