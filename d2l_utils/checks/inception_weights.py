"""Exercise 8.4/0, continued: the block's parameters, and the function it computes with them."""

from __future__ import annotations

from collections import Counter

import torch
from torch import nn

from .inception import BUILT, Trial
from .inception_branches import (
    BRANCHES,
    C2,
    C3,
    CONVS,
    IN,
    PARAMETERS,
    Weights,
    assignments,
    branch_of,
    execute,
    locate,
    variants,
)
from .report import Problem

__all__ = ["agrees", "counts", "has_relu", "leaves_input", "trains"]


def counts(trial: Trial) -> Problem | None:
    """The number of parameters; if it is off, the convolution that is to blame."""
    parameters = list(trial.block.parameters())
    expected = f"{PARAMETERS} parameters, for {BUILT} on {IN} channels"
    if any(nn.parameter.is_lazy(p) for p in parameters):
        nudge = "Every layer made in `__init__` has its place in `forward`; drop those that do not."
        return Problem("a lazy layer that is never used", expected, nudge)
    total = sum(p.numel() for p in parameters)
    if total == PARAMETERS:
        return None
    found, nudge = _miscount(trial.block)
    return Problem(f"{total} parameters" + (f": {found}" if found else ""), expected, nudge)


def _miscount(block: nn.Module) -> tuple[str, str]:
    """What is unusual about the parameters of ``block``, and a nudge."""
    if _hides_layers(block):
        nudge = "Keep layers in `nn.ModuleList` or `nn.Sequential`: they register what they hold."
        return "layers are kept in a plain Python list, tuple or dict", nudge
    shapes = [tuple(p.shape) for p in block.parameters()]
    if not shapes:
        nudge = "Make the layers once, in `__init__`, and use them in `forward`."
        return "no layer belongs to the module", nudge
    kernels = Counter((*s[:2], s[2] if len(s) == 4 else 1) for s in shapes if len(s) in (2, 4))
    vectors = Counter(s[0] for s in shapes if len(s) == 1)
    right = Counter(CONVS.values())
    missing = [role for role, conv in CONVS.items() if conv not in kernels]
    extra = list((kernels - right).elements())
    if missing and extra:
        return next(filter(None, (_compare(role, extra) for role in missing)), ("", _ALL))
    if missing:
        out, inputs, k = CONVS[missing[0]]
        found = f"no {k}x{k} convolution from {inputs} to {out} channels"
        return found, f"The branch `{branch_of(missing[0])}` needs one of its own."
    if extra:
        out, inputs, k = extra[0]
        nudge = (
            "The block has six convolutions: one in the first and last branch, two in the others."
        )
        return f"one more {k}x{k} convolution, from {inputs} to {out} channels", nudge
    biases = Counter(out for out, _, _ in CONVS.values())
    if biases - vectors:
        nudge = "Every convolution has a bias here, as `nn.Conv2d` gives it by default."
        lacking = (biases - vectors).total()
        return f"{lacking} of 6 convolutions without a bias", nudge
    nudge = "Batch normalisation and the like came later: this block is convolutions and ReLU only."
    return "more vectors than six biases", nudge


_ALL = "Compare each convolution's kernel size and channels with the figure of the block."


def _compare(role: str, extra: list[tuple[int, int, int]]) -> tuple[str, str] | None:
    """What stands in place of the convolution ``role``, if one of ``extra`` looks like it."""
    out, inputs, k = CONVS[role]
    if {(C2[1], C2[0], 5), (C3[1], C3[0], 3)} <= set(extra):
        return "3x3 and 5x5 are swapped", "c2 belongs to the 3x3 convolution, c3 to the 5x5."
    if {(C2[0], IN, 3), (C2[1], C2[0], 1)} <= set(extra):
        return "3x3 first, then 1x1", "The 1x1 convolution comes first: it makes the 3x3 cheap."
    if {(C3[0], IN, 5), (C3[1], C3[0], 1)} <= set(extra):
        return "5x5 first, then 1x1", "The 1x1 convolution comes first: it makes the 5x5 cheap."
    branch = f"the branch `{branch_of(role)}`"
    for o, i, kernel in extra:
        found = f"a {kernel}x{kernel} convolution from {i} to {o} channels, in {branch}"
        if (o, i) == (out, inputs):
            nudge = f"Its kernel should be {k}x{k}."
            if role == "3b" and kernel == 3:
                nudge = "It is 5x5 in the paper. (torchvision's 3x3 is a well-known deviation.)"
            return found, nudge
        if (o, kernel) == (out, k):
            if i == IN:
                nudge = f"A 1x1 convolution to {inputs} channels should reduce its input first."
            elif role in ("2b", "3b"):
                nudge = f"Its input should be the {inputs} channels of this branch's own reduction."
            else:
                nudge = f"Every branch starts from the block's input, {IN} channels here."
            return found, nudge
    return None


def _hides_layers(block: nn.Module) -> bool:
    """Whether a plain container keeps layers from being registered."""
    registered = set(block.modules())
    for module in registered:
        for name, value in vars(module).items():
            values = value.values() if isinstance(value, dict) else value
            if name == "_modules" or not isinstance(value, dict | list | tuple):
                continue
            if any(isinstance(v, nn.Module) and v not in registered for v in values):
                return True
    return False


def leaves_input(trial: Trial) -> Problem | None:
    """No operation in place on the input."""
    X = trial.images(2, 13, 9)
    before = X.clone()
    with torch.no_grad():
        trial.block(X)
    if torch.equal(X, before):
        return None
    nudge = "In-place operations may change a convolution's output, never the block's input: the "
    nudge += "other branches still need it."
    return Problem("the input's values have changed", "the same values as before", nudge)


def _examine(trial: Trial) -> torch.Tensor:
    """Give the block known random weights; find each branch, right or wrong, in its output."""
    with torch.no_grad():
        for p in trial.block.parameters():
            scale = (2 * len(p) / p.numel()) ** 0.5 if p.squeeze().dim() > 1 else 0.5
            p.copy_(scale * torch.randn(p.shape, generator=trial.random))
    X = trial.images(2, 13, 9)
    Y = trial(X)

    def places(weights: Weights) -> dict[str, int]:
        found = {b: locate(Y, execute(program, X, weights)) for b, program in BRANCHES.items()}
        return {b: place for b, place in found.items() if place is not None}

    candidates = [(places(weights), weights) for weights in assignments(trial.block)]
    if candidates:
        found, trial.weights = max(candidates, key=lambda c: len(c[0]))
        trial.order = sorted(found, key=found.get)
        for branch in BRANCHES.keys() - found.keys():
            tries = ((v, execute(v.program, X, trial.weights)) for v in variants(branch))
            trial.wrong[branch] = next((v for v, Z in tries if locate(Y, Z) is not None), None)
    return Y


def _listed(branches: list[str]) -> str:
    names = ", ".join(f"`{b}`" for b in branches)
    return f"the branch{'es' * (len(branches) > 1)} {names}"


def has_relu(trial: Trial) -> Problem | None:
    """Nonlinearities, inner and last, branch by branch."""
    Y = _examine(trial)
    blamed = {b: v for b in BRANCHES if (v := trial.wrong.get(b)) and v.about_relu}
    expected = "ReLU after each of the six convolutions"
    if blamed:
        variant = next(iter(blamed.values()))
        where = _listed([b for b, v in blamed.items() if v.found == variant.found])
        return Problem(f"{variant.found}, in {where}", expected, variant.nudge)
    if Y.min() < 0 and len(trial.order) < len(BRANCHES):
        nudge = "After ReLU nothing is negative: some branch does not end with it."
        return Problem(f"outputs down to {Y.min():.2f}", expected, nudge)
    return None


def agrees(trial: Trial) -> Problem | None:
    """The same numbers as the paper's block with the same weights, for several inputs."""
    same = "the paper's block, with the same weights"
    X = trial.images(2, 13, 9)
    Y = trial(X)
    if not Y.isfinite().all():
        return Problem("outputs that are not finite numbers", "finite numbers", _STEPS)
    if not torch.equal(Y, trial(X)):
        nudge = "Nothing is random in this block: no dropout, and no layer made in `forward`."
        return Problem("two runs on the same images differ", "the same result", nudge)
    if trial.weights is None:
        shapes = ", ".join(str(tuple(p.shape)) for p in trial.block.parameters())
        nudge = "Keep the weights of a k x k convolution as (outputs, inputs, k, k)."
        return Problem(f"parameters of shapes {shapes}", "six convolutions", nudge)
    if trial.wrong:
        return _wrong_branch(trial)
    for shape in ((2, 13, 9), (1, 7, 16)):
        X = trial.images(*shape)
        gap = (trial(X) - trial.expected(X)).abs().max()
        if gap > 1e-4:
            found = f"a difference of up to {gap:.2g} on images of {shape[1]}x{shape[2]}"
            return Problem(found, same, "The result may depend on the images only, not on history.")
    trial.block.train()
    gap = (trial(X) - trial.expected(X)).abs().max()
    trial.block.eval()
    if gap > 1e-4:
        nudge = "Dropout and batch norm act differently in training: neither belongs here."
        return Problem("other values after `train()` than after `eval()`", "the same", nudge)
    return None


_STEPS = "Run that branch step by step on a small image and look where it goes astray."


def _wrong_branch(trial: Trial) -> Problem:
    """The first branch that differs, and how, if it is a known mistake."""
    found = {b: v.found if (v := trial.wrong.get(b)) else "" for b in BRANCHES}
    if found["1x1"] == "the pooled input" and found["pool → 1x1"] == "no pooling":
        nudge = "The branch with c1 channels has no pool, the one with c4 channels has."
        return Problem("c1 and c4 are swapped", "c1 for `1x1`, c4 for `pool → 1x1`", nudge)
    branch = next(b for b in BRANCHES if b in trial.wrong)
    variant = trial.wrong[branch]
    words = [
        f"{CONVS[s][2]}x{CONVS[s][2]} convolution" if s in CONVS else s for s in BRANCHES[branch]
    ]
    steps = ", ".join({"relu": "ReLU", "max": "3x3 max pool"}.get(w, w) for w in words)
    where = f"in the branch `{branch}`"
    if variant:
        return Problem(f"{variant.found}, {where}", steps, variant.nudge)
    return Problem(f"other values {where}", f"{steps}, with the same weights", _STEPS)


def trains(trial: Trial) -> Problem | None:
    """A backward pass."""
    parameters = list(trial.block.parameters())
    with torch.enable_grad():
        Y = trial.block.train()(trial.images(2, 13, 9))
        if Y.requires_grad:
            Y.sum().backward()
    lost = sum(p.grad is None for p in parameters)
    if not lost:
        return None
    nudge = "Look for `detach`, `.data`, `no_grad` or `requires_grad=False`: they cut the gradient."
    return Problem(f"{lost} of {len(parameters)} parameters without one", "a gradient each", nudge)
