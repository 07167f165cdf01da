"""One seed for every generator."""

import random

import numpy as np
import torch

import d2l_utils as d2l


def test_one_seed_for_every_generator():
    def draw():
        d2l.seed_everything(7)
        return random.random(), np.random.rand(), torch.rand(1).item()

    assert draw() == draw()
