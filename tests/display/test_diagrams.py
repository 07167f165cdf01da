"""Drawings say what the modules do."""

import re

import pytest
import torch
from torch import nn

import d2l_utils as d2l


def parse(source):
    """Labels of the boxes by name, and the arrows."""
    boxes = dict(re.findall(r'(n\d+)\["([^"]*)"\]', source))
    return boxes, re.findall(r"(n\d+) --> (n\d+)", source)


def test_inception_block():
    drawing = d2l.diagram(d2l.Inception(*d2l.GOOGLENET[0][0]), (1, 192, 28, 28))
    boxes, arrows = parse(drawing.source)
    assert "\nflowchart TB\n" in drawing.source
    assert list(boxes.values()) == [
        "input<br>192 × 28 × 28",
        "1×1 conv, 64 + ReLU",
        "1×1 conv, 96 + ReLU",
        "3×3 conv, 128 + ReLU",
        "1×1 conv, 16 + ReLU",
        "5×5 conv, 32 + ReLU",
        "3×3 max pool",
        "1×1 conv, 32 + ReLU",
        "concatenate<br>256 × 28 × 28",
    ]
    last = "n8"
    assert [a for a, b in arrows if b == last] == ["n1", "n3", "n5", "n7"]
    assert [b for a, b in arrows if a == "n0"] == ["n1", "n2", "n4", "n6"]
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
    boxes, arrows = parse(d2l.diagram(d2l.GoogleNet(), (1, 1, 96, 96), names, "LR").source)
    assert boxes["n1"] == (
        "<b>stem 1</b><br>7×7 conv, 64, stride 2<br>3×3 max pool, stride 2<br>→ 64 × 24 × 24"
    )
    assert boxes["n4"].count("Inception") == 5
    assert boxes["n6"] == "<b>head</b><br>fully connected, 10<br>→ 10"
    assert len(boxes) == len(arrows) + 1 == 7


def test_modules_by_name_are_drawn_side_by_side():
    shape = (1, 4, 9, 9)
    blocks = {"yours": d2l.Inception(8, (8, 8), (8, 8), 8), "a layer": nn.LazyConv2d(2, 3)}
    source = d2l.diagram(blocks, shape).source
    for block in blocks.values():
        boxes, arrows = parse(d2l.diagram(block, shape).source)
        framed = source[source.index("subgraph") :]
        assert [label for label in boxes.values() if f'["{label}"]' not in framed] == []
    boxes, arrows = parse(source)
    assert (len(boxes), len(arrows)) == (9 + 2, 11 + 1)
    assert arrows[-1] == ("n9", "n10")  # no arrow leads from one to the other
    assert re.findall(r'subgraph (f\d)\["(.*)"\]', source) == [("f0", "yours"), ("f1", "a layer")]
    assert len(re.findall(r"^    end$", source, re.MULTILINE)) == 2


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


def test_shown_as_mermaid():
    drawing = d2l.diagram(nn.Sequential(nn.Linear(3, 2)), (1, 3))
    assert drawing._repr_mimebundle_() == {
        "text/vnd.mermaid": drawing.source,
        "text/plain": drawing.source,
    }
    assert repr(drawing) == drawing.source


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
        "<b>a</b><br>3×3 conv, 3<br>→ 3 × 6 × 6",
        "<b>b</b><br>→ 3 × 6 × 6",
        "<b>c</b><br>→ 108",
        "<b>d</b><br>fully connected, 3<br>→ 3",
        "ReLU",
    ]
    assert arrows == [(f"n{i}", f"n{i + 1}") for i in range(5)]


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((1, 3, 0, 8), {}, r"X_shape = \(1, 3, 0, 8\): expected integers of 1 or more"),
        ((1, 3, 8, 8), {"direction": "UP"}, "direction = 'UP': expected one of TB, BT, LR, RL"),
        ((1, 3, 8, 8), {"stages": ["stem"]}, r"stages = \['stem'\]: expected 2 names"),
    ],
)
def test_bad_drawings(shape, options, message):
    with pytest.raises(ValueError, match=message):
        d2l.diagram(nn.Sequential(nn.LazyConv2d(2, 3), nn.ReLU()), shape, **options)
