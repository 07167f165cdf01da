"""Drawings of networks, made from the modules that run, so that the two cannot differ.

A ``Diagram`` is Mermaid text; JupyterLab renders it (MIME type ``text/vnd.mermaid``).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from .diagram_graph import Box, network_graph

__all__ = ["Diagram", "diagram"]

# Colours of its own: a drawing made under JupyterLab's light theme stays when the reader changes
# to the dark one.
THEME = """%%{init: {"theme": "base", "themeVariables": {"primaryColor": "#dcebf7",
"primaryTextColor": "#222222", "primaryBorderColor": "#0072B2", "lineColor": "#7a7a7a"}}}%%
"""
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
    module: nn.Module,
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
    ``"TB"`` top to bottom, ``"LR"`` left to right.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"direction = {direction!r}: expected one of {', '.join(DIRECTIONS)}")
    titles = {}
    if stages:
        layers = list(getattr(module, "net", module).children())
        if len(stages) != len(layers):
            raise ValueError(f"stages = {stages!r}: expected {len(layers)} names, one for a layer")
        titles = dict(zip(layers, stages, strict=True))
    return Diagram(_mermaid(network_graph(module, X_shape, titles, closed), direction))


def _mermaid(boxes: list[Box], direction: str) -> str:
    number = {box: f"n{i}" for i, box in enumerate(boxes)}
    lines = [f"{THEME}flowchart {direction}"]
    for box in boxes:
        title = [f"<b>{box.title}</b>"] if box.title else []
        lines.append(f'    {number[box]}["{"<br>".join(title + box.lines)}"]')
    lines += [f"    {number[start]} --> {number[box]}" for box in boxes for start in box.before]
    return "\n".join(lines)
