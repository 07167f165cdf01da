"""A requirement on a block: it has the right parameters; or what is to blame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import torch
from torch import nn

from ..report import Problem
from .graph import branches, listed, nodes, steps
from .learners_block import Attempt, Mistakes
from .parameters import Kernel, kernels, summary

TABLE = "Compare the kernels and channels of each branch with the table."


def mistaken(attempt: Attempt, mistakes: Mistakes, expected: str = "") -> Problem:
    """Known mistakes as a problem."""
    block = attempt.block
    found = block.finding(block.graph, mistakes)
    nudge = block.nudge(block.graph, mistakes)
    some = [b for b in branches(block.graph) if any(n in nodes(b) for n in mistakes[0].places)]
    expected = expected or (steps(some[0]) if some else block.same)
    return Problem(found, expected, nudge, mistakes[0].kind.code)


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
    nudge = "Make the layers once, in `__init__`, and use them in `forward`."
    if not parameters:
        return Problem("no layer belongs to the module", registered, nudge, "no-layers")
    if len(attempt.kernels) < len(block.kernels) and makes_layers(attempt):
        found = "layers that `forward` makes anew each time"
        return Problem(found, registered, nudge, "made-in-forward")
    wrong = attempt.miscount
    problem = mistaken(attempt, wrong) if wrong else _miscount(attempt)
    if not block.counted or (wrong and wrong[0].kind.about == "sum"):
        return problem
    found, expected = (
        block.counted.format(n - block.uncounted)
        for n in (sum(p.numel() for p in parameters), block.parameters)
    )
    of = f"for {block.name}{block.arguments} on {block.inputs} channels"
    return replace(problem, found=f"{found}: {problem.found}", expected=f"{expected}, {of}")


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
    return block.problem("vectors", f"{block.vectors} of them", found)


def _difference(attempt: Attempt, extra: list[Kernel], missing: list[Kernel]) -> Problem:
    """Two kernels that stand for each other, and what is wrong with the one found."""

    def name(kernel: Kernel) -> str:
        out, inputs, *size = kernel
        return f"{'x'.join(map(str, size))} convolution from {inputs} to {out} channels"

    if not extra or not missing:
        found = f"no {name(missing[0])}" if missing else f"one more {name(extra[0])}"
        expected = "the convolutions of the table"
        return attempt.block.problem("convolutions", expected, found, TABLE)
    pairs = product(missing, extra)
    (_, code, nudge), right, wrong = min((_compare(attempt, w, r), r, w) for r, w in pairs)
    found = f"a {name(wrong)}"
    if attempt.block.counted:
        some = [
            b for b in branches(attempt.block.graph) if right in kernels(b, attempt.block.inputs)
        ]
        found += f", in {listed(some)}" if some else ""
    return attempt.block.problem(code, f"a {name(right)}", found, nudge)


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
            nudge = f"It should get the {fed} of its branch, not the {other}: what is before it?"
        return 0, "other-input", nudge
    if all(same_size) and "other-width" in attempt.block.nudges:
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
            if name != "_modules" and any(m not in registered for m in held(value)):
                return True
    return False


def held(value: object) -> Iterator[nn.Module]:
    """The modules in plain containers, one in another too."""
    if isinstance(value, dict | list | tuple):
        for each in value.values() if isinstance(value, dict) else value:
            yield from (each,) if isinstance(each, nn.Module) else held(each)


def makes_layers(attempt: Attempt) -> bool:
    """Whether a run draws random numbers, as a layer does that is made."""
    before = torch.get_rng_state()
    attempt.infer(attempt.images)
    return not torch.equal(before, torch.get_rng_state())
