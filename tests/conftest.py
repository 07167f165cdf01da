"""What every test run shares: as many workers as granted cores, the cores divided between them."""

import os
import sys

import pytest


def pytest_xdist_auto_num_workers(config):
    """What ``-n auto`` means: xdist itself would count cores that a container withholds."""
    from d2l_utils.machine.cores import granted_cores

    return granted_cores()


def pytest_configure(config):
    """Set what workers, and the kernels that they start, inherit."""
    from d2l_utils.machine.cores import granted_cores

    workers = config.getoption("numprocesses", None) or 1
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, granted_cores() // workers)))
    os.environ.pop("D2L_BUDGET", None)  # the tests are written for the quick budget
    os.environ["D2L_PROGRESS"] = os.path.join(os.devnull, "none")  # the reader's is left alone


@pytest.fixture(autouse=True)
def independent():
    """Each test alike in any order: the same random numbers, and no figure of the one before it."""
    import torch  # not before pytest_configure: it reads OMP_NUM_THREADS once, when it is imported

    torch.manual_seed(0)
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture
def redraw(monkeypatch):
    """Makes the check of a block draw its random numbers from another seed."""

    def other(exercise, seed):
        from dataclasses import replace
        from functools import partial

        from d2l_utils.checks.registry import EXERCISES, find

        spec = find(exercise)
        monkeypatch.setitem(
            EXERCISES, exercise, replace(spec, prepare=partial(spec.prepare, seed=seed))
        )

    return other
