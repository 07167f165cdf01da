"""The exercises of D2L section 8.4, multi-branch networks (GoogLeNet)."""

from __future__ import annotations

from . import (
    counting,
    inception,
    inception_norm,
    inception_paths,
    inception_residual,
    inception_v3,
    inception_weights,
    sizes,
    smoothing,
)
from .answers import answers
from .registry import register

register(
    "8.4/0",
    "The Inception block",
    [
        ("is built from the channel numbers (c1, c2, c3, c4)", inception.builds),
        ("takes a batch of images through its layers", inception.runs),
        ("keeps height and width in every branch", inception.keeps_size),
        ("joins the branches to c1 + c2[1] + c3[1] + c4 channels", inception.joins),
        ("has the parameters of six convolutions, no more, no fewer", inception_weights.counts),
        ("leaves its input as it was", inception_weights.leaves_input),
        ("applies ReLU after every convolution", inception_weights.has_relu),
        ("computes the same function as the paper's block", inception_weights.agrees),
        ("can be trained: a gradient reaches every parameter", inception_weights.trains),
    ],
    prepare=inception.Trial,
    nudges=inception.NUDGES,
)

register(
    "8.4/1.1",
    "The Inception block with batch normalisation",
    [
        ("is built from the channel numbers (c1, c2, c3, c4)", inception.builds),
        ("takes a batch of images through its layers", inception.runs),
        ("keeps height and width in every branch", inception.keeps_size),
        ("joins the branches to c1 + c2[1] + c3[1] + c4 channels", inception.joins),
        ("has six convolutions without bias, each with its batch norm", inception_weights.counts),
        ("leaves its input as it was", inception_weights.leaves_input),
        ("normalises over the batch in training", inception_norm.normalises),
        ("learns running statistics in training, for evaluation", inception_norm.remembers),
        ("applies ReLU after every batch norm", inception_weights.has_relu),
        ("computes the same function as a right block, in both modes", inception_norm.agrees),
        ("can be trained: a gradient reaches every parameter", inception_weights.trains),
    ],
    prepare=inception_norm.NormTrial,
    nudges=inception_norm.NORM_NUDGES,
)

register(
    "8.4/2a",
    "The smallest image that a chain of layers takes",
    [
        ("one kernel without padding", sizes.agrees_on(sizes.WINDOW)),
        ("a chain with strides", sizes.agrees_on(sizes.STRIDED)),
        ("AlexNet's chain, with padding", sizes.agrees_on(sizes.ALEXNET)),
        ("more padding than the kernel needs", sizes.agrees_on(sizes.GENEROUS)),
        ("GoogLeNet's five halvings", sizes.agrees_on(sizes.GOOGLENET)),
    ],
    nudges=sizes.NUDGES,
)

register(
    "8.4/2b",
    "The smallest image for the book's GoogLeNet",
    [
        (
            "names the height and width",
            answers(
                {
                    32: "The popular answer: five halvings, 2 to the power of 5. But they round up"
                    " here, and what is ⌈1 / 2⌉?",
                    28: "That is Fashion-MNIST's size. The question is what the layers need.",
                    224: "That is ImageNet's usual size. The question is what the layers need.",
                    96: "That is the size the book trains at. Smaller ones run as well.",
                    15: "That is torchvision's GoogLeNet, whose stem and pools are padded"
                    " differently. The book's is another.",
                    0: "An image without a pixel is none.",
                    2: "Does one pixel not go through? Take the layers one by one.",
                },
                correct=1,
                otherwise="Put the layers of the stem and the pools into your function.",
            ),
        )
    ],
)

register(
    "8.4/2c",
    "What a 5×5 kernel sees of a map of 1×1",
    [
        (
            "names the share of its inputs that are image, in percent",
            answers(
                {
                    20: "On one side it is 1 of 5. A kernel has two sides.",
                    0.04: "In percent, please: times 100.",
                    96: "That is the share of the padding.",
                    100: "The kernel is applied to 25 numbers. How many of them are pixels?",
                },
                correct=4,
                otherwise="A 5×5 kernel reads 25 numbers; padding of 2 on each side supplies some.",
            ),
        )
    ],
)

register(
    "8.4/4a",
    "Counting parameters",
    [
        ("counts a convolution", counting.agrees_on(counting.ONE_CONV)),
        ("counts a fully connected layer", counting.agrees_on(counting.ONE_LINEAR)),
        ("counts a 1×1 convolution", counting.agrees_on(counting.POINTWISE)),
        ("adds up a list of layers", counting.agrees_on(counting.MANY)),
    ],
    nudges=counting.NUDGES,
)

register(
    "8.4/4b",
    "The share of VGG-11's fully connected layers",
    [
        (
            "names the share, in percent",
            answers(
                {
                    7.2: "That is the share of the convolutions.",
                    0.928: "In percent, please: times 100.",
                    79.8: "That is the first fully connected layer alone; there are three.",
                    92.0: "That is AlexNet's share.",
                },
                correct=100 * 119_586_826 / 128_807_306,
                otherwise="Count both parts with your function: 8 convolutions, and 25,088 numbers"
                " that go to 4,096, to 4,096, to 10.",
                rel_tol=2e-3,
            ),
        )
    ],
)

register(
    "8.4/4c",
    "The idea that takes most parameters from VGG-11",
    [
        (
            "names the idea",
            answers(
                {
                    "1x1 convolutions": "They make convolutions thinner. How many of VGG-11's"
                    " parameters are in convolutions at all?"
                },
                correct="global average pooling",
            ),
        )
    ],
)

register(
    "8.4/1.3",
    "The cross-entropy with label smoothing",
    [
        ("is a function of logits, labels and ε that returns a tensor", smoothing.runs),
        ("returns the mean, or one loss for each example", smoothing.averages),
        ("is the cross-entropy for ε = 0", smoothing.unsmoothed),
        ("is the definition's loss for ε = 0.05, 0.1 and 0.3", smoothing.smoothed),
        ("stays right for logits of 500 and more", smoothing.stable),
        ("has the definition's gradient", smoothing.differentiates),
    ],
    prepare=smoothing.Trial,
    nudges=smoothing.NUDGES,
)

register(
    "8.4/1.3b",
    "The lowest loss for ε = 0.1 and 10 classes",
    [
        (
            "gives it in nats",
            answers(
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
                otherwise="Which p makes −Σ q log p smallest for a fixed q? Put that p in.",
                rel_tol=2e-3,
            ),
        )
    ],
)

register(
    "8.4/1.3c",
    "The gap between the logits at the lowest loss",
    [
        (
            "gives it for ε = 0.1 and 10 classes",
            answers(
                {
                    float("inf"): "That is for ε = 0. With ε > 0 the probability to aim at is below"
                    " 1, and a finite gap gives it.",
                    91: "That is the ratio of the probabilities. The logits differ by its log.",
                    90: "The right class has 1 − ε + ε/K; and take the log of the ratio.",
                    4.49981: "That is log 90. The right class has 1 − ε and its own ε/K.",
                    4.39445: "That is log 81, for ε spread over the nine wrong classes only.",
                    2.19722: "That is log 9: the 0.1 is shared by all ten classes.",
                    2.31361: "That is log (0.91/0.09). Compare with one wrong class, not with all.",
                    6.50779: "That is log₂ 91. Softmax has e as its base.",
                    1.95904: "That is log₁₀ 91. Softmax has e as its base.",
                    0.9: "That is the difference of the probabilities, not of the logits.",
                },
                correct=4.510860,
                otherwise="softmax makes p_a / p_b = exp(z_a − z_b). Put in the targets.",
                rel_tol=2e-3,
            ),
        )
    ],
)

for exercise, title, paths in (
    ("8.4/1.2a", "Two 3x3 in place of the 5x5", inception_paths.FACTORISED),
    ("8.4/1.2b", "1x7 and 7x1", inception_paths.ASYMMETRIC),
    ("8.4/1.2c", "1x3 beside 3x1", inception_paths.EXPANDED),
):
    register(
        exercise,
        title,
        [
            ("is built from the channel numbers (c1, c2, c3, c4)", inception.builds),
            ("takes a batch of images through its layers", inception.runs),
            ("keeps height and width in every branch", inception_v3.keeps_size),
            ("joins the branches to c1 + c2[1] + c3[1] + c4 channels", inception_v3.joins),
            ("has the convolutions of the table, with batch norm", inception_v3.counts),
            ("leaves its input as it was", inception_weights.leaves_input),
            ("computes what the table says", inception_v3.agrees),
            ("takes running statistics in evaluation", inception_v3.remembers),
            ("can be trained: a gradient reaches every parameter", inception_weights.trains),
        ],
        prepare=inception_v3.trial(exercise, paths),
        nudges=inception_norm.NORM_NUDGES,
    )

register(
    "8.4/1.2d",
    "Where two 3x3 cost as much as one 5x5",
    [
        (
            "the ratio b / a",
            answers(
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
                rel_tol=1e-2,
            ),
        )
    ],
)

register(
    "8.4/1.4",
    "The residual Inception block",
    [
        ("is built from (width, c1, c2, c3, c4, scale)", inception_residual.builds),
        ("takes a batch of images through its layers", inception.runs),
        ("adds what fits: the output has its input's shape", inception_residual.keeps_shape),
        ("leaves its input as it was", inception_weights.leaves_input),
        ("has the four branches of 1.1 and one linear 1x1", inception_residual.counts),
        ("is ReLU(X + scale · residual), whatever the residual", inception_residual.adds),
        ("makes the residual from the branches of 1.1", inception_residual.residual_agrees),
        ("can be trained: a gradient reaches every parameter", inception_residual.trains),
    ],
    prepare=inception_residual.ResidualTrial,
    nudges=inception_residual.RESIDUAL_NUDGES,
)

register(
    "8.4/1.4 channels",
    "Two blocks that add X to each branch",
    [
        (
            "the channels after the second block",
            answers(
                {
                    192: "So many does each branch have, for its sum with X to be possible.",
                    256: "So many come out of block 3a without any sum.",
                    768: "So many come out of the first block. The second adds these to each of"
                    " its branches.",
                    1536: "Each block makes four times the channels: the branches are"
                    " concatenated, not added.",
                },
                correct=3072,
                otherwise="A branch needs as many channels as X; four of them are concatenated;"
                " and then that is the next block's X.",
            ),
        )
    ],
)

register(
    "8.4/1.4 variance",
    "The variance after forty blocks",
    [
        (
            "the variance of the sum",
            answers(
                {
                    5: "A number times 0.1 has a hundredth of the variance, not a tenth.",
                    41: "That is with scale 1. What does the factor 0.1 do to a variance?",
                    0.4: "That is what the forty residuals bring. The input has a variance too.",
                    1.01**40: "That would be so if each residual grew with its input. It does"
                    " not: batch norm sees to that.",
                    1.1**40: "Residuals do not grow with their input, and the variance goes with"
                    " the square of the scale.",
                    2.0**40: "That would double with each block: a residual as large as all"
                    " before it, and no scale.",
                },
                correct=1.4,
                otherwise="Variances of independent numbers add up; a factor enters squared.",
                rel_tol=1e-3,
            ),
        )
    ],
)
