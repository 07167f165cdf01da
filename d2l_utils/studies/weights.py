"""Trained weights on disk, as safetensors: nothing in such a file can run when it is opened."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch

from ..machine import files

__all__ = ["load_weights", "save_weights"]


def save_weights(
    model: torch.nn.Module, file: str | os.PathLike, metadata: Mapping[str, str] | None = None
) -> None:
    """Write parameters and buffers of ``model``, and ``metadata``, to ``file``; all or nothing."""
    from safetensors.torch import save_file

    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    with files.whole(file) as aside:
        save_file(tensors, aside, dict(metadata or {}))


def load_weights(
    model: torch.nn.Module, file: str | os.PathLike, metadata: Mapping[str, str] | None = None
) -> bool:
    """Give ``model`` the weights in ``file`` and put it into evaluation mode.

    Returns whether it did: not if there is no such file, nor if its metadata is not ``metadata``.

    Raises:
        ValueError: the file is damaged, or its tensors do not fit the model.
    """
    from safetensors import SafetensorError, safe_open

    if not Path(file).exists():
        return False
    try:
        with safe_open(file, "pt") as opened:
            if metadata is not None and opened.metadata() != dict(metadata):
                return False
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        model.load_state_dict(tensors)
    except (SafetensorError, RuntimeError) as error:
        what = f"the weights in {Path(file).name} can't be loaded into {type(model).__name__}"
        raise ValueError(f"{what}: {str(error).splitlines()[0]}") from error
    model.eval()
    return True
