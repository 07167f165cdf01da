"""Every random generator that the workbook draws from: seeded, read, set back."""

from __future__ import annotations

import random

import torch

from ..devices import num_gpus

__all__ = ["generator_states", "seed_everything", "set_generator_states"]


def seed_everything(seed: int) -> None:
    """Seed every generator that the workbook draws from: ``random``, numpy and torch."""
    import numpy as np

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def generator_states() -> dict:
    """The states of the generators that ``seed_everything`` seeds, as ``torch.load`` can read."""
    import numpy as np

    name, keys, *rest = np.random.get_state()
    return {
        "random": random.getstate(),
        "numpy": (name, torch.from_numpy(keys.astype("int64")), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_generator_states(states: dict) -> None:
    """Set every generator as ``generator_states`` found it; GPUs if there are as many."""
    import numpy as np

    random.setstate(states["random"])
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, keys.numpy().astype("uint32"), *rest))
    torch.set_rng_state(states["torch"])
    if len(states["cuda"]) == num_gpus() > 0:
        torch.cuda.set_rng_state_all(states["cuda"])
