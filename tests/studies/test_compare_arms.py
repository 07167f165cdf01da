"""Differences between arms, against their noise."""

import pytest

import d2l_utils as d2l


def records(**accuracies):
    return {
        arm: [{"test": {"acc": value}} for value in values] for arm, values in accuracies.items()
    }


def test_by_hand(capsys):
    d2l.compare(records(a=[0.90, 0.92], b=[0.80, 0.80], c=[0.92], d=[]), "a")
    # pooled variance (2 + 0) / 2 = 1; images 2 * 9 * 91 / 10,000 = 0.1638
    assert capsys.readouterr().out.splitlines() == [
        "spread between seeds, pooled: 1.00 points",
        "error of a difference by the choice of test images: 0.40 points",
        "b: -11.00 points, standard error 1.08: worse",
        "c: +1.00 points, standard error 1.29: no difference beyond noise",
    ]


@pytest.mark.parametrize("runs", [{"a": []}, {"a": [0.9], "b": [0.8]}, {"a": [], "b": [0.8, 0.9]}])
def test_without_repeated_runs_nothing_is_said(runs, capsys):
    d2l.compare(records(**runs), "a")
    assert capsys.readouterr().out == "not recorded yet\n"


def test_a_reference_that_is_no_arm():
    with pytest.raises(ValueError, match="reference = 'x': expected one of 'a', 'b'"):
        d2l.compare(records(a=[0.9], b=[0.8]), "x")
