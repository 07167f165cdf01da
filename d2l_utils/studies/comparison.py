"""Recorded runs side by side: their table, their curves, and which differences are noise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import mean, median, stdev, variance

from ..display.style import pyplot
from ..display.tables import text_table

__all__ = ["choose", "compare", "plot", "table"]

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


def table(records: RunsOfArms) -> str:
    """Test accuracy of each arm, mean and standard deviation over its recorded seeds.

    The minutes stand below, for all arms together: machines with other work to do recorded
    some of the runs, so that they do not compare the arms.
    """
    rows, minutes = [("arm", "parameters", "seeds", "epochs", "test accuracy")], []
    for arm, runs in records.items():
        if not runs:
            rows.append((arm, "", "0", "", "not recorded"))
            continue
        accuracies = [100 * run["test"]["acc"] for run in runs]
        spread = f" ± {stdev(accuracies):.2f}" if len(runs) > 1 else ""
        failed = sum(run["diverged"] is not None for run in runs)
        failed = f", {failed} diverged" if failed else ""
        epochs = runs[0]["config"]["epochs"]
        for run in runs:  # by the median epoch: a machine that slept would be counted otherwise
            seconds = [row["seconds"] for row in run["history"]]
            minutes += [epochs * median(seconds) / 60] if seconds else []
        rows.append(
            (
                arm,
                f"{runs[0]['parameters']:,}",
                str(len(runs)),
                str(epochs),
                f"{mean(accuracies):.2f}{spread} %{failed}",
            )
        )
    lines = [text_table(rows)]
    if minutes:
        low, high = f"{min(minutes):.0f}", f"{max(minutes):.0f}"
        took = low if low == high else f"{low} to {high}"
        lines.append(f"a run took {took} minutes by its median epoch")
    return "\n".join(lines)


def choose(records: RunsOfArms, groups: Iterable[Iterable[str]]) -> list[str]:
    """Of each group of arms the one that does best on the held-out images, by its first seed.

    Prints what it compares. A group of which nothing is recorded has no best arm.
    """
    best = []
    for group in groups:
        held_out = {}
        for arm in group:
            if runs := records[arm]:
                sound = runs[0].get("diverged") is None
                held_out[arm] = runs[0]["history"][-1]["val_acc"] if sound else 0.0
                print(f"{arm}: {100 * held_out[arm]:.2f} % of the held-out images")
        best += [max(held_out, key=held_out.get)] if held_out else []
    print("chosen:", *best, sep="\n  ")
    return best


def plot(records: RunsOfArms, *keys: str):
    """One panel for each of ``keys`` of the history: each arm's mean and range over epochs."""
    size = (4.5 * len(keys), 3)
    figure, axes = pyplot().subplots(
        1, len(keys), figsize=size, squeeze=False, layout="constrained"
    )
    for axis, key in zip(axes[0], keys, strict=True):
        for arm, runs in records.items():
            curves = [[row[key] for row in run["history"]] for run in runs]
            by_epoch = list(zip(*curves, strict=False))  # a diverged run ends early
            if by_epoch:
                epochs = range(1, len(by_epoch) + 1)
                low, high, middle = (list(map(f, by_epoch)) for f in (min, max, mean))
                (line,) = axis.plot(epochs, middle, ".-", label=arm)
                axis.fill_between(epochs, low, high, color=line.get_color(), alpha=0.2)
        axis.set(xlabel="epoch", ylabel=key.replace("_", " "))
        axis.xaxis.get_major_locator().set_params(integer=True)
    lines = axes[0][0].lines
    if len(lines) > 4:  # too many to stand among the curves
        figure.set_figheight(3 + 0.25 * math.ceil(len(lines) / 2))
        figure.legend(handles=lines, loc="outside lower center", ncols=2)
    elif lines:
        axes[0][0].legend()
    return figure
