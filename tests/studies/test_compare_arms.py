"""Differences between arms, against their noise."""

import base64
import re

import numpy as np
import pytest

import d2l_utils as d2l
from d2l_utils.studies.run import images_right


def records(**accuracies):
    return {
        arm: [{"test": {"acc": value}} for value in values] for arm, values in accuracies.items()
    }


def test_by_hand(capsys):
    d2l.compare(records(a=[0.90, 0.92], b=[0.80, 0.80], c=[0.92], d=[]), "a")
    # pooled variance (2 + 0) / 2 = 1; images 2 * 9 * 91 / 10,000 = 0.1638
    assert capsys.readouterr().out.splitlines() == [
        "spread between seeds, pooled: 1.00 points, 2 degrees of freedom",
        "b: -11.00 points, standard error 1.08 (images apart): worse, resolved from 3.24 points on",
        "c: +1.00 points, standard error 1.29 (images apart): not resolved below 3.87 points",
    ]


def paired(*runs):
    """Runs on eight images, each right about those that are 1."""
    return [
        {
            "test": {"acc": sum(bits) / 8},
            "right": base64.b64encode(np.packbits(bits)).decode(),
        }
        for bits in runs
    ]


def test_pairs_by_hand(capsys):
    """Two arms that are right about nearly the same images differ by less than chance would."""
    one = paired([1, 1, 1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1, 0, 0])
    other = paired([1, 1, 1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 0, 0, 0])
    assert images_right(one[0]).tolist() == [True] * 6 + [False] * 2
    d2l.compare({"a": one, "b": other}, "a")
    # of the eight differences one is -100 and seven are 0: variance 100**2 / 8, its mean's / 8
    assert capsys.readouterr().out.splitlines() == [
        "spread between seeds, pooled: 0.00 points, 2 degrees of freedom",
        "b: -12.50 points, standard error 12.50 (images paired): not resolved below 37.50 points",
    ]


def test_the_error_is_that_of_many_repetitions(capsys):
    """Seeds and images drawn anew a thousand times: the difference spreads as it says."""
    draw = np.random.default_rng(0)
    n, seeds, errors, gaps = 400, 3, [], []
    for _ in range(1000):
        difficulty = draw.normal(1.5, 1.5, n)
        arms = {}
        for arm, shift in (("a", 0.0), ("b", 0.3)):
            skill = shift + draw.normal(0, 0.1, (seeds, 1))
            right = draw.random((seeds, n)) < 1 / (1 + np.exp(-difficulty - skill))
            arms[arm] = [
                {"test": {"acc": float(bits.mean())}, "right": base64.b64encode(np.packbits(bits))}
                for bits in right
            ]
        d2l.compare(arms, "a")
        told = capsys.readouterr().out.splitlines()[1]
        gap, error = re.match(r"b: (\S+) points, standard error (\S+) ", told).groups()
        gaps.append(float(gap))
        errors.append(float(error))
    assert 1.0 <= np.mean(np.square(errors)) ** 0.5 / np.std(gaps) <= 1.25  # careful, not by much


@pytest.mark.parametrize("runs", [{"a": []}, {"a": [0.9], "b": [0.8]}, {"a": [], "b": [0.8, 0.9]}])
def test_without_repeated_runs_nothing_is_said(runs, capsys):
    d2l.compare(records(**runs), "a")
    assert capsys.readouterr().out == "not recorded yet\n"


def test_a_reference_that_is_no_arm():
    with pytest.raises(ValueError, match="reference = 'x': expected one of 'a', 'b'"):
        d2l.compare(records(a=[0.9], b=[0.8]), "x")
