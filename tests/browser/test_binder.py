"""A learner's hour on Binder's terms: 2 GB and one core for JupyterLab and all kernels together.

An hour of one core, and it needs root, for a control group: it runs with ``D2L_BINDER=1`` alone.
"""

import contextlib
import os
import time
from pathlib import Path

import pytest
from conftest import running_lab
from lab_page import Lab

pytestmark = pytest.mark.skipif("D2L_BINDER" not in os.environ, reason="D2L_BINDER is not set")

LIMIT = 2 * 10**9
SECTION = "8_4_googlenet"
ONE_BY_ONE = ("0_googlenet", "1_1_batch_norm", "1_2_inception_v3", "3_native_28x28")
ONE_BY_ONE += ("5_compute_and_accelerators",)
AT_ONCE = ("0_googlenet", "4_parameter_count")


class Group:
    """A control group for memory, of version 1 or 2."""

    def __init__(self):
        root = Path("/sys/fs/cgroup")
        self.old = (root / "memory").is_dir()
        self.folder = (root / "memory" if self.old else root) / f"workbook-{os.getpid()}"
        self.folder.mkdir()
        self.write("memory.limit_in_bytes" if self.old else "memory.max", LIMIT)
        with contextlib.suppress(OSError):  # what may be swapped out would not count
            if self.old:
                self.write("memory.memsw.limit_in_bytes", LIMIT)
            else:
                self.write("memory.swap.max", 0)

    def write(self, name, value):
        (self.folder / name).write_text(str(value))

    def read(self, old, new):
        return (self.folder / (old if self.old else new)).read_text()

    @property
    def peak(self):
        return int(self.read("memory.max_usage_in_bytes", "memory.peak"))

    @property
    def killed(self):
        told = self.read("memory.oom_control", "memory.events")
        return int(next(line.split()[1] for line in told.splitlines() if "oom_kill " in line))

    @property
    def wrapper(self):
        enter = f'echo $$ > {self.folder}/cgroup.procs; exec taskset -c 0 "$@"'
        return ["sh", "-c", enter, "sh"]


@pytest.fixture(scope="module")
def group():
    try:
        group = Group()
    except OSError as error:
        pytest.skip(f"no control group for memory: {error}")
    yield group
    time.sleep(1)
    group.folder.rmdir()


@pytest.fixture(scope="module")
def opened(folder, group, browser):
    """Opens a notebook of the section, and runs all its cells."""
    with running_lab(folder, group.wrapper) as address:
        page = browser.new_page(viewport={"width": 1280, "height": 900})

        def open_and_run(name):
            start = time.monotonic()
            notebook = Lab(page, address, f"{SECTION}/{name}.ipynb")
            notebook.menu("Run", "Run All Cells")
            notebook.wait_until_all_ran(600)
            assert not any(
                output["output_type"] == "error"
                for cell in notebook.code()
                for output in cell["outputs"]
            )
            megabytes = group.peak // 10**6
            print(f"{name}: {time.monotonic() - start:.0f} s, peak so far {megabytes} MB")
            return notebook

        yield open_and_run


def test_one_notebook_after_another(opened, group):
    for name in ONE_BY_ONE:
        notebook = opened(name)
        notebook.page.evaluate(
            """async () => {
                const widget = jupyterapp.shell.currentWidget;
                await widget.context.save();
                widget.close();
            }"""
        )
        notebook.page.wait_for_function("jupyterapp.serviceManager.sessions.running().next().done")
    assert group.killed == 0


def test_two_open_at_once(opened, group):
    """The second is opened in the place where the first one stays open."""
    for name in AT_ONCE:
        opened(name)
    assert group.killed == 0
