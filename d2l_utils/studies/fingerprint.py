"""The fingerprint of a run: digests of what decides its numbers.

They are taken from what the code does, not from how it is written: operations, first weights, the
optimizer's settings, values of the schedule. A refactoring leaves them as they are; another
momentum, loss or initialisation changes one of them, and the run's record is stale. Not seen are
values of tensors in the training step, which parameters need a gradient, and code of the data.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Iterator, Mapping

import torch
from torch import nn

from ..costs.trace import lines, network_operations, trace
from ..machine import data_sources
from .recipe import Recipe

__all__ = ["digest", "fingerprint"]


def digest(value) -> str:
    """Sixteen hexadecimal digits that stand for ``value``, anything that JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def fingerprint(recipe: Recipe, config: Mapping) -> dict[str, str]:
    """A digest of each part of a training that decides its numbers.

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
    schedule = recipe.schedule(config) or (lambda done: 1.0)
    parts["schedule"] = [round(float(schedule(i / 16)), 6) for i in range(17)]
    parts["configuration"] = recipe.course(config)
    parts["data"] = {name: md5 for name, (_, md5) in data_sources.FULL_FILES.items()}
    return {part: digest(value) for part, value in parts.items()}


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

    The learning rate is the configuration's.
    """
    groups = [
        {
            **{name: str(value) for name, value in group.items() if name not in ("params", "lr")},
            "parameters": len(group["params"]),
        }
        for group in getattr(optimizer, "param_groups", [])
    ]
    return [type(optimizer).__name__, groups]
