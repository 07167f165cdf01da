"""Hints that a check names, what it remembers, and whose code goes on."""

import json
import sys
from functools import partial
from types import SimpleNamespace

import pytest

from d2l_utils.checks import Problem, check, progress, register, registry, tries, yours

LADDER = ("Hint 1: think", "Hint 2: do", "Hint 3: write")


@pytest.fixture
def exercise(monkeypatch, tmp_path):
    """An exercise that passes at 3; 1 fails at the first requirement, 2 at the second."""
    monkeypatch.setattr(registry, "EXERCISES", {})
    monkeypatch.setattr(registry, "_import_section", lambda prefix: None)
    monkeypatch.setattr(tries, "_failures", {})
    monkeypatch.setenv("D2L_PROGRESS", str(tmp_path / "progress.json"))

    def at_least(n):
        return lambda given: None if given >= n else Problem(str(given), str(n), "More.")

    register(
        "0.0/up",
        "Upwards",
        [("is two", at_least(2)), ("is three", at_least(3))],
        hints=LADDER,
        starts={"is three": 1},
    )
    return tmp_path / "progress.json"


def named(capsys, given, whose=""):
    """The hint that the check of ``given`` names."""
    check("0.0/up", given, whose)
    lines = [line for line in capsys.readouterr().out.splitlines() if " see " in line]
    return lines[0].split("see")[1].strip() if lines else None


def test_hints_come_from_the_second_failure_in_a_row_on(exercise, capsys):
    assert [named(capsys, 1) for _ in range(5)] == [None, *LADDER, LADDER[-1]]


def test_a_requirement_may_begin_further_up(exercise, capsys):
    assert [named(capsys, 2) for _ in range(4)] == [None, LADDER[1], LADDER[2], LADDER[2]]


def test_a_step_forward_does_not_climb(exercise, capsys):
    assert [named(capsys, n) for n in (1, 1, 1, 2, 2, 2)] == [
        *(None, LADDER[0], LADDER[1]),
        *(LADDER[1], LADDER[1], LADDER[2]),
    ]


def test_a_pass_begins_anew(exercise, capsys):
    assert [named(capsys, n) for n in (1, 1, 3, 1, 1)] == [None, LADDER[0], None, None, LADDER[0]]


def test_what_is_not_the_readers_counts_as_no_try(exercise, capsys):
    named(capsys, 1)
    assert named(capsys, 1, "the workbook's solution") is None
    assert named(capsys, 1) == LADDER[0]


def test_the_heading_says_whose_it_is(exercise, capsys):
    check("0.0/up", 3, "the workbook's solution")
    expected = "0.0/up Upwards (the workbook's solution): passed"
    assert capsys.readouterr().out.splitlines()[0] == expected


@pytest.fixture
def shell(monkeypatch):
    """A stand-in for IPython, whose last cell went well."""
    shown = []
    shell = SimpleNamespace(last_execution_succeeded=True, last_execution_result=None)
    display = SimpleNamespace(display=shown.append)
    monkeypatch.setitem(
        sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell, display=display)
    )
    shell.shown = shown
    return shell


def test_an_error_in_the_cell_before_is_told_first(exercise, shell):
    check("0.0/up", 1)
    assert "Error" not in shell.shown[-1].text
    shell.last_execution_succeeded = False
    shell.last_execution_result = SimpleNamespace(
        error_before_exec=SyntaxError("x"), error_in_exec=None
    )
    check("0.0/up", 1)
    report = shell.shown[-1]
    assert "SyntaxError in the cell that ran before" in report.text.splitlines()[1]
    assert "SyntaxError in the cell" in report.html
    check("0.0/up", 3, "the workbook's solution")
    assert "SyntaxError" not in shell.shown[-1].text


def test_progress_is_kept_and_shown(exercise, shell, capsys):
    progress()
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["exercise", "what", "tries"],
        ["0.0/up", "Upwards"],
    ]
    for given in (None, 1, 2):
        check("0.0/up", given)
    progress()
    assert "Upwards  2      1 of 2 requirements met" in capsys.readouterr().out
    check("0.0/up", 3)
    check("0.0/up", 1)
    check("0.0/up", 1, "the workbook's solution")
    progress()
    assert "Upwards  4      passed" in capsys.readouterr().out
    assert json.loads(exercise.read_text())["0.0/up"]["tries"] == 4


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"0.0/up": 3}', b"\xff\xfe"])
def test_a_damaged_file_of_progress_disturbs_nothing(exercise, shell, capsys, content):
    exercise.write_bytes(content)
    progress()
    check("0.0/up", 3)
    progress()
    assert "passed" in capsys.readouterr().out


def test_a_place_that_cannot_be_written_disturbs_no_check(exercise, shell, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("D2L_PROGRESS", str(tmp_path / "file" / "progress.json"))
    check("0.0/up", 3)
    assert shell.shown[-1].passed


def test_outside_notebooks_nothing_is_written(exercise):
    check("0.0/up", 3)
    assert not exercise.exists()


def mine():
    """An attempt."""


def test_yours_goes_on_if_it_passes_now(exercise, capsys):
    assert yours("0.0/up", 3, 5) == 3
    assert capsys.readouterr().out == "0.0/up is passed: below, your answer is used.\n"
    assert yours("0.0/up", 2, 5) == 5
    expected = "0.0/up does not pass its check: below, the workbook's answer is used.\n"
    assert capsys.readouterr().out == expected
    assert yours("0.0/up", None, mine) is mine
    expected = "0.0/up is not attempted yet: below, the workbook's mine is used.\n"
    assert capsys.readouterr().out == expected
    assert yours("0.0/up", None, partial(mine, 1)).func is mine
    assert capsys.readouterr().out == expected
