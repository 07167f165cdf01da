"""MACs of operations: as torch's own counter has them, by hand where it has none, never missed."""

import pytest
import torch
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import d2l_utils as d2l

GOOGLENET = {"init_weights": False, "aux_logits": False}
TORCHVISION = {
    "alexnet": {},
    "densenet121": {},
    "efficientnet_b0": {},
    "googlenet": GOOGLENET,
    "inception_v3": GOOGLENET,
    "mobilenet_v3_small": {},
    "resnext50_32x4d": {},
    "shufflenet_v2_x0_5": {},
    "squeezenet1_1": {},
    "swin_t": {},
    "vgg11_bn": {"init_weights": False},
    "vit_b_32": {},
}
TIMM = ("nf_resnet26", "resmlp_12_224", "xcit_nano_12_p16_224")


class Written(nn.Module):
    """A function, with weights if it needs some."""

    def __init__(self, function, *shapes):
        super().__init__()
        self.function = function
        self.weights = nn.ParameterList(torch.zeros(*shape) for shape in shapes)

    def forward(self, X):
        return self.function(X, *self.weights)


SMALL = {  # ways to sum products, and an input
    "transposed": (lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2), (2, 4, 5, 5)),
    "one dimension": (lambda: nn.Conv1d(4, 6, 3, dilation=2), (2, 4, 9)),
    "three dimensions": (lambda: nn.Conv3d(2, 3, (1, 2, 3), padding=1), (1, 2, 5, 5, 5)),
    "upsampled": (lambda: nn.Sequential(nn.Upsample(9), nn.Conv2d(1, 2, 3)), (1, 1, 4, 4)),
    "batch of products": (lambda: Written(lambda X: X @ X.mT), (3, 4, 5)),
    "sum and product": (lambda: Written(lambda X, W: W.baddbmm(X, X.mT), (3, 4, 4)), (3, 4, 5)),
    "einsum": (lambda: Written(lambda X: torch.einsum("bij,bkj->bik", X, X)), (3, 4, 5)),
    "attention": (lambda: nn.TransformerEncoderLayer(8, 2, 16), (5, 2, 8)),
    "LSTM": (lambda: nn.LSTM(4, 5, num_layers=2, bidirectional=True), (7, 2, 4)),
    "GRU": (lambda: nn.GRU(4, 5), (7, 2, 4)),
}


def by_torch(net, shape):
    net.eval().requires_grad_(False)
    with FlopCounterMode(display=False) as counter:
        net(torch.empty(*shape, device="meta"))
    return counter.get_total_flops() // 2


def on_meta(make):
    with torch.device("meta"):
        return make()


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvisions_networks(name):
    net = on_meta(lambda: getattr(torchvision.models, name)(**TORCHVISION[name]))
    shape = (2, 3, 224, 224)
    assert d2l.count_macs(net, shape) == by_torch(net, shape) > 0


@pytest.mark.parametrize("name", TIMM)
def test_timms_networks(name):
    timm = pytest.importorskip("timm")
    net, shape = on_meta(lambda: timm.create_model(name)), (1, 3, 224, 224)
    assert d2l.count_macs(net, shape) == by_torch(net, shape) > 0


@pytest.mark.parametrize("name", SMALL)
def test_small_networks_and_the_same_on_the_processor(name):
    """There torch takes other operations for some, which its own counter does not know."""
    make, shape = SMALL[name]
    torchs = by_torch(on_meta(make), shape)
    with torch.device("meta"):
        assert d2l.count_macs(make(), shape) == torchs > 0
    assert d2l.count_macs(make(), shape) == torchs


def test_what_torchs_counter_leaves_out():
    def mv(X, W):
        return X @ W

    assert d2l.count_macs(Written(mv, (5,)), (3, 5)) == 15
    assert d2l.count_macs(Written(mv, (5,)), (5,)) == 5
    assert d2l.count_macs(Written(lambda X, W, b: b.addmv(X, W), (5,), (3,)), (3, 5)) == 15


def test_attention_by_hand():
    """In evaluation mode torch has one operation for all of it, of which a trace makes no use."""
    batch, tokens, width, hidden = 2, 3, 8, 5
    layer = nn.TransformerEncoderLayer(width, 2, hidden, batch_first=True)
    projections = 4 * width * width + 2 * width * hidden
    expected = 4 * batch * tokens * (projections + 2 * tokens * width)
    assert d2l.count_macs(nn.TransformerEncoder(layer, 4), (batch, tokens, width)) == expected
    assert torch.backends.mha.get_fastpath_enabled()


def test_recurrence_by_hand():
    steps, sequences, inputs, state = 7, 2, 4, 5
    first, second = (4 * state * (n + state) for n in (inputs, 2 * state))
    macs = d2l.count_macs(nn.LSTM(inputs, state, 2, bidirectional=True), (steps, sequences, inputs))
    assert macs == steps * sequences * 2 * (first + second)


@pytest.mark.parametrize(
    ("net", "operation"),
    [
        (nn.Bilinear(5, 5, 4), "_trilinear"),
        (Written(lambda X: torch.cdist(X, X, 1.0)), "_cdist_forward"),
        (Written(torch.linalg.matrix_exp), "linalg_matrix_exp"),
        (Written(torch.fft.fft), "_fft_r2c"),
    ],
)
def test_what_nobody_has_said_how_to_count_is_an_error(net, operation):
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = net

        def forward(self, X):
            return self.inner(X, X) if isinstance(net, nn.Bilinear) else self.inner(X)

    expected = rf"^inner \({operation}\): nobody has said how to count its MACs$"
    with pytest.raises(ValueError, match=expected):
        d2l.count_macs(Twice(), (5, 5))
