"""On what machine, and with which versions, a run was made."""

from __future__ import annotations

import platform
from pathlib import Path

import torch

from ..devices import num_gpus
from ..training import distributed

__all__ = ["provenance"]


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
        "processes": distributed.size(),
        "gpu": torch.cuda.get_device_name() if num_gpus() else None,
    }
