"""The lines of a report on a block, each a function of an ``Attempt``: a problem, or none."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from itertools import product

import torch
from torch import nn

from ..report import Problem, Unattempted, clean
from .attempt import Attempt
from .evaluate import Kernel, kernels, near, statistics, summary
from .explain import Mistake, words
from .graph import Node, branches, label, listed, nodes, steps, width
from .rules import SIX

TRY = "Run that branch step by step on a small image and look where it goes astray."
FIT = "The sizes differ: is a convolution or a pool without padding? Each k x k convolution needs "
FIT += "padding k // 2, the pool padding 1 and stride 1."
MISFIT = re.compile(r"except in dimension (-?\d+)\D+(\d+) but got (?:size )?(\d+)\D+(\d+)")
TABLE = "Compare the kernels and channels of each branch with the table."


def _problem(attempt: Attempt, code: str, found: str, expected: str, nudge: str) -> Problem:
    """A problem in the block's own words, where it has some."""
    own_found, own_nudge = attempt.block.words.get(code, ("", ""))
    return Problem(own_found or found, expected, own_nudge or nudge, code)


def _mistake(attempt: Attempt, mistakes: tuple[Mistake, ...], expected: str = "") -> Problem:
    """Known mistakes as a problem."""
    block = attempt.block
    found, nudge = words(block.graph, mistakes, block.where)
    some = [b for b in branches(block.graph) if any(p in nodes(b) for p in mistakes[0].places)]
    expected = expected or (steps(some[0]) if some else block.same)
    return Problem(found, expected, nudge, mistakes[0].rule.code)


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
    if attempt.arguments(block.arguments) is None:
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


# -- shapes ---------------------------------------------------------------------------------------


def wrong_size(attempt: Attempt, found: str) -> Problem:
    """A height or width that is not the input's."""
    expected = "28, as the input"
    if found in ("112x28", "28x112"):
        nudge = "The branches are joined along the height or width: channels are dimension 1."
        return _problem(attempt, "joined-height", found, expected, nudge)
    if attempt.misfit:
        (mistake,) = attempt.misfit.mistakes
        _, nudge = words(attempt.misfit.right, [mistake])
        return Problem(found, expected, nudge, mistake.rule.code)
    return _problem(attempt, "size", found, expected, FIT)


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
        return wrong_size(attempt, f"{H}x{W}")
    H, W = attempt.run(attempt.numbers.images(1, 13, 9), attempt.modules[0]).shape[2:]
    if (H, W) == (13, 9):
        return None
    nudge = "The size must not be fixed in your code: any height and width can come."
    return Problem(f"{H}x{W}", "13x9, as the input", nudge, "fixed-size")


def joins(attempt: Attempt) -> Problem | None:
    """Concatenation, along the channels, of the last outputs of all branches."""
    block, even, Y = attempt.block, attempt.even_output, attempt.output
    right = width(block.graph, block.inputs)
    wanted = f"{right} channels, for {block.name}{block.arguments}"
    if len(even) != 2:
        nudge = "The branches are joined along the batch: channels are dimension 1, `dim=1`."
        return Problem(f"{len(even)} outputs for 2 images", wanted, nudge, "joined-batch")
    if isinstance(Y, str):
        if "tensor a" in Y:
            nudge = "Concatenate the branches: they differ in channels and cannot be added."
            return Problem("branches combined element by element", wanted, nudge, "added")
        return Problem(clean(Y), wanted, "Channels are dimension 1.", "joined")
    if Y.shape[1] == right:
        return None
    found = f"{Y.shape[1]} channels"
    if attempt.miswidth:
        _, nudge = words(block.graph, attempt.miswidth.mistakes)
        return Problem(found, wanted, nudge, attempt.miswidth.mistakes[0].rule.code)
    nudge = "Look at the last layer of each branch, and at what is joined."
    return _problem(attempt, "channels", found, wanted, nudge)


# -- parameters -----------------------------------------------------------------------------------


def counts(attempt: Attempt) -> Problem | None:
    """The parameters; if they are off, what is to blame."""
    block, parameters = attempt.block, list(attempt.module.parameters())
    registered = "layers that are registered, and used"
    if any(map(nn.parameter.is_lazy, parameters)):
        nudge = "Every layer made in `__init__` has its place in `forward`; drop those that do not."
        return Problem("a lazy layer that is never used", registered, nudge, "unused-layer")
    if attempt.counted(block.graph):
        return None
    if hides_layers(attempt.module):
        nudge = "Keep layers in `nn.ModuleList` or `nn.Sequential`: they register what they hold."
        found = "layers are kept in a plain Python list, tuple or dict, which the module does not "
        return Problem(found + "know of", registered, nudge, "hidden-layers")
    if not parameters:
        nudge = "Make the layers once, in `__init__`, and use them in `forward`."
        return Problem("no layer belongs to the module", registered, nudge, "no-layers")
    wrong = attempt.miscount
    problem = _mistake(attempt, wrong.mistakes) if wrong else _miscount(attempt)
    if not block.counted or (wrong and wrong.mistakes[0].rule.about == "sum"):
        return problem
    total = sum(p.numel() for p in parameters)
    of = f"for {block.name}{block.arguments} on {block.inputs} channels"
    return replace(
        problem,
        found=f"{block.counted(total)}: {problem.found}",
        expected=f"{block.counted(block.parameters)}, {of}",
    )


def _miscount(attempt: Attempt) -> Problem:
    """What is unusual about the kernels, or else about the other parameters."""
    block = attempt.block
    have, right = summary(attempt.kernels), summary(block.kernels)
    off = {key for key in have.keys() | right.keys() if have[key] != right[key]}
    if off:
        extra = [k for k in attempt.kernels if k[1:] in off and k not in block.kernels]
        missing = [k for k in block.kernels if k[1:] in off and k not in attempt.kernels]
        return _difference(attempt, extra, missing)
    found = f"{attempt.vectors} numbers in scales, shifts and biases"
    return _problem(attempt, "vectors", found, f"{block.vectors} of them", SIX)


def _difference(attempt: Attempt, extra: list[Kernel], missing: list[Kernel]) -> Problem:
    """Two kernels that stand for each other, and what is wrong with the one found."""

    def name(kernel: Kernel) -> str:
        out, inputs, *size = kernel
        return f"{'x'.join(map(str, size))} convolution from {inputs} to {out} channels"

    if not extra or not missing:
        found = f"no {name(missing[0])}" if missing else f"one more {name(extra[0])}"
        return _problem(attempt, "convolutions", found, "the convolutions of the table", TABLE)
    pairs = product(missing, extra)
    (_, code, nudge), right, wrong = min((_compare(attempt, w, r), r, w) for r, w in pairs)
    found = f"a {name(wrong)}"
    if attempt.block.counted:
        some = [
            b for b in branches(attempt.block.graph) if right in kernels(b, attempt.block.inputs)
        ]
        found += f", in {listed(some)}" if some else ""
    return _problem(attempt, code, found, f"a {name(right)}", nudge)


def _compare(attempt: Attempt, wrong: Kernel, right: Kernel) -> tuple[int, str, str]:
    """What makes one kernel of another; the clearer it is, the lower the number before it."""
    same_out, same_in, *same_size = (a == b for a, b in zip(wrong, right, strict=True))
    names, inputs = attempt.block.names, attempt.block.inputs
    height, width = right[2:]
    if same_out and all(same_size):
        if wrong[1] == inputs:
            nudge = f"A 1x1 convolution to {right[1]} channels should reduce its input first."
        elif right[1] == inputs:
            nudge = f"Every branch starts from the block's input, {inputs} channels here."
        else:
            fed, other = (names.get(n, f"{n} channels") for n in (right[1], wrong[1]))
            nudge = f"Feed it the {fed} of its own branch, not the {other}."
        return 0, "other-input", nudge
    if all(same_size) and "other-width" in attempt.block.words:
        return 1, "other-width", TABLE
    if same_out and same_in and wrong[2:] == (width, height):
        size = f"`kernel_size=({height}, {width})`"
        nudge = f"Height comes first: {size}. Compare the order with the table."
        return 2, "turned-kernel", nudge
    if same_out and same_in:
        code = f"{wrong[2]}x{wrong[3]}-for-{height}x{width}"
        return 3, code, f"Its kernel should be {height}x{width}."
    return 4 + (not same_in) + (not all(same_size)), "other-convolution", TABLE


def hides_layers(block: nn.Module) -> bool:
    """Whether a plain container keeps layers from being registered."""
    registered = set(block.modules())
    for module in registered:
        for name, value in vars(module).items():
            values = value.values() if isinstance(value, dict) else value
            if name == "_modules" or not isinstance(value, dict | list | tuple):
                continue
            if any(isinstance(v, nn.Module) and v not in registered for v in values):
                return True
    return False


# -- values ---------------------------------------------------------------------------------------


def leaves_input(attempt: Attempt) -> Problem | None:
    """No operation in place on the input."""
    X = attempt.images
    before = X.clone()
    with torch.no_grad():
        attempt.module(X)
    if torch.equal(X, before):
        return None
    X.copy_(before)
    nudge = "In-place operations may change a convolution's output, never the block's input: the "
    nudge += "other branches still need it."
    found = "the input's values have changed"
    return Problem(found, "the same values as before", nudge, "input-changed")


def _steady(attempt: Attempt) -> Problem | None:
    """Numbers, and the same ones again."""
    Y, again = attempt.seen.Y, attempt.observe(attempt.images, attempt.block.normed).Y
    if not Y.isfinite().all():
        return Problem("outputs that are not finite numbers", "finite numbers", TRY, "not-finite")
    if torch.equal(Y, again):
        return None
    nudge = "Nothing is random in this block: no dropout, and no layer made in `forward`."
    return Problem("two runs on the same images differ", "the same result", nudge, "random")


def _first(attempt: Attempt, about: str = "", expected: str = "") -> Problem | None:
    """The first mistake that explains the output, or the first about something."""
    for some in attempt.mistakes:
        if not about or about in {
            m for mistake in some for m in (mistake.rule.about, mistake.rule.code)
        }:
            return _mistake(attempt, some, expected)
    return None


def has_relu(attempt: Attempt) -> Problem | None:
    """Nonlinearities, inner and last."""
    expected = "ReLU after every convolution"
    if problem := _first(attempt, "activation", expected):
        return problem
    if not attempt.seen.Y.min() < 0 or not attempt.missing:
        return None
    nudge = "After ReLU nothing is negative: some branch does not end with it."
    return Problem(f"outputs down to {attempt.seen.Y.min():.2f}", expected, nudge, "negative")


def normalises(attempt: Attempt) -> Problem | None:
    """In training: with the statistics of the batch, not stored ones, not those of one image."""
    mode = "each channel's mean and variance over this batch, images and pixels"
    if problem := _steady(attempt) or _first(attempt, "stored-statistics", mode):
        return problem
    X = attempt.images.clone()
    X[1:] *= 3
    if not near(attempt.train(X)[:1], attempt.seen.Y[:1]):
        return None
    nudge = "That is layer, instance or group norm. Batch norm takes the images together."
    return Problem("each image normalised by itself", mode, nudge, "image-statistics")


def remembers(attempt: Attempt) -> Problem | None:
    """Running statistics: used in evaluation, updated in training and only then."""
    X, others = attempt.images, 5 * attempt.numbers.images(2, 13, 9, seed=1) + 1
    switch = "With `F.batch_norm`, pass `training=self.training`."
    attempt.fill()
    for _ in range(3):
        attempt.train(X)
    Y = attempt.run(X)
    attempt.run(others)
    if not torch.equal(Y, attempt.run(X)):
        nudge = f"Running statistics change in training only. {switch}"
        found = "evaluation changes later outputs"
        return Problem(found, "the same output again", nudge, "evaluation-learns")
    if not near(attempt.run(torch.cat([X, others]))[:2], Y):
        found = "in evaluation, an image's output depends on the others in its batch"
        nudge = "After `eval()` running statistics are used, not the batch's: look for "
        nudge += f"`track_running_stats=False`. {switch}"
        expected = "the running mean and variance of training"
        return _problem(attempt, "batch-statistics", found, expected, nudge)
    before = [t.clone() for t in statistics(attempt.module)]
    attempt.train(others)
    pairs = zip(before, statistics(attempt.module), strict=False)
    frozen = {t.numel() for old, t in pairs if torch.equal(old, t)}
    if not torch.equal(Y, attempt.run(X)) and not frozen:
        return None
    found, ends = "training leaves running statistics as they were", branches(attempt.block.graph)
    inputs = attempt.block.inputs
    some = [b for b in ends if frozen & {width(n, inputs) for n in nodes(b) if n.op == "norm"}]
    if 0 < len(some) < len(ends):
        found += f", in {listed(some)}"
    nudge = "Is `momentum` 0, or a batch norm not used, or are they made anew in each `forward`?"
    expected = "an update in every training step"
    return _problem(attempt, "frozen-statistics", found, expected, nudge)


def agrees(attempt: Attempt) -> Problem | None:
    """The right values, in training and in evaluation, for several sizes."""
    block = attempt.block
    if problem := _steady(attempt) or _first(attempt):
        return problem
    if attempt.missing:
        return _other_values(attempt, attempt.missing[0], "", TRY)
    for training in (block.normed, not block.normed):
        seen = attempt.observe(attempt.numbers.images(1, 7, 16, seed=2), training)
        if not (missing := seen.missing(block.graph)):
            continue
        if training == block.normed:
            nudge = "The result may depend on the images only, not on history."
            return _other_values(attempt, missing[0], " on images of another size", nudge)
        if training:
            nudge = "Dropout and batch norm act differently in training: neither belongs here."
            return _other_values(attempt, missing[0], " after `train()` than after `eval()`", nudge)
        if attempt.has_all_statistics:
            nudge = "There, subtract the running mean, and divide by √(running variance + ε)."
            return _other_values(attempt, missing[0], " after `eval()`,", nudge)
    return None


def _other_values(attempt: Attempt, part: Node, when: str, nudge: str) -> Problem:
    if part is attempt.block.graph:
        return Problem(f"other values{when}".rstrip(","), attempt.block.same, nudge, "values")
    found = f"other values{when} in the branch `{label(part)}`"
    return Problem(found, f"{steps(part)}, with the same weights", nudge, "values")


def trains(attempt: Attempt) -> Problem | None:
    """A backward pass."""
    parameters = list(attempt.module.parameters())
    with torch.enable_grad():
        Y = attempt.module.train()(attempt.images.clone())
        if Y.requires_grad:
            Y.sum().backward()
    lost = sum(p.grad is None for p in parameters)
    if not lost:
        return None
    nudge = "Look for `detach`, `.data`, `no_grad` or `requires_grad=False`: they cut the gradient."
    found = f"{lost} of {len(parameters)} parameters without one"
    return Problem(found, "a gradient each", nudge, "no-gradient")
