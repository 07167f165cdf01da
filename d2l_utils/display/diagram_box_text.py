"""What the boxes of a drawing say: a step of a network in a few words."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from ..costs.macs import kind_of
from ..costs.trace import Call, Operation, Value

__all__ = ["label", "shape_text"]

# Layers that are told by the one operation of these kinds that runs in them.
_POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d)
_LAYERS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, *_POOLS)
_KINDS = ("convolution", "linear", "pool")

_NAMES = {
    "native_batch_norm": "BN",
    "_native_batch_norm_legit_no_training": "BN",
    "native_layer_norm": "LayerNorm",
    "native_group_norm": "GroupNorm",
    "relu": "ReLU",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "silu": "SiLU",
    "gelu": "GELU",
    "_softmax": "Softmax",
    "_safe_softmax": "Softmax",
    "_log_softmax": "LogSoftmax",
}
_SIGNS = {"add": "+", "sub": "−", "mul": "×", "div": "÷"}
_VERBS = {"add": "add", "sub": "subtract", "mul": "multiply", "div": "divide"}


def label(step: Operation | Call) -> list[str]:
    """The lines that say what ``step`` does."""
    if isinstance(step, Operation):
        return _of_operation(step)
    layer = step.module
    if isinstance(layer, nn.BatchNorm2d):
        return ["BN"]
    if isinstance(layer, _LAYERS):
        found = [operation for operation in step.operations() if kind_of(operation) in _KINDS]
        if len(found) == 1:
            return _of_operation(found[0])
    return [type(layer).__name__]  # an Inception block seen from afar, for example


def shape_text(value: Value) -> str:
    """The shape of one example."""
    return " × ".join(map(str, value.shape[1:]))


def _of_operation(operation: Operation) -> list[str]:
    name, Y = operation.name, operation.writes[0]
    match kind_of(operation):
        case "convolution":
            _, weight, _, stride, _, _, transposed, *_ = operation.arguments
            conv = "transposed conv" if transposed else "conv"
            return [f"{_size(weight.shape[2:])} {conv}, {Y.shape[1]}{_stride(stride)}"]
        case "linear":
            return [f"fully connected, {Y.shape[-1]}"]
        case "pool":
            return [_pool(name, Y, *operation.arguments)]
        case "concat":
            return ["concatenate", shape_text(Y)]
        case "add":
            return [_arithmetic(name, operation)]
    return [_NAMES.get(name, name.strip("_").replace("_", " "))]


def _pool(name: str, Y: Value, X: Value, size=(), stride=(), *_) -> str:
    if name == "_adaptive_avg_pool2d":
        return f"average pool to {_size(Y.shape[2:])}"
    if name == "mean":
        over_pixels = len(X.shape) == 4 and {n % 4 for n in size or range(4)} == {2, 3}
        return "global average pool" if over_pixels else "mean"
    kind = "max" if name.startswith("max") else "average"
    return f"{_size(size)} {kind} pool{_stride(stride or size)}"


def _arithmetic(name: str, operation: Operation) -> str:
    """ "add", or "× 0.3" with a number, or "× parameter"."""
    for operand in operation.arguments[:2]:
        if not isinstance(operand, Value):
            return f"{_SIGNS[name]} {operand:g}"
        if operand.role != "data":
            return f"{_SIGNS[name]} {operand.role}"
    factor = operation.options.get("alpha", 1)
    return _VERBS[name] if factor == 1 else f"× {factor:g}, {_VERBS[name]}"


def _size(sizes: Sequence[int]) -> str:
    return "×".join(map(str, sizes))


def _stride(strides: Sequence[int]) -> str:
    first, *others = strides
    if all(other == first for other in others):
        return "" if first == 1 else f", stride {first}"
    return f", stride {_size(strides)}"
