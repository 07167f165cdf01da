"""A batch that does not fit its model: one error that says what came, and what would fit."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Sequence

import torch
from torch import nn
from torch.nn.parameter import is_lazy

__all__: list[str] = []

# The attribute that says how many channels a layer takes, and the dimension where they are.
CHANNELS = {"in_channels": 1, "num_features": 1, "num_channels": 1, "in_features": -1}
LARGEST = 2048  # pixels that are tried


@contextlib.contextmanager
def told_if_a_batch_does_not_fit(model: nn.Module, batch: Sequence) -> Iterator[None]:
    """An error in the block becomes a ValueError that explains it, if ``batch`` is its cause.

    It names the layer and the channels, or the smallest image, that it takes; or the labels.
    """
    try:
        yield
    except (RuntimeError, ValueError, IndexError) as error:
        if told := _why(model, batch):
            raise ValueError(told) from error
        raise


def _why(model: nn.Module, batch: Sequence) -> str:
    """What does not fit, in words; "" if it is something else.

    Tried on a copy without weights: no running statistics move, no random number is drawn.
    """
    *inputs, labels = batch
    light = _without_weights(model)
    trial = copy.deepcopy(light)
    layers: list[tuple[str, nn.Module, tuple[int, ...]]] = []  # those reached, with their inputs
    for name, layer in trial.named_modules():
        if not any(layer.children()):
            layer.register_forward_pre_hook(
                lambda layer, given, name=name: layers.append((name, layer, tuple(given[0].shape)))
            )
    try:
        with torch.no_grad():
            outputs = trial(*(part.to("meta") for part in inputs))
    except Exception:
        return _of_a_layer(light, inputs, *layers[-1]) if layers else ""
    return _of_labels(labels, outputs)


def _of_a_layer(
    light: nn.Module, inputs: Sequence, name: str, layer: nn.Module, shape: Sequence[int]
) -> str:
    """Why ``layer`` of the network ``light`` does not take an input of ``shape``."""
    where = f"{name} ({type(layer).__name__})"
    came = f"the batch has inputs of shape {tuple(inputs[0].shape)}"
    images = len(inputs) == 1 and inputs[0].dim() == 4
    for attribute, dimension in CHANNELS.items():
        takes = getattr(layer, attribute, 0)
        if takes and len(shape) > 1 and shape[dimension] != takes:
            what = "features" if attribute == "in_features" else "channels"
            told = f"{came}: {where} takes {takes} {what}, and gets {shape[dimension]}"
            fits = _size_that_fits(light, inputs[0].shape[1]) if images and dimension == -1 else 0
            return f"{told}; images of {fits}×{fits} would fit" if fits else told
    if not images:
        return ""
    smallest = _smallest(light, *inputs[0].shape[1:])
    if not smallest:
        return ""
    return (
        f"{came}: too small for {where}, which gets {shape[-2]}×{shape[-1]} pixels of it; "
        f"the smallest square image that works has {smallest}×{smallest}"
    )


def _size_that_fits(light: nn.Module, channels: int) -> int:
    """The first size of square images that it takes; 0 if it is none of the usual."""
    return next((size for size in range(1, 257) if _takes(light, channels, size, size)), 0)


def _smallest(light: nn.Module, channels: int, height: int, width: int) -> int:
    """The smallest size of square images that it takes, beyond a size that it does not.

    0 if it takes that one, or no other.
    """
    fails = min(height, width)
    if _takes(light, channels, height, width):
        return 0
    size = 2 * fails
    while not _takes(light, channels, size, size):
        fails, size = size, 2 * size
        if size > LARGEST:
            return 0
    while size - fails > 1:
        middle = (size + fails) // 2
        works = _takes(light, channels, middle, middle)
        fails, size = (fails, middle) if works else (middle, size)
    return size


def _takes(light: nn.Module, *shape: int) -> bool:
    trial = copy.deepcopy(light)  # a pass gives shapes to lazy layers
    with contextlib.suppress(Exception), torch.no_grad():
        trial(torch.empty(1, *shape, device="meta"))
        return True
    return False


def _without_weights(model: nn.Module) -> nn.Module:
    """A copy on the ``meta`` device, for trials; lazy layers stay lazy."""
    copied = {
        id(value): value for name, value in vars(model).items() if name in ("trainer", "board")
    }
    for tensor in model.buffers():
        copied[id(tensor)] = type(tensor)(device="meta") if is_lazy(tensor) else tensor.to("meta")
    for tensor in model.parameters():
        there = type(tensor)(device="meta") if is_lazy(tensor) else nn.Parameter(tensor.to("meta"))
        copied[id(tensor)] = there
    return copy.deepcopy(model, copied).eval()


def _of_labels(labels: torch.Tensor, outputs: torch.Tensor) -> str:
    """Why ``labels`` are none of the classes that ``outputs``, of shape (N, classes), are for."""
    if not isinstance(labels, torch.Tensor) or outputs.dim() != 2:
        return ""
    classes = f"integers from 0 to {outputs.shape[1] - 1}"
    if labels.is_floating_point() or labels.dim() != 1 or len(labels) != len(outputs):
        came = f"labels of {labels.dtype}, shape {tuple(labels.shape)}"
        return f"the batch has {came}: expected {len(outputs)} {classes}"
    wrong = labels[(labels < 0) | (labels >= outputs.shape[1])]
    return f"the batch has a label {int(wrong[0])}: expected {classes}" if len(wrong) else ""
