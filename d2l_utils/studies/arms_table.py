"""Recorded arms in a table: test accuracy, mean and spread."""

from __future__ import annotations

from statistics import mean, median, stdev

from ..display.tables import Table
from .compare_arms import RunsOfArms

__all__ = ["table"]


COLUMNS = {"arm": "", "parameters": ",", "seeds": "", "epochs": "", "test accuracy": ""}


def table(records: RunsOfArms) -> Table:
    """Test accuracy of each arm: mean over its recorded seeds, from three on the deviation too.

    The minutes stand below, for all arms together: machines with other work to do recorded
    some of the runs, so that they do not compare the arms.
    """
    rows, minutes = [], []
    for arm, runs in records.items():
        if not runs:
            rows.append((arm, None, 0, None, "not recorded"))
            continue
        accuracies = [100 * run["test"]["acc"] for run in runs]
        spread = f" ± {stdev(accuracies):.2f}" if len(runs) > 2 else ""
        failed = sum(run["diverged"] is not None for run in runs)
        failed = f", {failed} diverged" if failed else ""
        epochs = runs[0]["config"]["epochs"]
        for run in runs:  # by the median epoch: a machine that slept would be counted otherwise
            seconds = [row["seconds"] for row in run["history"]]
            minutes += [epochs * median(seconds) / 60] if seconds else []
        accuracy = f"{mean(accuracies):.2f}{spread} %{failed}"
        rows.append((arm, runs[0]["parameters"], len(runs), epochs, accuracy))
    note = ""
    if minutes:
        low, high = f"{min(minutes):.0f}", f"{max(minutes):.0f}"
        took = low if low == high else f"{low} to {high}"
        note = f"a run took {took} minutes by its median epoch"
    return Table(COLUMNS, rows, note)
