"""The shared module of the GoogLeNet workbook, in the API of *Dive into Deep Learning* (v1.0).

``import d2l_utils as d2l`` takes the place of ``from d2l import torch as d2l`` for the code of the
book's chapter 8, modern convolutional neural networks. The top of the package holds what the book's
reader knows: base classes, data, trainer, board, figures, devices, networks. The rest of what is
named here lies in the folders.

Importing it gives torch as many threads as cores are granted, and left free by other programs
(``machine.cores.set_threads``): the one thing that it changes for the whole process.
"""

from .machine import neighbours  # first: it watches them while torch is imported

# isort: split
from .board import ProgressBoard
from .checks import check, progress, yours
from .chips.chip import Chip, ChipCost, run_on
from .chips.dram_traffic import dram_bytes, tilings
from .chips.kept_maps import largest_maps
from .chips.systolic import systolic_cycles
from .classifier import Classifier, init_cnn
from .costs.cost_table import PRECISIONS, LayerCost, cost_table, count_macs, count_parameters
from .data import DataModule, FashionMNIST, ImageDataset, as_it_is
from .devices import cpu, gpu, num_gpus, try_all_gpus, try_gpu
from .display.diagrams import Diagram, diagram
from .display.predictions import mark_prediction, predicted
from .display.sliders import sliders
from .display.tables import Table
from .figures import plot, set_axes, set_figsize, show_images, use_svg_display
from .hyperparameters import HyperParameters, add_to_class
from .machine.cores import granted_cores, set_threads
from .machine.random_state import seed_everything
from .module import Module
from .networks import (
    ALEXNET,
    GOOGLENET,
    NIN,
    SMALL_STEM,
    STEM,
    VGG,
    VGG11,
    AlexNet,
    Branches,
    GoogleNet,
    Inception,
    LeNet,
    NiN,
    Residual,
    ResNeXtBlock,
    conv_bn_relu,
    conv_relu,
    conv_unit,
    init_he,
    nin_block,
    scaled,
    vgg_block,
)
from .studies.budget import budget, by_budget
from .studies.compare_arms import compare
from .studies.configuration import Recipe
from .studies.protocol import PROTOCOL, ProtocolNet, ProtocolStudy
from .studies.records import RESULTS
from .studies.study import Study
from .studies.weights import load_weights, save_weights
from .trainer import DivergenceError, Trainer, cosine_decay
from .training.side_by_side import train_side_by_side

set_threads()


def __getattr__(name: str):
    """``d2l.plt``, in the workbook's style, imported when it is first asked for."""
    if name == "plt":
        from .display.style import pyplot

        return pyplot()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
