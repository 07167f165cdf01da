"""One run: a configuration trained from one seed, tested once, and told in numbers."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..data import FashionMNIST
from ..machine import random_state
from ..trainer import DivergenceError, Trainer
from .configuration import Recipe
from .provenance import provenance

__all__ = ["images_right", "train_run", "trial"]

HELD_OUT = 10_000

Measure = Callable[[nn.Module, FashionMNIST], dict]


def train_run(
    recipe: Recipe,
    config: Mapping[str, Any],
    seed: int,
    *,
    measure: Measure | None = None,
    checkpoint: Path | None = None,
) -> tuple[nn.Module, dict[str, Any]]:
    """Train ``config`` from ``seed``; returns the model, and what happened, as JSON can hold it.

    The test set is read at the end only. A loss that is no longer finite is a result like another.
    Nothing is written but ``checkpoint``, from which a run that was killed goes on. ``measure``
    maps the trained model and its data to what else is told, under "measured".

    Raises KeyboardInterrupt if the reader stops it.
    """
    trainer, model, data, diverged = _fit(recipe, config, seed, checkpoint=checkpoint)
    start = time.perf_counter()
    test = trainer.evaluate(model, data.test_dataloader())
    seconds = sum(row["seconds"] for row in trainer.history) + time.perf_counter() - start
    measured = {"measured": measure(model, data)} if measure else {}
    return model, {
        "config": dict(config),
        "parameters": sum(p.numel() for p in model.parameters()),
        "history": [{k: round(v, 6) for k, v in row.items()} for row in trainer.history],
        "test": {key.removeprefix("val_"): round(value, 6) for key, value in test.items()},
        "right": _right(trainer, model, data.test_dataloader()),
        **measured,
        "diverged": diverged,
        "seconds": round(seconds, 1),
        "provenance": provenance(),
    }


def trial(recipe: Recipe, config: Mapping[str, Any], seed: int, epochs: int) -> float | None:
    """The accuracy on held-out images after a short training; the test set is left alone.

    A configuration that holds nothing out trains on ``HELD_OUT`` images less than it would. None
    where the loss is no longer finite.
    """
    config = {**config, "epochs": epochs, "holdout": config.get("holdout") or HELD_OUT}
    trainer, *_, diverged = _fit(recipe, config, seed)
    return None if diverged else trainer.history[-1]["val_acc"]


def _fit(recipe: Recipe, config: Mapping[str, Any], seed: int, **options: Any) -> tuple:
    """Trainer, model and data after the training, and what made it diverge, if it did."""
    random_state.seed_everything(seed)
    data, model, diverged = recipe.data(config, seed), recipe.model(config), None
    trainer = recipe.trainer(config, **options)
    try:
        trainer.fit(model, data)
    except DivergenceError as error:
        diverged = str(error)
    if trainer.interrupted:
        raise KeyboardInterrupt
    return trainer, model, data, diverged


@torch.no_grad()
def _right(trainer: Trainer, model: nn.Module, batches: Iterable) -> str:
    """Which images ``model`` is right about: a bit each, in base64, 1.7 kB for 10,000."""
    model.eval()
    hits = [
        model.accuracy(model.predict(*images), labels, averaged=False)
        for *images, labels in map(trainer.prepare_batch, batches)
    ]
    bits = np.packbits(torch.cat(hits).bool().cpu().numpy())
    return base64.b64encode(bits).decode()


def images_right(run: Mapping[str, Any]) -> np.ndarray | None:
    """Of a recorded run, for each test image whether it was right; None if it does not tell.

    Behind the last image, False up to a whole byte.
    """
    if "right" not in run:
        return None
    return np.unpackbits(np.frombuffer(base64.b64decode(run["right"]), np.uint8)).astype(bool)
