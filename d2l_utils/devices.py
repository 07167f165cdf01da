"""The CPU and the GPUs (D2L section 6.7)."""

from __future__ import annotations

import torch

__all__ = ["cpu", "gpu", "num_gpus", "try_all_gpus", "try_gpu"]


def cpu() -> torch.device:
    """The CPU (D2L section 6.7)."""
    return torch.device("cpu")


def gpu(i: int = 0) -> torch.device:
    """The i-th GPU (D2L section 6.7)."""
    return torch.device(f"cuda:{i}")


def num_gpus() -> int:
    """How many GPUs torch can use."""
    return torch.cuda.device_count()


def try_gpu(i: int = 0) -> torch.device:
    """The i-th GPU if there is one, else the CPU."""
    return gpu(i) if num_gpus() > i else cpu()


def try_all_gpus() -> list[torch.device]:
    """Every GPU, or the CPU alone."""
    return [gpu(i) for i in range(num_gpus())] or [cpu()]
