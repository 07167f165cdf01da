"""Where the numbers of a record come from: the operations of its network, versions, machine."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Sequence
from pathlib import Path

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ..devices import num_gpus
from ..training import processes


class _Operations(TorchDispatchMode):
    """Writes down each operation that torch runs: its name, the shapes it reads, its options."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        def write(value):
            if isinstance(value, torch.Tensor):
                return list(value.shape)
            if isinstance(value, list | tuple):
                return [write(part) for part in value]
            return str(value)

        options = {name: write(value) for name, value in (kwargs or {}).items()}
        self.lines.append(f"{operation} {write(args)} {options}")
        return operation(*args, **(kwargs or {}))


def network_operations(model: torch.nn.Module, X_shape: Sequence[int]) -> list[str]:
    """The operations of ``model`` in training mode on an input of ``X_shape``, in order.

    Names and classes in the code leave no trace in it; a stride, a width or an extra ReLU does.
    """
    X = torch.zeros(*X_shape)
    with torch.no_grad():
        model(X)  # lazy layers take their shapes
        model.train()
        with _Operations() as operations:
            model(X)
    return operations.lines


def digest(value) -> str:
    """Sixteen hexadecimal digits that stand for ``value``, anything that JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def provenance() -> dict:
    """Versions and machine, as a record keeps them."""
    import torchvision

    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "cpu": _cpu_model(),
        "threads": torch.get_num_threads(),
        "processes": processes.size(),
        "gpu": torch.cuda.get_device_name() if num_gpus() else None,
    }
