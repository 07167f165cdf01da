"""The check of the smoothed loss: right styles pass, wrong ones are explained."""

import importlib
import time

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from d2l_utils.checks import run

SECTION = "d2l_utils.checks.8_4_googlenet"
Trial = importlib.import_module(f"{SECTION}.smoothing").Trial
mistakes = importlib.import_module(f"{SECTION}.smoothing_mistakes")
MISTAKES, losses = mistakes.MISTAKES, mistakes.losses

EXERCISE = "8.4/1.3"
RUNS, AVERAGES, UNSMOOTHED, SMOOTHED, STABLE, GRADIENT = range(6)


def one_hot(Y_hat, Y):
    return F.one_hot(Y, Y_hat.shape[1]).to(Y_hat.dtype)


def reduced(each, averaged):
    return each.mean() if averaged else each


# Right solutions


def gathered(Y_hat, Y, epsilon, averaged=True):
    log_p = F.log_softmax(Y_hat, dim=1)
    right = log_p.gather(1, Y[:, None])[:, 0]
    return reduced(-(1 - epsilon) * right - epsilon * log_p.mean(1), averaged)


def built(Y_hat, Y, eps, averaged=True):
    q = torch.full_like(Y_hat, eps / Y_hat.shape[1])
    q[torch.arange(len(Y)), Y] += 1 - eps
    return reduced(-(q * torch.log_softmax(Y_hat, -1)).sum(-1), averaged)


def probability_targets(a, b, c, d=True):
    u = torch.ones(a.shape) / a.shape[-1]
    q = (1 - c) * F.one_hot(b, a.shape[-1]) + c * u
    return F.cross_entropy(a, q, reduction="mean" if d else "none")


def two_entropies(Y_hat, Y, epsilon, averaged=True):
    """The published answer as it was meant."""
    Y_hat, reduction = Y_hat.reshape((-1, Y_hat.shape[-1])), "mean" if averaged else "none"
    u = torch.ones_like(Y_hat) / Y_hat.shape[-1]
    loss = (1 - epsilon) * F.cross_entropy(Y_hat, Y.reshape(-1), reduction=reduction)
    return loss + epsilon * F.cross_entropy(Y_hat, u, reduction=reduction)


def by_hand(Y_hat, Y, epsilon, averaged=True):
    """The largest logit taken off before exp, one example after the other."""
    each = []
    for z, y in zip(Y_hat, Y.tolist(), strict=True):
        z = z - z.max()
        log_p = z - z.exp().sum().log()
        each.append(-(1 - epsilon) * log_p[y] - epsilon * sum(log_p) / len(z))
    return reduced(torch.stack(each), averaged)


def divergence(Y_hat, Y, epsilon, averaged=True):
    q = one_hot(Y_hat, Y) * (1 - epsilon) + epsilon / Y_hat.shape[1]
    each = F.kl_div(Y_hat.log_softmax(1), q, reduction="none") - torch.special.xlogy(q, q)
    return reduced(each.sum(1), averaged)


def library(Y_hat, Y, epsilon, averaged=True):
    reduction = "mean" if averaged else "none"
    return F.cross_entropy(Y_hat, Y, label_smoothing=epsilon, reduction=reduction)


class Smoothed(nn.Module):
    forward = staticmethod(gathered)


RIGHT = [gathered, built, probability_targets, two_entropies, by_hand, divergence, library]


@pytest.mark.parametrize("attempt", [*RIGHT, Smoothed(), Smoothed.forward])
def test_right_solutions_pass(attempt):
    report = run(EXERCISE, attempt)
    assert report.passed, report.text


# Wrong solutions


def published(Y_hat, Y, epsilon, averaged=True):
    Y_hat = Y_hat.reshape((-1, Y_hat.shape[-1]))
    Y = Y.reshape((-1,))
    u = torch.ones(Y.shape).tye(torch.float32) / Y.shape[-1]
    loss = (1 - epsilon) * F.cross_entropy(Y_hat, Y, reduction="mean" if averaged else "none")
    +epsilon * F.cross_entropy(Y_hat, u, reduction="mean" if averaged else "none")
    return loss


def published_without_typo(Y_hat, Y, epsilon, averaged=True):
    u = torch.ones(Y.shape).type(torch.float32) / Y.shape[-1]
    loss = (1 - epsilon) * F.cross_entropy(Y_hat, Y, reduction="mean" if averaged else "none")
    +epsilon * F.cross_entropy(Y_hat, u, reduction="mean" if averaged else "none")
    return loss


def published_with_wide_targets(Y_hat, Y, epsilon, averaged=True):
    u = torch.ones(Y_hat.shape) / Y.shape[-1]
    loss = (1 - epsilon) * F.cross_entropy(Y_hat, Y, reduction="mean" if averaged else "none")
    +epsilon * F.cross_entropy(Y_hat, u, reduction="mean" if averaged else "none")
    return loss


def published_in_one_statement(Y_hat, Y, epsilon, averaged=True):
    u = torch.ones(Y_hat.shape) / Y.shape[-1]
    reduction = "mean" if averaged else "none"
    return (1 - epsilon) * F.cross_entropy(Y_hat, Y, reduction=reduction) + (
        epsilon * F.cross_entropy(Y_hat, u, reduction=reduction)
    )


def published_with_log_probabilities(Y_hat, Y, epsilon, averaged=True):
    """The same slip in another style: the second line is a statement of its own."""
    log_p = Y_hat.log_softmax(1)
    loss = -(1 - epsilon) * log_p.gather(1, Y[:, None])[:, 0]
    -epsilon * log_p.mean(1)
    return reduced(loss, averaged)


def published_with_one_hot(Y_hat, Y, epsilon, averaged=True):
    q = (1 - epsilon) * F.one_hot(Y) + epsilon / Y_hat.shape[1]
    return F.cross_entropy(Y_hat, q, reduction="mean" if averaged else "none")


NAN = float("nan")


def targets(make):
    """A loss from targets ``make(one-hot, ε, K)``."""

    def loss(Y_hat, Y, epsilon, averaged=True):
        q = make(one_hot(Y_hat, Y), epsilon, Y_hat.shape[1])
        return reduced(-(q * Y_hat.log_softmax(1)).sum(1), averaged)

    return loss


def log_p(make):
    """The right loss but for the logarithms ``make(logits)``."""

    def loss(Y_hat, Y, epsilon, averaged=True):
        q = (1 - epsilon) * one_hot(Y_hat, Y) + epsilon / Y_hat.shape[1]
        return reduced(-(q * make(Y_hat)).sum(1), averaged)

    return loss


def altered(change):
    """The right result, altered by ``change(result, averaged)``."""
    return lambda Y_hat, Y, e, averaged=True: change(library(Y_hat, Y, e, averaged), averaged)


def divided_by_all(Y_hat, Y, epsilon, averaged=True):
    q = (1 - epsilon) * one_hot(Y_hat, Y) + epsilon / Y_hat.shape[1]
    each = -q * Y_hat.log_softmax(1)
    return each.mean() if averaged else each.sum(1)


def in_place(Y_hat, Y, epsilon, averaged=True):
    Y_hat -= Y_hat.max(1, keepdim=True).values
    return library(Y_hat, Y, epsilon, averaged)


def half_cut(Y_hat, Y, epsilon, averaged=True):
    ce = F.cross_entropy(Y_hat, Y, reduction="mean" if averaged else "none")
    return (1 - epsilon) * ce + (library(Y_hat, Y, epsilon, averaged) - (1 - epsilon) * ce).detach()


WRONG = {
    "published": (published, RUNS, "no attribute 'tye'", "slip for `type`…shape of `Y_hat`"),
    "published, typo mended": (
        published_without_typo,
        RUNS,
        "Long",
        "shape of `Y_hat`, not of `Y`",
    ),
    "published, targets as wide as the logits": (
        published_with_wide_targets,
        UNSMOOTHED + 1,
        "the uniform part has no effect",
        "a statement of its own",
    ),
    "published, in one statement": (
        published_in_one_statement,
        SMOOTHED,
        "the number of examples, not of classes",
        "1/K",
    ),
    "published, with log-probabilities": (
        published_with_log_probabilities,
        SMOOTHED,
        "the uniform part has no effect",
        "begins with `+` or `-`",
    ),
    "published, one-hot without K": (
        published_with_one_hot,
        RUNS,
        "1D target tensor",
        "`F.one_hot(Y)` alone stops at the largest label…K = `Y_hat.shape[1]`",
    ),
    "softmax forgotten": (
        log_p(torch.log),
        RUNS,
        "not a number (nan)",
        "have no logarithm…log_softmax",
    ),
    "softmax forgotten, shifted": (
        log_p(lambda z: (z - z.min()).log()),
        RUNS,
        "an infinite loss",
        "have no logarithm…log_softmax",
    ),
    "nan for each example only": (
        lambda Y_hat, Y, e, averaged=True: (
            library(Y_hat, Y, e, averaged) * (1 if averaged else NAN)
        ),
        RUNS,
        "not a number",
        "log_softmax",
    ),
    "log q": (
        lambda Y_hat, Y, e, averaged=True: reduced(
            -(Y_hat.softmax(1) * ((1 - e) * one_hot(Y_hat, Y) + e / Y_hat.shape[1]).log()).sum(1),
            averaged,
        ),
        UNSMOOTHED,
        "with ε = 0.0 a loss that is not finite",
        "of p, not of q",
    ),
    "logits": (
        log_p(lambda z: z),
        UNSMOOTHED,
        "the logits in place of log-probabilities",
        "log_softmax",
    ),
    "logits given to nll_loss": (
        lambda Y_hat, Y, e, averaged=True: reduced(
            (1 - e) * F.nll_loss(Y_hat, Y, reduction="none") - e * Y_hat.mean(1), averaged
        ),
        UNSMOOTHED,
        "the logits in place of log-probabilities",
        "log_softmax",
    ),
    "logits in the uniform part": (
        lambda Y_hat, Y, e, averaged=True: reduced(
            (1 - e) * library(Y_hat, Y, 0, False) - e * Y_hat.mean(1), averaged
        ),
        SMOOTHED,
        "the mean of the logits in the uniform part",
        "same `F.log_softmax`",
    ),
    "the right class's logit": (
        lambda Y_hat, Y, e, averaged=True: reduced(
            -(1 - e) * Y_hat.gather(1, Y[:, None])[:, 0] - e * Y_hat.log_softmax(1).mean(1),
            averaged,
        ),
        UNSMOOTHED,
        "the logits in place of log-probabilities",
        "log_softmax",
    ),
    "uniform part over the batch": (
        lambda Y_hat, Y, e, averaged=True: reduced(
            (1 - e) * library(Y_hat, Y, 0, False) - e * Y_hat.log_softmax(1).mean(), averaged
        ),
        SMOOTHED,
        "a mean over the batch too",
        "dim=1",
    ),
    "uniform part along the batch": (
        lambda Y_hat, Y, e, averaged=True: reduced(
            (1 - e) * library(Y_hat, Y, 0, False) - e * Y_hat.log_softmax(1).mean(0), averaged
        ),
        RUNS,
        "must match",
        "`dim=1`",
    ),
    "without keepdim": (
        log_p(lambda z: z - z.logsumexp(1)),
        RUNS,
        "must match",
        "`keepdim=True`",
    ),
    "bits": (altered(lambda loss, _: loss / 0.6931472), UNSMOOTHED, "base 2", "natural"),
    "no 1 − ε": (
        targets(lambda o, e, k: o + e / k),
        SMOOTHED,
        "without their factor 1 − ε",
        "taken from the right class",
    ),
    "no 1 − ε, two entropies": (
        lambda Y_hat, Y, e, averaged=True: reduced(
            library(Y_hat, Y, 0, False) - e * Y_hat.log_softmax(1).mean(1), averaged
        ),
        SMOOTHED,
        "without their factor 1 − ε",
        "taken from the right class",
    ),
    "no 1 − ε, no K": (targets(lambda o, e, k: o + e), SMOOTHED, "1 + K·ε", "keeps 1 − ε"),
    "ε for each wrong class": (
        targets(lambda o, e, k: torch.where(o > 0, 1 - e, e)),
        SMOOTHED,
        "ε for each wrong class",
        "divided among",
    ),
    "K − 1 for all": (
        targets(lambda o, e, k: (1 - e) * o + e / (k - 1)),
        SMOOTHED,
        "ε/(K − 1) for all K classes",
        "how many classes",
    ),
    "no ε": (
        targets(lambda o, e, k: (1 - e) * o + 1 / k),
        UNSMOOTHED,
        "without its factor ε",
        "With ε = 0",
    ),
    "no return": (lambda *_: None, RUNS, "type NoneType for averaged=True", "`return`"),
    "no return for each": (
        altered(lambda loss, averaged: loss if averaged else None),
        RUNS,
        "type NoneType for averaged=False",
        "`return`",
    ),
    "ε ignored": (targets(lambda o, e, k: o), SMOOTHED, "ε has no effect", "1 − ε"),
    "ε fixed": (
        lambda Y_hat, Y, e, averaged=True: library(Y_hat, Y, 0.1, averaged),
        UNSMOOTHED,
        "the loss for ε = 0.1, whatever ε is given",
        "from the argument `epsilon`",
    ),
    "ε fixed, but for 0": (
        lambda Y_hat, Y, e, averaged=True: library(Y_hat, Y, 0.1 if e else 0.0, averaged),
        SMOOTHED,
        "the loss for ε = 0.1, whatever ε is given",
        "from the argument `epsilon`",
    ),
    "another ε fixed": (
        lambda Y_hat, Y, e, averaged=True: library(Y_hat, Y, 0.2, averaged),
        UNSMOOTHED,
        "with ε = 0.0 a loss of",
        "by hand",
    ),
    "K − 1 classes": (
        targets(lambda o, e, k: torch.where(o > 0, 1 - e, e / (k - 1))),
        SMOOTHED,
        "spread over the K − 1 wrong classes",
        "convention",
    ),
    "sum below 1": (
        targets(lambda o, e, k: torch.where(o > 0, 1 - e, e / k)),
        SMOOTHED,
        "sum to less than 1",
        "as well",
    ),
    "ones": (targets(lambda o, e, k: (1 - e) * o + e), SMOOTHED, "more than 1", "1/K"),
    "swapped": (targets(lambda o, e, k: e * o + (1 - e) / k), UNSMOOTHED, "swapped", "1 − ε"),
    "minus": (targets(lambda o, e, k: (1 - e) * o - e / k), SMOOTHED, "wrong sign", "add up"),
    "negative": (altered(lambda loss, _: -loss), UNSMOOTHED, "opposite sign", "never negative"),
    "softmax twice": (
        lambda Y_hat, Y, e, averaged=True: library(Y_hat.softmax(1), Y, e, averaged),
        UNSMOOTHED,
        "softmax applied twice",
        "by itself",
    ),
    "no logarithm": (log_p(lambda z: z.softmax(1)), UNSMOOTHED, "no logarithm", "log_softmax"),
    "along the batch": (log_p(lambda z: z.log_softmax(0)), UNSMOOTHED, "along the batch", "dim=1"),
    "divergence": (
        lambda Y_hat, Y, e, averaged=True: reduced(
            F.kl_div(
                Y_hat.log_softmax(1),
                (1 - e) * one_hot(Y_hat, Y) + e / Y_hat.shape[1],
                reduction="none",
            ).sum(1),
            averaged,
        ),
        SMOOTHED,
        "Kullback-Leibler",
        "gradient is the same",
    ),
    "something else": (altered(lambda loss, _: 2 * loss), UNSMOOTHED, "a loss of", "by hand"),
    "averaged ignored": (
        altered(lambda loss, averaged: loss.mean()),
        AVERAGES,
        "shape () for averaged=False",
        "`averaged` decides",
    ),
    "never averaged": (
        lambda Y_hat, Y, e, averaged=True: library(Y_hat, Y, e, False),
        AVERAGES,
        "shape (6,) for averaged=True",
        "`averaged` decides",
    ),
    "squeezed": (
        lambda Y_hat, Y, e, averaged=True: library(Y_hat, Y, e, averaged).squeeze(),
        AVERAGES,
        "shape () for averaged=False, 1 example",
        "`averaged` decides",
    ),
    "no sum over the classes": (
        lambda Y_hat, Y, e, averaged=True: reduced(
            -((1 - e) * one_hot(Y_hat, Y) + e / Y_hat.shape[1]) * Y_hat.log_softmax(1), averaged
        ),
        AVERAGES,
        "shape (6, 5)",
        "sum over the classes",
    ),
    "mean over classes too": (divided_by_all, AVERAGES, "1/K of the loss", "only the examples"),
    "mean over classes always": (
        altered(lambda loss, averaged: loss / 5),
        UNSMOOTHED,
        "a loss of",
        "by hand",
    ),
    "mean in place of sum": (
        targets(lambda o, e, k: ((1 - e) * o + e / k) / k),
        UNSMOOTHED,
        "1/K of the loss",
        "sums over the classes",
    ),
    "sum over examples": (
        altered(lambda loss, averaged: loss * 6 if averaged and loss.numel() == 1 else loss),
        AVERAGES,
        "the sum over the examples",
        "mean",
    ),
    "median": (
        lambda Y_hat, Y, e, averaged=True: (
            library(Y_hat, Y, e, False).median() if averaged else library(Y_hat, Y, e, False)
        ),
        AVERAGES,
        "not the mean",
        "mean",
    ),
    "another default": (
        lambda Y_hat, Y, e, averaged=False: library(Y_hat, Y, e, averaged),
        RUNS,
        "without `averaged`",
        "averaged=True",
    ),
    "no averaged": (
        lambda Y_hat, Y, epsilon: library(Y_hat, Y, epsilon),
        RUNS,
        "takes 3 positional arguments",
        "It takes four",
    ),
    "log of softmax": (
        log_p(lambda z: z.softmax(1).log()),
        STABLE,
        "not finite",
        "log_softmax",
    ),
    "log of a sum of exp": (
        log_p(lambda z: z - z.exp().sum(1, keepdim=True).log()),
        STABLE,
        "not finite",
        "overflows",
    ),
    "log of softmax and a bit": (
        log_p(lambda z: (z.softmax(1) + 1e-9).log()),
        STABLE,
        "other losses",
        "falsifies",
    ),
    "cut": (altered(lambda loss, _: loss.detach()), GRADIENT, "no gradient", "detach"),
    "half cut": (half_cut, GRADIENT, "another gradient", "every term"),
    "float": (altered(lambda loss, _: float(loss.mean())), RUNS, "of type float", "tensors"),
    "in place": (in_place, RUNS, "have changed", "copy"),
    "ten classes": (
        lambda Y_hat, Y, e, averaged=True: reduced(
            -((1 - e) * F.one_hot(Y, 10) + e / 10).mul(Y_hat.log_softmax(1)).sum(1), averaged
        ),
        RUNS,
        "must match the size",
        "not always 10",
    ),
    "classes of the batch": (
        lambda Y_hat, Y, e, averaged=True: reduced(
            -((1 - e) * F.one_hot(Y) + e / 5).mul(Y_hat.log_softmax(1)).sum(1), averaged
        ),
        RUNS,
        "must match the size",
        "`F.one_hot(Y)` has columns only up to",
    ),
    "classes of the batch, einsum": (
        lambda Y_hat, Y, e, averaged=True: reduced(
            -torch.einsum("nk,nk->n", F.one_hot(Y).float(), Y_hat.log_softmax(1)), averaged
        ),
        RUNS,
        "seen size 4",
        "`F.one_hot(Y)` has columns only up to",
    ),
    "as many classes as examples": (
        lambda Y_hat, Y, e, averaged=True: reduced(
            -((1 - e) * F.one_hot(Y, len(Y)) + e / 5).mul(Y_hat.log_softmax(1)).sum(1), averaged
        ),
        RUNS,
        "must match the size",
        "K is `Y_hat.shape[1]`",
    ),
    "integer targets": (
        lambda Y_hat, Y, e, averaged=True: F.cross_entropy(Y_hat, F.one_hot(Y, 5)),
        RUNS,
        "floating point type",
        "floating-point",
    ),
    "flat index": (
        lambda Y_hat, Y, e, averaged=True: Y_hat.gather(1, Y).mean(),
        RUNS,
        "Index tensor",
        "Y[:, None]",
    ),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_each_mistake_is_named(case):
    attempt, index, found, nudge = case
    report = run(EXERCISE, attempt)
    assert report.failed == index, report.text
    assert found in report.problem.found, report.text
    assert all(part in report.problem.nudge for part in nudge.split("…")), report.text
    assert report.problem.nudge.count(". ") <= 1  # two sentences at most
    assert max(map(len, report.text.splitlines())) <= 88


# Not attempted, and not worth attempting


def scaffold(Y_hat, Y, epsilon, averaged=True):
    raise NotImplementedError


@pytest.mark.parametrize("attempt", [None, ..., scaffold])
def test_scaffolds_are_not_attempted_yet(attempt):
    assert "not attempted yet" in run(EXERCISE, attempt).text


JUNK = [
    0.5,
    "loss",
    torch.ones(()),
    int,
    lambda: 1,
    nn.CrossEntropyLoss,
    lambda Y_hat, Y, e, averaged=True: Y_hat,
    lambda Y_hat, Y, e, averaged=True: Y,
    lambda Y_hat, Y, e, averaged=True: Y_hat[0] > 0,
    lambda Y_hat, Y, e, averaged=True: Y_hat.sum() * torch.nan,
    lambda Y_hat, Y, e, averaged=True: torch.rand(() if averaged else (len(Y),)),
    lambda Y_hat, Y, e, averaged=True: library(Y_hat, Y, e, averaged).to_sparse(),
    lambda Y_hat, Y, e, averaged=True: exit(),
]


@pytest.mark.parametrize("attempt", JUNK, ids=range(len(JUNK)))
def test_junk_is_refused_not_raised(attempt):
    report = run(EXERCISE, attempt)
    assert report.attempted
    assert not report.passed
    assert " at 0x" not in report.text


# The two numbers


@pytest.mark.parametrize(
    ("exercise", "given"),
    [
        ("8.4/1.3b", 0.5003),
        ("8.4/1.3b", 0.5),
        ("8.4/1.3b", torch.tensor(0.500288)),
        ("8.4/1.3c", 4.51),
        ("8.4/1.3c", torch.tensor(91.0).log()),
    ],
)
def test_right_numbers_pass(exercise, given):
    assert run(exercise, given).passed


def entropy(*q):
    q = torch.tensor(q)
    return -(q * q.log()).sum()


@pytest.mark.parametrize(
    ("exercise", "given", "reply"),
    [
        ("8.4/1.3b", 0, "limit for ε = 0"),
        ("8.4/1.3b", -torch.tensor(0.9).log(), "−log 0.9"),
        ("8.4/1.3b", -torch.tensor(0.91).log(), "−log 0.91"),
        ("8.4/1.3b", -0.91 * torch.tensor(0.91).log(), "right class's part"),
        ("8.4/1.3b", -0.09 * torch.tensor(0.01).log(), "nine wrong classes"),
        ("8.4/1.3b", entropy(0.9, 0.1), "not one class's"),
        ("8.4/1.3b", entropy(0.9, *[0.1 / 9] * 9), "spread over"),
        ("8.4/1.3b", entropy(0.91, *[0.01] * 9) / torch.tensor(2.0).log(), "in bits"),
        ("8.4/1.3b", torch.tensor(10.0).log(), "a guess"),
        ("8.4/1.3b", 0.105, "−log 0.9:"),
        ("8.4/1.3b", 0.094, "−log 0.91"),
        ("8.4/1.3b", 0.086, "right class's part"),
        ("8.4/1.3b", 0.414, "nine wrong classes"),
        ("8.4/1.3b", 0.502, "makes −Σ q log p smallest"),
        ("8.4/1.3b", 1.0, "makes −Σ q log p smallest"),
        ("8.4/1.3c", torch.inf, "for ε = 0"),
        ("8.4/1.3c", 91, "ratio of the probabilities"),
        ("8.4/1.3c", 90, "take the log"),
        ("8.4/1.3c", 4.5, "log 90"),
        ("8.4/1.3c", torch.tensor(81.0).log(), "log 81"),
        ("8.4/1.3c", torch.tensor(9.0).log(), "log 9"),
        ("8.4/1.3c", torch.tensor(0.91 / 0.09).log(), "not with all"),
        ("8.4/1.3c", torch.tensor(91.0).log2(), "log₂"),
        ("8.4/1.3c", torch.tensor(91.0).log10(), "log₁₀"),
        ("8.4/1.3c", 0.9, "difference of the probabilities"),
        ("8.4/1.3c", 1, "p_a / p_b"),
    ],
)
def test_each_wrong_number_gets_its_own_reply(exercise, given, reply):
    report = run(exercise, given)
    assert not report.passed
    assert reply in report.problem.nudge


@pytest.mark.parametrize("exercise", ["8.4/1.3b", "8.4/1.3c"])
def test_no_number_is_not_attempted_yet(exercise):
    assert not run(exercise, ...).attempted


# The check itself


def test_known_mistakes_are_mistakes_and_differ():
    Y_hat, Y = Trial(None).batch()
    values = [losses(Y_hat, Y, 0.3), *(mistake(Y_hat, Y, 0.3) for mistake, *_ in MISTAKES)]
    for i, value in enumerate(values):
        assert all((value - other).abs().max() > 1e-3 for other in values[:i])


def test_the_right_losses_are_torchs():
    Y_hat, Y = Trial(None).batch()
    assert torch.allclose(losses(Y_hat, Y, 0.3), library(Y_hat, Y, 0.3, False))


@pytest.mark.parametrize("seed", range(5))
def test_other_numbers_give_the_same_verdicts(monkeypatch, seed):
    start = Trial.__init__

    def reseeded(self, attempt):
        start(self, attempt)
        self.random.manual_seed(100 + seed)

    monkeypatch.setattr(Trial, "__init__", reseeded)
    assert all(run(EXERCISE, attempt).passed for attempt in RIGHT)
    for attempt, index, found, _ in WRONG.values():
        report = run(EXERCISE, attempt)
        assert report.failed == index
        assert found in report.problem.found


def test_it_leaves_no_trace_and_says_the_same_again():
    state = torch.get_rng_state()
    texts = {run(EXERCISE, WRONG["something else"][0]).text for _ in range(2)}
    assert len(texts) == 1
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_gradients_may_be_off_around_it(mode):
    with mode():
        for attempt in RIGHT:
            assert run(EXERCISE, attempt).passed
        assert run(EXERCISE, WRONG["cut"][0]).failed == GRADIENT


def test_doubles_by_default():
    torch.set_default_dtype(torch.float64)
    try:
        assert all(run(EXERCISE, attempt).passed for attempt in RIGHT)
    finally:
        torch.set_default_dtype(torch.float32)


def test_it_is_instant():
    start = time.process_time()
    run(EXERCISE, by_hand)
    assert time.process_time() - start < 0.3
