"""Experiments: the quick and the full budget, and recorded runs that say when they are stale.

A full run costs hours and is made once; its record is committed under ``results/`` and shown from
there. A record is current while what decided its numbers is unchanged: the operations of its
network, its configuration and its data. The code around them may be rewritten freely.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import torch

from ..data import FashionMNIST
from ..machine import data_sources, files, random_state
from ..trainer import DivergenceError, Trainer
from ..training import processes
from . import comparison
from .fingerprint import digest, network_operations, provenance
from .weights import load_weights, save_weights

__all__ = ["RESULTS", "Study", "budget", "by_budget"]

RESULTS = Path(__file__).parents[2] / "results"


def budget() -> str:
    """``"quick"`` (seconds, on the bundled sample) or ``"full"``, from ``D2L_BUDGET``."""
    name = os.environ.get("D2L_BUDGET", "quick")
    if name not in ("quick", "full"):
        raise ValueError(f"D2L_BUDGET must be 'quick' or 'full', not {name!r}")
    return name


def by_budget(*, quick, full):
    """``quick`` or ``full``, as the budget is."""
    return quick if budget() == "quick" else full


class Study:
    """Arms that differ in one thing, each trained on Fashion-MNIST from every seed.

    Args:
        name: Of the record, ``results/<name>.json``.
        build: Maps an arm's configuration to a fresh, initialised model.
        arms: For each arm, its name and what it sets in the configuration.
        common: The rest of the configuration, shared by all arms. Read here: ``epochs``,
            ``batch_size``, ``resize`` and, if given, ``holdout``, the number of training images
            held out for validation after each epoch, and ``precision``, as in ``Trainer``.
        seeds: One run of each arm for each; a seed decides the weights and the order of the data.
        schedule: Of the learning rate, as in ``Trainer``; name it in the configuration too.
        measure: Maps the trained model and its data to what else a record shall hold, under
            ``measured``, as JSON can: calibration, say. Name it in the configuration too.
        keep: The arm whose weights, of the first seed, are kept as safetensors beside the record;
            ``trained`` loads them.
        borrowed: Arms of other studies to show beside these, by the name that they get here: the
            study and the arm's name there. They are read, never trained, from here.

    The test set is read once in a run, at its end.
    """

    def __init__(
        self,
        name: str,
        build: Callable[[dict], torch.nn.Module],
        arms: Mapping[str, Mapping],
        common: Mapping,
        seeds: Sequence[int] = (0,),
        schedule: Callable[[float], float] | None = None,
        measure: Callable[[torch.nn.Module, FashionMNIST], dict] | None = None,
        borrowed: Mapping[str, tuple[Study, str]] | None = None,
        keep: str | None = None,
    ) -> None:
        self.name, self.build, self.seeds, self.keep = name, build, tuple(seeds), keep
        self.schedule, self.measure, self.borrowed = schedule, measure, dict(borrowed or {})
        self.arms = {arm: {**common, **settings} for arm, settings in arms.items()}
        missing = {"epochs", "batch_size", "resize"}.difference(*self.arms.values())
        if self.arms and missing:  # of no arms nothing is asked: all of a choice may be stale
            raise ValueError(f"common must set {sorted(missing)}, got {sorted(common)}")
        self.path = Path(os.environ.get("D2L_RESULTS", RESULTS)) / f"{name}.json"
        self._fingerprints: dict[str, dict[str, str]] = {}

    # -- what is recorded -------------------------------------------------------------------------

    def fingerprint(self, arm: str) -> dict[str, str]:
        """Digests of what decides the numbers of ``arm``."""
        if arm not in self._fingerprints:
            config = self.arms[arm]
            image = (1, config["resize"], config["resize"])
            with torch.random.fork_rng(devices=[]):
                model = self.build(config)
                try:
                    operations = network_operations(model, (1, *image))
                except ValueError:  # batch norm, where all that is left of an image is one pixel
                    operations = network_operations(model, (2, *image))
            self._fingerprints[arm] = {
                "network": digest(operations),
                "configuration": digest(config),
                "data": digest({name: md5 for name, (_, md5) in data_sources.FULL_FILES.items()}),
            }
        return self._fingerprints[arm]

    def _read(self) -> list[dict]:
        return json.loads(self.path.read_text())["runs"] if self.path.exists() else []

    def _write(self, record: dict) -> None:
        """Add ``record``, in place of an older one of the same arm and seed; all or nothing."""
        from filelock import FileLock

        if processes.is_first():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path.with_suffix(".lock")):
                same = (record["arm"], record["seed"])
                runs = [run for run in self._read() if (run["arm"], run["seed"]) != same]
                lines = ",\n".join(json.dumps(run) for run in [*runs, record])
                text = f'{{"study": {json.dumps(self.name)}, "runs": [\n{lines}\n]}}\n'
                with files.whole(self.path) as aside:
                    aside.write_text(text)
            self._checkpoint(record["arm"], record["seed"]).unlink(missing_ok=True)
        processes.wait_for_the_others()

    def _checkpoint(self, arm: str, seed: int) -> Path:
        """Where the state of an unfinished run is kept; of its own for each configuration."""
        return self.path.with_suffix(f".{digest([arm, seed, self.fingerprint(arm)])}.checkpoint")

    def records(self) -> dict[str, list[dict]]:
        """The current records of each arm, borrowed ones first; stale ones are left out."""
        borrowed = {name: study.records()[arm] for name, (study, arm) in self.borrowed.items()}
        return borrowed | self._own()

    def _own(self) -> dict[str, list[dict]]:
        """The current records of each arm that is trained here, by seed."""
        runs = {(run["arm"], run["seed"]): run for run in self._read()}
        found = {arm: [runs.get((arm, seed)) for seed in self.seeds] for arm in self.arms}
        return {
            arm: [run for run in runs if run and run["fingerprint"] == self.fingerprint(arm)]
            for arm, runs in found.items()
        }

    def status(self) -> str:
        """One line an arm: how many seeds are recorded, and what no longer fits its record."""
        lines = []
        for name, (study, arm) in self.borrowed.items():
            lines.append(f"{name}: {len(study.records()[arm])} runs in the record of {study.name}")
        for arm, current in self._own().items():
            line = f"{arm}: {len(current)} of {len(self.seeds)} runs recorded"
            for run in self._read():
                now = self.fingerprint(arm)
                changed = [part for part in now if run["fingerprint"].get(part) != now[part]]
                if run["arm"] == arm and run["seed"] in self.seeds and changed:
                    line += f"; seed {run['seed']} is STALE: its {', '.join(changed)} changed"
            lines.append(line)
        return "\n".join(lines)

    # -- running ----------------------------------------------------------------------------------

    def run(self) -> None:
        """With the full budget, train what is not recorded yet; with the quick one, nothing.

        Prints the state of the record. ``D2L_EPOCHS`` makes it a trial: so many epochs from the
        first seed, which prints the test accuracy and records nothing.
        """
        if budget() == "full":
            trial = int(os.environ.get("D2L_EPOCHS", 0))
            recorded = {} if trial else self._own()
            todo = [
                (arm, seed)
                for seed in (self.seeds[:1] if trial else self.seeds)
                for arm in self.arms
                if seed not in [run["seed"] for run in recorded.get(arm, ())]
            ]
            start = time.monotonic()
            for done, (arm, seed) in enumerate(todo):
                left = ""
                if done:
                    minutes = (time.monotonic() - start) / done * (len(todo) - done) / 60
                    left = f", about {minutes:.0f} min left"
                print(f"run {done + 1} of {len(todo)}: {arm}, seed {seed}{left}", flush=True)
                record = self.train(arm, seed, epochs=trial or None)
                print(f"{arm}, seed {seed}: test accuracy {record['test']['acc']:.4f}", flush=True)
                if not trial:
                    self._write(record)
        print(self.status())

    def train(self, arm: str, seed: int, epochs: int | None = None) -> dict:
        """Train one run and return its record; ``epochs`` makes it a trial.

        What was killed goes on after its last finished epoch.
        """
        config = self.arms[arm]
        random_state.seed_everything(seed)
        data = FashionMNIST(
            config["batch_size"], config["resize"], holdout=config.get("holdout", 0), seed=seed
        )
        if data.source == "sample":
            raise RuntimeError("a full run needs all of Fashion-MNIST: run `make data` first")
        if not config.get("holdout"):
            data.val_dataloader = lambda: None
        model, diverged = self.build(config), None
        trainer = Trainer(
            epochs or config["epochs"],
            num_gpus=1,
            schedule=self.schedule,
            precision=config.get("precision", "float32"),
            checkpoint=None if epochs else self._checkpoint(arm, seed),
        )
        try:
            trainer.fit(model, data)
        except DivergenceError as error:  # a result like another
            diverged = str(error)
        if trainer.interrupted:
            raise KeyboardInterrupt
        start = time.perf_counter()
        test = trainer.evaluate(model, data.test_dataloader())
        seconds = sum(row["seconds"] for row in trainer.history) + time.perf_counter() - start
        keep = (arm, seed, epochs) == (self.keep, self.seeds[0], None)
        if keep and processes.is_first():
            save_weights(model, self.path.with_suffix(".safetensors"), self._about(arm))
        measured = {"measured": self.measure(model, data)} if self.measure else {}
        return {
            "arm": arm,
            "seed": seed,
            "config": config,
            "fingerprint": self.fingerprint(arm),
            "parameters": sum(p.numel() for p in model.parameters()),
            "history": [{k: round(v, 6) for k, v in row.items()} for row in trainer.history],
            "test": {key.removeprefix("val_"): round(value, 6) for key, value in test.items()},
            **measured,
            "diverged": diverged,
            "seconds": round(seconds, 1),
            "provenance": provenance(),
        }

    def _about(self, arm: str) -> dict[str, str]:
        """What tells kept weights that are current from stale ones."""
        return {"arm": arm, **self.fingerprint(arm)}

    def trained(self) -> torch.nn.Module | None:
        """The model of the arm ``keep`` with its weights, in evaluation mode.

        None if there are no weights that fit the network, configuration and data as they are now.
        """
        model = self.build(self.arms[self.keep])
        file = self.path.with_suffix(".safetensors")
        return model if load_weights(model, file, self._about(self.keep)) else None

    # -- showing ----------------------------------------------------------------------------------

    def table(self) -> str:
        """Test accuracy of each arm, as ``comparison.table`` prints it."""
        return comparison.table(self.records())

    def choose(self, *groups: Iterable[str]) -> list[str]:
        """Of each group of arms the one that does best on the held-out images, by its first seed.

        Prints what it compares. A group of which nothing is recorded has no best arm.
        """
        records, best = self.records(), []
        for group in groups:
            held_out = {}
            for arm in group:
                if runs := records[arm]:
                    held_out[arm] = runs[0]["history"][-1]["val_acc"]
                    print(f"{arm}: {100 * held_out[arm]:.2f} % of the held-out images")
            best += [max(held_out, key=held_out.get)] if held_out else []
        print("chosen:", *best, sep="\n  ")
        return best

    def plot(self, *keys: str):
        """The figure of ``keys`` of the history, as ``comparison.plot`` draws it."""
        return comparison.plot(self.records(), *keys)
