"""A run is trained from a configuration and a seed alone: no store, no files."""

import os

import pytest
from few_images import take_few_images
from torch import nn

import d2l_utils as d2l
from d2l_utils.studies.run import train_run

CONFIG = {"epochs": 1, "batch_size": 50, "resize": 8, "lr": 0.1, "holdout": 20}


class Net(d2l.Classifier):
    def __init__(self, lr):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Flatten(), nn.LazyLinear(10))


@pytest.fixture
def recipe(monkeypatch):
    take_few_images(monkeypatch, 100)
    return d2l.Recipe(lambda config: Net(config["lr"]))


def test_it_tells_all_and_writes_nothing(recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("D2L_RESULTS", str(tmp_path / "results"))
    model, told = train_run(recipe, CONFIG, seed=0)
    assert os.listdir(tmp_path) == []
    assert isinstance(model, Net)
    assert told["config"] == CONFIG
    assert told["parameters"] == 64 * 10 + 10
    assert len(told["history"]) == 1
    assert 0 <= told["test"]["acc"] <= 1
    assert told["diverged"] is None
    assert "measured" not in told


def test_the_seed_decides(recipe):
    losses = [train_run(recipe, CONFIG, seed)[1]["history"][0]["train_loss"] for seed in (0, 0, 1)]
    assert losses[0] == losses[1] != losses[2]


def test_what_is_measured(recipe):
    def measure(model, data):
        return {"images": len(data.test), "training": model.training}

    _, told = train_run(recipe, CONFIG, seed=0, measure=measure)
    assert told["measured"] == {"images": 100, "training": False}


def test_a_loss_that_is_not_finite_is_a_result(recipe):
    _, told = train_run(recipe, {**CONFIG, "lr": 1e38, "epochs": 3}, seed=0)
    assert "the loss is" in told["diverged"]
