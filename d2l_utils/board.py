"""The live plot of a training run (D2L section 3.2.1's ProgressBoard)."""

from __future__ import annotations

import time

from . import figures
from .base_hyperparameters import HyperParameters
