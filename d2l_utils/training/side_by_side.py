"""Several networks on the same batches, their losses in one live plot."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import torch

from ..board import ProgressBoard

__all__ = ["train_side_by_side"]


def train_side_by_side(
    networks: Mapping[str, torch.nn.Module],
    batches: Iterable,
    every: int = 5,
    board: ProgressBoard | None = None,
    curve: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None = None,
) -> dict[str, list[float]]:
    """Train each of ``networks`` one step on each of ``batches``; returns their losses by name.

    The networks are ``Module``s whose weights are initialised; each brings its own loss and
    optimizer. All see the same batches in the same order. A network whose loss is no longer finite
    stops there: that loss is its last. The board, drawn live, shows means of ``every`` losses.

    ``curve``, a function of the network's output and the labels, is drawn and returned in place of
    the losses: for networks whose losses do not compare, say.

    Batches are (images (N, C, H, W), labels (N,)).
    """
    board = board or ProgressBoard("batch", "loss", figsize=(6, 3))
    optimizers = {name: net.configure_optimizers() for name, net in networks.items()}
    curves: dict[str, list[float]] = {name: [] for name in networks}
    training = dict(networks)
    for net in networks.values():
        net.train().to(memory_format=torch.channels_last)
    for step, (X, y) in enumerate(batches, start=1):
        X = X.contiguous(memory_format=torch.channels_last)
        for name, net in list(training.items()):
            Y_hat = net(X)
            loss = net.loss(Y_hat, y)
            shown = curve(Y_hat.detach(), y) if curve else loss
            curves[name].append(shown.item())
            if not math.isfinite(loss.item()):
                del training[name]
                continue
            optimizers[name].zero_grad()
            loss.backward()
            optimizers[name].step()
            board.draw(step, curves[name][-1], name, every_n=every)
    return curves
