"""The contract that every notebook keeps, and the proof that the regression harness bites.

nbval itself runs each notebook and compares its outputs: ``pytest notebooks --nbval``.
"""

import copy
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*/[!.]*.ipynb"))  # not JupyterLab's checkpoints
HEADINGS = [
    "The question",
    "Your turn",
    "Hints",
    "Solution",
    "Evidence",
    "Answer",
    "Common mistakes",
    "Going further",
    "References",
    "Recall",
]
SCREEN = 32  # lines of code that fit on one
OPEN = 150  # lines of code below the heading "Evidence" that are not folded
IGNORED_SHARE = 1 / 4  # of the code cells may go without comparison


def read(path):
    return nbformat.read(path, as_version=4)


def sources(notebook, kind):
    return [cell.source for cell in notebook.cells if cell.cell_type == kind]


def outputs(cells):
    return [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]


def text(output):
    """What an output shows in words."""
    data = output.get("data", {})
    words = [value for kind, value in data.items() if not kind.startswith("image/")]
    return "\n".join([output.get("text", ""), *map(str, words)])


def section(notebook, heading):
    """The cells below ``## heading``, and those above it."""
    starts = [
        i
        for i, cell in enumerate(notebook.cells)
        if cell.cell_type == "markdown" and cell.source.startswith("## ")
    ]
    titles = [notebook.cells[i].source.splitlines()[0][3:] for i in starts]
    first = starts[titles.index(heading)]
    last = next((i for i in starts if i > first), len(notebook.cells))
    return notebook.cells[first:last], notebook.cells[:first]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return read(path)


def test_there_are_notebooks():
    assert NOTEBOOKS


def test_readme_has_a_row_for_it(path):
    rows = re.findall(
        r"^\| \[[^]]+\]\(([^)]+)\) \|", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert rows.count(path.relative_to(ROOT).as_posix()) == 1


def test_headings_in_order(notebook):
    titles = re.findall(r"^## (.*)$", "\n".join(sources(notebook, "markdown")), re.MULTILINE)
    assert [title for title in titles if title in HEADINGS] == HEADINGS


def test_title_and_table_first(notebook):
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    for row in ("You will build", "You need", "Time and memory", "Book section", "Paper"):
        assert f"| **{row}" in first.source
    assert "https://d2l.ai/" in first.source
    assert "arxiv.org/abs/" in first.source


def test_saved_executed_in_order_without_errors(notebook):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert all(output.output_type != "error" for output in outputs(notebook.cells))
    assert all(output.get("name") != "stderr" for output in outputs(notebook.cells))


def test_kernel_and_format(path, notebook):
    assert notebook.metadata.kernelspec.name == "python3"
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    nbformat.validate(notebook)
    assert path.stat().st_size < 1_000_000


def test_no_machine_path_and_no_time_of_day(path):
    raw = path.read_text()
    assert not re.search(r"/(home|root|tmp|work|Users|mnt)/|[A-Z]:\\\\", raw)
    assert not re.search(r"\b\d\d:\d\d:\d\d\b|20\d\d-\d\d-\d\d", raw)
    assert "iopub" not in raw  # the time stamps that some tools save with each cell


def test_code_cells_fit_a_screen(notebook):
    assert max(len(source.splitlines()) for source in sources(notebook, "code")) <= SCREEN
    assert all(source.strip() for source in sources(notebook, "code"))


def test_little_open_code_below_the_evidence(notebook):
    """Code that draws or cross-checks is folded; the reader reads the rest."""
    _, above = section(notebook, "Evidence")
    lines = [
        len(cell.source.splitlines())
        for cell in notebook.cells[len(above) :]
        if cell.cell_type == "code" and not cell.metadata.get("jupyter", {}).get("source_hidden")
    ]
    assert sum(lines) <= OPEN


def test_evidence_is_insight_and_then_proof(notebook):
    """What is to be read stands open; identities and cross-checks behind it, folded."""
    cells, _ = section(notebook, "Evidence")
    parts = [
        (cell.source.split()[1].rstrip(":"), place)
        for place, cell in enumerate(cells)
        if cell.cell_type == "markdown" and cell.source.startswith("### ")
    ]
    assert [title for title, _ in parts] == ["Why", "Proof"]
    for cell in cells[parts[1][1] :]:
        if cell.cell_type == "code":
            assert cell.metadata.get("jupyter", {}).get("source_hidden"), cell.source


def test_five_questions_to_recall_at_the_end(notebook):
    cells, above = section(notebook, "Recall")
    assert len(above) + len(cells) == len(notebook.cells)
    recall = "\n".join(cell.source for cell in cells)
    questions = re.findall(r"<details><summary>(\d)\. [^<]*\?</summary>\n\n\S", recall)
    assert questions == list("12345")
    assert recall.count("</details>") == 5


def test_no_picture_asks_for_a_white_card(path):
    """On a dark page, too, the style's pictures need no background."""
    assert "needs_background" not in path.read_text()


def test_no_dead_widget_is_saved(path, notebook):
    """Where there are sliders, their picture stands."""
    assert "widgets" not in notebook.metadata
    assert "widget-view" not in path.read_text()
    for cell in notebook.cells:
        if cell.cell_type == "code" and "d2l.sliders(" in cell.source:
            assert any("image/png" in output.data for output in cell.outputs)


def test_few_cells_go_uncompared(notebook):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    ignored = [c for c in code if "nbval-ignore-output" in c.metadata.get("tags", [])]
    assert len(ignored) <= IGNORED_SHARE * len(code)
    assert not any("NBVAL" in cell.source for cell in code)  # a tag is seen, a comment is not
    assert not any("raises-exception" in c.metadata.get("tags", []) for c in code)


def test_every_check_is_tried_by_the_learner_and_passed_by_the_solution(notebook):
    ids = re.compile(r"d2l\.check\(\s*[\"']([^\"']+)")
    turn, _ = section(notebook, "Your turn")
    solution, _ = section(notebook, "Solution")
    asked = {i for cell in turn if cell.cell_type == "code" for i in ids.findall(cell.source)}
    solved = {i for cell in solution if cell.cell_type == "code" for i in ids.findall(cell.source)}
    assert asked
    assert asked == solved
    for output in outputs(turn):
        assert "not attempted yet" in text(output)
    for cell in solution:
        if cell.cell_type == "code" and ids.search(cell.source):
            assert ": passed" in "".join(map(text, cell.outputs))


def test_a_solution_is_a_closed_door(notebook):
    """Collapsed in JupyterLab, folded on Colab; its cells are tagged, for exports and editions."""
    cells, _ = section(notebook, "Solution")
    parts = [cell for cell in cells if cell.cell_type == "markdown" and cell.source[:3] == "###"]
    for heading in (cells[0], *parts):
        assert heading.metadata["jp-MarkdownHeadingCollapsed"] is True, heading.source
    for cell in cells[1:]:
        assert "solution" in cell.metadata.get("tags", []), cell.source
        assert cell.cell_type == "markdown" or cell.metadata["cellView"] == "form", cell.source


def test_checks_say_whose_code_they_judge(notebook):
    """In the solution the workbook's; among the mistakes somebody's; else the reader's."""
    solution, _ = section(notebook, "Solution")
    turn, _ = section(notebook, "Your turn")
    plain = [output.get("data", {}).get("text/plain", "") for output in outputs(solution)]
    heads = [report.splitlines()[0] for report in plain if ": passed" in report]
    assert heads
    assert all("(the workbook's solution): passed" in head for head in heads)
    for cell in notebook.cells:
        if cell.cell_type == "code" and "d2l.check(" in cell.source and cell not in turn:
            calls = cell.source.count("d2l.check(")
            assert len(re.findall(r"d2l\.check\((?:[^()]|\([^()]*\))*whose=", cell.source)) == calls


def test_the_evidence_goes_on_with_the_readers_code(notebook):
    """Under the headings below the solution; saved, it is the workbook's."""
    _, above = section(notebook, "Evidence")
    below = notebook.cells[len(above) :]
    asking = [c for c in below if c.cell_type == "code" and "d2l.yours(" in c.source]
    assert asking
    for output in outputs(asking):
        if "below, " in text(output):
            assert "is not attempted yet: below, the workbook's" in text(output)


def hint_titles(notebook):
    hints = "\n".join(cell.source for cell in section(notebook, "Hints")[0])
    return re.findall(r"<details><summary>(Hint .*?)</summary>", hints), hints


def test_hints_are_folded(notebook):
    titles, hints = hint_titles(notebook)
    assert 2 <= len(titles) == hints.count("<details>") == hints.count("</details>")
    assert len(set(titles)) == len(titles)


def test_every_check_has_its_ladder_of_hints_on_the_page(notebook):
    """Two or three, in their order, and no hint that belongs to none."""
    from d2l_utils.checks.registry import find

    turn, _ = section(notebook, "Your turn")
    code = "\n".join(cell.source for cell in turn if cell.cell_type == "code")
    titles, ladders = hint_titles(notebook)[0], []
    for exercise in re.findall(r"d2l\.check\(\s*[\"']([^\"']+)", code):
        spec = find(exercise)
        assert 2 <= len(spec.hints) <= 3, exercise
        assert spec.starts.keys() <= {requirement for requirement, _ in spec.requirements}
        assert all(0 <= start < len(spec.hints) for start in spec.starts.values())
        ladders += spec.hints
    assert sorted(ladders, key=titles.index) == titles == list(dict.fromkeys(ladders))


def test_predictions_come_before_what_they_are_about(notebook):
    """There is one, it is not made yet, and a later cell reads it."""
    code = sources(notebook, "code")
    made = re.findall(r"^(my_\w+) = None  # your prediction", "\n".join(code), re.MULTILINE)
    assert made
    for name in made:
        places = [i for i, cell in enumerate(code) if re.search(rf"\b{name}\b", cell)]
        assert re.search(rf"^{name} = None  # your prediction", code[places[0]], re.MULTILINE)
        assert any("predicted(" in code[place] for place in places[1:]), name


def figures_in(prose):
    """Its numbers that need a proof: of three digits and more, with a fraction, or a per cent."""
    prose = re.sub(r"\]\([^)]*\)|arXiv \d+\.\d+|\b(19|20)\d\d\b|D2L \d+\.\d+", "", prose)
    prose = re.sub(r"\d+\s*[x×]\s*\d+", "", prose)
    return re.findall(r"\d{1,3}(?:,\d{3})+|\d+\.\d+|\d{3,}|\d+(?= ?%)", prose)


def test_each_figure_of_the_answer_was_printed_above(notebook):
    answer, above = section(notebook, "Answer")
    printed = "\n".join(text(output) for output in outputs(above))
    for figure in figures_in("\n".join(cell.source for cell in answer)):
        assert re.search(rf"(?<![\d.,]){re.escape(figure)}(?!\d)", printed), figure


def test_mistakes_are_refuted_by_cells(notebook):
    cells, _ = section(notebook, "Common mistakes")
    assert sum(cell.source.count('**"') for cell in cells if cell.cell_type == "markdown") >= 1
    assert sum(cell.cell_type == "code" for cell in cells) >= 1


def test_relative_links_lead_somewhere(path, notebook):
    for target in re.findall(r"\]\(([^)#]+)\)", "\n".join(sources(notebook, "markdown"))):
        assert target.startswith("https://") or (path.parent / target).exists(), target


# -- the harness bites -----------------------------------------------------------------------------


def nbval(path):
    """Run nbval on one notebook, strictly, as ``make test`` does; its outcome and its report."""
    command = [sys.executable, "-m", "pytest", "--nbval", "-p", "no:cacheprovider", str(path)]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True)
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def exact_cells():
    """The cells of notebook 0 up to its first exact numbers; quick to run."""
    notebook = read(ROOT / "notebooks/8_4_googlenet/0_googlenet.ipynb")
    ids = [cell.id for cell in notebook.cells]
    notebook.cells = notebook.cells[: ids.index("reductions-cost") + 1]
    return notebook


def test_nbval_passes_an_unchanged_notebook(exact_cells, tmp_path):
    nbformat.write(exact_cells, tmp_path / "copy.ipynb")
    code, report = nbval(tmp_path / "copy.ipynb")
    assert code == 0, report


def test_nbval_fails_when_one_number_is_changed(exact_cells, tmp_path):
    wrong = copy.deepcopy(exact_cells)
    output = wrong.cells[-1].outputs[0]
    assert "163,696" in output.text
    output.text = output.text.replace("163,696", "163,697")
    nbformat.write(wrong, tmp_path / "copy.ipynb")
    code, report = nbval(tmp_path / "copy.ipynb")
    assert code == 1
    assert "163,697" in report
    assert "1 failed" in report


def test_nbval_fails_when_a_drawing_is_changed(exact_cells, tmp_path):
    wrong = copy.deepcopy(exact_cells)
    (drawing,) = (cell for cell in wrong.cells if cell.id == "block-drawing")
    data = next(o.data for o in drawing.outputs if "data" in o)
    assert "5×5 conv" in data["text/plain"]
    data["text/plain"] = data["text/plain"].replace("5×5", "3×3")
    nbformat.write(wrong, tmp_path / "copy.ipynb")
    code, report = nbval(tmp_path / "copy.ipynb")
    assert code == 1
    assert "1 failed" in report


def test_make_test_is_strict():
    makefile = (ROOT / "Makefile").read_text()
    assert "--nbval " in makefile
    assert "--nbval-lax" not in makefile
    assert "--dist loadscope" in makefile
