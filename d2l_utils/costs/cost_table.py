"""What a network costs: parameters, multiply-accumulates (MACs), bytes moved; layer by layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn
from torch.nn.parameter import is_lazy

from .macs import kind_of, macs_of
from .trace import Operation, trace

__all__ = ["PRECISIONS", "LayerCost", "cost_table", "count_macs", "count_parameters"]

PRECISIONS = {"fp32": 4, "fp16": 2, "int8": 1}  # bytes of a number
PARTS = ("parameters", "buffers", "inputs", "outputs")  # of what an operation moves


def bytes_per_number(precision: str) -> int:
    """Bytes of a number; ValueError for a precision that is none of ``PRECISIONS``."""
    if precision not in PRECISIONS:
        known = ", ".join(PRECISIONS)
        raise ValueError(f"precision = {precision!r}: expected one of {known}")
    return PRECISIONS[precision]


def count_parameters(model: nn.Module, kind: type | tuple[type, ...] = nn.Module) -> int:
    """Number of parameters of ``model`` in its layers of ``kind``, ``nn.Linear`` for example.

    Raises ValueError for a lazy layer that has not seen an input.
    """
    for name, parameter in model.named_parameters():
        if is_lazy(parameter):
            raise ValueError(
                f"{name} has no shape yet: run an example through the network first, or "
                "apply_init([example])"
            )
    layers = [layer for layer in model.modules() if isinstance(layer, kind)]
    return sum({id(p): p.numel() for layer in layers for p in layer.parameters()}.values())


def count_macs(model: nn.Module, X_shape: Sequence[int]) -> int:
    """Multiply-accumulates of the forward pass on an input of ``X_shape``, batch included.

    The pass is made in evaluation mode: running statistics stay, one image of any size will do.

    Those of convolutions and matrix products; biases, activations and pooling are left out, as in
    the literature. ValueError for an operation that nobody has said how to count, and for a network
    that reads numbers out of a tensor: what it does next may depend on them.
    """
    return sum(map(macs_of, _operations(model, X_shape)))


def _operations(model: nn.Module, X_shape: Sequence[int]) -> list[Operation]:
    """What runs, if its shapes alone decide that."""
    operations = list(trace(model, X_shape).operations())
    for operation in operations:
        if operation.name == "_local_scalar_dense":
            raise ValueError(
                f"{operation.module or 'the network'} reads a number out of a tensor (`.item()` or "
                "an `if` on it): what runs, and what it costs, may depend on it"
            )
    return operations


@dataclass(frozen=True)
class LayerCost:
    """One operation on one batch. Sizes are in numbers; ``bytes`` turns them into bytes.

    ``kind`` is "convolution", "linear", "pool", "norm", "activation", "concat", "add" or "other".
    ``macs`` is None where a table does not say how to count, of "other" operations and transposed
    convolutions: such an operation is listed, never silently free.
    """

    name: str  # of the innermost module that ran it, as in ``model.named_modules()``
    kind: str
    operation: str  # torch's name for it
    input_shapes: tuple[tuple[int, ...], ...]
    output_shape: tuple[int, ...]
    weight_shape: tuple[int, ...] = ()  # (c_out, c_in / groups, height, width) or (n_out, n_in)
    parameters: int = 0  # learned ones
    buffers: int = 0  # what is kept but not learned: the running statistics of a norm
    macs: int | None = 0
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def inputs(self) -> int:
        """Numbers read, parameters and buffers apart."""
        return sum(math.prod(shape) for shape in self.input_shapes)

    @property
    def outputs(self) -> int:
        """Numbers written."""
        return math.prod(self.output_shape)

    @property
    def numbers(self) -> int:
        """Numbers of all parts, each moved once."""
        return sum(getattr(self, part) for part in PARTS)

    def bytes_of(self, part: str, precision: str = "fp32") -> int:
        """Bytes of a ``part``: "parameters", "buffers", "inputs" or "outputs"."""
        if part not in PARTS:
            raise ValueError(f"part = {part!r}: expected one of {', '.join(PARTS)}")
        return bytes_per_number(precision) * getattr(self, part)

    def bytes(self, precision: str = "fp32") -> int:
        """Bytes of all parts, each moved once (the *compulsory* traffic)."""
        return bytes_per_number(precision) * self.numbers

    def intensity(self, precision: str = "fp32") -> float:
        """Arithmetic intensity: MACs for each byte moved (Williams et al. 2009, section 2)."""
        return (self.macs or 0) / self.bytes(precision)

    def as_matmul(self) -> tuple[int, int, int]:
        """(M, K, N) of one group's matrix product: M output pixels of the batch, K = inputs of a
        kernel, N filters. ValueError for a layer without weights, or not counted."""
        if self.kind == "convolution" and self.macs is not None:
            n, c_out, *pixels = self.output_shape
            return n * math.prod(pixels), math.prod(self.weight_shape[1:]), c_out // self.groups
        if self.kind == "linear":
            n_out, n_in = self.weight_shape
            return self.outputs // n_out, n_in, n_out
        raise ValueError(f"{self.name or 'the network'} ({self.kind}) is no matrix product")


def cost_table(model: nn.Module, X_shape: Sequence[int]) -> list[LayerCost]:
    """The operations of the forward pass on an input of ``X_shape`` (batch first), in order.

    What only renames or slices memory (a view, a transpose) is left out: it moves nothing. The
    model may live on the ``meta`` device. Evaluation mode, as in ``count_macs``.

    Raises:
        ValueError: ``X_shape`` is not of integers of 1 or more; or the network reads numbers out of
            a tensor, as in ``count_macs``.
    """
    return [_row(each) for each in _operations(model, X_shape) if not each.moves_nothing]


def _row(operation: Operation) -> LayerCost:
    """What ``operation`` costs, read off its arguments."""

    def stored(role: str) -> int:
        return sum(value.stored for value in operation.reads if value.role == role)

    kind, weight_shape, options, transposed = kind_of(operation), (), {}, False
    if kind == "convolution":
        _, weight, _, stride, padding, dilation, transposed, _, groups = operation.arguments
        weight_shape = weight.shape
        options = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
    elif kind == "linear":
        weight_shape = operation.arguments[-1].shape[::-1]  # the product is with its transpose
    return LayerCost(
        name=operation.module,
        kind=kind,
        operation=operation.function.overloadpacket.__name__,
        input_shapes=tuple(value.shape for value in operation.reads if value.role == "data"),
        output_shape=operation.writes[0].shape,
        weight_shape=weight_shape,
        parameters=stored("parameter"),
        buffers=stored("buffer"),
        macs=None if kind == "other" or transposed else macs_of(operation),
        **options,
    )
