"""What torch's operations are: of which kind, and how many multiply-accumulates (MACs) in each."""

from __future__ import annotations

import math

import torch

from .trace import Operation, Value

__all__ = ["kind_of", "macs_of"]

# Torch's names for the operations of each kind.
_KINDS = {
    "convolution": "convolution",
    "linear": "addmm mm",
    "pool": "max_pool2d_with_indices avg_pool2d _adaptive_avg_pool2d mean",
    "norm": "native_batch_norm _native_batch_norm_legit_no_training native_layer_norm "
    "native_group_norm",
    "activation": "relu sigmoid tanh hardtanh clamp_min silu gelu hardswish hardsigmoid _softmax "
    "_safe_softmax _log_softmax",
    "concat": "cat",
    "add": "add sub mul div",
}
_KIND = {name: kind for kind, names in _KINDS.items() for name in names.split()}

# Of no kind, and none of them sums products. What torch itself calls pointwise or a reduction need
# not be here.
_FREE = {
    "move": "_to_copy copy repeat stack roll flip index index_put index_select index_add gather "
    "scatter scatter_add slice_scatter select_scatter embedding constant_pad_nd reflection_pad1d "
    "reflection_pad2d replication_pad2d pixel_shuffle pixel_unshuffle native_channel_shuffle "
    "im2col col2im",
    "fill": "zero zeros ones full new_zeros new_ones new_full scalar_tensor arange linspace eye "
    "bernoulli rand randn rand_like randn_like",
    "choose": "tril triu topk sort max_pool3d_with_indices adaptive_max_pool2d",
    "sum": "cumsum avg_pool3d _adaptive_avg_pool3d",
    "resize": "upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_bilinear2d "
    "_upsample_bilinear2d_aa upsample_bicubic2d _upsample_bicubic2d_aa upsample_trilinear3d "
    "grid_sampler_2d",
    "one by one": "_prelu_kernel glu rrelu_with_noise native_dropout _weight_norm_interface",
}
_WITHOUT_MACS = {name for names in _FREE.values() for name in names.split()}


def kind_of(operation: Operation) -> str:
    """One of "convolution", "linear", "pool", "norm", "activation", "concat", "add", "other"."""
    return _KIND.get(operation.name, "other")


def macs_of(operation: Operation) -> int:
    """MACs of a convolution or a matrix product; 0 for what sums no products.

    Raises:
        ValueError: It is neither, as far as is known here.
    """
    name, tags = operation.name, operation.function.tags
    if name in _PRODUCTS:
        return _PRODUCTS[name](operation.writes[0], *operation.arguments)
    known = name in _KIND or name in _WITHOUT_MACS or operation.moves_nothing
    if known or torch.Tag.pointwise in tags or torch.Tag.reduction in tags:
        return 0
    where = operation.module or "the network"
    raise ValueError(f"{where} ({operation.name}): nobody has said how to count its MACs")


# -- products: the MACs, from what is written and the arguments in torch's order ------------------


def _convolution(Y: Value, X: Value, weight: Value, *rest) -> int:
    """Each number of the output, of the input if transposed, meets the weights of one channel."""
    _, _, _, _, transposed, *_ = rest
    return math.prod((X if transposed else Y).shape) * math.prod(weight.shape[1:])


def _product(Y: Value, A: Value, *_) -> int:
    """Each number of the output is a sum as long as a row of ``A``."""
    return math.prod(Y.shape) * A.shape[-1]


def _product_added(Y: Value, _, A: Value, *__) -> int:
    return _product(Y, A)


def _attention(_, queries: Value, keys: Value, values: Value, *__) -> int:
    """Each query meets each key, and then each value."""
    pairs = math.prod(queries.shape[:-1]) * keys.shape[-2]
    return pairs * (queries.shape[-1] + values.shape[-1])


def _recurrent(_, X: Value, input_weight: Value, state_weight: Value, *__) -> int:
    """At each step each sequence meets the weights of the input and those of the state."""
    weights = math.prod(input_weight.shape) + math.prod(state_weight.shape)
    return math.prod(X.shape[:-1]) * weights


_PRODUCTS = {
    "convolution": _convolution,
    **dict.fromkeys(("mm", "bmm", "mv", "dot", "vdot", "linear"), _product),
    **dict.fromkeys(("addmm", "baddbmm", "addmv"), _product_added),
    "_scaled_dot_product_flash_attention": _attention,
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    "_scaled_dot_product_efficient_attention": _attention,
    "_scaled_dot_product_cudnn_attention": _attention,
    "mkldnn_rnn_layer": _recurrent,
}
