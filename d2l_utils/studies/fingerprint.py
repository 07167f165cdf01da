"""The fingerprint of a run: what decides its numbers, seen in two ways.

Digests of parts tell what changed: operations, first weights, the optimizer's settings, values of
the schedule, the configuration, the data files. A rehearsal tells that anything did: numbers of a
small training by the same code (``rehearsal``). Both are taken from what the code does, not from
how it is written: a refactoring leaves them as they are.

Not seen are: what acts only later than in two steps, in other epochs, or on larger batches;
the order and the choice of the images (``FashionMNIST``; its resizing and scaling are seen); code
of ``measure``; a key that is read without effect; a method replaced on one recipe's instance; what
is particular to a GPU, to several processes or to bfloat16, but that it was
chosen; a change that moves every number by less than a thousandth.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from ..costs.trace import lines, network_operations, trace
from ..machine import data_sources
from .configuration import Recipe
from .rehearsal import alike, rehearse

__all__ = ["changed", "digest", "fingerprint"]


def digest(value) -> str:
    """Sixteen hexadecimal digits that stand for ``value``, anything that JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def fingerprint(recipe: Recipe, config: Mapping) -> dict[str, Any]:
    """A digest of each part of a training that decides its numbers, and a rehearsal of the whole.

    Raises ValueError for a configuration that ``recipe`` can't read.
    """
    size = config["resize"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = recipe.model(config)
        shape = (2, 1, size, size)
        weights = _first_weights(model, torch.zeros(shape))
        try:
            network = network_operations(model, (1, 1, size, size))
        except ValueError:  # batch norm, where all that is left of an image is one pixel
            network = network_operations(model, shape)
        step = _Method(model, "training_step", torch.zeros(2, dtype=torch.long))
        parts = {
            "network": network,
            "first weights": weights,
            "training step": lines(trace(step, shape, training=True)),
            "prediction": lines(trace(_Method(model, "predict"), shape)),
            "optimizer": _optimizer(model.configure_optimizers()),
        }
        rehearsal = rehearse(recipe, config, model)
    schedule = recipe.schedule(config) or (lambda done: 1.0)
    parts["schedule"] = [round(float(schedule(i / 16)), 6) for i in range(17)]
    parts["configuration"] = recipe.course(config) | {"lr": config.get("lr")}
    parts["data"] = {name: md5 for name, (_, md5) in data_sources.FULL_FILES.items()}
    return {part: digest(value) for part, value in parts.items()} | {"rehearsal": rehearsal}


def changed(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The parts of the fingerprint ``recorded`` that are no longer as they are ``now``.

    Another network always has other first weights, and any change another rehearsal: what only
    follows is not told.
    """
    rehearsed = alike(recorded.get("rehearsal"), now["rehearsal"])
    digests = [part for part in now if part != "rehearsal" and recorded.get(part) != now[part]]
    if "network" in digests:
        digests = [part for part in digests if part != "first weights"]
    return digests or ([] if rehearsed else ["rehearsal"])


@torch.no_grad()
def _first_weights(model: nn.Module, X: torch.Tensor) -> list:
    """Of each tensor of the model its shape, its signs, and its size, coarsely.

    Coarsely, since the last digits of random numbers differ between processors.
    """
    model.eval()(X)  # lazy layers take their shapes
    described = []
    for tensor in model.state_dict().values():
        size = float(tensor.float().square().mean().sqrt())
        signs = hashlib.sha256(tensor.sign().to(torch.int8).numpy().tobytes()).hexdigest()
        described.append([list(tensor.shape), signs, round(4 * math.log2(size)) if size else None])
    return described


class _Method(nn.Module):
    """A method of a model, given images (and ``more``), to be traced without the network itself."""

    def __init__(self, model: nn.Module, method: str, *more) -> None:
        super().__init__()
        self.model, self.method, self.more = model, method, more

    def forward(self, X):
        stand_ins = {
            "forward": lambda X: X.flatten(1)[:, :1].expand(-1, 10),
            "plot": lambda *_, **__: None,
        }
        given = [X, *self.more] if self.more else X
        with _replaced(self.model, **stand_ins):
            return getattr(self.model, self.method)(given)


@contextlib.contextmanager
def _replaced(model: nn.Module, **attributes) -> Iterator[None]:
    """Give ``model`` other ``attributes`` for a while."""
    own = {name: vars(model)[name] for name in attributes if name in vars(model)}
    vars(model).update(attributes)
    try:
        yield
    finally:
        for name in attributes:
            del vars(model)[name]
        vars(model).update(own)


def _optimizer(optimizer) -> list:
    """Its class, and of each group its settings and the number of its parameters.

    The learning rate is the configuration's, or seen in the rehearsal.
    """
    groups = [
        {
            **{name: str(value) for name, value in group.items() if name not in ("params", "lr")},
            "parameters": len(group["params"]),
        }
        for group in getattr(optimizer, "param_groups", [])
    ]
    return [type(optimizer).__name__, groups]
