"""Predictions are read kindly, drawn once in a legend, and never judged."""

import matplotlib.pyplot as plt
import pytest
import torch

import d2l_utils as d2l


@pytest.mark.parametrize(
    ("given", "read"),
    [
        *((2, 2.0), (2.5, 2.5), ("2.5", 2.5), (" 40 % ", 40.0), (torch.tensor(3), 3.0)),
        *((None, None), (..., None)),
    ],
)
def test_numbers(given, read, capsys):
    assert d2l.predicted(given) == read
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("given", ["a lot", [1, 2], float("nan"), "inf", object, torch.ones(2)])
def test_what_is_no_number_is_told_and_not_drawn(given, capsys):
    assert d2l.predicted(given) is None
    assert "expected a number; nothing is drawn" in capsys.readouterr().out


def test_choices(capsys):
    assert d2l.predicted(" RISES", "rises", "falls") == "rises"
    assert d2l.predicted(None, "rises", "falls") is None
    assert d2l.predicted("up", "rises", "falls") is None
    expected = "prediction 'up': expected one of 'rises', 'falls'; nothing is drawn for it\n"
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize("given", [["B", " a", "C"], ("b", "A", "c"), "b, a, c"])
def test_an_order(given, capsys):
    assert d2l.predicted(given, "A", "B", "C", order=True) == ["B", "A", "C"]
    assert d2l.predicted(None, "A", "B", "C", order=True) is None
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("given", [["A", "B"], ["A", "B", "B"], ["A", "B", "D"], "A B C", 3, []])
def test_what_is_no_order_is_told_and_not_drawn(given, capsys):
    assert d2l.predicted(given, "A", "B", "C", order=True) is None
    told = f"prediction {given!r}: expected a list of all of these, each once: 'A', 'B', 'C'; "
    assert capsys.readouterr().out == told + "nothing is drawn for it\n"


def test_marks():
    _, axis = plt.subplots()
    d2l.mark_prediction(axis)
    assert not axis.lines
    d2l.mark_prediction(axis, 1, 2)
    d2l.mark_prediction(axis, x=3)
    d2l.mark_prediction(axis, y=4)
    point, vertical, horizontal = axis.lines
    assert (list(point.get_xdata()), list(point.get_ydata())) == ([1], [2])
    assert list(vertical.get_xdata()) == [3, 3]
    assert list(horizontal.get_ydata()) == [4, 4]
    assert axis.get_legend_handles_labels()[1] == ["your prediction"]
