"""What is said of each mistake: what was found, and a nudge, by its code.

What is found of a wrong size or a wrong number of channels is that number. Else ``{place}`` is
where ("at the end"), left out with the brackets around it if all places are wrong; ``{branch}`` is
", in the branch …", ``{n}`` of ``{total}`` the number of places.
"""

from __future__ import annotations

import re

from .explain import Mistake, Where, kinds
from .graph import Node, branches, conv_of, label, listed, nodes, parts

FOUND = {
    "turned-padding": "padding on the wrong sides{branch}",
    "added": "branches combined element by element",
    "no-relu": "no ReLU {place}{branch}",
    "relu-before-norm": "ReLU before batch norm[, {place}]{branch}",
    "relu-before-conv": "ReLU before the convolution[, {place}]{branch}",
    "relu-before-sum": "ReLU is applied to the residual before the sum",
    "other-activation": "{op} in place of ReLU[, {place}]{branch}",
    "average-pool": "average pooling{branch}",
    "no-pool": "no pooling{branch}",
    "pool-late": "the convolution before the pool{branch}",
    "pool-inside": "the convolution before the pool{branch}",
    "wide-pool": "a 5x5 pool{branch}",
    "zero-padded-pool": "a max pool padded with zeros{branch}",
    "pooled-input": "the pooled input{branch}",
    "relu-on-input": "ReLU applied to the block's input{branch}",
    "no-norm": "no batch norm {place}{branch}",
    "bare-conv": "no batch norm and no ReLU {place}{branch}",
    "norm-first": "batch norm before the convolution[, {place}]{branch}",
    "no-affine": "batch norms without a scale and a shift",
    "stored-statistics": "stored statistics in training: other outputs for images multiplied by 10",
    "input-normed": "the block's input is normalised before its convolution",
    "pool-normed": "the pool's output is normalised before its convolution",
    "own-input-normed": "the input is normalised before its convolution{branch}",
    "input-plainly-normed": "the block's input is normalised before its convolution",
    "pool-plainly-normed": "the pool's output is normalised before its convolution{branch}",
    "own-input-plainly-normed": "the input is normalised before its convolution{branch}",
    "unbiased-variance": "batch norm divides by the unbiased variance, of n − 1",
    "no-division": "batch norm does not divide by the deviation",
    "no-root": "batch norm divides by the variance, not by its root",
    "no-mean": "batch norm does not subtract the mean",
    "shift-first": "batch norm adds its shift before it multiplies by its scale",
    "scale-for-shift": "batch norm multiplies by what began as zeros, and adds what began as ones",
    "mean-for-variance": "batch norm takes the mean for the variance, the variance for the mean",
    "affine-unused": "batch norm does not use its scale and shift",
    "scale-unused": "batch norm does not use its scale",
    "shift-unused": "batch norm does not use its shift",
    "doubled": "batch norm gives twice what it should",
    "bias": "{n} of {total} convolutions with a bias, which batch norm cancels",
    "no-bias": "{n} of {total} convolutions without a bias",
    "forgotten-bias": "a convolution without its bias[, {place}]{branch}",
    "reduced-late": "{size} first, then 1x1",
    "order": "its convolutions in another order{branch}",
    "no-scale": "the scale is not used",
    "no-shortcut": "X is not in the sum",
    "no-residual": "the residual is not in the sum",
    "scaled-shortcut": "X is multiplied by the scale",
    "scaled-sum": "the sum is multiplied by the scale",
}
_STRIDE = "A stride of 2 halves the size: every stride in this block is 1."
_POOL = "The branch begins with a 3x3 max pool, stride 1, padding 1."
_NOT_BEFORE = "Leave that one out: batch norm comes after a convolution, not before it."
_NOWHERE = "Batch norm comes after a convolution and before its ReLU, nowhere else."
_FORMULA = "It is scale · (x − mean) / √(variance + ε) + shift."
NUDGES = {
    "size": "The sizes differ: is a convolution or a pool without padding? Each k x k convolution "
    "needs padding k // 2, the pool padding 1 and stride 1.",
    "unpadded": "The {size} convolution is without padding: it keeps the size with k // 2.",
    "overpadded": "Too much padding: a k x k convolution keeps the size with padding k // 2, a 1x1 "
    "with 0.",
    "underpadded": "The {size} convolution keeps the size with padding k // 2.",
    "even-kernel": "An even kernel cannot keep the size: all kernels here are odd.",
    "strided": _STRIDE,
    "halved": _STRIDE,
    "turned-padding": "A kernel h high and w wide keeps the size with padding (h // 2, w // 2).",
    "strided-pool": "The stride of `MaxPool2d` is its kernel size unless you set it: here it is 1.",
    "bare-pool": "`MaxPool2d(3)` has stride 3 and no padding: set `stride=1, padding=1`.",
    "unpadded-pool": "A 3x3 pool keeps the size with padding 1.",
    "joined-height": "The branches are joined along the height or width: channels are dimension 1.",
    "joined-batch": "The branches are joined along the batch: channels are dimension 1, `dim=1`.",
    "added": "Concatenate the branches: they differ in channels and cannot be added.",
    "channels": "Look at the last layer of each branch, and at what is joined.",
    "inner-joined": "The reductions are inner steps: only the end of each branch is joined.",
    "input-joined": "The input itself is not a branch: leave it out of the concatenation.",
    "not-joined": "Not joined, it seems: {missing}.",
    "no-projection": "Pooling keeps its input's channels: a 1x1 convolution to c4 follows it.",
    "cut-short": "The {size} convolution gives c[1] channels, its reduction c[0].",
    "no-relu": "Every convolution is followed by ReLU, the last of a branch too.",
    "relu-before-norm": "Normalise what the convolution gives, then apply ReLU.",
    "relu-before-conv": "First convolve, then apply ReLU.",
    "relu-before-sum": "First add the block's input, then apply ReLU.",
    "other-activation": "The paper uses ReLU throughout.",
    "average-pool": "Take the maximum, not the mean.",
    "no-pool": _POOL,
    "pool-late": "Swap the two: the branch begins with the max pool, the convolution follows.",
    "pool-inside": "Swap the two: the pool comes first, then the convolution and what follows.",
    "wide-pool": _POOL,
    "zero-padded-pool": "Zeros win over negative values: `max_pool2d` pads as if with −∞.",
    "pooled-input": "Only the last branch pools the block's input; this one takes it as it is.",
    "relu-on-input": "Feed it the input as it is.",
    "no-norm": "One batch norm after each convolution, before its ReLU.",
    "bare-conv": "Each convolution is followed by batch norm, and that by ReLU.",
    "norm-first": _NOT_BEFORE,
    "no-affine": "Keep scale and shift, `affine=True`: they are learned.",
    "stored-statistics": "In training the batch at hand sets the scale. With `F.batch_norm`, pass "
    "`training=self.training`.",
    "input-normed": _NOT_BEFORE,
    "pool-normed": _NOT_BEFORE,
    "own-input-normed": _NOT_BEFORE,
    "input-plainly-normed": _NOWHERE,
    "pool-plainly-normed": _NOWHERE,
    "own-input-plainly-normed": _NOWHERE,
    "unbiased-variance": "Divide the squares by their number n: `var(…, unbiased=False)`. The "
    "running variance may be either.",
    "no-division": _FORMULA,
    "no-root": _FORMULA,
    "no-mean": _FORMULA,
    "shift-first": _FORMULA,
    "doubled": _FORMULA,
    "affine-unused": _FORMULA,
    "scale-unused": _FORMULA,
    "shift-unused": _FORMULA,
    "scale-for-shift": "A scale begins as ones, a shift as zeros. `F.batch_norm` takes the running "
    "mean and variance, then weight (the scale) and bias (the shift).",
    "mean-for-variance": "A mean begins as zeros, a variance as ones. `F.batch_norm` takes the "
    "running mean first, then the running variance.",
    "statistics": "There, subtract the running mean, and divide by √(running variance + ε). Both "
    "move towards those of the batch in training.",
    "vectors": "One batch norm after each convolution, before its ReLU.",
    "bias": "Leave it out, `bias=False`: the shift of the batch norm takes its place.",
    "no-bias": "Every convolution has a bias here, as `nn.Conv2d` gives it by default.",
    "forgotten-bias": "Add the bias before ReLU is applied.",
    "reduced-late": "The 1x1 convolution comes first: it makes the {size} cheap.",
    "order": "The table has them in order.",
    "no-scale": "Multiply the residual by it.",
    "no-shortcut": "Add the block's input to the residual.",
    "no-residual": "Add the residual to the block's input.",
    "joined-sum": "A sum has as many channels as the block's input.",
    "scaled-shortcut": "The scale belongs to the residual alone.",
    "scaled-sum": "The scale belongs to the residual alone.",
    "frozen-statistics": "Is `momentum` 0, or a batch norm not used, or are they made anew in each "
    "`forward`?",
    "batch-statistics": "After `eval()` running statistics are used, not the batch's: look for "
    "`track_running_stats=False`. With `F.batch_norm`, pass `training=self.training`.",
}


def filled(text: str, root: Node, mistake: Mistake, where: Where) -> str:
    """``text`` with what is to be said of a mistake's places."""
    first, *_ = mistake.places
    within = [b for b in branches(root) if any(n in nodes(b) for n in mistake.places)]
    possible = kinds(root, mistake.rules)[mistake.kind]
    possible = [n for n in possible if not within or any(n in nodes(b) for b in within)]
    everywhere = set(possible) == set(mistake.places)
    convs = {conv_of(n): n for n in mistake.places if conv_of(n)}
    spots = (where(c, next((b for b in within if n in nodes(b)), None)) for c, n in convs.items())
    place = ", ".join(dict.fromkeys(spots)) or "at the beginning"
    if everywhere and len(mistake.places) > max(1, len(within)):
        place = "at all"
    names = ", ".join(f"{c.spec.size} to {c.spec.out}" for c in convs)
    names = f"the convolution{'s' * (len(convs) > 1)} {names}"
    wrong = mistake.wrong(first)
    text = re.sub(r"\[.*?\]" if everywhere else r"[\[\]]", "", text)
    return text.format(
        place=place,
        branch=f", in {listed(within)}" if within else "",
        n=len(mistake.places),
        total=mistake.of,
        size=next((c.spec.size for c in convs), ""),
        op=wrong.op,
        missing=", ".join(f"`{label(p)}`" for p in parts(first) if p not in parts(wrong)),
        convs="any convolution" if len(convs) == mistake.of else names,
    )
