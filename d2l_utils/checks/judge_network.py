"""Requirements on a whole network: that it is the one that is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import nn

from .report import Problem
from .whole_network import EPSILON, LOOK, Network, Reference, near

__all__ = ["requirements"]

EPSILONS = 1e-6, 1e-2  # from, to: others change what a batch norm computes
OTHER = 7  # classes, of which a network is made as well that takes their number


def requirements(
    reference: Callable[[], Reference],
    maps: Mapping[str, tuple[int, int, int]],
    nudges: Mapping[str, str],
    size: int = 299,
    classes: int = 1000,
    asked: bool = False,
) -> list[tuple[str, Callable[[Network], Problem | None]]]:
    """The requirements of a check, for ``register(..., prepare=Network)``.

    ``maps`` says which (C, H, W) an image of ``size`` has to become, and behind what. ``nudges``
    are what to say to wrong "maps", "weights", "vectors" (biases, scales, shifts) and "logits".
    ``asked``: it has to take ``num_classes`` as an argument.
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
            return _takes_classes(network, size) if asked else None
        nudge = "The head averages each map, flattens, and ends with one fully connected layer."
        return Problem(_shape(Y), f"logits (N, {classes}), after `eval()`", nudge, "head")

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
        for shape in missing:
            if len(shape) == 2 and (*shape, 1, 1) in extra:
                nudge = "It computes the same, but is no fully connected layer. Flatten the "
                nudge += "averages first: `nn.Flatten()`, then `nn.LazyLinear`."
                return Problem(_layer((*shape, 1, 1)), _layer(shape), nudge, "classifier")
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
        if problem := _other_epsilon(network):
            return problem
        try:
            own = network.logits()
        except RuntimeError as error:
            if "size is too small" not in str(error):
                raise
            found = f"a pool that is larger than its maps, for images of {_sizes(LOOK[2:])}"
            nudge = "The logits are compared on small images, so the head has to average maps of "
            nudge += "any size: `nn.AdaptiveAvgPool2d(1)` does."
            return Problem(found, f"logits, not of {size}×{size} alone", nudge, "fixed-pool")
        if near(own, reference().logits):
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


def _takes_classes(network: Network, size: int) -> Problem | None:
    """Made for another number of classes, the network has as many outputs."""
    Y = Network(partial(network.make, num_classes=OTHER)).output(size)
    if isinstance(Y, torch.Tensor) and Y.shape == (0, OTHER):
        return None
    nudge = "The last layer has as many outputs as `num_classes` says."
    found, expected = f"{_shape(Y)} with num_classes={OTHER}", f"logits (N, {OTHER})"
    return Problem(found, expected, nudge, "classes-ignored")


def _other_epsilon(network: Network) -> Problem | None:
    """A batch norm whose ε is no mere guard against a division by 0."""
    least, most = EPSILONS
    other = [epsilon for epsilon in network.epsilons if not least <= epsilon <= most]
    if not other:
        return None
    found = f"a batch normalization with ε = {other[0]:g}"
    nudge = "ε only guards against a division by 0: leave its default. (The logits are compared "
    nudge += f"with ε = {EPSILON:g} in all.)"
    return Problem(found, f"ε from {least:f} to {most:g}", nudge, "epsilon")


def _shape(Y: object) -> str:
    """What came out, in words."""
    tensor = isinstance(Y, torch.Tensor)
    return f"shape (N, {_sizes(Y.shape[1:], ', ')})" if tensor else f"a {type(Y).__name__}"


def _sizes(shape: Sequence[int], between: str = "×") -> str:
    return between.join(map(str, shape))


def _layer(shape: Sequence[int]) -> str:
    """A weight of this shape in words."""
    if len(shape) == 4:
        return f"a {shape[2]}×{shape[3]} convolution from {shape[1]} to {shape[0]} channels"
    if len(shape) == 2:
        return f"a fully connected layer from {shape[1]:,} to {shape[0]:,}"
    return f"a weight of shape {_sizes(shape)}"
