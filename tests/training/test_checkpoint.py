"""A training that was killed goes on to the numbers it would have had."""

import hashlib
import io
import os
import pickle
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import d2l_utils as d2l
from d2l_utils.machine import files

EPOCHS, BATCHES = 4, 3
FLIPS = int(os.environ.get("D2L_FLIPS", 60))  # more of them for a campaign


class Killed(BaseException):
    """Stands in for the end of the process."""


class Toy(d2l.DataModule):
    """Forty random 8x8 images of two classes, in batches of 16; shuffled by ``generator``."""

    def __init__(self, generator=None):
        super().__init__()
        random = torch.Generator().manual_seed(0)
        self.dataset = torch.utils.data.TensorDataset(
            torch.randn(40, 1, 8, 8, generator=random), torch.arange(40) % 2
        )
        self.generator = generator

    def get_dataloader(self, train):
        return torch.utils.data.DataLoader(
            self.dataset, 16, shuffle=train, generator=self.generator if train else None
        )


class Net(d2l.Classifier):
    """Draws random numbers in each step, keeps statistics, and has an optimizer with a memory."""

    def __init__(self, lr=0.1, channels=4, momentum=0.9, kill_at=None):
        super().__init__()
        self.save_hyperparameters()
        layers = [nn.LazyConv2d(channels, 3), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Dropout()]
        self.net = nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(2))

    def training_step(self, batch):
        if self.trainer.train_batch_idx == self.kill_at:
            raise Killed
        return super().training_step(batch)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.lr, momentum=self.momentum)


def train(file, seed=0, own_order=False, epochs=EPOCHS, net=Net, **changes):
    d2l.seed_everything(seed)
    model = net(**{k: v for k, v in changes.items() if k in Net().hparams})
    options = {k: v for k, v in changes.items() if k not in model.hparams}
    trainer = d2l.Trainer(
        epochs, progress=False, schedule=d2l.cosine_decay, checkpoint=file, **options
    )
    trainer.fit(model, Toy(torch.Generator().manual_seed(seed) if own_order else None))
    return model, trainer


def numbers(model, trainer):
    """All that a run leaves, but for the seconds."""
    history = [{k: v for k, v in row.items() if k != "seconds"} for row in trainer.history]
    return list(model.state_dict().values()), history, model.board.data


def assert_same(one, other):
    assert all(torch.equal(a, b) for a, b in zip(one[0], other[0], strict=True))
    assert one[1:] == other[1:]


@pytest.mark.parametrize("own_order", [False, True])
@pytest.mark.parametrize("kill_at", [1, BATCHES, 2 * BATCHES + 1, EPOCHS * BATCHES - 1])
def test_a_killed_run_ends_in_the_same_numbers(tmp_path, own_order, kill_at):
    expected, then = numbers(*train(None, own_order=own_order)), torch.rand(3)
    file = tmp_path / "folder" / "run.checkpoint"
    with pytest.raises(Killed):
        train(file, own_order=own_order, kill_at=kill_at)
    assert file.exists() == (kill_at >= BATCHES)
    seed = 7 if file.exists() else 0  # other weights and another order, which the file replaces
    assert_same(numbers(*train(file, seed, own_order)), expected)
    assert torch.equal(torch.rand(3), then)
    assert not list(tmp_path.rglob("*.part"))


def test_a_process_that_is_killed(tmp_path):
    """By SIGKILL, which nothing can catch, in the middle of its third epoch."""
    expected, file = numbers(*train(None)), tmp_path / "run.checkpoint"
    program = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_checkpoint as t
class Net(t.Net):
    def training_step(self, batch):
        if self.trainer.train_batch_idx == {2 * BATCHES + 1}:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().training_step(batch)
t.train({str(file)!r}, net=Net)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    model, trainer = train(file, seed=3)
    assert [row["epoch"] for row in trainer.history] == [1, 2, 3, 4]
    assert_same(numbers(model, trainer), expected)


def test_a_finished_run_is_not_trained_again(tmp_path):
    file = tmp_path / "run.checkpoint"
    expected = numbers(*train(file))
    assert_same(numbers(*train(file, seed=1, kill_at=0)), expected)


def test_numpy_and_random_go_on_too(tmp_path):
    """A model may draw from them."""
    import numpy as np

    file = tmp_path / "run.checkpoint"
    train(file)
    expected = random.random(), np.random.rand()
    train(file, seed=1)
    assert (random.random(), np.random.rand()) == expected


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"epochs": 9}, "its number of epochs is 4, here it is 9"),
        ({"lr": 0.3}, r"its learning rates is \[0.1\], here it is \[0.3\]"),
        ({"momentum": 0.5}, "its momentum of parameter group 0 is 0.9, here it is 0.5"),
        (
            {"channels": 5},
            r"its shape of net.0.weight is \(4, 1, 3, 3\), here it is \(5, 1, 3, 3\)",
        ),
        ({"precision": "bfloat16"}, "its precision is float32, here it is bfloat16"),
        ({"gradient_clip_val": 1}, "its gradient_clip_val is 0, here it is 1"),
        ({"own_order": True}, "own generator of the data's order is False, here it is True"),
    ],
)
def test_another_training_is_refused(tmp_path, change, told):
    file = tmp_path / "run.checkpoint"
    train(file)
    before = file.read_bytes()
    with pytest.raises(ValueError, match=f"run.checkpoint' is of another training: .*{told}"):
        train(file, **change)
    assert file.read_bytes() == before


class Tanh(Net):
    """Another activation, in a function: no module, no shape and no setting tells."""

    def forward(self, X):
        return torch.tanh(super().forward(X))


class Smoothed(Net):
    def loss(self, Y_hat, Y, averaged=True):
        return nn.functional.cross_entropy(Y_hat, Y, label_smoothing=0.1)


class Brighter(Toy):
    def __init__(self, *args):
        super().__init__(*args)
        images, labels = self.dataset.tensors
        self.dataset = torch.utils.data.TensorDataset(images + 0.01, labels)


def test_what_only_computes_otherwise_is_refused(tmp_path, monkeypatch):
    file = tmp_path / "run.checkpoint"
    train(file)
    told = "its {} is another one"
    for net, what in ((Tanh, "operations of the network"), (Smoothed, "loss in training")):
        with pytest.raises(ValueError, match=told.format(what)):
            train(file, net=net)
    monkeypatch.setattr(d2l, "cosine_decay", lambda done: 1 - done)
    with pytest.raises(ValueError, match=told.format("schedule")):
        train(file)
    monkeypatch.undo()
    monkeypatch.setitem(globals(), "Toy", Brighter)
    with pytest.raises(ValueError, match=told.format("training data")):
        train(file)


def test_it_says_that_it_goes_on(tmp_path, capsys):
    file = tmp_path / "run.checkpoint"
    with pytest.raises(Killed):
        train(file, kill_at=BATCHES + 1)
    assert capsys.readouterr().out == ""
    train(file)
    assert capsys.readouterr().out == f"Going on after epoch 1 of 4 from {file}\n"
    train(file)
    assert capsys.readouterr().out == ""  # nothing is left to go on with


def test_another_number_of_threads_is_told(tmp_path):
    file, threads = tmp_path / "run.checkpoint", torch.get_num_threads()
    with pytest.raises(Killed):
        train(file, kill_at=BATCHES + 1)
    try:
        torch.set_num_threads(threads + 1)
        with pytest.warns(
            UserWarning, match=f"with {threads} threads; with {threads + 1} the last"
        ):
            train(file)
    finally:
        torch.set_num_threads(threads)


def test_a_flipped_bit_is_noticed(tmp_path):
    file = tmp_path / "run.checkpoint"
    with pytest.raises(Killed):
        train(file, kill_at=BATCHES + 1)
    whole = file.read_bytes()
    first = range(8 * whole.index(b"\n"))
    places = [*random.Random(0).sample(range(8 * len(whole)), FLIPS), *first[::9]]
    for place in places:
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"can't be read: .*delete this one"):
            train(file)


class Changing(Net):
    """Its momentum, and what it computes, change on the way; chance decides what runs."""

    def forward(self, X):
        later = hasattr(self, "trainer") and self.trainer.epoch > 0
        return super().forward(X) * (2 if later and torch.rand(()) < 0.5 else 1)

    def training_step(self, batch):
        self.trainer.optim.param_groups[0]["momentum"] = 0.5 + 0.1 * self.trainer.epoch
        return super().training_step(batch)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=np.float64(self.lr), momentum=self.momentum)


def test_what_changes_on_the_way_is_the_same_training(tmp_path):
    """Killed twice; its data set counts, and holds a single number."""

    class Counting(Toy):
        def __init__(self, *args):
            super().__init__(*args)
            self.dataset.reads, self.dataset.mean, self.dataset.size = 0, torch.tensor(0.3), 8

        def train_dataloader(self):
            self.dataset.reads += 1
            return super().train_dataloader()

    def run(file, **options):
        d2l.seed_everything(0)
        model, data = Changing(**options), Counting()
        trainer = d2l.Trainer(EPOCHS, progress=False, checkpoint=file)
        trainer.fit(model, data)
        return model, trainer

    expected, file = numbers(*run(None)), tmp_path / "run.checkpoint"
    for kill_at in (BATCHES + 1, 3 * BATCHES):
        with pytest.raises(Killed):
            run(file, kill_at=kill_at)
    assert_same(numbers(*run(file)), expected)


def test_a_part_of_a_data_set_is_another_one_with_other_indices(tmp_path):
    def run(indices):
        data = Toy()
        data.dataset = torch.utils.data.Subset(data.dataset, indices)
        d2l.Trainer(1, progress=False, checkpoint=tmp_path / "a").fit(Net(), data)

    run(range(32))
    run(range(32))
    with pytest.raises(ValueError, match="its training data is another one"):
        run(range(1, 33))


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["directory", "pipe"])
def test_what_is_no_file_is_refused(tmp_path, make):
    make(tmp_path / "run.checkpoint")
    with pytest.raises(ValueError, match="can't be read: it is empty, or no regular file"):
        train(tmp_path / "run.checkpoint")


def test_all_parts_are_restored_or_none(tmp_path):
    file = tmp_path / "run.checkpoint"
    with pytest.raises(Killed):
        train(file, kill_at=BATCHES + 1)
    saved = torch.load(io.BytesIO(file.read_bytes().partition(b"\n")[2]), weights_only=True)
    del saved["state"]["random generators"]["numpy"]
    file.write_bytes(with_a_digest(saved))
    d2l.seed_everything(5)
    model, data = Net(), Toy()
    model.apply_init([torch.zeros(1, 1, 8, 8)])
    before = [tensor.clone() for tensor in model.state_dict().values()]
    generator = torch.get_rng_state()
    trainer = d2l.Trainer(EPOCHS, progress=False, schedule=d2l.cosine_decay, checkpoint=file)
    with pytest.raises(ValueError, match="a part of it does not fit"):
        trainer.fit(model, data)
    assert (trainer.history, trainer.optim.state_dict()["state"], model.board.data) == ([], {}, {})
    assert all(map(torch.equal, before, model.state_dict().values()))
    assert torch.equal(torch.get_rng_state(), generator)


def with_a_digest(content):
    """A file whose digest is right."""
    packed = io.BytesIO()
    torch.save(content, packed)
    digest = hashlib.sha256(packed.getvalue()).hexdigest().encode()
    return b"d2l checkpoint 3 " + digest + b"\n" + packed.getvalue()


class Hostile:
    def __reduce__(self):
        return print, ("this ran",)


@pytest.mark.parametrize(
    "content",
    [
        lambda whole: whole[: len(whole) // 2],
        lambda whole: b"",
        lambda whole: b"not a checkpoint",
        lambda whole: pickle.dumps([1, 2], protocol=2),
        lambda whole: with_a_digest({"training": Hostile()}),
        lambda whole: whole.replace(b"checkpoint 3", b"checkpoint 4", 1),
    ],
    ids=["truncated", "empty", "text", "another pickle", "hostile", "newer"],
)
def test_a_damaged_file_is_named_and_nothing_in_it_runs(tmp_path, capsys, content):
    file = tmp_path / "run.checkpoint"
    train(file)
    file.write_bytes(content(file.read_bytes()))
    with pytest.raises(ValueError, match=r"run\.checkpoint' can't be read: .* delete this one"):
        train(file)
    assert "this ran" not in capsys.readouterr().out


def test_a_point_that_an_epoch_leaves_incomplete_goes_on(tmp_path):
    """Of two batches each, with three batches in an epoch."""

    class Coarse(Net):
        def __init__(self, **options):
            super().__init__(**options)
            self.plot_train_per_epoch = 1.5

    file = tmp_path / "run.checkpoint"
    expected = numbers(*train(None, net=Coarse))
    with pytest.raises(Killed):
        train(file, net=Coarse, kill_at=BATCHES + 1)
    resumed = numbers(*train(file, seed=1, net=Coarse))
    assert_same(resumed, expected)
    line = resumed[2]["train_loss"]
    assert [6 * point.x for point in line] == pytest.approx([1, 5, 9, 13, 17, 21])


def test_a_full_disk_costs_the_checkpoint_and_not_the_training(tmp_path, monkeypatch):
    file = tmp_path / "run.checkpoint"
    expected = numbers(*train(None))
    with pytest.raises(Killed):
        train(file, kill_at=BATCHES + 1)
    before = file.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.warns(UserWarning, match="No space left on device") as warned:
        assert_same(numbers(*train(file)), expected)
    told = [str(warning.message).split(":")[0] for warning in warned]
    assert told == [f"no checkpoint after epoch {epoch}" for epoch in (2, 3, 4)]
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [file.name]  # the room is given back


def test_an_optimizer_without_a_state_is_refused(tmp_path):
    class Plain:
        def step(self):
            pass

    class ByHand(Net):
        def configure_optimizers(self):
            return Plain()

    with pytest.raises(ValueError, match=r"checkpoint = .*Plain has no state_dict"):
        train(tmp_path / "run.checkpoint", net=ByHand)


def test_the_progress_bar_goes_on_as_well(tmp_path, capsys):
    file = tmp_path / "run.checkpoint"
    with pytest.raises(Killed):
        train(file, kill_at=3 * BATCHES)
    d2l.seed_everything(0)
    trainer = d2l.Trainer(EPOCHS, schedule=d2l.cosine_decay, checkpoint=file)
    trainer.fit(Net(), Toy())
    first = capsys.readouterr().out.split("\r")[1]
    assert " 75%" in first
