"""Records on disk: a JSON file of finished runs, which several programs may write at once."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..machine import files
from .fingerprint import digest

__all__ = ["RESULTS", "Records"]

RESULTS = Path(__file__).parents[2] / "results"


class Records:
    """The finished runs of one name, ``results/<name>.json``; ``D2L_RESULTS`` names another folder.

    A run is a dict; its "arm" and "seed" tell it from the others. In the file each has a digest of
    its own, by which a change by hand is noticed.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = Path(os.environ.get("D2L_RESULTS", RESULTS)) / f"{name}.json"

    @property
    def weights(self) -> Path:
        """The file beside the record for the weights that are kept."""
        return self.path.with_suffix(".safetensors")

    def read(self) -> list[dict[str, Any]]:
        """All runs, in the order in which they were added.

        Raises ValueError for a file that is no record, and for a run that was changed in it.
        """
        if not self.path.exists():
            return []
        file = files.told(os.path.relpath(self.path, RESULTS.parent))
        restore = f"Restore it (git checkout -- {file}), or delete"
        if not self.path.is_relative_to(RESULTS):
            file, restore = files.told(self.path), "Delete"
        remedy = f"{restore} it and train anew (make results)."
        try:
            runs = json.loads(self.path.read_text())["runs"]
            digests = [run.pop("digest", None) for run in runs]
            changed = [run for run, own in zip(runs, digests, strict=True) if digest(run) != own]
            about = [f"{run['arm']}, seed {run['seed']}" for run in changed]
            twice = len(runs) - len({(run["arm"], run["seed"]) for run in runs})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"{file} is no record: it was cut short, or a merge left its marks in it "
                f"({type(error).__name__}: {error}). {remedy}"
            ) from error
        if twice:
            raise ValueError(f"{file}: {twice} runs stand in it twice, after a merge. {remedy}")
        if about:
            raise ValueError(f"{file}: these runs are not as they were recorded: {about}. {remedy}")
        return runs

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
        plain = json.loads(json.dumps(list(runs)))  # as they will be read
        lines = ",\n".join(json.dumps({**run, "digest": digest(run)}) for run in plain)
        with files.whole(self.path) as aside:
            aside.write_text(f'{{"study": {json.dumps(self.name)}, "runs": [\n{lines}\n]}}\n')
