"""Tables as text."""

from d2l_utils.display.tables import text_table


def test_columns_are_aligned_and_lines_end_with_their_last_cell():
    rows = [("arm", "runs", "accuracy"), ("8 × 8, rate 0.1", "2", "1.50 %"), ("b", "10", "")]
    assert text_table(rows).splitlines() == [
        "arm              runs  accuracy",
        "8 × 8, rate 0.1  2     1.50 %",
        "b                10",
    ]
