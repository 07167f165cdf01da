"""Makes a machine of Colab ready; a notebook's first cell calls it, from the fetched workbook.

Colab's own torch stays, and its Jupyter: only packages that it lacks are installed.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
COLABS_OWN = {"torch", "torchvision", "jupyterlab", "ipykernel", "ipython"}


def lacking(requirements: str) -> list[str]:
    """Of the lines of a requirements file those that are to be installed here."""
    found = []
    for line in requirements.splitlines():
        line = line.partition("#")[0].strip()
        if not line or line.startswith("-"):
            continue
        requirement = Requirement(line)
        elsewhere = requirement.marker and not requirement.marker.evaluate()
        if requirement.name in COLABS_OWN or elsewhere:
            continue
        try:
            importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{requirement.name}{requirement.specifier}")
    return found


def make_ready(section: str) -> None:
    """Install what is lacking, and go to the folder of ``section``, where its notebooks run."""
    if packages := lacking((ROOT / "requirements.txt").read_text()):
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", *packages], check=True)
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT / "notebooks" / section)
