"""The shared module of the GoogLeNet workbook, in the API of *Dive into Deep Learning* (v1.0).

``import d2l_utils as d2l`` takes the place of ``from d2l import torch as d2l`` for the code of the
book's chapter 8, modern convolutional neural networks.
"""

from . import figures, runtime
from .accelerator import *
from .base import *
from .board import *
from .checks import *
from .comparison import *
from .cost import *
from .data import *
from .diagram import *
from .experiments import *
from .figures import *
from .hyperparameters import *
from .networks import *
from .protocol import *
from .residual import *
from .runtime import *
from .sliders import *
from .trainer import *
from .weights import *

runtime.set_threads()


def __getattr__(name: str):
    """``d2l.plt``, in the workbook's style, imported when it is first asked for."""
    if name == "plt":
        return figures.pyplot()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
