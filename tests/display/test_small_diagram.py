"""Drawings in one row say what the networks do, in letters that can be read."""

import io

from PIL import Image
from torch import nn

import d2l_utils as d2l
from d2l_utils.display.small_diagram import SmallDiagram


def drawings():
    block = d2l.Inception(*d2l.GOOGLENET[0][0], unit=d2l.conv_bn_relu)
    step = nn.Sequential(nn.LazyConv2d(64, 3, stride=2), nn.ReLU())
    return d2l.diagram({"block": block}, (2, 192, 28, 28)), d2l.diagram(
        {"step": step}, (2, 9, 8, 8)
    )


def test_the_text_is_that_of_the_drawings():
    one, other = drawings()
    assert SmallDiagram(one, other).source == f"{one.source}\n{other.source}"
    assert "3×3 conv, 64, stride 2 + ReLU" in other.source


def test_the_picture_is_one_row_nine_tenths_as_large():
    one, other = drawings()
    data, width, height = SmallDiagram(one, other).picture
    pixels = Image.open(io.BytesIO(data)).size
    assert all(abs(n - 2 * m) <= 1 for n, m in zip(pixels, (width, height), strict=True))
    assert abs(height - 0.9 * max(one.picture[2], other.picture[2])) <= 2
    assert width < 0.9 * (one.picture[1] + other.picture[1]) + 16  # the stride's line is shorter


def test_drawing_changes_nothing():
    _, other = drawings()
    before = other.source
    _ = SmallDiagram(other).picture
    assert other.source == before
