"""What a network costs: parameters, multiply-accumulates (MACs), bytes moved; layer by layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["PRECISIONS", "LayerCost", "cost_table", "count_macs", "count_parameters"]

PRECISIONS = {"fp32": 4, "fp16": 2, "int8": 1}  # bytes of a number


def bytes_per_number(precision: str) -> int:
    """Bytes of a number; ValueError for a precision that is none of ``PRECISIONS``."""
    if precision not in PRECISIONS:
        known = ", ".join(PRECISIONS)
        raise ValueError(f"precision = {precision!r}: expected one of {known}")
    return PRECISIONS[precision]


def count_parameters(model: nn.Module, kind: type | tuple[type, ...] = nn.Module) -> int:
    """Number of parameters of ``model`` in its layers of ``kind``, ``nn.Linear`` for example."""
    layers = [layer for layer in model.modules() if isinstance(layer, kind)]
    return sum({id(p): p.numel() for layer in layers for p in layer.parameters()}.values())


@torch.no_grad()
def count_macs(model: nn.Module, X_shape: Sequence[int]) -> int:
    """Multiply-accumulates of the forward pass on an input of ``X_shape``, batch included.

    The pass is made in evaluation mode: running statistics stay, one image of any size will do.

    Counted by torch's own counter from the operations that run, two FLOPs for a MAC: convolutions
    and matrix products; biases, activations and pooling are left out, as in the literature.
    """
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    _run(model, X_shape, counter)
    return counter.get_total_flops() // 2


@torch.no_grad()
def _run(model: nn.Module, X_shape: Sequence[int], watcher) -> None:
    """One pass in evaluation mode, watched; before it another gives lazy layers their shapes."""
    device = next((p.device for p in model.parameters()), None)  # the default without any
    X = torch.zeros(*X_shape, device=device)
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        model(X)
        with watcher:
            model(X)
    finally:
        for module in training:
            module.training = True


@dataclass(frozen=True)
class LayerCost:
    """One operation on one batch. Sizes are in numbers; ``bytes`` turns them into bytes.

    ``kind`` is "convolution", "linear", "pool", "norm", "activation", "concat", "add" or "other".
    ``macs`` is None where nobody has said how to count: such an operation is listed, never
    silently free.
    """

    name: str  # of the innermost module that ran it, as in ``model.named_modules()``
    kind: str
    operation: str  # torch's name for it
    input_shapes: tuple[tuple[int, ...], ...]
    output_shape: tuple[int, ...]
    weight_shape: tuple[int, ...] = ()  # (c_out, c_in / groups, height, width) or (n_out, n_in)
    parameters: int = 0
    macs: int | None = 0
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def inputs(self) -> int:
        """Numbers read, parameters apart."""
        return sum(math.prod(shape) for shape in self.input_shapes)

    @property
    def outputs(self) -> int:
        """Numbers written."""
        return math.prod(self.output_shape)

    def bytes_of(self, part: str, precision: str = "fp32") -> int:
        """Bytes of a ``part``: "parameters", "inputs" or "outputs"."""
        if part not in ("parameters", "inputs", "outputs"):
            raise ValueError(f"part = {part!r}: expected 'parameters', 'inputs' or 'outputs'")
        return bytes_per_number(precision) * getattr(self, part)

    def bytes(self, precision: str = "fp32") -> int:
        """Bytes of parameters, inputs and outputs, each moved once (the *compulsory* traffic)."""
        return sum(self.bytes_of(part, precision) for part in ("parameters", "inputs", "outputs"))

    def intensity(self, precision: str = "fp32") -> float:
        """Arithmetic intensity: MACs for each byte moved (Williams et al. 2009, section 2)."""
        return (self.macs or 0) / self.bytes(precision)

    def as_matmul(self) -> tuple[int, int, int]:
        """(M, K, N) of one group's matrix product: M output pixels of the batch, K = inputs of a
        kernel, N filters. ValueError for a layer without weights."""
        if self.kind == "convolution":
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
        ValueError: ``X_shape`` is not of integers of 1 or more.
    """
    sizes = X_shape if isinstance(X_shape, Sequence) else ()
    if not sizes or not all(isinstance(n, int) and n >= 1 for n in sizes):
        raise ValueError(f"X_shape = {X_shape!r}: expected integers of 1 or more, batch first")
    recorder = _Recorder(model)
    try:
        _run(model, X_shape, recorder)
    finally:
        recorder.release()
    return recorder.rows


# What torch calls the operations that compute or move something, by our kind of them.
KINDS = {
    "convolution": "convolution",
    "linear": "addmm mm",
    "pool": "max_pool2d_with_indices avg_pool2d _adaptive_avg_pool2d mean",
    "norm": "native_batch_norm _native_batch_norm_legit_no_training",
    "activation": "relu relu_ sigmoid tanh hardtanh hardtanh_ clamp_min silu silu_ gelu hardswish "
    "hardswish_ hardsigmoid _softmax _log_softmax",
    "concat": "cat",
    "add": "add add_ sub mul mul_ div",
    # Names, or other views, of memory that is there already: nothing moves.
    "nothing": "view _unsafe_view t transpose permute expand slice select split split_with_sizes "
    "unsqueeze squeeze detach alias as_strided empty",
}
KIND = {operation: kind for kind, names in KINDS.items() for operation in names.split()}


class _Recorder(TorchDispatchMode):
    """Notes each operation, and the module in which it ran."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.rows: list[LayerCost] = []
        self._inside = [""]
        self._hooks = []
        for name, module in model.named_modules():
            enter = partial(self._enter, name)
            self._hooks.append(module.register_forward_pre_hook(enter))
            self._hooks.append(module.register_forward_hook(self._leave, always_call=True))

    def _enter(self, name: str, *_) -> None:
        self._inside.append(name)

    def _leave(self, *_) -> None:
        self._inside.pop()

    def release(self) -> None:
        """Take the hooks off."""
        for hook in self._hooks:
            hook.remove()

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        name = operation.overloadpacket.__name__
        if KIND.get(name) != "nothing":
            self.rows.append(_row(self._inside[-1], name, args, result))
        return result


def _row(module: str, operation: str, args: tuple, result) -> LayerCost:
    """What ``operation`` costs, read off its arguments."""
    kind = KIND.get(operation, "other")
    data, parameters, weight, macs, options = _tensors(args), [], None, 0, {}
    output = _tensors([result])[0]
    if kind == "convolution":
        X, weight, bias, stride, padding, dilation, transposed, _, groups = args
        data, parameters = [X], [weight, bias]
        macs = None if transposed else output.numel() * weight[0].numel()
        options = {"stride": tuple(stride), "padding": tuple(padding), "groups": groups}
        options["dilation"] = tuple(dilation)
    elif kind == "linear":
        *bias, X, columns = data
        weight, data = columns.t(), [X]
        parameters, macs = [weight, *bias], X.numel() * columns.shape[1]
    elif kind == "norm":
        data, parameters = data[:1], data[1:]
    elif kind == "other":
        macs = None
    return LayerCost(
        module,
        kind,
        operation,
        tuple(tuple(part.shape) for part in data),
        tuple(output.shape),
        tuple(weight.shape) if weight is not None else (),
        sum(part.numel() for part in parameters if part is not None),
        macs,
        **options,
    )


def _tensors(values) -> list[torch.Tensor]:
    """The tensors in ``values``, those in lists among them too."""
    found = []
    for value in values:
        parts = value if isinstance(value, list | tuple) else (value,)
        found += [part for part in parts if isinstance(part, torch.Tensor)]
    return found
