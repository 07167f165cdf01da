"""The cost table: its MACs are those of torch's counter, nothing is silently free."""

import math
from functools import partial

import pytest
import torch
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import d2l_utils as d2l

BOOK = {"AlexNet": d2l.AlexNet, "VGG-11": d2l.VGG, "NiN": d2l.NiN, "GoogLeNet": d2l.GoogleNet}
GOOGLENET = {"init_weights": False, "aux_logits": False}
TORCHVISION = {
    "alexnet": {},
    "vgg16": {"init_weights": False},
    "googlenet": GOOGLENET,
    "inception_v3": GOOGLENET,
    "resnet50": {},
    "mobilenet_v2": {},
}


def on_meta(make, size=224):
    with torch.device("meta"):
        net = make().eval()
        net(torch.empty(1, 3, size, size))
    return net


def by_torch(net, *shape):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(torch.empty(*shape, device="meta"))
    return counter.get_total_flops() // 2


def check(net, size=224):
    table = d2l.cost_table(net, (2, 3, size, size))
    assert {row.kind for row in table} <= {
        "convolution",
        "linear",
        "pool",
        "norm",
        "activation",
        "concat",
        "add",
    }
    assert sum(row.macs for row in table) == by_torch(net, 2, 3, size, size)
    weights = sum(row.parameters for row in table if row.kind != "norm")
    assert weights == d2l.count_parameters(net, (nn.Conv2d, nn.Linear))
    return table


@pytest.mark.parametrize("name", BOOK)
def test_the_books_networks(name):
    check(on_meta(BOOK[name]))


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvisions_networks(name):
    make = getattr(torchvision.models, name)
    check(on_meta(lambda: make(**TORCHVISION[name])))


def conv_bn_relu(channels, kernel_size, stride=1, padding=0):
    conv = nn.LazyConv2d(channels, kernel_size, stride=stride, padding=padding, bias=False)
    return [conv, nn.LazyBatchNorm2d(), nn.ReLU()]


def by_timm(name):
    return lambda: pytest.importorskip("timm").create_model(name)


NORMED = {
    "GoogLeNet with BN": lambda: d2l.GoogleNet(
        block=partial(d2l.Inception, unit=conv_bn_relu), unit=conv_bn_relu
    ),
    "Residual": lambda: d2l.Residual(3),
    "ResNeXt block": lambda: d2l.ResNeXtBlock(8, 4, 1, use_1x1conv=True),
    "LayerNorm": lambda: nn.Sequential(nn.LayerNorm(224), nn.Linear(224, 3)),
    "GroupNorm": lambda: nn.Sequential(nn.Conv2d(3, 4, 1), nn.GroupNorm(2, 4), nn.PReLU(4)),
    "InstanceNorm": lambda: nn.Sequential(nn.InstanceNorm2d(3, affine=True), nn.Conv2d(3, 1, 1)),
    "VGG-11 with BN": torchvision.models.vgg11_bn,
    "ResNet-50": torchvision.models.resnet50,
    "DenseNet-121": torchvision.models.densenet121,
    "MobileNet-v3": torchvision.models.mobilenet_v3_small,
    "ConvNeXt": torchvision.models.convnext_tiny,
    "ViT": torchvision.models.vit_b_32,
    "Swin": torchvision.models.swin_t,
    "Inception-v4, timm's": by_timm("inception_v4"),
    "NF-ResNet, timm's": by_timm("nf_resnet26"),
    "DeiT, timm's": by_timm("deit_tiny_patch16_224"),
}


@pytest.mark.parametrize("name", NORMED)
def test_the_parameters_of_all_operations_are_those_of_the_network(name):
    """Of two images: what all images share is counted once."""
    with torch.device("meta"):
        net = NORMED[name]()
    table = d2l.cost_table(net, (2, 3, 224, 224))
    assert sum(row.parameters for row in table) == d2l.count_parameters(net) > 0


def test_running_statistics_are_no_parameters():
    conv, norm = d2l.cost_table(nn.Sequential(*conv_bn_relu(4, 1)[:2]), (1, 2, 3, 3))
    assert (conv.kind, conv.parameters, conv.buffers) == ("convolution", 8, 0)
    assert (norm.kind, norm.parameters, norm.buffers) == ("norm", 8, 8)
    assert norm.bytes() == 4 * (8 + 8 + 2 * 36)
    assert norm.bytes_of("buffers", "int8") == 8
    fixed = nn.BatchNorm2d(2, affine=False, track_running_stats=False)
    (norm,) = d2l.cost_table(fixed, (2, 2, 3, 3))
    assert (norm.parameters, norm.buffers, norm.inputs) == (0, 0, 36)


def test_weights_that_are_no_parameters_are_inputs():
    class Blur(nn.Module):
        def forward(self, X):
            return nn.functional.conv2d(X, torch.ones(1, 1, 3, 3))

    fill, conv = d2l.cost_table(Blur(), (1, 1, 5, 5))
    assert (fill.operation, fill.macs) == ("ones", None)
    assert (conv.parameters, conv.inputs, conv.macs) == (0, 25 + 9, 9 * 9)


def test_asymmetric_grouped_and_dilated():
    net = nn.Sequential(
        nn.Conv2d(4, 8, (1, 7), padding=(0, 3)),
        nn.Conv2d(8, 12, (3, 1), stride=(2, 1), groups=4, dilation=(2, 1)),
    )
    first, second = d2l.cost_table(net, (3, 4, 20, 10))
    assert first.macs == 3 * 8 * 20 * 10 * 4 * 7
    assert second.weight_shape == (12, 2, 3, 1)
    assert (second.groups, second.stride, second.dilation) == (4, (2, 1), (2, 1))
    assert second.macs == second.outputs * 2 * 3
    assert second.name == "1"


def test_a_row_by_hand():
    net = nn.Sequential(nn.Conv2d(2, 3, 5, bias=True), nn.ReLU(), nn.Flatten(), nn.Linear(48, 10))
    conv, relu, linear = d2l.cost_table(net, (6, 2, 8, 8))
    assert conv.input_shapes == ((6, 2, 8, 8),)
    assert conv.output_shape == (6, 3, 4, 4)
    assert conv.parameters == 3 * 50 + 3
    assert conv.bytes("fp16") == 2 * (153 + 6 * 128 + 6 * 48)
    assert conv.bytes_of("inputs", "int8") == 6 * 128
    assert conv.intensity("int8") == conv.macs / conv.bytes("int8")
    assert conv.as_matmul() == (6 * 16, 50, 3)
    assert relu.macs == 0
    assert relu.bytes() == 4 * 2 * 6 * 48
    assert linear.as_matmul() == (6, 48, 10)
    assert linear.macs == math.prod(linear.as_matmul())
    with pytest.raises(ValueError, match=r"1 \(activation\) is no matrix product"):
        relu.as_matmul()


def test_operations_in_functions_are_seen_and_named():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Sequential(nn.Conv2d(1, 2, 1))

        def forward(self, X):
            Y = torch.relu(self.inner(X))
            return torch.cat([Y, Y + X], 1)

    table = d2l.cost_table(Net(), (1, 1, 4, 4))
    assert [(row.name, row.kind) for row in table] == [
        ("inner.0", "convolution"),
        ("", "activation"),
        ("", "add"),
        ("", "concat"),
    ]
    assert table[-1].inputs == table[-1].outputs == 64


def test_what_is_unknown_is_listed_as_not_counted():
    net = nn.Sequential(
        nn.Conv2d(1, 1, 1), nn.ConvTranspose2d(1, 1, 2), nn.Upsample(scale_factor=2)
    )
    conv, transposed, upsampled = d2l.cost_table(net, (1, 1, 4, 4))
    assert conv.macs == 16
    assert transposed.macs is None
    assert (upsampled.kind, upsampled.macs) == ("other", None)
    assert upsampled.outputs == 100


class Gated(nn.Module):
    def __init__(self, read):
        super().__init__()
        self.net, self.read = nn.Linear(8, 8), read

    def forward(self, X):
        return self.net(X) if self.read(X) else X


@pytest.mark.parametrize(
    "read", [lambda X: X.sum().item() > 0, lambda X: X.sum() > 0, lambda X: float(X[0, 0]) > 0]
)
def test_what_depends_on_numbers_is_an_error(read):
    """On zeros the layer would not run, and be free."""
    for cost in (d2l.count_macs, d2l.cost_table):
        with pytest.raises(ValueError, match="the network reads a number out of a tensor"):
            cost(Gated(read), (2, 8))


def test_the_model_stays_as_it_was():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5))
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    d2l.cost_table(net, (2, 1, 5, 5))
    assert net.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())


@pytest.mark.parametrize(
    "shape", [(), 4, None, (0, 3, 8, 8), (None, 3, 8, 8), (1, 3, 8.0, 8), (-1, 3, 8, 8)]
)
def test_bad_shapes(shape):
    with pytest.raises(ValueError, match="X_shape"):
        d2l.cost_table(nn.Conv2d(3, 1, 1), shape)


def test_bad_precision():
    row = d2l.cost_table(nn.Conv2d(3, 1, 1), (1, 3, 2, 2))[0]
    with pytest.raises(ValueError, match="precision = 'fp8': expected one of fp32, fp16, int8"):
        row.bytes("fp8")
    with pytest.raises(ValueError, match="part = 'weights': expected"):
        row.bytes_of("weights")


def test_a_network_without_parameters():
    (pool,) = d2l.cost_table(nn.MaxPool2d(2), (1, 3, 8, 8))
    assert (pool.kind, pool.macs, pool.bytes("int8")) == ("pool", 0, 3 * 64 + 3 * 16)


def test_a_lazy_layer_without_a_shape_is_named():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.LazyLinear(3))
    with pytest.raises(ValueError, match=r"1\.weight has no shape yet: run an example through"):
        d2l.count_parameters(net)
