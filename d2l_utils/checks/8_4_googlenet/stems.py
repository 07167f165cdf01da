"""Exercise 8.4/3: a stem, as data, that leaves GoogLeNet's body enough of a 28x28 image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import torch
from torch import nn

from ...costs.layers import count_macs
from ...networks import GoogleNet
from ..report import Problem, Unattempted, clean

SIZE = 28
SMALLEST = 4  # pixels: from there on the last stage's kernels read more image than padding
MOST = 750  # million MACs, half of what the book's network computes at 224x224
FORM = "Each stage is a tuple of convolutions, each of those `(channels, kernel, stride, padding)`."


@dataclass
class Stem:
    """An attempt, and what becomes of an image in the network that has it."""

    stages: Any
    net: nn.Module | None = None
    sizes: Sequence[int] = ()  # of the maps that enter each stage of the body


def prepare(attempt: Any) -> Stem:
    """The attempt, not yet judged."""
    if attempt is None or attempt is ...:
        raise Unattempted
    return Stem(attempt)


def has_the_form(stem: Stem) -> Problem | None:
    """A requirement: stages of convolutions of four whole numbers that make sense."""
    expected = "stages of convolutions, in the form of `d2l.STEM`"
    found = clean(repr(stem.stages), 80)
    if not _nested(stem.stages, 3):
        nudge = FORM
        if _nested(stem.stages, 2):
            nudge += " A single stage needs a comma behind it: `((…),)`."
        return Problem(found, expected, nudge)
    for stage in stem.stages:
        for conv in stage:
            if len(conv) != 4 or not all(isinstance(value, Integral) for value in conv):
                return Problem(clean(repr(conv), 80), "four whole numbers", FORM)
            if min(conv[:3]) < 1 or conv[3] < 0:
                nudge = "Channels, kernel and stride are 1 or more, padding 0 or more."
                return Problem(clean(repr(conv), 80), "sizes that exist", nudge)
    return None


def _nested(value: Any, depth: int) -> bool:
    """Whether ``value`` is sequences of sequences, ``depth`` deep, with numbers inside."""
    if depth == 0:
        return not isinstance(value, Sequence)
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and all(_nested(part, depth - 1) for part in value)
    )


def runs(stem: Stem) -> Problem | None:
    """A requirement: the network takes an image of 28x28."""
    expected = f"a network that takes (N, 1, {SIZE}, {SIZE})"
    with torch.device("meta"):
        net = GoogleNet(stem=stem.stages).eval()
        try:
            net(torch.empty(1, 1, SIZE, SIZE))
        except RuntimeError as error:
            nudge = "Where does the image run out of pixels? Exercise 2 derives it."
            return Problem(clean(str(error), 120), expected, nudge)
        stem.net, stem.sizes = net, _body_sizes(net, len(stem.stages))
    return None


def _body_sizes(net: nn.Module, stem_stages: int) -> list[int]:
    sizes: list[int] = []
    for stage in list(net.net)[stem_stages:-1]:
        stage.register_forward_pre_hook(lambda _, inputs: sizes.append(inputs[0].shape[-1]))
    net(torch.empty(1, 1, SIZE, SIZE))
    return sizes


def leaves_pixels(stem: Stem) -> Problem | None:
    """A requirement: the maps of the body's last stage are large enough for its kernels."""
    if stem.sizes[-1] >= SMALLEST:
        return None
    sizes = ", ".join(f"{n}×{n}" for n in stem.sizes)
    nudge = (
        "Count the halvings from the image to the last stage, the strides of your convolutions and "
        "the pool that follows each stage of the stem and of the body."
    )
    return Problem(f"{sizes} in the body's stages", f"{SMALLEST}×{SMALLEST} in the last", nudge)


def affordable(stem: Stem) -> Problem | None:
    """A requirement: the network computes at most half as much as the book's at 224x224."""
    macs = count_macs(stem.net, (1, 1, SIZE, SIZE)) / 1e6
    if macs <= MOST:
        return None
    size = stem.sizes[0]
    nudge = f"The body's first stage works on maps of {size}×{size}."
    if size > 14:
        nudge += " One halving before it makes the whole body four times cheaper."
    else:
        nudge = "The stem itself is dear: which convolution has many channels at 28×28?"
    return Problem(f"{macs:,.0f} M MACs an image", f"at most {MOST} M", nudge)
