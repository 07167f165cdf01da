"""An attempt at a block: facts that are computed once, and then only read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import nn

from .block import Block
from .construct import bound
from .evaluate import Numbers, Observation, Values
from .explain import Kind, Mistake, explain, merged, placed
from .graph import Node, cat, nodes, parts, width
from .joining_order import in_order_of
from .parameters import (
    Kernel,
    Roles,
    fill,
    is_kernel,
    ones,
    oriented,
    parameters,
    statistics,
    summary,
)

JOINING = re.compile(r"[Ss]izes of tensors must match|size of tensor a")
Mistakes = tuple[Mistake, ...]


@dataclass(frozen=True, eq=False)
class Attempt:
    """What is known of one attempt at a block."""

    block: Block
    given: Any
    seed: int = 84

    def build(self, arguments: tuple) -> Any:
        """What the attempt gives for these arguments, hopefully a module."""
        args, kwargs = bound(self.given, self.block.inputs, arguments)
        return self.given(*args, **kwargs)

    @cached_property
    def made(self) -> list[Any]:
        """What it gives for the even and for the telling arguments."""
        return [self.build(each) for each in (self.block.even, self.block.arguments)]

    @cached_property
    def modules(self) -> list[nn.Module]:
        """The blocks, in evaluation mode."""
        return [module.eval() for module in self.made]

    @property
    def module(self) -> nn.Module:
        """The block of the telling arguments."""
        return self.modules[-1]

    @cached_property
    def numbers(self) -> Numbers:
        """What the block is tried with; under batch norm large, lest its ε matter."""
        gain = 100.0 if self.block.normed else 2.0
        return Numbers(self.block.inputs, gain, self.seed, self.block.closing)

    @cached_property
    def even_output(self) -> Any:
        """What the block of the even arguments returns for 28x28, or torch's words if it can't."""
        return self._joined(self.modules[0])

    @cached_property
    def output(self) -> Any:
        """The same of the block of the telling arguments."""
        return self._joined(self.module)

    def _joined(self, module: nn.Module) -> Any:
        try:
            return self.infer(self.numbers.images(2, 28, 28), module)
        except RuntimeError as error:
            if not JOINING.search(str(error)):
                raise
            return str(error)

    @cached_property
    def kernels(self) -> list[Kernel]:
        """Of the attempt."""
        some = filter(is_kernel, self.module.parameters())
        return [oriented(p, self.block.kernels) for p in some]

    @cached_property
    def vectors(self) -> int:
        """Numbers in its scales, shifts and biases."""
        return sum(p.numel() for p in self.module.parameters() if not is_kernel(p))

    @cached_property
    def ordered(self) -> Node:
        """The right block of even widths, its branches in the attempt's order."""
        return in_order_of(self.module, self.numbers.images(2, 28, 28), self.block.graph)

    @cached_property
    def misfit(self) -> Mistakes:
        """The mistake that gives such a size, or such an error."""
        seen = self.even_output
        seen = seen if isinstance(seen, str) else seen.shape[2:]
        values = Values(self.numbers.images(2, 28, 28), self.numbers)

        def predicts(graph: Node) -> bool:
            try:
                return values[graph].shape[2:] == seen
            except RuntimeError as error:
                return str(error) == seen

        return explain(self.ordered, self.block.rules("size"), predicts)

    @cached_property
    def miswidth(self) -> Mistakes:
        """The mistake that gives as many channels."""
        channels, inputs = self.output.shape[1], self.block.inputs
        own = {about: rule for about, rule in self.block.more.items() if about == "join"}

        def predicts(graph: Node) -> bool:
            return width(graph, inputs) == channels

        for rules in (own, self.block.rules("join", "sum")):
            if found := explain(self.block.graph, rules, predicts):
                return found
        return ()

    def infer(self, X: torch.Tensor, module: nn.Module | None = None) -> torch.Tensor:
        """Run a block on a copy of ``X``, without gradients."""
        with torch.no_grad():
            return (self.module if module is None else module)(X.clone())

    def train(self, X: torch.Tensor, times: int = 1) -> torch.Tensor:
        """Run it in training mode, and with gradients, by which some tell the mode."""
        _ = self.roles  # to be seen before training changes statistics
        self.module.train()
        with torch.enable_grad():
            for _ in range(times):
                Y = self.module(X.clone()).detach()
        self.module.eval()
        return Y

    @cached_property
    def initial(self) -> list[torch.Tensor]:
        """The statistics that the block begins with."""
        return [t.clone() for t in statistics(self.module)]

    @cached_property
    def roles(self) -> Roles:
        """Which of its vectors began as ones."""
        vectors = (p for p in self.module.parameters() if not is_kernel(p))
        return Roles(ones(vectors), ones(self.initial))

    def fill(self, begin: bool = False) -> None:
        """Set parameters to what predictions are made with; statistics too, or to ``initial``."""
        initial, roles = self.initial, self.roles
        numbers = roles.tell(self.numbers)
        fill(self.module, numbers, self.block.kernels, self.block.normed, roles)
        for t, own in zip(statistics(self.module), initial, strict=False) if begin else ():
            t.copy_(own)

    @cached_property
    def images(self) -> torch.Tensor:
        """The images on which values are compared."""
        return self.numbers.images(2, 13, 9)

    def observe(self, X: torch.Tensor, training: bool) -> Observation:
        """The block's output for ``X``, its parameters set to what predictions are made with."""
        self.fill()
        Y = self.train(X) if training else self.infer(X)
        return Observation(Y, Values(X, self.roles.tell(self.numbers), training))

    @cached_property
    def seen(self) -> Observation:
        """What is to be explained: the output in training if there is batch norm."""
        return self.observe(self.images, self.block.normed)

    def counted(self, graph: Node) -> bool:
        """Whether an expression has the attempt's parameters."""
        return parameters(graph, self.block.inputs) == (self.vectors, summary(self.kernels))

    @cached_property
    def miscount(self) -> Mistakes:
        """The mistakes that give these parameters, and at best the output as well."""
        graph, inputs = self.block.graph, self.block.inputs
        rules = self.block.rules("activation", "sum", "pool", "norm", "convolution")
        right = parameters(graph, inputs)
        return explain(
            graph,
            rules,
            lambda g: self.counted(g) and self.seen.shows(g),
            lambda g: parameters(g, inputs) != right,
        ) or placed(explain(graph, rules, self.counted))

    @cached_property
    def missing(self) -> list[Node]:
        """The parts of the right output that are not in the attempt's; or the whole of it."""
        return self.seen.missing(self.block.graph)

    @cached_property
    def mistakes(self) -> list[Mistakes]:
        """What explains the output: mistakes of the whole, or else of its parts, by their kinds."""
        graph = self.block.graph
        joined = graph.op == "cat"
        if not self.missing:
            return []
        if whole := self._mistaken(graph, self.seen.shows, at="cat" if joined else ""):
            return [whole]
        kinds: dict[tuple[Kind, ...], list[Mistakes]] = {}
        right = [part for part in parts(graph) if part not in self.missing]

        def also(part: Node) -> bool:
            return self.seen.holds(part) and self.seen.holds(cat(*right, part))

        for part in self.missing if joined else ():
            if some := self._mistaken(part, also, share=len(self.missing)):
                kinds.setdefault(tuple(m.kind for m in some), []).append(some)
        return [tuple(map(merged, *each)) for each in kinds.values()]

    def _mistaken(
        self, part: Node, predicts: Callable[[Node], bool], at: str = "", share: int = 1
    ) -> Mistakes:
        """Mistakes in a part that change none of its parameters; alone, if ``at`` one operation."""
        inputs = self.block.inputs
        right = parameters(part, inputs)

        def counted(graph: Node) -> bool:
            return parameters(graph, inputs) == right

        return explain(
            part,
            self.block.rules(),
            lambda g: counted(g) and predicts(g),
            None if at else counted,
            at,
            share,
        )

    @property
    def has_all_statistics(self) -> bool:
        """Whether its running means and variances could be found, to be set."""
        norms = (n for n in nodes(self.block.graph) if n.op == "norm")
        right = sum(2 * width(n, self.block.inputs) for n in norms)
        return right == sum(t.numel() for t in statistics(self.module))
