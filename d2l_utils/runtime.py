"""What the machine grants: cores, threads, devices, seeds."""

from __future__ import annotations

import os
import random
from pathlib import Path

import torch

__all__ = ["cpu", "gpu", "granted_cores", "num_gpus", "seed_everything", "try_all_gpus", "try_gpu"]


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


def seed_everything(seed: int) -> None:
    """Seed every generator that the workbook draws from: ``random``, numpy and torch."""
    import numpy as np

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def _cgroup_quota(root: Path = Path("/sys/fs/cgroup")) -> float:
    """CPUs granted by the control group, ``inf`` where it sets no limit (cgroup v2, then v1)."""
    readings = (("cpu.max", None), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"))
    for quota_file, period_file in readings:
        try:
            words = (root / quota_file).read_text().split()
            if period_file:
                words += (root / period_file).read_text().split()
            quota, period = words[:2]
            return int(quota) / int(period) if quota != "max" and int(quota) > 0 else float("inf")
        except (OSError, ValueError):
            continue
    return float("inf")


def granted_cores() -> int:
    """Cores this process may use, at least 1.

    ``os.cpu_count()`` counts the machine's cores, also those that a container withholds; training
    with a thread on each of them is several times slower than with the granted ones. The smallest
    of four limits holds: the machine, the process's affinity, the control group's quota, and
    ``CPU_LIMIT``, which JupyterHub and Binder set.
    """
    limits = [float(os.cpu_count() or 1), _cgroup_quota()]
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        limits.append(float(len(os.sched_getaffinity(0))))
    try:
        limits.append(float(os.environ["CPU_LIMIT"]))
    except (KeyError, ValueError):
        pass
    return max(1, int(min(limit for limit in limits if limit > 0)))


def set_threads() -> int:
    """Give torch the granted cores; ``OMP_NUM_THREADS``, where set, is the reader's own choice."""
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(granted_cores())
    return torch.get_num_threads()
