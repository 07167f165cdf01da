"""A second section of the book moves in by adding folders of its name, and nothing else."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import nbformat
import pytest
from few_images import take_few_images
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import d2l_utils as d2l

ROOT = Path(__file__).parents[1]
SECTION, NOTEBOOK = "99_1_toy", "1_sum"
BUILD = """
class Net(d2l.Classifier):
    def __init__(self, lr):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Flatten(), nn.LazyLinear(10))


study = d2l.Study(
    "99_1_toy/1_sum",
    lambda config: Net(config["lr"]),
    {"linear": {"lr": 0.1}},
    {"epochs": 1, "batch_size": 100, "resize": 8},
)
"""
CHECK = '''"""Exercise 1. A sum."""

from ..answers import question

question(
    "99.1/1",
    "The sum",
    "names it",
    {4: "One too many."},
    correct=3,
    hints=("Hint 1: count", "Hint 2: fingers"),
)
'''
TEST = """import d2l_utils.checks as checks


def test_the_sum():
    assert checks.run("99.1/1", 3).passed
    assert checks.run("99.1/1", 4).problem.nudge == "One too many."
"""
TITLE = """# 1. A sum

| | |
|---|---|
| **You will build** | a sum |
| **You need** | two numbers |
| **Time and memory** | none |
| **Book section** | [99.1](https://d2l.ai/) |
| **Paper** | [arXiv 1409.4842](https://arxiv.org/abs/1409.4842) |
"""
HINTS = """## Hints

<details><summary>Hint 1: count</summary>

Count on from 1.
</details>

<details><summary>Hint 2: fingers</summary>

Take one finger, then two more.
</details>
"""
RECALL = "<details><summary>{0}. What is 0 + {0}?</summary>\n\n{0}\n\n</details>\n\n"
CLOSED = {"jp-MarkdownHeadingCollapsed": True}
WHOSE = 'whose="the workbook\'s solution"'
CELLS = [
    new_markdown_cell(TITLE),
    new_code_cell("from torch import nn\n\nimport d2l_utils as d2l", id="setup"),
    new_markdown_cell("## The question\n\nWhat is 1 + 2?"),
    new_markdown_cell("## Your turn"),
    new_code_cell('my_sum = None\nd2l.check("99.1/1", my_sum)', id="turn"),
    new_markdown_cell(HINTS),
    new_markdown_cell("## Solution", metadata=CLOSED),
    new_code_cell(
        f'd2l.check("99.1/1", 1 + 2, {WHOSE})',
        id="solution",
        metadata={"tags": ["solution"], "cellView": "form"},
    ),
    new_markdown_cell("## Evidence"),
    new_code_cell("my_guess = None  # your prediction: a number", id="guess"),
    new_code_cell(
        'print(d2l.yours("99.1/1", my_sum, 3), d2l.predicted(my_guess) or "")', id="whose"
    ),
    new_markdown_cell("### Why"),
    new_code_cell(BUILD.strip(), id="study"),
    new_code_cell("study.run()\nstudy.table()", id="recorded"),
    new_markdown_cell("### Proof"),
    new_markdown_cell("## Answer\n\nThe sum is 3."),
    new_markdown_cell('## Common mistakes\n\n**"It is 4."** It is not:'),
    new_code_cell("print(1 + 2 == 4)", id="mistake"),
    new_markdown_cell("## Going further\n\nAdd more."),
    new_markdown_cell("## References\n\n* None."),
    new_markdown_cell("## Recall\n\n" + "".join(RECALL.format(i) for i in range(1, 6))),
]


def record(folder, monkeypatch):
    """The toy's record: its study trained on 100 images of the sample."""
    take_few_images(monkeypatch, 100)
    monkeypatch.setenv("D2L_RESULTS", str(folder))
    monkeypatch.setenv("D2L_BUDGET", "full")
    names = {"d2l": d2l, "nn": sys.modules["torch.nn"]}
    exec(BUILD, names)
    names["study"].run()


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of the repository without section 8.4's notebooks, and the toy moved in."""
    copy = tmp_path_factory.mktemp("house")
    for name in ("d2l_utils", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "Makefile", "pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, copy)
    shutil.copytree(ROOT / ".binder", copy / ".binder")
    shutil.copytree(ROOT / "data/fashion_mnist_sample", copy / "data/fashion_mnist_sample")
    for room in ("notebooks", "results", "tests", "d2l_utils/checks"):
        (copy / room / SECTION).mkdir(parents=True)
    (copy / "d2l_utils/checks" / SECTION / "__init__.py").write_text('"""A toy section."""\n')
    (copy / "d2l_utils/checks" / SECTION / f"{NOTEBOOK}.py").write_text(CHECK)
    (copy / "tests" / SECTION / "test_check_sum.py").write_text(TEST)
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = new_notebook(cells=CELLS, metadata=kernel)
    nbformat.write(notebook, copy / "notebooks" / SECTION / f"{NOTEBOOK}.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        record(copy / "results", patch)
    environment(copy)
    return copy


def environment(copy):
    """The copy's own ``.venv``, ready for ``make``, which finds the packages of this one."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", copy / ".venv"], check=True)
    (site,) = copy.glob(".venv/lib/python*/site-packages")
    (site / "house.pth").write_text(f"{copy}\n{sysconfig.get_path('purelib')}\n")
    (copy / ".venv/.ready").write_text(str(copy))


def run(house, *command, **env):
    """Run a command in the copy; what it printed. The copy's modules come first."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("D2L_", "PYTEST_", "PYTHON"))}
    done = subprocess.run(
        command, cwd=house, capture_output=True, text=True, env={**clean, **env}, timeout=300
    )
    return done.returncode, done.stdout + done.stderr


def pytest_in(house, *arguments):
    return run(house, ".venv/bin/python", "-m", "pytest", "-p", "no:cacheprovider", *arguments)


def test_check_finds_it(house):
    ask = "import d2l_utils as d2l; d2l.check('99.1/1', 4)"
    code, printed = run(house, ".venv/bin/python", "-c", ask)
    assert code == 0, printed
    assert "One too many." in printed
    code, printed = run(house, ".venv/bin/python", "-c", ask.replace("99.1/1", "99.1/2"))
    assert "'8.4/0'" in printed
    assert "'99.1/1'; got '99.1/2'" in printed


def test_make_save_and_the_contract_find_it(house, tmp_path):
    notebook = f"NOTEBOOK=notebooks/{SECTION}/{NOTEBOOK}.ipynb"
    code, printed = run(house, "make", "save", notebook, HOME=str(tmp_path))
    assert code == 0, printed
    assert not list(tmp_path.iterdir())  # nothing is written outside the folder
    code, printed = pytest_in(
        house, "tests/test_notebook_contract.py", f"tests/{SECTION}", "-k", NOTEBOOK[2:]
    )
    assert code == 1, printed
    assert "1 failed" in printed, printed  # README has no row for it yet
    assert f"notebooks/{SECTION}/{NOTEBOOK}.ipynb" in printed
    readme = house / "README.md"
    row = f"| [1 A sum](notebooks/{SECTION}/{NOTEBOOK}.ipynb) | What is 1 + 2? | ready |\n"
    text = readme.read_text()
    end = text.index("\n\n", text.index("|---|---|---|")) + 1
    readme.write_text(text[:end] + row + text[end:])
    code, printed = pytest_in(
        house, "tests/test_notebook_contract.py", f"tests/{SECTION}", "-k", NOTEBOOK[2:]
    )
    assert code == 0, printed


def test_nbval_finds_it(house):
    code, printed = pytest_in(house, "notebooks", "--nbval")
    assert code == 0, printed
    assert f"{NOTEBOOK}.ipynb" in printed


def test_make_results_finds_it(house, tmp_path):
    code, printed = run(house, "make", "results", HOME=str(tmp_path))
    assert code == 0, printed
    assert not list(tmp_path.iterdir())
    assert f"== notebooks/{SECTION}/{NOTEBOOK}.ipynb" in printed
    assert "all recorded: arms 1, runs 1" in printed


def test_it_touched_nothing_else(house):
    """But for its folders and its row in README, the copy is the repository."""
    for room in ("d2l_utils", "tests"):
        for path in (ROOT / room).rglob("*.py"):
            assert (house / path.relative_to(ROOT)).read_text() == path.read_text()
