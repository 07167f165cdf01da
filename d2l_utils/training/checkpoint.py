"""Checkpoints: the whole state of a training after an epoch, so that a killed one can go on.

On a CPU it goes on to the bit-identical result: a checkpoint holds the model, the optimizer, every
random generator and where the training stands. It is read with ``weights_only=True``, so that
nothing in the file can run.
"""

from __future__ import annotations

import io
import os
import pickle
import warnings
from pathlib import Path

import torch

from ..machine import files, random_state

__all__: list[str] = []


def save(trainer, file: str | os.PathLike) -> None:
    """Write the state of ``trainer`` to ``file``; all or nothing.

    A disk that is full costs the checkpoint, which a warning tells, and not the training.
    """
    generator = _generator(trainer)
    state = {
        "training": _training(trainer),
        "model": trainer.model.state_dict(),
        "optimizer": trainer.optim.state_dict(),
        "generators": random_state.generator_states(),
        "order": None if generator is None else generator.get_state(),
        "history": trainer.history,
        "batches": (trainer.train_batch_idx, trainer.val_batch_idx),
        "curves": {
            label: [tuple(point) for point in line]
            for label, line in trainer.model.board.data.items()
        },
        "windows": trainer._windows,
    }
    packed = io.BytesIO()  # torch's own writer does not say what is wrong with a disk
    torch.save(state, packed)
    try:
        with files.whole(file) as aside:
            aside.write_bytes(packed.getbuffer())
    except OSError as error:
        warnings.warn(
            f"no checkpoint after epoch {len(trainer.history)}: {error}. The training goes on",
            stacklevel=2,
        )


def resume(trainer, file: str | os.PathLike) -> int:
    """Put ``trainer``, prepared to train, into the state in ``file``.

    Returns the epochs that are done: 0 if there is no such file.

    Raises:
        ValueError: the file is damaged, or of a training with other settings.
    """
    if not hasattr(trainer.optim, "state_dict"):
        raise ValueError(
            f"checkpoint = {os.fspath(file)!r}: {type(trainer.optim).__name__} has no state_dict, "
            "so that its state can't be kept; expected an optimizer of torch.optim"
        )
    if not Path(file).exists():
        return 0
    remedy = "Name another file, or delete this one to start anew."
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        theirs = state["training"]
    except (RuntimeError, OSError, EOFError, LookupError, TypeError, pickle.PickleError) as error:
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"checkpoint = {os.fspath(file)!r} can't be read: {what}. {remedy}"
        ) from error
    ours = _training(trainer)
    for key in {**theirs, **ours}:
        if theirs.get(key) != ours.get(key):
            raise ValueError(
                f"checkpoint = {os.fspath(file)!r} is of another training: its {key} is "
                f"{theirs.get(key)}, here it is {ours.get(key)}. {remedy}"
            )
    trainer.model.load_state_dict(state["model"])
    trainer.optim.load_state_dict(state["optimizer"])
    trainer.history = state["history"]
    trainer.train_batch_idx, trainer.val_batch_idx = state["batches"]
    trainer._windows = state["windows"]
    for label, points in state["curves"].items():
        for x, y in points:
            trainer.model.board.draw(x, y, label)
    random_state.set_generator_states(state["generators"])
    if state["order"] is not None:
        _generator(trainer).set_state(state["order"])
    return len(trainer.history)


def _generator(trainer) -> torch.Generator | None:
    """The generator of the order of the data, where it has one of its own."""
    return getattr(trainer.train_dataloader, "generator", None)


def _training(trainer) -> dict:
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
        "own generator of the data's order": _generator(trainer) is not None,
        "precision": trainer.precision,
        "gradient_clip_val": trainer.gradient_clip_val,
        "optimizer": type(trainer.optim).__name__,
        "learning rates": trainer._base_lrs,
        **groups,
        **shapes,
    }
