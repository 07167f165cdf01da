"""Programs that train one study at the same time: each run is trained once, all are made."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock

from d2l_utils.studies.sharing import shared_out


@pytest.fixture
def lock(tmp_path):
    return lambda run: tmp_path / f"{run}.lock"


def test_alone_all_that_is_missing(lock):
    made = {"b"}
    for run in shared_out("abc", lambda run: run not in made, lock):
        made.add(run)
    assert made == set("abc")
    assert list(shared_out("abc", lambda run: run not in made, lock)) == []


def test_what_another_one_is_at_comes_last_if_that_one_stopped(lock):
    made = []
    other = FileLock(lock("a"), thread_local=False)
    other.acquire()
    for run in shared_out("abc", lambda run: run not in made, lock):
        made.append(run)
        if run == "c":  # the other one ends without a result while "c" is trained
            other.release()
    assert made == ["b", "c", "a"]


def test_waits_for_what_another_one_makes(lock):
    made, held, last = set(), threading.Event(), threading.Event()

    def another_one():
        with FileLock(lock("a")):
            held.set()
            last.wait()
            time.sleep(0.3)
            made.add("a")

    other = threading.Thread(target=another_one)
    other.start()
    held.wait()
    ours = []
    for run in shared_out("ab", lambda run: run not in made, lock):
        ours.append(run)
        made.add(run)
        last.set()
    other.join()
    assert ours == ["b"]
    assert made == {"a", "b"}


def test_a_closed_iterator_holds_nothing(lock):
    runs = shared_out("a", lambda run: True, lock)
    next(runs)
    with pytest.raises(TimeoutError):
        FileLock(lock("a")).acquire(blocking=False)
    runs.close()
    FileLock(lock("a")).acquire(blocking=False)


def test_all_processes_of_torchrun_take_each_run(lock, monkeypatch):
    monkeypatch.setattr("d2l_utils.training.distributed.size", lambda: 2)
    with FileLock(lock("a")):
        assert list(shared_out("ab", lambda run: True, lock)) == ["a", "b"]


PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
import pytest, torch
from torch import nn
import d2l_utils as d2l
from few_images import take_few_images

class Net(d2l.Classifier):
    def __init__(self, lr):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Flatten(), nn.LazyLinear(10))

take_few_images(pytest.MonkeyPatch(), 1000)
common = dict(epochs=20, batch_size=10, resize=10)
study = d2l.Study("section/tiny", lambda config: Net(config["lr"]), {{"a": {{"lr": 0.1}}}},
                  common, seeds=range(4))
study.fingerprint("a")
Path(sys.argv[1]).touch()
while not Path(sys.argv[2]).exists():
    pass
study.run()
"""


def test_two_programs_train_each_run_once(tmp_path):
    program = PROGRAM.format(tests=str(Path(__file__).parents[1]))
    environment = {**os.environ, "D2L_RESULTS": str(tmp_path), "D2L_BUDGET": "full"}
    environment |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    ready = [tmp_path / "one", tmp_path / "two"]
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", program, ours, theirs],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for ours, theirs in (ready, ready[::-1])
    ]
    told = [program.communicate()[0] for program in programs]
    assert [program.returncode for program in programs] == [0, 0]
    trained = [out.count("test accuracy") for out in told]
    assert sum(trained) == 4
    assert min(trained) >= 1
    assert all(out.endswith("all recorded: arms 1, runs 4\n") for out in told)
    runs = json.loads((tmp_path / "section/tiny.json").read_text())["runs"]
    assert sorted(run["seed"] for run in runs) == [0, 1, 2, 3]
