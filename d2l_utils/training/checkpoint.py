"""Checkpoints: the whole state of a training after an epoch, so that a killed one can go on.

On a CPU it goes on to the bit-identical result: a checkpoint holds the model, the optimizer, every
random generator and where the training stands. It is read with ``weights_only=True``, so that
nothing in the file can run.
"""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path

import torch

from ..machine import files
from ..machine.random_state import RandomState
from . import distributed

__all__: list[str] = []

LAYOUT = 2  # of the file: count it up when what it holds changes


class CheckpointFile:
    """The file of a trainer that is ready to train; without one (None), nothing is kept.

    It holds the state of each part, as the part's ``state_dict`` gives it.
    """

    def __init__(self, trainer) -> None:
        self.file = None if trainer.checkpoint is None else os.fspath(trainer.checkpoint)
        self.trainer = trainer
        self.parts = {
            "model": trainer.model,
            "optimizer": trainer.optim,
            "trainer": trainer,
            "meters": trainer.meters,
            "board": trainer.model.board,
            "random generators": RandomState(trainer.train_dataloader),
        }

    def save(self) -> None:
        """Write the file; all or nothing.

        A disk that is full costs the checkpoint, which a warning tells, and not the training.
        """
        if self.file is None:
            return
        if distributed.is_first():
            state = {name: part.state_dict() for name, part in self.parts.items()}
            settings = settings_that_must_match(self.trainer)
            packed = io.BytesIO()  # torch's own writer does not say what is wrong with a disk
            torch.save({"layout": LAYOUT, "settings": settings, "state": state}, packed)
            try:
                with files.whole(self.file) as aside:
                    aside.write_bytes(packed.getbuffer())
            except OSError as error:
                warnings.warn(
                    f"no checkpoint after epoch {len(self.trainer.history)}: {error}. "
                    "The training goes on",
                    stacklevel=2,
                )
        distributed.wait_for_the_others()  # who may be about to read it

    def resume(self) -> None:
        """Put every part into the state in the file, if there is one.

        Raises:
            ValueError: the file is damaged, or of a training with other settings.
        """
        if self.file is None:
            return
        optim = self.trainer.optim
        if not hasattr(optim, "state_dict"):
            raise ValueError(
                f"checkpoint = {self.file!r}: {type(optim).__name__} has no state_dict, "
                "so that its state can't be kept; expected an optimizer of torch.optim"
            )
        if not Path(self.file).exists():
            return
        saved = self._read()
        theirs, ours = saved["settings"], settings_that_must_match(self.trainer)
        for key in {**theirs, **ours}:
            if theirs.get(key) != ours.get(key):
                raise self._refusal(
                    f"is of another training: its {key} is {theirs.get(key)}, here it is "
                    f"{ours.get(key)}"
                )
        for name, part in self.parts.items():
            part.load_state_dict(saved["state"][name])

    def _read(self) -> dict:
        try:
            saved = torch.load(self.file, map_location="cpu", weights_only=True)
        except Exception as error:  # which one depends on where the damage is
            what = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise self._refusal(f"can't be read: {what}") from error
        if not isinstance(saved, dict) or saved.get("layout") != LAYOUT:
            raise self._refusal("can't be read: it is laid out in another way than here")
        return saved

    def _refusal(self, why: str) -> ValueError:
        remedy = "Name another file, or delete this one to start anew."
        return ValueError(f"checkpoint = {self.file!r} {why}. {remedy}")


def settings_that_must_match(trainer) -> dict:
    """What two trainings share if one can go on where the other stopped."""
    groups = {
        f"{name} of parameter group {i}": value
        for i, group in enumerate(trainer.optim.param_groups)
        for name, value in group.items()
        if name not in ("params", "lr")  # the rate of this moment, set anew by a schedule
    }
    shapes = {
        f"shape of {name}": tuple(tensor.shape)
        for name, tensor in trainer.model.state_dict().items()
    }
    return {
        "number of epochs": trainer.max_epochs,
        "number of batches in an epoch": trainer.num_train_batches,
        "own generator of the data's order": RandomState(trainer.train_dataloader).own is not None,
        "precision": trainer.precision,
        "gradient_clip_val": trainer.gradient_clip_val,
        "optimizer": type(trainer.optim).__name__,
        "learning rates": trainer.learning_rate.initial,
        **groups,
        **shapes,
    }
