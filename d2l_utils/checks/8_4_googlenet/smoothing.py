"""Exercise 8.4/1.3: the label-smoothed cross-entropy as a function, judged by what it returns."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from ..report import Problem, Unattempted

__all__: list[str] = []

EPSILONS = (0.05, 0.1, 0.3)
WIDE = "The uniform targets are 1/K, one row an example and one column a class: the shape of "
WIDE += "`Y_hat`, not of `Y`, with K = `Y_hat.shape[1]`."
SOFTMAX = "Take `F.log_softmax` of the logits, once, along the classes: `dim=1`."
NUDGES = {
    r"has no attribute 'tye'": "A slip for `type`; and behind it: " + WIDE[0].lower() + WIDE[1:],
    r"(scalar type|dtype to be) Long|1D target tensor": WIDE,
    r"Expected floating point type for target": (
        "One-hot targets are integers: make them floating-point before they are mixed."
    ),
    r"must match the|out of bounds|Class values must be": (
        "K is `Y_hat.shape[1]`: not always 10, and not the largest label in the batch plus 1, "
        "which is what `F.one_hot` takes unless told."
    ),
    r"(Index|index).*(int64|dimensions)": (
        "`gather` and `scatter` want labels as whole numbers, one row an example: `Y[:, None]`."
    ),
    r"positional argument": "It takes four: `Y_hat, Y, epsilon, averaged=True`, in this order.",
}


class Trial:
    """An attempt, and the numbers it is tried on."""

    def __init__(self, attempt: Any) -> None:
        self.attempt = attempt
        self.random = torch.Generator().manual_seed(0)

    def batch(self, n: int = 6, classes: int = 5, scale: float = 2.0):
        """Logits (n, classes) and labels, among which the last class does not occur."""
        Y_hat = scale * torch.randn(n, classes, generator=self.random)
        return Y_hat, torch.arange(n) % (classes - 1)

    def __call__(self, *arguments) -> torch.Tensor:
        """What the attempt returns; a scaffold that is not filled in returns None."""
        loss = self.attempt(*arguments)
        if loss is None:
            raise Unattempted
        return loss


def smooth(one_hot: torch.Tensor, epsilon: float) -> torch.Tensor:
    """The right targets."""
    return (1 - epsilon) * one_hot + epsilon / one_hot.shape[1]


def losses(Y_hat, Y, epsilon: float, targets=smooth, log_p=F.log_softmax) -> torch.Tensor:
    """The loss of each example; the right one, unless told otherwise."""
    return -(targets(F.one_hot(Y, Y_hat.shape[1]), epsilon) * log_p(Y_hat, 1)).sum(1)


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
    if not isinstance(loss, torch.Tensor):
        nudge = "Stay with tensors to the end: `float`, `.item()` and NumPy lose the gradient."
        return Problem(f"a result of type {type(loss).__name__}", "a tensor", nudge)
    if not (torch.equal(Y_hat, before[0]) and torch.equal(Y, before[1])):
        nudge = "Work on a copy: methods with a trailing underscore change what they are given."
        return Problem("the logits or the labels have changed", "the same as before", nudge)
    if not near(trial(Y_hat, Y, 0.1), loss):
        nudge = "Write `averaged=True` in the line with `def`, as in the book."
        return Problem("another result without `averaged`", "as with `averaged=True`", nudge)
    return None


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


def _wrong(targets=smooth, log_p=F.log_softmax, extra=lambda q: 0):
    """A wrong loss: other targets, other logarithms, or something extra that targets decide."""

    def mistake(Y_hat, Y, e):
        q = targets(F.one_hot(Y, Y_hat.shape[1]), e)
        return losses(Y_hat, Y, e, targets, log_p) + extra(q)

    return mistake


# Losses, what is wrong with them, and a nudge; the first that explains all numbers is told.
MISTAKES = (
    (
        _wrong(lambda o, e: (1 - e) * o),
        "(1 − ε) times the cross-entropy: the uniform part has no effect",
        "Is its line a statement of its own? A line that begins with `+` adds nothing to the one "
        "above, unless parentheses hold both.",
    ),
    (
        _wrong(lambda o, e: o),
        "the plain cross-entropy: ε has no effect",
        "The right class gets 1 − ε + ε/K, each other ε/K.",
    ),
    (
        _wrong(lambda o, e: (1 - e) * o + e / (o.shape[1] - 1) * (1 - o)),
        "ε spread over the K − 1 wrong classes, 1 − ε left to the right one",
        "Another convention: its ε is (K − 1)/K of this one's. Here, as in the paper and in torch, "
        "the uniform part covers all K classes.",
    ),
    (
        _wrong(lambda o, e: (1 - e) * o + e / o.shape[1] * (1 - o)),
        "targets that sum to less than 1: 1 − ε for the right class, ε/K for the others",
        "The uniform part covers all K classes: the right one gets ε/K as well.",
    ),
    (
        _wrong(lambda o, e: (1 - e) * o + e),
        "a uniform part of 1 for each class, so that the targets sum to more than 1",
        WIDE,
    ),
    (
        _wrong(lambda o, e: (1 - e) * o + e / len(o)),
        "a uniform part divided by the number of examples, not of classes",
        WIDE,
    ),
    (
        _wrong(lambda o, e: e * o + (1 - e) / o.shape[1]),
        "ε and 1 − ε are swapped",
        "With ε = 0 the one-hot targets are left: 1 − ε is their factor.",
    ),
    (
        _wrong(lambda o, e: (1 - e) * o - e / o.shape[1]),
        "a uniform part with the wrong sign",
        "Both parts are cross-entropies, −Σ q log p, and add up.",
    ),
    (
        _wrong(lambda o, e: smooth(o, e) / o.shape[1]),
        "a mean over the classes, 1/K of the loss",
        "The definition sums over the classes; only the examples are averaged.",
    ),
    (
        _wrong(lambda o, e: -smooth(o, e)),
        "the loss with the opposite sign",
        "A cross-entropy is −Σ q log p, never negative.",
    ),
    (
        _wrong(log_p=lambda z, dim: z.softmax(1).log_softmax(1)),
        "softmax applied twice",
        f"`F.cross_entropy` applies it by itself. {SOFTMAX}",
    ),
    (_wrong(log_p=lambda z, dim: z.softmax(1)), "no logarithm", SOFTMAX),
    (_wrong(log_p=lambda z, dim: z.log_softmax(0)), "softmax along the batch", SOFTMAX),
    (
        _wrong(extra=lambda q: torch.special.xlogy(q, q).sum(1)),
        "the Kullback-Leibler divergence: the loss less the entropy of the targets",
        "The gradient is the same, the number is not: −Σ q log p is asked for.",
    ),
)
