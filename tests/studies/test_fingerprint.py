"""What decides a run's numbers, each thing alone, changes its fingerprint; nothing else does."""

import time

import pytest
import torch
from torch import nn

import d2l_utils as d2l
from d2l_utils import board
from d2l_utils.studies import fingerprint as fingerprints
from d2l_utils.studies import rehearsal
from d2l_utils.studies.fingerprint import fingerprint
from d2l_utils.studies.protocol import PROTOCOL

BASE = {
    "epochs": 2,
    "batch_size": 10,
    "resize": 12,
    "lr": 0.25,
    "init": "He",
    "optimizer": {"name": "SGD", "momentum": 0.9, "weight_decay": 0.01},
    "schedule": "cosine",
    "loss": {"label_smoothing": 0.1},
    "augment": {"add": 1},
    "predict": "mirrored",
}


class Net(d2l.Classifier):
    def __init__(self, slope=0.0, bias=True, lr=0.25):
        super().__init__()
        self.save_hyperparameters()
        layers = nn.LazyConv2d(3, 3, bias=bias), nn.LeakyReLU(slope) if slope else nn.ReLU()
        self.net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(10))


class OwnStep(Net):
    def training_step(self, batch):
        return super().training_step([batch[0] / 2, batch[1]])


class Frozen(Net):
    def apply_init(self, inputs, init=None):
        super().apply_init(inputs, init)
        self.net[0].bias.requires_grad_(False)

    def parameters(self, recurse=True):
        return (p for p in super().parameters(recurse) if p.requires_grad)


def add(X, n):
    return X + n


def add_noise(X, n):
    return X + n * torch.rand_like(X)


def mirrored(net, X):
    return (net(X) + net(X.flip(3))) / 2


def summed(net, X):
    return net(X) + net(X.flip(3))


def recipe(build=Net, augment=add, predict=mirrored, schedule=d2l.cosine_decay):
    return d2l.Recipe(
        lambda config: build(),
        augmentations={"add": augment},
        predictions={"mirrored": predict},
        schedules={"cosine": schedule},
    )


def changed(settings=None, **parts):
    """The parts of the fingerprint that differ from those of ``BASE``."""
    config = {key: value for key, value in {**BASE, **(settings or {})}.items() if value != ...}
    one, other = fingerprint(recipe(), BASE), fingerprint(recipe(**parts), config)
    assert one.keys() == other.keys()
    return fingerprints.changed(one, other)


def test_the_same_again():
    assert changed() == []


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"optimizer": {"name": "SGD", "momentum": 0, "weight_decay": 0.01}}, "optimizer"),
        ({"optimizer": {"name": "SGD", "momentum": 0.9}}, "optimizer"),
        ({"optimizer": {**BASE["optimizer"], "nesterov": True}}, "optimizer"),
        ({"optimizer": {"name": "AdamW", "weight_decay": 0.01}}, "optimizer"),
        ({"schedule": "constant"}, "schedule"),
        ({"schedule": ...}, "schedule"),
        ({"loss": ...}, "training step"),
        ({"loss": {"label_smoothing": 0.2}}, "training step"),
        ({"augment": ...}, "training step"),
        ({"augment": {"add": 2}}, "training step"),
        ({"predict": ...}, "prediction"),
        ({"init": "Xavier"}, "first weights"),
        ({"init": ...}, "first weights"),
        ({"lr": 0.26}, "configuration"),
        ({"epochs": 3}, "configuration"),
        ({"batch_size": 11}, "configuration"),
        ({"holdout": 7}, "configuration"),
        ({"precision": "bfloat16"}, "configuration"),
        ({"measured": "calibration"}, "configuration"),
    ],
    ids=str,
)
def test_each_key_alone(settings, told):
    assert changed(settings) == [told]


def test_a_constant_schedule_is_one_however_it_is_said():
    one = fingerprint(recipe(), {**BASE, "schedule": "constant"})
    other = fingerprint(recipe(schedule=lambda done: 1), BASE)
    assert fingerprints.changed(one, other) == []


def test_what_is_left_at_its_default_changes_nothing():
    assert changed({"holdout": 0, "precision": "float32"}) == []


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"build": lambda: Net(slope=0.01)}, ["network"]),
        ({"build": lambda: Net(bias=False)}, ["network", "optimizer"]),
        ({"build": OwnStep}, ["training step"]),
        ({"build": Frozen}, ["optimizer"]),
        ({"augment": add_noise}, ["training step"]),
        ({"predict": summed}, ["prediction"]),
        ({"schedule": lambda done: 1 - done}, ["schedule"]),
    ],
)
def test_code_that_acts_otherwise(parts, told):
    assert changed(**parts) == told


@pytest.mark.parametrize("factor", [0.0, 0.5, -1.0])
def test_other_first_weights(factor):
    class Scaled(Net):
        def apply_init(self, inputs, init=None):
            super().apply_init(inputs, init)
            with torch.no_grad():
                self.net[0].weight *= factor

    assert changed(build=Scaled) == ["first weights"]


def test_last_digits_do_not_matter():
    """Random numbers differ in them between processors."""

    class Rounded(Net):
        def apply_init(self, inputs, init=None):
            super().apply_init(inputs, init)
            with torch.no_grad():
                for p in self.parameters():
                    p *= 1 + 1e-6 * torch.rand_like(p)

    assert changed(build=Rounded) == []


def test_the_random_numbers_are_left_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    fingerprint(recipe(), BASE)
    assert torch.rand(1) == expected


# What no digest of a part sees: values of tensors, what is frozen, the wiring, modes.


class Branches(d2l.Classifier):
    """Two branches of the same shape; the head reads both."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(1, 3, 3, padding=1)
        self.second, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(1)
        self.head = nn.Linear(6, 10)
        self.net = nn.ModuleList(self.children())

    def forward(self, X):
        return self.head(torch.cat(self.branches(self.norm(X)), 1).relu().mean((2, 3)))

    def branches(self, X):
        one, other = self.one(X), self.other(X)
        return one, self.second(other)


class ReadsTheOther(Branches):
    def branches(self, X):
        one, other = self.one(X), self.other(X)
        return other, self.second(one)


class OtherOrder(Branches):
    def branches(self, X):
        return super().branches(X)[::-1]


class BranchesFrozen(Branches):
    def __init__(self):
        super().__init__()
        self.one.weight.requires_grad_(False)


class OtherInEvaluation(Branches):
    def forward(self, X):
        return super().forward(X) if self.training else super().forward(X) / 2


class ClassWeights(Branches):
    class_weights = torch.ones(10)

    def loss(self, Y_hat, Y, averaged=True):
        reduction = "mean" if averaged else "none"
        return nn.functional.cross_entropy(Y_hat, Y, self.class_weights, reduction=reduction)


class OtherClassWeights(ClassWeights):
    class_weights = torch.linspace(0.5, 1.5, 10)


class Dropping(Branches):
    def forward(self, X):
        return super().forward(nn.functional.dropout(X, 0.5, self.training))


class ScaledGradient(Branches):
    def configure_optimizers(self):
        optimizer = super().configure_optimizers()
        optimizer.register_step_pre_hook(self.scale)
        return optimizer

    def scale(self, *_):
        self.head.weight.grad.mul_(2)


def minus(mean):
    return lambda X, _: X - mean


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Branches, ReadsTheOther),
        (Branches, OtherOrder),
        (Branches, BranchesFrozen),
        (Branches, OtherInEvaluation),
        (ClassWeights, OtherClassWeights),
    ],
)
def test_a_hole_of_the_digests_is_seen_in_the_rehearsal(one, other):
    before, after = fingerprint(recipe(one), BASE), fingerprint(recipe(other), BASE)
    assert fingerprints.changed(before, after) == ["rehearsal"]
    assert fingerprints.changed(before, fingerprint(recipe(one), BASE)) == []


def test_values_of_a_tensor_in_the_augmentation():
    one, other = minus(torch.full((1, 1, 1), 0.2)), minus(torch.full((1, 1, 1), 0.3))
    before, after = (fingerprint(recipe(augment=step), BASE) for step in (one, other))
    assert fingerprints.changed(before, after) == ["rehearsal"]


def test_a_hook_of_the_optimizer_and_a_verb_of_the_trainer(monkeypatch):
    config = {key: value for key, value in BASE.items() if key != "optimizer"}

    def build(kind):
        def made(config):
            net = kind()
            net.lr = config["lr"]
            return net

        return d2l.Recipe(
            made,
            augmentations={"add": add},
            predictions={"mirrored": mirrored},
            schedules={"cosine": d2l.cosine_decay},
        )

    before = fingerprint(build(Branches), config)
    assert fingerprints.changed(before, fingerprint(build(ScaledGradient), config)) == ["rehearsal"]
    backward = d2l.Trainer.backward
    monkeypatch.setattr(d2l.Trainer, "backward", lambda self, loss: backward(self, 2 * loss))
    assert fingerprints.changed(before, fingerprint(build(Branches), config)) == ["rehearsal"]


def test_the_rehearsal_survives_last_digits_and_no_more():
    now = fingerprint(recipe(Branches), BASE)

    def shifted(by):
        numbers = {
            name: [None if x is None else x * (1 + by * (-1) ** i) for i, x in enumerate(values)]
            for name, values in now["rehearsal"].items()
        }
        return fingerprints.changed({**now, "rehearsal": numbers}, now)

    assert shifted(1e-6) == []
    assert shifted(1e-2) == ["rehearsal"]
    assert fingerprints.changed({k: v for k, v in now.items() if k != "rehearsal"}, now) == [
        "rehearsal"
    ]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_rounding_does_not_grow_in_the_rehearsal(monkeypatch, precision):
    """Through batch norm, dropout, random augmentation, and a learning rate that diverges."""
    config = {**BASE, "lr": 1e20, "precision": precision}
    one = fingerprint(recipe(Dropping, augment=add_noise), config)
    weights = rehearsal._weights

    def rounded(*args):
        w, own = weights(*args), torch.Generator().manual_seed(0)
        return w * (1 + 1e-6 * torch.rand(w.shape, generator=own, dtype=w.dtype))

    monkeypatch.setattr(rehearsal, "_weights", rounded)
    other = fingerprint(recipe(Dropping, augment=add_noise), config)
    assert fingerprints.changed(one, other) == []


def test_a_rehearsal_shows_nothing_in_a_notebook(monkeypatch):
    monkeypatch.setattr(board, "in_notebook", lambda: True)
    monkeypatch.setattr(board.ProgressBoard, "show", lambda self: pytest.fail("a picture"))
    fingerprint(recipe(), BASE)


def test_a_rehearsal_costs_little():
    start = time.process_time()
    fingerprint(d2l.Recipe(lambda config: d2l.ProtocolNet(config["lr"])), PROTOCOL | {"lr": 0.1})
    assert time.process_time() - start < 5
