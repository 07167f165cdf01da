"""Exercise 1.4d. Inception-ResNet-v2: what is known of timm's, and of common mistakes.

The facts are kept as text, for timm is none of the workbook's packages. The tests make them anew.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import torch

from ..judge_network import requirements
from ..report import Problem
from ..whole_network import Network, Reference, near

__all__ = ["ERRORS", "REQUIREMENTS"]

FACTS = Path(__file__).with_name("inception_resnet_v2.json")
LOOK = 8  # so many logits of each image tell the mistakes apart
MAPS = {
    "through the 10 blocks A": (320, 35, 35),
    "through the 20 blocks B": (1088, 17, 17),
    "through the 10 blocks C": (2080, 8, 8),
    "into the head": (1536, 8, 8),
}
TABLES = (
    "Is every branch of the tables there, and are they joined along the channels? Steps with a "
    'stride and "max" have no padding, all others keep height and width.'
)
NUDGES = {
    "maps": TABLES,
    "weights": "Take channels, kernels and numbers of blocks from the tables. (1, 7) is 1 high and "
    "7 wide. Each block closes with a 1x1 convolution; the last block is a C more.",
    "vectors": "A convolution of the tables has a batch normalization and no bias. A closing 1x1 "
    "convolution has a bias and no normalization.",
    "logits": "Every convolution is right. Compare the rest: the scales of A, B, C and of the last "
    "block; where a ReLU stands; the kind of each pool; the order in which branches are joined.",
}
ERRORS = {
    r"size of tensor a \(\d+\) must match": f"X and the residual have different shapes. {TABLES}",
    r"expected input.* to have \d+ channels": (
        f"A layer gets another width than it was made for. {TABLES}"
    ),
    r"Sizes of tensors must match": f"Branches of different sizes can't be joined. {TABLES}",
    r"argument: 'num_classes'": "It is called without arguments: `num_classes=1000`.",
    r"unexpected keyword argument 'num_classes'": (
        "The number of classes is its argument: `num_classes=1000` in the line with `def`."
    ),
}
LAST = "The block behind the nine C has scale 1, and no ReLU after its sum."
# what is found, and what to say to it
MISTAKES = {
    "relu-last": ("the logits of a network with a ReLU after the last sum", LAST),
    "last-scaled": ("the logits of a network whose last block has the scale 0.2", LAST),
    "last-as-others": ("the logits of a network whose last block is as the nine before it", LAST),
    "no-relu-in-c": (
        "the logits of a network without a ReLU after the sums of C",
        "Only the very last of the forty blocks has no ReLU after its sum.",
    ),
    "no-scale": (
        "the logits of a network with all scales 1",
        "Multiply each residual by the scale of its stage before you add X.",
    ),
    "relu-on-residual": (
        "the logits of a network with a ReLU on each residual",
        "The closing 1x1 convolution is linear: ReLU comes after the sum only.",
    ),
    "padding-counted": (
        "the logits of a network whose average pool counts the zeros of its padding",
        "The mean is of the pixels that are there: `count_include_pad=False`.",
    ),
}


@cache
def reference() -> Reference:
    """timm's network."""
    return Reference.from_json(FACTS.read_text())


@cache
def _mistakes() -> dict[str, torch.Tensor]:
    """The first logits of timm's network with a mistake put into it."""
    told = json.loads(FACTS.read_text())["mistakes"]
    return {name: torch.tensor(logits) for name, logits in told.items()}


*BEFORE, (TEXT, _agrees) = requirements(reference, MAPS, NUDGES, asked=True)


def _agrees_or_says_why(network: Network) -> Problem | None:
    """The logits are timm's; if they are those of a known mistake, it is named."""
    problem = _agrees(network)
    if problem is None or problem.code != "logits":
        return problem
    own = network.logits()[:, :LOOK]
    for name, logits in _mistakes().items():
        if near(own, logits):
            found, nudge = MISTAKES[name]
            return Problem(found, problem.expected, nudge, name)
    return problem


REQUIREMENTS = [*BEFORE, (TEXT, _agrees_or_says_why)]
