"""``python -m d2l_utils.teaching``: write the student edition, or grade what comes back."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import grade, student_edition

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m d2l_utils.teaching", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    student = commands.add_parser("student", help="the workbook without its solutions")
    student.add_argument("folder", type=Path, help="new or empty")
    student.add_argument("--solved", metavar="URL", help="where the solved pages are")
    grades = commands.add_parser("grade", help="what the checks find in a class's notebooks")
    grades.add_argument("folder", type=Path, help="with a folder for each student")
    grades.add_argument("--limit", type=float, default=300.0, help="seconds a notebook (300)")
    grades.add_argument("--out", type=Path, default=Path("grades"), help="grades: .csv and .json")
    options = parser.parse_args(arguments)
    try:
        if options.command == "student":
            written = student_edition.write_student_edition(options.folder, options.solved)
            print(f"{len(written)} notebooks without solutions in {options.folder}")
        else:
            rows = grade.grade(options.folder, options.limit)
            grade.write(rows, options.out)
            students = len({row["student"] for row in rows})
            print(f"{students} students, {len(rows)} answers: {options.out}.csv and .json")
    except (FileExistsError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
