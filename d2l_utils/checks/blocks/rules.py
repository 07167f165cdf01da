"""The known mistakes: each a rule that makes a wrong node of a right one, with its words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from .evaluate import ACTIVATIONS
from .graph import (
    Node,
    X,
    add,
    branches,
    cat,
    changed,
    conv_of,
    joint,
    label,
    max_pool,
    node,
    nodes,
    norm,
    parts,
    relu,
    scale,
    substitute,
)


@dataclass(frozen=True)
class Rule:
    """A mistake: its short name, what it is about, the operation it is made at, and its words.

    ``change`` gives the wrong node, or None where the mistake can't be made. In ``found`` stand
    ``{place}`` ("at the end"), left out with the brackets around it where all places are wrong,
    ``{branch}`` (", in the branch …"), ``{n}`` places of ``{total}``, ``{convs}``, and ``{size}``.
    """

    code: str
    about: str
    op: str
    change: Callable[[Node], Node | None]
    found: str
    nudge: str


def reworded(rules: Iterable[Rule], words: Mapping[str, tuple[str, str]]) -> list[Rule]:
    """The rules, some with another found and nudge by their code; an empty one stays."""
    return [
        replace(r, found=found or r.found, nudge=nudge or r.nudge)
        for r in rules
        for found, nudge in [words.get(r.code, ("", ""))]
    ]


def _padded(n: Node, by: int) -> Node | None:
    padding = tuple(p + by for p in n.spec.padding)
    return changed(n, padding=padding) if min(padding) >= 0 else None


SIZE = "The {size} convolution keeps height and width with padding k // 2, for each side k of its "
SIZE += "kernel."
STRIDE = "A stride of 2 halves the size: every stride in this block is 1."
DIMENSION = "The branches are joined along the {}: channels are dimension 1, `dim=1`."
SIZES = [
    Rule(
        "unpadded",
        "size",
        "conv",
        lambda n: changed(n, padding=(0, 0)),
        "a convolution without padding{branch}",
        "The {size} convolution is without padding: it keeps the size with padding k // 2.",
    ),
    Rule(
        "overpadded",
        "size",
        "conv",
        lambda n: _padded(n, 1),
        "too much padding{branch}",
        "Too much padding: a k x k convolution keeps the size with padding k // 2, a 1x1 with 0.",
    ),
    Rule(
        "underpadded", "size", "conv", lambda n: _padded(n, -1), "too little padding{branch}", SIZE
    ),
    Rule(
        "even-kernel",
        "size",
        "conv",
        lambda n: changed(n, kernel=tuple(k + 1 for k in n.spec.kernel)),
        "an even kernel{branch}",
        "An even kernel cannot keep the size: all kernels here are odd.",
    ),
    Rule(
        "strided", "size", "conv", lambda n: changed(n, stride=2), "a stride of 2{branch}", STRIDE
    ),
    Rule(
        "halved",
        "size",
        "input",
        lambda n: node("every second pixel", n),
        "half of the image",
        STRIDE,
    ),
    Rule(
        "turned-padding",
        "size",
        "conv",
        lambda n: changed(n, padding=n.spec.padding[::-1]),
        "padding on the wrong sides{branch}",
        "A kernel h high and w wide keeps the size with padding (h // 2, w // 2).",
    ),
    Rule(
        "pool-strided",
        "size",
        "max pool",
        lambda n: node("max pool of stride 3", n.x),
        "a pool of stride 3{branch}",
        "The stride of `MaxPool2d` is its kernel size unless you set it: here it is 1.",
    ),
    Rule(
        "pool-bare",
        "size",
        "max pool",
        lambda n: node("max pool as it comes", n.x),
        "a pool of stride 3 without padding{branch}",
        "`MaxPool2d(3)` has stride 3 and no padding: set `stride=1, padding=1`.",
    ),
    Rule(
        "pool-unpadded",
        "size",
        "max pool",
        lambda n: node("max pool without padding", n.x),
        "a pool without padding{branch}",
        "A 3x3 pool keeps the size with padding 1.",
    ),
]


def _not_joined(some: tuple[Node, ...]) -> Rule:
    names = ", ".join(f"`{label(b)}`" for b in some)
    return Rule(
        "not-joined",
        "join",
        "cat",
        lambda n: cat(*(p for p in parts(n) if p not in some)),
        f"{names} not joined",
        f"Not joined, it seems: {names}.",
    )


def joins(root: Node) -> list[Rule]:
    """Mistakes at the outermost concatenation: what is joined too, and what is not."""
    ends = branches(root)
    inner = [n for b in ends for n in nodes(b) if n.op == "ReLU" and n not in ends]
    inner = list(dict.fromkeys(inner))
    too = [inner, *([n] for n in inner)] if inner else []
    at_joint = [
        Rule(
            "joined-height",
            "join",
            "cat",
            lambda n: node("cat along the height", *parts(n)),
            "branches joined along the height",
            DIMENSION.format("height or width"),
        ),
        Rule(
            "joined-batch",
            "join",
            "cat",
            lambda n: node("cat along the batch", *parts(n)),
            "branches joined along the batch",
            DIMENSION.format("batch"),
        ),
        Rule(
            "added",
            "join",
            "cat",
            lambda n: add(*parts(n)),
            "branches combined element by element",
            "Concatenate the branches: they differ in channels and cannot be added.",
        ),
        *(
            Rule(
                "inner-joined",
                "join",
                "cat",
                lambda n, some=some: cat(*parts(n), *some),
                "an inner step is joined too",
                "The reductions are inner steps: only the last output of each branch is joined.",
            )
            for some in too
        ),
        Rule(
            "input-joined",
            "join",
            "cat",
            lambda n: cat(*parts(n), X),
            "the block's input is joined too",
            "The input itself is not a branch: leave it out of the concatenation.",
        ),
        *(_not_joined(some) for k in (1, 2, 3) for some in combinations(ends, k) if len(ends) > k),
    ]
    join = joint(root)
    return [
        replace(r, change=lambda n, r=r: r.change(n) if n is join else None) for r in at_joint
    ] + [
        Rule(
            "no-projection",
            "join",
            "conv",
            lambda n: n.x if n.x.op == "max pool" else None,
            "no convolution after the pool",
            "Pooling keeps its input's channels: a 1x1 convolution to c4 follows it.",
        ),
        Rule(
            "cut-short",
            "join",
            "ReLU",
            lambda n: conv.x if (conv := conv_of(n)) and conv_of(conv.x) else None,
            "no {size} convolution{branch}",
            "The {size} convolution gives the branch's channels, not the reduction before it.",
        ),
    ]


UNIT = "Every convolution is followed by ReLU, the last of a branch too."
ORDER = "Normalise what the convolution gives, then apply ReLU."
ACTIVATION = [
    Rule("no-relu", "activation", "ReLU", lambda n: n.x, "no ReLU {place}{branch}", UNIT),
    Rule(
        "relu-first",
        "activation",
        "ReLU",
        lambda n: node("norm", relu(n.x.x), spec=n.x.spec) if n.x.op == "norm" else None,
        "ReLU before batch norm[, {place}]{branch}",
        ORDER,
    ),
    Rule(
        "relu-before-convolution",
        "activation",
        "ReLU",
        lambda n: node("conv", relu(n.x.x), spec=n.x.spec) if n.x.op == "conv" else None,
        "ReLU before the convolution[, {place}]{branch}",
        "First convolve, then apply ReLU.",
    ),
    *(
        Rule(
            "other-activation",
            "activation",
            "ReLU",
            lambda n, other=other: node(other, n.x),
            f"{other} in place of ReLU[, {{place}}]{{branch}}",
            "The paper uses ReLU throughout.",
        )
        for other in ACTIVATIONS
    ),
    Rule(
        "relu-before-sum",
        "activation",
        "ReLU",
        lambda n: add(*(i if i is X else relu(i) for i in n.x.inputs)) if n.x.op == "add" else None,
        "ReLU is applied to the residual before the sum",
        "First add the block's input, then apply ReLU.",
    ),
]

POOL = "The branch begins with a 3x3 max pool, stride 1, padding 1."


def _pool_late(n: Node) -> Node | None:
    conv = conv_of(n)
    if not conv or conv.x.op != "max pool":
        return None
    return max_pool(substitute(n, conv.x, conv.x.x))


POOLS = [
    *(
        Rule(
            "average-pool",
            "pool",
            "max pool",
            lambda n, other=other: node(other, n.x),
            "average pooling{branch}",
            "Take the maximum, not the mean.",
        )
        for other in ("average pool", "uncounted average pool")
    ),
    Rule("no-pool", "pool", "max pool", lambda n: n.x, "no pooling{branch}", POOL),
    Rule(
        "pool-late",
        "pool",
        "ReLU",
        _pool_late,
        "the convolution before the pool{branch}",
        "Swap the two: the branch begins with the max pool, the 1x1 convolution follows.",
    ),
    Rule(
        "pool-inside",
        "pool",
        "conv",
        _pool_late,
        "the convolution before the pool{branch}",
        "The pool comes first, then convolution, batch norm and ReLU.",
    ),
    Rule(
        "wide-pool",
        "pool",
        "max pool",
        lambda n: node("5x5 max pool", n.x),
        "a 5x5 pool{branch}",
        POOL,
    ),
    Rule(
        "zero-padded-pool",
        "pool",
        "max pool",
        lambda n: node("zero-padded max pool", n.x),
        "a max pool padded with zeros{branch}",
        "Zeros win over negative values: `max_pool2d` pads by itself, as if with −∞.",
    ),
    Rule(
        "pooled-input",
        "pool",
        "conv",
        lambda n: node("conv", max_pool(X), spec=n.spec) if n.x is X else None,
        "the pooled input{branch}",
        "Only the last branch pools the block's input; this one works on it as it is.",
    ),
    Rule(
        "relu-on-input",
        "pool",
        "input",
        relu,
        "ReLU applied to the block's input{branch}",
        "Feed it the input as it is.",
    ),
]

SIX = "One batch norm after each convolution, before its ReLU."
NOT_BEFORE = "Leave that one out: batch norm comes after a convolution, not before it."
NOWHERE = "Batch norm comes after a convolution and before its ReLU, nowhere else."
BIAS = "Batch norm subtracts the mean and any bias with it; its shift takes the bias's place, so "
BIAS += "leave that out: `bias=False`."


def _biased(n: Node) -> Node | None:
    return changed(n.x, bias=True) if n.x.op == "conv" else None


def _swapped(n: Node) -> Node | None:
    """A convolution and the one before it with each other's kernel."""
    first = conv_of(n.x)
    if not first or first.spec.kernel == n.spec.kernel:
        return None
    own, other = ({"kernel": c.spec.kernel, "padding": c.spec.padding} for c in (n, first))
    x = substitute(n.x, first, changed(first, **own))
    return node("conv", x, spec=n.spec._replace(**other))


def _reduced_late(n: Node) -> Node | None:
    first = conv_of(n.x)
    return _swapped(n) if first and first.spec.kernel == (1, 1) else None


def _norm_input(n: Node, affine: bool, pooled: bool) -> Node | None:
    here = n.x.op == "max pool" if pooled else n.x is X
    return node("conv", norm(n.x, affine, n.spec), spec=n.spec) if here else None


def _norm_first(n: Node) -> Node | None:
    conv = n.x if n.x.op == "conv" else None
    return conv and node("conv", norm(conv.x, mark=conv.spec), spec=conv.spec)


NORMS = [
    Rule("no-norm", "norm", "norm", lambda n: n.x, "no batch norm {place}{branch}", SIX),
    Rule("no-norm", "norm", "norm", _biased, "no batch norm {place}{branch}", SIX),
    Rule(
        "no-affine",
        "norm",
        "norm",
        lambda n: norm(n.x, affine=False),
        "batch norms without a scale and a shift",
        "Keep scale and shift, `affine=True`: they are learned.",
    ),
    Rule(
        "stored-statistics",
        "norm",
        "norm",
        lambda n: node("stored norm", n.x, spec=n.spec),
        "stored statistics in training, so that the output changes when all images are "
        "multiplied by 10",
        "In training the batch at hand sets the scale. With `F.batch_norm`, pass "
        "`training=self.training`.",
    ),
    Rule(
        "bias",
        "norm",
        "conv",
        lambda n: changed(n, bias=True),
        "{n} of {total} convolutions with a bias, which batch norm cancels",
        BIAS,
    ),
    Rule(
        "norm-first",
        "norm",
        "norm",
        _norm_first,
        "batch norm before the convolution[, {place}]{branch}",
        NOT_BEFORE,
    ),
    *(
        Rule(
            "input-normed",
            "norm",
            op,
            change,
            f"{what} is normalised before its convolution" + "{branch}" * (not affine),
            NOT_BEFORE if affine else NOWHERE,
        )
        for affine in (True, False)
        for what, op, change in (
            ("the pool's output", "conv", lambda n, a=affine: _norm_input(n, a, True)),
            ("the block's input", "cat", lambda n, a=affine: substitute(n, X, norm(X, a))),
            ("the input", "conv", lambda n, a=affine: _norm_input(n, a, False)),
        )
    ),
]

SUM = [
    Rule(
        "no-shortcut",
        "sum",
        "add",
        lambda n: next(i for i in n.inputs if i is not X) if X in n.inputs else None,
        "X is not in the sum",
        "Add the block's input to the residual.",
    ),
    Rule(
        "no-residual",
        "sum",
        "add",
        lambda n: X if X in n.inputs else None,
        "the residual is not in the sum",
        "Add the residual to the block's input.",
    ),
    Rule(
        "no-scale",
        "sum",
        "scale",
        lambda n: n.x,
        "the scale is not used",
        "Multiply the residual by it.",
    ),
    Rule(
        "shortcut-scaled",
        "sum",
        "add",
        lambda n: (
            add(*(scale(i, s.spec) if i is X else i.x if i is s else i for i in n.inputs))
            if (s := next((i for i in n.inputs if i.op == "scale"), None))
            else None
        ),
        "X is multiplied by the scale",
        "The scale belongs to the residual alone.",
    ),
]
NO_BIAS = Rule(
    "no-bias",
    "convolution",
    "conv",
    lambda n: changed(n, bias=False),
    "{n} of {total} convolutions without a bias",
    "Every convolution has a bias here, as `nn.Conv2d` gives it by default.",
)
KERNELS = [
    NO_BIAS,
    Rule(
        "reduced-late",
        "convolution",
        "conv",
        _reduced_late,
        "{size} first, then 1x1",
        "The 1x1 convolution comes first: it makes the {size} cheap.",
    ),
    Rule(
        "order",
        "convolution",
        "conv",
        lambda n: _swapped(n) if (c := conv_of(n.x)) and c.spec.out == n.spec.out else None,
        "its convolutions in another order{branch}",
        "The table has them in order.",
    ),
]
RULES = [*SIZES, *ACTIVATION, *POOLS, *NORMS, *KERNELS, *SUM]
