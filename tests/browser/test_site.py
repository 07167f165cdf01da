"""The website: builds without a warning, stands alone, is found in, and can be read by all."""

import functools
import http.server
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

pytest.importorskip("sphinx", minversion="9")

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*/[!.]*.ipynb"))
PAGES = ["index.html", *(f"{path.parent.name}/{path.stem}.html" for path in NOTEBOOKS)]
THEMES_OWN = {"region"}  # its side bar is in no landmark


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site. Sphinx turns every warning into an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, str(ROOT / "docs/build.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return folder


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address(site):
    """Of a server for the site."""
    handler = functools.partial(Quiet, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def visit(address, browser):
    """Opens a page of the site; what it asks of others, and its errors, fail the test."""
    wrong, contexts = [], []

    def open_page(name, theme="light"):
        context = browser.new_context(
            viewport={"width": 1280, "height": 900}, color_scheme=theme, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: wrong.append(request.url))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(address + name)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [each for each in wrong if not each.startswith((address, "data:"))] == []


def keep(page, name):
    if folder := os.environ.get("D2L_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/site_{name}.png")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_page_stands_alone_and_fits_any_window(visit, theme):
    """No request leaves the site, no error is logged, nothing is wider than the window."""
    for name in PAGES:
        page = visit(name, theme=theme)
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        for width in (400, 800, 1280, 1600):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") == width, (name, width)
            keep(page, f"{Path(name).stem}_{theme}_{width}")
        page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_read_it(visit, theme):
    """By axe-core's rules: contrast, words for pictures, headings, names of links and buttons."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for name in PAGES:
        page = visit(name, theme=theme)
        wrong = [
            (rule["id"], [node["html"] for node in rule["nodes"]])
            for rule in axe.run(page, options={"preload": False}).response["violations"]
            if rule["id"] not in THEMES_OWN
        ]
        assert wrong == [], name
        page.close()


@pytest.mark.parametrize("name", PAGES[1:])
def test_a_page_shows_what_its_notebook_has(visit, name):
    """Pictures have words, solutions are closed until they are opened, hints are folded."""
    page = visit(name)
    pictures = page.locator(".cell_output img")
    assert pictures.count() > 1
    assert all(pictures.nth(i).get_attribute("alt") for i in range(pictures.count()))
    door = page.locator("details.solution")
    assert door.count() == 1
    report = door.locator(".cell_output").first
    assert not report.is_visible()
    door.locator("> summary").click()
    assert report.is_visible()
    inside = door.inner_text()
    assert ": passed" in inside
    assert "Evidence" not in inside.splitlines()
    page.close()


def test_formulas_are_formulas(visit):
    page = visit("8_4_googlenet/1_3_label_smoothing.html")
    assert page.locator("math").count() > 3
    assert "$" not in page.locator("section#the-question").inner_text()


def test_the_search_finds(visit):
    page = visit("search.html?q=ceil_mode")
    found = page.locator("ul.search li a").first
    found.wait_for()
    assert "2_minimum_image_size" in found.get_attribute("href")


def test_the_search_finds_in_a_folder_without_a_server(site, browser):
    page = browser.new_page()
    page.goto(f"{site.as_uri()}/search.html?q=ceil_mode")
    found = page.locator("ul.search li a").first
    found.wait_for()
    assert "2_minimum_image_size" in found.get_attribute("href")
    page.close()


def test_each_page_says_where_it_can_be_run(site):
    from_pyproject = re.search(r'repository = "(.*?)"', (ROOT / "pyproject.toml").read_text())[1]
    repository = from_pyproject.removeprefix("https://github.com/")
    for path in NOTEBOOKS:
        html = (site / path.parent.name / f"{path.stem}.html").read_text()
        place = f"{path.parent.name}/{path.name}"
        links = re.findall(r'href="([^"]*)"', html)
        assert any(
            f"mybinder.org/v2/gh/{repository}/main" in link and place in link for link in links
        )
        colab = f"https://colab.research.google.com/github/{repository}/blob/main/notebooks/{place}"
        assert colab in links
        assert f"https://codespaces.new/{repository}" in links
        assert f"../_sources/{place}" in links
