"""Inception blocks, continued: their parameters, and the function they compute with them."""

from __future__ import annotations

from collections import Counter

import torch
from torch import nn

from ..report import Problem
from .inception import BUILT, Trial
from .inception_branches import (
    C2,
    C3,
    CONVS,
    IN,
    SHARING,
    assignments,
    branch_of,
    execute,
    listed,
    locate,
    search,
)
from .inception_mistakes import variants


def counts(trial: Trial) -> Problem | None:
    """The number of parameters; if it is off, the convolution that is to blame."""
    parameters = list(trial.block.parameters())
    expected = f"{trial.parameters} parameters, for {BUILT} on {IN} channels"
    if any(nn.parameter.is_lazy(p) for p in parameters):
        nudge = "Every layer made in `__init__` has its place in `forward`; drop those that do not."
        return Problem("a lazy layer that is never used", expected, nudge)
    total = sum(p.numel() for p in parameters)
    if total == trial.parameters:
        return None
    found, nudge = _miscount(trial)
    return Problem(f"{total} parameters" + (f": {found}" if found else ""), expected, nudge)


def _miscount(trial: Trial) -> tuple[str, str]:
    """What is unusual about the block's parameters, and a nudge."""
    block = trial.block
    if hides_layers(block):
        nudge = "Keep layers in `nn.ModuleList` or `nn.Sequential`: they register what they hold."
        return "layers are kept in a plain Python list, tuple or dict", nudge
    shapes = [tuple(n for n in p.shape if n > 1) for p in block.parameters()]
    if not shapes:
        nudge = "Make the layers once, in `__init__`, and use them in `forward`."
        return "no layer belongs to the module", nudge
    kernels = Counter((*s[:2], s[2] if len(s) == 4 else 1) for s in shapes if len(s) in (2, 4))
    for out, inputs, k in [*kernels]:
        if (inputs, k) == (IN, 1) and len(roles := SHARING.get(out, ())) > 1:
            kernels = kernels - Counter([(out, inputs, k)]) + Counter(CONVS[r] for r in roles)
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
    return trial.blame(vectors)


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


def hides_layers(block: nn.Module) -> bool:
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


def randomise(trial: Trial) -> None:
    """Random weights; under batch norm large ones, and no channel near zero, lest its ε matter."""
    with torch.no_grad():
        for p in trial.block.parameters():
            kernel = p.squeeze().dim() > 1
            values = torch.randn(p.shape, generator=trial.random)
            if trial.normed and not kernel:
                values = values.sign() * (1.2 + values.abs() % 0.8)
            values *= (2 * len(p) / p.numel()) ** 0.5 * 300**trial.normed if kernel else 0.5
            p.copy_(values)


def _examine(trial: Trial) -> torch.Tensor:
    """Give the block random weights; find each branch, right or wrong, in its output."""
    randomise(trial)
    X = trial.images(2, 13, 9)
    Y = trial.run(X)
    ways = assignments(trial.block, trial.normed)
    found, trial.weights = search(trial.branches, X, Y, ways)
    if trial.weights:
        trial.order = sorted(found, key=found.get)
        for branch in trial.branches.keys() - found.keys():
            known = variants(branch, trial.branches)
            tries = ((v, execute(v.program, X, trial.weights)) for v in known)
            trial.wrong[branch] = next((v for v, Z in tries if locate(Y, Z) is not None), None)
    return Y


def has_relu(trial: Trial) -> Problem | None:
    """Nonlinearities, inner and last, branch by branch."""
    Y = _examine(trial)
    blamed = {b: v for b in trial.branches if (v := trial.wrong.get(b)) and v.about_relu}
    if blamed:
        variant = next(iter(blamed.values()))
        where = listed([b for b, v in blamed.items() if v.found == variant.found])
        return Problem(f"{variant.found}, in {where}", trial.relu, variant.nudge)
    if Y.min() < 0 and len(trial.order) < len(trial.branches):
        nudge = "After ReLU nothing is negative: some branch does not end with it."
        return Problem(f"outputs down to {Y.min():.2f}", trial.relu, nudge)
    return None


def steady(trial: Trial) -> Problem | None:
    """Numbers, and the same ones again."""
    X = trial.images(2, 13, 9)
    Y = trial.run(X)
    if not Y.isfinite().all():
        return Problem("outputs that are not finite numbers", "finite numbers", _STEPS)
    if not torch.equal(Y, trial.run(X)):
        nudge = "Nothing is random in this block: no dropout, and no layer made in `forward`."
        return Problem("two runs on the same images differ", "the same result", nudge)
    return None


def function(trial: Trial) -> Problem | None:
    """The same numbers as the right block with the same weights, for several inputs."""
    if problem := steady(trial):
        return problem
    if trial.weights is None:
        shapes = ", ".join(str(tuple(p.shape)) for p in trial.block.parameters())
        nudge = "Keep the weights of a k x k convolution as (outputs, inputs, k, k)."
        return Problem(f"parameters of shapes {shapes}", "six convolutions", nudge)
    if trial.wrong:
        return _wrong_branch(trial)
    for shape in ((2, 13, 9), (1, 7, 16)):
        X = trial.images(*shape)
        gap = (trial.run(X) - trial.expected(X)).abs().max()
        if gap > 1e-4:
            found = f"a difference of up to {gap:.2g} on images of {shape[1]}x{shape[2]}"
            return Problem(
                found, trial.same, "The result may depend on the images only, not on history."
            )
    return None


def agrees(trial: Trial) -> Problem | None:
    """The same function, in training mode too."""
    if problem := function(trial):
        return problem
    X = trial.images(1, 7, 16)
    if (trial.trained(X) - trial.expected(X)).abs().max() <= 1e-4:
        return None
    nudge = "Dropout and batch norm act differently in training: neither belongs here."
    return Problem("other values after `train()` than after `eval()`", "the same", nudge)


_STEPS = "Run that branch step by step on a small image and look where it goes astray."


def _wrong_branch(trial: Trial) -> Problem:
    """The first branch that differs, and how, if it is a known mistake."""
    found = {b: v.found if (v := trial.wrong.get(b)) else "" for b in trial.branches}
    if found["1x1"] == "the pooled input" and found["pool → 1x1"] == "no pooling":
        nudge = "The branch with c1 channels has no pool, the one with c4 channels has."
        return Problem("c1 and c4 are swapped", "c1 for `1x1`, c4 for `pool → 1x1`", nudge)
    branch = next(b for b in trial.branches if b in trial.wrong)
    variant = trial.wrong[branch]
    words = {"relu": "ReLU", "max": "3x3 max pool", "norm": "batch norm"}
    words |= {role: f"{k}x{k} convolution" for role, (_, _, k) in CONVS.items()}
    steps = ", ".join(words[step] for step in trial.branches[branch])
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
