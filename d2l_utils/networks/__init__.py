"""The networks of D2L sections 7.6 and 8.1 to 8.4, their architecture written as data.

Every class takes ``lr`` and ``num_classes`` as in the book; what makes one network differ from the
next is the tuple of channels above it. Layers are lazy: they take their input size, and their first
weights, from the first input they see; ``model.apply_init([X], init_cnn)`` then draws them anew.
"""

from .alexnet import ALEXNET, AlexNet
from .googlenet import GOOGLENET, SMALL_STEM, STEM, GoogleNet, Inception, scaled
from .initial_weights import init_he
from .lenet import LeNet
from .nin import NIN, NiN, nin_block
from .resnet_and_resnext import Residual, ResNeXtBlock
from .units import Branches, conv_bn_relu, conv_relu, conv_unit
from .vgg import VGG, VGG11, vgg_block

__all__ = [
    "ALEXNET",
    "GOOGLENET",
    "NIN",
    "SMALL_STEM",
    "STEM",
    "VGG",
    "VGG11",
    "AlexNet",
    "Branches",
    "GoogleNet",
    "Inception",
    "LeNet",
    "NiN",
    "ResNeXtBlock",
    "Residual",
    "conv_bn_relu",
    "conv_relu",
    "conv_unit",
    "init_he",
    "nin_block",
    "scaled",
    "vgg_block",
]
