"""Requirements on a block: it computes the right values, in training and in evaluation."""

from __future__ import annotations

from dataclasses import replace

import torch

from ..report import Problem
from .evaluate import Observation, Values, near
from .explain import explain
from .graph import Node, label, steps
from .judge_parameters import mistaken
from .judge_statistics import remembers
from .kinds_of_mistake import flaws
from .learners_block import Attempt
from .words_for_mistakes import NUDGES

__all__ = ["agrees", "has_relu", "leaves_input", "normalises", "remembers", "trains"]

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
    expected = f"ReLU after every {'batch norm' if attempt.block.normed else 'convolution'}"
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
    return _images_together(attempt, mode)


def _images_together(attempt: Attempt, mode: str) -> Problem | None:
    """The statistics are of all images of a batch."""
    if attempt.mistakes:  # a better explanation
        return None
    X = attempt.images.clone()
    X[1:] = 3 * X[1:].flip(-1)
    attempt.fill()
    Y, right = attempt.train(X), attempt.seen.Y
    if not near(Y[:1], right[:1]) or near(Y[1:], right[1:]):
        return None
    nudge = "That is layer, instance or group norm. Batch norm takes the images together."
    return Problem("each image normalised by itself", mode, nudge, "image-statistics")


def agrees(attempt: Attempt) -> Problem | None:
    """The right values, in training and in evaluation, for several sizes."""
    block = attempt.block
    if problem := _steady(attempt) or _first(attempt):
        return problem
    if attempt.missing:
        mode = "statistics of the batch, images and pixels"
        if block.normed and (problem := _images_together(attempt, mode)):
            return problem
        return _other_values(attempt, attempt.missing[0], "", TRY)
    for training in (block.normed, not block.normed):
        seen = attempt.observe(attempt.numbers.images(1, 7, 16, seed=2), training)
        if not (missing := seen.missing(block.graph)):
            continue
        if training == block.normed:
            nudge = "The result may depend on the images only, not on history."
            return _flawed(attempt, seen, missing[0], " on images of another size", nudge)
        if training:
            nudge = "Dropout and batch norm act differently in training: neither belongs here."
            return _other_values(attempt, missing[0], " after `train()` than after `eval()`", nudge)
        if attempt.has_all_statistics:
            when = " after `eval()`,"
            statistics = NUDGES["statistics"]
            return remembers(attempt) or _flawed(attempt, seen, missing[0], when, statistics)
    return None


def _flawed(attempt: Attempt, seen: Observation, part: Node, when: str, nudge: str) -> Problem:
    """Wrong values, and perhaps the flaw of all batch norms that explains them."""
    block = attempt.block
    problem = _other_values(attempt, part, when, nudge)
    for at in ("cat", "add"):
        if wrong := explain(block.graph, {"flaw": flaws}, seen.shows, at=at):
            found = f"{problem.found.rstrip(',')}: {block.finding(block.graph, wrong)}"
            nudge = block.nudge(block.graph, wrong)
            return replace(problem, found=found, nudge=nudge, code=wrong[0].kind.code)
    return problem


def _other_values(attempt: Attempt, part: Node, when: str, nudge: str) -> Problem:
    if part is attempt.block.graph:
        return Problem(f"other values{when}".rstrip(","), attempt.block.same, nudge, "values")
    found = f"other values{when} in the branch `{label(part)}`"
    return Problem(found, f"{steps(part)}, with the same weights", nudge, "values")


def trains(attempt: Attempt) -> Problem | None:
    """A backward pass: to every parameter, and along every path to the input."""
    attempt.fill()
    parameters, X = list(attempt.module.parameters()), attempt.images.clone().requires_grad_()
    right = attempt.images.clone().requires_grad_()
    with torch.enable_grad():
        Y = attempt.module.train()(X * 1)
        if Y.requires_grad:
            (Y * Y.detach()).sum().backward()
        Z = Values(right, attempt.roles.tell(attempt.numbers))[attempt.block.graph]
        (Z * Z.detach()).sum().backward()
    attempt.module.eval()
    nudge = "Look for `detach`, `.data`, `no_grad` or `requires_grad=False`: they cut the gradient."
    if lost := sum(p.grad is None for p in parameters):
        found = f"{lost} of {len(parameters)} parameters without one"
        return Problem(found, "a gradient each", nudge, "no-gradient")
    if X.grad is not None and (X.grad - right.grad).norm() <= 0.02 * right.grad.norm():
        return None
    found = "on a way from the input to the output the gradient is lost"
    return Problem(found, "a gradient of the input along every branch", nudge, "cut-path")
