"""First weights for the layers of a CNN; use with ``net.apply``."""

from __future__ import annotations

from torch import nn

__all__ = ["init_he"]


def init_he(layer: nn.Module) -> None:
    """He's normal initialisation (He et al. 2015, arXiv 1502.01852, section 2.2), biases 0."""
    if type(layer) in (nn.Conv2d, nn.Linear):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
