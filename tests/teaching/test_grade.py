"""Grades of a class in which everything goes wrong that can."""

import csv
import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from d2l_utils.teaching.__main__ import main

START = ["import d2l_utils as d2l"]
WRONG = 'd2l.check("8.4/5b", "AlexNet")'
GOOD = 'd2l.check("8.4/5b", "GoogLeNet")'

CLASS = {
    "Ada": [GOOD],
    "Ben": [WRONG],
    "Cem, who asks twice": [WRONG, GOOD],
    "Dan, who asks again": [GOOD, WRONG],
    "Eve, who overrides": ["d2l.check = lambda *_: None", GOOD],
    "Fay, whose cell fails": ["1 / 0", GOOD],
    "Gus, who exits": [GOOD, "import os; os._exit(3)"],
    "Hal, who hangs": [GOOD, "while True: pass"],
    "Ida, who prints": ["for _ in range(2000): print('x' * 500_000)", GOOD],
    "Jon, who did nothing": ['d2l.check("8.4/5b", None)'],
    "Kim, who deleted it": [],
    "Leo, who copies the solution": ['d2l.check("8.4/5b", "GoogLeNet", whose="Leo")'],
    "=Mia()": ['d2l.check("8.4/5b", "=cmd")'],
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    for student, code in CLASS.items():
        cells = [new_code_cell(source) for source in START + code]
        cells += [new_markdown_cell("## Solution"), new_code_cell(GOOD)]
        (folder / student).mkdir()
        file = folder / student / "5_compute_and_accelerators.ipynb"
        nbformat.write(new_notebook(cells=cells), file)
    (folder / "Ada" / ".ipynb_checkpoints").mkdir()
    (folder / "Ada" / ".ipynb_checkpoints" / "5.ipynb").touch()
    assert main(["grade", str(folder), "--limit", "30", "--out", str(folder / "out")]) == 0
    return folder / "out"


def of(rows, exercise="8.4/5b"):
    found = json.loads(rows.with_suffix(".json").read_text())
    return {row["student"]: row for row in found if row["exercise"] == exercise}


def test_everybody_gets_what_they_have_done(rows):
    """And nobody else's mishap."""
    passed = {
        student: (row["met"] == row["of"], row["attempted"], row["run"])
        for student, row in of(rows).items()
    }
    assert passed == {
        "Ada": (True, True, "to the end"),
        "Ben": (False, True, "to the end"),
        "Cem, who asks twice": (True, True, "to the end"),
        "Dan, who asks again": (False, True, "to the end"),
        "Eve, who overrides": (False, False, "to the end"),
        "Fay, whose cell fails": (True, True, "to the end"),
        "Gus, who exits": (True, True, "crashed"),
        "Hal, who hangs": (True, True, "out of time"),
        "Ida, who prints": (True, True, "to the end"),
        "Jon, who did nothing": (False, False, "to the end"),
        "Kim, who deleted it": (False, False, "to the end"),
        "Leo, who copies the solution": (False, False, "to the end"),
        "=Mia()": (False, True, "to the end"),
    }
    ben = of(rows)["Ben"]
    assert (ben["first failure"], ben["found"]) == ("names the network", "alexnet")
    assert len(of(rows, "8.4/5a")) == len(CLASS)  # what nobody answered has its row as well


def test_the_table_is_one_and_computes_nothing(rows):
    with open(rows.with_suffix(".csv"), newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert len(table) == 8 * len(CLASS)
    assert not any(value.startswith("=") for row in table for value in row.values())


def test_nothing_to_grade(tmp_path, capsys):
    assert main(["grade", str(tmp_path)]) == 1
    assert "no notebook there" in capsys.readouterr().err
