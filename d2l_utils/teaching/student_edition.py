"""The student edition: the workbook up to its solutions, in a folder to hand out.

``make student STUDENT=folder``, or ``python -m d2l_utils.teaching student FOLDER``; with
``--solved URL`` each notebook ends with a link to its solved page, ``URL/<notebook>.html``.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat

__all__ = ["cut", "write_student_edition"]

REPOSITORY = Path(__file__).parents[2]
PARTS = (".binder", ".ci/setup.sh", "LICENSE", "Makefile", "data/fashion_mnist_sample", "d2l_utils")
PARTS += ("pyproject.toml", "requirements.txt")
README = """# The GoogLeNet workbook, student edition

Exercises on *Dive into Deep Learning* (2023 edition), section 8.4, "Multi-Branch Networks
(GoogLeNet)". Each notebook has a question, places to fill in, a check that says precisely what is
wrong, and hints. The solutions are not in this edition.

`make lab` sets up all that is needed, in the folder `.venv`, and opens the workbook in JupyterLab.
Start with notebook 0.
"""
SOLVED = """## Solution

The solution, the evidence and the answer are on [the solved page]({}).
"""


def cut(notebook: nbformat.NotebookNode, solved: str | None = None) -> nbformat.NotebookNode:
    """A copy of ``notebook`` up to its heading "Solution"; with a link to the page ``solved``.

    Without outputs, but for pictures that belong to the question, above the heading "Your turn".

    Raises ValueError for a notebook without one of the headings.
    """
    first = {}
    for i, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            first.setdefault(cell.source.splitlines()[0][3:], i)
    for heading in ("Your turn", "Solution"):
        if heading not in first:
            raise ValueError(f"the notebook has no heading {heading!r}, among {list(first)}")
    student = nbformat.from_dict({**notebook, "cells": notebook.cells[: first["Solution"]]})
    # Colab's cell fetches the edition with the solutions.
    student.cells = [cell for cell in student.cells if cell.id != "colab"]
    turn = next(i for i, cell in enumerate(student.cells) if cell.source.startswith("## Your turn"))
    for i, cell in enumerate(student.cells):
        if cell.cell_type == "code":
            cell.execution_count = None
            pictures = [o for o in cell.outputs if "image/png" in o.get("data", {})]
            cell.outputs = pictures if i < turn else []
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = None
    if solved:
        last = nbformat.v4.new_markdown_cell(SOLVED.format(solved).strip(), id="solved")
        student.cells.append(last)
    return student


def write_student_edition(folder: Path, solved: str | None = None) -> list[Path]:
    """Write the edition to ``folder``, which must be new or empty; returns its notebooks.

    Raises FileExistsError if something is in ``folder``.
    """
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty: name a new folder for the student edition")
    for part in PARTS:
        source, target = REPOSITORY / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    (folder / "README.md").write_text(README)
    written = []
    for path in sorted((REPOSITORY / "notebooks").glob("*/[!.]*.ipynb")):
        target = folder / path.relative_to(REPOSITORY)
        target.parent.mkdir(parents=True, exist_ok=True)
        page = f"{solved.rstrip('/')}/{path.stem}.html" if solved else None
        nbformat.write(cut(nbformat.read(path, as_version=4), page), target)
        written.append(target)
    return written
