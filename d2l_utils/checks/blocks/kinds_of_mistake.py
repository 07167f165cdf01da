"""The known mistakes: each a rule from a node to a wrong node, by the mistake's code.

``RULES`` has them by what they are about; their words are in ``words_for_mistakes``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

from .evaluate import ACTIVATIONS, FLAWS
from .graph import (
    Node,
    X,
    add,
    cat,
    changed,
    conv_of,
    max_pool,
    node,
    nodes,
    norm,
    parts,
    rebuild,
    relu,
    scale,
    substitute,
)

Wrong = Iterator[tuple[str, Node]]
Rule = Callable[[Node], Wrong]


def sizes(n: Node) -> Wrong:
    """Mistakes that show in height and width."""
    if n is X:
        yield "halved", node("every second pixel", n)
    elif n.op == "max pool":
        for pool in ("strided", "bare", "unpadded"):
            yield f"{pool}-pool", node(f"{pool} pool", n.x)
    elif n.op == "conv":
        height, width = n.spec.padding
        yield "unpadded", changed(n, padding=(0, 0))
        yield "overpadded", changed(n, padding=(height + 1, width + 1))
        yield "underpadded", changed(n, padding=(max(height - 1, 0), max(width - 1, 0)))
        yield "even-kernel", changed(n, kernel=tuple(k + 1 for k in n.spec.kernel))
        yield "strided", changed(n, stride=2)
        yield "turned-padding", changed(n, padding=(width, height))
    elif n.op == "cat":
        yield "joined-height", node("cat along the height", *parts(n))
        yield "joined-batch", node("cat along the batch", *parts(n))
        yield "added", add(*parts(n))


def joins(n: Node) -> Wrong:
    """Mistakes in what is joined, and how."""
    if n.op == "cat":
        ends = parts(n)
        inner = [step for step in nodes(n) if step.op == "ReLU" and step not in ends]
        for some in (inner, *([step] for step in inner)):
            yield "inner-joined", cat(*ends, *some)
        yield "input-joined", cat(*ends, X)
        for left in range(len(ends) - 1, max(len(ends) - 4, 0), -1):
            for some in combinations(ends, left):
                yield "not-joined", cat(*some)
    elif n.op == "conv" and n.x.op == "max pool":
        yield "no-projection", n.x
    elif n.op == "ReLU" and (last := conv_of(n)) and conv_of(last.x):
        yield "cut-short", last.x


def activations(n: Node) -> Wrong:
    """Mistakes in the activations."""
    if n.op != "ReLU":
        return
    yield "no-relu", n.x
    if n.x.op in ("norm", "conv"):
        yield f"relu-before-{n.x.op}", node(n.x.op, relu(n.x.x), spec=n.x.spec)
    for other in ACTIVATIONS:
        yield "other-activation", node(other, n.x)
    if n.x.op == "add":
        yield "relu-before-sum", add(*(i if i is X else relu(i) for i in n.x.inputs))


def pools(n: Node) -> Wrong:
    """Mistakes in pools, and in what a branch starts from."""
    if n.op == "max pool":
        yield "average-pool", node("average pool", n.x)
        yield "average-pool", node("uncounted average pool", n.x)
        yield "no-pool", n.x
        yield "wide-pool", node("5x5 max pool", n.x)
        yield "zero-padded-pool", node("zero-padded max pool", n.x)
    elif n is X:
        yield "relu-on-input", relu(n)
    elif n.op in ("ReLU", "conv") and (first := conv_of(n)):
        if first.x.op == "max pool":
            late = "pool-late" if n.op == "ReLU" else "pool-inside"
            yield late, max_pool(substitute(n, first.x, first.x.x))
        elif n.x is X:
            yield "pooled-input", node("conv", max_pool(X), spec=n.spec)


def flaws(n: Node) -> Wrong:
    """A flaw in all batch norms, since all are made by one class or function."""
    for flaw in FLAWS if n.op in ("cat", "add") else ():
        yield (
            flaw,
            rebuild(n, lambda _, m, flaw=flaw: changed(m, flaw=flaw) if m.op == "norm" else m),
        )


def norms(n: Node) -> Wrong:
    """Mistakes in batch normalisation."""
    if n.op == "norm":
        yield "no-norm", n.x
        if n.x.op == "conv":
            yield "no-norm", changed(n.x, bias=True)
            yield "norm-first", node("conv", norm(n.x.x, mark=n.x.spec), spec=n.x.spec)
        yield "no-affine", norm(n.x, affine=False)
        yield "stored-statistics", node("stored norm", n.x, spec=n.spec)
    elif n.op == "ReLU" and n.x.op == "norm" and n.x.x.op == "conv":
        yield "bare-conv", n.x.x
        yield "bare-conv", changed(n.x.x, bias=True)
    yield from (each for each in flaws(n) if each[0] != "mean-for-variance")  # not in training
    for affine, code in ((True, "normed"), (False, "plainly-normed")):
        if n.op == "cat":
            yield f"input-{code}", substitute(n, X, norm(X, affine))
        elif n.op == "conv" and n.x.op in ("max pool", "input"):
            where = "pool" if n.x.op == "max pool" else "own-input"
            yield f"{where}-{code}", node("conv", norm(n.x, affine, n.spec), spec=n.spec)


def convolutions(n: Node) -> Wrong:
    """Mistakes in the convolutions."""
    if n.op != "conv":
        return
    yield "no-bias" if n.spec.bias else "bias", changed(n, bias=not n.spec.bias)
    if n.spec.bias:
        yield "forgotten-bias", changed(n, forgotten=True)
    first = conv_of(n.x)
    if first and first.spec.kernel != n.spec.kernel:
        own, other = ({"kernel": c.spec.kernel, "padding": c.spec.padding} for c in (n, first))
        wrong = changed(substitute(n, first, changed(first, **own)), **other)
        if first.spec.kernel == (1, 1):
            yield "reduced-late", wrong
        elif first.spec.out == n.spec.out:
            yield "order", wrong


def sums(n: Node) -> Wrong:
    """Mistakes in a sum of the input and a residual."""
    if n.op == "scale":
        yield "no-scale", n.x
    elif n.op == "add" and X in n.inputs:
        (residual,) = (i for i in n.inputs if i is not X)
        yield "no-shortcut", residual
        yield "no-residual", X
        yield "joined-sum", cat(X, residual)
        if residual.op == "scale":
            yield "scaled-shortcut", add(scale(X, residual.spec), residual.x)
            yield "scaled-sum", scale(add(X, residual.x), residual.spec)


RULES = {
    "size": sizes,
    "join": joins,
    "activation": activations,
    "sum": sums,
    "pool": pools,
    "norm": norms,
    "convolution": convolutions,
}
