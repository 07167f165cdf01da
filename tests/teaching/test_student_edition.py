"""The edition to hand out: nothing of a solution in it, and it runs."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from d2l_utils.teaching import student_edition
from d2l_utils.teaching.__main__ import main

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*/[!.]*.ipynb"))


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    folder = tmp_path_factory.mktemp("students") / "a class"
    assert main(["student", str(folder)]) == 0
    return folder


def read(path):
    return nbformat.read(path, as_version=4)


def test_all_notebooks_are_in_it_and_valid(edition):
    written = sorted(path.relative_to(edition) for path in edition.glob("notebooks/*/*.ipynb"))
    assert written == [path.relative_to(ROOT) for path in NOTEBOOKS]
    for path in written:
        nbformat.validate(read(edition / path))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_line_of_a_solution_is_in_it(edition, path):
    """Nor of what comes below it, which uses and tells the solution."""
    whole, theirs = read(path), read(edition / path.relative_to(ROOT))
    end = next(i for i, c in enumerate(whole.cells) if c.source.startswith("## Solution"))
    assert ["colab", *(c.id for c in theirs.cells)] == sorted(
        (c.id for c in whole.cells[:end]), key=lambda id: id != "colab"
    )
    left_out = whole.cells[end:]
    assert left_out[0].source.startswith("## Solution")
    assert not any("solution" in c.metadata.get("tags", []) for c in theirs.cells)
    kept = "\n".join(cell.source for cell in theirs.cells)
    defined = [c.source for c in left_out if "solution" in c.metadata.get("tags", [])]
    lines = {line.strip() for source in defined for line in source.splitlines() if len(line) > 40}
    code = [c.source for c in theirs.cells if c.cell_type == "code"]  # hints give away some lines
    both = lines & {line.strip() for source in code for line in source.splitlines()}
    assert all(line.startswith(("def ", "class ")) for line in both), both  # of the scaffold
    assert "the workbook's solution" not in kept


def test_outputs_are_cleared_but_for_pictures_of_the_question(edition):
    pictures = 0
    for path in edition.glob("notebooks/*/*.ipynb"):
        turn = False
        for cell in read(path).cells:
            turn |= cell.source.startswith("## Your turn")
            if cell.cell_type == "code":
                assert cell.execution_count is None
                assert all("image/png" in output.data for output in cell.outputs)
                assert not (turn and cell.outputs)
                pictures += len(cell.outputs)
    assert pictures >= 1


PROGRAM = """
import sys, nbformat, d2l_utils
from IPython.core.interactiveshell import InteractiveShell
assert d2l_utils.__file__.startswith({folder!r}), d2l_utils.__file__
shell = InteractiveShell.instance()
for path in sys.argv[1:]:
    shell.reset()
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            shell.run_cell(cell.source).raise_error()
print("all ran")
"""


def test_it_runs_from_top_to_bottom(edition, tmp_path):
    """With the edition's own module; every check says what to do."""
    paths = map(str, sorted(edition.glob("notebooks/*/*.ipynb")))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(folder=str(edition)), *paths],
        cwd=edition,
        env={**os.environ, "IPYTHONDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.endswith("all ran\n"), done.stdout[-2000:] + done.stderr[-2000:]
    checks = sum(p.read_text().count("d2l.check(") for p in edition.glob("notebooks/*/*.ipynb"))
    assert done.stdout.count("not attempted yet") >= checks - 2  # two stand in prose


def test_a_link_to_the_solved_page(tmp_path):
    (path, *_) = student_edition.write_student_edition(tmp_path / "new", "https://example.org/w/")
    last = read(path).cells[-1]
    assert "## Solution" in last.source
    assert f"(https://example.org/w/{path.stem}.html)" in last.source


def test_a_folder_with_something_in_it_is_left_alone(tmp_path, capsys):
    (tmp_path / "thesis.txt").touch()
    assert main(["student", str(tmp_path)]) == 1
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_notebook_without_the_headings_is_named():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("## Solution")])
    with pytest.raises(ValueError, match="no heading 'Your turn', among"):
        student_edition.cut(notebook)
