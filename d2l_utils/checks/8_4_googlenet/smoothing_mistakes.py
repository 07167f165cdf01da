"""Exercise 8.4/1.3: the right loss, and what is known of wrong ones, with what to say to them."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

__all__: list[str] = []

WIDE = "The uniform targets are 1/K, one row an example and one column a class: the shape of "
WIDE += "`Y_hat`, not of `Y`, with K = `Y_hat.shape[1]`."
FIXED = 0.1  # the usual ε, which may be written in place of the argument
SOFTMAX = "Take `F.log_softmax` of the logits, once, along the classes: `dim=1`."


def smooth(one_hot: torch.Tensor, epsilon: float) -> torch.Tensor:
    """The right targets."""
    return (1 - epsilon) * one_hot + epsilon / one_hot.shape[1]


def losses(Y_hat, Y, epsilon: float, targets=smooth, log_p=F.log_softmax) -> torch.Tensor:
    """The loss of each example; the right one, unless told otherwise."""
    return -(targets(F.one_hot(Y, Y_hat.shape[1]), epsilon) * log_p(Y_hat, 1)).sum(1)


def _wrong(targets=smooth, log_p=F.log_softmax, extra=lambda q: 0):
    """A wrong loss: other targets, other logarithms, or something extra that targets decide."""

    def mistake(Y_hat, Y, e):
        q = targets(F.one_hot(Y, Y_hat.shape[1]), e)
        return losses(Y_hat, Y, e, targets, log_p) + extra(q)

    return mistake


def _uniform(part):
    """A wrong loss whose uniform part is ``part(logits)``, the other one right."""
    return lambda Y_hat, Y, e: (1 - e) * losses(Y_hat, Y, 0.0) - e * part(Y_hat)


# Losses, what is wrong with them, and a nudge; the first that explains all numbers is told.
MISTAKES = (
    (
        lambda Y_hat, Y, e: losses(Y_hat, Y, FIXED),
        f"the loss for ε = {FIXED}, whatever ε is given",
        f"Is {FIXED} written in your code? Take ε from the argument `epsilon`.",
    ),
    (
        _wrong(lambda o, e: (1 - e) * o),
        "(1 − ε) times the cross-entropy: the uniform part has no effect",
        "Is its line a statement of its own? A line that begins with `+` or `-` changes nothing in "
        "the one above, unless parentheses hold both.",
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
        _wrong(lambda o, e: o + e / o.shape[1]),
        "the one-hot targets without their factor 1 − ε: the sum is 1 + ε",
        "What the uniform part gets is taken from the right class: targets sum to 1.",
    ),
    (
        _wrong(lambda o, e: o + e),
        "ε added to each one-hot target: the sum is 1 + K·ε",
        "The right class keeps 1 − ε of its target, and the ε is divided among K classes.",
    ),
    (
        _wrong(lambda o, e: (1 - e) * o + e * (1 - o)),
        "ε for each wrong class, so that the targets sum to more than 1",
        "The ε is one share of the target. It is divided among the K classes.",
    ),
    (
        _wrong(lambda o, e: (1 - e) * o + e / (o.shape[1] - 1)),
        "a uniform part of ε/(K − 1) for all K classes: the targets sum to more than 1",
        "Among how many classes is ε divided? Among as many as get a part of it.",
    ),
    (
        _wrong(lambda o, e: (1 - e) * o + 1 / o.shape[1]),
        "a uniform part without its factor ε",
        "With ε = 0 the one-hot targets are left: ε is the factor of the uniform part.",
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
    (_wrong(log_p=lambda z, dim: z), "the logits in place of log-probabilities", SOFTMAX),
    (
        _uniform(lambda z: z.mean(1)),
        "the mean of the logits in the uniform part, in place of log-probabilities",
        "Both parts read from the same `F.log_softmax` of the logits.",
    ),
    (
        _uniform(lambda z: z.log_softmax(1).mean()),
        "one uniform part for all examples: a mean over the batch too",
        "The uniform part of an example is the mean over its own classes: `dim=1`.",
    ),
    (
        _wrong(log_p=lambda z, dim: z.log_softmax(1) / math.log(2)),
        "a loss in bits: the logarithm has base 2",
        "Here as in torch it is the natural logarithm.",
    ),
    (_wrong(log_p=lambda z, dim: z.log_softmax(0)), "softmax along the batch", SOFTMAX),
    (
        _wrong(extra=lambda q: torch.special.xlogy(q, q).sum(1)),
        "the Kullback-Leibler divergence: the loss less the entropy of the targets",
        "The gradient is the same, the number is not: −Σ q log p is asked for.",
    ),
)
