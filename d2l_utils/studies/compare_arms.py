"""Recorded arms against one of them: which differences are noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean, variance

__all__ = ["compare"]

RunsOfArms = Mapping[str, Sequence[Mapping]]  # the runs of each arm: what Study.records() returns

TEST_IMAGES = 10_000


def compare(records: RunsOfArms, reference: str) -> None:
    """Print by how many points of test accuracy each arm differs from the arm ``reference``.

    The noise has two sources: the seeds, whose spread is pooled over all arms, and the choice of
    the test images, counted as if two arms were wrong on images that have nothing to do with each
    other, which is the careful side. A difference counts beyond three standard errors.

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
    wrong = 100 - mean(base)
    images = 2 * wrong * (100 - wrong) / TEST_IMAGES  # of a difference, in points squared
    print(f"spread between seeds, pooled: {seeds**0.5:.2f} points")
    print(f"error of a difference by the choice of test images: {images**0.5:.2f} points")
    for arm, values in accuracy.items():
        if values:
            gap = mean(values) - mean(base)
            error = (seeds * (1 / len(values) + 1 / len(base)) + images) ** 0.5
            word = ("worse", "better")[gap > 0]
            word = word if abs(gap) > 3 * error else "no difference beyond noise"
            print(f"{arm}: {gap:+.2f} points, standard error {error:.2f}: {word}")
