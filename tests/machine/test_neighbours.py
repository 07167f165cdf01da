"""How many cores are free beside other programs."""

import os
import subprocess
import sys
import time

import pytest

from d2l_utils.machine import cores, neighbours


@pytest.mark.parametrize(
    ("there", "busy", "granted", "free"),
    [
        (2, 0.0, 2, 2),
        (2, 0.4, 2, 2),  # a browser, now and then
        (2, 1.0, 2, 1),
        (2, 2.0, 2, 1),
        (2, 7.0, 2, 1),  # more than there are: rounding of the counters
        (8, 1.0, 8, 7),
        (8, 5.0, 2, 2),  # of a large machine a few are granted, and free
        (8, 7.0, 2, 1),
        (1, 1.0, 1, 1),
    ],
)
def test_free_cores(monkeypatch, there, busy, granted, free):
    monkeypatch.setattr(os, "cpu_count", lambda: there)
    monkeypatch.setattr(neighbours.Neighbours, "busy_cores", lambda self: busy)
    assert neighbours.Neighbours().free_cores(granted) == free


def test_another_program_is_seen_and_this_one_is_not(monkeypatch):
    """Counters of a machine on which another one takes 1.5 cores and this one 1."""
    now, machine, own = [0.0], [100.0], [10.0]

    class Times:
        def __init__(self, busy):
            self.user, self.system, self.nice = busy, 0.0, 50 * now[0]

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(neighbours.psutil, "cpu_times", lambda: Times(machine[0]))
    process = type("Process", (), {"cpu_times": lambda self: Times(own[0])})
    monkeypatch.setattr(neighbours.psutil, "Process", process)
    seen = neighbours.Neighbours()
    now[0], machine[0], own[0] = 2.0, 105.0, 12.0
    assert seen.busy_cores() == pytest.approx(1.5)


def test_fewer_threads_are_told_once(monkeypatch, capsys):
    monkeypatch.setattr(cores, "granted_cores", lambda: 64)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the reader's own choice
    cores.tell_of_fewer_threads.cache_clear()
    cores.tell_of_fewer_threads()
    assert capsys.readouterr().out == ""
    monkeypatch.delenv("OMP_NUM_THREADS")
    cores.tell_of_fewer_threads.cache_clear()
    cores.tell_of_fewer_threads()
    cores.tell_of_fewer_threads()
    out = capsys.readouterr().out
    assert out.count("it computes with") == 1
    assert "OMP_NUM_THREADS=64 in the environment for all" in out


def test_import_takes_what_is_left(tmp_path):
    """A fresh Python, on a machine that is said to be busy."""
    code = (
        "import psutil, time; times = psutil.cpu_times; start = time.monotonic()\n"
        "psutil.cpu_times = lambda: times()._replace(user=1e6 * (time.monotonic() - start))\n"
        "import d2l_utils, torch; print(torch.get_num_threads())"
    )
    clean = {k: v for k, v in os.environ.items() if k not in ("OMP_NUM_THREADS", "CPU_LIMIT")}
    done = subprocess.run([sys.executable, "-c", code], env=clean, capture_output=True, text=True)
    assert done.stdout.strip() == "1", done.stderr
