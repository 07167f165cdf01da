"""Requirements on a block: it is built, it runs, and what it returns has the right shape."""

from __future__ import annotations

import inspect
import re

import torch
from torch import nn

from ..report import Problem, Unattempted, clean
from .construct import bound
from .graph import width
from .learners_block import Attempt

MISFIT = re.compile(r"except in dimension (-?\d+)\D+(\d+) but got (?:size )?(\d+)\D+(\d+)")
ELEMENTWISE = re.compile("size of tensor a")


def _a(thing: object) -> str:
    name = type(thing).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def builds(attempt: Attempt) -> Problem | None:
    """Make the block, with even and with telling channel numbers."""
    block, given = attempt.block, attempt.given
    if isinstance(given, nn.Module):
        nudge = (
            f'Pass the class itself, without calling it: `check("{block.exercise}", {block.name})`.'
        )
        return Problem("a block that is already built", "the class that builds it", nudge, "built")
    if not callable(given):
        nudge = "Pass the class of your block to the check."
        return Problem(clean(_a(given)), "a class", nudge, "no-class")
    if bound(given, block.inputs, block.arguments) is None:
        found = clean(f"the arguments {inspect.signature(given)}", 120)
        return Problem(found, block.signature, block.hint, "signature")
    for made in attempt.made:
        if made is None or made is ...:
            raise Unattempted
        if not isinstance(made, nn.Module):
            nudge = "Let your class inherit from `nn.Module`, so that it can own parameters."
            return Problem(clean(_a(made)), "an nn.Module", nudge, "no-module")
    return None


def runs(attempt: Attempt) -> Problem | None:
    """Run both blocks; errors where branches are joined are for later requirements."""
    bare = [not list(module.parameters()) for module in attempt.modules]
    for output in ("even_output", "output"):
        try:
            Y = getattr(attempt, output)
        except NotImplementedError:
            if any(bare) and type(attempt.module).forward is nn.Module.forward:
                raise Unattempted from None
            raise
        if isinstance(Y, str):
            continue
        if Y is None or Y is ...:
            if any(bare):
                raise Unattempted
            nudge = "End it with `return`."
            return Problem("`forward` returns nothing", "a tensor", nudge, "no-output")
        if not isinstance(Y, torch.Tensor):
            nudge = "Join the outputs of the branches along the channels, with `torch.cat`."
            return Problem(clean(f"`forward` returns {_a(Y)}"), "one tensor", nudge, "no-tensor")
        if Y.dim() != 4:
            nudge = "Images stay (N, C, H, W): `torch.cat` joins along a dimension that is there, "
            nudge += "`torch.stack` and `flatten` change their number."
            found = f"an output of shape {tuple(Y.shape)}"
            return Problem(found, "four dimensions", nudge, "dimensions")
        if Y.dtype != attempt.images.dtype:
            nudge = "No conversion is needed: convolutions, pool and ReLU keep the type."
            expected = f"{attempt.images.dtype}, as the input"
            return Problem(f"an output of {Y.dtype}", expected, nudge, "type")
    return None


def wrong_size(attempt: Attempt, found: str, height: int = 0, width: int = 0) -> Problem:
    """A height or width that is not the input's."""
    block, expected = attempt.block, "28, as the input"
    if {height, width} == {28, 4 * 28}:
        return block.problem("joined-height", expected, found)
    if attempt.misfit:
        nudge = block.nudge(attempt.ordered, attempt.misfit)
        return Problem(found, expected, nudge, attempt.misfit[0].kind.code)
    return block.problem("size", expected, found)


def keeps_size(attempt: Attempt) -> Problem | None:
    """Height and width, for even and odd sizes; which branch is off, if they differ."""
    Y = attempt.even_output
    if isinstance(Y, str):
        match = MISFIT.search(Y)
        if not match:
            return wrong_size(attempt, clean(Y))
        first, other, place = (int(n) for n in match.groups()[1:])
        size, place = (first, 0) if first != 28 else (other, place)
        found = f"a height or width of {size}, in tensor number {place + 1} of those joined"
        return wrong_size(attempt, found)
    H, W = Y.shape[2:]
    if (H, W) != (28, 28):
        return wrong_size(attempt, f"{H}x{W}", H, W)
    shape = attempt.infer(attempt.numbers.images(2, 13, 9), attempt.modules[0]).shape
    if shape[2:] != (13, 9):
        found = "x".join(map(str, shape[2:]))
        nudge = "The size must not be fixed in your code: any height and width can come."
        return Problem(found, "13x9, as the input", nudge, "fixed-size")
    if len(Y) != 2:  # joined along the batch: that is for later
        return None
    return _takes_one_image(attempt, (1, *shape[1:]))


def _takes_one_image(attempt: Attempt, wanted: tuple[int, ...]) -> Problem | None:
    """A batch of one image, as well as of two."""
    try:
        shape = tuple(attempt.infer(attempt.numbers.images(1, 13, 9), attempt.modules[0]).shape)
        found = f"an output of shape {shape}, for one image"
    except RuntimeError:
        shape, found = (), "an error for a batch of one image, none for a batch of two"
    if shape == wanted:
        return None
    nudge = "The batch size must not be fixed in your code, and `squeeze()` drops a batch of one: "
    nudge += "images stay (N, C, H, W)."
    return Problem(found, f"shape {wanted}", nudge, "fixed-batch")


def joins(attempt: Attempt) -> Problem | None:
    """Concatenation, along the channels, of the last outputs of all branches."""
    block, even, Y = attempt.block, attempt.even_output, attempt.output
    right = width(block.graph, block.inputs)
    wanted = f"{right} channels, for {block.name}{block.arguments}"
    if len(even) != 2:
        return block.problem("joined-batch", wanted, f"{len(even)} outputs for 2 images")
    if isinstance(Y, str):
        if ELEMENTWISE.search(Y):
            return block.problem("added", wanted)
        return Problem(clean(Y), wanted, "Channels are dimension 1.", "joined")
    if Y.shape[1] == right:
        return None
    found = f"{Y.shape[1]} channels"
    if attempt.miswidth:
        nudge = block.nudge(block.graph, attempt.miswidth)
        return Problem(found, wanted, nudge, attempt.miswidth[0].kind.code)
    return block.problem("channels", wanted, found)
