"""Part d of exercise 1.3: findings that are those of the recorded runs, and replies to others."""

import json
from pathlib import Path
from statistics import mean

import pytest

from d2l_utils.checks import run

EXERCISE = "8.4/1.3d"
RIGHT = {
    "test accuracy": "not resolved",
    "confidence": "falls",
    "calibration error": "rises",
    "within/between": "not resolved",
    "shift": -8.49,
}


@pytest.fixture(scope="module")
def pairs():
    """Of each line, the runs with smoothing less those without, at the rates that were chosen."""
    file = Path(__file__).parents[2] / "results/8_4_googlenet/1_3_label_smoothing.json"
    chosen = {0.0: 0.3, 0.1: 0.1, 0.3: 0.3}
    runs = {
        (run["config"]["smoothing"], run["seed"]): {
            "test accuracy": run["test"]["acc"],
            "confidence": run["measured"]["confidence"],
            "calibration error": run["measured"]["ece"],
            "within/between": run["measured"]["within_over_between"],
            "shift": 100 * (run["measured"]["confidence"] - run["test"]["acc"]),
        }
        for run in json.loads(file.read_text())["runs"]
        if run["config"]["lr"] == chosen[run["config"]["smoothing"]]
    }
    return {
        (epsilon, line): [runs[epsilon, s][line] - runs[0.0, s][line] for s in (0, 1)]
        for epsilon in (0.1, 0.3)
        for line in RIGHT
    }


def test_the_check_takes_what_the_records_say(pairs):
    for line, finding in list(RIGHT.items())[:4]:
        signs = {change > 0 for epsilon in (0.1, 0.3) for change in pairs[epsilon, line]}
        assert finding == (
            "not resolved" if len(signs) == 2 else "rises" if signs.pop() else "falls"
        )
    shift = mean(pairs[0.1, "shift"])
    assert run(EXERCISE, {**RIGHT, "shift": shift}).passed
    assert run(EXERCISE, RIGHT).passed


@pytest.mark.parametrize("shift", [-8.49, -8.5, -8.48])
def test_right_findings_pass_as_they_are_read_from_the_table(shift):
    spelt = {line: f" {RIGHT[line].title()} " for line in list(RIGHT)[:4]}
    assert run(EXERCISE, dict(reversed({**spelt, "shift": shift}.items()))).passed


WRONG = [
    ("test accuracy", "rises", "rise for either seed"),
    ("test accuracy", "falls", "fall for either seed"),
    ("confidence", "rises", "Which gap"),
    ("confidence", "not resolved", "do the signs differ"),
    ("calibration error", "falls", "networks that promise far too much"),
    ("calibration error", "not resolved", "do the signs differ"),
    ("within/between", "rises", "also for ε = 0.3"),
    ("within/between", "falls", "also for ε = 0.1"),
    ("shift", 8.49, "sign is negative"),
    ("shift", -8.45, "change of the confidence"),
    ("shift", -7.28, "where it ends"),
    ("shift", 1.21, "where it begins"),
    ("shift", -6.07, "Mind the signs"),
    ("shift", -25.0, "for ε = 0.3"),
    ("shift", 5.98, "calibration error"),
    ("shift", -1.0, "table of effects"),
    ("shift", "a lot", "Give a number"),
    ("confidence", "stays", "Pick one of the choices"),
    ("confidence", 3, "Give a choice"),
]


@pytest.mark.parametrize(("line", "given", "reply"), WRONG)
def test_each_wrong_finding_gets_its_own_reply(line, given, reply):
    report = run(EXERCISE, {**RIGHT, line: given})
    assert report.failed == 1 + list(RIGHT).index(line)
    assert reply in report.problem.nudge, report.text
    assert report.problem.nudge.count(". ") <= 1


def test_an_untouched_scaffold_is_not_attempted_a_half_filled_one_is():
    assert not run(EXERCISE, dict.fromkeys(RIGHT, ...)).attempted
    report = run(EXERCISE, {**RIGHT, "shift": ..., "confidence": None})
    assert report.failed == 0
    assert "nothing for 'confidence', 'shift'" in report.text


@pytest.mark.parametrize("junk", [3, "falls", ["falls"], lambda: 1])
def test_junk_is_refused(junk):
    report = run(EXERCISE, junk)
    assert report.failed == 0
    assert " at 0x" not in report.text
