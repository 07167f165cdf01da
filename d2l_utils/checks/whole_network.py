"""How a check judges a whole network: its maps, its weights, and its logits beside a reference's.

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

from .report import Problem, Unattempted

__all__ = ["Network", "Reference", "requirements"]

LOOK = 2, 3, 96, 111  # what the logits are compared on: even, odd, and not square
# What draws first weights. torch hands over kaiming_uniform_, which its layers use, whole: the
# uniform_ inside it is not seen.
DRAWN = "kaiming_uniform_", "uniform_", "normal_", "trunc_normal_"
TOLERANCE = 1e-3  # of the largest logit: float32 through a hundred layers


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
        _fill_by_shape(self.net)
        with torch.no_grad():
            return self.net(_uniform(LOOK, "image"))


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
            module.eps = 1e-3
        for name, p in module._parameters.items():
            if p is not None:
                kind = "weight" if p.dim() > 1 else "scale" if norm and name == "weight" else "bias"
                module._parameters[name] = nn.Parameter(tensor(p.shape, kind), requires_grad=False)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = (
                    tensor(buffer.shape, name) if buffer.is_floating_point() else torch.tensor(0)
                )


def requirements(
    reference: Callable[[], Reference],
    maps: Mapping[str, tuple[int, int, int]],
    nudges: Mapping[str, str],
    size: int = 299,
    classes: int = 1000,
) -> list[tuple[str, Callable[[Network], Problem | None]]]:
    """The requirements of a check, for ``register(..., prepare=Network)``.

    ``maps`` says which (C, H, W) an image of ``size`` has to become, and behind what. ``nudges``
    are what to say to wrong "maps", "weights", "vectors" (biases, scales, shifts) and "logits".
    """

    def runs(network: Network) -> Problem | None:
        if isinstance(network.make, nn.Module) or not callable(network.make):
            found = f"an object of type {type(network.make).__name__}"
            nudge = "Hand over what makes the network: the function's or class's name, no brackets."
            return Problem(found, "a function or class", nudge, "no-maker")
        if not isinstance(network.net, nn.Module):
            found = f"an object of type {type(network.net).__name__}"
            return Problem(found, "a network, an `nn.Module`", "Return the network.", "no-network")
        Y = network.output(size)
        if isinstance(Y, torch.Tensor) and Y.shape == (0, classes):
            return None
        tensor = isinstance(Y, torch.Tensor)
        found = f"shape (N, {_sizes(Y.shape[1:], ', ')})" if tensor else f"a {type(Y).__name__}"
        nudge = "The head averages each map, flattens, and ends with one fully connected layer."
        return Problem(found, f"logits (N, {classes}), after `eval()`", nudge, "head")

    def passes(network: Network) -> Problem | None:
        for where, shape in maps.items():
            if shape not in network.maps:
                same_size = [s for s in network.maps if s[1:] == shape[1:]]
                found = f"no maps of {shape[1]}×{shape[2]} pixels"
                if same_size:
                    nearest = min(same_size, key=lambda s: abs(s[0] - shape[0]))
                    found = f"{_sizes(nearest)} is the nearest"
                return Problem(found, f"{_sizes(shape)} {where}", nudges["maps"], "maps")
        return None

    def weighs(network: Network) -> Problem | None:
        right = Counter(reference().weights)
        missing, extra = right - network.weights, network.weights - right
        for shape in (*missing, *extra):
            found, expected = network.weights[shape], right[shape]
            found, expected = (f"{n} of {_layer(shape)}" for n in (found, expected))
            return Problem(found, expected, nudges["weights"], "weights")
        return None

    def counts(network: Network) -> Problem | None:
        right = reference().parameters
        if network.parameters == right:
            return None
        found, expected = f"{network.parameters:,} parameters", f"{right:,} parameters"
        return Problem(found, expected, nudges["vectors"], "vectors")

    def agrees(network: Network) -> Problem | None:
        own, right = network.logits(), reference().logits
        if own.shape == right.shape and (own - right).abs().max() <= TOLERANCE * right.abs().max():
            return None
        found = "other logits, with every tensor filled alike"
        return Problem(found, f"those of {reference().name}", nudges["logits"], "logits")

    sizes = ", ".join(_sizes(shape) for shape in maps.values())
    return [
        (f"takes images of {size}×{size} to {classes:,} logits", runs),
        (f"passes maps of {sizes}", passes),
        ("has the convolutions that it should have", weighs),
        ("has the parameters that it should have, no more, no fewer", counts),
        ("gives the same logits as the reference, with the same weights", agrees),
    ]


def _sizes(shape: Sequence[int], between: str = "×") -> str:
    return between.join(map(str, shape))


def _layer(shape: Sequence[int]) -> str:
    """A weight of this shape in words."""
    if len(shape) == 4:
        return f"a {shape[2]}×{shape[3]} convolution from {shape[1]} to {shape[0]} channels"
    if len(shape) == 2:
        return f"a fully connected layer from {shape[1]:,} to {shape[0]:,}"
    return f"a weight of shape {_sizes(shape)}"
