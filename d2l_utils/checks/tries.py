"""What the reader has tried: failures in a row, and what passed in this copy of the workbook."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..display.tables import text_table
from ..machine import files
from .report import Report

__all__: list[str] = []

PROGRESS = Path(__file__).parents[2] / ".progress.json"

# Of each exercise that failed last: how often in a row, how often in a row at the same
# requirement, and which that was.
_failures: dict[str, tuple[int, int, int]] = {}


def note(report: Report, hints: Sequence[str], start: int) -> str:
    """Count a try; of ``hints`` the one to name, from ``start`` on, or nothing.

    The first failure names none, the second in a row the first hint. Whoever goes on failing at the
    same requirement is led up the ladder.
    """
    if report.attempted:
        _remember(report)
    if report.failed is None:
        _failures.pop(report.exercise, None)
        return ""
    row, same, where = _failures.get(report.exercise, (0, 0, None))
    row, same = row + 1, same + 1 if where == report.failed else 1
    _failures[report.exercise] = row, same, report.failed
    if row < 2 or not hints:
        return ""
    return hints[min(start + max(same - 2, 0), len(hints) - 1)]


def _file() -> Path:
    """Where the progress is kept; ``D2L_PROGRESS`` names another file."""
    return Path(os.environ.get("D2L_PROGRESS") or PROGRESS)


def read() -> dict[str, dict]:
    """Of each exercise that was tried: "tries", "met", "of" and "passed"."""
    try:
        told = json.loads(_file().read_text())
        return {exercise: dict(state) for exercise, state in told.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # no file, or none of ours: it is no great loss


def _remember(report: Report) -> None:
    """Write the try down, from a notebook only; a disk that can't be written disturbs no check."""
    ipython = sys.modules.get("IPython")
    if not (ipython and ipython.get_ipython()):
        return
    from filelock import FileLock, Timeout

    file = _file()
    try:
        with FileLock(file.with_name(file.name + ".lock"), timeout=1):
            tried = read()
            before = tried.get(report.exercise, {})
            total = len(report.requirements)
            tried[report.exercise] = {
                "tries": before.get("tries", 0) + 1,
                "met": total if report.passed else report.failed,
                "of": total,
                "passed": bool(report.passed or before.get("passed")),
            }
            with files.whole(file) as aside:
                aside.write_text(json.dumps(tried, indent=1, sort_keys=True) + "\n")
    except (OSError, Timeout, TypeError, AttributeError):
        return


def table(titles: Mapping[str, str]) -> str:
    """A line for each exercise: tried how often, passed or how far."""
    tried, rows = read(), [("exercise", "what", "tries", "")]
    for exercise, title in titles.items():
        state = tried.get(exercise, {})
        how_far = f"{state.get('met')} of {state.get('of')} requirements met" if state else ""
        verdict = "passed" if state.get("passed") else how_far
        rows.append((exercise, title, str(state.get("tries", "")), verdict))
    return text_table(rows)
