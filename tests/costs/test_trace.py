"""The trace of a forward pass: what ran, where, on what; and the lines that fingerprints digest."""

import functools

import pytest
import torch
from torch import nn

import d2l_utils as d2l
from d2l_utils.costs.trace import Call, network_operations, trace
from d2l_utils.studies.fingerprint import digest


def conv_bn_relu(channels, kernel_size, stride=1, padding=0):
    conv = nn.LazyConv2d(channels, kernel_size, stride=stride, padding=padding, bias=False)
    return [conv, nn.LazyBatchNorm2d(), nn.ReLU()]


BNInception = functools.partial(d2l.Inception, unit=conv_bn_relu)


class Sequences(nn.Module):
    """Attention, recurrence, slices written in place, keywords: all that a line can hold."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.lstm = nn.LSTM(8, 5, batch_first=True)
        self.encoder = nn.TransformerEncoderLayer(5, 1, 7)

    def forward(self, X):
        Y, _ = self.lstm(self.attention(X, X, X)[0] + torch.arange(8.0))
        Y[:, 0] += 1
        return nn.functional.gelu(self.encoder(Y), approximate="tanh").to(torch.float64)


# Committed records hold digests of these lines: what changes one of them makes records stale.
DIGESTS = {
    "GoogLeNet": ("b23f9998fdd1803a", lambda: d2l.GoogleNet(width=0.1), (1, 1, 28, 28)),
    "GoogLeNet with BN": (
        "a500541fb29b98ad",
        lambda: d2l.GoogleNet(width=0.1, block=BNInception, unit=conv_bn_relu),
        (2, 1, 28, 28),
    ),
    "Inception with BN": (
        "dbbb41be8ec2ebc3",
        lambda: BNInception(2, (3, 4), (2, 3), 2),
        (2, 3, 8, 8),
    ),
    "Residual": ("3d0689546289572f", lambda: d2l.Residual(3), (1, 3, 8, 8)),
    "Residual with 1x1": ("da624ef9395a1e33", lambda: d2l.Residual(4, True, 2), (1, 3, 8, 8)),
    "ResNeXt block": ("cd486060207d9c22", lambda: d2l.ResNeXtBlock(8, 4, 1), (2, 8, 6, 6)),
    "LeNet": ("cbaa241572b3aaac", d2l.LeNet, (1, 1, 28, 28)),
    "NiN": ("0ac4f313141dcd08", d2l.NiN, (1, 1, 67, 67)),
    "AlexNet": ("de20258928a2f53b", d2l.AlexNet, (1, 1, 65, 65)),
}


@pytest.mark.parametrize("name", DIGESTS)
def test_the_lines_of_fingerprints_stay_as_they_are(name):
    expected, make, shape = DIGESTS[name]
    assert digest(network_operations(make(), shape)) == expected


def test_a_line_writes_shapes_in_place_of_tensors_and_all_options():
    lines = network_operations(Sequences(), (2, 4, 8))
    assert "aten.addmm.default [[8], [8, 8], [8, 8]] {}" in lines
    assert "aten.stack.default [[[2, 5]]] {}" in lines
    assert "aten.clone.default [[4, 2, 8]] {'memory_format': 'torch.contiguous_format'}" in lines
    assert "aten._to_copy.default [[2, 4, 5]] {'dtype': 'torch.float64'}" in lines
    assert "aten.add_.Tensor [[2, 5], '1'] {}" in lines


def test_operations_by_hand():
    net = nn.Sequential(nn.Conv2d(2, 3, 3, stride=2), nn.BatchNorm2d(3), nn.Flatten())
    conv, *_, norm, flatten = trace(net, (5, 2, 7, 7)).operations()
    assert (conv.module, conv.name, conv.arguments[3]) == ("0", "convolution", (2, 2))
    X, weight, bias = conv.reads
    assert [v.role for v in conv.reads] == ["data", "parameter", "parameter"]
    assert (X.shape, weight.shape, bias.shape) == ((5, 2, 7, 7), (3, 2, 3, 3), (3,))
    assert conv.writes[0].shape == (5, 3, 3, 3)
    assert (norm.module, [v.role for v in norm.reads[1:]]) == (
        "1",
        ["parameter", "parameter", "buffer", "buffer"],
    )
    assert norm.reads[0] == conv.writes[0]
    assert flatten.reads[0].id == flatten.writes[0].id == norm.writes[0].id
    assert [step.moves_nothing for step in (conv, norm, flatten)] == [False, False, True]


def test_memory_that_is_used_again_has_another_id():
    """Each ReLU writes anew, and torch gives the memory of the one before the last to it."""
    written = [relu.writes[0].id for relu in trace(nn.Sequential(*[nn.ReLU()] * 9), (4, 4)).steps]
    assert len(set(written)) == 9


def test_calls_are_nested_as_modules_are():
    root = trace(d2l.Residual(2), (1, 2, 4, 4))
    body, shortcut, add, relu = root.steps
    assert isinstance(body, Call)
    assert (body.name, [call.name for call in body.steps]) == ("body", ["body.0", "body.1"])
    assert (add.module, add.name, relu.name) == ("", "add", "relu")
    assert shortcut.reads == shortcut.writes == root.reads == body.reads
    assert add.reads == (*body.writes, *shortcut.writes)
    assert shortcut.moves_nothing
    assert not body.moves_nothing


def test_a_layer_called_by_keyword_and_twice():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 3)

        def forward(self, X):
            return {"Y": self.layer(input=self.layer(X))}

    root = trace(Net(), (1, 3))
    first, second = root.steps
    assert second.reads == first.writes
    assert root.writes == second.writes


def test_expanded_memory_is_stored_once():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.token = nn.Parameter(torch.zeros(1, 1, 6))

        def forward(self, X):
            return torch.cat([self.token.expand(len(X), -1, -1), X], 1)

    *_, concat = trace(Net(), (5, 2, 6)).operations()
    token, X = concat.reads
    assert (token.shape, token.stored, token.role) == ((5, 1, 6), 6, "parameter")
    assert (X.shape, X.stored, X.role) == ((5, 2, 6), 60, "data")


def test_a_lazy_layer_that_never_runs():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.unused, self.used = nn.LazyBatchNorm2d(), nn.LazyConv2d(2, 1)

        def forward(self, X):
            return self.used(X)

    (conv,) = trace(Net(), (1, 1, 2, 2)).operations()
    assert conv.module == "used"


@pytest.mark.parametrize("training", [False, True])
def test_modes_and_hooks_stay(training):
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout())
    net[1].eval()
    names = [step.name for step in trace(net, (2, 1, 5, 5), training).operations()]
    assert ("bernoulli" in names or "native_dropout" in names) == training
    assert [module.training for module in net.modules()] == [True, True, False, True]
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())


def test_a_network_that_fails_is_left_as_it_was():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(1, 2, 3))
    with pytest.raises(RuntimeError, match="expected input"):
        trace(net, (1, 1, 5, 5))
    assert net.training
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())
