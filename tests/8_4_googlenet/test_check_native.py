"""The checks of exercise 3: stems that suit 28x28 pass, the known mistakes get their reply."""

import pytest

import d2l_utils as d2l
from d2l_utils.checks import run

STRIDED = (((32, 3, 2, 1), (64, 1, 1, 0)),)  # and the pool behind it: 28, 14, 7


@pytest.mark.parametrize(
    "stem",
    [
        d2l.SMALL_STEM,
        (((64, 3, 1, 1),),),
        (((64, 5, 1, 2), (192, 3, 1, 1)),),
        [[[64, 3, 1, 1]]],  # lists will do
        (((8, 3, 1, 0),),),  # 26, 13, 7, 4
    ],
)
def test_right_stems_pass(stem):
    assert run("8.4/3a", stem).passed


@pytest.mark.parametrize("exercise", ["8.4/3a", "8.4/3b", "8.4/3c"])
def test_scaffold_is_not_attempted(exercise):
    assert not run(exercise, None).attempted


@pytest.mark.parametrize(
    ("stem", "requirement", "reply"),
    [
        (d2l.STEM, 2, "Count the halvings"),
        (STRIDED, 2, "Count the halvings"),
        ((), 3, "four times cheaper"),
        ((((64, 3, 1, 1), (2048, 3, 1, 1)),), 3, "many channels at 28×28"),
        ((((64, 40, 1, 0),),), 1, "run out of pixels"),
        (((64, 3, 1, 1),), 0, "a comma behind it"),
        ((64, 3, 1, 1), 0, "a tuple of convolutions"),
        ((((64, 3, 1),),), 0, "a tuple of convolutions"),
        ((((64, 3, 0, 1),),), 0, "1 or more"),
        ((((64, 3, 1.0, 1),),), 0, "a tuple of convolutions"),
        ("stem", 0, "a tuple of convolutions"),
        (3, 0, "a tuple of convolutions"),
    ],
)
def test_mistakes_are_named(stem, requirement, reply):
    report = run("8.4/3a", stem)
    assert (report.failed, reply in report.problem.nudge) == (requirement, True), report.text


@pytest.mark.parametrize(
    ("size", "reply"),
    [
        (7, "224×224"),
        (2, "stage 4"),
        (4, "one halving"),
        (0, "rounds up"),
        (28, "the image"),
        (3, "Halve 28"),
    ],
)
def test_wrong_sizes_get_their_reply(size, reply):
    assert reply in run("8.4/3b", size).problem.nudge


@pytest.mark.parametrize(
    ("part", "reply"),
    [
        ("body", "keep height and width"),
        ("head", "any size"),
        ("none", "read"),
        ("all", "at a time"),
    ],
)
def test_wrong_parts_get_their_reply(part, reply):
    assert reply in run("8.4/3c", part).problem.nudge


def test_right_answers():
    assert run("8.4/3b", 1).passed
    assert run("8.4/3c", "Stem").passed
