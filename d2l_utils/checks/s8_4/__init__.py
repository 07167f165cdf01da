"""The exercises of D2L section 8.4, multi-branch networks (GoogLeNet), a module for each."""

from . import (
    e0_googlenet,
    e1_1_batch_norm,
    e1_2_inception_v3,
    e1_3_label_smoothing,
    e1_4_inception_resnet,
    e2_minimum_image_size,
    e3_native_28x28,
    e4_parameter_count,
    e5_compute_and_accelerators,
)

__all__ = [
    "e0_googlenet",
    "e1_1_batch_norm",
    "e1_2_inception_v3",
    "e1_3_label_smoothing",
    "e1_4_inception_resnet",
    "e2_minimum_image_size",
    "e3_native_28x28",
    "e4_parameter_count",
    "e5_compute_and_accelerators",
]
