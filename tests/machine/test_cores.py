"""Threads follow what the machine grants."""

import os
import subprocess
import sys

import pytest

import d2l_utils as d2l
from d2l_utils.machine import cores as granting


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Sets up a made-up machine: its control groups, its affinity, its environment."""

    def make(cores=16, affinity=16, files=(), membership="0::/\n", cpu_limit=None):
        proc, sys_fs = tmp_path / "proc", tmp_path / "cgroup"
        (proc / "self").mkdir(parents=True)
        (proc / "self/cgroup").write_text(membership)
        for name, text in dict(files).items():
            (sys_fs / name).parent.mkdir(parents=True, exist_ok=True)
            (sys_fs / name).write_text(text)
        quota = granting._cgroup_quota
        monkeypatch.setattr(granting, "_cgroup_quota", lambda: quota(proc, sys_fs))
        monkeypatch.setattr(os, "cpu_count", lambda: cores)
        monkeypatch.setattr(
            os, "sched_getaffinity", lambda pid: set(range(affinity)), raising=False
        )
        monkeypatch.delenv("CPU_LIMIT", raising=False)
        if cpu_limit is not None:
            monkeypatch.setenv("CPU_LIMIT", cpu_limit)

    return make


V1 = {"cpu/cpu.cfs_period_us": "100000\n"}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ({}, 16),
        ({"cores": 4}, 4),
        ({"affinity": 3}, 3),
        ({"cpu_limit": "2.0"}, 2),
        ({"cpu_limit": "0.5"}, 1),
        ({"cpu_limit": "lots"}, 16),
        ({"cpu_limit": "0"}, 16),
        ({"files": {"cpu.max": "200000 100000\n"}}, 2),
        ({"files": {"cpu.max": "max 100000\n"}}, 16),
        ({"files": {"cpu.max": "350000 100000\n"}}, 3),
        ({"files": {"a/cpu.max": "100000 100000"}, "membership": "0::/a/b\n"}, 1),
        ({"files": {"cpu.max": "400000 100000"}, "membership": "0::/not/here\n"}, 4),
        ({"files": V1 | {"cpu/cpu.cfs_quota_us": "300000"}, "membership": "1:cpu,cpuacct:/\n"}, 3),
        ({"files": V1 | {"cpu/cpu.cfs_quota_us": "-1"}, "membership": "1:cpu:/\n"}, 16),
        ({"files": {"cpu.max": "800000 100000"}, "cpu_limit": "5", "affinity": 6}, 5),
    ],
)
def test_granted_cores(machine, made, expected):
    machine(**made)
    assert d2l.granted_cores() == expected


@pytest.mark.parametrize("env", [{"CPU_LIMIT": "1"}, {"CPU_LIMIT": "2", "OMP_NUM_THREADS": "1"}])
def test_import_sets_the_threads(env):
    code = "import d2l_utils, torch; print(torch.get_num_threads())"
    clean = {k: v for k, v in os.environ.items() if k not in ("OMP_NUM_THREADS", "CPU_LIMIT")}
    out = subprocess.run(
        [sys.executable, "-c", code], env=clean | env, capture_output=True, text=True
    )
    assert out.stdout.strip() == "1", out.stderr


def test_import_leaves_the_slow_packages_alone():
    code = (
        "import sys, torch; before = set(sys.modules); import d2l_utils;"
        "print([m for m in ('matplotlib', 'torchvision', 'IPython', 'torchinfo')"
        " if m in sys.modules and m not in before])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert out.stdout.strip() == "[]", out.stderr
