"""Exercise 8.4/1.1: the Inception block with batch normalisation, judged by what it does."""

from __future__ import annotations

from collections import Counter

import torch

from ..report import Problem
from .inception import NUDGES, Trial
from .inception_branches import (
    BRANCHES,
    CONVS,
    IN,
    NORMED,
    PARAMETERS,
    SHARING,
    TOTAL,
    assignments,
    branch_of,
    execute,
    listed,
    locate,
    tensors,
)
from .inception_weights import function, randomise, steady

NORM_NUDGES = {
    r"running_mean should contain|weight should contain|Expected weight to be a vector": (
        "A batch norm has as many channels as the convolution before it gives: use "
        "`nn.LazyBatchNorm2d`, or compare the two numbers."
    ),
    r"expected (2D|3D|5D|2D or 3D) input \(got 4D": "For images it is `BatchNorm2d`.",
    **NUDGES,
}
SIX = "Six batch norms: one after each convolution, before its ReLU."
BIAS = "Batch norm subtracts the mean and any bias with it; its shift takes the bias's place, so "
BIAS += "leave that out: `bias=False`."
MODE = "each channel's mean and variance over this batch, images and pixels"
SWITCH = "With `F.batch_norm`, pass `training=self.training`."


class NormTrial(Trial):
    """An attempt at a block in which batch norm stands between each convolution and its ReLU."""

    exercise = "8.4/1.1"
    branches = NORMED
    parameters = PARAMETERS + sum(out for out, _, _ in CONVS.values())
    same = "the block with batch norm, with the same weights"
    normed = True
    relu = "ReLU after each of the six batch norms"
    run = Trial.trained

    def blame(self, vectors: Counter[int]) -> tuple[str, str]:
        """What is wrong with scales, shifts and biases, counted by length; and a nudge."""
        if vectors[IN]:
            return self._of_the_input()
        own: Counter[str] = Counter()
        for n, roles in SHARING.items():
            own.update(dict.fromkeys(roles, vectors[n]))
        lacking = [role for role in CONVS if own[role] < 2]
        if len(lacking) == len(CONVS):
            if _statistics(self):
                nudge = "Keep scale and shift, `affine=True`: they are learned."
                return "batch norms without a scale and a shift", nudge
            return "no batch norm", SIX
        if lacking:
            where = ", ".join(f"{CONVS[r][2]}x{CONVS[r][2]} to {CONVS[r][0]}" for r in lacking)
            found = f"no batch norm after the convolution{'s' * (len(lacking) > 1)} {where}"
            if lacking == ["2a", "3a"]:
                found = "no batch norm after the two reductions"
                found += ", only at the end of the block" * (vectors[TOTAL] > 0)
            return found, SIX
        biased = sum(n == 3 for n in own.values())
        if biased and biased + sum(n == 2 for n in own.values()) == len(CONVS):
            return f"{biased} of 6 convolutions with a bias, which batch norm cancels", BIAS
        return "more vectors than six scales and six shifts", SIX

    def _of_the_input(self) -> tuple[str, str]:
        """Which branches normalise what they are given, before their first convolution."""
        X = self.images(4, 13, 9)
        Y, Z = self.trained(X), X.clone()
        Z[:, 0] *= 10  # to a batch norm it is the same channel as before
        channels = Y.shape[1] - _apart(Y, self.trained(Z))
        where = {CONVS[steps[-2]][0]: f"the input of `{b}`" for b, steps in BRANCHES.items()}
        where |= {CONVS["4"][0]: "the pool's output", TOTAL: "the block's input"}
        found = f"{where.get(channels, 'an input')} is normalised before its convolution"
        return found, "Leave that one out: batch norm comes after a convolution, not before it."


def _apart(first: torch.Tensor, second: torch.Tensor) -> int:
    """The number of channels that differ, by more than rounding makes them."""
    gaps = (first - second).abs().amax((0, 2, 3))
    return int((gaps > 1e-3 * max(1.0, first.abs().max())).sum())


def normalises(trial: NormTrial) -> Problem | None:
    """In training: with the statistics of the batch, not stored ones, not those of one image."""
    randomise(trial)
    if problem := steady(trial):
        return problem
    X = trial.images(4, 13, 9)
    Y = trial.trained(X)
    if _apart(Y, trial.trained(10 * X)) > 4:  # some can be so near zero that ε matters
        found = "another output in training, when all images are multiplied by 10"
        return Problem(found, MODE, f"In training the batch at hand sets the scale. {SWITCH}")
    X[1:] *= 3
    if not _apart(Y[:1], trial.trained(X)[:1]):
        nudge = "That is layer, instance or group norm. Batch norm takes the images together."
        return Problem("each image normalised by itself", MODE, nudge)
    return None


def remembers(trial: NormTrial) -> Problem | None:
    """Running statistics: used in evaluation, updated in training and only then."""
    X, others = trial.images(2, 13, 9), 5 * trial.images(2, 13, 9) + 1
    for _ in range(3):
        trial.trained(X)
    Y = trial(X)
    trial(others)
    if not torch.equal(Y, trial(X)):
        nudge = f"Running statistics change in training only. {SWITCH}"
        return Problem("evaluation changes later outputs", "the same output again", nudge)
    if _apart(Y, trial(torch.cat([X, others]))[:2]):
        found = "in evaluation, an image's output depends on the others in its batch"
        nudge = "After `eval()` running statistics are used, not the batch's: look for "
        nudge += f"`track_running_stats=False`. {SWITCH}"
        return Problem(found, "the running mean and variance of training", nudge)
    before = {shape: [t.clone() for t in kept] for shape, kept in _statistics(trial).items()}
    trial.trained(others)
    frozen = [
        shape
        for shape, kept in _statistics(trial).items()
        if any(map(torch.equal, kept, before.get(shape, ())))
    ]
    if not torch.equal(Y, trial(X)) and not frozen:
        return None
    found = "training leaves running statistics as they were"
    branches = list(dict.fromkeys(branch_of(r) for s in frozen for r in SHARING[s[0]]))
    if 0 < len(branches) < len(BRANCHES):
        found += f", in {listed(branches)}"
    nudge = "Is `momentum` 0, or a batch norm not used, or are they made anew in each `forward`?"
    return Problem(found, "an update in every training step", nudge)


def _statistics(trial: NormTrial) -> dict[tuple[int, ...], list[torch.Tensor]]:
    found = tensors(trial.block)[1]
    return {s: kept for s, kept in found.items() if len(s) == 1 and s[0] in SHARING}


def agrees(trial: NormTrial) -> Problem | None:
    """The right function in training, then in evaluation with the running statistics it has now."""
    if problem := function(trial):
        return problem
    X = trial.images(2, 13, 9)
    for scale in (1, 2):
        trial.trained(scale * trial.images(2, 13, 9))
    Y = trial(X)
    tolerance = 1e-4 * (1 + float(Y.abs().max()))
    ways = [  # mean and variance may be either way round; none if they could not be told apart
        weights
        for weights in assignments(trial.block, normed=True)
        if all(w.key == trial.weights[r].key and None not in w.running for r, w in weights.items())
    ]
    for branch, steps in NORMED.items():
        parts = (execute(steps, X, weights, training=False) for weights in ways)
        if ways and all(locate(Y, part, tolerance) is None for part in parts):
            nudge = "There, subtract the running mean, and divide by √(running variance + ε)."
            found = f"other values after `eval()`, in the branch `{branch}`"
            return Problem(found, trial.same, nudge)
    return None
