"""Three blocks of other networks, each described in a few lines, for the tests of the engine."""

from functools import partial

from d2l_utils.checks import register
from d2l_utils.checks.blocks import judge_parameters, judge_shapes, judge_values
from d2l_utils.checks.blocks.block import Block
from d2l_utils.checks.blocks.graph import X, add, cat, conv, conv_norm_relu, norm, relu
from d2l_utils.checks.blocks.learners_block import Attempt

REQUIREMENTS = [
    ("is built", judge_shapes.builds),
    ("runs", judge_shapes.runs),
    ("keeps height and width", judge_shapes.keeps_size),
    ("gives the right number of channels", judge_shapes.joins),
    ("has the right parameters", judge_parameters.counts),
    ("leaves its input as it was", judge_values.leaves_input),
    ("normalises over the batch", judge_values.normalises),
    ("learns running statistics", judge_values.remembers),
    ("applies ReLU in the right places", judge_values.has_relu),
    ("computes the right function", judge_values.agrees),
    ("can be trained", judge_values.trains),
]


# -- the bottleneck: He, Zhang, Ren and Sun 2015, arXiv 1512.03385, figure 5 -----------------------


def bottleneck(width, middle):
    """1x1, 3x3, 1x1; the shortcut is added before the last ReLU."""
    Y = conv_norm_relu(conv_norm_relu(X, middle, 1), middle + 1, 3)
    return relu(add(norm(conv(Y, width, 1, bias=False)), X))


BOTTLENECK = Block(
    "resnet/bottleneck",
    bottleneck,
    arguments=(6, 4),
    even=(6, 4),
    signature="(width, middle)",
    name="Bottleneck",
    found={"relu-before-sum": "ReLU before the shortcut is added"},
    nudges={"no-shortcut": "The identity is what makes it residual: add X.", "no-norm": "Three."},
    same="the bottleneck of figure 5",
)


# -- the pre-activation block: He, Zhang, Ren and Sun 2016, arXiv 1603.05027, figure 1 (b) ---------


def preactivation(width):
    """Batch norm and ReLU come before each convolution, and nothing after the sum."""
    Y = conv(relu(norm(X)), width, 3, bias=False)
    return add(conv(relu(norm(Y)), width, 3, bias=False), X)


def after_the_sum(n):
    """The mistakes that this block invites."""
    if n.op == "add":
        yield "last-relu", relu(n)
        yield "postactivation", relu(add(norm(conv(conv_norm_relu(X, 6, 3), 6, 3, bias=False)), X))


PREACTIVATION = Block(
    "resnet/preactivation",
    preactivation,
    arguments=(6,),
    even=(6,),
    signature="(width)",
    name="Preactivation",
    more={"activation": after_the_sum},
    found={
        "last-relu": "ReLU after the sum",
        "postactivation": "each convolution before its batch norm and ReLU",
    },
    nudges={
        "last-relu": "The identity path stays free: nothing follows the sum.",
        "postactivation": "That is the first ResNet. Here norm and ReLU come first.",
    },
)


# -- the dense block: Huang, Liu, van der Maaten and Weinberger 2016, arXiv 1608.06993 -------------


def dense(layers, growth):
    """Each layer sees the concatenation of all before it."""
    Y = X
    for _ in range(layers):
        Y = cat(Y, conv(relu(norm(Y)), growth, 3))
    return Y


def sees_the_last(n):
    """Layers in a plain chain, only the end of which is joined to the input."""
    if n.op == "cat":
        Y = X
        for _ in range(3):
            Y = conv(relu(norm(Y)), 4, 3)
        yield "chain", cat(X, Y)


DENSE = Block(
    "densenet/dense",
    dense,
    arguments=(3, 4),
    even=(3, 4),
    signature="(layers, growth)",
    name="Dense",
    more={"join": sees_the_last},
    found={"chain": "a chain of layers"},
    nudges={"chain": "Each layer sees all before it, and all of them are joined."},
)

for block in (BOTTLENECK, PREACTIVATION, DENSE):
    register(block.exercise, block.name, REQUIREMENTS, prepare=partial(Attempt, block))
