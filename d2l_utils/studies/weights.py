"""Trained weights on disk, as safetensors: nothing in such a file can run when it is opened."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch.nn.parameter import is_lazy

from ..machine import files

__all__ = ["load_weights", "save_weights"]

DIGEST = "d2l_utils digest"  # the key of the metadata


def save_weights(
    model: torch.nn.Module, file: str | os.PathLike, metadata: Mapping[str, str] | None = None
) -> None:
    """Write parameters and buffers of ``model``, and ``metadata``, to ``file``; all or nothing.

    A digest of the contents goes with them, by which ``load_weights`` notices a damage.

    Raises ValueError for a lazy layer that has not seen an input.
    """
    from safetensors.torch import save_file

    if lazy := [name for name, tensor in model.state_dict().items() if is_lazy(tensor)]:
        raise ValueError(f"{lazy[0]} has no shape yet: run an example through the network first")
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    with files.whole(file) as aside:
        save_file(tensors, aside, {**(metadata or {}), DIGEST: _digest(tensors)})


def load_weights(
    model: torch.nn.Module, file: str | os.PathLike, metadata: Mapping[str, str] | None = None
) -> bool:
    """Give ``model`` the weights in ``file`` and put it into evaluation mode.

    Returns whether it did: not if there is no such file, nor if its metadata is not ``metadata``.

    Raises:
        ValueError: the file is damaged, or its tensors do not fit the model, which stays as it was.
    """
    from safetensors import SafetensorError, safe_open

    def refused(why: str) -> ValueError:
        what = f"the weights in {Path(file).name} can't be loaded into {type(model).__name__}"
        return ValueError(f"{what}: {why}")

    if not Path(file).exists():
        return False
    if not Path(file).is_file():
        raise refused("it is no regular file")
    try:
        with safe_open(file, "pt") as opened:
            theirs = opened.metadata() or {}
            digest = theirs.pop(DIGEST, None)
            if metadata is not None and theirs != dict(metadata):
                return False
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise refused("it was cut short, or is no safetensors file") from error
    if digest is not None and digest != _digest(tensors):
        raise refused("it is damaged, its digest does not fit")
    if misfit := _misfit(tensors, model.state_dict()):
        raise refused(misfit)
    model.load_state_dict(tensors)
    model.eval()
    return True


def _misfit(theirs: Mapping[str, torch.Tensor], ours: Mapping[str, torch.Tensor]) -> str:
    """The first tensor that keeps weights from fitting, in words; "" if all fit."""
    for name in (*ours, *theirs):
        if name not in theirs:
            return f"it has no tensor {name}"
        if name not in ours:
            return f"its tensor {name} is not in the model"
        if is_lazy(ours[name]):
            continue  # takes its shape from what it is given
        here, there = tuple(ours[name].shape), tuple(theirs[name].shape)
        if here != there:
            return f"its tensor {name} has the shape {there}, in the model {here}"
    return ""


def _digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """Of names, types, shapes and numbers."""
    told = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        told.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        told.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return told.hexdigest()
