"""Differences between arms, against their noise."""

import base64

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
    # pooled variance (2 + 0) / 2 = 1 with two degrees of freedom, Student's 19.21;
    # images of a 9 * 91 / 10,000 = 0.0819, of b 0.16, of c 0.0736
    assert capsys.readouterr().out.splitlines() == [
        "arm  points  standard error  images  verdict",
        "b    -11.00            1.11  apart   not resolved below 19.27 points",
        "c     +1.00            1.29  apart   not resolved below 23.56 points",
        "spread between seeds, pooled: 1.00 points, 2 degrees of freedom",
    ]


def test_many_seeds_resolve_more(capsys):
    """With ten degrees of freedom Student's quantile is 3.96."""
    one, other = [0.90, 0.91, 0.92] * 2, [0.80, 0.81, 0.82] * 2
    d2l.compare(records(a=one, b=other), "a")
    seeds = 0.8 * 2 / 6  # of a difference of two means
    images = (91 * 9 + 81 * 19) / 10_000
    least = (3.96**2 * seeds + 9 * images) ** 0.5
    _, b, pooled = capsys.readouterr().out.splitlines()
    assert b.split("  ")[0] == "b"
    assert b.split()[1:4] == ["-10.00", f"{(seeds + images) ** 0.5:.2f}", "apart"]
    assert b.endswith(f"worse, resolved from {least:.2f} points on")
    assert pooled == "spread between seeds, pooled: 0.89 points, 10 degrees of freedom"


def test_a_run_that_diverged_is_left_out_and_told(capsys):
    runs = records(a=[0.9, 0.9], b=[0.8, 0.8, 0.1])
    runs["b"][2]["diverged"] = "the loss is nan"
    d2l.compare(runs, "a")
    told, _, b, _ = capsys.readouterr().out.splitlines()
    assert told == "b: 1 of 3 runs diverged and are left out"
    assert b.split()[:5] == ["b", "-10.00", "0.50", "apart", "worse,"]


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
        "arm  points  standard error  images  verdict",
        "b    -12.50           12.50  paired  not resolved below 37.50 points",
        "spread between seeds, pooled: 0.00 points, 2 degrees of freedom",
    ]


@pytest.mark.parametrize(("of_seeds", "of_images"), [(0.1, 1.0), (0.0, 2.0), (0.3, 0.0)])
def test_the_error_is_that_of_many_repetitions(capsys, of_seeds, of_images):
    """Seeds and images drawn anew a thousand times: the difference spreads as it says.

    Arms differ in how good a seed makes them, and in which images are hard for them.
    """
    draw = np.random.default_rng(0)
    n, seeds, errors, gaps = 400, 3, [], []
    for _ in range(1000):
        difficulty = draw.normal(1.5, 1.5, n)
        arms = {}
        for arm, shift in (("a", 0.0), ("b", 0.3)):
            skill = shift + draw.normal(0, of_seeds, (seeds, 1)) - draw.normal(0, of_images, n)
            right = draw.random((seeds, n)) < 1 / (1 + np.exp(-difficulty - skill))
            arms[arm] = [
                {"test": {"acc": float(bits.mean())}, "right": base64.b64encode(np.packbits(bits))}
                for bits in right
            ]
        d2l.compare(arms, "a")
        told = capsys.readouterr().out.splitlines()[1]
        _, gap, error, *_ = told.split()
        gaps.append(float(gap))
        errors.append(float(error))
    assert 1.0 <= np.mean(np.square(errors)) ** 0.5 / np.std(gaps) <= 1.3  # careful, not by much


@pytest.mark.parametrize("runs", [{"a": []}, {"a": [0.9], "b": [0.8]}, {"a": [], "b": [0.8, 0.9]}])
def test_without_repeated_runs_nothing_is_said(runs, capsys):
    d2l.compare(records(**runs), "a")
    assert capsys.readouterr().out == "not recorded yet\n"


def test_a_reference_that_is_no_arm():
    with pytest.raises(ValueError, match="reference = 'x': expected one of 'a', 'b'"):
        d2l.compare(records(a=[0.9], b=[0.8]), "x")
