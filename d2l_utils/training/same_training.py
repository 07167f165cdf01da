"""Whether two trainings are the same, so that one can go on where the other stopped."""

from __future__ import annotations

import contextlib
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import nn

from ..costs.trace import lines, trace
from ..machine.random_state import RandomState, seed_everything
from . import distributed

__all__: list[str] = []

# What is told by a digest: it can be compared, and says nothing to a reader.
DIGESTS = "operations of the network", "loss in training", "training data", "schedule"


def settings(trainer) -> dict[str, Any]:
    """What has to be equal, as it is before the first step."""
    model, optim, schedule = trainer.model, trainer.optim, trainer.schedule
    groups = {
        f"{name} of parameter group {i}": value
        for i, group in enumerate(optim.param_groups)
        for name, value in group.items()
        if name not in ("params", "lr")  # the rate of this moment, set anew by a schedule
    }
    shapes = {f"shape of {name}": tuple(t.shape) for name, t in model.state_dict().items()}
    return {
        "number of epochs": trainer.max_epochs,
        "number of batches in an epoch": trainer.num_train_batches,
        "own generator of the data's order": RandomState(trainer.train_dataloader).own is not None,
        "precision": trainer.precision,
        "gradient_clip_val": trainer.gradient_clip_val,
        "optimizer": type(optim).__name__,
        "learning rates": trainer.learning_rate.initial,
        **groups,
        **shapes,
        "schedule": schedule and _digest(f"{schedule(i / 16):.6f}" for i in range(16)),
        "training data": _digest(_data(getattr(trainer.train_dataloader, "dataset", None))),
    }


def operations(model: nn.Module, input_shape: Sequence[int] | None) -> dict[str, str]:
    """Digests of what network and loss compute, as far as they can be traced.

    ``input_shape`` is that of an example, without the batch. Draws no random numbers.
    """
    found: dict[str, str] = {}
    if input_shape is None:
        return found
    generators = RandomState()
    before = generators.state_dict()
    seed_everything(0)  # where chance decides what runs
    with contextlib.suppress(Exception):  # of another input than images, another loss
        call = trace(model, (1, *input_shape))
        found["operations of the network"] = _digest(lines(call))
        logits = (2, *call.writes[0].shape[1:])
        found["loss in training"] = _digest(lines(trace(_Loss(model), logits, training=True)))
    generators.load_state_dict(before)
    return found


def differences(theirs: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    """In words, what has to be equal and is not."""
    return [
        f"its {key} is another one"
        if key in DIGESTS
        else f"its {key} is {theirs.get(key)}, here it is {ours.get(key)}"
        for key in {**theirs, **ours}
        if theirs.get(key) != ours.get(key)
    ]


def circumstances() -> dict[str, int]:
    """What may be another, at the price of the last digits."""
    return {"threads": torch.get_num_threads(), "processes": distributed.size()}


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _data(dataset: Any) -> Iterator[str]:
    """The tensors of a data set, which of its examples are taken, the size of its images."""
    named = {**getattr(dataset, "__dict__", {})}
    tensors = {**named, **dict(enumerate(getattr(dataset, "tensors", ())))}
    for name, value in tensors.items():
        if isinstance(value, torch.Tensor) and value.layout == torch.strided:
            numbers = value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy()
            yield f"{name} {tuple(value.shape)} {zlib.crc32(numbers)}"
    for name, write in (("indices", list), ("size", str)):
        if name in named:
            yield f"{name} {write(named[name])}"
    if "dataset" in named:  # of which this one is a part
        yield from _data(named["dataset"])


class _Loss(nn.Module):
    """The training loss of logits that are all 0."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, Y_hat: torch.Tensor) -> torch.Tensor:
        labels = torch.zeros(len(Y_hat), dtype=torch.long, device=Y_hat.device)
        return self.model.loss(Y_hat, labels)
