"""Exercise 1.1. The Inception block with batch normalisation."""

from __future__ import annotations

from functools import cache, partial

from torch import nn

from ... import networks
from ..answers import question
from ..blocks import judge_parameters, judge_shapes, judge_values
from ..blocks.from_channels import from_channels
from ..blocks.graph import Node, conv, conv_norm_relu, conv_relu, norm, relu
from ..blocks.kinds_of_mistake import Wrong
from ..blocks.learners_block import Attempt
from ..judge_network import requirements
from ..registry import register
from ..report import Problem
from ..whole_network import Network, Reference
from . import inception
from .inception import four_branches


def norm_first(x: Node, out: int, kernel: int) -> Node:
    """A unit in the wrong order."""
    return relu(conv(norm(x, mark=(out, kernel)), out, kernel, bias=False))


def wrong(n: Node) -> Wrong:
    """Mistakes that are in several places."""
    if n.op == "cat":
        yield "norm-at-the-end", norm(four_branches(conv_relu))
        yield "no-inner-norm", four_branches(conv_norm_relu, inner=conv_relu)
        yield "norm-first", four_branches(norm_first)


INNER = "no batch norm after the two reductions"
FOUND = {
    "norm-at-the-end": f"{INNER}, only at the end of the block",
    "no-inner-norm": INNER,
    "norm-first": "the block's input is normalised, batch norm before each convolution",
}
BLOCK = inception.block(
    "8.4/1.1",
    partial(four_branches, conv_norm_relu),
    more={"norm": wrong, "convolution": partial(inception.swapped, conv_norm_relu)},
    found=inception.NORM_FOUND | FOUND,
    nudges=inception.NORM_NUDGES,
    where=inception.where,
    counted="{} parameters",
    same="the block with batch norm, with the same weights",
)

register(
    "8.4/1.1",
    "The Inception block with batch normalisation",
    [
        ("is built from the channel numbers (c1, c2, c3, c4)", judge_shapes.builds),
        ("takes a batch of images through its layers", judge_shapes.runs),
        ("keeps height and width in every branch", judge_shapes.keeps_size),
        ("joins the branches to c1 + c2[1] + c3[1] + c4 channels", judge_shapes.joins),
        ("has six convolutions without bias, each with its batch norm", judge_parameters.counts),
        ("leaves its input as it was", judge_values.leaves_input),
        ("normalises over the batch in training", judge_values.normalises),
        ("learns running statistics in training, for evaluation", judge_values.remembers),
        ("applies ReLU after every batch norm", judge_values.has_relu),
        ("computes the same function as a right block, in both modes", judge_values.agrees),
        ("can be trained: a gradient reaches every parameter", judge_values.trains),
    ],
    prepare=partial(Attempt, BLOCK),
    nudges=inception.NORM_ERRORS,
    hints=(
        "Hint a1: the same three layers, six times",
        "Hint a2: what stands where in a branch",
        "Hint a3: the block with gaps",
    ),
    starts={"keeps height and width in every branch": 1},
    used=partial(from_channels, BLOCK),
)

question(
    "8.4/1.1b",
    "A bias in front of a batch normalization",
    "names the change",
    {
        5: "That is what the convolution's output changes by. What does the normalization subtract "
        "from it?",
        -5: "The mean grows by 5 as well, and it is subtracted.",
        0.5: "The deviation is what it was: 5 more for every pixel moves no pixel against another.",
    },
    correct=0,
    otherwise="Write down the mean of the channel before and after, and subtract it.",
    hints=("Hint b1: what a constant does to a mean", "Hint b2: the numbers, with gaps"),
)


def by_width(network: Network) -> Problem | None:
    """The arguments that the experiments below set."""
    net = network.make(lr=0.05, width=0.25)
    if getattr(net, "lr", None) != 0.05:
        found = f"lr = {getattr(net, 'lr', None)!r}"
        return Problem(found, "lr = 0.05, as asked for", "Hand `lr` on to `d2l.GoogleNet`.")
    thin, right = Network(lambda: net), Network(partial(bn_googlenet, width=0.25))
    thin.output(224), right.output(224)
    if thin.parameters != right.parameters:
        found, expected = (f"{n.parameters:,} parameters with width=0.25" for n in (thin, right))
        return Problem(found, expected, "Hand `width` on to `d2l.GoogleNet`.")
    return None


def bn_googlenet(**options) -> nn.Module:
    """The right network."""
    unit = networks.conv_bn_relu
    return networks.GoogleNet(block=partial(networks.Inception, unit=unit), unit=unit, **options)


register(
    "8.4/1.1c",
    "GoogLeNet with batch normalization",
    [
        *requirements(
            cache(lambda: Reference.of("GoogLeNet with batch normalization", bn_googlenet)),
            {
                "behind the stem": (192, 28, 28),
                "behind stage 3": (480, 14, 14),
                "behind stage 4": (832, 7, 7),
            },
            {
                "maps": "The channels and strides are the book's: `d2l.GoogleNet` brings them.",
                "weights": "Block and unit keep the book's channels and kernels.",
                "vectors": "57 convolutions have a batch normalization each, none has a bias, and "
                "the last layer keeps its own. Did the stem get the unit?",
                "logits": "Is it convolution, batch normalization, ReLU, 57 times in this order? "
                "And are the branches joined in the order of notebook 0's table?",
            },
            size=224,
            classes=10,
        ),
        ("takes `lr` and `width`, as d2l.GoogleNet does", by_width),
    ],
    prepare=Network,
    nudges={
        r"unexpected keyword argument '(lr|width)'": "It takes `lr=0.1, width=1.0`.",
        r"non-positive stride": "The unit is called as `(channels, kernel_size, stride, padding)`, "
        "in this order.",
        r"^TypeError.*(NoneType|not iterable)": "A unit returns a list of its three layers.",
        **inception.NORM_ERRORS,
    },
    hints=(
        "Hint c1: where the convolutions are",
        "Hint c2: the two arguments",
        "Hint c3: the call with gaps",
    ),
)

question(
    "8.4/1.1d",
    "The largest rate that trains with batch normalization",
    "names the rate, of 0.001, 0.01, 0.1, 1 and 10",
    {
        10: "There the loss is finite, and no better than that of guessing, 2.30.",
        0.1: "It trains fast there. Does the next one train at all?",
        0.01: "It trains there. Look at the larger ones too.",
        0.001: "In these few steps it does not learn there: its loss stays above that of guessing, "
        "2.30. Look at the larger ones.",
    },
    correct=1,
    otherwise="The answer is one of the five rates of the figure.",
    hints=("Hint d1: where to look", "Hint d2: what counts as trained"),
)
