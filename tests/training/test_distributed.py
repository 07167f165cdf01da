"""Two processes, started by ``torchrun``, compute what one does."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

import d2l_utils as d2l
from d2l_utils.studies import configuration as recipes
from d2l_utils.studies.fingerprint import changed
from d2l_utils.training import distributed


class Toy(d2l.DataModule):
    """Images of 8x8 in batches of 16: the last batch of 33 images has one, of 41 has nine."""

    def __init__(self, images, seed=None):
        super().__init__()
        random = torch.Generator().manual_seed(0)
        y = torch.arange(images) % 2
        X = torch.randn(images, 1, 8, 8, generator=random) + y[:, None, None, None]
        self.dataset = torch.utils.data.TensorDataset(X, y)
        self.order = None if seed is None else torch.Generator().manual_seed(seed)

    def get_dataloader(self, train):
        return torch.utils.data.DataLoader(
            self.dataset, 16, shuffle=train, generator=self.order if train else None
        )


class Net(d2l.Classifier):
    def __init__(self, lr=0.1):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.LazyConv2d(4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(10))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.lr, momentum=0.9)


def train(images, own_order, net=Net, **options):
    torch.manual_seed(distributed.local_rank())  # the others must take weights and order from 0
    model, data = net(), Toy(images, seed=distributed.local_rank() if own_order else None)
    trainer = d2l.Trainer(4, progress=False, **options)
    trainer.fit(model, data)
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in trainer.history]
    test = trainer.evaluate(model, data.val_dataloader())
    return {k: v.tolist() for k, v in model.state_dict().items()}, rows, test


CASES = [(33, False), (41, True)]


def close(one, other):
    """Whether two nested lists and dicts hold the same numbers, but for rounding."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(close(one[k], other[k]) for k in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(close, one, other))
    return one == pytest.approx(other, rel=1e-4, abs=1e-6)


def torchrun(work, folder, expected=0, processes=2):
    """Run the function ``work`` of this file in so many processes; what each printed."""
    program = Path(folder) / "program.py"
    program.write_text(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        f"import test_distributed as t\nt.{work}({str(folder)!r})\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc-per-node={processes}"]
    done = subprocess.run(
        [*command, str(program)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == expected, done.stderr[-3000:]
    return done


def train_all(folder):
    results = [train(*case) for case in CASES]
    file = Path(folder) / "run.checkpoint"
    results.append(train(*CASES[1], checkpoint=file))
    results.append(train(*CASES[1], checkpoint=file))  # finished: nothing is trained again
    Path(folder, f"{distributed.local_rank()}.json").write_text(json.dumps(results))


def test_two_processes_equal_one(tmp_path):
    torchrun("train_all", tmp_path)
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert first == second
    alone = json.loads(json.dumps([train(*case) for case in (*CASES, CASES[1], CASES[1])]))
    assert all(map(close, first, alone))


def stop_after(epochs):
    """A network whose training is stopped after so many epochs."""

    class Stopped(Net):
        def training_step(self, batch):
            if self.trainer.epoch == epochs:
                raise KeyboardInterrupt
            return super().training_step(batch)

    Stopped.__qualname__ = Stopped.__name__ = "Net"
    return Stopped


def go_on(folder):
    """One epoch more, from a file that the first process alone has; the last time to the end."""
    rank, file = distributed.local_rank(), Path(folder, "of 0.checkpoint")
    done = int(Path(folder, "epochs").read_text())
    own = file if rank == 0 else Path(folder, f"of {rank}.checkpoint")
    result = train(*CASES[1], net=stop_after(done + 1), checkpoint=own)
    Path(folder, f"{rank}.json").write_text(json.dumps(result))


@pytest.mark.filterwarnings("ignore:.* the last digits of the results may differ")
def test_one_two_and_three_processes_go_on_from_each_others_file(tmp_path):
    for epochs, processes in enumerate((2, 3, 1, 2)):
        (tmp_path / "epochs").write_text(str(epochs))
        if processes == 1:
            go_on(str(tmp_path))
        else:
            torchrun("go_on", tmp_path, processes=processes)
        assert [file.name for file in tmp_path.glob("*.checkpoint")] == ["of 0.checkpoint"]
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert first == second
    assert len(first[1]) == 4
    assert close(first, json.loads(json.dumps(train(*CASES[1]))))


def die(folder):
    class Dies(Net):
        def training_step(self, batch):
            if distributed.local_rank() == 1 and self.trainer.epoch == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().training_step(batch)

    train(*CASES[0], net=Dies)


def test_when_one_is_lost_the_others_end_with_a_sentence(tmp_path):
    start = time.monotonic()
    done = torchrun("die", tmp_path, expected=1)
    assert time.monotonic() - start < 60  # most of it the start of three Pythons
    assert "Process 0 of 2 stops: another one has ended, whose own message says why" in done.stderr
    assert "GLHF" not in done.stderr  # gloo's own words


def diverge(folder):
    class Bad(Net):
        def training_step(self, batch):
            loss = super().training_step(batch)
            return loss * float("inf") if distributed.local_rank() else loss

    try:
        train(*CASES[0], net=Bad)
    except d2l.DivergenceError as error:
        Path(folder, f"{distributed.local_rank()}.txt").write_text(str(error))


def test_all_of_them_stop_when_one_diverges(tmp_path):
    torchrun("diverge", tmp_path)
    told = [(tmp_path / f"{rank}.txt").read_text() for rank in (0, 1)]
    assert told[0] == told[1]
    assert "the loss is inf in epoch 1, batch 1 of 3" in told[0]


def tiny_study():
    real = recipes.FashionMNIST

    def few(*args, **kwargs):
        data = real(*args, **kwargs, source="sample")
        for part in (data.train, data.test):
            part.images, part.labels = part.images[:203], part.labels[:203]
        data.source = "system"
        return data

    recipes.FashionMNIST = few
    common = {"epochs": 2, "batch_size": 100, "resize": 8}
    study = d2l.Study("tiny", lambda config: Net(config["lr"]), {"a": {"lr": 0.1}}, common, (0, 1))
    study.keep = "a"
    try:
        study.run()
        return study.records()["a"], study.trained() is not None
    finally:
        recipes.FashionMNIST = real


def run_study(folder):
    os.environ.update(D2L_RESULTS=folder, D2L_BUDGET="full")
    records, kept = tiny_study()
    Path(folder, f"{distributed.local_rank()}.txt").write_text(f"{len(records)} runs, {kept}")


def test_a_study_is_recorded_once(tmp_path, monkeypatch):
    torchrun("run_study", tmp_path)
    assert {(tmp_path / f"{rank}.txt").read_text() for rank in (0, 1)} == {"2 runs, True"}
    records = json.loads((tmp_path / "tiny.json").read_text())["runs"]
    assert [run["provenance"]["processes"] for run in records] == [2, 2]
    assert not list(tmp_path.glob("*.checkpoint"))
    monkeypatch.setenv("D2L_RESULTS", str(tmp_path / "alone"))
    monkeypatch.setenv("D2L_BUDGET", "full")
    alone, _ = tiny_study()
    for one, other in zip(records, alone, strict=True):
        assert close(one["test"], other["test"])
        assert not changed(one["fingerprint"], other["fingerprint"])
