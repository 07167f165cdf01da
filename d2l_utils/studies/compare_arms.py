"""Recorded arms against one of them: which differences are resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean, variance

import numpy as np

from .run import images_right

__all__ = ["compare"]

RunsOfArms = Mapping[str, Sequence[Mapping]]  # the runs of each arm: what Study.records() returns

TEST_IMAGES = 10_000
RESOLVED = 3.0  # standard errors


def compare(records: RunsOfArms, reference: str) -> None:
    """Print by how many points of test accuracy each arm differs from the arm ``reference``.

    The variance of a difference is the sum of two: that of the seeds, pooled over all arms; and
    that of the choice of the test images, from the pairs that the two arms make on each image (of
    each arm the share of its seeds that are right about it), as in McNemar's test. What seeds and
    images do together is in both: the sum is on the careful side. Where runs do not tell which
    images were right, the arms are taken to be wrong on images that have nothing to do with each
    other, which is more careful still. A difference is resolved from three standard errors on.

    Raises:
        ValueError: ``reference`` is none of the arms.
    """
    if reference not in records:
        arms = ", ".join(map(repr, records))
        raise ValueError(f"reference = {reference!r}: expected one of {arms}")
    accuracy = {arm: [100 * run["test"]["acc"] for run in runs] for arm, runs in records.items()}
    repeated = [values for values in accuracy.values() if len(values) > 1]
    base = accuracy.pop(reference)
    if not repeated or not base:
        print("not recorded yet")
        return
    freedom = sum(len(values) - 1 for values in repeated)
    seeds = sum((len(values) - 1) * variance(values) for values in repeated) / freedom
    print(f"spread between seeds, pooled: {seeds**0.5:.2f} points, {freedom} degrees of freedom")
    for arm, values in accuracy.items():
        if not values:
            continue
        gap = mean(values) - mean(base)
        images, how = _of_images(records[arm], records[reference])
        error = (seeds * (1 / len(values) + 1 / len(base)) + images) ** 0.5
        least = f"{RESOLVED * error:.2f} points"
        verdict = f"not resolved below {least}"
        if abs(gap) >= RESOLVED * error:
            verdict = f"{('worse', 'better')[gap > 0]}, resolved from {least} on"
        print(f"{arm}: {gap:+.2f} points, standard error {error:.2f} ({how}): {verdict}")


def _of_images(arm: Sequence[Mapping], reference: Sequence[Mapping]) -> tuple[float, str]:
    """The variance of a difference by the choice of the test images, in points squared, and how."""
    right = [[images_right(run) for run in runs] for runs in (arm, reference)]
    if any(one is None for runs in right for one in runs):
        wrong = 100 * (1 - mean(run["test"]["acc"] for run in reference))
        return 2 * wrong * (100 - wrong) / TEST_IMAGES, "images apart"
    ours, theirs = (np.mean(runs, axis=0) for runs in right)
    return float(np.var(100 * (ours - theirs), ddof=1) / ours.size), "images paired"
