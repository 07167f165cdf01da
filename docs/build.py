"""Build the website: the notebooks as they are saved, solutions and drawing code folded.

usage: build.py OUTPUT
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

HERE = Path(__file__).parent
ROOT = HERE.parent


def shown(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook, told to Sphinx: which code to fold, and what its pictures show."""
    title = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            title = ([title, *re.findall(r"^#+ (.*)", cell.source, re.MULTILINE)])[-1]
            continue
        cell.metadata["mystnb"] = {"image": {"alt": alt_text(cell, title)}}
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            cell.metadata.setdefault("tags", []).append("hide-input")
            first = cell.source.splitlines()[0].removeprefix("# ")
            prompts = {"code_prompt_show": first, "code_prompt_hide": first}
            cell.metadata["mystnb"].update(prompts)
    return notebook


def alt_text(cell: nbformat.NotebookNode, title: str) -> str:
    """What the pictures of ``cell`` show: a drawing's own words, or its code's first line."""
    for output in cell.outputs:
        words = output.get("data", {}).get("text/plain", "")
        if "image/png" in output.get("data", {}) and not words.startswith("<"):
            return " ".join(words.split())
    comment = re.match(r"# (?:\w+: )?(.*)", cell.source)
    return comment[1] if comment else title


def repository() -> str:
    """The repository's address."""
    return re.search(r'^repository = "(.*?)"', (ROOT / "pyproject.toml").read_text(), re.M)[1]


def build(output: Path) -> int:
    """Build the site in the folder ``output``; Sphinx' exit code, not 0 for any warning."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "site"
        shutil.copytree(HERE, source, ignore=shutil.ignore_patterns("__pycache__", "build.py"))
        (source / "repository").write_text(repository())
        for path in sorted((ROOT / "notebooks").glob("*/[!.]*.ipynb")):
            (source / path.parent.name).mkdir(exist_ok=True)
            notebook = shown(nbformat.read(path, as_version=4))
            nbformat.write(notebook, source / path.parent.name / path.name)
        options = ["-W", "--keep-going", "-q", "-b", "html", "-d", f"{folder}/doctrees"]
        return subprocess.run(
            [sys.executable, "-m", "sphinx", *options, str(source), str(output.resolve())],
            cwd=source,
        ).returncode


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip().splitlines()[-1])
    sys.exit(build(Path(sys.argv[1])))
