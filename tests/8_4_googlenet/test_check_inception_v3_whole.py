"""The checks of the assembled Inception-v3, and of the small networks of equal cost."""

import importlib
import re
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

import d2l_utils as d2l
from d2l_utils.checks import run
from d2l_utils.checks.registry import find
from d2l_utils.networks import Branches, conv_bn_relu

equal_cost = importlib.import_module("d2l_utils.checks.8_4_googlenet.equal_cost")
WHOLE, EQUAL = "8.4/1.2e", "8.4/1.2f"
RUNS, MAPS, WEIGHTS, PARAMETERS, LOGITS = range(5)


def conv(out, height, width=None, unit=conv_bn_relu):
    width = width or height
    return unit(out, (height, width), padding=(height // 2, width // 2))


def fork(out, turned=False):
    arms = conv(out - out // 2, 1, 3), conv(out // 2, 3, 1)
    return [Branches(*(arms[::-1] if turned else arms))]


def average():
    return nn.AvgPool2d(3, 1, 1)


def kind_a(c1, c2, c3, c4, pool=average, second=5, late=False):
    one, two = conv(c1, 1), conv(c2[0], 1) + conv(c2[1], second)
    three = conv(c3[0], 1) + conv(c3[1], 3) + conv(c3[1], 3)
    four = [*conv(c4, 1), pool()] if late else [pool(), *conv(c4, 1)]
    return Branches(one, two, three, four)


def kind_b(c1, c2, c3, c4, pool=average):
    two = conv(c2[0], 1) + conv(c2[0], 1, 7) + conv(c2[1], 7, 1)
    three = conv(c3[0], 1) + conv(c3[0], 7, 1) + conv(c3[0], 1, 7)
    three += conv(c3[0], 7, 1) + conv(c3[1], 1, 7)
    return Branches(conv(c1, 1), two, three, [pool(), *conv(c4, 1)])


def kind_c(c1, c2, c3, c4, pool=average, middle=384, turned=False):
    two = conv(c2[0], 1) + fork(c2[1], turned)
    three = conv(c3[0], 1) + conv(middle or c3[1], 3) + fork(c3[1], turned)
    return Branches(conv(c1, 1), two, three, [pool(), *conv(c4, 1)])


def reduction(*paths, pool=nn.MaxPool2d, padding=0, first=False):
    chains = []
    for *path, last in paths:
        chain = [layer for step in path for layer in conv(*step)]
        chains.append(chain + conv_bn_relu(*last, stride=2, padding=padding))
    pooled = [pool(3, 2)]
    return Branches(*([pooled, *chains] if first else [*chains, pooled]))


def network(a=kind_a, b=kind_b, c=kind_c, shrink=reduction, third=1, head=None, unit=conv_bn_relu):
    """Inception-v3, or what becomes of it with another part."""
    stem = unit(32, 3, 2) + unit(32, 3) + unit(64, 3, 1, third) + [nn.MaxPool2d(3, 2)]
    stem += unit(80, 1) + unit(192, 3) + [nn.MaxPool2d(3, 2)]
    body = [a(64, (48, 64), (64, 96), c4) for c4 in (32, 64, 64)]
    body += [shrink([(384, 3)], [(64, 1), (96, 3), (96, 3)])]
    body += [b(192, (n, 192), (n, 192), 192) for n in (128, 160, 160, 192)]
    body += [shrink([(192, 1), (320, 3)], [(192, 1), (192, 1, 7), (192, 7, 1), (192, 3)])]
    body += [c(320, (384, 768), (448, 768), 192) for _ in range(2)]
    if head is None:
        head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.LazyLinear(1000)]
    return nn.Sequential(*stem, *body, *head)


class Functional(nn.Module):
    """Another hand: the head without modules, layers in dictionaries, dropout left out."""

    def __init__(self):
        super().__init__()
        net = network()
        self.stages = nn.ModuleDict({f"stage {i}": layer for i, layer in enumerate(net[:-4])})
        self.last = nn.Linear(2048, 1000)

    def forward(self, images):
        for stage in self.stages.values():
            images = stage(images)
        return self.last(images.mean((2, 3)))


def torchvisions(**options):
    from torchvision.models import inception_v3

    return inception_v3(weights=None, init_weights=False, transform_input=False, **options)


def eager_norms(channels, *args, **options):
    """Another ε, as torchvision's."""
    layer, norm, relu = conv_bn_relu(channels, *args, **options)
    norm.eps = 1e-3
    return [layer, norm, relu]


@pytest.mark.parametrize(
    "make",
    [
        network,
        Functional,
        partial(torchvisions, aux_logits=False),
        partial(network, unit=eager_norms),
    ],
)
def test_right_networks_pass(make):
    report = run(WHOLE, make)
    assert report.passed, report.text


def biased(*args, **options):
    return conv_bn_relu(*args, **{**options, "bias": True})


def head(pool, *rest):
    """Of a network that is right but for it."""
    return partial(network, head=[pool, *rest])


def large_epsilon(*args, **options):
    layers = conv_bn_relu(*args, **options)
    layers[1].eps = 1.0
    return layers


def unknown_keyword():
    def block(c1, c2, c3, c4):
        return kind_a(c1, c2, c3, c4)

    return network(a=partial(block, pool=average))


WRONG = {
    "an object": (network(), RUNS, "Sequential", "no brackets"),
    "no head": (partial(network, head=[]), RUNS, "2048, 8, 8", "averages each map"),
    "a keyword that the block has not": (
        unknown_keyword,
        RUNS,
        "unexpected keyword",
        "names it.*default",
    ),
    "padded reductions": (
        partial(network, shrink=partial(reduction, padding=1)),
        RUNS,
        "must match",
        "stride 2 and no padding",
    ),
    "unpadded stem": (partial(network, third=0), MAPS, "no maps of 35×35", "Padding and stride"),
    "3x3 in the second branch of a": (
        partial(network, a=partial(kind_a, second=3)),
        WEIGHTS,
        "0 of a 5×5 convolution from 48 to 64",
        "three ways",
    ),
    "as many before a fork as behind it": (
        partial(network, c=partial(kind_c, middle=None)),
        WEIGHTS,
        "2 of a 1×3 convolution from 384 to 384",
        "three ways",
    ),
    "the auxiliary head": (
        partial(torchvisions, aux_logits=True),
        WEIGHTS,
        "from 768 to 128",
        "auxiliary head is left out",
    ),
    "a 1x1 convolution in the place of the last layer": (
        head(nn.AdaptiveAvgPool2d(1), nn.LazyConv2d(1000, 1), nn.Flatten()),
        WEIGHTS,
        "a 1×1 convolution from 2048 to 1000 channels",
        "no fully connected layer",
    ),
    "a pool for maps of 8×8": (
        head(nn.AvgPool2d(8), nn.Flatten(), nn.LazyLinear(1000)),
        LOGITS,
        "larger than its maps",
        "any size: `nn.AdaptiveAvgPool2d",
    ),
    "another ε": (
        partial(network, unit=large_epsilon),
        LOGITS,
        "with ε = 1",
        "leave its default",
    ),
    "biases": (partial(network, unit=biased), PARAMETERS, "parameters", "no bias"),
    "max pools in the blocks": (
        partial(network, b=partial(kind_b, pool=partial(nn.MaxPool2d, 3, 1, 1))),
        LOGITS,
        "other logits",
        "average pool in the blocks",
    ),
    "average pools in the reductions": (
        partial(network, shrink=partial(reduction, pool=nn.AvgPool2d)),
        LOGITS,
        "other logits",
        "max pool in stem and reductions",
    ),
    "pool first": (
        partial(network, shrink=partial(reduction, first=True)),
        LOGITS,
        "other logits",
        "order of the branches",
    ),
    "3x1 before 1x3": (
        partial(network, c=partial(kind_c, turned=True)),
        LOGITS,
        "other logits",
        "order of the branches",
    ),
    "1x1 before its pool": (
        partial(network, a=partial(kind_a, late=True)),
        LOGITS,
        "other logits",
        "ReLU",
    ),
}


@pytest.mark.parametrize(("make", "failed", "found", "nudge"), WRONG.values(), ids=WRONG.keys())
def test_wrong_networks_are_told_what_is_wrong(make, failed, found, nudge):
    report = run(WHOLE, make)
    assert report.failed == failed, report.text
    assert found in report.problem.found
    assert re.search(nudge, report.problem.nudge), report.text


def test_an_empty_function_is_not_attempted():
    def scaffold():
        raise NotImplementedError

    assert not run(WHOLE, scaffold).attempted


# -- equal cost ------------------------------------------------------------------------------------

max_pool = partial(nn.MaxPool2d, 3, 1, 1)
BLOCKS = {
    "original": partial(d2l.Inception, unit=conv_bn_relu),
    "3x3": partial(kind_a, pool=max_pool, second=3),
    "1x7": partial(kind_b, pool=max_pool),
    "1x3 beside 3x1": partial(kind_c, pool=max_pool, middle=None),
}


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("body", [1.0, 1.23])
def test_the_sum_is_that_of_the_network_that_runs(name, body):
    net = d2l.ProtocolNet(0.1, d2l.scaled(d2l.GOOGLENET, body), 0.25, BLOCKS[name], conv_bn_relu)
    assert equal_cost.macs(name, body) == d2l.count_macs(net, (1, 1, 28, 28))


def bodies(three=1.0, seven=0.95, forks=1.3):
    return dict(zip(equal_cost.BLOCKS, (three, seven, forks), strict=True))


@pytest.mark.parametrize(
    "attempt",
    [
        bodies(),
        bodies(1, 0.97, 1.28),
        bodies(0.98, 0.9726, 1.3147),
        bodies(np.float32(0.97), np.float64(0.96), torch.tensor(1.29)),
        bodies() | {"original": 1.0},
        bodies("1.0", "0.95", "1,3"),
    ],
)
def test_right_widths_pass(attempt):
    report = run(EQUAL, attempt)
    assert report.passed, report.text


@pytest.mark.parametrize(
    ("attempt", "failed", "found", "nudge"),
    [
        ([1.0, 0.95, 1.3], 0, "type list", "scaffold's form"),
        ({"3x3": 1.0, "1x7": 0.95}, 0, "'3x3', '1x7'", "'1x3 beside 3x1' is not"),
        (bodies(forks=None), 0, "None for '1x3 beside 3x1'", "1.0 leaves"),
        (bodies(seven="0.95 or so"), 0, "'0.95 or so'", "factor"),
        (bodies(seven=float("nan")), 0, "nan", "factor"),
        (bodies(seven=True), 0, "True", "yes or no"),
        (bodies(forks=130), 0, "130", "factor"),
        (bodies(three=1.02), 1, "at 1.02", "Too dear"),
        (bodies(three=1.1), 1, "1.202", "Too dear"),
        (bodies(three=0), 1, "at 0", "Too cheap"),
        (bodies(three=0.25), 1, "at 0.25", "on top of the network's 0.25"),
        (bodies(seven=1.0), 2, "1.057", "Too dear"),
        (bodies(forks=1.0), 3, "0.695", "Too cheap"),
        (bodies(forks=1.2), 3, "0.889", "Too cheap"),
        (bodies(forks=1.44), 3, "1.168", "in proportion"),
        (bodies(forks=0.695), 3, "at 0.695", "cost at width 1.0"),
    ],
)
def test_wrong_widths_are_told_what_is_wrong(attempt, failed, found, nudge):
    report = run(EQUAL, attempt)
    assert report.failed == failed, report.text
    assert found in report.problem.found
    assert nudge in report.problem.nudge, report.text


def test_untouched_widths_are_not_attempted():
    assert not run(EQUAL, bodies(None, None, None)).attempted
    assert not run(EQUAL, bodies(..., ..., None)).attempted


def test_nothing_gives_a_width_away():
    """The report of the untouched scaffold names the blocks, and none of the numbers."""
    assert not re.search(r"\d\.\d", "".join(text for text, _ in find(EQUAL).requirements))
