"""The mistakes that predict what was observed: one, several of a kind, or two."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, islice
from typing import NamedTuple

import torch

from .graph import Node, joint, nodes, rebuild
from .kinds_of_mistake import Rule

Rules = Mapping[str, Rule]
Where = Callable[[Node, "Node | None"], str]
PLACES = 7  # at most, for all subsets of them to be tried
VAGUE = "no-norm", "bare-conv"  # several layers may have as many numbers as are missing
PAIRS = 1500  # at most, for an answer at once


class Kind(NamedTuple):
    """What a mistake is about, its code, and which of those with that code it is."""

    about: str
    code: str
    number: int


@functools.cache
def changes(n: Node, rule: Rule) -> dict[tuple[str, int], Node]:
    """What a rule's mistakes make of a node, by code and number."""
    found: dict[tuple[str, int], Node] = {}
    for code, wrong in rule(n):
        number = sum(code == other for other, _ in found)
        found[code, number] = wrong
    return {key: wrong for key, wrong in found.items() if wrong is not n}


def kinds(root: Node, rules: Rules, at: str = "") -> dict[Kind, list[Node]]:
    """Where each mistake can be made, perhaps at one operation only; at inner joints none."""
    found: dict[Kind, list[Node]] = {}
    some = [n for n in nodes(root) if at in ("", n.op) and (n.op != "cat" or n is joint(root))]
    for about, rule in rules.items():
        for n in some:
            for code, number in changes(n, rule):
                found.setdefault(Kind(about, code, number), []).append(n)
    return found


@dataclass(frozen=True, eq=False)
class Mistake:
    """A mistake at some of the ``of`` places where it can be made."""

    rules: Rules
    kind: Kind
    places: tuple[Node, ...]
    of: int

    def wrong(self, n: Node) -> Node:
        """What the mistake makes of a node."""
        about, code, number = self.kind
        return changes(n, self.rules[about]).get((code, number), n)


def merged(*some: Mistake) -> Mistake:
    """The same mistake at the places of all."""
    places = tuple(n for m in some for n in m.places)
    return Mistake(some[0].rules, some[0].kind, places, sum(m.of for m in some))


def placed(mistakes: tuple[Mistake, ...]) -> tuple[Mistake, ...]:
    """``mistakes`` that counts alone suggest; none if they may blame an innocent layer."""
    vague = any(m.kind.code in VAGUE and len(m.places) < m.of for m in mistakes)
    return () if vague else mistakes


def apply(root: Node, *mistakes: Mistake) -> Node:
    """The expression with mistakes in it."""

    def change(n: Node, copy: Node) -> Node:
        for mistake in mistakes:
            if n in mistake.places:
                copy = mistake.wrong(copy)
        return copy

    return rebuild(root, change)


def singles(root: Node, rules: Rules, at: str = "") -> Iterator[Mistake]:
    """Each mistake at each place, then each at all places."""
    spots = kinds(root, rules, at)
    for kind, some in spots.items():
        yield from (Mistake(rules, kind, (n,), len(some)) for n in some)
    for kind, some in spots.items():
        if len(some) > 1:
            yield Mistake(rules, kind, tuple(some), len(some))


def repeated(root: Node, rules: Rules) -> Iterator[Mistake]:
    """Each mistake at several places, but not at all."""
    for kind, some in kinds(root, rules).items():
        for size in range(2, len(some)) if len(some) <= PLACES else ():
            yield from (Mistake(rules, kind, each, len(some)) for each in combinations(some, size))


def explain(
    root: Node,
    rules: Rules,
    predicts: Callable[[Node], bool],
    partner: Callable[[Node], bool] | None = None,
    at: str = "",
    share: int = 1,
) -> tuple[Mistake, ...]:
    """The first mistakes with which the expression predicts what was observed; or none.

    Two mistakes of different kinds are tried of those that pass for a ``partner``. Without one,
    only single mistakes are tried, perhaps ``at`` one operation. If several parts are to be
    explained, this one has a ``share`` of the tries.
    """
    seen = {root}

    def first(tries: Iterable[tuple[Mistake, ...]]) -> tuple[Mistake, ...]:
        for mistakes in tries:
            graph = apply(root, *mistakes)
            if graph not in seen:
                seen.add(graph)
                if predicts(graph):
                    return mistakes
        return ()

    # oneDNN prepares each new kind of convolution, which takes longer than these tiny ones do.
    with torch.backends.mkldnn.flags(enabled=False):
        alone = list(singles(root, rules, at))
        if (found := first((mistake,) for mistake in alone)) or not partner:
            return found
        some = [mistake for mistake in alone if partner(apply(root, mistake))]
        pairs = ((a, b) for a, b in combinations(some, 2) if a.kind.code != b.kind.code)
        several = ((mistake,) for mistake in repeated(root, rules))
        return first(islice(several, PAIRS // share)) or first(islice(pairs, PAIRS // share))
