"""The arrows of a drawing are the tensors that ran, the boxes what read and wrote them."""

import torch
from torch import nn

import d2l_utils as d2l


class Written(nn.Module):
    """A network of what its author likes: layers by any name, and a function of them and X."""

    def __init__(self, function, **layers):
        super().__init__()
        self.function = function
        self.layers = layers
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, X):
        return self.function(X, **self.layers)


def drawn(module, *shape, **options):
    """Labels of the boxes, and for each the boxes where its arrows begin."""
    ((_, boxes),) = d2l.diagram(module, shape, **options).graphs.items()
    number = {box: i for i, box in enumerate(boxes)}
    labels = [", ".join(box.lines) for box in boxes]
    before = {number[box]: [number[start] for start in box.before] for box in boxes}
    return labels, {i: starts for i, starts in before.items() if starts}


def test_residual_block_with_its_shortcut():
    labels, before = drawn(d2l.Residual(3), 1, 3, 8, 8)
    assert labels == [
        "input, 3 × 8 × 8",
        "3×3 conv, 3 + BN + ReLU",
        "3×3 conv, 3 + BN",
        "add + ReLU",
    ]
    assert before == {1: [0], 2: [1], 3: [2, 0]}


def test_a_shortcut_with_a_convolution():
    labels, before = drawn(d2l.Residual(4, use_1x1conv=True, strides=2), 1, 3, 8, 8)
    assert labels[3:] == ["1×1 conv, 4, stride 2", "add + ReLU"]
    assert before == {1: [0], 2: [1], 3: [0], 4: [3, 2]}


def test_pre_activation_block():
    """What is added is the input, before BN and ReLU: these have a box of their own."""

    def forward(X, norm, conv, norm2, conv2):
        return conv2(norm2(conv(norm(X).relu())).relu()) + X

    convs = {name: nn.LazyConv2d(3, 3, padding=1) for name in ("conv", "conv2")}
    norms = {name: nn.LazyBatchNorm2d() for name in ("norm", "norm2")}
    labels, before = drawn(Written(forward, **convs, **norms), 1, 3, 8, 8)
    assert labels[1:] == ["BN + ReLU", "3×3 conv, 3 + BN + ReLU", "3×3 conv, 3", "add"]
    assert before == {1: [0], 2: [1], 3: [2], 4: [3, 0]}


def test_dense_block():
    def forward(X, **layers):
        for layer in layers.values():
            X = torch.cat([X, layer(X)], 1)
        return X

    def layer():
        return nn.Sequential(nn.LazyBatchNorm2d(), nn.ReLU(), nn.LazyConv2d(2, 3, padding=1))

    labels, before = drawn(Written(forward, a=layer(), b=layer()), 1, 3, 8, 8)
    unit = ["BN + ReLU", "3×3 conv, 2"]
    assert labels[1:] == [
        *unit,
        "concatenate, 5 × 8 × 8",
        *unit,
        "concatenate, 7 × 8 × 8",
    ]
    assert before == {1: [0], 2: [1], 3: [0, 2], 4: [3], 5: [4], 6: [3, 5]}


def test_functions_are_drawn_as_layers_are():
    functional = nn.functional

    def forward(X, conv, linear):
        Y = functional.relu(functional.conv2d(X, conv.weight, stride=2), inplace=True)
        Y = functional.max_pool2d(Y, 3, stride=2, padding=1)
        Y = torch.cat((Y, functional.avg_pool2d(Y, 3, stride=1, padding=1)), 1)
        Y = functional.dropout(functional.adaptive_avg_pool2d(Y, 1).flatten(1), 0.5, False)
        return functional.linear(Y, linear.weight)

    written = Written(forward, conv=nn.Conv2d(3, 4, 3), linear=nn.Linear(8, 5))
    labels, before = drawn(written, 1, 3, 13, 13)
    assert labels[1:] == [
        "3×3 conv, 4, stride 2 + ReLU",
        "3×3 max pool, stride 2",
        "3×3 average pool",
        "concatenate, 8 × 3 × 3",
        "global average pool",
        "fully connected, 5",
    ]
    assert before == {1: [0], 2: [1], 3: [2], 4: [2, 3], 5: [4], 6: [5]}


def test_arithmetic_says_with_what():
    def forward(X, layer):
        Y = layer(X)
        return (Y.sigmoid() * Y - Y) * layer.bias + 1

    labels, before = drawn(Written(forward, layer=nn.Linear(3, 3)), 1, 3)
    words = ["Sigmoid", "multiply", "subtract", "× parameter", "+ 1"]
    assert labels[1:] == ["fully connected, 3", *words]
    assert before == {1: [0], 2: [1], 3: [2, 1], 4: [3, 1], 5: [4], 6: [5]}


def test_a_scaled_shortcut_that_is_not_the_input_has_boxes_for_both():
    def forward(X, layer):
        return 0.3 * layer(X) + torch.relu(X)

    labels, before = drawn(Written(forward, layer=nn.Linear(3, 3)), 1, 3)
    assert labels[1:] == ["fully connected, 3", "× 0.3", "ReLU", "add"]
    assert before == {1: [0], 2: [1], 3: [0], 4: [3, 2]}


def test_the_input_may_be_added_to_what_a_learned_number_scales():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.gamma = nn.Linear(3, 3), nn.Parameter(torch.zeros(1))

        def forward(self, X):
            Y = self.layer(X)
            return X + self.gamma * Y * Y

    labels, before = drawn(nn.Sequential(Block(), Block()), 1, 3)
    block = ["fully connected, 3", "× parameter", "multiply", "add"]
    assert labels[1:] == [*block, *block]
    assert before[4] == [3, 0]
    assert before[8] == [7, 4]

    def forward(X, layer):
        return X + layer.bias * layer(X)

    labels, before = drawn(Written(forward, layer=nn.Linear(3, 3)), 1, 3)
    assert labels[1:] == ["fully connected, 3", "× parameter, add the input"]
    assert before == {1: [0], 2: [1, 0]}


def test_what_is_written_in_place_is_what_is_read_later():
    def forward(X, layer):
        Y = layer(X)
        Y[:, :1] += X[:, :1]
        return Y.sigmoid()

    labels, before = drawn(Written(forward, layer=nn.Linear(3, 3)), 1, 3)
    assert labels[1:3] == ["fully connected, 3", "add"]
    assert labels[-1] == "Sigmoid"
    assert before[2] == [1, 0]
    assert before[len(labels) - 1] == [len(labels) - 2]


def test_a_layer_that_runs_twice_is_drawn_twice():
    labels, before = drawn(nn.Sequential(*[nn.Linear(3, 3)] * 2), 1, 3)
    assert labels[1:] == ["fully connected, 3"] * 2
    assert before == {1: [0], 2: [1]}


def test_names_of_attributes_do_not_matter():
    class Renamed(nn.Module):
        def __init__(self, block):
            super().__init__()
            self.scale, self.body = block.branches[:2], block.branches[2:]

        def forward(self, X):
            return torch.cat([way(X) for way in (*self.scale, *self.body)], 1)

    block = d2l.Inception(8, (8, 8), (8, 8), 8)
    named, renamed = (d2l.diagram(b, (1, 4, 9, 9)).source for b in (block, Renamed(block)))
    assert named == renamed


def test_blocks_seen_from_afar():
    net = nn.Sequential(d2l.Residual(3), d2l.Inception(1, (2, 3), (4, 5), 6), nn.Flatten())
    both = (d2l.Residual, d2l.Inception)
    assert drawn(net, 1, 3, 8, 8, closed=both)[0][1:] == ["Residual", "Inception"]
    assert drawn(net, 1, 3, 8, 8, closed=d2l.Inception)[0][-2:] == ["add + ReLU", "Inception"]
    assert drawn(net[0], 1, 3, 8, 8, closed=d2l.Residual)[0][1:] == ["Residual"]


def test_torchs_own_blocks_are_not_opened():
    labels, _ = drawn(nn.Sequential(nn.LSTM(3, 4)), 5, 2, 3)
    assert labels[1:] == ["LSTM"]
