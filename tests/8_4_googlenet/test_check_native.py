"""The checks of exercise 3: stems that suit 28x28 pass, the known mistakes get their reply."""

import numpy as np
import pytest
import torch

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
        (((64, 7, 1, 3), (192, 3, 1, 1)),),
        (((64, 1, 1, 0), (192, 3, 1, 1)),),
        tuple(tuple(tuple(map(np.int64, c)) for c in stage) for stage in d2l.SMALL_STEM),
        np.array([[[64, 3, 1, 1], [192, 3, 1, 1]]]),
        [[(64, 3, np.int32(1), 1), [192, np.uint8(3), 1, 1]]],
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
        (d2l.STEM, 4, "Count the halvings"),
        (STRIDED, 4, "Count the halvings"),
        ((), 2, "combines a pixel with its neighbours"),
        (((),), 2, "combines a pixel with its neighbours"),
        ((((64, 1, 1, 0),),), 2, "combines a pixel with its neighbours"),
        ((((64, 1, 1, 0), (192, 1, 1, 0)),), 2, "combines a pixel with its neighbours"),
        ((((1, 3, 1, 1), (192, 1, 1, 0)),), 2, "made of that one channel"),
        ((((64, 3, 1, 20),),), 3, "Maps that are large by padding"),
        ((((64, 7, 2, 17),),), 3, "(kernel − 1) / 2 keeps"),
        ((((64, 55, 1, 27),),), 3, "more image than padding"),
        ((((64, 3, 1, 1), (2048, 3, 1, 1)),), 5, "many channels at 28×28"),
        ((((64, 3, 1, 6), (1024, 3, 1, 1)),), 5, "19×19"),
        ((((64, 40, 1, 0),),), 1, "run out of pixels"),
        (((64, 3, 1, 1),), 0, "a comma behind it"),
        ((64, 3, 1, 1), 0, "a tuple of convolutions"),
        ((((64, 3, 1),),), 0, "a tuple of convolutions"),
        ((((64, 3, 0, 1),),), 0, "1 or more"),
        ((((64, 3, 1.0, 1),),), 0, "without a point"),
        ((((64, np.float64(3), 1, 1),),), 0, "without a point"),
        ((((64, 3, 1, 0.5),),), 0, "a tuple of convolutions"),
        ((((64, torch.tensor(3), 1, 1),),), 0, "a tuple of convolutions"),
        (np.ones(4, int), 0, "a tuple of convolutions"),
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
        (7, "behind five"),
        ("7x7", "two halvings"),
        ((4, 4), "what the body receives"),
        (2, "second stage"),
        (4, "two more pools"),
        (3, "96×96"),
        (14, "Four more"),
        (0, "rounds up"),
        (28 / 32, "rounds up"),
        (28, "the image"),
        ("32", "What is left of 28"),
        (5, "Halve 28"),
        ((1, 2), "for the width, which is the same"),
    ],
)
def test_wrong_sizes_get_their_reply(size, reply):
    assert reply in run("8.4/3b", size).problem.nudge


@pytest.mark.parametrize(
    ("part", "reply"),
    [
        ("body", "keep height and width"),
        ("head", "any size"),
        ("both", "Does anything fail"),
        ("stem", "part a has changed"),
    ],
)
def test_wrong_parts_get_their_reply(part, reply):
    assert reply in run("8.4/3c", part).problem.nudge


@pytest.mark.parametrize("one", [1, "1", "1×1", (1, 1), [1, 1], np.int64(1), torch.tensor([1, 1])])
def test_right_sizes(one):
    assert run("8.4/3b", one).passed


def test_right_part():
    assert run("8.4/3c", "None").passed
