"""The die: its parts add up to the chip, its shares to 1, and what is drawn is what is told."""

import math

import pytest

import d2l_utils as d2l
from d2l_utils.chips.chip import ChipCost
from d2l_utils.display.die import areas, draw_die, shares_of_time

CHIPS = [d2l.Chip(), d2l.Chip(128, 64, 2**16, 23e9), d2l.Chip(8, 8, 2**15, 200e9, precision="fp32")]


def run_of(chip, compute, transfer):
    seconds = max(compute, transfer)
    macs = int(0.25 * compute * chip.clock * chip.rows * chip.columns)
    return ChipCost(macs=macs, compute=compute, transfer=transfer, seconds=seconds)


@pytest.mark.parametrize("chip", CHIPS)
def test_the_parts_are_the_chip(chip):
    assert sum(areas(chip).values()) == pytest.approx(chip.area)


def test_what_the_multipliers_do():
    chip = d2l.Chip()
    shares = shares_of_time(chip, run_of(chip, 2e-3, 4e-3))
    assert list(shares.values()) == pytest.approx([0.125, 0.375, 0.5], abs=1e-6)


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize(
    ("times", "bound"), [((1e-3, 3e-3), "DRAM interface"), ((3e-3, 1e-3), "array")]
)
def test_it_is_drawn_to_scale(chip, times, bound):
    figure, axis = d2l.plt.subplots()
    draw_die(axis, chip, run_of(chip, *times), "LeNet")
    *boxes, frame = axis.patches
    drawn = [box.get_width() * box.get_height() for box in boxes]
    mm2 = areas(chip)
    assert drawn[:3] == pytest.approx(
        [share * mm2["array"] for share in shares_of_time(chip, run_of(chip, *times)).values()],
        abs=1e-9,
    )
    assert drawn[3:] == pytest.approx([mm2["buffer"], mm2["DRAM"]])
    assert frame.get_label() == f"LeNet is bound by the {bound}"
    framed = frame.get_width() * frame.get_height()
    assert framed == pytest.approx(mm2["DRAM" if bound == "DRAM interface" else "array"])
    assert axis.get_xlim()[1] > math.sqrt(chip.area)
    d2l.plt.close(figure)
