"""Exercise 8.4/1.4: the residual Inception block, judged by what it does.

With the closing 1x1 convolution at 0, the block must be ReLU(X + scale · bias): that shows how it
adds. Then the convolution picks the branches' channels one after the other, X is taken off again,
and what is left is judged as the block of exercise 1.1.
"""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from ..report import Problem, Unattempted, clean
from . import inception, inception_norm, inception_weights
from .inception_branches import CHANNELS, IN, TOTAL

SCALE, OTHER = 0.5, 0.25  # powers of two: exact in floats
SIGNATURE = "(width, c1, c2, c3, c4, scale)"
SUM = "ReLU(X + scale · residual)"
LIFT = 64.0  # added under the last ReLU, so that it takes nothing away
ADDED = re.compile(r"tensor a \((\d+)\) must match the size of tensor b \((\d+)\) .*dimension (\d)")
CLOSING = "A 1x1 convolution brings the concatenation back to the input's width."
ONCE = "Concatenate first; a 1x1 brings that back to the input's width; then X is added, once."
LINEAR = "The closing convolution is linear: a 1x1 with its bias, no batch norm, no ReLU."
NORM = "a batch norm of the residual, or of X"
ORDER = "First multiply the residual by the scale, then add X, then apply ReLU."

RESIDUAL_NUDGES = {
    r"takes \d+ positional argument.* but \d+ were given": (
        f"The block is made from `{SIGNATURE}` and called on one tensor: `__init__` and `forward` "
        "need those arguments, after `self`."
    ),
    **inception_norm.NORM_NUDGES,
}


class Residuals(nn.Module):
    """The concatenation inside of a residual block, as a block of its own."""

    def __init__(self, block: nn.Module, W: nn.Parameter, b: nn.Parameter, scale: float) -> None:
        super().__init__()
        self.block, self.closing, self.scale = block, (W, b), scale

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
        """Those of the branches."""
        closing = set(map(id, self.closing))
        return (p for p in self.block.parameters(recurse) if id(p) not in closing)

    def through(self, X: torch.Tensor, W: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """The block's output with these values in its closing convolution."""
        kernel, bias = self.closing
        with torch.no_grad():
            kernel.copy_((W if kernel.shape[0] == IN else W.t()).reshape(kernel.shape))
            bias.copy_(b.reshape(bias.shape))
        return self.block(X.clone())

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Each channel of the concatenation, read from the block's output."""
        parts, lift = [], torch.full((IN,), LIFT / self.scale)
        for pick in torch.eye(TOTAL).split(IN):
            W = F.pad(pick, (0, 0, 0, IN - len(pick)))
            parts.append((self.through(X, W, lift) - LIFT - X)[:, : len(pick)])
        return F.hardshrink(torch.cat(parts, 1) / self.scale, 5e-5)  # rounding is no negative value


class ResidualTrial(inception_norm.NormTrial):
    """An attempt at a block that adds its concatenated branches to its input."""

    exercise = "8.4/1.4"
    same = "the block of exercise 1.1, with the same weights"

    def __init__(self, attempt: Any) -> None:
        super().__init__(attempt)
        self.other = None  # as ``block``, with the other scale
        self.peeled: dict[float, Residuals] = {}


def builds(trial: ResidualTrial) -> Problem | None:
    """Make the block, with even and with telling channel numbers."""
    attempt = trial.attempt
    if isinstance(attempt, nn.Module) or not callable(attempt):
        return inception.builds(trial)
    try:
        inspect.signature(attempt).bind(IN, *CHANNELS, SCALE)
    except TypeError:
        found = clean(f"the arguments {inspect.signature(attempt)}", 120)
        return Problem(found, SIGNATURE, "`width` is the number of channels of the input.")
    kinds = ("even", inception.EVEN, OTHER), ("other", CHANNELS, OTHER), ("block", CHANNELS, SCALE)
    for name, channels, scale in kinds:
        block = attempt(IN, *channels, scale)
        if block is None or block is ...:
            raise Unattempted
        if not isinstance(block, nn.Module):
            return Problem(clean(type(block).__name__), "an nn.Module", "Inherit from `nn.Module`.")
        setattr(trial, name, block.eval())
    return None


def keeps_shape(trial: ResidualTrial) -> Problem | None:
    """What is added fits: height, width and channels of the input."""
    for name in ("even", "block"):
        if match := ADDED.search(trial.misfit.get(name, "")):
            return _misfit(*map(int, match.groups()))
    if problem := inception.keeps_size(trial):
        return problem
    if "block" in trial.misfit:
        return Problem(clean(trial.misfit["block"]), "tensors that fit", ONCE)
    trial(trial.images(2, 13, 9), trial.other)  # its lazy layers take their shapes
    channels = trial.outputs["block"].shape[1]
    if channels == IN:
        return None
    nudge = CLOSING if channels == TOTAL else ONCE
    return Problem(f"{channels} channels", f"{IN} channels, as the input", nudge)


def _misfit(a: int, b: int, dimension: int) -> Problem:
    """A sum that torch refused: of tensors that differ in channels, or in height or width."""
    if dimension == 1 and IN not in (a, b):
        return Problem(f"tensors of {a} and {b} channels added", "a concatenation", ONCE)
    if dimension == 1:
        given = b if a == IN else a
        found = f"X, of {IN} channels, added to a tensor of {given}"
        nudge = CLOSING if given in (TOTAL, 4 * inception.EVEN[0]) else ONCE
        return Problem(found, "the sum of two tensors of one shape", nudge)
    given, joined = b if a == 28 else a, "The branches are joined along the channels, dimension 1."
    nudge = {**inception.SIZES, 4 * 28: joined}.get(given, inception.SIZE)
    return Problem(f"X, of 28 pixels, added to a tensor of {given}", "28, as the input", nudge)


def counts(trial: ResidualTrial) -> Problem | None:
    """The branches of exercise 1.1 and one closing convolution with its bias."""
    for scale, block in ((OTHER, trial.other), (SCALE, trial.block)):
        parameters = list(block.parameters())
        if any(map(nn.parameter.is_lazy, parameters)):
            place = "Every layer made in `__init__` has its place in `forward`."
            return Problem("a lazy layer that is never used", "no layer in vain", place)
        found, nudge, kernels, biases = _closing(parameters)
        if found == NORM and len(biases) % 2:  # or is it in a branch, where the sum can't see it?
            biases = [b for b in biases if _moves(block, kernels[0], b)]
            found = NORM if len(biases) != 1 else ""
        if found:
            return Problem(found, f"six units of 1.1, one 1x1 from {TOTAL} to {IN}", nudge)
        trial.peeled[scale] = Residuals(block, kernels[0], biases[0], scale).eval()
    trial.block = trial.peeled[SCALE]
    if problem := inception_weights.counts(trial):
        return Problem(f"in the branches, {problem.found}", problem.expected, problem.nudge)
    return None


@torch.no_grad()
def _moves(block: nn.Module, kernel: nn.Parameter, vector: nn.Parameter) -> bool:
    """Whether ``vector`` has an influence on the output when no branch has."""
    kernel.zero_()
    before = block(torch.ones(2, IN, 5, 5))
    vector += 1
    return not torch.equal(block(torch.ones(2, IN, 5, 5)), before)


def _closing(parameters: list[nn.Parameter]) -> tuple[str, str, list, list]:
    """What is wrong with the closing convolution, and a nudge; its kernel, its bias."""
    shaped: dict[tuple[int, ...], list[nn.Parameter]] = {}
    for p in parameters:
        shaped.setdefault(tuple(n for n in p.shape if n > 1), []).append(p)
    kernels = shaped.get((IN, TOTAL), []) + shaped.get((TOTAL, IN), [])
    biases = shaped.get((IN,), [])
    wide = [s[1] for s in shaped if len(s) > 1 and s[0] == IN and s[1] not in (IN, TOTAL)]
    number = f"{len(kernels)} convolutions" if kernels else "no convolution"
    only = "Concatenate the last output of each branch and nothing else: X comes in later."
    faults = (
        (not parameters, "no layer belongs to the module", "Make the layers in `__init__`."),
        (() in shaped, "a parameter of one number", "The scale is fixed, not learned: keep it so."),
        (wide, f"a closing convolution of {sum(wide)} channels, not of {TOTAL}", only),
        ((IN, IN) in shaped, "a convolution of X on its way to the sum", "X is added as it is."),
        (len(kernels) != 1, f"{number} from {TOTAL} to {IN} channels", CLOSING),
        (not biases, "the closing convolution has no bias", LINEAR),
        (len(biases) > 1, NORM, LINEAR),
    )
    found, nudge = next((fault[1:] for fault in faults if fault[0]), ("", ""))
    return found, nudge, kernels, biases


def adds(trial: ResidualTrial) -> Problem | None:
    """ReLU(X + scale · residual), read off with a residual that is the closing bias alone."""
    for scale, block in trial.peeled.items():

        def output(x: float, r: float, scale: float = scale, block: Residuals = block) -> float:
            images = torch.full((2, IN, 13, 9), float(x))
            Y = block.through(images, torch.zeros(IN, TOTAL), torch.full((IN,), float(r)))
            return float(Y.mean())

        x = output(8, 0)
        found, nudge = _sum(scale, x / 8, output(8, 1) - x, x - output(8, -1))
        if not found and not _near(output(-8, 0), 0):
            found, nudge = "no ReLU after the sum", ORDER
        elif not found and not _near(output(-8, 4 / scale), 0):
            found, nudge = "ReLU is applied to X before the sum", "X is added as it is."
        if found:
            return Problem(found, SUM, nudge)
    X, b = trial.images(2, 13, 9), torch.randn(IN, generator=trial.random)
    right = torch.relu(X + SCALE * b[:, None, None])
    for mode in (False, True):
        Y = trial.block.train(mode).through(X, torch.zeros(IN, TOTAL), b)
        if not (Y - right).abs().max() <= 1e-4:
            nudge = "Nothing else normalises, drops or changes the residual, X or the sum."
            return Problem("other values" + " in training" * mode, SUM, nudge)
    trial.block.eval()
    return None


def _sum(scale: float, shortcut: float, up: float, down: float) -> tuple[str, str]:
    """What is wrong with the factors: of X, of a positive residual and of a negative one."""
    if _near(shortcut, 0):
        return "X is not in the sum", "Add the block's input to the scaled residual."
    if not _near(shortcut, 1):
        what = "the sum is" if _near(up, scale) and _near(shortcut, scale) else "X is"
        by = "the scale" if _near(shortcut, scale) else f"{shortcut:.3g}"
        return f"{what} multiplied by {by}", "The scale belongs to the residual alone."
    if _near(up, 0):
        return "the residual is not in the sum", ORDER
    if _near(down, 0):
        nudge = "Then a block can only add, never take away: the closing 1x1 convolution is linear."
        return "ReLU is applied to the residual before the sum", nudge
    if not _near(up, scale) or not _near(down, scale):
        found = f"the residual is multiplied by {up:.3g}, for a scale of {scale}"
        found = "the scale is not used" if _near(up, 1) else found
        return found, "Multiply the residual once, by the scale that the block was given."
    return "", ""


_near = functools.partial(math.isclose, abs_tol=1e-3)


def residual_agrees(trial: ResidualTrial) -> Problem | None:
    """The branches, read from the block's output, against those of exercise 1.1."""
    judges = inception_norm.normalises, inception_norm.remembers, inception_weights.has_relu
    return next(filter(None, (judge(trial) for judge in (*judges, inception_norm.agrees))), None)


def trains(trial: ResidualTrial) -> Problem | None:
    """A backward pass through the block itself."""
    trial.block = trial.block.block
    return inception_weights.trains(trial)
