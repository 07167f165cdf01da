"""Requirements on a block: it computes the right values, in training and in evaluation."""

from __future__ import annotations

import torch

from ..report import Problem
from .attempt import Attempt
from .evaluate import near
from .graph import Node, branches, label, listed, nodes, steps, width
from .judge_parameters import mistaken
from .parameters import statistics

TRY = "Run that branch step by step on a small image and look where it goes astray."


def leaves_input(attempt: Attempt) -> Problem | None:
    """No operation in place on the input."""
    X = attempt.images.clone()
    with torch.no_grad():
        attempt.module(X)
    if torch.equal(X, attempt.images):
        return None
    nudge = "In-place operations may change a convolution's output, never the block's input: the "
    nudge += "other branches still need it."
    found = "the input's values have changed"
    return Problem(found, "the same values as before", nudge, "input-changed")


def _steady(attempt: Attempt) -> Problem | None:
    """Numbers, and the same ones again."""
    Y, again = attempt.seen.Y, attempt.observe(attempt.images, attempt.block.normed).Y
    if not Y.isfinite().all():
        return Problem("outputs that are not finite numbers", "finite numbers", TRY, "not-finite")
    if torch.equal(Y, again):
        return None
    nudge = "Nothing is random in this block: no dropout, and no layer made in `forward`."
    return Problem("two runs on the same images differ", "the same result", nudge, "random")


def _first(attempt: Attempt, about: str = "", expected: str = "") -> Problem | None:
    """The first mistake that explains the output, or the first about something."""
    for some in attempt.mistakes:
        if not about or any(about in mistake.kind[:2] for mistake in some):
            return mistaken(attempt, some, expected)
    return None


def has_relu(attempt: Attempt) -> Problem | None:
    """Nonlinearities, inner and last."""
    expected = "ReLU after every convolution"
    if problem := _first(attempt, "activation", expected):
        return problem
    right = attempt.seen.values[attempt.block.graph]
    if not attempt.missing or not attempt.seen.Y.min() < right.min() == 0:
        return None
    nudge = "After ReLU nothing is negative: some branch does not end with it."
    return Problem(f"outputs down to {attempt.seen.Y.min():.2f}", expected, nudge, "negative")


def normalises(attempt: Attempt) -> Problem | None:
    """In training: with the statistics of the batch, not stored ones, not those of one image."""
    mode = "each channel's mean and variance over this batch, images and pixels"
    if problem := _steady(attempt) or _first(attempt, "stored-statistics", mode):
        return problem
    X = attempt.images.clone()
    X[1:] *= 3
    if not near(attempt.train(X)[:1], attempt.seen.Y[:1]):
        return None
    nudge = "That is layer, instance or group norm. Batch norm takes the images together."
    return Problem("each image normalised by itself", mode, nudge, "image-statistics")


def remembers(attempt: Attempt) -> Problem | None:
    """Running statistics: used in evaluation, updated in training and only then."""
    X, others = attempt.images, 5 * attempt.numbers.images(2, 13, 9, seed=1) + 1
    switch = "With `F.batch_norm`, pass `training=self.training`."
    attempt.fill(begin=True)
    for _ in range(3):
        attempt.train(X)
    Y = attempt.infer(X)
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
    pairs = zip(before, statistics(attempt.module), strict=False)
    frozen = {t.numel() for old, t in pairs if torch.equal(old, t)}
    if not torch.equal(Y, attempt.infer(X)) and not frozen:
        return None
    found, ends = "training leaves running statistics as they were", branches(attempt.block.graph)
    inputs = attempt.block.inputs
    some = [b for b in ends if frozen & {width(n, inputs) for n in nodes(b) if n.op == "norm"}]
    if 0 < len(some) < len(ends):
        found += f", in {listed(some)}"
    expected = "an update in every training step"
    return attempt.block.problem("frozen-statistics", expected, found)


def agrees(attempt: Attempt) -> Problem | None:
    """The right values, in training and in evaluation, for several sizes."""
    block = attempt.block
    if problem := _steady(attempt) or _first(attempt):
        return problem
    if attempt.missing:
        return _other_values(attempt, attempt.missing[0], "", TRY)
    for training in (block.normed, not block.normed):
        seen = attempt.observe(attempt.numbers.images(1, 7, 16, seed=2), training)
        if not (missing := seen.missing(block.graph)):
            continue
        if training == block.normed:
            nudge = "The result may depend on the images only, not on history."
            return _other_values(attempt, missing[0], " on images of another size", nudge)
        if training:
            nudge = "Dropout and batch norm act differently in training: neither belongs here."
            return _other_values(attempt, missing[0], " after `train()` than after `eval()`", nudge)
        if attempt.has_all_statistics:
            nudge = "There, subtract the running mean, and divide by √(running variance + ε)."
            return _other_values(attempt, missing[0], " after `eval()`,", nudge)
    return None


def _other_values(attempt: Attempt, part: Node, when: str, nudge: str) -> Problem:
    if part is attempt.block.graph:
        return Problem(f"other values{when}".rstrip(","), attempt.block.same, nudge, "values")
    found = f"other values{when} in the branch `{label(part)}`"
    return Problem(found, f"{steps(part)}, with the same weights", nudge, "values")


def trains(attempt: Attempt) -> Problem | None:
    """A backward pass."""
    parameters = list(attempt.module.parameters())
    with torch.enable_grad():
        Y = attempt.module.train()(attempt.images.clone())
        if Y.requires_grad:
            Y.sum().backward()
    lost = sum(p.grad is None for p in parameters)
    if not lost:
        return None
    nudge = "Look for `detach`, `.data`, `no_grad` or `requires_grad=False`: they cut the gradient."
    found = f"{lost} of {len(parameters)} parameters without one"
    return Problem(found, "a gradient each", nudge, "no-gradient")
