"""Training throughput, as ratios of rounds that take turns in one run.

1. The Trainer's overhead over a bare loop on the same tensors.
2. The whole pipeline, data included, against the book's own package: GoogLeNet, 96x96, batches of
   128, CPU, each in a process of its own. Needs ``pip install --no-deps d2l==1.0.3``, ``pip install
   pandas requests scipy`` and all of Fashion-MNIST (``make data``).

    python benchmarks/throughput.py [rounds]
"""

from __future__ import annotations

import gzip
import importlib
import importlib.util
import itertools
import multiprocessing
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

import d2l_utils as d2l
from d2l_utils.machine import data_sources as sources


class Batches(d2l.DataModule):
    """The next ``n`` training batches of an iterator, for each fit."""

    def __init__(self, iterator, n: int) -> None:
        self.iterator, self.n = iterator, n

    def __iter__(self):
        return itertools.islice(self.iterator, self.n)

    def __len__(self) -> int:
        return self.n

    def train_dataloader(self):
        """Itself."""
        return self

    def val_dataloader(self):
        """None: only training is timed."""


def seconds(work: Callable[[], None]) -> float:
    """How long ``work()`` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(name: str, rounds: int, ours: Callable[[], float], theirs: Callable[[], float]) -> None:
    """Their time over ours, by turns after a warm-up, first one first and then the other."""
    ours(), theirs()
    ratios = []
    for i in range(rounds):
        a, b = (theirs(), ours())[::-1] if i % 2 else (ours(), theirs())
        ratios.append(b / a)
    low, high = min(ratios), max(ratios)
    print(f"{name}: {statistics.median(ratios):.3f} ({low:.3f} to {high:.3f}, {rounds} rounds)")


def overhead(rounds: int, steps: int = 40) -> None:
    """The Trainer against a bare loop: quarter-width GoogLeNet, 28x28, batch 64, channels last."""
    X, y = torch.rand(64, 1, 28, 28), torch.randint(10, (64,))
    X = X.contiguous(memory_format=torch.channels_last)
    model = d2l.GoogleNet(lr=0.01, width=0.25)
    model(X)
    model.to(memory_format=torch.channels_last)
    optim = model.configure_optimizers()

    def bare() -> None:
        model.train()
        for _ in range(steps):
            optim.zero_grad()
            nn.functional.cross_entropy(model(X), y).backward()
            optim.step()

    data, trainer = Batches(itertools.repeat((X, y)), steps), d2l.Trainer(1, progress=False)
    compare(
        "bare loop's time / Trainer's",
        rounds,
        lambda: seconds(lambda: trainer.fit(model, data)),
        lambda: seconds(bare),
    )


def put_data_where_the_book_looks(folder: Path) -> None:
    """Unpack the data set to ``../data`` as seen from ``folder``, in torchvision's layout."""
    raw = sources.raw_folder(folder.parent / "data")
    raw.mkdir(parents=True)
    places = sources.SYSTEM, sources.raw_folder(sources.default_root())
    found = next(place for place in places if place.is_dir())
    for name in sources.FULL_FILES:
        with gzip.open(found / f"{name}.gz") as packed, open(raw / name, "wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)


def serve(package_name: str, folder: Path, pipe, steps: int = 16) -> None:
    """In a process of its own: time ``steps`` training steps for each message, until it is None."""
    os.chdir(folder)
    package = importlib.import_module(package_name)

    class GoogleNet(package.Classifier):
        """Each package's base class around the same layers."""

        def __init__(self, lr: float) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.net = d2l.GoogleNet().net

    model = GoogleNet(lr=0.01)
    model.apply_init([torch.zeros(1, 1, 96, 96)], package.init_cnn)
    model.board.display = False
    trainer = package.Trainer(max_epochs=1, **({"progress": False} if package is d2l else {}))
    loader = package.FashionMNIST(batch_size=128, resize=(96, 96)).train_dataloader()
    iterator = iter(loader)  # one for all rounds: starting worker processes is not timed
    while pipe.recv():
        # While the other package was timed, workers went on: use up the 2 batches each has ready.
        list(itertools.islice(iterator, 2 * loader.num_workers))
        pipe.send(seconds(lambda: trainer.fit(model, Batches(iterator, steps))))


def against_the_book(rounds: int) -> None:
    """Both packages, from their data modules on; the book's with its four worker processes."""
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "here"
        folder.mkdir()
        put_data_where_the_book_looks(folder)
        pipes = []
        for package in ("d2l_utils", "d2l.torch"):
            pipe, end = spawn.Pipe()
            spawn.Process(target=serve, args=(package, folder, end)).start()
            pipes.append(pipe)

        def ask(pipe) -> float:
            pipe.send(True)
            return pipe.recv()

        name = "d2l 1.0.3's time / ours, GoogLeNet 96x96, batch 128"
        compare(name, rounds, lambda: ask(pipes[0]), lambda: ask(pipes[1]))
        for pipe in pipes:
            pipe.send(None)


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    overhead(4 * number)
    if importlib.util.find_spec("d2l"):
        against_the_book(number)
    else:
        print("the book's package is not installed: not compared with it")
