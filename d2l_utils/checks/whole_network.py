"""A whole network under a check: its maps, its weights, and its logits beside a reference's.

Two networks that are the same name and order their tensors in different ways. So every tensor is
filled by a rule that knows its kind and its shape alone: whatever the order, both get the same
weights, and the same logits if they are the same network. Tensors of one shape share their memory,
their first weights are never drawn, and what needs no numbers runs on a batch of no images: a
network of any size is judged in a second or two, in little memory.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm
from torch.overrides import TorchFunctionMode

from .report import Unattempted

__all__ = ["Network", "Reference", "near"]

LOOK = 2, 3, 96, 111  # what the logits are compared on: even, odd, and not square
# What draws first weights. torch hands over kaiming_uniform_, which its layers use, whole: the
# uniform_ inside it is not seen.
DRAWN = "kaiming_uniform_", "uniform_", "normal_", "trunc_normal_"
TOLERANCE = 1e-3  # of the largest logit: float32 through a hundred layers
EPSILON = 1e-3  # of batch norms: libraries differ, from 1e-5 on, and the logits are to agree


@dataclass(frozen=True)
class Reference:
    """What is known of the right network: enough to judge another, not to build it."""

    name: str
    parameters: int
    weights: Mapping[tuple[int, ...], int]  # how many of each shape, convolutions' and connected
    logits: torch.Tensor

    @classmethod
    def of(cls, name: str, make: Callable[[], nn.Module]) -> Reference:
        """The reference that the network ``make()`` is."""
        network = Network(make)
        network.output(299)
        return cls(name, network.parameters, network.weights, network.logits())

    def to_json(self) -> str:
        """All of it as text, for a reference whose package not everyone has."""
        weights = [[list(shape), n] for shape, n in sorted(self.weights.items())]
        logits = [[round(value, 5) for value in row] for row in self.logits.tolist()]
        told = {"name": self.name, "parameters": self.parameters}
        return json.dumps(told | {"weights": weights, "logits": logits})

    @classmethod
    def from_json(cls, text: str) -> Reference:
        """The reference that ``to_json`` has written."""
        told = json.loads(text)
        weights = {tuple(shape): n for shape, n in told["weights"]}
        return cls(told["name"], told["parameters"], weights, torch.tensor(told["logits"]))


class _Watched(TorchFunctionMode):
    """Draws no first weights, which would take long and are replaced; notes the maps' shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.maps: set[tuple[int, ...]] = set()

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if getattr(function, "__name__", "") in DRAWN:
            return args[0] if args else kwargs["tensor"]
        result = function(*args, **kwargs)
        if type(result) is torch.Tensor and result.dim() == 4 and not result.shape[0]:
            self.maps.add(tuple(result.shape[1:]))
        return result


class Network:
    """An attempt: a function or class that makes a network; and what is found out about it."""

    def __init__(self, make: Any) -> None:
        self.make = make
        self.maps: set[tuple[int, ...]] = set()  # every (C, H, W) on an image's way

    @cached_property
    def net(self) -> nn.Module:
        """The network, in evaluation mode; an image gives lazy layers their shapes."""
        with _Watched(), torch.no_grad():
            net = self.make()
            if net is None:
                raise Unattempted
            return net.eval() if isinstance(net, nn.Module) else net

    @cached_property
    def epsilons(self) -> list[float]:
        """Those of its batch norms, as they were made: ``logits`` sets them all alike."""
        return [module.eps for module in self.net.modules() if isinstance(module, BatchNorm)]

    def output(self, size: int) -> Any:
        """What it makes of a batch of no images, of 3 channels."""
        with _Watched() as watched, torch.no_grad():
            Y = self.net(torch.zeros(0, 3, size, size))
        self.maps = watched.maps
        return Y

    @property
    def parameters(self) -> int:
        """How many numbers can be learned."""
        return sum({id(p): p.numel() for p in self.net.parameters()}.values())

    @property
    def weights(self) -> Counter[tuple[int, ...]]:
        """How many parameters of two dimensions and more there are of each shape."""
        unique = {id(p): tuple(p.shape) for p in self.net.parameters() if p.dim() > 1}
        return Counter(unique.values())

    def logits(self) -> torch.Tensor:
        """Of two images, with weights by shape; batch norms have ε = 0.001."""
        _ = self.epsilons  # noted before they are set
        _fill_by_shape(self.net)
        with torch.no_grad():
            return self.net(_uniform(LOOK, "image"))


def near(own: torch.Tensor, right: torch.Tensor) -> bool:
    """Whether logits agree."""
    if own.shape != right.shape:
        return False
    return bool((own - right).abs().max() <= TOLERANCE * right.abs().max())


def _uniform(shape: Sequence[int], kind: str) -> torch.Tensor:
    """Numbers from 0 to 1, always the same for this shape and kind."""
    seed = sum(map(ord, kind)) + sum(n * 1009**i for i, n in enumerate(shape, start=1))
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed % 2**31))


def _fill_by_shape(net: nn.Module) -> None:
    """Put a real tensor in the place of each of ``net``'s: one for all of a kind and shape."""
    tensors: dict[tuple, torch.Tensor] = {}

    def tensor(shape: Sequence[int], kind: str) -> torch.Tensor:
        key = (kind, *shape)
        if key not in tensors:
            u = _uniform(shape, kind)
            if kind in ("scale", "running_var"):
                tensors[key] = 0.5 + u
            elif kind == "weight":  # as wide as He et al. 2015 (arXiv 1502.01852) make them
                tensors[key] = (2 * u - 1) * math.sqrt(6 / math.prod(shape[1:]))
            else:
                tensors[key] = 0.2 * (u - 0.5)
        return tensors[key]

    for module in net.modules():
        norm = isinstance(module, BatchNorm)
        if norm:
            module.eps = EPSILON
        for name, p in module._parameters.items():
            if p is not None:
                kind = "weight" if p.dim() > 1 else "scale" if norm and name == "weight" else "bias"
                module._parameters[name] = nn.Parameter(tensor(p.shape, kind), requires_grad=False)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = (
                    tensor(buffer.shape, name) if buffer.is_floating_point() else torch.tensor(0)
                )
