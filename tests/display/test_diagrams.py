"""Drawings say what the modules do."""

import io
import itertools
import re

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import d2l_utils as d2l
from d2l_utils.display import diagram_layout
from d2l_utils.display.diagram_graph import Box


def parse(source):
    """What the boxes say, by number, and the arrows."""
    boxes, arrows = {}, []
    for line in source.splitlines():
        if found := re.fullmatch(r"(\d+)  (.*?)(?: <- ([\d, ]+))?", line):
            number, said, before = found.groups()
            boxes[int(number)] = said
            arrows += [(int(start), int(number)) for start in (before or "").split(", ") if start]
    return boxes, arrows


def test_inception_block():
    drawing = d2l.diagram(d2l.Inception(*d2l.GOOGLENET[0][0]), (1, 192, 28, 28))
    boxes, arrows = parse(drawing.source)
    assert list(boxes.values()) == [
        "input, 192 × 28 × 28",
        "1×1 conv, 64 + ReLU",
        "1×1 conv, 96 + ReLU",
        "3×3 conv, 128 + ReLU",
        "1×1 conv, 16 + ReLU",
        "5×5 conv, 32 + ReLU",
        "3×3 max pool",
        "1×1 conv, 32 + ReLU",
        "concatenate, 256 × 28 × 28",
    ]
    last = 8
    assert [a for a, b in arrows if b == last] == [1, 3, 5, 7]
    assert [b for a, b in arrows if a == 0] == [1, 2, 4, 6]
    assert len(arrows) == 11


def test_the_drawing_follows_the_network():
    """A change of the network is a change of the drawing, which has no data of its own."""
    block = d2l.Inception(8, (8, 8), (8, 8), 8)
    before = d2l.diagram(block, (1, 4, 9, 9)).source
    block.branches[2][2] = nn.Conv2d(8, 8, (1, 7), stride=1, padding=(0, 3))
    after = d2l.diagram(block, (1, 4, 9, 9)).source
    assert before.replace("5×5 conv, 8", "1×7 conv, 8") == after


def test_whole_network_from_afar():
    names = ["stem 1", "stem 2", "body 3", "body 4", "body 5", "head"]
    boxes, arrows = parse(d2l.diagram(d2l.GoogleNet(), (1, 1, 96, 96), names).source)
    assert boxes[1] == "stem 1: 7×7 conv, 64, stride 2, 3×3 max pool, stride 2, → 64 × 24 × 24"
    assert boxes[4] == "body 4: 5 × Inception, 3×3 max pool, stride 2, → 832 × 3 × 3"
    assert boxes[6] == "head: fully connected, 10, → 10"
    assert len(boxes) == len(arrows) + 1 == 7


def test_modules_by_name_are_told_one_after_the_other():
    shape = (1, 4, 9, 9)
    blocks = {"yours": d2l.Inception(8, (8, 8), (8, 8), 8), "a layer": nn.LazyConv2d(2, 3)}
    alone = {name: d2l.diagram(block, shape).source for name, block in blocks.items()}
    source = d2l.diagram(blocks, shape).source
    assert source == "\n".join(f"{name}:\n{told}" for name, told in alone.items())


def test_batch_norm_joins_its_convolution_and_silent_layers_vanish():
    net = nn.Sequential(
        nn.LazyConv2d(4, 3, stride=2),
        nn.LazyBatchNorm2d(),
        nn.ReLU(),
        nn.Dropout(),
        nn.AvgPool2d(2),
    )
    boxes, _ = parse(d2l.diagram(net, (1, 1, 12, 12)).source)
    assert list(boxes.values())[1:] == [
        "3×3 conv, 4, stride 2 + BN + ReLU",
        "2×2 average pool, stride 2",
    ]


def test_drawing_changes_nothing():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)).train()
    statistics = net[1].running_mean.clone()
    d2l.diagram(net, (2, 1, 8, 8))
    assert net.training
    assert torch.equal(net[1].running_mean, statistics)
    assert not any(layer._forward_hooks for layer in net.modules())


def test_stages_of_any_kind():
    class Net(d2l.Classifier):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(
                nn.LazyConv2d(3, 3), nn.Dropout(), nn.Flatten(), nn.LazyLinear(3)
            )

        def forward(self, X):
            return torch.relu(self.net(X))

    boxes, arrows = parse(d2l.diagram(Net(), (1, 3, 8, 8), "abcd").source)
    assert list(boxes.values())[1:] == [
        "a: 3×3 conv, 3, → 3 × 6 × 6",
        "b: → 3 × 6 × 6",
        "c: → 108",
        "d: fully connected, 3, → 3",
        "ReLU",
    ]
    assert arrows == [(i, i + 1) for i in range(5)]


# The picture


def pixels(drawing):
    png, width, height = drawing.picture
    image = Image.open(io.BytesIO(png)).convert("RGBA")
    assert abs(image.width - 2 * width) <= 2  # two pixels for each one on the screen
    assert abs(image.height - 2 * height) <= 2
    return np.asarray(image)


def test_a_picture_with_its_text():
    drawing = d2l.diagram(nn.Sequential(nn.Linear(3, 2)), (1, 3))
    data, metadata = drawing._repr_mimebundle_()
    assert (
        data["text/plain"]
        == drawing.source
        == repr(drawing)
        == "0  input, 3\n1  fully connected, 2 <- 0"
    )
    png, width, height = drawing.picture
    assert data["image/png"] == png
    assert metadata == {"image/png": {"width": width, "height": height, "alt": drawing.source}}


def test_a_picture_on_any_page():
    """Transparent between the boxes, and what is drawn there neither dark nor light."""
    image = pixels(d2l.diagram(d2l.Inception(8, (8, 8), (8, 8), 8), (1, 4, 9, 9)))
    assert (image[..., 3] == 0).mean() > 0.3
    assert (image[0, :, 3] == 0).all()
    background = image[..., :3][image[..., 3] == 255]
    assert len(np.unique(background, axis=0)) > 3


def test_networks_by_name_fill_the_width_of_a_page_and_no_more():
    block = d2l.Inception(8, (8, 8), (8, 8), 8)
    _, _, height = d2l.diagram(block, (1, 4, 9, 9)).picture
    small = nn.Conv2d(4, 2, 1)
    _, both, _ = d2l.diagram({"a": small, "b": small}, (1, 4, 9, 9)).picture
    _, one, _ = d2l.diagram({"a": small}, (1, 4, 9, 9)).picture
    assert both > 2 * one - 2  # side by side
    _, wide, high = d2l.diagram({str(i): block for i in range(4)}, (1, 4, 9, 9)).picture
    assert wide <= 900
    assert high > 2 * height


# The layout


def boxes_of(before):
    """Boxes whose arrows begin in those of the numbers ``before``."""
    boxes = []
    for numbers in before:
        boxes.append(Box([""], [boxes[i] for i in numbers]))
    return boxes


GRAPHS = {
    "chain": [[], [0], [1], [2]],
    "branches": [[], [0], [0], [2], [0], [4], [0], [6], [1, 3, 5, 7]],
    "shortcut": [[], [0], [1], [2], [3, 0]],
    "two shortcuts": [[], [0], [1], [2, 0], [3], [4], [5, 3], [6, 0]],
    "fork in a branch": [[], [0], [1], [1], [0], [2, 3, 4], [5], [0, 6]],
    "two ends": [[], [0], [0], [1]],
}


@pytest.mark.parametrize("before", GRAPHS.values(), ids=GRAPHS)
def test_no_box_covers_another_nor_an_arrow(before):
    boxes = boxes_of(before)
    random = np.random.default_rng(0)
    sizes = {
        box: (float(random.integers(20, 200)), float(random.integers(15, 60))) for box in boxes
    }
    placed = diagram_layout.layout(boxes, sizes)
    edges = {}
    for box, (x, y) in placed.boxes.items():
        width, height = sizes[box]
        edges[box] = x - width / 2, x + width / 2, y - height / 2, y + height / 2
    assert edges.keys() == set(boxes)
    for left, right, top, bottom in edges.values():
        assert -1e-6 <= left < right <= placed.size[0] + 1e-6
        assert -1e-6 <= top < bottom <= placed.size[1] + 1e-6
    for (l1, r1, t1, b1), (l2, r2, t2, b2) in itertools.combinations(edges.values(), 2):
        assert r1 < l2 or r2 < l1 or b1 < t2 or b2 < t1
    arrows = [(start, box) for box in boxes for start in box.before]
    assert len(placed.arrows) == len(arrows)
    for (start, end), corners in zip(arrows, placed.arrows, strict=True):
        assert corners[0] == pytest.approx((placed.boxes[start][0], edges[start][3]))
        assert corners[-1] == pytest.approx((placed.boxes[end][0], edges[end][2]))
        for (x0, y0), (x1, y1) in itertools.pairwise(corners):
            assert y0 <= y1 + 1e-6
            for box in set(boxes) - {start, end}:
                left, right, top, bottom = edges[box]
                if x0 == pytest.approx(x1) and y0 < bottom - 1e-6 and y1 > top + 1e-6:
                    assert not left < x0 < right, "a vertical piece runs through a box"


def test_what_no_other_arrow_pulls_stands_straight():
    boxes = boxes_of(GRAPHS["chain"])
    placed = diagram_layout.layout(
        boxes, {box: (30.0 + 7 * i, 20.0) for i, box in enumerate(boxes)}
    )
    assert len({round(x, 6) for x, _ in placed.boxes.values()}) == 1


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((1, 3, 0, 8), {}, r"X_shape = \(1, 3, 0, 8\): expected integers of 1 or more"),
        ((1, 3, 8, 8), {"stages": ["stem"]}, r"stages = \['stem'\]: expected 2 names"),
    ],
)
def test_bad_drawings(shape, options, message):
    with pytest.raises(ValueError, match=message):
        d2l.diagram(nn.Sequential(nn.LazyConv2d(2, 3), nn.ReLU()), shape, **options)
