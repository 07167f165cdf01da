"""Blocks of networks as expressions, and their parts in words."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, eq=False)
class Node:
    """An operation on what other nodes give; equal ones are one object, made by ``node``."""

    op: str
    inputs: tuple[Node, ...] = ()
    spec: Any = None

    @property
    def x(self) -> Node:
        """The first input, of most operations the only one."""
        return self.inputs[0]


class Conv(NamedTuple):
    """What a convolution is; kernel and padding are (height, width)."""

    out: int
    kernel: tuple[int, int]
    padding: tuple[int, int]
    stride: int = 1
    bias: bool = True
    forgotten: bool = False  # whether the bias is there, but not added

    @property
    def size(self) -> str:
        """The kernel in words."""
        return f"{self.kernel[0]}x{self.kernel[1]}"


class Norm(NamedTuple):
    """What a batch norm is; the ``mark`` keeps two of the same input apart."""

    affine: bool = True
    mark: Any = None
    flaw: str = ""  # what is wrong with how it computes


_made = functools.cache(Node)


def node(op: str, *inputs: Node, spec: Any = None) -> Node:
    """The node of this operation, made once."""
    return _made(op, inputs, spec)


X = node("input")


def conv(x: Node, out: int, *kernel: int, bias: bool = True) -> Node:
    """A convolution that keeps height and width; a kernel of one number is square."""
    size = kernel if len(kernel) == 2 else kernel * 2
    return node("conv", x, spec=Conv(out, size, tuple(n // 2 for n in size), bias=bias))


def norm(x: Node, affine: bool = True, mark: Any = None) -> Node:
    """Batch normalisation, with its scale and shift or without."""
    return node("norm", x, spec=Norm(affine, mark))


def relu(x: Node) -> Node:
    """ReLU."""
    return node("ReLU", x)


def conv_relu(x: Node, out: int, *kernel: int) -> Node:
    """Convolution and ReLU."""
    return relu(conv(x, out, *kernel))


def conv_norm_relu(x: Node, out: int, *kernel: int) -> Node:
    """Convolution without bias, batch norm, ReLU."""
    return relu(norm(conv(x, out, *kernel, bias=False)))


def max_pool(x: Node) -> Node:
    """A 3x3 max pool that keeps height and width."""
    return node("max pool", x)


def cat(*xs: Node) -> Node:
    """The concatenation along the channels."""
    return node("cat", *xs)


def add(*xs: Node) -> Node:
    """The sum."""
    return node("add", *xs)


def scale(x: Node, factor: float) -> Node:
    """The input times a fixed number."""
    return node("scale", x, spec=factor)


def changed(n: Node, **changes: Any) -> Node:
    """A convolution with another kernel, padding and so on; or a norm with a flaw."""
    return node(n.op, *n.inputs, spec=n.spec._replace(**changes))


@functools.cache
def nodes(root: Node) -> tuple[Node, ...]:
    """All nodes of an expression, each behind its inputs."""
    return tuple(dict.fromkeys([n for i in root.inputs for n in nodes(i)] + [root]))


def rebuild(root: Node, change: Callable[[Node, Node], Node]) -> Node:
    """The expression made anew: ``change`` gets each node and its copy, and gives what to take."""
    new: dict[Node, Node] = {}
    for n in nodes(root):
        same = all(new[i] is i for i in n.inputs)
        new[n] = change(n, n if same else node(n.op, *(new[i] for i in n.inputs), spec=n.spec))
    return new[root]


def substitute(root: Node, old: Node, new: Node) -> Node:
    """The expression with ``new`` in the place of ``old``."""
    return rebuild(root, lambda n, copy: new if n is old else copy)


def conv_of(n: Node) -> Node | None:
    """The convolution of which ``n`` is the norm or the activation; or itself."""
    while n.op != "conv" and len(n.inputs) == 1:
        n = n.x
    return n if n.op == "conv" else None


@functools.cache
def width(n: Node, inputs: int) -> int:
    """The number of channels, if the block is given ``inputs``."""
    if n.op == "input":
        return inputs
    if n.op == "cat":
        return sum(width(i, inputs) for i in n.inputs)
    return n.spec.out if n.op == "conv" else width(n.x, inputs)


# -- in words -------------------------------------------------------------------------------------


def parts(n: Node) -> list[Node]:
    """What is joined in a concatenation, also in those inside of it; else the node itself."""
    return [p for i in n.inputs for p in parts(i)] if n.op == "cat" else [n]


@functools.cache
def joint(root: Node) -> Node | None:
    """The outermost concatenation."""
    return next((n for n in reversed(nodes(root)) if n.op == "cat"), None)


def branches(root: Node) -> list[Node]:
    """What the outermost concatenation joins; none, if there is none."""
    join = joint(root)
    return parts(join) if join else []


def chain(n: Node) -> list[Node]:
    """The steps to ``n`` since the block's input or the last join, in order."""
    return [*chain(n.x), n] if len(n.inputs) == 1 else []


def label(n: Node) -> str:
    """A branch in words, such as "pool → 1x1"."""
    words = {"conv": lambda n: n.spec.size, "max pool": lambda n: "pool"}
    return " → ".join(words[step.op](step) for step in chain(n) if step.op in words) or "the input"


def listed(some: list[Node]) -> str:
    """Branches in words."""
    names = list(dict.fromkeys(f"`{label(b)}`" for b in some))
    return f"the branch{'es' * (len(names) > 1)} {', '.join(names)}"


def steps(n: Node) -> str:
    """All that a branch does, in words."""
    words = {"norm": "batch norm", "max pool": "3x3 max pool"}
    names = (f"{s.spec.size} convolution" if s.op == "conv" else s.op for s in chain(n))
    return ", ".join(words.get(name, name) for name in names)
