"""Tables as text and as HTML."""

import re

import pytest

import d2l_utils as d2l
from d2l_utils.display.tables import text_table

COLUMNS = {"network": "", "M MACs": ",.1f", "layers": "", "best": ""}
ROWS = [("VGG & Co", 7609.09, 11, True), ("<none>", None, 5, "no")]
TEXT = """\
network    M MACs  layers  best
VGG & Co  7,609.1      11  True
<none>                  5  no
two networks"""


def test_columns_are_aligned_and_lines_end_with_their_last_cell():
    rows = [("arm", "runs", "accuracy"), ("8 × 8, rate 0.1", "2", "1.50 %"), ("b", "10", "")]
    assert text_table(rows).splitlines() == [
        "arm              runs  accuracy",
        "8 × 8, rate 0.1  2     1.50 %",
        "b                10",
    ]


def test_a_table_as_text():
    assert repr(d2l.Table(COLUMNS, ROWS, "two networks")) == TEXT
    assert repr(d2l.Table(COLUMNS, [])) == "network  M MACs  layers  best"


def test_a_table_as_html_says_the_same():
    html = d2l.Table(COLUMNS, ROWS, "two networks")._repr_html_()
    cells = re.findall(r"<t[hd] style=\"text-align: (\w+)\">(.*?)</t[hd]>", html)
    assert [side for side, _ in cells] == ["left", "right", "right", "left"] * 3
    assert [cell for _, cell in cells[4:]] == [
        *("VGG &amp; Co", "7,609.1", "11", "True"),
        *("&lt;none&gt;", "", "5", "no"),
    ]
    assert html.endswith("</table><p>two networks</p>")


def test_a_table_is_shown_where_there_is_no_page(capsys):
    d2l.Table(COLUMNS, ROWS, "two networks").show()
    assert capsys.readouterr().out == TEXT + "\n"


def test_a_row_that_is_too_short_is_told():
    with pytest.raises(ValueError, match=r"rows: expected 4 values, as columns has, got \['a'\]"):
        d2l.Table(COLUMNS, [("a",)])
