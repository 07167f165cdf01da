"""Drawings of networks, made from the modules that run, so that the two cannot differ.

A ``Diagram`` is Mermaid text; JupyterLab renders it (MIME type ``text/vnd.mermaid``).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

__all__ = ["Diagram", "diagram"]

# Colours of its own: a drawing made under JupyterLab's light theme stays when the reader changes
# to the dark one.
THEME = """%%{init: {"theme": "base", "themeVariables": {"primaryColor": "#dcebf7",
"primaryTextColor": "#222222", "primaryBorderColor": "#0072B2", "lineColor": "#7a7a7a"}}}%%
"""


class Diagram:
    """Mermaid source that JupyterLab shows as a picture, a terminal as text."""

    def __init__(self, source: str) -> None:
        self.source = source

    def __repr__(self) -> str:
        return self.source

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/vnd.mermaid": self.source, "text/plain": self.source}


def _size(value) -> str:
    """``3`` or ``(3, 3)`` as 3×3, ``(1, 7)`` as 1×7."""
    height, width = (value, value) if isinstance(value, int) else value
    return f"{height}×{width}"


def _label(layer: nn.Module) -> str:
    """What a layer does, in a few words."""
    match layer:
        case nn.Conv2d():
            text = f"{_size(layer.kernel_size)} conv, {layer.out_channels}"
        case nn.MaxPool2d():
            text = f"{_size(layer.kernel_size)} max pool"
        case nn.AvgPool2d():
            text = f"{_size(layer.kernel_size)} average pool"
        case nn.AdaptiveAvgPool2d():
            text = "global average pool"
        case nn.Linear():
            text = f"fully connected, {layer.out_features}"
        case nn.BatchNorm2d():
            text = "BN"
        case _:
            text = type(layer).__name__  # an Inception block seen from afar, for example
    stride = getattr(layer, "stride", 1)
    stride = stride if isinstance(stride, int) else stride[0]
    return text if stride == 1 else f"{text}, stride {stride}"


# Layers without a box of their own: they join the one they follow.
_JOINED = (nn.ReLU, nn.BatchNorm2d)
_SILENT = (nn.Identity, nn.Flatten, nn.Dropout)


class _Drawing:
    """Collects boxes and arrows while it walks through a network."""

    def __init__(self, shapes: dict[nn.Module, tuple[int, ...]]) -> None:
        self.boxes: list[str] = []
        self.arrows: list[tuple[int, int]] = []
        self.shapes = shapes

    def box(self, label: str, after: Sequence[int] = ()) -> int:
        self.boxes.append(label)
        self.arrows += [(before, len(self.boxes) - 1) for before in after]
        return len(self.boxes) - 1

    def shape(self, layer: nn.Module) -> str:
        return " × ".join(map(str, self.shapes[layer][1:]))

    def walk(self, layer: nn.Module, before: int) -> int:
        """Draw ``layer`` after the box ``before``; the number of the box it ends in."""
        if isinstance(layer, _SILENT):
            return before
        if isinstance(layer, _JOINED):
            self.boxes[before] += f" + {_label(layer)}"
            return before
        if isinstance(layer, nn.Sequential):
            for child in layer:
                before = self.walk(child, before)
            return before
        if hasattr(layer, "branches"):
            ends = [self.walk(branch, before) for branch in layer.branches]
            return self.box(f"concatenate<br>{self.shape(layer)}", ends)
        if hasattr(layer, "body") and hasattr(layer, "scale"):
            end = self.walk(layer.body, before)
            end = self.box(f"× {layer.scale:g}, add the input", [end, before])
            return self.walk(getattr(layer, "relu", nn.Identity()), end)
        return self.box(_label(layer), [before])

    def stage(self, name: str, layer: nn.Module, before: int) -> int:
        """Draw ``layer`` as one box, a line for each layer in it."""
        parts = layer if isinstance(layer, nn.Sequential) else [layer]
        lines = [_label(part) for part in parts if not isinstance(part, _JOINED + _SILENT)]
        title = f"<b>{name}</b>"
        return self.box("<br>".join([title, *lines, f"→ {self.shape(layer)}"]), [before])

    def source(self, direction: str) -> str:
        boxes = [f'    n{i}["{label}"]' for i, label in enumerate(self.boxes)]
        arrows = [f"    n{i} --> n{j}" for i, j in self.arrows]
        return "\n".join([f"{THEME}flowchart {direction}", *boxes, *arrows])


def diagram(
    module: nn.Module, X_shape: Sequence[int], stages: Sequence[str] = (), direction: str = "TB"
) -> Diagram:
    """Draw ``module`` as it treats an input of ``X_shape`` (N, C, H, W).

    Opens chains (``nn.Sequential``), parallel branches (any module with ``branches``, which it
    concatenates) and scaled residuals (any module with ``body`` and ``scale``, which adds the
    scaled body to its input, and then applies its ``relu``, if any); ReLU and BN share the box of
    their layer. With ``stages``, one name for each layer of a network, draws it from afar: a box
    for each. ``direction`` is Mermaid's: ``"TB"`` top to bottom, ``"LR"`` left to right.
    """
    shapes: dict[nn.Module, tuple[int, ...]] = {}

    def note(layer, inputs, output) -> None:
        shapes[layer] = tuple(output.shape)

    hooks = [layer.register_forward_hook(note) for layer in module.modules()]
    was_training = module.training
    try:
        with torch.no_grad():
            module.eval()(torch.zeros(*X_shape))
    finally:
        module.train(was_training)
        for hook in hooks:
            hook.remove()
    drawing, net = _Drawing(shapes), getattr(module, "net", module)
    end = drawing.box("input<br>" + " × ".join(map(str, X_shape[1:])))
    if stages:
        for name, layer in zip(stages, net, strict=True):
            end = drawing.stage(name, layer, end)
    else:
        drawing.walk(net, end)
    return Diagram(drawing.source(direction))
