"""A requirement on a block with batch norm: its running statistics, of training, for evaluation."""

from __future__ import annotations

import torch
from torch import nn

from ..report import Problem
from .evaluate import near
from .graph import Node, branches, listed, nodes, width
from .learners_block import Attempt
from .parameters import statistics

STEPS = 12  # for each batch norm on the longest way: the later ones settle after the earlier
START = 64.0


def remembers(attempt: Attempt) -> Problem | None:
    """Running statistics: used in evaluation, updated in training and only then."""
    X, others = attempt.images, 5 * attempt.numbers.images(2, 13, 9, seed=1) + 1
    switch = "With `F.batch_norm`, pass `training=self.training`."
    attempt.fill(begin=True)
    attempt.train(X, 3)
    Y = attempt.infer(X)
    if not Y.isfinite().all():
        found = "after training, evaluation gives outputs that are not finite numbers"
        return attempt.block.problem("statistics", "finite numbers", found)
    attempt.infer(others)
    if not torch.equal(Y, attempt.infer(X)):
        nudge = f"Running statistics change in training only. {switch}"
        found = "evaluation changes later outputs"
        return Problem(found, "the same output again", nudge, "evaluation-learns")
    if not near(attempt.infer(torch.cat([X, others]))[:2], Y):
        found = "in evaluation, an image's output depends on the others in its batch"
        expected = "the running mean and variance of training"
        return attempt.block.problem("batch-statistics", expected, found)
    before = [t.clone() for t in statistics(attempt.module)]
    attempt.train(others)
    pairs = list(zip(before, statistics(attempt.module), strict=False))
    frozen = [torch.equal(old, t) for old, t in pairs]
    if any(frozen):
        return _frozen(attempt, frozen, {t.numel() for old, t in pairs if torch.equal(old, t)})
    if not torch.equal(Y, attempt.infer(X)):
        told = attempt.has_all_statistics
        if told and attempt.observe(X, False).missing(attempt.block.graph):
            return _forgets(attempt)  # evaluation itself is wrong: that is for later
        return None if told and _torchs(attempt) else _forgets(attempt) or _converges(attempt)
    if not pairs:
        return _frozen(attempt, [], set())
    found, expected = "evaluation takes no notice of training", "the statistics of training"
    return attempt.block.problem("statistics", expected, found)


def _frozen(attempt: Attempt, frozen: list[bool], sizes: set[int]) -> Problem:
    """Statistics that training leaves as they were: which, and in which branches."""
    found, ends = "training leaves running statistics as they were", branches(attempt.block.graph)
    kinds = {one for one, still in zip(attempt.roles.variances, frozen, strict=False) if still}
    if any(attempt.roles.variances) and len(kinds) == 1:
        found = found.replace("statistics", "variances" if kinds == {True} else "means")
    inputs = attempt.block.inputs
    some = [b for b in ends if sizes & {width(n, inputs) for n in nodes(b) if n.op == "norm"}]
    if 0 < len(some) < len(ends):
        found += f", in {listed(some)}"
    return attempt.block.problem("frozen-statistics", "an update in every training step", found)


def _torchs(attempt: Attempt) -> bool:
    """Whether torch's own layers keep all statistics, and so update them as is right."""
    layers = [m for m in attempt.module.modules() if type(m) is nn.BatchNorm2d]
    own = sum(1 for m in layers for _ in statistics(m))
    return own == sum(1 for _ in statistics(attempt.module))


def _forgets(attempt: Attempt) -> Problem | None:
    """What statistics were before a training step counts less after it."""
    after = []
    for start in (0.0, START):
        attempt.fill()
        for t in statistics(attempt.module):
            t.fill_(start)
        attempt.train(attempt.images)
        after.append([t.clone() for t in statistics(attempt.module)])
    pairs = zip(*after, strict=False)
    if not any((b - a - START).abs().max() < 5e-4 * START for a, b in pairs):
        return None
    nudge = "Each step keeps a share of the old: (1 − momentum) · old + momentum · new."
    found = "training adds to running statistics, and what was in them stays whole"
    return Problem(found, "old values that fade", nudge, "accumulated-statistics")


def _converges(attempt: Attempt) -> Problem | None:
    """Trained on the same images again and again, it gives for them what it gives in training.

    Whatever the momentum, what is still to come is less than a few times the last steps' progress.
    """
    X = attempt.images  # not few pixels: a running variance may be the unbiased one
    attempt.fill(begin=True)
    depth: dict[Node, int] = {}
    for n in nodes(attempt.block.graph):
        depth[n] = (n.op == "norm") + max((depth[i] for i in n.inputs), default=0)
    steps, outputs = STEPS * max(depth.values()), []
    for _ in range(2):
        Y = attempt.train(X, steps)
        outputs.append(attempt.infer(X))
    early, late = outputs
    allowed = max(0.15 * Y.abs().max(), 5 * (late - early).abs().max())
    if (late - Y).abs().max() <= allowed:
        return None
    found = f"trained {2 * steps} times on the same images, it gives other values after `eval()`"
    return attempt.block.problem("statistics", "nearly the values of training", found)
