"""A JupyterLab that runs, and a browser to look at it; without Chromium these tests are skipped.

Set ``D2L_SCREENSHOTS`` to a folder to keep what the browser saw.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The notebooks, in a folder where running them changes nothing of the repository."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    return folder


@pytest.fixture(scope="module")
def lab(folder, browser):
    """The address of a running JupyterLab, its token included."""
    with running_lab(folder) as address:
        yield address


@contextlib.contextmanager
def running_lab(folder, wrapper=()):
    """A JupyterLab for the notebooks in ``folder``, started by the command ``wrapper``, if any."""
    places = {
        f"JUPYTER_{kind}_DIR": str(folder / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")
    }
    places |= {"JUPYTER_PREFER_ENV_PATH": "1", "D2L_PROGRESS": str(folder / "progress.json")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0", "--ip=127.0.0.1"]
    command += ["--allow-root", "--LabApp.expose_app_in_browser=True"]
    command += ["--LabApp.news_url=", f"--notebook-dir={folder / 'notebooks'}"]
    with open(folder / "lab.log", "w") as log:
        server = subprocess.Popen([*wrapper, *command], stderr=log, env=os.environ | places)
    try:
        for _ in range(1800):
            found = re.search(
                r"http://127\.0\.0\.1:\d+/lab\?token=\w+", (folder / "lab.log").read_text()
            )
            if found:
                break
            assert server.poll() is None, (folder / "lab.log").read_text()
            time.sleep(0.1)
        assert found, "JupyterLab did not start:\n" + (folder / "lab.log").read_text()
        yield found[0]
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    sync_api = pytest.importorskip("playwright.sync_api")
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_path is None:
        pytest.skip(f"none of {BROWSERS} is installed")
    with sync_api.sync_playwright() as playwright:
        home = {**os.environ, "HOME": str(tmp_path_factory.mktemp("home"))}  # of its settings
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS, env=home)
        yield browser
        browser.close()
