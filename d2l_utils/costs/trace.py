"""What runs in a network: one forward pass, written down operation by operation.

Costs, fingerprints and drawings are read off this one record.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["Call", "Operation", "Value", "lines", "network_operations", "trace"]


@dataclass(frozen=True)
class Value:
    """A tensor that is read or written. Views of the same memory have the same ``id``."""

    id: int
    shape: tuple[int, ...]
    stored: int  # numbers in memory: fewer than in the shape, where it is expanded
    role: str  # "parameter", "buffer" (running statistics) or "data"


@dataclass(frozen=True)
class Operation:
    """One operation of torch. In its arguments a ``Value`` stands for each tensor."""

    module: str  # the innermost in which it ran, by its name in ``model.named_modules()``
    function: torch._ops.OpOverload
    arguments: tuple
    options: dict
    reads: tuple[Value, ...]
    writes: tuple[Value, ...]

    @property
    def name(self) -> str:
        """Torch's name for it, the same whether it works in place or not."""
        return self.function.overloadpacket.__name__.rstrip("_")

    @property
    def moves_nothing(self) -> bool:
        """Whether it only gives memory another name, as a view does, or reserves it."""
        function, read = self.function, {value.id for value in self.reads}
        if torch.Tag.inplace_view in function.tags or self.name.startswith(("empty", "new_empty")):
            return True
        return not function._schema.is_mutable and read.issuperset(v.id for v in self.writes)


@dataclass
class Call:
    """One call of a module: what it was given, what it returned, and what ran in it, in order."""

    name: str  # of the module, as in ``model.named_modules()``
    module: nn.Module
    reads: tuple[Value, ...] = ()
    writes: tuple[Value, ...] = ()
    steps: list[Operation | Call] = field(default_factory=list)

    @property
    def moves_nothing(self) -> bool:
        """Whether all that ran in it moves nothing."""
        return all(operation.moves_nothing for operation in self.operations())

    def operations(self) -> Iterator[Operation]:
        """All operations, those in calls of other modules among them."""
        for step in self.steps:
            yield from [step] if isinstance(step, Operation) else step.operations()


@torch.no_grad()
def trace(model: nn.Module, X_shape: Sequence[int], training: bool = False) -> Call:
    """The forward pass on an input of zeros of ``X_shape`` (batch first), as it ran.

    In evaluation mode, unless ``training``: running statistics stay, one image of any size will do.
    A pass before it gives lazy layers their shapes. The model may live on the ``meta`` device.

    Raises:
        ValueError: ``X_shape`` is not of integers of 1 or more.
    """
    sizes = X_shape if isinstance(X_shape, Sequence) else ()
    if not sizes or not all(isinstance(n, int) and n >= 1 for n in sizes):
        raise ValueError(f"X_shape = {X_shape!r}: expected integers of 1 or more, batch first")
    device = next((p.device for p in model.parameters()), None)  # the default without any
    X = torch.zeros(*X_shape, device=device)
    modes = {module: module.training for module in model.modules()}
    hooks, fast = [], torch.backends.mha.get_fastpath_enabled()
    try:
        torch.backends.mha.set_fastpath_enabled(False)  # it would hide products in one operation
        model.train(training)
        model(X)
        recorder = _Recorder(model)
        for name, module in model.named_modules():
            enter, leave = partial(recorder.enter, name), recorder.leave
            hooks.append(module.register_forward_pre_hook(enter, with_kwargs=True))
            hooks.append(module.register_forward_hook(leave, with_kwargs=True, always_call=True))
        with recorder:
            model(X)
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes.items():
            module.training = mode
        torch.backends.mha.set_fastpath_enabled(fast)
    return recorder.begun[0].steps[0]


class _Recorder(TorchDispatchMode):
    """Writes down each operation that torch runs, and the module in which it ran."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.begun = [Call("", model)]  # the calls not yet returned from; all belongs to the first
        self.ids: dict[StorageWeakRef, int] = {}  # a weak reference keeps an address from reuse
        self.roles: dict[int, str] = {}
        for role, tensors in (("buffer", model.buffers()), ("parameter", model.parameters())):
            self.roles |= {self.id(tensor): role for tensor in tensors if not is_lazy(tensor)}

    def id(self, tensor: torch.Tensor) -> int:
        return self.ids.setdefault(StorageWeakRef(tensor.untyped_storage()), len(self.ids))

    def noted(self, value):
        """``value`` with a ``Value`` in place of each tensor in it."""
        if isinstance(value, torch.Tensor):
            memory, shape = self.id(value), tuple(value.shape)
            stored = math.prod(n for n, step in zip(shape, value.stride(), strict=True) if step)
            return Value(memory, shape, stored, self.roles.get(memory, "data"))
        if isinstance(value, list | tuple):
            return tuple(self.noted(part) for part in value)
        if isinstance(value, dict):
            return {name: self.noted(part) for name, part in value.items()}
        return value

    def enter(self, name: str, module: nn.Module, args: tuple, kwargs: dict) -> None:
        call = Call(name, module, reads=_values(self.noted((args, kwargs))))
        self.begun[-1].steps.append(call)
        self.begun.append(call)

    def leave(self, module: nn.Module, args: tuple, kwargs: dict, output) -> None:
        self.begun.pop().writes = _values(self.noted(output))

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        call, arguments, options = self.begun[-1], self.noted(args), self.noted(kwargs or {})
        result = function(*args, **(kwargs or {}))
        reads, writes = _values((arguments, options)), _values(self.noted(result))
        call.steps.append(Operation(call.name, function, arguments, options, reads, writes))
        return result


def _values(noted) -> tuple[Value, ...]:
    """Each ``Value``, those in lists and dictionaries too."""
    if isinstance(noted, Value):
        return (noted,)
    if isinstance(noted, dict):
        return _values(tuple(noted.values()))
    return sum(map(_values, noted), ()) if isinstance(noted, tuple) else ()


def lines(call: Call) -> list[str]:
    """Each operation of ``call`` as a line: its name, the shapes it reads, its options.

    Names and classes in the code leave no trace in it; a stride, a width or an extra ReLU does. The
    digests of records are made of these lines: they must stay as they are.
    """

    def write(value):
        if isinstance(value, Value):
            return list(value.shape)
        return [write(part) for part in value] if isinstance(value, tuple) else str(value)

    written = []
    for operation in call.operations():
        options = {name: write(value) for name, value in operation.options.items()}
        written.append(f"{operation.function} {write(operation.arguments)} {options}")
    return written


def network_operations(model: nn.Module, X_shape: Sequence[int]) -> list[str]:
    """The operations of ``model`` in training mode on an input of ``X_shape``, as ``lines``."""
    return lines(trace(model, X_shape, training=True))
