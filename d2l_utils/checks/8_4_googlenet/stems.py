"""Exercise 8.4/3: a stem, as data, that leaves GoogLeNet's body enough of a 28x28 image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ...costs.cost_table import count_macs
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
    return Stem(_plain(attempt))


def _plain(value: Any) -> Any:
    """NumPy's arrays as lists and its whole numbers as Python's; the rest as it is."""
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, np.ndarray):
        return value.tolist()
    return type(value)(map(_plain, value)) if type(value) in (list, tuple) else value


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
            if len(conv) != 4 or not all(isinstance(value, int) for value in conv):
                nudge = FORM
                if any(isinstance(value, float) and value % 1 == 0 for value in conv):
                    nudge = "Write whole numbers without a point: torch takes `3`, but not `3.0`."
                return Problem(clean(repr(conv), 80), "four whole numbers", nudge)
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


def has_pictures(stem: Stem) -> Problem | None:
    """A requirement: the body gets more than one picture, multiplied by different numbers.

    Counted before the bias and ReLU: how many maps, at most, are no multiples of others.
    """
    different = 1  # the image
    for channels, kernel, _, _ in _convs(stem):
        different = min(channels, different * kernel**2)
    if different > 1:
        return None
    if any(kernel > 1 for _, kernel, _, _ in _convs(stem)):
        found = "a convolution that leaves a single channel"
        nudge = "What follows it with 1×1 is made of that one channel, pixel by pixel."
    else:
        found = "no convolution that is larger than 1×1"
        nudge = (
            "A 1×1 convolution reads one pixel at a time, and a pool picks one. So nothing that "
            "the body gets combines a pixel with its neighbours."
        )
    return Problem(found, "different pictures of the image for the body", nudge)


def shows_the_image(stem: Stem) -> Problem | None:
    """A requirement: what the body gets comes from the image, most of it."""
    side = torch.ones(1, 1, SIZE)  # 1 is image, 0 is padding; the other side is the same
    for stage in stem.stages:
        for _, kernel, stride, padding in stage:
            side = F.avg_pool1d(F.pad(side, (padding, padding)), kernel, stride)
        side = F.avg_pool1d(side, 3, 2, 1, count_include_pad=False)
    share = float(side.mean()) ** 2
    if share > 0.5:
        return None
    nudge = (
        "Maps that are large by padding hold no more image, and the body's kernels should read "
        "more image than padding. A padding of (kernel − 1) / 2 keeps the size."
    )
    return Problem(f"{100 * share:.0f} % image, the rest is padding", "more than 50 % image", nudge)


def _convs(stem: Stem) -> list[Sequence[int]]:
    return [conv for stage in stem.stages for conv in stage]


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
        nudge += " Maps of 14×14, half of the image, are enough."
    else:
        nudge = "The stem itself is dear: which convolution has many channels at 28×28?"
    return Problem(f"{macs:,.0f} M MACs an image", f"at most {MOST} M", nudge)
