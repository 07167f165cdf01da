"""Checkpoints: the whole state of a training after an epoch, so that a killed one can go on.

On a CPU, with as many threads and processes, it goes on to the bit-identical result: a checkpoint
holds the model, the optimizer, every random generator and where the training stands. Its first
line has a digest of the rest, which is verified before anything is read; and it is read with
``weights_only=True``, so that nothing in the file can run.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import os
import warnings
from pathlib import Path
from typing import Any

import torch

from ..machine import files
from ..machine.random_state import RandomState
from . import distributed
from .same_training import circumstances, differences, operations, settings

__all__: list[str] = []

LAYOUT = b"d2l checkpoint 3 "  # begins the file: count it up when what it holds changes


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
        if self.file is not None and not hasattr(trainer.optim, "state_dict"):
            raise ValueError(
                f"checkpoint = {self.file!r}: {type(trainer.optim).__name__} has no state_dict, "
                "so that its state can't be kept; expected an optimizer of torch.optim"
            )
        self.settings = {} if self.file is None else settings(trainer)
        self.input_shape: tuple[int, ...] | None = None

    def save(self) -> None:
        """Write the file; all or nothing.

        A disk that is full costs the checkpoint, which a warning tells, and not the training.
        """
        if self.file is None:
            return
        if distributed.is_first():
            state = {name: part.state_dict() for name, part in self.parts.items()}
            if self.input_shape is None:  # the first time
                self.input_shape = self.trainer.input_shape
                self.settings |= operations(self.trainer.model, self.input_shape)
            told = {
                "settings": self.settings,
                "input": self.input_shape,
                "state": state,
                "circumstances": circumstances(),
            }
            packed = io.BytesIO()  # torch's own writer does not say what is wrong with a disk
            torch.save(_plain(told), packed)
            try:
                with files.whole(self.file) as aside, open(aside, "wb") as opened:
                    opened.write(LAYOUT + _digest(packed.getbuffer()) + b"\n")
                    opened.write(packed.getbuffer())
            except OSError as error:
                warnings.warn(
                    f"no checkpoint after epoch {len(self.trainer.history)}: {error}. "
                    "The training goes on",
                    stacklevel=2,
                )
        distributed.wait_for_the_others()  # who may be about to read it

    def resume(self) -> None:
        """Put every part into the state in the file, if there is one; all of them, or none.

        Warns if there are more or fewer threads or processes than before.

        Raises:
            ValueError: the file is damaged, or of another training.
        """
        if self.file is None:
            return
        contents = self.trainer.processes.read_by_the_first(self._contents)
        if contents is None:
            return
        saved = self._read(contents)
        ours = self.settings | operations(self.trainer.model, saved["input"])
        if told := differences(saved["settings"], _plain(ours)):
            raise self._refusal(f"is of another training: {told[0]}")
        before = {name: copy.deepcopy(part.state_dict()) for name, part in self.parts.items()}
        try:
            for name, part in self.parts.items():
                part.load_state_dict(saved["state"][name])
        except Exception as error:
            for name, part in self.parts.items():
                part.load_state_dict(before[name])
            raise self._refusal("can't be read: a part of it does not fit") from error
        self.settings, self.input_shape = saved["settings"], saved["input"]
        if len(self.trainer.history) < self.trainer.max_epochs:
            self._tell(saved["circumstances"])

    def _tell(self, theirs: dict[str, int]) -> None:
        """Say that the training goes on, and what may change its last digits."""
        if not distributed.is_first():
            return
        done, epochs = len(self.trainer.history), self.trainer.max_epochs
        print(f"Going on after epoch {done} of {epochs} from {files.told(self.file)}")
        for what, here in circumstances().items():
            if theirs[what] != here:
                told = f"was written with {theirs[what]} {what}; with {here} the last digits of the"
                warnings.warn(f"{files.told(self.file)} {told} results may differ", stacklevel=2)

    def _contents(self) -> bytes | None:
        """None without a file, nothing of one that can't be read."""
        if not Path(self.file).exists():
            return None
        with contextlib.suppress(OSError):
            if Path(self.file).is_file():
                return Path(self.file).read_bytes()
        return b""

    def _read(self, contents: bytes) -> dict:
        if not contents:
            raise self._refusal("can't be read: it is empty, or no regular file, or not for you")
        first, _, packed = contents.partition(b"\n")
        if not first.startswith(LAYOUT):
            raise self._refusal("can't be read: it is no checkpoint, or one of another version")
        if first != LAYOUT + _digest(packed):
            raise self._refusal("can't be read: it is damaged, or was cut short")
        try:
            return torch.load(io.BytesIO(packed), map_location="cpu", weights_only=True)
        except Exception as error:
            raise self._refusal("can't be read: it holds what no checkpoint holds") from error

    def _refusal(self, why: str) -> ValueError:
        remedy = "Name another file, or delete this one to start anew."
        return ValueError(f"checkpoint = {self.file!r} {why}. {remedy}")


def _digest(packed: bytes | memoryview) -> bytes:
    return hashlib.sha256(packed).hexdigest().encode()


def _plain(told: Any) -> Any:
    """``told`` with Python's numbers in place of numpy's, which are not read again."""
    if isinstance(told, dict):
        return {key: _plain(value) for key, value in told.items()}
    if type(told) in (list, tuple):
        return type(told)(map(_plain, told))
    return told.item() if type(told).__module__ == "numpy" and hasattr(told, "item") else told
