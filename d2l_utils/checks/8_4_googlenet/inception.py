"""The requirements of exercise 8.4/0: one Inception block, judged by what it does."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ..report import Problem, Unattempted, clean
from .inception_branches import BRANCHES, CHANNELS, CONVS, IN, PARAMETERS, TOTAL, Weights, execute
from .inception_mistakes import Variant, totals

EVEN = 4, (4, 4), (4, 4), 4  # whatever joins the branches, these four fit
SIGNATURE = "(c1, c2, c3, c4), or (in_channels, c1, c2, c3, c4) if its layers are not lazy"
BUILT = f"Inception{CHANNELS}"
JOINING = re.compile(r"[Ss]izes of tensors must match|size of tensor a")
MISFIT = re.compile(r"except in dimension (-?\d+)\D+(\d+) but got (?:size )?(\d+)\D+(\d+)")

NUDGES = {
    rf"to have \d+ channels, but got {IN} channels": (
        "The number of input channels is fixed in your code: use `nn.LazyConv2d`, or take "
        "`in_channels` as the first argument."
    ),
    r"to have \d+ channels, but got \d+ channels": (
        "A convolution does not fit the tensor it gets: compare its input channels with what the "
        "layer before it gives, and see which tensor the branch starts from."
    ),
    r"cat\(\)(: argument 'tensors'| takes)": "`torch.cat` takes one tuple or list of tensors.",
    r"takes \d+ positional argument.* but \d+ were given": (
        "The block is made as `Inception(c1, c2, c3, c4)` and called on one tensor: "
        "`__init__` and `forward` need those arguments, after `self`."
    ),
    r"^TypeError.*\b(tuple|int' object is not subscriptable)": (
        "c2 and c3 are pairs, c1 and c4 numbers: `c2[0]` is the 1x1 reduction's width, `c2[1]` "
        "the 3x3 convolution's."
    ),
    r"modified by an inplace operation": "Do not change a tensor in place that is used again.",
}
# Height or width of 28 after a layer that does not keep it
SIZES = {
    26: "2 are lost: a 3x3 convolution or pool without padding, or a 5x5 one padded by 1 only.",
    24: "4 are lost: a 5x5 convolution without padding. A k x k one needs k // 2.",
    27: "An even kernel cannot keep the size: kernels here are 1, 3 and 5 wide.",
    30: "Too much padding: a k x k convolution keeps the size with padding k // 2, a 1x1 with 0.",
    32: "Too much padding: a k x k convolution keeps the size with padding k // 2, a 1x1 with 0.",
    14: "A stride of 2 halves the size: every stride in this block is 1.",
    13: "A stride of 2 halves the size: every stride in this block is 1, every padding k // 2.",
    10: "The stride of `MaxPool2d` is its kernel size unless you set it: here it is 1.",
    9: "`MaxPool2d(3)` has stride 3 and no padding: set `stride=1, padding=1`.",
    1: "Nothing is averaged over the whole image here.",
}
SIZE = "The branches differ in height or width: each k x k convolution needs padding k // 2, the "
SIZE += "pool padding 1 and stride 1."


class Trial:
    """One attempt on the bench: the block under test, and what is known of it so far."""

    exercise = "8.4/0"
    branches = BRANCHES
    parameters = PARAMETERS
    same = "the paper's block, with the same weights"
    normed = False
    relu = "ReLU after each of the six convolutions"

    def __init__(self, attempt: Any) -> None:
        self.attempt = attempt
        self.random = torch.Generator().manual_seed(84)
        self.even = self.block = None  # with EVEN and with CHANNELS; in evaluation mode
        self.outputs: dict[str, torch.Tensor] = {}
        self.misfit: dict[str, str] = {}  # messages of errors at the joining of the branches
        self.weights: Weights | None = None  # by convolution, if they could be told apart
        self.order: list[str] = []  # the right branches, as they stand in the output
        self.wrong: dict[str, Variant | None] = {}  # the others: what they are instead, if known

    def images(self, n: int, height: int, width: int) -> torch.Tensor:
        """Random test images."""
        return torch.randn(n, IN, height, width, generator=self.random)

    def expected(self, X: torch.Tensor) -> torch.Tensor:
        """The right output, its branches in the attempt's order."""
        return torch.cat([execute(self.branches[b], X, self.weights) for b in self.order], dim=1)

    def __call__(self, X: torch.Tensor, block: nn.Module | None = None) -> torch.Tensor:
        """Run the block on a copy of ``X``, without gradients."""
        with torch.no_grad():
            return (self.block if block is None else block)(X.clone())

    run = __call__  # what to compare with ``expected``

    def trained(self, X: torch.Tensor) -> torch.Tensor:
        """Run the block in training mode, and with gradients, by which some tell the mode."""
        self.block.train()
        with torch.enable_grad():
            Y = self.block(X.clone()).detach()
        self.block.eval()
        return Y

    def blame(self, vectors: Counter[int]) -> tuple[str, str]:
        """What is wrong with the ``vectors`` among the parameters, counted by length; a nudge."""
        lacking = (Counter(out for out, _, _ in CONVS.values()) - vectors).total()
        if lacking:
            nudge = "Every convolution has a bias here, as `nn.Conv2d` gives it by default."
            return f"{lacking} of 6 convolutions without a bias", nudge
        nudge = "Batch normalisation and the like came later: "
        return "more vectors than six biases", nudge + "this block is convolutions and ReLU only."


def _a(thing: Any) -> str:
    name = type(thing).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _bind(attempt: Callable, channels: tuple) -> tuple[tuple, dict] | None:
    """Arguments for ``attempt``, with the input channels where it wants them; None: none fit."""
    try:
        signature = inspect.signature(attempt)
    except (TypeError, ValueError):
        return channels, {}
    named = [n for n in signature.parameters if re.match(r"c?_?in(_|c|p|$)|num_in|c0$", n.lower())]
    names = list(signature.parameters)
    tries: list[tuple[tuple, dict]] = []
    if named and signature.parameters[named[0]].kind is inspect.Parameter.KEYWORD_ONLY:
        tries.append((channels, {named[0]: IN}))
    elif named:
        place = names.index(named[0])
        tries.append(((*channels[:place], IN, *channels[place:]), {}))
    for args, kwargs in [*tries, (channels, {}), ((IN, *channels), {})]:
        try:
            signature.bind(*args, **kwargs)
        except TypeError:
            continue
        return args, kwargs
    return None


def builds(trial: Trial) -> Problem | None:
    """Make the block, with even and with telling channel numbers."""
    attempt = trial.attempt
    if isinstance(attempt, nn.Module):
        nudge = 'Pass the class itself, without calling it: `check("X", Inception)`.'.replace(
            "X", trial.exercise
        )
        return Problem("a block that is already built", "the class that builds it", nudge)
    if not callable(attempt):
        return Problem(clean(_a(attempt)), "a class", "Pass the class of your block to the check.")
    for name, channels in (("even", EVEN), ("block", CHANNELS)):
        arguments = _bind(attempt, channels)
        if arguments is None:
            found = clean(f"the arguments {inspect.signature(attempt)}", 120)
            return Problem(found, SIGNATURE, "c1 and c4 are numbers, c2 and c3 pairs of numbers.")
        block = attempt(*arguments[0], **arguments[1])
        if block is None or block is ...:
            raise Unattempted
        if not isinstance(block, nn.Module):
            nudge = "Let your class inherit from `nn.Module`, so that it can own parameters."
            return Problem(clean(_a(block)), "an nn.Module", nudge)
        setattr(trial, name, block.eval())
    return None


def runs(trial: Trial) -> Problem | None:
    """Run both blocks; errors where branches are joined are for later requirements."""
    for name in ("even", "block"):
        block, X = getattr(trial, name), trial.images(2, 28, 28)
        try:
            Y = trial(X, block)
        except NotImplementedError:
            if not list(block.parameters()) and type(block).forward is nn.Module.forward:
                raise Unattempted from None
            raise
        except RuntimeError as error:
            if not JOINING.search(str(error)):
                raise
            trial.misfit[name] = str(error)
            continue
        if Y is None or Y is ...:
            if not list(block.parameters()):
                raise Unattempted
            return Problem("`forward` returns nothing", "a tensor", "End it with `return`.")
        if not isinstance(Y, torch.Tensor):
            nudge = "Join the outputs of the branches along the channels, with `torch.cat`."
            return Problem(clean(f"`forward` returns {_a(Y)}"), "one tensor", nudge)
        if Y.dim() != 4:
            nudge = "Images stay (N, C, H, W): `torch.cat` joins along a dimension that is there, "
            nudge += "`torch.stack` and `flatten` change their number."
            return Problem(f"an output of shape {tuple(Y.shape)}", "four dimensions", nudge)
        if Y.dtype != X.dtype:
            nudge = "No conversion is needed: convolutions, pool and ReLU keep the type."
            return Problem(f"an output of {Y.dtype}", f"{X.dtype}, as the input", nudge)
        trial.outputs[name] = Y
    return None


def keeps_size(trial: Trial) -> Problem | None:
    """Height and width, for even and odd sizes; which branch is off, if they differ."""
    if "even" in trial.misfit:
        match = MISFIT.search(trial.misfit["even"])
        if not match:
            return Problem(clean(trial.misfit["even"]), "28x28 from every branch", SIZE)
        first, other, place = (int(n) for n in match.groups()[1:])
        size, place = (first, 0) if first != 28 else (other, place)
        found = f"a height or width of {size}, in tensor number {place + 1} of those joined"
        return Problem(found, "28, as the input", SIZES.get(size, SIZE))
    for n, height, width in ((2, 28, 28), (1, 13, 9)):
        Y = trial(trial.images(n, height, width), trial.even)
        H, W = Y.shape[2:]
        if Y.shape[2:] == (height, width):
            continue
        nudge = SIZES.get(H if H != 28 else W, SIZE) if n == 2 else (
            "The size must not be fixed in your code: any height and width can come."
        )  # fmt: skip
        if (H, W) in ((4 * height, width), (height, 4 * width)):
            nudge = "The branches are joined along the height or width: channels are dimension 1."
        return Problem(f"{H}x{W}", f"{height}x{width}, as the input", nudge)
    return None


def joins(trial: Trial) -> Problem | None:
    """Concatenation, along the channels, of the last outputs of all four branches."""
    wanted = f"{TOTAL} channels, for {BUILT}"
    if len(trial.outputs["even"]) != 2:
        nudge = "The branches are joined along the batch: channels are dimension 1, `dim=1`."
        return Problem(f"{len(trial.outputs['even'])} outputs for 2 images", wanted, nudge)
    if "block" in trial.misfit:
        if "tensor a" in trial.misfit["block"]:
            nudge = "Concatenate the branches: they differ in channels and cannot be added."
            return Problem("branches combined element by element", wanted, nudge)
        return Problem(clean(trial.misfit["block"]), wanted, "Channels are dimension 1.")
    channels = trial.outputs["block"].shape[1]
    if channels == TOTAL:
        return None
    nudge = totals().get(channels, "Look at the last layer of each branch, and at what is joined.")
    return Problem(f"{channels} channels", wanted, nudge)
