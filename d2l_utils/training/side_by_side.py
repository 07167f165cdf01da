"""Several networks on the same batches, their losses in one live plot."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch

from ..board import ProgressBoard

__all__ = ["train_side_by_side"]


def train_side_by_side(
    networks: Mapping[str, torch.nn.Module],
    batches: Iterable,
    every: int = 5,
    board: ProgressBoard | None = None,
) -> dict[str, list[float]]:
    """Train each of ``networks`` one step on each of ``batches``; returns their losses by name.

    The networks are ``Module``s whose weights are initialised; each brings its own loss and
    optimizer. All see the same batches in the same order. A network whose loss is no longer finite
    stops there: that loss is its last. The board, drawn live, shows means of ``every`` losses.

    Batches are (images (N, C, H, W), labels (N,)).
    """
    board = board or ProgressBoard("batch", "loss", figsize=(6, 3))
    optimizers = {name: net.configure_optimizers() for name, net in networks.items()}
    losses: dict[str, list[float]] = {name: [] for name in networks}
    for net in networks.values():
        net.train().to(memory_format=torch.channels_last)
    for step, (X, y) in enumerate(batches, start=1):
        X = X.contiguous(memory_format=torch.channels_last)
        for name, net in networks.items():
            if losses[name] and not math.isfinite(losses[name][-1]):
                continue
            loss = net.loss(net(X), y)
            losses[name].append(loss.item())
            if math.isfinite(losses[name][-1]):
                optimizers[name].zero_grad()
                loss.backward()
                optimizers[name].step()
                board.draw(step, losses[name][-1], name, every_n=every)
    return losses
