"""Where the numbers of a record come from: the operations of its network, versions, machine."""

from __future__ import annotations

import hashlib
import json
import platform
from pathlib import Path

import torch

from ..costs.trace import network_operations
from ..devices import num_gpus
from ..training import processes

__all__ = ["digest", "network_operations", "provenance"]


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
