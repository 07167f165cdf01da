"""A block as it should be: an expression of its arguments, and its words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ..report import Problem
from .explain import Mistake, Rules, Where
from .graph import Node, nodes
from .kinds_of_mistake import RULES, Rule
from .parameters import Kernel, kernels, vectors
from .words_for_mistakes import FOUND, NUDGES, filled


def after(conv: Node, branch: Node | None) -> str:
    """Where something is, by the convolution before it."""
    return f"after the {conv.spec.size} convolution"


@dataclass(frozen=True)
class Block:
    """A block as an expression of its arguments, and its words."""

    exercise: str
    expression: Callable[..., Node]
    arguments: tuple  # so chosen that different mistakes give different numbers
    even: tuple  # with these, whatever joins the branches, they fit
    signature: str
    hint: str = ""  # about the signature
    name: str = "Block"
    inputs: int = 6
    more: Rules = field(default_factory=dict)  # rules of its own, before the others
    found: Mapping[str, str] = field(default_factory=dict)  # words of its own, by code
    nudges: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)  # of numbers of channels
    where: Where = after
    counted: str = ""  # how the number of parameters is told
    uncounted: int = 0  # parameters that are not told
    closing: int = (
        0  # inputs of a linear 1x1 that closes it, lest the last ReLU hide what is before
    )
    same: str = "the right block, with the same weights"

    @cached_property
    def graph(self) -> Node:
        """The expression for ``arguments``."""
        return self.expression(*self.arguments)

    @cached_property
    def _rules(self) -> Rules:
        def both(own: Rule, rule: Rule) -> Rule:
            return lambda n: (*own(n), *rule(n))

        return {
            about: both(self.more[about], rule) if about in self.more else rule
            for about, rule in RULES.items()
            if self.normed or about != "norm"
        }

    def rules(self, *about: str) -> Rules:
        """The known mistakes, or those about some things."""
        return {name: rule for name, rule in self._rules.items() if not about or name in about}

    def finding(self, root: Node, mistakes: Sequence[Mistake]) -> str:
        """What is found; ``root`` is where the mistakes were made."""
        found = FOUND | dict(self.found)
        return " and ".join(filled(found[m.kind.code], root, m, self.where) for m in mistakes)

    def nudge(self, root: Node, mistakes: Sequence[Mistake]) -> str:
        """The nudge of the first mistake."""
        nudges = NUDGES | dict(self.nudges)
        return filled(nudges[mistakes[0].kind.code], root, mistakes[0], self.where)

    def problem(self, code: str, expected: str, found: str = "", nudge: str = "") -> Problem:
        """A problem, in the words for its code where there are some."""
        found = self.found.get(code) or found or FOUND[code]
        nudge = self.nudges.get(code) or nudge or NUDGES[code]
        return Problem(found, expected, nudge, code)

    @cached_property
    def normed(self) -> bool:
        """Whether there is batch norm in it."""
        return any(n.op == "norm" for n in nodes(self.graph))

    @cached_property
    def kernels(self) -> list[Kernel]:
        """Of the right block."""
        return kernels(self.graph, self.inputs)

    @cached_property
    def vectors(self) -> int:
        """Numbers in scales, shifts and biases of the right block."""
        return vectors(self.graph, self.inputs)

    @property
    def parameters(self) -> int:
        """Numbers in all parameters of the right block."""
        return self.vectors + sum(o * i * h * w for o, i, h, w in self.kernels)
