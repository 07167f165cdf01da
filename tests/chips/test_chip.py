"""The model of an accelerator, against published figures, brute force and its own laws."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import d2l_utils as d2l
from d2l_utils.chips import dram_traffic as dram
from d2l_utils.chips import energy


@pytest.mark.parametrize(
    ("K", "N", "M", "cycles"),
    [(192, 64, 784, 10_535), (864, 128, 784, 94_823), (4096, 1000, 1, 389_119)],
)
def test_scale_sims_figures(M, K, N, cycles):
    assert d2l.systolic_cycles(M, K, N, 32, 32) == cycles


@pytest.mark.parametrize(
    ("M", "K", "N", "rows", "columns", "cycles"),
    [(12_100, 147, 64, 128, 128, 38_094), (784, 192, 64, 16, 64, 13_229)],
)
def test_scale_sims_figures_with_the_sums_kept(M, K, N, rows, columns, cycles):
    assert d2l.systolic_cycles(M, K, N, rows, columns, "output") == cycles


def test_one_product_after_another():
    """The cycle of the last product, where the first cycle has the number 0."""
    for M, K, N in itertools.product((1, 2, 5), repeat=3):
        # row r's inputs enter r cycles late, column c's weights c cycles late, then K steps
        last = max(r + c + K - 1 for r in range(M) for c in range(N))
        assert d2l.systolic_cycles(M, K, N, M, N, "output") == last


def test_loads_that_overlap_fold_by_fold():
    """The next weights come while inputs pass, a row a cycle, once the set before is in use."""
    for M, K, N, R, C in itertools.product((1, 3, 9), (2, 8, 9), (3, 7), (2, 4), (3, 5)):
        folds = math.ceil(K / R) * math.ceil(N / C)
        loaded, passed = R, 0  # when weights are there; when the inputs before have entered
        for _ in range(folds):
            start = max(loaded, passed)
            loaded, passed = start + R, start + M
        last = passed - 1 + (R - 1) + (C - 1)
        counted = d2l.systolic_cycles(M, K, N, R, C, loads_overlap=True)
        assert counted == last <= d2l.systolic_cycles(M, K, N, R, C)
    with pytest.raises(ValueError, match="loads_overlap = True: with dataflow 'output' no weights"):
        d2l.systolic_cycles(M, K, N, R, C, "output", loads_overlap=True)


sizes = st.integers(1, 300)


@given(M=sizes, K=sizes, N=sizes, rows=st.integers(1, 64), columns=st.integers(1, 64))
def test_no_array_is_more_than_busy(M, K, N, rows, columns):
    for dataflow in ("weight", "output"):
        cycles = d2l.systolic_cycles(M, K, N, rows, columns, dataflow)
        assert rows * columns * (cycles + 1) >= M * K * N  # the first cycle has the number 0


@pytest.mark.parametrize("bad", [{"M": 0}, {"rows": 0}, {"dataflow": "input"}])
def test_bad_products(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        d2l.systolic_cycles(**{"M": 1, "K": 1, "N": 1, "rows": 1, "columns": 1, **bad})


def conv(channels, c_in, kernel, size, batch=1, **options):
    net = nn.Conv2d(c_in, channels, kernel, bias=False, **options)
    return d2l.cost_table(net, (batch, c_in, size, size))[0]


LAYERS = {
    "3x3": conv(6, 4, 3, 6, padding=1),
    "5x5": conv(3, 5, 5, 8, padding=2),
    "strided": conv(4, 3, 3, 9, stride=2),
    "batch": conv(4, 2, 3, 4, batch=3, padding=1),
    "1x1": conv(8, 6, 1, 5),
    "linear": d2l.cost_table(nn.Linear(12, 7, bias=False), (4, 12))[0],
}


def by_running(layer, order, images, rows, filters, channels):
    """What is moved, finished numbers and sums, by walking through the loops and looking what is
    on the chip already."""
    g = dram._geometry(layer)
    tiles = [(i, j) for i in range(0, g.images, images) for j in range(0, g.height, rows)]
    ranges = {"p": tiles, "n": range(0, g.filters, filters), "c": range(0, g.channels, channels)}
    held, begun, moved, sums = {}, set(), 0, 0
    for at in itertools.product(*(ranges[loop] for loop in order)):
        i = dict(zip(order, at, strict=True))
        image, row = i["p"]
        n_images = min(images, g.images - image)
        n_filters, n_channels = min(filters, g.filters - i["n"]), min(channels, g.channels - i["c"])
        last = min(row + rows, g.height) - 1
        end = last * g.stride - g.padding + (g.kernel_height - 1) * g.dilation + 1
        read = min(end, g.input_height) - max(row * g.stride - g.padding, 0)
        if rows == g.height:
            read = g.input_height
        sizes = {
            "weights": (
                (i["n"], i["c"]),
                n_filters * n_channels * g.kernel_height * g.kernel_width,
            ),
            "inputs": ((i["c"], i["p"]), n_images * n_channels * read * g.input_width),
        }
        for operand, (tile, size) in sizes.items():
            if held.get(operand) != tile:
                held[operand], moved = tile, moved + size
        tile, size = (i["n"], i["p"]), n_images * n_filters * (last - row + 1) * g.width
        if held.get("outputs") != tile:  # each stay on the chip ends in a write, the last one's
            if tile in begun:  # of what is finished; before that, sums are written and read
                sums += 2 * size
            else:
                moved += size
            held["outputs"] = tile
            begun.add(tile)
    return moved, sums


@pytest.mark.parametrize("name", LAYERS)
def test_no_tiling_moves_less_than_running_it_says(name):
    layer = LAYERS[name]
    g = dram._geometry(layer)
    ways, steps = d2l.tilings(layer), dram._steps
    by_formula = list(zip(ways.moved.tolist(), ways.moved_sums.tolist(), strict=True))
    pixels = [(b, g.height) for b in steps(g.images)] + [(1, h) for h in steps(g.height)[:-1]]
    tiles = list(itertools.product(pixels, steps(g.filters), steps(g.channels)))
    assert by_formula == [
        by_running(layer, order, *pixel, n, c)
        for order in itertools.permutations("pnc")
        for pixel, n, c in tiles
    ]
    assert len(ways.operands) == len(ways.sums) == 6 * len(tiles)


def test_sums_are_wider_than_what_is_finished():
    """By hand: of 4 images of 8 numbers to 4, in tiles. Sums of 32 bits, all else of 8."""
    layer = d2l.cost_table(nn.Linear(8, 4, bias=False), (4, 8))[0]
    whole = 4 * 8 + 8 * 4 + 4 * (4 * 4)
    assert d2l.dram_bytes(layer, whole, "int8") == 32 + 32 + 16
    assert d2l.dram_bytes(layer, 32 + 32 + 16, "int8", sum_bytes=1) == 32 + 32 + 16
    # the least tile is one of each: an image's input, a weight and a sum. An output stays until it
    # is finished, each weight comes for each image, each input for each of the 4 outputs
    assert d2l.dram_bytes(layer, 1 + 1 + 4, "int8") == 4 * 32 + 4 * 32 + 16


@settings(max_examples=30, deadline=None)
@given(
    c_in=st.integers(1, 20),
    channels=st.integers(1, 20),
    kernel=st.sampled_from([1, 3, 5]),
    size=st.integers(5, 20),
    stride=st.integers(1, 3),
    batch=st.integers(1, 4),
)
def test_traffic_falls_to_the_compulsory(c_in, channels, kernel, size, stride, batch):
    layer = conv(channels, c_in, kernel, size, batch, stride=stride, padding=kernel // 2)
    ways = d2l.tilings(layer)
    least = 4 * int((ways.operands + ways.sums).min())
    traffic = [d2l.dram_bytes(layer, least * 2**i) for i in range(20)]
    assert traffic == sorted(traffic, reverse=True)
    assert traffic[-1] == layer.bytes()
    with pytest.raises(ValueError, match="the smallest tile"):
        d2l.dram_bytes(layer, least - 1)


def test_groups_move_each_their_own():
    grouped, one = conv(8, 8, 3, 6, padding=1, groups=4), conv(2, 2, 3, 6, padding=1)
    assert d2l.dram_bytes(grouped, 10**6) == grouped.bytes() == 4 * one.bytes()


def test_a_chip_is_bound_by_what_is_short():
    layer = conv(64, 64, 3, 16, padding=1)
    fast = d2l.run_on(d2l.Chip(bandwidth=1e15), [layer])
    slow = d2l.run_on(d2l.Chip(bandwidth=1e6), [layer])
    assert (fast.bound, slow.bound) == ("compute", "memory")
    assert fast.seconds == fast.compute
    assert slow.seconds == slow.transfer == slow.dram_bytes / 1e6
    assert math.isclose(fast.energy, slow.energy)
    both = d2l.run_on(d2l.Chip(), [layer, layer])
    assert both.seconds == pytest.approx(2 * d2l.run_on(d2l.Chip(), [layer]).seconds)


def test_horowitzs_figures_come_back():
    for size, picojoules in energy.SRAM_PJ:
        assert energy.sram_picojoules(size) == pytest.approx(picojoules)
    layer = conv(1, 1, 1, 1)
    run = d2l.run_on(d2l.Chip(precision="fp32"), [layer])
    assert run.mac_energy == pytest.approx(4.6e-12)
    assert run.dram_energy == pytest.approx(3 * 4 / 8 * 1300e-12)


def test_the_buffer_keeps_sums_between_folds():
    """A product of 3 x 10 by 10 x 5 on 4 x 4: three folds of K, two of N."""
    layer = d2l.cost_table(nn.Linear(10, 5, bias=False), (3, 10))[0]
    run = d2l.run_on(d2l.Chip(rows=4, columns=4, buffer=2**20), [layer])
    accessed = 10 * 5 + 2 * 3 * 10 + 3 * 5 + 4 * 3 * 5 * 2 * 2
    assert run.sram_energy == pytest.approx(1e-12 * accessed / 8 * 100)


def test_area_grows_with_everything():
    chip = d2l.Chip()
    for larger in ({"rows": 256}, {"buffer": 2**21}, {"bandwidth": 50e9}, {"precision": "fp16"}):
        assert d2l.Chip(**larger).area > chip.area


@pytest.mark.parametrize("bad", [{"rows": 0}, {"bandwidth": -1}, {"precision": "int4"}])
def test_bad_chips(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        d2l.Chip(**bad)


def test_a_layer_that_is_not_counted_is_refused():
    table = d2l.cost_table(nn.ConvTranspose2d(1, 1, 2), (1, 1, 4, 4))
    with pytest.raises(ValueError, match="can't be put on a chip"):
        d2l.run_on(d2l.Chip(), table)


def test_the_traffic_of_weights_that_are_no_parameters():
    class Blur(nn.Module):
        def forward(self, X):
            return nn.functional.conv2d(X, torch.ones(1, 1, 3, 3))

    *_, blur = d2l.cost_table(Blur(), (1, 1, 6, 6))
    own = conv(1, 1, 3, 6)
    for buffer in (1000, 10**6):
        assert d2l.dram_bytes(blur, buffer) == d2l.dram_bytes(own, buffer)


@pytest.mark.parametrize(
    ("net", "shape", "message"),
    [
        (nn.ConvTranspose2d(1, 1, 2), (1, 1, 4, 4), "is no matrix product"),
        (nn.Conv1d(2, 3, 5), (1, 2, 8), r"weights of shape \(3, 2, 5\): expected a convolution of"),
        (nn.MaxPool2d(2), (1, 2, 8, 8), "is no matrix product"),
    ],
)
def test_what_has_no_tiles_is_refused(net, shape, message):
    (layer,) = d2l.cost_table(net, shape)
    with pytest.raises(ValueError, match=f"the network.* {message}"):
        d2l.tilings(layer)


def test_an_unknown_precision_is_named():
    with pytest.raises(ValueError, match="precision = 'fp8': expected one of fp32, fp16, int8"):
        d2l.dram_bytes(LAYERS["3x3"], 10**6, "fp8")


def on_meta(net, *shape):
    with torch.device("meta"):
        net = net().eval()
        net(torch.empty(*shape))
    return net


def small():
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1, bias=False),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(3, 5, 1, bias=False),
    )


class Shortcut(nn.Module):
    def __init__(self, relu=False):
        super().__init__()
        self.conv, self.relu = nn.Conv2d(4, 4, 1), relu

    def forward(self, X):
        Y = torch.relu(X) if self.relu else X
        return X + self.conv(self.conv(Y))


@pytest.mark.parametrize(
    ("net", "shape", "numbers"),
    [
        (small, (1, 2, 8, 8), 3 * 64 + 2 * 64),  # the first convolution; ReLU in place
        (small, (3, 2, 8, 8), 3 * 5 * 64),
        (Shortcut, (1, 4, 5, 5), 3 * 100),  # the shortcut waits while a map becomes another
        (lambda: Shortcut(relu=True), (1, 4, 5, 5), 3 * 100),  # not in place: X is read again
    ],
)
def test_maps_at_once_by_hand(net, shape, numbers):
    assert d2l.largest_maps(on_meta(net, *shape), shape) == numbers


class Odd(nn.Module):
    """A gate that reads a parameter alone; three results."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Parameter(torch.zeros(4))

    def forward(self, X):
        gate = torch.sigmoid(self.gate)[None, :, None, None]
        return X * gate, X + 1, X * 3


def test_results_stay():
    net = on_meta(Odd, 1, 4, 5, 5)
    assert 300 <= d2l.largest_maps(net, (1, 4, 5, 5)) - 100 <= 308  # X, and beside it the gate
    assert d2l.largest_maps(nn.Flatten(), (2, 3)) == 6


def test_maps_of_googlenet():
    """Behind the first convolution: its maps, and the pooled ones."""
    net = on_meta(d2l.GoogleNet, 1, 3, 224, 224)
    assert d2l.largest_maps(net, (1, 3, 224, 224)) == 64 * (112**2 + 56**2) == 980 * 1024


def test_a_chip_that_keeps_maps():
    net, shape = on_meta(small, 1, 2, 8, 8), (1, 2, 8, 8)
    table = [row for row in d2l.cost_table(net, shape) if row.kind != "activation"]
    maps = d2l.largest_maps(net, shape)
    chip = d2l.Chip(rows=4, columns=4, buffer=maps)
    kept, apart = d2l.run_on(chip, table, maps=maps), d2l.run_on(chip, table)
    weights = d2l.count_parameters(net)
    assert kept.dram_bytes == weights + 2 * 64 + 5 * 16  # the image and the last maps
    assert apart.dram_bytes >= sum(row.bytes("int8") for row in table) > kept.dram_bytes
    assert (kept.macs, kept.compute, kept.mac_energy) == (
        apart.macs,
        apart.compute,
        apart.mac_energy,
    )
    assert kept.energy < apart.energy
    with pytest.raises(ValueError, match="maps = 0: expected 192 or more"):
        d2l.run_on(chip, table, maps=0)
    with pytest.raises(ValueError, match="maps of 640 bytes: the buffer of 320 can't hold them"):
        d2l.run_on(d2l.Chip(buffer=320, precision="fp16"), table, maps=maps)
