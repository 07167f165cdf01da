"""Exercise 1.2. The blocks of Inception-v3."""

from __future__ import annotations

from functools import cache, partial

from ..answers import question
from ..blocks import judge_parameters, judge_shapes, judge_values
from ..blocks.from_channels import from_channels
from ..blocks.graph import Node, X, cat, max_pool
from ..blocks.graph import conv_norm_relu as unit
from ..blocks.judge_parameters import TABLE
from ..blocks.kinds_of_mistake import Wrong
from ..blocks.learners_block import Attempt
from ..judge_network import requirements
from ..registry import register
from ..whole_network import Network, Reference
from . import equal_cost, inception


def fork(x: Node, c: int, more: int = 0, other: int = 0) -> Node:
    """A 1x3 beside a 3x1, which share the channels; wrong ones give an arm ``more``."""
    return cat(unit(x, c - c // 2 + more, 1, 3), unit(x, c // 2 + other, 3, 1))


def factorised(c1: int, c2: tuple, c3: tuple, c4: int) -> Node:
    """Two 3x3 in place of the 5x5."""
    three = unit(unit(unit(X, c3[0], 1), c3[1], 3), c3[1], 3)
    return cat(unit(X, c1, 1), unit(unit(X, c2[0], 1), c2[1], 3), three, unit(max_pool(X), c4, 1))


def asymmetric(c1: int, c2: tuple, c3: tuple, c4: int) -> Node:
    """1x7 and 7x1 in place of square kernels."""
    two = unit(unit(unit(X, c2[0], 1), c2[0], 1, 7), c2[1], 7, 1)
    three = unit(unit(unit(X, c3[0], 1), c3[0], 7, 1), c3[0], 1, 7)
    three = unit(unit(three, c3[0], 7, 1), c3[1], 1, 7)
    return cat(unit(X, c1, 1), two, three, unit(max_pool(X), c4, 1))


def expanded(c1: int, c2: tuple, c3: tuple, c4: int, more: int = 0, other: int = 0) -> Node:
    """Branches that end in 1x3 beside 3x1; in wrong ones, an arm has ``more`` if c is odd."""
    two, three = unit(X, c2[0], 1), unit(unit(X, c3[0], 1), c3[1], 3)
    arms = (fork(x, c, more * (c % 2), other * (c % 2)) for x, c in ((two, c2[1]), (three, c3[1])))
    return cat(unit(X, c1, 1), *arms, unit(max_pool(X), c4, 1))


def halves(n: Node) -> Wrong:
    """Half of the channels for both arms, rounded down, or up."""
    if n.op == "cat":
        yield "half-lost", expanded(*inception.CHANNELS, more=-1)
        yield "half-more", expanded(*inception.CHANNELS, other=1)


UNIT = "Each convolution has one batch norm with scale and shift, and no bias: the mean cancels it."
FOLLOWED = (
    "Each convolution has one batch norm and no bias: it is followed by batch norm, then by ReLU."
)
PAD = "A kernel h high and w wide keeps the size with padding (h // 2, w // 2), the pool with "
PAD += "stride 1 and padding 1."
FORK = "The 1x3 gives c − c // 2 channels and the 3x1 c // 2: both take the same input, side by "
FORK += "side, and are concatenated."
STATISTICS = "As in exercise 1.1: `nn.BatchNorm2d` does it by itself."
FOUND = {
    "no-affine": "0 numbers in scales, shifts and biases",
    "batch-statistics": "an output that depends on the other images, after `eval()`",
    "frozen-statistics": "running statistics that training leaves as they were",
}
NUDGES = {
    **dict.fromkeys(("size", "unpadded", "overpadded", "underpadded", "turned-padding"), PAD),
    **dict.fromkeys(("channels", "input-joined"), TABLE),
    **dict.fromkeys(("no-norm", "no-relu", "relu-before-norm"), FOLLOWED),
    **dict.fromkeys(("bias", "vectors", "no-affine"), UNIT),
    **dict.fromkeys(("batch-statistics", "frozen-statistics"), STATISTICS),
}
FORKED = {"other-width": FORK, "channels": FORK}
HINTS = {
    "8.4/1.2a": (
        "Hint a1: what changes, and what stays",
        "Hint a2: one helper for every kernel",
        "Hint a3: the skeleton of a block",
    ),
    "8.4/1.2b": (
        "Hint b1: high or wide",
        "Hint b2: from row to row of the table",
        "Hint b3: the middle branches with gaps",
    ),
    "8.4/1.2c": (
        "Hint c1: a fork is a small block",
        "Hint c2: how many channels each arm has",
        "Hint c3: the skeleton of a fork",
    ),
}
SIZE = "keeps height and width in every branch"
FORKED |= {
    "half-lost": "`c // 2` in both arms loses a channel if c is odd: the 1x3 gives c − c // 2.",
    "half-more": "`c − c // 2` in both arms is one too many if c is odd: the 3x1 gives c // 2.",
}
HALF = {
    r"^TypeError.*(float|expected tuple of ints)": "`c / 2` is a float, also if c is even: `//` "
    "gives an integer. The 1x3 gives c − c // 2 channels and the 3x1 c // 2."
}
NAMES = {5: "c2[0] channels", 13: "c2[1] channels", 3: "c3[0] channels", 10: "c3[1] channels"}

for exercise, title, expression in (
    ("8.4/1.2a", "Two 3x3 in place of the 5x5", factorised),
    ("8.4/1.2b", "1x7 and 7x1", asymmetric),
    ("8.4/1.2c", "1x3 beside 3x1", expanded),
):
    own = inception.block(
        exercise,
        expression,
        found=FOUND,
        nudges=NUDGES | (FORKED if expression is expanded else {}),
        names=NAMES,
        more={"join": halves} if expression is expanded else {},
        same="the block of the table, with the same weights",
    )
    register(
        exercise,
        title,
        [
            ("is built from the channel numbers (c1, c2, c3, c4)", judge_shapes.builds),
            ("takes a batch of images through its layers", judge_shapes.runs),
            (SIZE, judge_shapes.keeps_size),
            ("joins the branches to c1 + c2[1] + c3[1] + c4 channels", judge_shapes.joins),
            ("has the convolutions of the table, with batch norm", judge_parameters.counts),
            ("leaves its input as it was", judge_values.leaves_input),
            ("computes what the table says", judge_values.agrees),
            ("takes running statistics in evaluation", judge_values.remembers),
            ("can be trained: a gradient reaches every parameter", judge_values.trains),
        ],
        prepare=partial(Attempt, own),
        nudges=(HALF if expression is expanded else {}) | inception.NORM_ERRORS,
        hints=HINTS[exercise],
        used=partial(from_channels, own),
        starts={} if expression is expanded else {SIZE: 1 if expression is factorised else 0},
    )

question(
    "8.4/1.2d",
    "Where two 3x3 cost as much as one 5x5",
    "the ratio b / a",
    {
        25 / 18: "So much dearer is the 5x5 at b = a. The question is where they meet.",
        18 / 25: "The two cost so much of the 5x5 at b = a. Where do they meet?",
        9 / 16: "Upside down, or a middle of a channels: here the middle has b.",
        1: "At b = a the two are cheaper: 18 a² against 25 a².",
        2: "At b = 2 a the two are dearer: 9·2 + 9·4 = 54, against 25·2 = 50.",
        25 / 9: "You have left out the first of the two: 9 a b.",
    },
    correct=16 / 9,
    otherwise="A k x k convolution from a to b channels costs k² a b per pixel: write"
    " down both sides, and solve for b / a.",
    rel_tol=5e-3,  # 1.77 and 1.78 are 16/9 to two decimals
    hints=("Hint d1: the cost of one convolution", "Hint d2: both sides"),
)


@cache
def torchvisions() -> Reference:
    """What torchvision has, without the auxiliary head."""
    from torchvision.models import inception_v3

    options = dict(weights=None, init_weights=False, transform_input=False, aux_logits=False)
    return Reference.of("torchvision's `inception_v3`", partial(inception_v3, **options))


WHOLE = {
    "maps": "Walk down the rows: which is the first whose output is another? Padding and stride "
    "make the size, the row and its kind the channels.",
    "weights": "Compare with the rows, and with the three ways in which these blocks are not yours "
    "of before. The auxiliary head is left out.",
    "vectors": "Each convolution has one batch norm and no bias; the last layer has a bias.",
    "logits": "Look at what has no weights: order of the branches, average pool in the blocks, max "
    "pool in stem and reductions, ReLU.",
}
MISFITS = {
    r"[Ss]izes of tensors must match": "What is concatenated has one height and width: in a "
    "reduction the last convolution and the pool have stride 2 and no padding, the rest keep it.",
    r"got an unexpected keyword argument": "A block takes what it is given by name only if its "
    "`__init__` names it: add the argument, with the default that leaves the block as it was.",
}
register(
    "8.4/1.2e",
    "The whole of Inception-v3",
    requirements(
        torchvisions,
        {
            "behind the stem": (192, 35, 35),
            "behind the three blocks of the first kind": (288, 35, 35),
            "behind the first reduction": (768, 17, 17),
            "behind the second reduction": (1280, 8, 8),
            "behind the last block": (2048, 8, 8),
        },
        WHOLE,
    ),
    prepare=Network,
    nudges=MISFITS | inception.NORM_ERRORS,
    hints=(
        "Hint e1: one row, one module",
        "Hint e2: blocks that can differ",
        "Hint e3: the skeleton of the network",
    ),
    starts={"has the convolutions that it should have": 1},
)

register(
    "8.4/1.2f",
    "Small networks of equal cost",
    [
        ("gives a width for each of the three blocks", equal_cost.gives),
        *(
            (f"{block}: the MACs agree with the original's within 5 %", equal_cost.equal(block))
            for block in equal_cost.BLOCKS
        ),
    ],
    prepare=equal_cost.widths,
    hints=(
        "Hint f1: how the cost grows with the width",
        "Hint f2: from one try to the next",
        "Hint f3: the loop",
    ),
)
