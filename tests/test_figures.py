"""Figures: colours that everyone can tell apart, on light and dark pages; the book's helpers."""

import itertools

import matplotlib as mpl
import pytest
import torch

import d2l_utils as d2l
from d2l_utils.display import style

mpl.use("Agg")


def luminance(color):
    """Relative luminance, WCAG 2.1."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(a, b):
    low, high = sorted(luminance(mpl.colors.to_rgb(c)) for c in (a, b))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("page", ["#ffffff", "#111111"])
def test_text_is_readable_on_light_and_dark_pages(page):
    assert contrast(style.INK, page) > 4


# Machado, Oliveira and Fernandes 2009: how a dichromat sees linear RGB
DEFICIENCIES = {
    "protanopia": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "deuteranopia": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
}


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_the_first_four_colours_differ_for_the_colour_blind(deficiency):
    matrix = torch.tensor(DEFICIENCIES[deficiency])
    linear = torch.tensor([mpl.colors.to_rgb(c) for c in style.COLORS[:4]]) ** 2.2
    seen = (linear @ matrix.T).clamp(0, 1) ** (1 / 2.2)
    for a, b in itertools.combinations(seen, 2):
        assert (a - b).norm() > 0.15


def test_plot_takes_one_curve_or_many():
    x = [0, 1, 2]
    for X, Y, curves in (
        (x, None, 1),
        (x, [1, 2, 3], 1),
        (x, [[1, 2, 3], [3, 2, 1]], 2),
        ([x, x], [[1, 2, 3], [3, 2, 1]], 2),
        (torch.arange(3), torch.arange(3) ** 2, 1),
        (torch.arange(3), [torch.arange(3), torch.ones(3)], 2),
    ):
        axes = style.pyplot().figure().gca()
        d2l.plot(X, Y, "x", "y", legend=["a", "b"][:curves], xlim=[0, 2], axes=axes)
        assert len(axes.lines) == curves
        assert axes.get_xlabel() == "x"
        assert axes.get_xlim() == (0, 2)


def test_plot_refuses_curves_that_do_not_match():
    with pytest.raises(ValueError, match="zip"):
        d2l.plot([[0, 1], [0, 1]], [[1, 2], [1, 2], [1, 2]])


def test_show_images():
    axes = d2l.show_images(torch.rand(5, 8, 8), 2, 3, titles=list("abcde"))
    assert len(axes) == 6
    assert [ax.get_title() for ax in axes] == [*"abcde", ""]
    assert [len(ax.images) for ax in axes] == [1, 1, 1, 1, 1, 0]
    assert len(d2l.show_images(torch.rand(1, 8, 8, 3).numpy(), 1, 1)) == 1


def test_plt_is_pyplot_in_the_workbooks_style():
    assert d2l.plt is mpl.pyplot
    assert mpl.rcParams["text.color"] == style.INK
    d2l.set_figsize((2, 1))
    assert mpl.rcParams["figure.figsize"] == [2, 1]
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        d2l.nonsense  # noqa: B018
