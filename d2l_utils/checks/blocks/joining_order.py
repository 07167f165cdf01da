"""In which order an attempt joins its branches, told by their widths, even where they misfit."""

from __future__ import annotations

import contextlib

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from .graph import Node, cat, joint, substitute, width

CONCATENATIONS = (torch.cat, torch.concat, torch.concatenate)


class _Joins(TorchFunctionMode):
    """Notes the channels of what is concatenated, each time."""

    def __init__(self) -> None:
        super().__init__()
        self.channels: list[list[int]] = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function in CONCATENATIONS:
            joined = args[0] if args else kwargs.get("tensors", ())
            self.channels.append([t.shape[1] for t in joined if t.dim() == 4])
        return function(*args, **kwargs)


def in_order_of(module: nn.Module, X: torch.Tensor, right: Node) -> Node:
    """The block ``right``, its branches in the order in which ``module`` joins them.

    ``module`` is made of widths that tell the branches apart; ``right`` comes back if they do not
    show.
    """
    join, inputs = joint(right), X.shape[1]
    if join is None:
        return right
    with _Joins() as seen, contextlib.suppress(Exception), torch.no_grad():
        module(X.clone())
    of_width = {width(branch, inputs): branch for branch in join.inputs}
    for channels in reversed(seen.channels):
        if sorted(channels) == sorted(of_width) and len(of_width) == len(join.inputs):
            return substitute(right, join, cat(*(of_width[n] for n in channels)))
    return right
