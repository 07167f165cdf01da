"""Exercise 8.4/1.3: the label-smoothed cross-entropy as a function, judged by what it returns."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from ..report import Problem
from .smoothing_mistakes import MISTAKES, WIDE, losses, smooth

__all__: list[str] = []

EPSILONS = (0.05, 0.1, 0.3)
NUDGES = {
    r"has no attribute 'tye'": "A slip for `type`; and behind it: " + WIDE[0].lower() + WIDE[1:],
    r"(scalar type|dtype to be) Long": WIDE,
    r"1D target tensor": (
        "Targets q have the shape of `Y_hat`, a column a class. `F.one_hot(Y)` alone stops at the "
        "largest label of the batch: tell it K = `Y_hat.shape[1]`."
    ),
    r"Expected floating point type for target": (
        "One-hot targets are integers: make them floating-point before they are mixed."
    ),
    r"must match the.*\(6\)|\(6\) must match|\[6\].*\[5\]": (
        "6 is the number of examples here, 5 that of classes. Sums over the classes go along "
        "`dim=1`, with `keepdim=True` to be combined with the logits; K is `Y_hat.shape[1]`."
    ),
    r"\(4\) must match|match.*\(4\)|\[\d+, 4\]|seen size 4": (
        "`F.one_hot(Y)` has columns only up to the largest label that occurs in the batch. Tell "
        "it the classes: K = `Y_hat.shape[1]`."
    ),
    r"must match the|out of bounds|Class values must be|mismatch|broadcast": (
        "K is `Y_hat.shape[1]`: not always 10, and not the number of labels in the batch."
    ),
    r"(Index|index).*(int64|dimensions)": (
        "`gather` and `scatter` want labels as whole numbers, one row an example: `Y[:, None]`."
    ),
    r"positional argument": "It takes four: `Y_hat, Y, epsilon, averaged=True`, in this order.",
}


class Trial:
    """An attempt, and the numbers it is tried on.

    The first batch has 6 examples and 5 classes, of which the labels show 4: the nudges above
    know by these numbers in an error which of them was taken for another.
    """

    def __init__(self, attempt: Any) -> None:
        self.attempt = attempt
        self.random = torch.Generator().manual_seed(0)

    def batch(self, n: int = 6, classes: int = 5, scale: float = 2.0):
        """Logits (n, classes) and labels, among which the last class does not occur."""
        Y_hat = scale * torch.randn(n, classes, generator=self.random)
        return Y_hat, torch.arange(n) % (classes - 1)

    def __call__(self, *arguments) -> torch.Tensor:
        """What the attempt returns."""
        return self.attempt(*arguments)


def near(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Equal up to the rounding of single precision."""
    return a.shape == b.shape and bool(((a - b).abs() <= 2e-5 * (1 + b.abs())).all())


def runs(trial: Trial) -> Problem | None:
    """A tensor comes back, the same by the default of ``averaged``; the arguments stay."""
    if not callable(trial.attempt):
        found = f"an object of type {type(trial.attempt).__name__}"
        return Problem(found, "a function", "Hand over the function itself: its name, no brackets.")
    Y_hat, Y = trial.batch()
    before = Y_hat.clone(), Y.clone()
    loss = trial(Y_hat, Y, 0.1, True)
    if problem := _no_numbers(loss, True) or _no_numbers(trial(Y_hat, Y, 0.1, False), False):
        return problem
    if not (torch.equal(Y_hat, before[0]) and torch.equal(Y, before[1])):
        nudge = "Work on a copy: methods with a trailing underscore change what they are given."
        return Problem("the logits or the labels have changed", "the same as before", nudge)
    if not near(trial(Y_hat, Y, 0.1), loss):
        nudge = "Write `averaged=True` in the line with `def`, as in the book."
        return Problem("another result without `averaged`", "as with `averaged=True`", nudge)
    return None


def _no_numbers(loss: Any, averaged: bool) -> Problem | None:
    """No tensor, or one whose numbers are none."""
    if not isinstance(loss, torch.Tensor):
        nudge = "Stay with tensors to the end: `float`, `.item()` and NumPy lose the gradient."
        if loss is None:
            nudge = "Does the function `return` its loss, for either value of `averaged`?"
        found = f"a result of type {type(loss).__name__} for averaged={averaged}"
        return Problem(found, "a tensor", nudge)
    if loss.isfinite().all():
        return None
    found = "a loss that is not a number (nan)" if loss.isnan().any() else "an infinite loss"
    nudge = "Logits may be 0 or negative, and then have no logarithm. `F.log_softmax` along the "
    nudge += "classes turns them into log-probabilities."
    return Problem(found, "a finite number, whatever the logits", nudge)


def averages(trial: Trial) -> Problem | None:
    """One number, the mean; or one for each example."""
    for n in (6, 1):
        Y_hat, Y = trial.batch(n)
        one, each = (trial(Y_hat, Y, 0.1, averaged) for averaged in (True, False))
        for result, shape, averaged in ((one, (), True), (each, (n,), False)):
            if tuple(result.shape) != shape:
                found = f"shape {tuple(result.shape)} for averaged={averaged}, {n} examples"
                nudge = "`averaged` decides between the mean over the examples and their losses as "
                nudge += "they are. The sum over the classes belongs to either."
                return Problem(found, f"shape {shape}", nudge)
        if not near(one, each.mean()):
            found, nudge = "an average that is not the mean", "Call `mean()` on the losses."
            if near(one, each.sum()):
                found = "the sum over the examples, not their mean"
            elif near(one * 5, each.mean()):
                found = "a mean over examples and classes, 1/K of the loss"
                nudge = "Over the classes the definition has a sum: only the examples are averaged."
            return Problem(found, "the mean of the losses that averaged=False gives", nudge)
    return None


def unsmoothed(trial: Trial) -> Problem | None:
    """The limit that everyone knows."""
    return _compare(trial, (0.0,), "the cross-entropy")


def smoothed(trial: Trial) -> Problem | None:
    """The definition."""
    return _compare(trial, EPSILONS, "the cross-entropy with smoothed targets")


def _compare(trial: Trial, epsilons: tuple[float, ...], expected: str) -> Problem | None:
    """The losses of several batches; a mistake is named if it explains all of them."""
    batches = [(*trial.batch(n, k), epsilon) for n, k in ((6, 5), (3, 10)) for epsilon in epsilons]
    own = [trial(*batch, False).detach() for batch in batches]
    right = [losses(*batch) for batch in batches]
    if all(map(near, own, right)):
        return None
    for mistake, found, nudge in MISTAKES:
        if all(near(a, mistake(*batch)) for a, batch in zip(own, batches, strict=True)):
            return Problem(found, expected, nudge)
    i = next(i for i in range(len(own)) if not near(own[i], right[i]))
    if not own[i].isfinite().all():
        nudge = (
            "Some targets are 0 then, and have no logarithm: the definition takes that of p, not "
        )
        nudge += "of q."
        return Problem(f"with ε = {batches[i][2]} a loss that is not finite", expected, nudge)
    nudge = "Work out one example of three classes by hand: its targets, log p, and the sum."
    found = f"with ε = {batches[i][2]} a loss of {own[i][0]:.4f}"
    return Problem(found, f"{right[i][0]:.4f}: {expected}", nudge)


def stable(trial: Trial) -> Problem | None:
    """No overflow, no log 0."""
    Y_hat, Y = trial.batch(scale=500.0)
    loss = trial(Y_hat, Y, 0.1, False)
    if near(loss, losses(Y_hat, Y, 0.1)):
        return None
    finite = bool(loss.isfinite().all())
    found = "other losses" if finite else "losses that are not finite"
    nudge = "exp(logit) overflows, and a softmax can round to 0, whose log is −∞. `F.log_softmax` "
    nudge += "computes the two in one step."
    if finite:
        nudge = "A small number added inside the log, or a clamp, hides the overflow and falsifies "
        nudge += "the loss: `F.log_softmax` needs neither."
    return Problem(f"{found}, with logits of 500 and more", "the definition's", nudge)


def differentiates(trial: Trial) -> Problem | None:
    """The gradient by the logits."""
    expected = "(p − q)/N for probabilities p and targets q"
    nudge = "Look for `detach`, `no_grad`, `.data` or a tensor made anew from numbers: a gradient "
    nudge += "has to pass through every term."
    Y_hat, Y = trial.batch()
    Y_hat.requires_grad_()
    with torch.enable_grad():
        loss = trial(Y_hat, Y, 0.1, True)
        if not loss.requires_grad:
            return Problem("no gradient", expected, nudge)
        loss.backward()
    right = (Y_hat.detach().softmax(1) - smooth(F.one_hot(Y, 5), 0.1)) / len(Y)
    if Y_hat.grad is not None and near(Y_hat.grad, right):
        return None
    return Problem("another gradient by the logits", expected, nudge)
