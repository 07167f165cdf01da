"""What the machine grants: cores, threads, devices, seeds."""

from __future__ import annotations

import contextlib
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


def generator_states() -> dict:
    """The states of the generators that ``seed_everything`` seeds, as ``torch.load`` can read."""
    import numpy as np

    name, keys, *rest = np.random.get_state()
    return {
        "random": random.getstate(),
        "numpy": (name, torch.from_numpy(keys.astype("int64")), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_generator_states(states: dict) -> None:
    """Set every generator as ``generator_states`` found it; GPUs if there are as many."""
    import numpy as np

    random.setstate(states["random"])
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, keys.numpy().astype("uint32"), *rest))
    torch.set_rng_state(states["torch"])
    if len(states["cuda"]) == num_gpus() > 0:
        torch.cuda.set_rng_state_all(states["cuda"])


def _cgroup_quota(proc: Path = Path("/proc"), sys_fs: Path = Path("/sys/fs/cgroup")) -> float:
    """CPUs granted by the control groups this process is in, ``inf`` where none sets a limit."""
    limit = float("inf")
    with contextlib.suppress(OSError):
        for line in (proc / "self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:  # version 2: one tree, a quota may sit at any level of it
                mount, files = sys_fs, ("cpu.max",)
            elif "cpu" in controllers.split(","):  # version 1
                mount, files = sys_fs / "cpu", ("cpu.cfs_quota_us", "cpu.cfs_period_us")
            else:
                continue
            # In a container the path may be the host's: the mount itself is then the group.
            group = mount / path.lstrip("/")
            for level in {mount, *(p for p in (group, *group.parents) if mount in p.parents)}:
                with contextlib.suppress(OSError, ValueError):
                    words = " ".join((level / file).read_text() for file in files).split()
                    quota, period = int(words[0]), int(words[1])  # "max" is no integer: no limit
                    if quota > 0:
                        limit = min(limit, quota / period)
    return limit


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
    with contextlib.suppress(KeyError, ValueError):
        limits.append(float(os.environ["CPU_LIMIT"]))
    return max(1, int(min(limit for limit in limits if limit > 0)))


def set_threads() -> int:
    """Give torch the granted cores; ``OMP_NUM_THREADS``, where set, is the reader's own choice."""
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(granted_cores())
    return torch.get_num_threads()


def keep_memory() -> bool:
    """Let glibc's malloc keep freed memory for the next training step; False where it is not used.

    A step frees and asks again for tensors of tens of megabytes. By default each comes fresh from
    the system, page by page, zeroed: about a fifth of a step's time for GoogLeNet on a CPU.
    """
    m_trim_threshold, m_top_pad, m_mmap_max = -1, -2, -4  # names and numbers of malloc.h
    settings = ((m_mmap_max, 0), (m_trim_threshold, 2**31 - 1), (m_top_pad, 64 << 20))
    try:
        import ctypes

        libc = ctypes.CDLL(None)
        libc.gnu_get_libc_version  # noqa: B018 (other C libraries number their options otherwise)
        return all([libc.mallopt(option, value) == 1 for option, value in settings])
    except (AttributeError, OSError, TypeError):  # musl, macOS, Windows
        return False
