"""Records on disk: a JSON file of finished runs, which several programs may write at once."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..machine import files

__all__ = ["RESULTS", "Records"]

RESULTS = Path(__file__).parents[2] / "results"


class Records:
    """The finished runs of one name, ``results/<name>.json``; ``D2L_RESULTS`` names another folder.

    A run is a dict; its "arm" and "seed" tell it from the others.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = Path(os.environ.get("D2L_RESULTS", RESULTS)) / f"{name}.json"

    @property
    def weights(self) -> Path:
        """The file beside the record for the weights that are kept."""
        return self.path.with_suffix(".safetensors")

    def read(self) -> list[dict[str, Any]]:
        """All runs, in the order in which they were added."""
        return json.loads(self.path.read_text())["runs"] if self.path.exists() else []

    def add(self, run: Mapping[str, Any]) -> None:
        """Add ``run``, in place of an older one of the same arm and seed; all or nothing."""
        from filelock import FileLock

        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_suffix(".lock")):
            same = (run["arm"], run["seed"])
            others = [one for one in self.read() if (one["arm"], one["seed"]) != same]
            self.write([*others, run])

    def write(self, runs: list[Mapping[str, Any]]) -> None:
        """Put ``runs`` in place of all that was recorded; a line each, for readable diffs."""
        lines = ",\n".join(json.dumps(run) for run in runs)
        with files.whole(self.path) as aside:
            aside.write_text(f'{{"study": {json.dumps(self.name)}, "runs": [\n{lines}\n]}}\n')
