"""The training loop (D2L section 3.2.4): it fits a ``Module`` to a ``DataModule``."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import nn

from .devices import gpu
from .devices import num_gpus as gpus_there
from .hyperparameters import HyperParameters
from .machine.memory import keep_memory
from .training import distributed
from .training.checkpoint import CheckpointFile
from .training.divergence import DivergenceError, LastGood, require_finite
from .training.lazy_layers import give_shapes
from .training.meters import Meters
from .training.misfits import told_if_a_batch_does_not_fit
from .training.preconditions import counted, require_optimizer, require_settings
from .training.progress_bar import ProgressBar
from .training.schedules import LearningRate, cosine_decay

__all__ = ["DivergenceError", "Trainer", "cosine_decay"]


class Trainer(HyperParameters):
    """Trains a model for ``max_epochs`` epochs and validates it after each.

    Under ``torchrun`` its processes train together, each on its share of every batch. On a CPU,
    ``fit`` changes one thing for the whole process, by ``machine.memory.keep_memory()``.

    Args:
        max_epochs: Passes over the training data, 0 or more.
        num_gpus: The model and the batches move to the first GPU if this is positive and there is
            one (under ``torchrun``, to the one of this process); otherwise they stay on the CPU.
        gradient_clip_val: Largest Euclidean norm of the gradient; 0 leaves it as it is.
        schedule: Maps the share of training done, from 0 to 1, to a factor of the learning rate,
            set anew before each step. ``None`` keeps the optimizer's own.
        channels_last: Keep images and convolution weights in memory with the channels innermost,
            which is what the fast convolutions read; results differ by rounding only.
        precision: "float32", or "bfloat16" for the forward passes of training, by autocast:
            weights, their updates and validation stay in float32.
        checkpoint: A file for the state of the training, written after each epoch. ``fit`` goes on
            from it where it exists, and says so: on a CPU, with as many threads, a run killed at
            any moment ends in the very numbers that it would have had.
        progress: Show a progress bar (and the model's board, if it is on display).

    After ``fit``: ``history``, one dict an epoch with the mean of everything that the model
    plotted (``train_loss``, ``val_loss``, ``val_acc``, ...), ``lr`` and ``seconds``; and
    ``interrupted``, whether the reader stopped it.
    """

    def __init__(
        self,
        max_epochs: int,
        num_gpus: int = 0,
        gradient_clip_val: float = 0,
        *,
        schedule: Callable[[float], float] | None = None,
        channels_last: bool = True,
        precision: str = "float32",
        checkpoint: str | os.PathLike | None = None,
        progress: bool = True,
    ) -> None:
        require_settings(max_epochs, num_gpus, gradient_clip_val, precision)
        self.save_hyperparameters()
        first = distributed.local_rank()
        self.gpus = [gpu(i) for i in range(first, min(first + num_gpus, gpus_there()))]
        self.processes = distributed.this_one()
        self.epoch = self.train_batch_idx = self.val_batch_idx = 0
        self.history: list[dict[str, float]] = []
        self.interrupted = False
        self.input_shape: tuple[int, ...] | None = None  # of an example
        self.meters = Meters(self)

    # -- the loop ---------------------------------------------------------------------------------

    def fit(self, model, data) -> None:
        """Train ``model`` on ``data``.

        The Stop button of Jupyter (KeyboardInterrupt) ends it early: the model keeps what it has
        learned, the history its finished epochs.

        Raises:
            DivergenceError: the loss became infinite or not a number; names the place. The model is
                as it was before that batch.
            ValueError: the checkpoint is damaged or of another training; there is no batch, no
                optimizer, or one of another model's parameters; or a batch does not fit the model.
        """
        self.prepare_data(data)
        give_shapes(model, self.train_dataloader)
        self.prepare_model(model)
        self.optim = model.configure_optimizers()
        require_optimizer(self.optim, model)
        self.start()
        try:
            with self.processes.told_if_one_is_lost():
                epochs = range(len(self.history), self.max_epochs)
                for self.epoch in epochs:
                    self.fit_epoch()
                    self.checkpoint_file.save()
        except KeyboardInterrupt:
            self.interrupted = True
        finally:
            self.finish()

    def fit_epoch(self) -> None:
        """Train on every training batch once, then validate."""
        start = time.perf_counter()
        self.meters.start_epoch()
        self.bar.start_epoch(self.epoch)
        self.model.train()
        for batch in self.batches(self.train_dataloader):
            self.learning_rate.set_for(self.train_batch_idx)
            with told_if_a_batch_does_not_fit(self.model, batch):
                loss = self.training_step(batch)
            require_finite(loss, self)
            self.optim.zero_grad()
            self.backward(loss)
            if self.gradient_clip_val > 0:
                self.clip_gradients(self.gradient_clip_val, self.model)
            self.step()
            self.train_batch_idx += 1
            self.bar.update(self.examples)
        if self.val_dataloader is not None:
            self.validate(self.val_dataloader)
        row = {"epoch": self.epoch + 1, **self.meters.means(), "lr": self.learning_rate.now()}
        self.history.append(row | {"seconds": time.perf_counter() - start})
        self.bar.end_epoch(row)

    @torch.no_grad()
    def validate(self, dataloader: Iterable) -> None:
        """Let the model plot its validation of each batch."""
        self.model.eval()
        for batch in self.batches(dataloader):
            with told_if_a_batch_does_not_fit(self.model, batch):
                self.model.validation_step(batch)
            self.val_batch_idx += 1

    def evaluate(self, model, dataloader: Iterable) -> dict[str, float]:
        """Means over ``dataloader`` of what the model's ``validation_step`` plots.

        ``dataloader`` is any iterable of batches. A ``Classifier`` gives ``val_loss`` and
        ``val_acc``; every example weighs the same. Nothing is drawn. The model that is being
        trained may be evaluated between two epochs.
        """
        dataloader = give_shapes(model, dataloader)
        self.prepare_model(model)
        of_training, self.meters = self.meters, Meters(self)
        self.validate(dataloader)
        of_evaluation, self.meters = self.meters, of_training
        return of_evaluation.means()

    # -- its steps and the book's hooks: override one to change one thing -------------------------

    def prepare_data(self, data) -> None:
        """Take the two dataloaders from ``data``."""
        train, validation = data.train_dataloader(), data.val_dataloader()
        self.train_dataloader, self.num_train_batches = counted(train, "train_dataloader")
        self.val_dataloader, self.num_val_batches = None, 0
        if validation is not None:
            self.val_dataloader, self.num_val_batches = counted(validation, "val_dataloader", 0)

    def prepare_model(self, model) -> None:
        """Introduce model and trainer; move the model to its device and memory layout."""
        self.processes.join(on_gpu=bool(self.gpus))
        self.model, model.trainer = model, self
        if self.gpus:
            model.to(self.gpus[0])
        if self.channels_last:
            model.to(memory_format=torch.channels_last)

    def prepare_batch(self, batch) -> list[torch.Tensor]:
        """Move a batch to the model's device and memory layout."""
        if self.gpus:
            batch = [part.to(self.gpus[0], non_blocking=True) for part in batch]
        if self.channels_last:
            batch = [
                part.contiguous(memory_format=torch.channels_last) if part.dim() == 4 else part
                for part in batch
            ]
        return batch

    def training_step(self, batch) -> torch.Tensor:
        """The model's ``training_step``, with its forward pass in ``precision``."""
        device = self.gpus[0].type if self.gpus else "cpu"
        with torch.autocast(device, torch.bfloat16, enabled=self.precision == "bfloat16"):
            return self.processes.training_step(self.model, batch)

    def backward(self, loss: torch.Tensor) -> None:
        """Compute the gradient of ``loss``."""
        self.processes.weighted(loss).backward()

    def clip_gradients(self, grad_clip_val: float, model: nn.Module) -> None:
        """Scale the gradient down to the norm ``grad_clip_val`` if it is longer."""
        nn.utils.clip_grad_norm_(model.parameters(), grad_clip_val)

    @torch.no_grad()  # for optimizers written by hand, as in section 3.4
    def step(self) -> None:
        """Update the weights."""
        self.optim.step()

    # -- around the loop --------------------------------------------------------------------------

    def start(self) -> None:
        """Begin before the first epoch, or after the last one in the checkpoint."""
        if not self.gpus:
            keep_memory()
        self.epoch = self.train_batch_idx = self.val_batch_idx = 0
        self.history, self.interrupted = [], False
        steps = self.max_epochs * self.num_train_batches
        self.learning_rate = LearningRate(self.optim, self.schedule, steps)
        board = self.model.board
        board.reset()
        board.xlabel, board.xlim = "epoch", [0, self.max_epochs]
        self.meters = Meters(self, board)
        self.checkpoint_file = CheckpointFile(self)
        self.checkpoint_file.resume()
        self.last_good = LastGood(self)
        show = self.progress and distributed.is_first()
        self.bar = ProgressBar(self.train_dataloader, self.max_epochs, len(self.history), show)

    def finish(self) -> None:
        """Leave a model that is ready for use, wherever the training has ended."""
        self.processes.release()
        self.model.eval()
        self.bar.close()
        if self.interrupted:
            print(f"Stopped in epoch {self.epoch + 1} of {self.max_epochs}; the model is usable.")

    def batches(self, dataloader: Iterable) -> Iterator[list[torch.Tensor]]:
        """The batches, each ready for the model; of several processes, this one's share."""
        self.processes.take_order_of_the_first(dataloader)
        for batch in dataloader:
            self.examples = len(batch[-1])
            self.input_shape = getattr(batch[0], "shape", None) and tuple(batch[0].shape[1:])
            yield self.prepare_batch(self.processes.share(batch))

    def state_dict(self) -> dict:
        """Where the training stands."""
        return {"history": self.history, "batches": (self.train_batch_idx, self.val_batch_idx)}

    def load_state_dict(self, state: dict) -> None:
        """Go on from there."""
        self.history = state["history"]
        self.train_batch_idx, self.val_batch_idx = state["batches"]
