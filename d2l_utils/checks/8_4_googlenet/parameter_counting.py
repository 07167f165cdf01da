"""Exercise 8.4/4: parameters counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from ..functions import returns
from ..report import Problem

Layers = list[tuple]

NUDGES = {
    r"^TypeError: .*positional argument": "The function takes one argument, the list of layers.",
    r"^ValueError: .*unpack": (
        'Tuples differ in length: `("conv", c_in, c_out, k)`, `("linear", n_in, n_out)`.'
    ),
    r"^IndexError": "A fully connected layer has no kernel size: look at the kind first.",
}
ONE_CONV = [("conv", 3, 7, 5)]
ONE_LINEAR = [("linear", 11, 13)]
POINTWISE = [("conv", 17, 19, 1)]
MANY = [*ONE_CONV, ("conv", 7, 2, 3), *POINTWISE, ("linear", 338, 23), *ONE_LINEAR]


def reference(layers: Layers) -> int:
    """The count by torch, of real layers."""
    built = [nn.Conv2d(*rest) if kind == "conv" else nn.Linear(*rest) for kind, *rest in layers]
    return sum(p.numel() for layer in built for p in layer.parameters())


def _wrong(conv: Callable[..., int], linear: Callable[..., int]) -> Callable[[Layers], int]:
    """The count of someone who takes these for a convolution and a fully connected layer."""
    return lambda layers: sum(
        conv(*rest) if kind == "conv" else linear(*rest) for kind, *rest in layers
    )


MISTAKES = (
    (_wrong(lambda i, o, k: i * o * k * k, lambda i, o: i * o), "Each output has a bias as well."),
    (
        _wrong(lambda i, o, k: i * o * k * k + 1, lambda i, o: i * o + 1),
        "That is one bias a layer; there is one for each output channel.",
    ),
    (
        _wrong(lambda i, o, k: i * o * k * k + i, lambda i, o: i * o + i),
        "The biases belong to the outputs, not to the inputs.",
    ),
    (
        _wrong(lambda i, o, k: (i * k + 1) * o, lambda i, o: (i + 1) * o),
        "A k×k kernel has k · k pixels, not k.",
    ),
    (
        _wrong(lambda i, o, k: (k * k + 1) * o, lambda i, o: (i + 1) * o),
        "A kernel reads every input channel, with weights of its own for each.",
    ),
    (
        _wrong(lambda i, o, k: i * k * k + 1, lambda i, o: i + 1),
        "That is one output; each output channel has a kernel of its own.",
    ),
    (
        lambda layers: reference(layers[:1]),
        "That is the first layer alone. Does the function `return` inside the loop?",
    ),
    (
        lambda layers: reference(layers[-1:]),
        "That is the last layer alone. Is the sum set anew for each layer?",
    ),
)


def agrees_on(layers: Layers) -> Callable[[Any], Problem | None]:
    """A requirement: the count of ``layers`` is right."""
    what = f"parameters for `{', '.join(map(str, layers))}`"
    otherwise = "Take one output channel: how many weights, how many biases?"
    return returns(reference, layers, what, MISTAKES, otherwise)
