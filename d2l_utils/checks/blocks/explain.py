"""The mistakes that predict what was observed: one, several of a kind, or two."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from .graph import Node, branches, conv_of, listed, nodes, rebuild
from .rules import Rule

Where = Callable[[Node, Node], str]


@dataclass(frozen=True)
class Mistake:
    """A rule applied to an expression, at some of the places where it can be."""

    rule: Rule
    places: tuple[Node, ...]
    of: int  # places in all


def merged(*some: Mistake) -> Mistake:
    """The same mistake at the places of all."""
    places = tuple(n for m in some for n in m.places)
    return Mistake(some[0].rule, places, sum(m.of for m in some))


@dataclass(frozen=True)
class Wrong:
    """An expression with one or two mistakes in it."""

    right: Node
    mistakes: tuple[Mistake, ...]

    @property
    def graph(self) -> Node:
        """The wrong expression."""

        def change(n: Node, copy: Node) -> Node:
            for mistake in self.mistakes:
                if n in mistake.places and copy.op == mistake.rule.op:
                    copy = mistake.rule.change(copy) or copy
            return copy

        return rebuild(self.right, change)


def places(root: Node, rule: Rule) -> tuple[Node, ...]:
    """Where a mistake can be made."""
    some = (n for n in nodes(root) if n.op == rule.op)
    return tuple(n for n in some if rule.change(n) not in (None, n))


def singles(root: Node, rules: Iterable[Rule]) -> Iterator[Mistake]:
    """Each mistake at each place, then each at all places."""
    spots = [(rule, places(root, rule)) for rule in rules]
    for rule, some in spots:
        yield from (Mistake(rule, (n,), len(some)) for n in some)
    yield from (Mistake(rule, some, len(some)) for rule, some in spots if len(some) > 1)


def repeated(root: Node, rules: Iterable[Rule]) -> Iterator[Mistake]:
    """Each mistake at several places, not at all."""
    spots = [(rule, places(root, rule)) for rule in rules]
    for size in range(2, 7):
        for rule, some in spots:
            if size < len(some) <= 7:
                yield from (Mistake(rule, each, len(some)) for each in combinations(some, size))


def explain(
    root: Node,
    rules: Iterable[Rule],
    predicts: Callable[[Node], bool],
    partner: Callable[[Node], bool] | None = None,
) -> Wrong | None:
    """The first mistakes with which the expression predicts what was observed.

    Two mistakes of different kinds are tried of those that pass for a ``partner``.
    """
    seen = {root}

    def first(tries: Iterable[Wrong]) -> Wrong | None:
        for wrong in tries:
            graph = wrong.graph
            if graph not in seen:
                seen.add(graph)
                if predicts(graph):
                    return wrong
        return None

    alone = [Wrong(root, (mistake,)) for mistake in singles(root, rules)]
    if (found := first(alone)) or not partner:
        return found
    some = [wrong.mistakes[0] for wrong in alone if partner(wrong.graph)]
    pairs = ((a, b) for a, b in combinations(some, 2) if a.rule.code != b.rule.code)
    several = (Wrong(root, (mistake,)) for mistake in repeated(root, rules))
    return first(several) or first(Wrong(root, pair) for pair in pairs)


# -- in words -------------------------------------------------------------------------------------


def after(conv: Node, branch: Node | None) -> str:
    """Where something is, by the convolution before it."""
    return f"after the {conv.spec.size} convolution"


def words(root: Node, mistakes: Sequence[Mistake], where: Where = after) -> tuple[str, str]:
    """What is found, and the nudge of the first mistake."""
    rule, convs = mistakes[0].rule, [n for n in map(conv_of, mistakes[0].places) if n]
    found = " and ".join(_found(root, mistake, where) for mistake in mistakes)
    return found, rule.nudge.replace("{size}", convs[0].spec.size if convs else "")


def _found(root: Node, mistake: Mistake, where: Where) -> str:
    """One mistake in words."""
    ends = branches(root)
    within = {n: [b for b in ends if n in nodes(b)] for n in mistake.places}
    some = [b for b in ends if any(b in each for each in within.values())]
    own = [n for n in places(root, mistake.rule) if any(n in nodes(b) for b in some)]
    everywhere = set(own or places(root, mistake.rule)) == set(mistake.places)
    convs = [n for n in map(conv_of, mistake.places) if n]
    place = [where(c, next(iter(within[n]), None)) for n in mistake.places if (c := conv_of(n))]
    many = everywhere and len(mistake.places) > max(1, len(some))
    names = f"convolution{'s' * (len(convs) > 1)} "
    names += ", ".join(f"{c.spec.size} to {c.spec.out}" for c in convs)
    text = re.sub(r"\[.*?\]", "", mistake.rule.found) if everywhere else mistake.rule.found
    for token, value in {
        "[": "",
        "]": "",
        "{place}": "at all" if many else ", ".join(dict.fromkeys(place)),
        "{branch}": f", in {listed(some)}" if some else "",
        "{n}": str(len(mistake.places)),
        "{total}": str(mistake.of),
        "{size}": convs[0].spec.size if convs else "",
        "{convs}": "any convolution" if len(convs) == mistake.of else f"the {names}",
    }.items():
        text = text.replace(token, value)
    return text
