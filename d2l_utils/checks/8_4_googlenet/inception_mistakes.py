"""What people write in place of the Inception block's branches, and how to tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import NamedTuple

from .inception_branches import ACTIVATIONS, BRANCHES, C1, C2, C3, C4, CONVS, IN, TOTAL


class Variant(NamedTuple):
    """A wrong branch: what was found (to be followed by where), and the nudge."""

    program: tuple[str, ...]
    found: str
    nudge: str
    about_relu: bool


Program = tuple[str, ...]
Edit = tuple[Program, str, str]  # the program, what is wrong with it, the nudge


def _without(program: Program, step: str) -> Iterator[tuple[Program, tuple[int, ...], str]]:
    """The program without a step at its last place, at its first, at both; and the place."""
    spots = tuple(i for i, s in enumerate(program) if s == step)
    places = [(spots[-1:], "at the end")] if spots else []
    if len(spots) > 1:
        places += [(spots[:1], "between the two convolutions"), (spots, "at all")]
    for some, where in places:
        yield tuple(s for i, s in enumerate(program) if i not in some), some, where


def _relu_edits(program: Program) -> Iterator[Edit]:
    """Mistakes in the activations."""
    spots = [i for i, step in enumerate(program) if step == "relu"]
    after = "Every convolution is followed by ReLU, the last of a branch too."
    for without, _, where in _without(program, "relu"):
        yield without, f"no ReLU {where}", after
    for _, some, where in _without(program, "norm"):
        order = list(program)
        for i in some:
            order[i : i + 2] = reversed(order[i : i + 2])
        found = "ReLU before batch norm" + f", {where}" * (len(some) < program.count("norm"))
        yield tuple(order), found, "Normalise what the convolution gives, then apply ReLU."
    if len(program) == 2 * len(spots) == 4:
        before = (program[1], program[0], program[3], program[2])
        yield before, "ReLU before each convolution", "First convolve, then apply ReLU."
    for other in ACTIVATIONS:
        swapped = tuple(other if s == "relu" else s for s in program)
        yield swapped, f"{other} in place of ReLU", "The paper uses ReLU throughout."


def _other_edits(program: Program) -> Iterator[Edit]:
    """Mistakes in all else."""
    if program[0] == "max":
        rest = program[1:]
        pool = "The branch begins with a 3x3 max pool, stride 1, padding 1."
        for average in ("average", "uncounted average"):
            yield (average, *rest), "average pooling", "Take the maximum, not the mean."
        yield rest, "no pooling", pool
        order = "Swap the two: max pool first, then the 1x1 convolution."
        yield (*rest, "max"), "the convolution before the pool", order
        yield ("5x5 max", *rest), "a 5x5 pool", pool
        zeros = "Zeros win over negative values: `max_pool2d` pads by itself, as if with −∞."
        yield ("zero-padded max", *rest), "a max pool padded with zeros", zeros
    else:
        own = "This branch works on the block's input itself; only the last one pools it."
        yield ("max", *program), "the pooled input", own
    yield ("relu", *program), "ReLU applied to the block's input", "Feed it the input as it is."
    if "norm" in program:
        yield from _norm_edits(program)
        return
    no_bias = tuple(f"~{s}" if s in CONVS else s for s in program)
    yield no_bias, "a convolution without its bias", "Add the bias before ReLU is applied."


def _norm_edits(program: Program) -> Iterator[Edit]:
    """Mistakes in batch normalisation."""
    for without, _, where in _without(program, "norm"):
        yield without, f"no batch norm {where}", "Each of the six batch norms has to be used."
    only = "Batch norm comes after a convolution and before its ReLU, nowhere else."
    yield ("plain norm", *program), "the block's input is normalised", only
    if program[0] == "max":
        found = "the pool's output is normalised before its convolution"
        yield ("max", "plain norm", *program[1:]), found, only
        late = "The pool comes first, then convolution, batch norm and ReLU."
        yield (program[1], "max", *program[2:]), "the convolution before the pool", late


def variants(name: str, branches: Mapping[str, Program] = BRANCHES) -> list[Variant]:
    """The known wrong versions of a branch, those with one mistake before those with two."""
    right = branches[name]
    singles = [Variant(*edit, True) for edit in _relu_edits(right)]
    singles += [Variant(*edit, False) for edit in _other_edits(right)]
    pairs = [
        Variant(program, f"{relu} and {what}", nudge, True)
        for other, what, _ in _other_edits(right)
        for program, relu, nudge in _relu_edits(other)
    ]
    seen = {right: None}
    for variant in singles + pairs:
        seen.setdefault(variant.program, variant)
    return [variant for variant in seen.values() if variant]


def totals() -> dict[int, str]:
    """What went wrong, by the number of channels of the block's output."""
    out = {"1x1": C1, "1x1 → 3x3": C2[1], "1x1 → 5x5": C3[1], "pool → 1x1": C4}
    twice = "The reductions are inner steps: only the last output of each branch is joined."
    known = {
        TOTAL + C2[0] + C3[0]: twice,
        TOTAL + C2[0]: twice,
        TOTAL + C3[0]: twice,
        TOTAL + IN: "The input itself is not a branch: leave it out of the concatenation.",
        TOTAL - C4 + IN: "Pooling keeps its input's channels: a 1x1 convolution to c4 follows it.",
        TOTAL - C2[1] + C2[0]: "The 3x3 convolution gives c2[1] channels, its reduction c2[0].",
        TOTAL - C3[1] + C3[0]: "The 5x5 convolution gives c3[1] channels, its reduction c3[0].",
        TOTAL - C2[1] + C2[0] - C3[1] + C3[0]: (
            "c2 and c3 are pairs: [0] is the reduction's width, [1] the branch's output."
        ),
    }
    for size in (1, 2, 3):
        for names in combinations(out, size):
            lost = TOTAL - sum(out[name] for name in names)
            known.setdefault(lost, f"Not joined: {', '.join(f'`{name}`' for name in names)}.")
    return known
