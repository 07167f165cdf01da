"""Studies: arms that differ in one thing, recorded run by run, and shown from the record.

A full run costs hours and is made once; its record is committed under ``results/``. A record is
current while what decides its numbers is unchanged (``fingerprint``).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ..display.tables import Table
from ..training import distributed
from . import arms_plot, arms_table, choose_from_grid
from .budget import budget
from .configuration import Recipe
from .fingerprint import changed, digest, fingerprint
from .records import Records
from .run import Measure, train_run, trial
from .sharing import shared_out
from .weights import load_weights, save_weights

__all__ = ["Study"]


class Study:
    """Arms that differ in one thing, each trained on Fashion-MNIST from every seed.

    Args:
        name: Of the record, ``results/<name>.json``.
        recipe: Says what a configuration means: a ``Recipe``, or just its ``build``, the function
            that maps a configuration to a network.
        arms: For each arm, its name and what it sets in the configuration.
        common: The rest of the configuration, shared by all arms.
        seeds: One run of each arm for each; a seed decides the weights and the order of the data.
        measure: Maps the trained model and its data to what else a record shall hold, under
            ``measured``, as JSON can: calibration, say. The configuration names it.
        borrowed: Runs of other records to show beside these, by the name that they get here: the
            record, the arm's name there, and what it sets in the configuration here. They are read,
            never trained, and are current if they were trained as that would be.
        keep: The arm whose weights, of the first seed, are kept as safetensors beside the record;
            ``trained`` loads them.
    """

    def __init__(
        self,
        name: str,
        recipe: Recipe | Callable[[Mapping], torch.nn.Module],
        arms: Mapping[str, Mapping],
        common: Mapping,
        seeds: Sequence[int] = (0,),
        measure: Measure | None = None,
        borrowed: Mapping[str, tuple[str, str, Mapping]] | None = None,
        keep: str | None = None,
    ) -> None:
        self.recipe = recipe if isinstance(recipe, Recipe) else Recipe(recipe)
        self.common, self.seeds, self.measure, self.keep = common, tuple(seeds), measure, keep
        self.store = Records(name)
        self.arms = {arm: {**common, **settings} for arm, settings in arms.items()}
        self.borrowed = {
            arm: (Records(record), theirs, {**common, **settings})
            for arm, (record, theirs, settings) in (borrowed or {}).items()
        }
        if twice := self.arms.keys() & self.borrowed.keys():
            raise ValueError(f"borrowed: {sorted(twice)} are arms of this study already")
        missing = {"epochs", "batch_size", "resize"}.difference(*self.arms.values())
        if self.arms and missing:  # of no arms nothing is asked: all of a choice may be stale
            raise ValueError(f"common must set {sorted(missing)}, got {sorted(common)}")
        named = [arm for arm, config in self.arms.items() if "measured" in config]
        if named and not measure:
            raise ValueError(f"nobody reads 'measured' of {named}: the study has no measure")
        self._fingerprints: dict[str, dict[str, Any]] = {}

    def only(
        self,
        arms: Iterable[str],
        seeds: Sequence[int],
        borrowed: Mapping[str, tuple[str, str, Mapping]] | None = None,
    ) -> Study:
        """The study of some of these ``arms``, with more seeds: what was chosen, after a choice.

        Record, recipe and configurations are the same, so their fingerprints are not taken again.

        Raises ValueError for an arm that is not of this study.
        """
        arms = list(arms)
        if unknown := [arm for arm in arms if arm not in self.arms]:
            raise ValueError(f"arms: expected some of {list(self.arms)}, got {unknown}")
        settings = {arm: self.arms[arm] for arm in arms}
        study = Study(
            self.store.name,
            self.recipe,
            settings,
            self.common,
            seeds,
            measure=self.measure,
            borrowed=borrowed,
            keep=self.keep if self.keep in settings else None,
        )
        study._fingerprints |= {arm: self.fingerprint(arm) for arm in settings}
        return study

    # -- what is recorded -------------------------------------------------------------------------

    def fingerprint(self, arm: str) -> dict[str, Any]:
        """The fingerprint of ``arm``, own or borrowed."""
        if arm not in self._fingerprints:
            config = self.arms[arm] if arm in self.arms else self.borrowed[arm][2]
            self._fingerprints[arm] = fingerprint(self.recipe, config)
        return self._fingerprints[arm]

    def _recorded(self, arm: str) -> dict[int, dict]:
        """The runs of ``arm``, current or not, by seed."""
        store, name, _ = self.borrowed.get(arm, (self.store, arm, None))
        return {run["seed"]: run for run in store.read() if run["arm"] == name}

    def _current(self, arm: str) -> list[dict]:
        """The current runs of ``arm``, by seed; of a borrowed arm, of all seeds that it has."""
        runs = self._recorded(arm)
        seeds = sorted(runs) if arm in self.borrowed else self.seeds
        found = [runs[seed] for seed in seeds if seed in runs]
        return [run for run in found if not changed(run["fingerprint"], self.fingerprint(arm))]

    def records(self) -> dict[str, list[dict]]:
        """The current runs of each arm, borrowed ones first; stale ones are left out."""
        return {arm: self._current(arm) for arm in (*self.borrowed, *self.arms)}

    def status(self) -> str:
        """One line an arm: how many seeds are recorded, and what no longer fits its record."""
        lines = []
        for arm in (*self.borrowed, *self.arms):
            n = len(self._current(arm))
            line = f"{arm}: {n} of {len(self.seeds)} runs recorded"
            if arm in self.borrowed:
                line = f"{arm}: {n} runs in the record of {self.borrowed[arm][0].name}"
            for seed, run in self._recorded(arm).items():
                parts = changed(run["fingerprint"], self.fingerprint(arm))
                if parts and (seed in self.seeds or arm in self.borrowed):
                    line += f"; seed {seed} is STALE: its {', '.join(parts)} changed"
            lines.append(line)
        return "\n".join(lines)

    # -- training ---------------------------------------------------------------------------------

    def run(self) -> None:
        """With the full budget, train what is not recorded yet; with the quick one, nothing.

        Prints the state of the record, in one line if all is there. ``D2L_EPOCHS`` makes trials of
        the runs: so many epochs, from the first seed; prints the accuracy on held-out images and
        records nothing. Programs that train one study at the same time share its runs out among
        them.
        """
        if budget() == "full":
            if epochs := int(os.environ.get("D2L_EPOCHS", 0)):
                self._try(epochs)
            else:
                self._train_missing()
        print(self._in_one_line() or self.status())

    def _in_one_line(self) -> str:
        """What is recorded, if that is all of it, and current."""
        counts = {arm: len(runs) for arm, runs in self.records().items()}
        missing = any(counts[arm] < len(self.seeds) for arm in self.arms)
        if not counts or missing or not all(counts.values()) or "STALE" in self.status():
            return ""
        return f"all recorded: arms {len(counts)}, runs {sum(counts.values())}"

    def _try(self, epochs: int) -> None:
        for arm, config in self.arms.items():
            held_out = trial(self.recipe, config, self.seeds[0], epochs)
            said = "diverged" if held_out is None else f"held-out accuracy {held_out:.4f}"
            print(f"trial of {arm}, seed {self.seeds[0]}, {epochs} epochs: {said}", flush=True)

    def _train_missing(self) -> None:
        todo = [(arm, seed) for seed in self.seeds for arm in self.arms]
        missing = [one for one in todo if self._is_missing(one)]
        start, before = time.monotonic(), len(missing)
        # Closed at its end, also when the reader stops a run: the next try must find it free.
        with contextlib.closing(shared_out(missing, self._is_missing, self._lock)) as runs:
            for arm, seed in runs:
                left = sum(map(self._is_missing, missing))
                minutes = (time.monotonic() - start) / max(before - left, 1) * left / 60
                remaining = f", about {minutes:.0f} min left" if left < before else ""
                number = f"run {before - left + 1} of {before}"
                print(f"{number}: {arm}, seed {seed}{remaining}", flush=True)
                run = self.train(arm, seed)
                self._add(run)
                print(f"{arm}, seed {seed}: test accuracy {run['test']['acc']:.4f}", flush=True)

    def _is_missing(self, one: tuple[str, int]) -> bool:
        arm, seed = one
        return all(run["seed"] != seed for run in self._current(arm))

    def train(self, arm: str, seed: int) -> dict:
        """Train one run and return it; what was killed goes on after its last finished epoch."""
        model, told = train_run(
            self.recipe,
            self.arms[arm],
            seed,
            measure=self.measure,
            checkpoint=self._checkpoint(arm, seed),
        )
        run = {"arm": arm, "seed": seed, "fingerprint": self.fingerprint(arm), **told}
        if (arm, seed) == (self.keep, self.seeds[0]) and distributed.is_first():
            save_weights(model, self.store.weights)
            run["weights"] = _sha256(self.store.weights)
        return run

    def _add(self, run: dict) -> None:
        if distributed.is_first():
            self.store.add(run)
            self._checkpoint(run["arm"], run["seed"]).unlink(missing_ok=True)
            self._lock((run["arm"], run["seed"])).unlink(missing_ok=True)
        distributed.wait_for_the_others()

    def _checkpoint(self, arm: str, seed: int) -> Path:
        """Where the state of an unfinished run is kept; of its own for each configuration."""
        name = digest([arm, seed, self.fingerprint(arm)])
        return self.store.path.with_suffix(f".{name}.checkpoint")

    def _lock(self, one: tuple[str, int]) -> Path:
        return self._checkpoint(*one).with_suffix(".lock")

    def trained(self) -> torch.nn.Module | None:
        """The model of the arm ``keep`` with its weights, in evaluation mode.

        None unless there is a current run of it, and the very weights that this run has kept.
        """
        runs = self._current(self.keep)
        kept, file = runs[0].get("weights") if runs else None, self.store.weights
        if kept is None or not file.exists() or _sha256(file) != kept:
            return None
        model = self.recipe.model(self.arms[self.keep])
        load_weights(model, file)
        return model

    # -- showing ----------------------------------------------------------------------------------

    def table(self) -> Table:
        """Test accuracy of each arm, as ``arms_table.table`` shows it."""
        return arms_table.table(self.records())

    def choose(self, *groups: Iterable[str]) -> list[str]:
        """Of each group of arms the one that does best on the held-out images, and what it is."""
        return choose_from_grid.choose(self.records(), groups)

    def plot(self, *keys: str):
        """The figure of ``keys`` of the history, as ``arms_plot.plot`` draws it."""
        return arms_plot.plot(self.records(), *keys)


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
