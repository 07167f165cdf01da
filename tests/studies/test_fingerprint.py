"""What decides a run's numbers, each thing alone, changes its fingerprint; nothing else does."""

import pytest
import torch
from torch import nn

import d2l_utils as d2l
from d2l_utils.studies.fingerprint import fingerprint

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
    def __init__(self, slope=0.0, bias=True):
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
    return [part for part in one if one[part] != other[part]]


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
    assert fingerprint(recipe(schedule=lambda done: 1), BASE) == one


def test_what_is_left_at_its_default_changes_nothing():
    assert changed({"holdout": 0, "precision": "float32"}) == []


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"build": lambda: Net(slope=0.01)}, ["network"]),
        ({"build": lambda: Net(bias=False)}, ["network", "first weights", "optimizer"]),
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
