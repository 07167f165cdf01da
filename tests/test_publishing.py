"""Where the workbook can be run: Colab's first cell, Codespaces, links to the repository."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*/[!.]*.ipynb"))
VERSION = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.M)[1]


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def first_cell(path):
    cell = next(c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code")
    assert cell.id == "colab"
    return cell


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_notebook_begins_with_colabs_cell(path):
    cell = first_cell(path)
    assert not cell.outputs
    assert cell.metadata["cellView"] == "form"  # Colab's key for a folded cell
    assert cell.metadata["jupyter"]["source_hidden"]
    assert f'"--branch=v{VERSION}"' in cell.source
    assert f'make_ready("{path.parent.name}")' in cell.source
    same = first_cell(NOTEBOOKS[0]).source.replace(NOTEBOOKS[0].parent.name, path.parent.name)
    assert cell.source == same


def run(code, folder, **env):
    program = f"import os, sys, types\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=os.environ | env, **PIPES
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


PIPES = dict(capture_output=True, text=True, timeout=100)
COLAB = 'sys.modules["google.colab"] = types.ModuleType("google.colab")\n'
# The module is where the tests run from; Colab has none.
NOT_YET = 'sys.meta_path = [f for f in sys.meta_path if "editable" not in str(f).lower()]\n'


def test_elsewhere_colabs_cell_does_nothing(tmp_path):
    assert run(first_cell(NOTEBOOKS[0]).source, tmp_path) == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_on_colab_it_fetches_the_workbook_and_goes_there(tmp_path):
    """With a stand-in for Colab, and a local repository in place of the one on GitHub."""
    source = first_cell(NOTEBOOKS[0]).source
    url = re.search(r'url = "(.+)"', source)[1]
    theirs = tmp_path / "theirs"
    for part in ("d2l_utils", ".colab", "notebooks", "requirements.txt", "pyproject.toml"):
        if (ROOT / part).is_dir():
            shutil.copytree(
                ROOT / part, theirs / part, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(ROOT / part, theirs / part)
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "a"], ["tag", f"v{VERSION}"]):
        subprocess.run(["git", *identity, *command], cwd=theirs, check=True)
    git = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{theirs.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": url,
        "PYTHONPATH": "",
    }
    here = tmp_path / "colab"
    here.mkdir()
    told = "import d2l_utils\nprint(d2l_utils.__file__, os.getcwd(), sep='\\n')"
    out = run(COLAB + NOT_YET + source + "\n" + source + "\n" + told, here, **git)
    module, folder = map(Path, out.splitlines())
    assert module == here / "workbook/d2l_utils/__init__.py"
    assert folder == here / "workbook/notebooks/8_4_googlenet"
    assert [path.name for path in here.iterdir()] == ["workbook"]  # fetched once


def test_colab_gets_what_it_lacks_and_keeps_its_torch():
    ready = load(ROOT / ".colab/ready.py")
    lines = (ROOT / "requirements.txt").read_text()
    assert ready.lacking(lines) == []  # all is here
    more = 'torch==0.1\nno-such-package==1.5\nnever==1; python_version < "3"\n# a comment\n-e .\n'
    assert ready.lacking(lines + more) == ["no-such-package==1.5"]


def test_codespaces_are_made_of_what_binder_is():
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    runtime = (ROOT / ".binder/runtime.txt").read_text().strip()
    assert container["image"].startswith(runtime.replace("python-", "python:"))
    for file in (".binder/requirements.txt", ".binder/postBuild"):
        assert file in container["onCreateCommand"]
    for place in container["customizations"]["codespaces"]["openFiles"]:
        assert (ROOT / place).exists()


@pytest.fixture
def copy(tmp_path):
    for part in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / part, tmp_path)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    return tmp_path


def test_publish_fills_every_link_and_again(copy):
    publish = load(ROOT / ".ci/publish.py").publish
    now = re.search(r'^repository = "https://github.com/(.+?)"', read(copy, "pyproject.toml"), re.M)
    owner, name = now[1].split("/")
    changed = publish("some-one/the.book", copy)
    assert {path.name for path in changed} == {
        "README.md",
        "pyproject.toml",
        *(path.name for path in NOTEBOOKS),
    }
    for path in copy.rglob("*.*"):
        assert path.is_dir() or f"{owner}/{name}" not in path.read_text(), path
        assert path.is_dir() or f"{owner}.github.io" not in path.read_text(), path
    readme = read(copy, "README.md")
    assert "https://some-one.github.io/the.book/" in readme
    assert "https://mybinder.org/v2/gh/some-one/the.book/main" in readme
    publish(f"{owner}/{name}", copy)
    assert all(read(copy, part) == read(ROOT, part) for part in ("README.md", "pyproject.toml"))


def read(folder, name):
    return (folder / name).read_text()


@pytest.mark.parametrize("name", ["", "book", "a/b/c", "a b/c", "https://github.com/a/b"])
def test_publish_refuses_what_is_no_name(copy, name):
    with pytest.raises(ValueError, match="expected owner/name"):
        load(ROOT / ".ci/publish.py").publish(name, copy)
    assert read(copy, "README.md") == read(ROOT, "README.md")


def test_no_file_names_another_repository():
    """Links to the repository are those that ``make publish`` fills in."""
    name = re.search(
        r'^repository = "https://github.com/(.+?)"', read(ROOT, "pyproject.toml"), re.M
    )
    text = read(ROOT, "README.md") + "".join(path.read_text() for path in NOTEBOOKS)
    for found in re.findall(r"(?:mybinder.org/v2/gh|codespaces.new)/([\w.-]+/[\w.-]+)", text):
        assert found == name[1]
