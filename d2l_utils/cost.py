"""What a network costs: its parameters, and the multiply-accumulates (MACs) of one input."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

__all__ = ["count_macs", "count_parameters"]


def count_parameters(model: nn.Module, kind: type | tuple[type, ...] = nn.Module) -> int:
    """Number of parameters of ``model`` in its layers of ``kind``, ``nn.Linear`` for example."""
    layers = [layer for layer in model.modules() if isinstance(layer, kind)]
    return sum({id(p): p.numel() for layer in layers for p in layer.parameters()}.values())


@torch.no_grad()
def count_macs(model: nn.Module, X_shape: Sequence[int]) -> int:
    """Multiply-accumulates of the forward pass on an input of ``X_shape``, batch included.

    The pass is made in evaluation mode: running statistics stay, one image of any size will do.

    Counted by torch's own counter from the operations that run, two FLOPs for a MAC: convolutions
    and matrix products; biases, activations and pooling are left out, as in the literature.
    """
    from torch.utils.flop_counter import FlopCounterMode

    X = torch.zeros(*X_shape, device=next(model.parameters()).device)
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        model(X)  # lazy layers take their shapes
        with FlopCounterMode(display=False) as counter:
            model(X)
    finally:
        for module in training:
            module.training = True
    return counter.get_total_flops() // 2
