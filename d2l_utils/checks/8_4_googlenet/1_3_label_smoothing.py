"""Exercise 1.3. The smoothed cross-entropy, and what it does."""

from __future__ import annotations

from ..answers import question
from ..registry import register
from . import smoothing, smoothing_effects

register(
    "8.4/1.3",
    "The cross-entropy with label smoothing",
    [
        ("is a function of logits, labels and ε that returns finite numbers", smoothing.runs),
        ("returns the mean, or one loss for each example", smoothing.averages),
        ("is the cross-entropy for ε = 0", smoothing.unsmoothed),
        ("is the definition's loss for ε = 0.05, 0.1 and 0.3", smoothing.smoothed),
        ("stays right for logits of 500 and more", smoothing.stable),
        ("has the definition's gradient", smoothing.differentiates),
    ],
    prepare=smoothing.Trial,
    nudges=smoothing.NUDGES,
    hints=("Hint a1: two sums", "Hint a2: one logarithm for both", "Hint a3: with gaps"),
    starts={
        "returns the mean, or one loss for each example": 1,
        "stays right for logits of 500 and more": 1,
    },
)

question(
    "8.4/1.3b",
    "The lowest loss for ε = 0.1 and 10 classes",
    "gives it in nats",
    {
        0.0: "That is the limit for ε = 0. Smoothed targets put weight on every class,"
        " so that some −log p is always paid.",
        0.10536: "That is −log 0.9: the right class alone, and its target is not 0.9.",
        0.09431: "That is −log 0.91, the right class alone and not weighted. Sum over"
        " all ten classes.",
        0.08582: "That is the right class's part. The nine others add theirs.",
        0.41447: "That is the part of the nine wrong classes. Add the right one's.",
        0.32508: "That is the entropy of 0.9 and 0.1: the 0.1 is not one class's.",
        0.54481: "That is for ε spread over the nine wrong classes only. Here the right"
        " class gets its tenth of ε too.",
        0.72176: "That is in bits. In nats, please: the natural logarithm.",
        2.30259: "That is the loss of a guess, log 10. The best p is not uniform.",
    },
    correct=0.500288,
    hints=("Hint b1: two distributions", "Hint b2: what is left", "Hint b3: the sum with gaps"),
    otherwise="Which p makes −Σ q log p smallest for a fixed q? Put that p in.",
    rel_tol=1e-3,
)

question(
    "8.4/1.3c",
    "The gap between the logits at the lowest loss",
    "gives it for ε = 0.1 and 10 classes",
    {
        float("inf"): "That is for ε = 0. With ε > 0 the probability to aim at is below"
        " 1, and a finite gap gives it.",
        91: "That is the ratio of the probabilities. The logits differ by its log.",
        90: "The right class has 1 − ε + ε/K; and take the log of the ratio.",
        4.49981: "That is log 90 (or rounded too far). The right class has 1 − ε and its own ε/K.",
        4.39445: "That is log 81, for ε spread over the nine wrong classes only.",
        2.19722: "That is log 9: the 0.1 is shared by all ten classes.",
        2.31361: "That is log (0.91/0.09). Compare with one wrong class, not with all.",
        6.50779: "That is log₂ 91. Softmax has e as its base.",
        1.95904: "That is log₁₀ 91. Softmax has e as its base.",
        0.9: "That is the difference of the probabilities, not of the logits.",
    },
    correct=4.510860,
    hints=("Hint c1: a ratio of probabilities", "Hint c2: its logarithm"),
    otherwise="softmax makes p_a / p_b = exp(z_a − z_b). Put in the targets.",
    rel_tol=2e-3,
)

register(
    "8.4/1.3d",
    "What smoothing does to a network",
    smoothing_effects.REQUIREMENTS,
    hints=("Hint d1: which table", "Hint d2: line by line"),
    used=smoothing_effects.in_numbers,
)
