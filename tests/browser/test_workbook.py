"""The workbook as its readers meet it: a real JupyterLab in headless Chromium."""

import itertools
import re
from pathlib import Path

import nbformat
import pytest
from lab_page import Lab

ROOT = Path(__file__).parents[2]
SOLUTION = """class MyInception(nn.Module):
    def __init__(self, c1, c2, c3, c4):
        super().__init__()
        conv = nn.LazyConv2d
        self.a = nn.Sequential(conv(c1, 1), nn.ReLU())
        self.b = nn.Sequential(conv(c2[0], 1), nn.ReLU(), conv(c2[1], 3, padding=1), nn.ReLU())
        self.c = nn.Sequential(conv(c3[0], 1), nn.ReLU(), conv(c3[1], 5, padding=PAD), nn.ReLU())
        self.d = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), conv(c4, 1), nn.ReLU())

    def forward(self, X):
        return torch.cat([self.a(X), self.b(X), self.c(X), self.d(X)], dim=1)
"""

SETUP = """import torch
import d2l_utils as d2l
"""
TRAINING = """
data = d2l.FashionMNIST(batch_size=16, source="sample", holdout=1000, seed=0)
model = d2l.LeNet()
trainer = d2l.Trainer(max_epochs=1000)
trainer.fit(model, data)
"""
AFTER = "print(trainer.interrupted, tuple(model(torch.zeros(2, 1, 28, 28)).shape))"


DRAWING = """
def draw(n=3):
    figure, axis = d2l.plt.subplots(figsize=(3, 1))
    axis.plot(range(n))
    return figure


d2l.sliders(draw, n=(1, 60))
"""


def written(folder, name, *sources):
    """A notebook of these cells."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbformat.write(notebook, folder / "notebooks" / name)
    return name


def visible(locator):
    """How many of these elements are on display."""
    return sum(each.is_visible() for each in locator.all())


@pytest.fixture(scope="module")
def notebook0(lab, browser):
    """Notebook 0, all its cells run by the Run menu."""
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    opened = Lab(page, lab, "8_4_googlenet/0_googlenet.ipynb")
    opened.before = opened.code()
    opened.page.evaluate("jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    opened.menu("Run", "Run All Cells")
    opened.wait_until_all_ran()
    return opened


def test_no_question_stands_in_the_way(notebook0):
    """No dialog, no offer of news, no choice of a kernel."""
    assert notebook0.page.locator(".jp-Dialog").count() == 0
    assert notebook0.page.locator(".jp-toast-button, .Toastify__toast").count() == 0


def test_runs_top_to_bottom(notebook0):
    code = notebook0.code()
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    errors = [o for cell in code for o in cell["outputs"] if o["output_type"] == "error"]
    assert errors == []


def test_its_claims_hold_here_too(notebook0):
    printed = "".join(
        "".join(output.get("text", "")) for cell in notebook0.code() for output in cell["outputs"]
    )
    assert "max |Δ| < 1e-5: True" in printed
    assert "right after 4 epochs: True" in printed


@pytest.mark.parametrize("cell", ["drawing", "block-drawing", "beside"])
def test_diagrams_are_shown_at_their_size(notebook0, cell):
    """As large as they were drawn: a text of 10 points is read as such."""
    notebook0.show(cell)
    drawing = notebook0.page.locator(".jp-mod-active .jp-RenderedImage img").first
    drawing.wait_for(timeout=30_000)
    (found,) = (each for each in notebook0.code() if each["id"] == cell)
    (drawn,) = (
        output["metadata"]["image/png"]
        for output in found["outputs"]
        if "image/png" in output.get("metadata", {})
    )
    size = drawing.bounding_box()
    assert size["width"] == pytest.approx(drawn["width"], rel=0.01)
    assert size["height"] == pytest.approx(drawn["height"], rel=0.01)
    assert size["width"] > 150
    notebook0.picture(cell)


def test_check_report_is_shown_as_html(notebook0):
    notebook0.show("check")
    report = notebook0.page.locator(".jp-mod-active .jp-RenderedHTML")
    assert "not attempted yet" in report.inner_text()
    assert notebook0.page.locator(".jp-mod-active .jp-OutputArea-child").count() == 1
    notebook0.picture("check")


def test_the_door_opens_with_the_triangle(notebook0):
    """Its cells ran behind it; a click shows them."""
    (check,) = (cell for cell in notebook0.code() if cell["id"] == "solution-check")
    assert ": passed" in "".join(check["outputs"][0]["data"]["text/plain"])
    code = notebook0.page.locator(".jp-CodeCell", has_text="self.branch3 = nn.Sequential(Conv(")
    notebook0.show("solution")
    assert visible(code) == 0
    notebook0.picture("solution-closed")
    notebook0.page.locator(".jp-mod-active .jp-collapseHeadingButton").click()
    code.first.wait_for(state="visible")
    notebook0.show("solution-code")
    notebook0.picture("solution-open")


def test_training_shows_one_bar_and_one_picture(notebook0):
    (cell,) = (cell for cell in notebook0.code() if cell["id"] == "quick-training")
    bar, curves = cell["outputs"]
    assert "epoch 4/4 100%" in "".join(bar["data"]["text/plain"])
    assert "image/png" in curves["data"]
    notebook0.show("quick-training")
    notebook0.picture("training")


@pytest.mark.parametrize(
    "cell",
    ["title", "workbook", "progress", "torchinfo", "yours", "counts", "full-plot", "mistakes"],
)
def test_the_rest_is_on_display(notebook0, cell):
    notebook0.show(cell)
    notebook0.picture(cell)
    assert (
        notebook0.page.locator(".jp-mod-active .jp-RenderedText[data-mime-type$=stderr]").count()
        == 0
    )


def test_readable_in_the_dark_theme(notebook0):
    notebook0.page.evaluate(
        "jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    )
    notebook0.page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")
    for cell in ("block-drawing", "beside", "solution-check", "side-by-side", "full-plot"):
        notebook0.show(cell)
        notebook0.page.wait_for_timeout(1000)
        notebook0.picture(f"dark-{cell}")
    notebook0.page.evaluate(
        "jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})"
    )


@pytest.mark.parametrize(
    ("padding", "heading", "nudge"),
    [
        ("1", "requirements met so far", "5x5"),
        ("1", "requirements met so far", "see       Hint 1: "),
        ("2", ": passed", ""),
    ],
    ids=["wrong", "wrong again", "right"],
)
def test_a_learner_fills_in_the_scaffold(notebook0, padding, heading, nudge):
    """Typed into the editor, run by Shift+Enter, checked by the cell below."""
    page = notebook0.page
    notebook0.show("scaffold")
    page.locator(".jp-mod-active .cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(SOLUTION.replace("PAD", padding))
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    notebook0.wait_until_all_ran()
    (cell,) = (cell for cell in notebook0.code() if cell["id"] == "check")
    report = "".join(cell["outputs"][0]["data"]["text/plain"])
    assert heading in report
    assert nudge in report
    notebook0.show("check")
    notebook0.picture(f"check-padding-{padding}")


def test_the_evidence_goes_on_with_their_block(notebook0):
    """Drawn and trained, as the menu runs what is below."""
    notebook0.show("yours")
    notebook0.menu("Run", "Run Selected Cell and All Below")
    notebook0.wait_until_all_ran()
    cells = {cell["id"]: cell for cell in notebook0.code()}
    (said,) = cells["yours"]["outputs"]
    assert "".join(said["text"]) == "8.4/0 is passed: below, your MyInception is used.\n"
    _, drawing = cells["beside"]["outputs"]
    assert "".join(drawing["data"]["text/plain"]).startswith("yours:\n0  input, ")
    assert "image/png" in drawing["data"]
    curves, *_ = (o["data"] for o in cells["side-by-side"]["outputs"] if "data" in o)
    assert re.match(r"<curves: yours .*, without reductions ", "".join(curves["text/plain"]))
    for cell in ("yours", "beside", "side-by-side"):
        notebook0.show(cell)
        notebook0.picture(f"{cell}-theirs")


NOTEBOOKS = sorted((ROOT / "notebooks").glob("*/[!.]*.ipynb"))


def solution_of(notebook):
    """The heading of the solution, and the cells below it up to the next of its level."""
    cells = iter(notebook.cells)
    heading = next(cell for cell in cells if cell.source.startswith("## Solution"))
    below = itertools.takewhile(
        lambda cell: cell.cell_type == "code" or not re.match("##? ", cell.source), cells
    )
    return heading, list(below)


def telling_lines(cells, others):
    """Lines of ``cells``, as a reader would see them, that no other cell has too."""
    elsewhere = {line.strip() for cell in others for line in cell.source.splitlines()}
    for cell in cells:
        lines = cell.source.splitlines()
        for output in cell.get("outputs", []):
            lines += output.get("text", output.get("data", {}).get("text/plain", "")).splitlines()
        for line in map(str.strip, lines):
            plain = cell.cell_type == "code" or re.fullmatch(r"[\w\s,.;:()–-]+", line)
            if len(line) > 12 and plain and line not in elsewhere:
                yield line


def is_open_code(cell):
    return cell.cell_type == "code" and not cell.metadata.get("jupyter", {}).get("source_hidden")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_solution_is_hidden_until_it_is_opened(lab, browser, path):
    """Opened as it is saved, and read from top to bottom."""
    notebook = nbformat.read(path, 4)
    heading, cells = solution_of(notebook)
    hidden = {cell.id for cell in cells}
    others = [cell for cell in notebook.cells if cell.id not in hidden]
    lines = set(telling_lines(cells, others))
    assert lines
    page = browser.new_page(viewport={"width": 1300, "height": 5000})
    opened = Lab(page, lab, path.relative_to(ROOT / "notebooks").as_posix())
    opened.wait_until_hidden(cells[0].id)
    unread = {cell.id: cell.source.splitlines()[0] for cell in others if is_open_code(cell)}
    seen = {}  # line -> the cell that one looked at
    for cell in [*others[::10], others[-1]]:
        opened.show(cell.id, wait=200)
        text = page.locator(".jp-Notebook").inner_text()
        unread = {cell_id: line for cell_id, line in unread.items() if line not in text}
        seen |= {line: cell.id for line in lines if line in text}
    assert seen == {}
    assert unread == {}  # one has looked everywhere
    opened.show(heading.id)
    assert page.locator(".jp-mod-active .jp-collapseHeadingButton.jp-mod-collapsed").is_visible()
    assert page.locator(".jp-mod-active .jp-showHiddenCellsButton").is_visible()
    opened.picture(f"closed-{path.stem}")
    page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    page.close()


def test_a_slider_redraws_while_it_is_dragged(lab, browser, folder):
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    opened = Lab(page, lab, written(folder, "drag.ipynb", SETUP, DRAWING))
    opened.menu("Run", "Run All Cells")
    handle = page.locator(".noUi-handle")
    handle.wait_for(timeout=60_000)
    opened.wait_until_all_ran()
    place = handle.bounding_box()
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    pictures = []
    for step in range(1, 5):
        page.mouse.move(x + 60 * step, y)
        page.wait_for_timeout(1000)
        pictures.append(page.locator(".jp-OutputArea img").get_attribute("src"))
    opened.picture("dragged")
    page.mouse.up()
    assert len(set(pictures)) == 4


def test_stop_button_leaves_a_usable_model(lab, browser, folder):
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    opened = Lab(page, lab, written(folder, "stop.ipynb", SETUP, TRAINING, AFTER))
    opened.menu("Run", "Run All Cells")
    opened.wait_until_ran(1)  # the import of torch takes as long as the machine is slow
    curves = page.locator(".jp-RenderedImage img")
    curves.wait_for(timeout=60_000)
    page.wait_for_function(  # it trains on: the picture is drawn again
        """before => {
            const image = document.querySelector('.jp-RenderedImage img');
            return image && image.src !== before;
        }""",
        arg=curves.get_attribute("src"),
        timeout=60_000,
    )
    assert curves.count() == 1
    page.locator('[data-jp-item-name="interrupt"] >> visible=true').first.click()
    opened.wait_until_all_ran(60)
    _, training, after = opened.code()
    assert "Stopped in epoch" in "".join(training["outputs"][-1]["text"])
    assert "".join(after["outputs"][0]["text"]).strip() == "True (2, 10)"
    opened.picture("stopped")
