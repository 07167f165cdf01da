"""Part d of exercise 1.3: findings that are those of the recorded runs, and replies to others."""

import json
from pathlib import Path
from statistics import mean, variance

import pytest

from d2l_utils.checks import run

EXERCISE = "8.4/1.3d"
RIGHT = {
    "test accuracy": "not resolved",
    "confidence": "falls",
    "calibration error": "rises",
    "within/between": "not resolved",
    "shift": -8.44,
}


@pytest.fixture(scope="module")
def values():
    """Of each line and each ε, its values in the runs at the rate 0.3."""
    file = Path(__file__).parents[2] / "results/8_4_googlenet/1_3_label_smoothing.json"
    found = {(epsilon, line): [] for epsilon in (0.0, 0.1, 0.3) for line in RIGHT}
    for run_ in json.loads(file.read_text())["runs"]:
        if run_["config"]["lr"] == 0.3:
            measured, accuracy = run_["measured"], run_["test"]["acc"]
            told = (
                accuracy,
                measured["confidence"],
                measured["ece"],
                measured["within_over_between"],
                100 * (measured["confidence"] - accuracy),
            )
            for line, value in zip(RIGHT, told, strict=True):
                found[run_["config"]["smoothing"], line].append(value)
    return found


def test_the_check_takes_what_the_records_say(values):
    """Resolved is what differs by three standard errors for both values of ε, in one direction."""
    for line, finding in list(RIGHT.items())[:4]:
        arms = [values[epsilon, line] for epsilon in (0.0, 0.1, 0.3)]
        pooled = sum(variance(arm) * (len(arm) - 1) for arm in arms)
        pooled /= sum(len(arm) - 1 for arm in arms)
        steps = [
            (mean(arm) - mean(arms[0])) / (pooled * (1 / len(arm) + 1 / len(arms[0]))) ** 0.5
            for arm in arms[1:]
        ]
        rises, falls = all(z > 3 for z in steps), all(z < -3 for z in steps)
        assert finding == ("rises" if rises else "falls" if falls else "not resolved")
    shift = mean(values[0.1, "shift"]) - mean(values[0.0, "shift"])
    assert run(EXERCISE, {**RIGHT, "shift": shift}).passed
    assert run(EXERCISE, RIGHT).passed


@pytest.mark.parametrize("shift", [-8.44, -8.43])
def test_right_findings_pass_as_they_are_read_from_the_table(shift):
    spelt = {line: f" {RIGHT[line].title()} " for line in list(RIGHT)[:4]}
    assert run(EXERCISE, dict(reversed({**spelt, "shift": shift}.items()))).passed


WRONG = [
    ("test accuracy", "rises", "how many standard errors"),
    ("test accuracy", "falls", "how many standard errors"),
    ("confidence", "rises", "Which gap"),
    ("confidence", "not resolved", "how many standard errors"),
    ("calibration error", "falls", "networks that promise far too much"),
    ("calibration error", "not resolved", "how many standard errors"),
    ("within/between", "rises", "its sign, and its size"),
    ("within/between", "falls", "how many standard errors"),
    ("shift", 8.44, "sign is negative"),
    ("shift", -8.18, "change of the confidence"),
    ("shift", -7.08, "where it ends"),
    ("shift", 1.36, "where it begins"),
    ("shift", -5.72, "Mind the signs"),
    ("shift", -25.50, "for ε = 0.3"),
    ("shift", 5.65, "calibration error"),
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
