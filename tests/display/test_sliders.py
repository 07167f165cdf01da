"""The figure with sliders: redrawn when one is moved, shown all the same without ipywidgets."""

import base64
import sys

import ipywidgets
import pytest

import d2l_utils as d2l
from d2l_utils.display.sliders import VIEW


@pytest.fixture
def drawn():
    return []


@pytest.fixture
def draw(drawn):
    def draw(n=3, precision="int8"):
        drawn.append((n, precision))
        figure, axes = d2l.plt.subplots(figsize=(1, 1))
        axes.plot([1, 2])
        axes.set(xlabel="time", ylabel="size")
        return figure

    return draw


@pytest.fixture
def displayed(monkeypatch):
    """What was put on the page, by its media type."""
    shown = {}
    monkeypatch.delenv("D2L_STATIC", raising=False)
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.update(data))
    return shown


@pytest.fixture
def children(displayed, monkeypatch):
    """The picture and its sliders, of what was put on the page last."""
    boxes, box = [], ipywidgets.VBox
    monkeypatch.setattr("ipywidgets.VBox", lambda parts: boxes.append(box(parts)) or boxes[-1])

    def children():
        assert displayed[VIEW]["model_id"] == boxes[-1].model_id
        return boxes[-1].children

    return children


def test_a_slider_redraws(draw, drawn, children):
    open_before = d2l.plt.get_fignums()
    d2l.sliders(draw, n=(1, 9), precision=["int8", "fp16"])
    picture, n, precision = children()
    assert (n.min, n.max, n.value, precision.value) == (1, 9, 3, "int8")
    before = picture.value
    assert bytes(before[:4]) == b"\x89PNG"
    n.value = 5
    precision.value = "fp16"
    assert drawn == [(3, "int8"), (5, "int8"), (5, "fp16")]
    assert d2l.plt.get_fignums() == open_before


def test_choices_are_told_as_they_are_meant(draw, drawn, children):
    d2l.sliders(draw, n=[("1 KiB", 1024), ("three", 3), ("2 KiB", 2048)])
    _, n = children()
    assert n.label == "three"
    n.label = "2 KiB"
    assert drawn == [(3, "int8"), (2048, "int8")]


def test_where_sliders_cannot_work_a_picture_stands(draw, displayed, monkeypatch):
    d2l.sliders(draw, n=(1, 9))
    assert base64.b64decode(displayed["image/png"])[:4] == b"\x89PNG"
    assert displayed["text/plain"] == "Figure. size against time. Sliders: n."
    displayed.clear()
    monkeypatch.setenv("D2L_STATIC", "1")
    d2l.sliders(draw, n=(1, 9))
    assert set(displayed) == {"image/png", "text/plain"}


def test_without_ipywidgets_the_figure_is_drawn(draw, drawn, displayed, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    d2l.sliders(draw, n=(1, 9))
    assert drawn == [(3, "int8")]
    assert not displayed
    assert "call draw(...)" in capsys.readouterr().out
