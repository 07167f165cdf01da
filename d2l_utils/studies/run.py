"""One run: a configuration trained from one seed, tested once, and told in numbers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from ..data import FashionMNIST
from ..machine import random_state
from ..trainer import DivergenceError
from .configuration import Recipe
from .provenance import provenance

__all__ = ["train_run"]

Measure = Callable[[nn.Module, FashionMNIST], dict]


def train_run(
    recipe: Recipe,
    config: Mapping[str, Any],
    seed: int,
    *,
    measure: Measure | None = None,
    checkpoint: Path | None = None,
    epochs: int | None = None,
) -> tuple[nn.Module, dict[str, Any]]:
    """Train ``config`` from ``seed``; returns the model, and what happened, as JSON can hold it.

    The test set is read once, at the end. A loss that is no longer finite is a result like another.
    Nothing is written but ``checkpoint``, from which a run that was killed goes on; ``epochs``
    takes the place of those in the configuration. ``measure`` maps the trained model and its data
    to what else is told, under "measured".

    Raises KeyboardInterrupt if the reader stops it.
    """
    random_state.seed_everything(seed)
    data, model, diverged = recipe.data(config, seed), recipe.model(config), None
    trainer = recipe.trainer(
        config, checkpoint=checkpoint, **({"max_epochs": epochs} if epochs else {})
    )
    try:
        trainer.fit(model, data)
    except DivergenceError as error:
        diverged = str(error)
    if trainer.interrupted:
        raise KeyboardInterrupt
    start = time.perf_counter()
    test = trainer.evaluate(model, data.test_dataloader())
    seconds = sum(row["seconds"] for row in trainer.history) + time.perf_counter() - start
    measured = {"measured": measure(model, data)} if measure else {}
    return model, {
        "config": dict(config),
        "parameters": sum(p.numel() for p in model.parameters()),
        "history": [{k: round(v, 6) for k, v in row.items()} for row in trainer.history],
        "test": {key.removeprefix("val_"): round(value, 6) for key, value in test.items()},
        **measured,
        "diverged": diverged,
        "seconds": round(seconds, 1),
        "provenance": provenance(),
    }
