"""A learner's way through every notebook: wrong, a hint, right; their code goes on; then broken.

What the learner writes is told in ``tests/<section>/stories.py``. That nothing need be attempted is
seen by the tests that run the notebooks as they are.
"""

import runpy
from pathlib import Path

import pytest
from lab_page import Lab

ROOT = Path(__file__).parents[2]
STORIES = {
    f"{path.parent.name}/{name}.ipynb": story
    for path in sorted((ROOT / "tests").glob("*/stories.py"))
    for name, story in runpy.run_path(str(path))["STORIES"].items()
}


def test_every_notebook_has_its_story():
    notebooks = (ROOT / "notebooks").glob("*/[!.]*.ipynb")
    assert sorted(STORIES) == sorted(f"{path.parent.name}/{path.name}" for path in notebooks)


@pytest.mark.parametrize("notebook", sorted(STORIES))
def test_a_learners_way(lab, browser, notebook):
    story, stem = STORIES[notebook], Path(notebook).stem
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    opened = Lab(page, lab, notebook)
    try:
        opened.run(*story["first"])
        scaffold, check = story["scaffold"], story["check"]

        opened.fill_in(scaffold, story["wrong"])
        opened.run(scaffold)
        assert "Hint" not in opened.run(check)
        assert story["hint"] in opened.run(check)
        opened.show(check)
        assert story["hint"] in page.locator(".jp-mod-active .jp-RenderedHTML").inner_text()
        opened.picture(f"{stem}-hint")

        for cell, source in {scaffold: story["right"], **story["fill"]}.items():
            opened.fill_in(cell, source)
        opened.run(scaffold)
        assert ": passed" in opened.run(check)

        opened.run(*story["evidence"])
        assert story["goes_on"] in opened.text(story["yours"])
        for cell, words in story["shown"].items():
            assert words in opened.text(cell)
            opened.show(cell, wait=1000)
            opened.picture(f"{stem}-{cell}")
        errors = [
            o for cell in opened.code() for o in cell["outputs"] if o["output_type"] == "error"
        ]
        assert errors == []

        opened.fill_in(scaffold, story["wrong"])
        opened.run(scaffold)
        assert "does not pass its check: below, the workbook's" in opened.run(story["yours"])
    finally:
        page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        page.close()
