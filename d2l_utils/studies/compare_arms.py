"""Recorded arms against one of them: which differences are resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean, variance

import numpy as np

from ..display.tables import Table
from .run import images_right

__all__ = ["compare"]

RunsOfArms = Mapping[str, Sequence[Mapping]]  # the runs of each arm: what Study.records() returns

TEST_IMAGES = 10_000
RESOLVED = 3.0  # standard errors
# As many of them with few degrees of freedom: Student's quantile for as rare a chance, 0.27 %
# (JCGM 100:2008, table G.2)
STUDENT = {1: 235.8, 2: 19.21, 3: 9.22, 4: 6.62, 5: 5.51, 6: 4.90, 7: 4.53, 8: 4.28, 9: 4.09}
STUDENT |= {10: 3.96, 12: 3.76, 14: 3.64, 16: 3.54, 18: 3.48, 20: 3.42, 30: 3.27, 50: 3.16}
COLUMNS = {
    "arm": "",
    "points": "+.2f",
    "standard error": ".2f",
    "images": "",
    "verdict": "",
}


def compare(records: RunsOfArms, reference: str) -> None:
    """Show by how many points of test accuracy each arm differs from the arm ``reference``.

    The variance of a difference is the sum of two: that of the seeds, pooled over all arms; and
    that of the choice of the test images, from the pairs that the two arms make on each image (of
    each arm the share of its seeds that are right about it), as in McNemar's test. What seeds and
    images do together is in both: the sum is on the careful side. Where runs do not tell which
    images were right, the arms are taken to be wrong on images that have nothing to do with each
    other.

    A difference is resolved from three standard errors on; of the seeds' from as many more as few
    degrees of freedom ask for. Runs that diverged are left out, and told.

    Raises:
        ValueError: ``reference`` is none of the arms.
    """
    if reference not in records:
        arms = ", ".join(map(repr, records))
        raise ValueError(f"reference = {reference!r}: expected one of {arms}")
    sound = {arm: [run for run in runs if not run.get("diverged")] for arm, runs in records.items()}
    for arm, runs in records.items():
        if left := len(runs) - len(sound[arm]):
            print(f"{arm}: {left} of {len(runs)} runs diverged and are left out")
    accuracy = {arm: [100 * run["test"]["acc"] for run in runs] for arm, runs in sound.items()}
    repeated = [values for values in accuracy.values() if len(values) > 1]
    base = accuracy.pop(reference)
    if not repeated or not base:
        print("not recorded yet")
        return
    freedom = sum(len(values) - 1 for values in repeated)
    seeds = sum((len(values) - 1) * variance(values) for values in repeated) / freedom
    student = next((t for n, t in sorted(STUDENT.items(), reverse=True) if n <= freedom), RESOLVED)
    rows = []
    for arm, values in accuracy.items():
        if not values:
            continue
        gap = mean(values) - mean(base)
        images, how = _of_images(sound[arm], sound[reference])
        of_seeds = seeds * (1 / len(values) + 1 / len(base))
        least = (student**2 * of_seeds + RESOLVED**2 * images) ** 0.5
        verdict = f"not resolved below {least:.2f} points"
        if abs(gap) >= least:
            verdict = f"{'better' if gap > 0 else 'worse'}, resolved from {least:.2f} points on"
        error = (of_seeds + images) ** 0.5
        rows.append((arm, gap, error, how, verdict))
    spread = f"spread between seeds, pooled: {seeds**0.5:.2f} points"
    Table(COLUMNS, rows, f"{spread}, {freedom} degrees of freedom").show()


def _of_images(arm: Sequence[Mapping], reference: Sequence[Mapping]) -> tuple[float, str]:
    """The variance of a difference by the choice of the test images, in points squared, and how."""
    right = [[images_right(run) for run in runs] for runs in (arm, reference)]
    if any(one is None for runs in right for one in runs):
        shares = (100 * mean(run["test"]["acc"] for run in runs) for runs in (arm, reference))
        return sum(share * (100 - share) for share in shares) / TEST_IMAGES, "apart"
    ours, theirs = (np.mean(runs, axis=0) for runs in right)
    return float(np.var(100 * (ours - theirs), ddof=1) / ours.size), "paired"
