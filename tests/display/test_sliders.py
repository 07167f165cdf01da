"""The figure with sliders: redrawn when one is moved, shown all the same without ipywidgets."""

import sys

import pytest

import d2l_utils as d2l


@pytest.fixture
def drawn():
    return []


@pytest.fixture
def draw(drawn):
    def draw(n=3, precision="int8"):
        drawn.append((n, precision))
        return d2l.plt.subplots(figsize=(1, 1))[0]

    return draw


@pytest.fixture
def displayed(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    return shown


def test_a_slider_redraws(draw, drawn, displayed):
    open_before = d2l.plt.get_fignums()
    d2l.sliders(draw, n=(1, 9), precision=["int8", "fp16"])
    picture, n, precision = displayed[0].children
    assert (n.min, n.max, n.value, precision.value) == (1, 9, 3, "int8")
    before = picture.value
    assert bytes(before[:4]) == b"\x89PNG"
    n.value = 5
    precision.value = "fp16"
    assert drawn == [(3, "int8"), (5, "int8"), (5, "fp16")]
    assert d2l.plt.get_fignums() == open_before


def test_without_ipywidgets_the_figure_is_drawn(draw, drawn, displayed, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    d2l.sliders(draw, n=(1, 9))
    assert drawn == [(3, "int8")]
    assert not displayed
    assert "call draw(...)" in capsys.readouterr().out
