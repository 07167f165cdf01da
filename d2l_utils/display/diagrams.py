"""Drawings of networks, made from the modules that run, so that the two cannot differ.

A ``Diagram`` is Mermaid text; JupyterLab renders it (MIME type ``text/vnd.mermaid``).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from torch import nn

from .diagram_graph import Box, network_graph

__all__ = ["Diagram", "diagram"]

# Colours of its own: a drawing made under JupyterLab's light theme stays when the reader changes
# to the dark one.
THEME = """%%{init: {"theme": "base", "themeVariables": {"primaryColor": "#dcebf7",
"primaryTextColor": "#222222", "primaryBorderColor": "#0072B2", "lineColor": "#7a7a7a"}}}%%
"""
FRAME = "fill:none,stroke:#7a7a7a,color:#7a7a7a"
DIRECTIONS = ("TB", "BT", "LR", "RL")


class Diagram:
    """Mermaid source that JupyterLab shows as a picture, a terminal as text."""

    def __init__(self, source: str) -> None:
        self.source = source

    def __repr__(self) -> str:
        return self.source

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/vnd.mermaid": self.source, "text/plain": self.source}


def diagram(
    module: nn.Module | Mapping[str, nn.Module],
    X_shape: Sequence[int],
    stages: Sequence[str] = (),
    direction: str = "TB",
    closed: type[nn.Module] | tuple[type[nn.Module], ...] = (),
) -> Diagram:
    """Draw ``module`` as it treats an input of ``X_shape`` (N, C, H, W).

    Boxes are the layers, and the functions called between them; arrows are the tensors that go from
    one to the next. ReLU and BN share the box of their layer. Modules that hold others are opened,
    but for those of the types ``closed``, which are one box each. With ``stages``, one name for
    each layer of a network, draws it from afar: a box for each. ``direction`` is Mermaid's:
    ``"TB"`` top to bottom, ``"LR"`` left to right. Modules by name are drawn side by side, each in
    a frame with its name.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"direction = {direction!r}: expected one of {', '.join(DIRECTIONS)}")
    modules = module if isinstance(module, Mapping) else {"": module}
    graphs = {}
    for name, each in modules.items():
        titles = {}
        if stages:
            layers = list(getattr(each, "net", each).children())
            if len(stages) != len(layers):
                raise ValueError(f"stages = {stages!r}: expected {len(layers)} names, one a layer")
            titles = dict(zip(layers, stages, strict=True))
        graphs[name] = network_graph(each, X_shape, titles, closed)
    return Diagram(_mermaid(graphs, direction))


def _mermaid(graphs: Mapping[str, list[Box]], direction: str) -> str:
    number = {box: f"n{i}" for i, box in enumerate(itertools.chain(*graphs.values()))}
    lines = [f"{THEME}flowchart {direction}"]
    for i, (name, boxes) in enumerate(graphs.items()):
        lines += [f'    subgraph f{i}["{name}"]'] if name else []
        for box in boxes:
            title = [f"<b>{box.title}</b>"] if box.title else []
            lines.append(f'    {number[box]}["{"<br>".join(title + box.lines)}"]')
        lines += [f"    {number[start]} --> {number[box]}" for box in boxes for start in box.before]
        lines += ["    end", f"    style f{i} {FRAME}"] if name else []
    return "\n".join(lines)
