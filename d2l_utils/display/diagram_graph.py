"""The graph that a drawing of a network shows: boxes, and arrows between them.

It is read off a trace: an arrow says that a box reads what another wrote. What attributes are
called says nothing.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import nn

from ..costs.macs import kind_of
from ..costs.trace import Call, Operation, trace
from .diagram_box_text import label, shape_text

__all__ = ["Box", "network_graph"]

_JOINED = (["ReLU"], ["BN"])  # they join the box that they follow, if nothing else follows it


@dataclass(eq=False)
class Box:
    """What a box says, and the boxes in which its arrows begin."""

    lines: list[str]
    before: list[Box] = field(default_factory=list)
    title: str = ""
    role: str = "step"  # or "input", "stage", "joins", "scales", "adds the input"


def network_graph(
    model: nn.Module,
    X_shape: Sequence[int],
    stages: Mapping[nn.Module, str],
    closed: type[nn.Module] | tuple[type[nn.Module], ...],
) -> list[Box]:
    """The boxes of ``model`` on an input of ``X_shape``, in the order in which they ran.

    Modules that hold others are opened; but the ``stages``, with their titles, and modules of the
    types ``closed`` are one box each.
    """
    return _tidied(_Builder(trace(model, X_shape), stages, closed).boxes)


class _Builder:
    """Makes boxes of a trace, and arrows by the memory that one writes and another reads."""

    def __init__(self, root: Call, stages: Mapping, closed: type | tuple[type, ...]) -> None:
        X = root.reads[0]
        self.root, self.stages, self.closed = root, stages, closed
        self.boxes = [Box(["input", shape_text(X)], role="input")]
        self.wrote = {X.id: self.boxes[0]}  # the box that wrote to a memory last
        self.add(root, [])

    def is_open(self, call: Call) -> bool:
        """Whether a module is shown by what runs in it."""
        module = call.module
        if isinstance(module, self.closed) or module in self.stages:
            return False
        if type(module).__module__.startswith("torch.nn."):
            return isinstance(module, nn.Sequential)
        return call is self.root or bool(list(module.children()))

    def add(self, step: Operation | Call, inputs: list[Box]) -> None:
        """Add ``step``, which runs in a module that was given what the boxes ``inputs`` wrote."""
        sources = [self.wrote[value.id] for value in step.reads if value.id in self.wrote]
        before = list(dict.fromkeys(sources))
        if isinstance(step, Call) and self.is_open(step):
            for inner in step.steps:
                self.add(inner, before)
            return
        is_stage = isinstance(step, Call) and step.module in self.stages
        if not before or (step.moves_nothing and not is_stage):
            return
        if isinstance(step, Operation) and step.name in ("clone", "_to_copy"):
            box = before[0]
        else:
            box = self.stage_box(step, before) if is_stage else self.box(step, before, inputs)
            self.boxes.append(box)
        self.wrote |= {value.id: box for value in step.writes}

    def stage_box(self, call: Call, before: list[Box]) -> Box:
        """A box with a line for each layer of a stage; layers alike that follow share it."""
        layers = call.steps if isinstance(call.module, nn.Sequential) else [call]
        texts = [label(layer) for layer in layers if not layer.moves_nothing]
        alike = itertools.groupby(" ".join(text) for text in texts if text not in _JOINED)
        runs = [(line, len(list(run))) for line, run in alike]
        lines = [line if n == 1 else f"{n} × {line}" for line, n in runs]
        shape = f"→ {shape_text(call.writes[0])}"
        return Box([*lines, shape], before, self.stages[call.module], "stage")

    def box(self, step: Operation | Call, before: list[Box], inputs: list[Box]) -> Box:
        """A box for one layer or operation."""
        box = Box(label(step), before)
        if box.lines in _JOINED and len(before) == 1:
            box.role = "joins"
        elif isinstance(step, Operation) and kind_of(step) == "add":
            before.sort(key=self.boxes.index, reverse=True)  # a bare shortcut comes last
            if box.lines == ["add"] and sum(start in inputs for start in before) == 1:
                box.role = "adds the input"
            elif step.name == "mul" and box.lines != ["multiply"]:
                box.role = "scales"
        return box


def _tidied(boxes: list[Box]) -> list[Box]:
    """``boxes`` without those that join another.

    A scale joins the addition of what it scales to the input of its module.
    """
    arrows_from = Counter(start for box in boxes for start in box.before)
    joined: dict[Box, Box] = {}
    kept = []
    for box in boxes:
        box.before = [joined.get(start, start) for start in box.before]
        first = box.before[0] if box.before else None
        if box.role == "joins" and first.role not in ("input", "stage") and arrows_from[first] == 1:
            first.lines[0] += f" + {box.lines[0]}"
            joined[box], arrows_from[first] = first, arrows_from[box]
            continue
        if box.role == "adds the input" and first.role == "scales" and arrows_from[first] == 1:
            kept.remove(first)
            box.lines = [f"{first.lines[0]}, add the input"]
            box.before[:1] = first.before
        kept.append(box)
    return kept
