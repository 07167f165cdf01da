"""The live plot, in a terminal and in a real Jupyter kernel."""

import nbformat
import pytest
from nbclient import NotebookClient

import d2l_utils as d2l


def test_draw_averages_every_n_points():
    board = d2l.ProgressBoard()
    for x in range(7):
        board.draw(x, 10 * x, "curve", every_n=3)
    assert board.data["curve"] == [(1, 10), (4, 40)]
    assert board.raw_points["curve"] == [(6, 60)]


def test_nothing_is_drawn_in_a_terminal(capsys):
    board = d2l.ProgressBoard()
    board.draw(0, 0, "curve")
    assert capsys.readouterr().out == ""
    assert board.fig is None


def test_picture_has_curves_labels_and_a_text():
    board = d2l.ProgressBoard(xlabel="x", ylabel="y", xlim=[0, 4], ylim=[1, 9], yscale="log")
    for x in range(1, 4):
        board.draw(x, x**2, "square")
        board.draw(x, x, "line")
    picture, metadata = board._picture()
    assert picture["image/png"].startswith(b"\x89PNG")
    assert picture["text/plain"] == "<curves: square 9, line 3>"
    assert metadata == {"image/png": {"width": 450, "height": 300}}
    axes = board.axes
    assert [line.get_label() for line in axes.lines] == ["square", "line"]
    assert list(axes.lines[0].get_ydata()) == [1, 4, 9]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_yscale()) == ("x", "y", "log")
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 4), (1, 9))


def test_more_curves_than_colours_still_differ():
    board = d2l.ProgressBoard()
    for i in range(10):
        board.draw(0, i, f"curve {i}")
    board._picture()
    styles = {(line.get_color(), line.get_linestyle()) for line in board.axes.lines}
    assert len(styles) == 10


LOOP = """
import time, d2l_utils as d2l
board = d2l.ProgressBoard('x')
def run(seconds):
    draws, show = [], board.show
    def timed():
        start = time.perf_counter(); show(); draws.append(time.perf_counter() - start)
    board.show = timed
    x, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        board.draw(x, x, 'line'); x += 1
        time.sleep(0.001)
    print(len(draws), sum(draws[1:]) / seconds < 0.1, len(draws) < 2 + seconds / 0.2, flush=True)
"""


@pytest.fixture(scope="module")
def cells():
    """Outputs of a notebook in which a board draws for a while, twice, and a trainer once."""
    sources = [
        LOOP,
        "run(4)",
        "print(board._handle is not None)",
        "board.reset(); board.draw(0, 3, 'again')",
        "board.draw(1, 4, 'again'); board.draw(2, 5, 'again', every_n=1)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
    return [cell.outputs for cell in notebook.cells]


def pictures(outputs):
    return [output for output in outputs if "image/png" in output.get("data", {})]


def test_one_picture_updated_in_place(cells):
    assert len(pictures(cells[1])) == 1
    assert pictures(cells[1])[0]["metadata"]["image/png"] == {"width": 450, "height": 300}


def test_drawing_is_rare_and_cheap(cells):
    (printed,) = [output.text for output in cells[1] if output.output_type == "stream"]
    count, cheap, few = printed.split()
    assert int(count) >= 1  # a busy machine draws less often
    assert (cheap, few) == ("True", "True")


def test_the_last_point_is_shown_when_the_cell_ends(cells):
    """The run's last picture is that of its last point, though the loop drew none for it."""
    text = pictures(cells[1])[0]["data"]["text/plain"]
    assert int(float(text.split()[-1].rstrip(">"))) > 100


def test_no_figure_leaks_into_the_next_cell(cells):
    assert pictures(cells[2]) == []


def test_after_reset_the_picture_moves_to_the_new_cell(cells):
    assert pictures(cells[3])[0]["data"]["text/plain"] in ("<curves: again 3>", "<curves: again 5>")
