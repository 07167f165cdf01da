"""Test accuracy against seconds of training: the network of exercise 3, and the book's recipe.

Both start from nothing and train on all of Fashion-MNIST (``make data``), one after the other, on
the same machine: first ours to its end, for each seed, then the book's GoogLeNet (96x96, batches of
128, SGD at 0.01, Xavier's initialisation) for as long as ours took. Reading the accuracy, once a
minute, stops the clock. The network and its recipe are read from the notebook, so that there is
nothing here that could differ from it.

    python benchmarks/time_to_accuracy.py [seeds]
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

import torch

import d2l_utils as d2l

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "8_4_googlenet" / "3_native_28x28.ipynb"
# By their ids:
CELLS = ("setup", "solution-code", "unit", "native", "native-build", "native-recipe")
MINUTE = 60.0


def cells_of_the_notebook() -> dict:
    """The names that the cells ``CELLS`` define."""
    cells = {
        cell["id"]: "".join(cell["source"]) for cell in json.loads(NOTEBOOK.read_text())["cells"]
    }
    names: dict = {}
    for cell in CELLS:
        exec(compile(cells[cell], f"{NOTEBOOK.name}, cell {cell}", "exec"), names)
    return names


class TimedTrainer(d2l.Trainer):
    """Reads the test accuracy once a minute of training, and stops when the time is up."""

    def watch(self, test_loader, limit: float = float("inf")) -> None:
        """Start the clock; ``limit`` is in seconds of training."""
        self.test_loader, self.limit = test_loader, limit
        self.start, self.paused = time.perf_counter(), 0.0
        self.points: list[tuple[float, float]] = []

    def spent(self) -> float:
        """Seconds of training so far."""
        return time.perf_counter() - self.start - self.paused

    def prepare_batch(self, batch):
        """Between two batches of training, look at the clock."""
        if self.model.training:
            if self.spent() >= MINUTE * (len(self.points) + 1):
                self.read()
            if self.spent() >= self.limit:
                raise KeyboardInterrupt  # as the Stop button does
        return super().prepare_batch(batch)

    @torch.no_grad()
    def read(self) -> None:
        """Note and print seconds and test accuracy; the clock stands still."""
        spent, before = self.spent(), time.perf_counter()
        self.model.eval()
        hits = [
            self.model.accuracy(
                self.model.predict(*super(TimedTrainer, self).prepare_batch([X])), y
            )
            * len(y)
            for X, y in self.test_loader
        ]
        self.points.append((spent, float(sum(hits)) / len(self.test_loader.dataset)))
        print("{:7.0f} s {:8.2%}".format(*self.points[-1]), flush=True)
        self.model.train()
        self.paused += time.perf_counter() - before


def train(model, data, epochs: int, limit: float = float("inf"), **settings):
    """The points (seconds, accuracy) of one training, the last of them its end."""
    data.val_dataloader = lambda: None
    trainer = TimedTrainer(epochs, num_gpus=1, progress=False, **settings)
    trainer.watch(data.test_dataloader(), limit)
    trainer.fit(model, data)
    trainer.read()
    return trainer.points


def main(seeds: int) -> None:
    """Train, and print a line a minute."""
    notebook = cells_of_the_notebook()
    config = {**notebook["RECIPE"], **notebook["NATIVE"][notebook["SHORT"]]}
    recipe, ours = notebook["recipe"], []
    for seed in range(seeds):
        d2l.seed_everything(seed)
        data, model = recipe.data(config, seed), recipe.model(config)
        ours.append(train(model, data, config["epochs"], schedule=recipe.schedule(config)))
        seconds, accuracy = ours[-1][-1]
        print(f"seed {seed}: {accuracy:.2%} after {seconds:.0f} s", flush=True)
    if seeds > 1:
        ends = [100 * points[-1][1] for points in ours]
        print(f"mean {statistics.mean(ends):.2f} %, ± {statistics.stdev(ends):.2f}")
    d2l.seed_everything(0)
    book = d2l.GoogleNet(lr=0.01)
    book.apply_init([torch.rand(1, 1, 96, 96)], d2l.init_cnn)
    data = d2l.FashionMNIST(128, 96, seed=0)
    theirs = train(book, data, epochs=10**6, limit=ours[0][-1][0])
    print("seconds  exercise 3, seed 0  the book's recipe")
    for (seconds, accuracy), (_, book_accuracy) in zip(ours[0], theirs, strict=False):
        print(f"{seconds:7.0f}  {accuracy:18.2%}  {book_accuracy:17.2%}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
