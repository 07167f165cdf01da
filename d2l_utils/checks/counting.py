"""Exercise 8.4/4: parameters counted by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

from torch import nn

from .report import Problem, clean

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


def _sum(layers: Layers, conv: Callable[..., int], linear: Callable[..., int]) -> int:
    return sum(conv(*rest) if kind == "conv" else linear(*rest) for kind, *rest in layers)


# Of each known mistake: what it computes for a convolution and a fully connected layer, and what
# to say to it.
MISTAKES = (
    (lambda i, o, k: i * o * k * k, lambda i, o: i * o, "Each output has a bias as well."),
    (
        lambda i, o, k: i * o * k * k + 1,
        lambda i, o: i * o + 1,
        "That is one bias a layer; there is one for each output channel.",
    ),
    (
        lambda i, o, k: i * o * k * k + i,
        lambda i, o: i * o + i,
        "The biases belong to the outputs, not to the inputs.",
    ),
    (
        lambda i, o, k: (i * k + 1) * o,
        lambda i, o: (i + 1) * o,
        "A k×k kernel has k · k pixels, not k.",
    ),
    (
        lambda i, o, k: (k * k + 1) * o,
        lambda i, o: (i + 1) * o,
        "A kernel reads every input channel, with weights of its own for each.",
    ),
    (
        lambda i, o, k: i * k * k + 1,
        lambda i, o: i + 1,
        "That is one output; each output channel has a kernel of its own.",
    ),
)


def agrees_on(layers: Layers) -> Callable[[Any], Problem | None]:
    """A requirement: the count of ``layers`` is right."""

    def judge(count: Callable[[Layers], Any]) -> Problem | None:
        if not callable(count):
            found = clean(f"{count!r}, of type {type(count).__name__}", 80)
            return Problem(found, "a function", "Pass the function itself, without calling it.")
        given, right = count([tuple(layer) for layer in layers]), reference(layers)
        what = f"{right:,} parameters for {_listed(layers)}"
        if given is None:
            return Problem("None", what, "Does the function return its sum?")
        whole = isinstance(given, Integral) or (isinstance(given, float) and given.is_integer())
        if not whole or isinstance(given, bool):
            found = clean(f"{given!r}, of type {type(given).__name__}", 80)
            return Problem(found, what, "Return one whole number.")
        if given == right:
            return None
        replies = (say for conv, linear, say in MISTAKES if _sum(layers, conv, linear) == given)
        nudge = next(replies, "Take one output channel: how many weights, how many biases?")
        return Problem(f"{int(given):,}", what, nudge)

    return judge


def _listed(layers: Sequence[tuple]) -> str:
    return "`" + ", ".join(map(str, layers)) + "`"
