"""The checks of exercise 5: cycles counted rightly pass, small and fast chips too."""

import importlib
import itertools
import math

import pytest

import d2l_utils as d2l
from d2l_utils.checks import run

SECTION = "d2l_utils.checks.8_4_googlenet"
chips = importlib.import_module(f"{SECTION}.chips")


def cycles(M, K, N, R, C):
    return math.ceil(K / R) * math.ceil(N / C) * (2 * R + C + M - 2) - 1


def walking(M, K, N, R, C):
    """Fold by fold, without the formula."""
    now = 0
    for _ in range(0, K, R):
        for _ in range(0, N, C):
            now += R  # loaded
            last = max(m + r + c for m, r, c in itertools.product((M - 1,), (R - 1,), (C - 1,)))
            now += last + 1
    return now - 1


@pytest.mark.parametrize("count", [cycles, walking, d2l.systolic_cycles])
def test_right_counts_pass(count):
    assert run("8.4/5a", count).passed


@pytest.mark.parametrize(
    ("count", "requirement", "reply"),
    [
        (lambda M, K, N, R, C: math.ceil(M * K * N / R / C), 0, "never waits"),
        (lambda *args: cycles(*args) + 1, 0, "one is one less"),
        (lambda M, K, N, R, C: -(-K // R) * -(-N // C) * (R + C + M - 2) - 1, 0, "are loaded"),
        (lambda M, K, N, R, C: -(-K // R) * -(-N // C) * (R + M) - 1, 0, "one row after"),
        (lambda M, K, N, R, C: (K // R) * (N // C) * (2 * R + C + M - 2) - 1, 2, "round up"),
        (lambda M, K, N, R, C: cycles(M, K, N, C, R), 0, "along the rows"),
        (lambda M, K, N, R, C: 2 * R + C + M - 2 - 1, 1, "Draw an array"),
        (lambda M, K, N: 1, 0, "Five arguments"),
        (lambda *args: None, 0, "return its result"),
        (3, 0, "the function itself"),
    ],
)
def test_mistakes_are_named(count, requirement, reply):
    report = run("8.4/5a", count)
    assert (report.failed, reply in report.problem.nudge) == (requirement, True), report.text


def test_scaffolds_are_not_attempted():
    def scaffold(M, K, N, rows, columns):
        raise NotImplementedError

    assert not run("8.4/5a", scaffold).attempted
    for exercise in ("8.4/5a", "8.4/5b", "8.4/5c", "8.4/5d"):
        assert not run(exercise, None).attempted


def test_choices():
    assert run("8.4/5b", "GoogLeNet").passed
    assert "how often" in run("8.4/5b", "AlexNet").problem.nudge
    assert run("8.4/5c", "memory").passed
    assert "43 million" in run("8.4/5c", "compute").problem.nudge


def test_the_best_of_powers_of_two_passes_with_little_to_spare():
    best = d2l.Chip(rows=128, columns=64, buffer=2**16, bandwidth=22.7e9)
    assert run("8.4/5d", best).passed
    assert 0.9 < best.area / chips.LARGEST < 1


@pytest.mark.parametrize(
    ("chip", "requirement", "reply"),
    [
        (128, 0, "Make one"),
        (d2l.Chip(precision="fp16"), 0, "precision and clock"),
        (d2l.Chip(clock=2e9), 0, "precision and clock"),
        (d2l.Chip(rows=32.5), 0, "in parts"),
        (d2l.Chip(rows=16, columns=16), 1, "waits for its array"),
        (d2l.Chip(bandwidth=10e9), 1, "waits for DRAM"),
        (d2l.Chip(rows=256, columns=256), 2, "larger than the DRAM"),
        (d2l.Chip(rows=64, columns=64, bandwidth=100e9), 2, "DRAM waits"),
        (d2l.Chip(rows=64, columns=64, bandwidth=33e9), 2, "half the buffer"),
    ],
)
def test_chips_that_are_slow_or_large(chip, requirement, reply):
    report = run("8.4/5d", chip)
    assert (report.failed, reply in report.problem.nudge) == (requirement, True), report.text
