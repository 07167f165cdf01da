"""The shared module of the GoogLeNet workbook, in the API of *Dive into Deep Learning* (v1.0).

``import d2l_utils as d2l`` takes the place of ``from d2l import torch as d2l`` for the code of the
book's chapter 8, modern convolutional neural networks.
"""

from . import base, board, data, figures, hyperparameters, networks, runtime, trainer
from .base import *  # noqa: F403
from .board import *  # noqa: F403
from .data import *  # noqa: F403
from .figures import *  # noqa: F403
from .hyperparameters import *  # noqa: F403
from .networks import *  # noqa: F403
from .runtime import *  # noqa: F403
from .trainer import *  # noqa: F403
