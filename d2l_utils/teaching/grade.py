"""Grades: what the checks find in a class's notebooks, as a table.

``python -m d2l_utils.teaching grade FOLDER``: below FOLDER is a folder for each student, with the
notebooks that came back. Each is run in a process of its own, with a limit of time, so that one
that crashes, hangs or prints without end costs nobody else's grade. It is the students' code that
runs, with your rights: run it in a container.
"""

from __future__ import annotations

import contextlib
import csv
import glob
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat

from ..machine import files
from ..machine.cores import granted_cores

__all__ = ["grade", "write"]

REPOSITORY = Path(__file__).parents[2]
COLUMNS = ("student", "notebook", "exercise", "attempted", "met", "of", "first failure", "found")
COLUMNS += ("seconds", "run")
TEXTS = ("student", "notebook", "exercise", "first failure", "found")


def grade(folder: Path, limit: float = 300.0) -> list[dict[str, Any]]:
    """A row for each student and exercise; of several answers to one, the last counts.

    ``limit`` is in seconds, for each notebook. ``run`` tells how the notebook ended: "to the end",
    "crashed" or "out of time"; what was answered before that counts.

    Raises ValueError if there is no notebook below ``folder``.
    """
    found = sorted(folder.rglob("*.ipynb"))
    paths = [path for path in found if ".ipynb_checkpoints" not in path.parts]
    if not paths:
        raise ValueError(f"{files.told(folder)}: no notebook there, nor in a folder below")
    rows = []
    with ThreadPoolExecutor(granted_cores()) as together:
        ran = list(together.map(lambda path: _run(path, limit), paths))
    for path, (found, ended) in zip(paths, ran, strict=True):
        last = {row["exercise"]: row for row in found}
        nothing = {"attempted": False, "met": 0, "of": "", "first failure": "", "found": ""}
        for exercise in dict.fromkeys([*_asked(path.name), *last]):
            student = path.relative_to(folder).parts[0] if path.parent != folder else path.stem
            about = {"student": student, "notebook": path.name, "exercise": exercise, "run": ended}
            rows.append({**nothing, "seconds": 0.0, **last.get(exercise, {}), **about})
    return rows


def _asked(name: str) -> list[str]:
    """The exercises of the workbook's notebook of this name, which a student may have deleted."""
    for original in REPOSITORY.glob(f"notebooks/*/{glob.escape(name)}"):
        cells = nbformat.read(original, as_version=4).cells
        code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
        return list(dict.fromkeys(re.findall(r"d2l\.check\(\s*[\"']([^\"']+)", code)))
    return []


def _run(path: Path, limit: float) -> tuple[list[dict], str]:
    """What the checks of one notebook found, and how it ended."""
    with tempfile.TemporaryDirectory() as place:
        copy, results = Path(place, "notebook.ipynb"), Path(place, "results")
        shutil.copy(path, copy)
        command = [sys.executable, "-m", "d2l_utils.teaching.run_submission", copy, results]
        quiet = {"D2L_PROGRESS": os.path.join(os.devnull, "none"), "MPLBACKEND": "agg"}
        quiet |= {"PYTHONPATH": str(REPOSITORY), "D2L_BUDGET": "quick", "OMP_NUM_THREADS": "1"}
        quiet |= {"IPYTHONDIR": place}  # else their code is in the teacher's history
        program = subprocess.Popen(
            command,
            cwd=place,
            env=os.environ | quiet,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            ended = "to the end" if program.wait(limit) == 0 else "crashed"
        except subprocess.TimeoutExpired:
            ended = "out of time"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)  # and what it may have started
            program.wait()
        lines = results.read_text(encoding="utf-8").splitlines(True) if results.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")], ended


def write(rows: Sequence[dict[str, Any]], stem: Path) -> None:
    """The rows as ``stem``.csv, for a table, and as ``stem``.json, for a program."""
    with files.whole(stem.with_suffix(".json")) as aside:
        aside.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, COLUMNS)
    table.writeheader()
    for row in rows:
        table.writerow({**row, **{key: _no_formula(row[key]) for key in TEXTS}})
    with files.whole(stem.with_suffix(".csv")) as aside:
        aside.write_bytes(text.getvalue().encode())


def _no_formula(text: str) -> str:
    """A spreadsheet would compute what begins so, and it is a student who wrote it."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
