"""The cores that the machine grants to this process, and as many threads."""

from __future__ import annotations

import contextlib
import functools
import os
from pathlib import Path

import torch

from .neighbours import AT_IMPORT

__all__ = ["granted_cores", "set_threads"]


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
    """Give torch the granted cores that other programs leave free; from then on they stay so many.

    What counts is what the others do while the module is imported. ``OMP_NUM_THREADS``, where set,
    is the reader's own choice.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(AT_IMPORT.free_cores(granted_cores()))
    return torch.get_num_threads()


@functools.cache  # once
def tell_of_fewer_threads() -> None:
    """Say, once, that there are fewer threads than cores, and what to do."""
    threads, cores = torch.get_num_threads(), granted_cores()
    if threads < cores and "OMP_NUM_THREADS" not in os.environ:
        print(
            f"Other programs kept this machine busy when this one started: it computes with "
            f"{threads} of {cores} threads. (OMP_NUM_THREADS={cores} in the environment for all)"
        )
