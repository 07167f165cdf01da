"""A training in small, by the recipe's own model and trainer: what it does, in numbers.

Two steps of ``Trainer.fit`` on made-up images, from made-up weights. Whatever acts on the numbers
of the real training acts on these too, however it is written: wiring, values of tensors, what is
frozen, modes of layers, verbs of the trainer. The numbers are the same on every processor: they
are reckoned in float64, since batch norm over few values can turn a difference in the sixth digit
of a weight into one of a hundredth; and each step begins at the same weights, since a large
learning rate makes chaos.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from ..data import ImageDataset
from ..machine.random_state import RandomState, seed_everything
from ..trainer import DivergenceError
from ..training.distributed import Alone
from .configuration import Recipe

__all__ = ["alike", "rehearse"]

STEPS, BATCH = 2, 3
Numbers = dict[str, list[float | None]]


def rehearse(recipe: Recipe, config: Mapping, model: nn.Module) -> Numbers:
    """Numbers of the small training of ``model``, which is of ``config``; its weights are lost.

    Always on the CPU, by one process: what is particular to a machine stays out.
    """
    generators = RandomState()
    before = generators.state_dict()
    options = {"max_epochs": 1, "num_gpus": 0, "precision": "float32", "progress": False}
    trainer = recipe.trainer(config, **options)
    trainer.processes, model.board.display = Alone(), False
    data = _Rehearsal(model, config["resize"])
    model.board.display = False  # in a notebook it would show its curves
    try:
        seed_everything(0)
        with _SameEverywhere():
            judged = trainer.evaluate(model, data.batches[:1])
            trainer.fit(model, data)
    except DivergenceError:
        pass  # the loss at these weights is infinite: there are fewer numbers, which tells as well
    finally:
        generators.load_state_dict(before)
    if trainer.interrupted:
        raise KeyboardInterrupt
    trained = [{k: v for k, v in row.items() if k != "seconds"} for row in trainer.history]
    told = [value for row in (judged, *trained) for value in row.values()]
    numbers = {
        "told": [trainer.gradient_clip_val, *told],
        "gradients": [_norm(tensor.grad) for tensor in data.tensors],
        "moved": data.moved,
    }
    return {name: [_short(value) for value in values] for name, values in numbers.items()}


def alike(one: Numbers | None, other: Numbers) -> bool:
    """Whether they are the same but for rounding: to a thousandth, and what is nothing beside them.

    The numbers of another processor differ in their last digits.
    """
    if one is None or one.keys() != other.keys():
        return False
    return all(
        len(a) == len(b) and all(_close(x, y, a) for x, y in zip(a, b, strict=True))
        for a, b in ((one[name], other[name]) for name in other)
    )


def _close(x: float | None, y: float | None, beside: list[float | None]) -> bool:
    if x is None or y is None:
        return x is y
    nothing = 1e-6 * max(abs(value or 0) for value in beside)
    return x == y or math.isclose(x, y, rel_tol=1e-3, abs_tol=nothing)


class _Rehearsal:
    """Data for ``Trainer.fit``: before each batch it puts the weights of ``model`` back."""

    def __init__(self, model: nn.Module, size: int) -> None:
        draw = np.random.RandomState(0)  # numpy promises these very numbers on every machine
        images = draw.randint(256, size=(STEPS * BATCH, 28, 28)).astype("uint8")
        labels = draw.randint(10, size=STEPS * BATCH)
        dataset = ImageDataset(torch.from_numpy(images), torch.from_numpy(labels), (size, size))
        rows = range(STEPS * BATCH)
        batches = [dataset.__getitems__(rows[i::STEPS]) for i in range(STEPS)]
        self.batches = [[X.double(), y] for X, y in batches]
        tensors = model.double().state_dict(keep_vars=True).values()
        once = {id(tensor): tensor for tensor in tensors}.values()  # tied weights have two names
        self.tensors = [tensor for tensor in once if tensor.is_floating_point()]
        self.first = [t if t.dim() > 1 else t.detach().clone() for t in self.tensors]
        self.draws = draw.get_state()
        self.moved: list[float] = []
        self.put_back()

    def weights(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Each tensor and its weights, drawn anew each time: to keep them would take memory."""
        draw = np.random.RandomState()
        draw.set_state(self.draws)
        for tensor, first in zip(self.tensors, self.first, strict=True):
            yield tensor, _weights(draw, first)

    @torch.no_grad()
    def put_back(self) -> None:
        for tensor, weights in self.weights():
            tensor.copy_(weights)

    def __len__(self) -> int:
        return STEPS

    def __iter__(self) -> Iterator:
        for batch in self.batches:
            self.put_back()
            yield batch
        self.moved = [_norm(tensor.detach() - weights) for tensor, weights in self.weights()]

    def train_dataloader(self) -> _Rehearsal:
        return self

    def val_dataloader(self) -> None:
        return None


def _weights(draw: np.random.RandomState, tensor: torch.Tensor) -> torch.Tensor:
    """For a matrix or filters He's uniform distribution; a vector is varied by up to a quarter.

    A scale or a running variance stays positive so, and a shift of nothing is one of something.
    """
    uniform = torch.as_tensor(draw.random_sample(tuple(tensor.shape)))
    if tensor.dim() > 1:
        return (2 * uniform - 1) * (6 / math.prod(tensor.shape[1:])) ** 0.5
    value = tensor.detach()
    return torch.where(value.abs() < 1e-3, (uniform - 0.5) / 2, value * (0.75 + uniform / 2))


class _SameEverywhere(TorchDispatchMode):
    """Operations take float32 beside float64, and dropout draws what it draws on every machine."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function is torch.ops.aten.bernoulli_.float:  # of MKL, where there is one
            share = args[1] if len(args) > 1 else 0.5  # torch leaves a default out
            return args[0].copy_(torch.rand(args[0].shape) < share)
        try:
            return function(*args, **kwargs)
        except RuntimeError:
            args, kwargs = tree_map_only(torch.Tensor, _widened, (args, kwargs))
            return function(*args, **kwargs)


def _widened(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.double() if tensor.dtype == torch.float32 else tensor


def _norm(tensor: torch.Tensor | None) -> float | None:
    return None if tensor is None else float(tensor.double().norm())


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
