"""Exercise 8.4/4: VGG-11 with one of GoogLeNet's two ideas, written down layer by layer."""

from __future__ import annotations

from numbers import Real
from typing import Any, NamedTuple

from ...networks.vgg import VGG11
from ..report import Problem, Unattempted, clean

Layers = list[tuple]

LENGTHS = {"conv": 4, "linear": 3}
FORM = '("conv", c_in, c_out, k) or ("linear", n_in, n_out)'
PIXELS = 7 * 7  # of the last maps: 224 halved five times
NAMES = ("GAP only", "reductions only")


def _body() -> Layers:
    layers, channels = [], 3
    for convs, width in VGG11:
        for _ in range(convs):
            layers.append(("conv", channels, width, 3))
            channels = width
    return layers


def _halved(layer: tuple) -> Layers:
    _, c_in, c_out, kernel = layer
    return [("conv", c_in, c_in // 2, 1), ("conv", c_in // 2, c_out, kernel)]


BODY = _body()
HEAD = [("linear", 512 * PIXELS, 4096), ("linear", 4096, 4096), ("linear", 4096, 10)]
REDUCED = [BODY[0], *(part for layer in BODY[1:] for part in _halved(layer))]
CLASSIFIERS = ([("linear", 512, 10)], [("conv", 512, 10, 1)])  # of averages they are the same


class Variants(NamedTuple):
    """The two lists as given, and as tuples of plain numbers where they can be read as such."""

    given: tuple
    gap_only: Layers
    reductions_only: Layers


def prepare(pair: Any) -> Variants:
    """Both lists; nobody has begun if neither is there."""
    given = tuple(pair) if isinstance(pair, list | tuple) else (pair,)
    if all(layers is None or layers is ... for layers in given):
        raise Unattempted
    if len(given) != len(NAMES):
        return Variants(given, [], [])
    return Variants(given, *(_plain(layers) for layers in given))


def _plain(layers: Any) -> Layers:
    if not isinstance(layers, list | tuple):
        return []
    return [_layer(layer) for layer in layers if _layer(layer)]


def _layer(layer: Any) -> tuple | None:
    """A layer as a tuple of plain numbers, or None if it is none."""
    if not isinstance(layer, list | tuple) or not layer or not isinstance(layer[0], str):
        return None
    kind, *sizes = layer
    if len(layer) != LENGTHS.get(kind) or not all(
        isinstance(n, Real) and n >= 1 and n == int(n) for n in sizes
    ):
        return None
    return (kind, *map(int, sizes))


# -- requirements ---------------------------------------------------------------------------------


def are_lists(variants: Variants) -> Problem | None:
    """Both are lists of layers in the notebook's form."""
    if len(variants.given) != len(NAMES):
        found = clean(f"{len(variants.given)} of what should be two: {variants.given!r}", 80)
        nudge = "Hand over both lists: `(my_gap_only, my_reductions_only)`."
        return Problem(found, "two lists of layers", nudge)
    for name, layers in zip(NAMES, variants.given, strict=True):
        if not isinstance(layers, list | tuple):
            found = f"{name}: {clean(repr(layers), 80)}"
            return Problem(found, "a list of layers", "Fill in both lists.")
        for number, layer in enumerate(layers, start=1):
            if _layer(layer) is None:
                nested = isinstance(layer, list | tuple) and layer and not isinstance(layer[0], str)
                nudge = "Look at that layer by itself."
                if nested:
                    nudge = "That is a list in the list: join lists by `+`, or unpack them by `*`."
                found = f"{name}, layer {number}: {clean(repr(layer), 80)}"
                return Problem(found, FORM, nudge)
        if not layers:
            return Problem(f"{name}: an empty list", "a list of layers", "Begin with VGG-11's.")
    return None


def are_chains(variants: Variants) -> Problem | None:
    """Each layer reads what the one before it gives; a head may average or flatten the maps."""
    for name, layers in zip(NAMES, variants[1:], strict=True):
        reads, before = {3}, None
        for number, layer in enumerate(layers, start=1):
            kind, n_in, n_out = layer[:3]
            if kind == "linear" and before and before[0] == "conv":
                reads |= {size * PIXELS for size in reads}
            if kind == "conv" and before and before[0] == "linear":
                nudge = "Write the layers down in the order in which an image meets them."
                return Problem(
                    f"{name}, layer {number}: {layer} behind {before}", "no maps left there", nudge
                )
            if n_in not in reads:
                found = f"{name}, layer {number}: {layer} reads {n_in:,}"
                expected = f"{' or '.join(f'{size:,}' for size in sorted(reads))} to read"
                nudge = "What does the layer before it give?" if before else "An image has 3."
                return Problem(found, expected, nudge)
            reads, before = {n_out}, layer
    return None


def keeps_the_convolutions(variants: Variants) -> Problem | None:
    """GAP only: the eight convolutions are VGG-11's."""
    layers = variants.gap_only
    if layers[: len(BODY)] == BODY:
        return None
    nudge = "This one has VGG-11's eight convolutions, unchanged."
    if any(layer[0] == "conv" and layer[3] == 1 for layer in layers[: len(BODY)]):
        nudge = "The 1×1 convolutions are the other idea: this list has none before its head."
    return _differs("GAP only", layers, BODY, nudge)


def averages(variants: Variants) -> Problem | None:
    """GAP only: one layer from the averages to the classes."""
    rest = variants.gap_only[len(BODY) :]
    if rest in CLASSIFIERS:
        return None
    nudge = "One layer, from the averages straight to the classes."
    if not rest:
        nudge = "The averages are not the classes yet: a last layer is missing."
    elif rest == HEAD:
        nudge = "That is VGG-11's own head, the one that averaging replaces."
    elif rest[0][1] == 512 * PIXELS:
        nudge = (
            "That layer reads every pixel of the last maps. How many numbers does averaging leave?"
        )
    elif len(rest) == 1 and rest[0][2] != 10:
        nudge = "How many classes are there?"
    found = f"behind the convolutions: {clean(', '.join(map(str, rest)), 150) or 'nothing'}"
    return Problem(found, "a single layer that gives 10 numbers", nudge)


def keeps_the_head(variants: Variants) -> Problem | None:
    """Reductions only: the three fully connected layers are VGG-11's."""
    rest = [layer for layer in variants.reductions_only if layer[0] == "linear"]
    if rest == HEAD:
        return None
    nudge = "This one has VGG-11's three fully connected layers, unchanged."
    if rest in CLASSIFIERS:
        nudge = "Averaging is the other idea: this list keeps VGG-11's head."
    found = f"reductions only: {clean(', '.join(map(str, rest)), 150) or 'no such layer'}"
    return Problem(found, "the fully connected layers of `VGG11_HEAD`", nudge)


def reduces(variants: Variants) -> Problem | None:
    """Reductions only: half of the channels reach each 3×3 but the first."""
    layers = [layer for layer in variants.reductions_only if layer[0] == "conv"]
    if layers == REDUCED:
        return None
    points = [layer for layer in layers if layer[3] == 1]
    threes = [layer for layer in layers if layer[3] == 3]
    nudge = "Go through the list by pairs: a 1×1 that halves, and the 3×3 that reads it."
    if not points:
        nudge = "There is no 1×1 convolution in it yet."
    elif len(threes) != len(BODY):
        nudge = "All eight 3×3 convolutions stay; the 1×1 convolutions come before them."
    elif layers[0][3] == 1:
        nudge = "The first 3×3 reads the image: nothing comes before it."
    elif [layer[2] for layer in threes] != [layer[2] for layer in BODY]:
        nudge = "Each 3×3 gives as many channels as in VGG-11; only what it reads is less."
    elif len(points) < len(BODY) - 1:
        nudge = "A 3×3 convolution still reads all channels: seven of the eight get a 1×1."
    elif any(layer[2] * 2 != layer[1] for layer in points):
        nudge = "Each 1×1 gives half of the channels that it reads."
    return _differs("reductions only", layers, REDUCED, nudge)


def _differs(name: str, layers: Layers, right: Layers, nudge: str) -> Problem:
    """The first layer that is another, without telling which it should be."""
    pairs = enumerate(zip(layers, right, strict=False), start=1)
    number, layer = next(((i, a) for i, (a, b) in pairs if a != b), (len(layers), layers[-1]))
    return Problem(f"{name}, layer {number}: {layer}", "another layer there", nudge)
