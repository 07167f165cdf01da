"""Lazy layers, which take their shapes from the first input that they see."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import torch
from torch import nn

from ..machine.random_state import RandomState
from .misfits import told_if_a_batch_does_not_fit

__all__: list[str] = []


def give_shapes(model: nn.Module, loader: Iterable) -> Iterable:
    """Run an example of ``loader``, so that the optimizer finds every parameter of a lazy model.

    Draws no random numbers but for the weights. Returns a loader that still has all its batches.
    """
    if not any(nn.parameter.is_lazy(tensor) for tensor in [*model.parameters(), *model.buffers()]):
        return loader
    generators = RandomState(loader)
    before = generators.state_dict()
    batches = iter(loader)
    batch = next(batches, None)
    if batch is None:
        raise ValueError("the loader has no batch that lazy layers could take their shapes from")
    generators.load_state_dict(before)  # as if the order of the data had not been asked for
    model.eval()
    example = [part[:1] for part in batch]
    with torch.no_grad(), told_if_a_batch_does_not_fit(model, example):
        model(*example[:-1])
    return itertools.chain([batch], batches) if batches is loader else loader
