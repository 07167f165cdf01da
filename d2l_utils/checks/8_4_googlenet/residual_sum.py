"""How a residual block adds: ReLU(X + scale · residual), read off from its outputs.

With its closing 1x1 convolution at 0, the residual is that convolution's bias.
"""

from __future__ import annotations

import functools
import math

import torch

from ..blocks.graph import node, nodes, scale, substitute
from ..blocks.learners_block import Attempt
from ..blocks.parameters import is_kernel
from ..report import Problem

WIDTH, TOTAL, JOINED = 6, 43, 16  # channels of X, of the concatenation, of that of the even block
SCALE, OTHER = 0.5, 0.25  # powers of two: exact in floats
SUM = "ReLU(X + scale · residual)"
ORDER = "First multiply the residual by the scale, then add X, then apply ReLU."


def adds(attempt: Attempt) -> Problem | None:
    """ReLU(X + scale · residual), read off with a residual that is the closing bias alone."""
    for factor, module in zip((OTHER, SCALE), attempt.modules, strict=True):

        def output(x: float, r: float, module: torch.nn.Module = module) -> float:
            _close(module, torch.full((WIDTH,), float(r)))
            return float(attempt.infer(torch.full((2, WIDTH, 13, 9), float(x)), module).mean())

        x = output(8, 0)
        code, found, nudge = _sum(factor, x / 8, output(8, 1) - x, x - output(8, -1))
        if not code and not _near(output(-8, 0), 0):
            code, found, nudge = "no-relu", "no ReLU after the sum", ORDER
        elif not code and not _near(output(-8, 4 / factor), 0):
            code, found = "relu-on-input", "ReLU is applied to X before the sum"
            nudge = "X is added as it is."
        if code == "scale" and _scaled_early(attempt):
            found = "the scale is applied before the closing convolution, whose bias it misses"
        if code:
            return Problem(found, SUM, nudge, code)
    b = torch.arange(1.0, WIDTH + 1) - 3
    _close(attempt.module, b)
    right = torch.relu(attempt.images + SCALE * b[:, None, None])
    for output, when in ((attempt.infer, ""), (attempt.train, " in training")):
        if not (output(attempt.images) - right).abs().max() <= 1e-4:
            nudge = "Nothing else normalises, drops or changes the residual, X or the sum."
            return Problem(f"other values{when}", SUM, nudge, "values")
    return None


def _scaled_early(attempt: Attempt) -> bool:
    """Whether the concatenation is multiplied by the scale, in place of the residual."""
    graph = attempt.block.graph
    (scaled,) = (n for n in nodes(graph) if n.op == "scale")
    wrong = node("conv", scale(scaled.x.x, scaled.spec), spec=scaled.x.spec)
    return attempt.seen.shows(substitute(graph, scaled, wrong))


@torch.no_grad()
def _close(module: torch.nn.Module, bias: torch.Tensor) -> None:
    """Set the closing convolution to 0, its bias to numbers."""
    for p in module.parameters():
        if is_kernel(p) and set(p.squeeze().shape) in ({WIDTH, TOTAL}, {WIDTH, JOINED}):
            p.zero_()
        elif p.numel() == WIDTH:
            p.copy_(bias.reshape(p.shape))


def _sum(factor: float, shortcut: float, up: float, down: float) -> tuple[str, str, str]:
    """What is wrong with the factors: of X, of a positive residual and of a negative one."""
    if _near(shortcut, 0):
        return "no-shortcut", "X is not in the sum", "Add the block's input to the scaled residual."
    if not _near(shortcut, 1):
        what = "the sum is" if _near(up, factor) and _near(shortcut, factor) else "X is"
        by = "the scale" if _near(shortcut, factor) else f"{shortcut:.3g}"
        nudge = "The scale belongs to the residual alone."
        return "shortcut-scaled", f"{what} multiplied by {by}", nudge
    if _near(up, 0):
        return "no-residual", "the residual is not in the sum", ORDER
    if _near(down, 0):
        nudge = "Then a block can only add, never take away: the closing 1x1 convolution is linear."
        return "relu-before-sum", "ReLU is applied to the residual before the sum", nudge
    if not _near(up, factor) or not _near(down, factor):
        found = f"the residual is multiplied by {up:.3g}, for a scale of {factor}"
        found = "the scale is not used" if _near(up, 1) else found
        return "scale", found, "Multiply the residual once, by the scale that the block was given."
    return "", "", ""


_near = functools.partial(math.isclose, abs_tol=1e-3)
