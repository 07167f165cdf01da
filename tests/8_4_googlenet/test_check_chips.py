"""The checks of exercise 5: cycles counted rightly pass, small and fast chips too."""

import dataclasses
import importlib
import itertools
import math

import numpy as np
import pytest
import torch

import d2l_utils as d2l
from d2l_utils.checks import run

SECTION = "d2l_utils.checks.8_4_googlenet"
chips = importlib.import_module(f"{SECTION}.chips")
cycle_check = importlib.import_module(f"{SECTION}.cycles")
numbers = importlib.import_module(f"{SECTION}.5_compute_and_accelerators")


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


def in_numpy(M, K, N, R, C):
    M, K, N, R, C = map(np.int64, (M, K, N, R, C))
    return np.ceil(K / R) * np.ceil(N / C) * (2 * R + C + M - 2) - 1


@pytest.mark.parametrize(
    "count",
    [cycles, walking, in_numpy, lambda *args: np.int64(cycles(*args)), d2l.systolic_cycles],
)
def test_right_counts_pass(count):
    assert run("8.4/5a", count).passed


def folds(K, N, R, C):
    return math.ceil(K / R) * math.ceil(N / C)


def fails_on_a_vector(M, K, N, R, C):
    if M == 1:
        raise ValueError("one row")
    return cycles(M, K, N, R, C) + 1


@pytest.mark.parametrize(
    ("count", "requirement", "reply"),
    [
        (lambda M, K, N, R, C: math.ceil(M * K * N / R / C), 0, "never waits"),
        (lambda M, K, N, R, C: M * K * N / (R * C), 0, "never waits"),
        (lambda *args: cycles(*args) + 1, 0, "one is one less"),
        (lambda M, K, N, R, C: folds(K, N, R, C) * (2 * R + C + M - 3), 1, "not in each fold"),
        (lambda M, K, N, R, C: folds(K, N, R, C) * (R + C + M - 2) - 1, 0, "are loaded"),
        (lambda M, K, N, R, C: R + folds(K, N, R, C) * (R + C + M - 2) - 1, 1, "loaded anew"),
        (lambda M, K, N, R, C: folds(K, N, R, C) * (R + 2 * C + M - 2) - 1, 0, "R rows of weights"),
        (lambda M, K, N, R, C: folds(K, N, R, C) * (R + M) - 1, 0, "one row after"),
        (lambda M, K, N, R, C: folds(K, N, R, C) * (2 * R + C + M) - 1, 0, "M + R + C − 2"),
        (lambda M, K, N, R, C: folds(K, N, R, C) * (2 * R + M - 1) - 1, 0, "M + R + C − 2"),
        (lambda M, K, N, R, C: (K // R) * (N // C) * (2 * R + C + M - 2) - 1, 2, "round up"),
        (lambda M, K, N, R, C: (K / R) * (N / C) * (2 * R + C + M - 2) - 1, 2, "round up"),
        (lambda M, K, N, R, C: int(K / R * N / C * (2 * R + C + M - 2) - 1), 2, "round up"),
        (
            lambda M, K, N, R, C: math.ceil(K * N / R / C) * (2 * R + C + M - 2) - 1,
            2,
            "each by itself",
        ),
        (lambda M, K, N, R, C: cycles(M, K, N, C, R), 0, "along the rows"),
        (lambda M, K, N, R, C: cycles(M, N, K, R, C), 0, "along the rows"),
        (lambda M, K, N, R, C: cycles(K, M, N, R, C), 0, "rows of inputs pass"),
        (lambda M, K, N, R, C: 2 * R + C + M - 2 - 1, 1, "each piece with each"),
        (lambda M, K, N, R, C: math.ceil(K / R) * (2 * R + C + M - 2) - 1, 1, "each piece with"),
        (lambda M, K, N: 1, 0, "Five arguments"),
        (lambda *args: None, 0, "return its result"),
        (lambda *args: "13", 0, "one whole number"),
        (3, 0, "the function itself"),
        (fails_on_a_vector, 0, "one is one less"),
    ],
)
def test_mistakes_are_named(count, requirement, reply):
    report = run("8.4/5a", count)
    assert (report.failed, reply in report.problem.nudge) == (requirement, True), report.text


@pytest.mark.parametrize("number", [5, 9, 14])  # of mistakes, in the first product alone
def test_a_mistake_that_does_not_explain_every_number_is_not_named(number):
    mistaken = [
        nudge for count, nudge in cycle_check.MISTAKES if count(*cycle_check.FITS) == number
    ]
    assert mistaken
    problem = run("8.4/5a", lambda *args: number).problem
    assert problem.nudge == cycle_check.OTHERWISE


def test_every_mistake_is_one_and_gets_its_words():
    for count, nudge in cycle_check.MISTAKES:
        report = run("8.4/5a", count)
        assert not report.passed
        assert report.problem.nudge == nudge, report.text


def test_scaffolds_are_not_attempted():
    def scaffold(M, K, N, rows, columns):
        raise NotImplementedError

    assert not run("8.4/5a", scaffold).attempted
    for letter in "abcdefgh":
        assert not run(f"8.4/5{letter}", None).attempted


def test_choices():
    assert run("8.4/5b", "GoogLeNet").passed
    assert "how often" in run("8.4/5b", "AlexNet").problem.nudge
    assert run("8.4/5c", "memory").passed
    assert "43 million" in run("8.4/5c", "compute").problem.nudge


def test_the_best_of_powers_of_two_passes_with_little_to_spare():
    best = d2l.Chip(rows=128, columns=64, buffer=2**16, bandwidth=23.3e9)
    assert run("8.4/5d", best).passed
    assert 0.9 < best.area / chips.LARGEST < 1
    for whole in (np.int64, np.int32, float):
        sizes = {name: whole(getattr(best, name)) for name in ("rows", "columns", "buffer")}
        assert run("8.4/5d", dataclasses.replace(best, **sizes)).passed


@pytest.mark.parametrize(
    ("chip", "requirement", "reply"),
    [
        (128, 0, "Make one"),
        (d2l.Chip(precision="fp16"), 0, "precision and clock"),
        (d2l.Chip(clock=2e9), 0, "precision and clock"),
        (d2l.Chip(rows=32.5), 0, "in parts"),
        (d2l.Chip(rows=np.float64(32.5)), 0, "in parts"),
        (d2l.Chip(buffer=1), 1, "more buffer"),
        (d2l.Chip(rows=16, columns=16), 1, "waits for its array"),
        (d2l.Chip(bandwidth=10e9), 1, "waits for DRAM"),
        (d2l.Chip(rows=256, columns=256), 2, "fewer columns"),
        (d2l.Chip(256, 64, 2**16, 24e9), 2, "fewer rows"),
        (d2l.Chip(128, 64, 2**19, 22e9), 2, "smaller one"),
        (d2l.Chip(rows=64, columns=64, bandwidth=33e9), 2, "smaller one"),
        (d2l.Chip(rows=64, columns=64, bandwidth=100e9), 2, "less bandwidth"),
        (d2l.Chip(128, 64, 2**16, 30e9), 2, "less bandwidth"),
        (d2l.Chip(64, 128, 2**15, 29.4e9), 2, "trade one for another"),
    ],
)
def test_chips_that_are_slow_or_large(chip, requirement, reply):
    report = run("8.4/5d", chip)
    assert (report.failed, reply in report.problem.nudge) == (requirement, True), report.text


# -- the data sheet --------------------------------------------------------------------------------


def table_of(make, activations=False):
    with torch.device("meta"):
        net = make().eval()
        net(torch.empty(1, 3, 224, 224))
    rows = d2l.cost_table(net, (1, 3, 224, 224))
    return [row for row in rows if activations or row.kind != "activation"]


def moved(rows):
    return sum(row.bytes("int8") for row in rows)


def test_the_numbers_are_those_of_the_tables():
    weights = [sum(row.parameters for row in table_of(net)) for net in (d2l.AlexNet, d2l.GoogleNet)]
    assert weights == [round(1e6 * n) for n in (numbers.ALEXNET, numbers.GOOGLENET)]
    assert moved(table_of(d2l.AlexNet)) == round(1e6 * numbers.TRAFFIC)
    assert moved(table_of(d2l.AlexNet, True)) == round(1e6 * numbers.TRAFFIC_WITH_RELU)
    rows = table_of(d2l.GoogleNet)
    assert moved(rows) == round(1e6 * numbers.GOOGLENET_TRAFFIC)
    enough = [
        kib
        for kib in (16, 32, 64, 128, 256)
        if sum(d2l.dram_bytes(row, 1024 * kib, "int8") for row in rows) <= 1.05 * moved(rows)
    ]
    assert enough == [128, 256]
    (c1, (c2, _), (c3, _), _) = d2l.GOOGLENET[0][0]
    one = cycles(784, 192, c1 + c2 + c3, 128, 128)
    apart = sum(cycles(784, 192, c, 128, 128) for c in (c1, c2, c3))
    assert (one, apart) == (4663, 6993)


@pytest.mark.parametrize(
    ("letter", "answer"),
    [
        ("e", 52.77),
        ("e", 53),
        ("e", np.float64(52.771780)),
        ("f", 48.4),
        ("f", 48.372116),
        ("g", 128),
        ("g", np.int64(128)),
        ("h", 4663),
        ("h", np.float64(4663)),
    ],
)
def test_right_numbers_pass(letter, answer):
    assert run(f"8.4/5{letter}", answer).passed


@pytest.mark.parametrize(
    ("letter", "answer", "reply"),
    [
        ("e", 46.8, "AlexNet's"),
        ("e", 5.98, "GoogLeNet's"),
        ("e", 211.1, "32 bits"),
        ("e", 105.5, "16 bits"),
        ("e", 422, "are bits"),
        ("e", 52771780, "are bytes"),
        ("e", 50.33, "MiB"),
        ("e", 52772, "are kB"),
        ("e", 0.0528, "are GB"),
        ("e", 7.82, "How many parameters"),
        ("f", 46.8, "maps are read"),
        ("f", 1.584, "weights come"),
        ("f", 20.7, "GoogLeNet's"),
        ("f", 193.5, "32 bits"),
        ("f", 387, "are bits"),
        ("f", 0.0484, "1,000 in a second"),
        ("f", 48372, "MB/s"),
        ("f", 48.372116e9, "bytes a second"),
        ("f", 49.6, "ReLU"),
        ("f", 25, "Add up"),
        ("g", 131072, "are bytes"),
        ("g", 32, "Still too much"),
        ("g", 64, "Still too much"),
        ("g", 256, "the least"),
        ("g", 735, "power of two"),
        ("h", 6993, "one after the other"),
        ("h", 4664, "one less"),
        ("h", 2331, "one of the three"),
        ("h", 5, "side by side"),
    ],
)
def test_wrong_numbers_get_their_reply(letter, answer, reply):
    assert reply in run(f"8.4/5{letter}", answer).problem.nudge
