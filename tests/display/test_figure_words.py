"""What figures show, in words."""

import subprocess
import sys

import pytest
import torch

import d2l_utils as d2l
from d2l_utils.display.figure_words import in_words


@pytest.fixture
def figure():
    figure = d2l.plt.figure()
    yield figure
    d2l.plt.close(figure)


def test_axes_titles_and_legends(figure):
    left, right = figure.subplots(1, 2)
    for label in ("ε = 0", "ε = 0.1"):
        left.plot([1, 2], label=label)
    left.set(xlabel="step", ylabel="loss", title="Training,\n90 steps")
    left.legend()
    right.bar(["a", "b"], [1, 2])
    right.set(xlabel="network")
    assert in_words(figure) == (
        "Figure. Training, 90 steps: loss against step: ε = 0, ε = 0.1; plot of network."
    )


def test_pictures_are_counted_and_their_confidences_left_out(figure):
    for place in range(1, 4):
        axes = figure.add_subplot(1, 4, place)
        axes.imshow(torch.rand(2, 2).numpy())
    axes = figure.add_subplot(1, 4, 4)
    axes.imshow(torch.rand(2, 2).numpy())
    axes.set_title("coat 97%\nis: shirt")
    assert in_words(figure) == "Figure. 3 pictures; coat is: shirt: picture."


def test_a_colour_bar_is_no_plot_and_a_figures_legend_is_told(figure):
    axes = figure.subplots()
    figure.colorbar(axes.imshow(torch.rand(2, 2).numpy(), label="x"))
    (line,) = axes.plot([0, 1], label="mean")
    figure.legend(handles=[line])
    figure.suptitle("Two things")
    assert in_words(figure) == "Figure. Two things; picture; legend: mean."


def test_of_nothing_it_says_so(figure):
    assert in_words(figure) == "Figure. empty."


CELL = """
import sys
sys.modules.setdefault("ipykernel", sys)
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
import d2l_utils as d2l
figure, axes = d2l.plt.subplots()
axes.plot([1, 2])
axes.set(xlabel="x", ylabel="y")
print(shell.display_formatter.formatters["text/plain"](figure))
"""


def test_a_notebook_keeps_the_words(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", CELL], capture_output=True, text=True)
    assert done.stdout == "Figure. y against x.\n", done.stderr
