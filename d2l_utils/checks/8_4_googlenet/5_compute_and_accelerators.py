"""Exercise 5. Computation and accelerators."""

from __future__ import annotations

from ..answers import question
from ..registry import register
from . import chips, cycles

register(
    "8.4/5a",
    "The cycles of a systolic array",
    [
        ("a product that fits the array", cycles.agrees_on(cycles.FITS)),
        ("folds along K and along N", cycles.agrees_on(cycles.FOLDS)),
        ("folds that do not fill the array", cycles.agrees_on(cycles.REMAINDERS)),
        ("a fully connected layer of one input", cycles.agrees_on(cycles.CONNECTED)),
    ],
    prepare=cycles.one_argument,
    nudges={r"^TypeError: .*positional argument": "Five arguments: M, K, N, rows, columns."},
    hints=(
        "Hint a1: one fold, cycle by cycle",
        "Hint a2: how many folds",
        "Hint a3: the function with gaps",
    ),
    starts={"folds along K and along N": 1, "folds that do not fill the array": 1},
)

question(
    "8.4/5b",
    "Which of the two computes more",
    "names the network",
    {
        "alexnet": "It has eight times the parameters. But how often is a weight of a fully"
        " connected layer used, how often one of a convolution?",
    },
    correct="GoogLeNet",
    hints=("Hint b1: how often a weight is used", "Hint b2: ask the table"),
)

question(
    "8.4/5c",
    "What a fully connected layer waits for",
    "names what is short",
    {
        "compute": "128×128 multipliers need each weight once for one image. How long does DRAM"
        " take to bring 43 million of them?",
    },
    correct="memory",
    hints=("Hint c1: what a fully connected layer reuses", "Hint c2: two times to compare"),
)

register(
    "8.4/5d",
    "A chip for GoogLeNet",
    [
        ("is a d2l.Chip of 8 bits at 1 GHz", chips.is_a_chip),
        (f"runs GoogLeNet {chips.IMAGES:,} times a second", chips.is_fast),
        (f"takes at most {chips.LARGEST:g} mm²", chips.is_small),
    ],
    nudges={r"^ValueError: buffer": "Not even the smallest tile of that layer fits: more buffer."},
    hints=(
        "Hint d1: what a chip waits for",
        "Hint d2: one size at a time",
        "Hint d3: a search with gaps",
    ),
)

ALEXNET, GOOGLENET = 46.787978, 5.983802  # MB of parameters in 8 bits

question(
    "8.4/5e",
    "The size of the memory",
    "names the MB that the weights of both networks take",
    {
        ALEXNET: "Those are AlexNet's. The chip keeps GoogLeNet's as well.",
        GOOGLENET: "Those are GoogLeNet's. The chip keeps AlexNet's as well.",
        4 * (ALEXNET + GOOGLENET): "That is in 32 bits. A weight has 8 here.",
        2 * (ALEXNET + GOOGLENET): "That is in 16 bits. A weight has 8 here.",
        8 * (ALEXNET + GOOGLENET): "Those are bits, a million at a time. A byte has 8.",
        1e3 * (ALEXNET + GOOGLENET): "Those are kB. A MB has 1,000.",
        (ALEXNET + GOOGLENET) / 1e3: "Those are GB. A GB has 1,000 MB.",
        1e6 * (ALEXNET + GOOGLENET): "Those are bytes. A MB has a million.",
        1e6 * (ALEXNET + GOOGLENET) / 2**20: "Those are MiB. A MB has a million bytes.",
    },
    correct=ALEXNET + GOOGLENET,
    otherwise="How many parameters have the two? Each takes a byte.",
    rel_tol=5e-3,
    hints=("Hint e1: a byte each", "Hint e2: where the tables have them"),
)

# MB that an image moves at least in 8 bits, ReLU left out; with ReLU on its own
TRAFFIC, GOOGLENET_TRAFFIC, TRAFFIC_WITH_RELU = 48.372116, 20.688996, 49.589396

question(
    "8.4/5f",
    "The bandwidth of DRAM",
    "names the GB/s that AlexNet takes at least",
    {
        ALEXNET: "The weights alone take that. The maps are read and written as well.",
        TRAFFIC - ALEXNET: "The maps alone take that. The weights come from DRAM as well.",
        GOOGLENET_TRAFFIC: "That is GoogLeNet's.",
        4 * TRAFFIC: "That is in 32 bits. Here a number has 8.",
        8 * TRAFFIC: "Those are bits. A byte has 8.",
        TRAFFIC / 1e3: "Those are the GB of one image. There are 1,000 in a second.",
        1e9 * TRAFFIC: "Those are bytes a second. A GB has 1,000,000,000.",
        1e3 * TRAFFIC: "Those are MB/s. A GB has 1,000 MB.",
        TRAFFIC_WITH_RELU: "That is with ReLU on its own. Here it is computed on the way.",
    },
    correct=TRAFFIC,
    otherwise='Add up `row.bytes("int8")` over the rows of AlexNet\'s table; then 1,000 images.',
    rel_tol=5e-3,
    hints=("Hint f1: bytes an image", "Hint f2: the sum with gaps"),
)

question(
    "8.4/5g",
    "The size of the buffer",
    "names the KiB",
    {
        128 * 1024: "Those are bytes. A KiB has 1,024.",
        16: "With 16 KiB too much is fetched again. Which size is the first that is enough?",
        **dict.fromkeys((32, 64), "Still too much is fetched again. Which is the first that does?"),
        **dict.fromkeys((256, 512, 1024, 2048, 4096, 8192), "It is enough. But is it the least?"),
    },
    correct=128,
    otherwise="A power of two, in KiB. Try them one after the other with `d2l.dram_bytes`.",
    hints=("Hint g1: the least, and what a buffer adds to it", "Hint g2: the loop with gaps"),
)

question(
    "8.4/5h",
    "Three convolutions as one product",
    "names the last cycle of the single product",
    {
        **dict.fromkeys(
            (6993, 6995, 6996),
            "That is for one after the other. How many filters has the single product?",
        ),
        4664: "That is the number of cycles. Numbered from 0, the last one is one less.",
        2331: "That is one of the three. The filters of all three are more than 128 columns.",
    },
    correct=4663,
    otherwise="M and K are those of each of the three. What is N, with all filters side by side?",
    hints=("Hint h1: filters side by side", "Hint h2: the call with gaps"),
)
