"""What a training needs before it begins: one clear error each."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from torch import nn

from ..machine.random_state import RandomState

__all__: list[str] = []


def require_settings(
    max_epochs: Any, num_gpus: Any, gradient_clip_val: Any, precision: Any
) -> None:
    """ValueError for an argument of the trainer that means nothing."""
    for name, value in (("max_epochs", max_epochs), ("num_gpus", num_gpus)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ValueError(f"{name} must be an integer of 0 or more, not {value!r}")
    if not 0 <= gradient_clip_val < math.inf:
        told = f"gradient_clip_val must be a finite number of 0 or more, not {gradient_clip_val!r}"
        raise ValueError(told)
    if precision not in ("float32", "bfloat16"):
        raise ValueError(f"precision must be 'float32' or 'bfloat16', not {precision!r}")


def counted(loader: Any, where: str, least: int = 1) -> tuple[Any, int]:
    """The batches of ``loader`` and how many they are.

    A loader without a length is counted in a pass of its own, which draws no random numbers; an
    iterator, which gives its batches once, becomes a list of them.

    Raises ValueError for what is no iterable, and for fewer batches than ``least``.
    """
    if not isinstance(loader, Iterable):
        raise ValueError(f"{where}() gives {loader!r}: expected an iterable of batches")
    if not hasattr(loader, "__len__") and iter(loader) is loader:
        loader = list(loader)
    try:
        batches = len(loader)
    except TypeError:
        generators = RandomState(loader)
        before = generators.state_dict()
        batches = sum(1 for _ in loader)
        generators.load_state_dict(before)
    if batches < least:
        raise ValueError(f"{where}() gives a {type(loader).__name__} without a batch")
    return loader, batches


def require_optimizer(optim: Any, model: nn.Module) -> None:
    """ValueError for what is no optimizer, or trains none of the parameters of ``model``."""
    if not hasattr(optim, "step"):
        raise ValueError(
            f"configure_optimizers() gives {optim!r}: expected an optimizer, with a method step()"
        )
    trained = {id(p) for group in getattr(optim, "param_groups", ()) for p in group["params"]}
    own = {id(p) for p in model.parameters()}
    if trained and own and not trained & own:
        raise ValueError(
            f"configure_optimizers() gives a {type(optim).__name__} that trains none of the "
            f"parameters of {type(model).__name__}"
        )
