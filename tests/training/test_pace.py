"""A training that begins to crawl says so, once."""

import re

import pytest
import torch

from d2l_utils.training.pace import FEW, Pace


@pytest.fixture
def pace():
    """A pace whose batches take as long as they are said to."""
    now = [0.0]
    told = Pace(clock=lambda: now[0])

    def batches(n, seconds, images=64):
        for _ in range(n):
            now[0] += seconds
            told.update(images)

    batches.pause = told.pause
    batches.wait = lambda seconds: now.__setitem__(0, now[0] + seconds)
    return batches


@pytest.mark.parametrize(("threads", "remedy"), [(1, ""), (2, "OMP_NUM_THREADS=1")])
def test_a_fall_to_a_third_is_told_once(pace, monkeypatch, capsys, threads, remedy):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    pace(20, 0.1)
    pace(25, 0.35)  # nearly nine seconds
    assert re.search(f"crawls: 1.. images/s, where it had 640.*{remedy}", capsys.readouterr().out)
    pace(100, 5.0)
    assert capsys.readouterr().out == ""


def test_batches_that_take_long_are_told_after_a_few(pace, capsys):
    pace(20, 2.0)
    pace(FEW, 10.0)
    assert "crawls" in capsys.readouterr().out


def test_what_is_no_crawl(pace, capsys):
    pace(3, 2.0)  # the first batches, which are slow
    pace(50, 0.1)
    pace(1, 3.0)  # one slow batch
    pace(50, 0.2)
    pace(10, 0.4)  # a few seconds
    pace(50, 0.1)
    pace.pause()
    pace.wait(60)  # a validation
    pace(50, 0.1)
    pace(1, 0.02, images=3)  # the last one, which is small
    pace.pause()
    pace(50, 0.25)
    assert capsys.readouterr().out == ""
