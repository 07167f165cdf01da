"""The training loop (D2L section 3.2.4): it fits a ``Module`` to a ``DataModule``."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable

import torch
from torch import nn

from .devices import gpu
from .devices import num_gpus as gpus_there
from .hyperparameters import HyperParameters
from .machine.memory import keep_memory
from .training import checkpoint as checkpoints
from .training import processes
from .training.progress_bar import progress_bar

__all__ = ["DivergenceError", "Trainer", "cosine_decay"]


class DivergenceError(FloatingPointError):
    """The loss is no longer a finite number."""


def cosine_decay(done: float) -> float:
    """A ``schedule``: half a cosine from 1 to 0 (Loshchilov and Hutter 2017, arXiv 1608.03983)."""
    return 0.5 * (1 + math.cos(math.pi * done))


class Trainer(HyperParameters):
    """Trains a model for ``max_epochs`` epochs and validates it after each.

    Under ``torchrun`` its processes train together, each on its share of every batch.

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
            from it where it exists: on a CPU, a run killed at any moment ends in the very numbers
            that it would have had.
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
        if not isinstance(max_epochs, int) or max_epochs < 0:
            raise ValueError(f"max_epochs must be an integer of 0 or more, not {max_epochs!r}")
        if gradient_clip_val < 0:
            raise ValueError(f"gradient_clip_val must be 0 or more, not {gradient_clip_val!r}")
        if precision not in ("float32", "bfloat16"):
            raise ValueError(f"precision must be 'float32' or 'bfloat16', not {precision!r}")
        self.save_hyperparameters()
        first = processes.local_rank()
        self.gpus = [gpu(i) for i in range(first, min(first + num_gpus, gpus_there()))]
        self.history: list[dict[str, float]] = []
        self.interrupted = False

    # -- the loop ---------------------------------------------------------------------------------

    def fit(self, model, data) -> None:
        """Train ``model`` on ``data``.

        The Stop button of Jupyter (KeyboardInterrupt) ends it early: the model keeps what it has
        learned, the history its finished epochs.

        Raises:
            DivergenceError: the loss became infinite or not a number; names the place.
            ValueError: the checkpoint is damaged or of another training.
        """
        if not self.gpus:
            keep_memory()
        self.prepare_data(data)
        self.prepare_model(model)
        self.optim = model.configure_optimizers()
        self._base_lrs = [group["lr"] for group in getattr(self.optim, "param_groups", [])]
        self.epoch = self.train_batch_idx = self.val_batch_idx = 0
        self.history, self.interrupted = [], False
        model.board.reset()
        done = 0 if self.checkpoint is None else checkpoints.resume(self, self.checkpoint)
        self._bar = self._progress_bar(done)
        self._training_step = processes.training_step(model)
        try:
            for epoch in range(done, self.max_epochs):
                self.epoch = epoch
                self.fit_epoch()
                if self.checkpoint is not None and processes.is_first():
                    checkpoints.save(self, self.checkpoint)
        except KeyboardInterrupt:
            self.interrupted = True
        finally:
            del self._training_step  # a hold on every parameter, under torchrun
            model.eval()
            self._bar.close()
        if self.interrupted:
            print(f"Stopped in epoch {self.epoch + 1} of {self.max_epochs}; the model is usable.")

    def fit_epoch(self) -> None:
        """Train on every training batch once, then validate."""
        start = time.perf_counter()
        self._totals = {}
        processes.take_order_of_the_first(self.train_dataloader)
        self._bar.set_description_str(f"epoch {self.epoch + 1}/{self.max_epochs}", refresh=False)
        self.model.train()
        for batch in self._batches(self.train_dataloader):
            self._set_learning_rate()
            with self._autocast():
                loss = self._training_step(batch)
            self._require_finite(loss)
            self.optim.zero_grad()
            (loss * (self._share / self._images * processes.size())).backward()
            if self.gradient_clip_val > 0:
                self.clip_gradients(self.gradient_clip_val, self.model)
            with torch.no_grad():  # for optimizers written by hand, as in section 3.4
                self.optim.step()
            self.train_batch_idx += 1
            self._bar.update(self._images)
        if self.val_dataloader is not None:
            self._validate(self.val_dataloader)
        self.history.append(
            {"epoch": self.epoch + 1}
            | self._means()
            | {"lr": self._learning_rate(), "seconds": time.perf_counter() - start}
        )
        if "val_acc" in self._totals:
            self._bar.set_postfix_str(f"val_acc {self.history[-1]['val_acc']:.3f}")

    def evaluate(self, model, dataloader) -> dict[str, float]:
        """Means over ``dataloader`` of what the model's ``validation_step`` plots.

        A ``Classifier`` gives ``val_loss`` and ``val_acc``; every example weighs the same.
        """
        self.prepare_model(model)
        self._totals, self.num_train_batches, self.num_val_batches = {}, 0, 0  # 0: draw nothing
        self._validate(dataloader)
        return self._means()

    @torch.no_grad()
    def _validate(self, dataloader) -> None:
        self.model.eval()
        for batch in self._batches(dataloader):
            self.model.validation_step(batch)
            self.val_batch_idx += 1

    def _batches(self, dataloader):
        for batch in dataloader:
            self._images = len(batch[-1])
            batch, self._share = processes.share(batch)
            yield self.prepare_batch(batch)

    # -- hooks: override one to change one thing --------------------------------------------------

    def prepare_data(self, data) -> None:
        """Take the two dataloaders from ``data``."""
        self.train_dataloader = data.train_dataloader()
        self.val_dataloader = data.val_dataloader()
        self.num_train_batches = len(self.train_dataloader)
        self.num_val_batches = 0 if self.val_dataloader is None else len(self.val_dataloader)

    def prepare_model(self, model) -> None:
        """Introduce model and trainer; move the model to its device and memory layout."""
        processes.join(on_gpu=bool(self.gpus))
        model.trainer = self
        model.board.xlim = [0, self.max_epochs]
        self.model = model
        self.val_batch_idx = 0
        self._windows: dict[str, list] = {}
        self._give_shapes_to_lazy_layers()
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

    def clip_gradients(self, grad_clip_val: float, model: nn.Module) -> None:
        """Scale the gradient down to the norm ``grad_clip_val`` if it is longer."""
        nn.utils.clip_grad_norm_(model.parameters(), grad_clip_val)

    # -- measurements -----------------------------------------------------------------------------

    def log(self, key: str, value, train: bool) -> None:
        """Record one batch's ``value`` (scalar) for the history and the board.

        Values stay on their device until a point is drawn, so that a GPU is not kept waiting.
        """
        label = ("train_" if train else "val_") + key
        value = torch.as_tensor(value).detach()
        weight = self._share
        total, count = self._totals.get(label, (0.0, 0))
        self._totals[label] = (total + value * weight, count + weight)

        batches = self.num_train_batches if train else self.num_val_batches
        if not batches:
            return
        points = self.model.plot_train_per_epoch if train else self.model.plot_valid_per_epoch
        x = self.train_batch_idx / batches if train else self.epoch + 1
        window = self._windows.setdefault(label, [])
        window.append((x, value * weight, weight))
        if len(window) >= max(1, int(batches / points)):
            xs, values, weights = zip(*window, strict=True)
            window.clear()
            mean = float(sum(values)) / sum(weights)
            self.model.board.xlabel = "epoch"
            self.model.board.draw(sum(xs) / len(xs), mean, label)

    def _means(self) -> dict[str, float]:
        totals = {label: processes.total(*sums) for label, sums in self._totals.items()}
        return {label: value / count for label, (value, count) in totals.items()}

    def _learning_rate(self) -> float:
        groups = getattr(self.optim, "param_groups", None)
        return groups[0]["lr"] if groups else getattr(self.optim, "lr", math.nan)

    def _set_learning_rate(self) -> None:
        if self.schedule is None:
            return
        factor = self.schedule(self.train_batch_idx / (self.max_epochs * self.num_train_batches))
        for group, base in zip(self.optim.param_groups, self._base_lrs, strict=True):
            group["lr"] = base * factor

    def _require_finite(self, loss: torch.Tensor) -> None:
        """Stop before a bad gradient reaches the weights; a GPU is asked each 50th batch only."""
        if self.gpus and self.train_batch_idx % 50:
            return
        (value,) = processes.total(loss.detach())
        if math.isfinite(value):
            return
        batch = self.train_batch_idx % self.num_train_batches + 1
        raise DivergenceError(
            f"the loss is {value} in epoch {self.epoch + 1}, batch {batch} of "
            f"{self.num_train_batches}, at learning rate {self._learning_rate():g}. Try a smaller "
            "learning rate, gradient clipping (gradient_clip_val=1) or batch normalization."
        )

    # -- odds and ends ----------------------------------------------------------------------------

    def _give_shapes_to_lazy_layers(self) -> None:
        """Run one example, so that the optimizer finds every parameter of a lazy model."""
        if not any(nn.parameter.is_lazy(p) for p in self.model.parameters()):
            return
        example = torch.utils.data.default_collate([self.train_dataloader.dataset[0]])
        self.model.eval()
        with torch.no_grad():
            self.model(*example[:-1])

    def _autocast(self):
        if self.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self.gpus[0].type if self.gpus else "cpu", torch.bfloat16)

    def _progress_bar(self, done: int):
        show = self.progress and processes.is_first()
        try:
            images = len(self.train_dataloader.dataset)
        except (AttributeError, TypeError):  # a loader of unknown size
            return progress_bar(None, "images", show=show)
        total, done = self.max_epochs * images, done * images
        return progress_bar(total, "images", show=show, done=done)
