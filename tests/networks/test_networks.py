"""The given networks and their cost, against figures and code from elsewhere."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import d2l_utils as d2l

# name: parameters, of them fully connected, MACs of one 3x224x224 image, smallest square input
FIGURES = {
    "AlexNet": (46_787_978, 43_040_778, 1.006e9, 65),
    "VGG": (128_807_306, 119_586_826, 7.605e9, 32),
    "NiN": (2_015_398, 0, 0.830e9, 67),
    "GoogleNet": (5_983_802, 10_250, 1.582e9, 1),
}


@pytest.fixture(scope="module")
def networks():
    """Each network, its lazy layers shaped by one image; on the meta device, where that is free."""
    with torch.device("meta"):
        built = {name: getattr(d2l, name)() for name in FIGURES}
        for net in built.values():
            net(torch.zeros(1, 3, 224, 224))
    return built


@pytest.mark.parametrize("name", FIGURES)
def test_parameters(networks, name):
    total, connected, _, _ = FIGURES[name]
    assert sum(p.numel() for p in networks[name].parameters()) == total
    assert d2l.count_parameters(networks[name]) == total
    assert d2l.count_parameters(networks[name], nn.Linear) == connected


@pytest.mark.parametrize("name", FIGURES)
def test_macs(networks, name):
    with FlopCounterMode(display=False) as counter:
        networks[name](torch.zeros(1, 3, 224, 224, device="meta"))
    macs = counter.get_total_flops() / 2
    assert macs == pytest.approx(FIGURES[name][2], abs=0.5e6)
    assert d2l.count_macs(networks[name], (1, 3, 224, 224)) == macs
    assert d2l.count_macs(networks[name], (4, 3, 224, 224)) == pytest.approx(4 * macs)


@pytest.mark.parametrize("name", FIGURES)
def test_smallest_input(networks, name):
    """It runs at the stated size and not at one pixel less."""
    smallest = FIGURES[name][3]

    def run(size):
        with torch.device("meta"):
            net = getattr(d2l, name)().eval()
            return net(torch.zeros(1, 3, size, size))

    assert run(smallest).shape == (1, 10)
    if smallest > 1:
        with pytest.raises(RuntimeError):
            run(smallest - 1)


def test_parameters_shared_by_two_layers_count_once():
    layer = nn.Linear(3, 3)
    assert d2l.count_parameters(nn.Sequential(layer, layer)) == 12


def test_inception_equals_four_branches_written_out():
    torch.manual_seed(0)
    block = d2l.Inception(3, (4, 5), (2, 6), 7)
    X = torch.randn(2, 8, 9, 11)
    Y = block(X)
    w = dict(block.named_parameters())
    conv = nn.functional.conv2d

    def step(X, branch, layer, padding=0):
        weight, bias = (w[f"branches.{branch}.{layer}.{kind}"] for kind in ("weight", "bias"))
        return conv(X, weight, bias, padding=padding).relu()

    pooled = nn.functional.max_pool2d(X, 3, stride=1, padding=1)
    expected = [
        step(X, 0, 0),
        step(step(X, 1, 0), 1, 2, padding=1),
        step(step(X, 2, 0), 2, 2, padding=2),
        step(pooled, 3, 1),
    ]
    assert Y.shape == (2, 21, 9, 11)
    torch.testing.assert_close(Y, torch.cat(expected, 1))


def test_googlenet_branch_shapes_equal_torchvisions_but_for_the_5x5():
    """torchvision's GoogLeNet has 3x3 in the third branch (its issue #906); all else is equal."""
    torchvision = pytest.importorskip("torchvision")
    with torch.device("meta"):
        theirs = torchvision.models.GoogLeNet(
            num_classes=10, aux_logits=False, init_weights=False, transform_input=False
        )
        ours = d2l.GoogleNet()
        ours(torch.zeros(1, 3, 64, 64))

    def kernels(net):
        return [tuple(m.weight.shape) for m in net.modules() if isinstance(m, nn.Conv2d)]

    a, b = kernels(ours), kernels(theirs)
    assert len(a) == len(b) == 57
    different = [(x, y) for x, y in zip(a, b, strict=True) if x != y]
    assert len(different) == 9
    assert all(x[:2] == y[:2] and x[2:] == (5, 5) and y[2:] == (3, 3) for x, y in different)


def test_width_scales_channels():
    assert d2l.scaled(((64, (96, 128), (16, 32), 32),), 0.25) == ((16, (24, 32), (4, 8), 8),)
    assert d2l.scaled((1, (2,)), 0.1) == (1, (1,))
    net = d2l.GoogleNet(width=0.25)
    net(torch.zeros(1, 1, 28, 28))
    assert net.net[-1].in_features == 256


def test_lenet_and_alexnet_run_at_the_books_sizes():
    assert d2l.LeNet()(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    assert d2l.AlexNet(num_classes=7)(torch.zeros(2, 1, 96, 96)).shape == (2, 7)


def test_vgg16_from_the_same_class_has_torchvisions_parameters():
    torchvision = pytest.importorskip("torchvision")
    arch = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
    with torch.device("meta"):
        ours = d2l.VGG(arch=arch, num_classes=1000)
        ours(torch.zeros(1, 3, 224, 224))
        theirs = torchvision.models.vgg16(init_weights=False)
    assert d2l.count_parameters(ours) == d2l.count_parameters(theirs) == 138_357_544


def test_counting_macs_leaves_modes_and_running_statistics():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout())
    net[2].eval()
    assert d2l.count_macs(net, (1, 1, 3, 3)) == 18  # one pixel an image: no batch to normalise
    assert [module.training for module in net.modules()] == [True, True, True, False]
    assert net[1].num_batches_tracked == 0
