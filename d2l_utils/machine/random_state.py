"""Every random generator that the workbook draws from: seeded, read, set back."""

from __future__ import annotations

import random

import torch

from ..devices import num_gpus

__all__ = ["RandomState", "seed_everything"]


def seed_everything(seed: int) -> None:
    """Seed every generator that the workbook draws from: ``random``, numpy and torch."""
    import numpy as np

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


class RandomState:
    """The generators that ``seed_everything`` seeds, and ``own``, that of ``loader``, if any."""

    def __init__(self, loader=None) -> None:
        self.own: torch.Generator | None = getattr(loader, "generator", None)

    def state_dict(self) -> dict:
        """The state of each generator, as ``torch.load`` can read it."""
        import numpy as np

        name, keys, *rest = np.random.get_state()
        return {
            "random": random.getstate(),
            "numpy": (name, torch.from_numpy(keys.astype("int64")), *rest),
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "own": None if self.own is None else self.own.get_state(),
        }

    def load_state_dict(self, state: dict) -> None:
        """Set every generator as ``state_dict`` found it; GPUs if there are as many."""
        import numpy as np

        random.setstate(state["random"])
        name, keys, *rest = state["numpy"]
        np.random.set_state((name, keys.numpy().astype("uint32"), *rest))
        torch.set_rng_state(state["torch"])
        if len(state["cuda"]) == num_gpus() > 0:
            torch.cuda.set_rng_state_all(state["cuda"])
        if self.own is not None:
            self.own.set_state(state["own"])
