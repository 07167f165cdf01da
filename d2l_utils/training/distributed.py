"""Training by several processes at once, as ``torchrun`` starts them (data parallelism).

Every process reads the same batches, in the same order, and trains on its share of each, so that
the result is that of one process, but for rounding, and for what looks at a whole batch: batch
normalization takes its statistics from the share.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import distributed, nn

__all__: list[str] = []


def _set_by_torchrun(name: str, alone: int) -> int:
    return int(os.environ[name]) if distributed.is_torchelastic_launched() else alone


def size() -> int:
    """How many processes train together."""
    return _set_by_torchrun("WORLD_SIZE", 1)


def is_first() -> bool:
    """Whether it is for this process to write files and to show progress."""
    return _set_by_torchrun("RANK", 0) == 0


def local_rank() -> int:
    """The number of this process on its machine, which is the number of its GPU."""
    return _set_by_torchrun("LOCAL_RANK", 0)


def wait_for_the_others() -> None:
    """Go on when every process has come here."""
    if distributed.is_initialized():
        distributed.barrier()


class LostProcessError(RuntimeError):
    """Another of the processes that train together has ended."""


class _ToldToEndError(Exception):
    """SIGTERM, by which torchrun ends the other processes when one is lost."""


@contextlib.contextmanager
def _told_to_end() -> Iterator[None]:
    """A block in which SIGTERM is an error, so that there is time for a sentence."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return

    def end(*_) -> None:
        raise _ToldToEndError

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Alone:
    """One process, which trains on every batch as it is."""

    fraction: float = 1  # of the batch's examples, how many this process answers for

    def join(self, on_gpu: bool) -> None:
        """Meet the other processes."""

    def take_order_of_the_first(self, loader) -> None:
        """Read ``loader`` in the order in which the first process reads it."""

    def read_by_the_first(self, read: Callable[[], bytes | None]) -> bytes | None:
        """What ``read`` returns in the first process, which alone calls it."""
        return read()

    def told_if_one_is_lost(self) -> contextlib.AbstractContextManager:
        """A block in which the end of another process is told in a sentence."""
        return contextlib.nullcontext()

    def share(self, batch: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        """This process's rows of ``batch``."""
        return batch

    def training_step(self, model: nn.Module, batch) -> torch.Tensor:
        """The loss of this process's share."""
        return model.training_step(batch)

    def weighted(self, loss: torch.Tensor) -> torch.Tensor:
        """The loss to differentiate, for the gradient of the whole batch's."""
        return loss

    def total(self, *values: float | torch.Tensor) -> list[float]:
        """The sum of each of the scalars ``values`` over the processes."""
        return [float(value) for value in values]

    def release(self) -> None:
        """Let go of the model, when its training ends."""


class Together(Alone):
    """One of several processes, each of which trains on its rows of every batch."""

    parallel: nn.Module | None = None

    def join(self, on_gpu: bool) -> None:
        """Meet the other processes, once."""
        if distributed.is_initialized():
            return
        if on_gpu:
            torch.cuda.set_device(local_rank())
        distributed.init_process_group("nccl" if on_gpu else "gloo")
        atexit.register(distributed.destroy_process_group)

    def take_order_of_the_first(self, loader) -> None:
        """Take the first process's random state, which decides the order of the data."""
        generators = [torch.default_generator, getattr(loader, "generator", None)]
        states = [None if generator is None else generator.get_state() for generator in generators]
        distributed.broadcast_object_list(states)
        for generator, state in zip(generators, states, strict=True):
            if generator is not None:
                generator.set_state(state)

    def read_by_the_first(self, read: Callable[[], bytes | None]) -> bytes | None:
        """A disk that is slow, or that one machine alone has, does not part the processes."""
        device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
        contents = read() if is_first() else None
        size = torch.tensor([-1 if contents is None else len(contents)], device=device)
        distributed.broadcast(size, 0)
        if size < 0:
            return None
        numbers = torch.zeros(int(size), dtype=torch.uint8, device=device)
        if contents:
            numbers.copy_(torch.frombuffer(bytearray(contents), dtype=torch.uint8))
        distributed.broadcast(numbers, 0)
        return numbers.cpu().numpy().tobytes()

    @contextlib.contextmanager
    def told_if_one_is_lost(self) -> Iterator[None]:
        """At once, since ``torchrun`` ends this process as well; then as a LostProcessError."""
        why = "another one has ended, whose own message says why"
        with _told_to_end():
            try:
                yield
                return
            except _ToldToEndError:  # torchrun was faster than gloo
                why += ", or torchrun was told to stop"
            except RuntimeError as error:
                if "gloo" not in str(error) and not isinstance(error, distributed.DistError):
                    raise
        told = (
            f"Process {distributed.get_rank()} of {size()} stops: {why}. "
            "With a checkpoint, torchrun goes on after the last epoch."
        )
        print(told, file=sys.stderr, flush=True)
        raise LostProcessError(told) from None

    def share(self, batch: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        """This process's rows; a batch with fewer rows than processes is everybody's, in part."""
        n, rank, world = len(batch[-1]), distributed.get_rank(), distributed.get_world_size()
        if n < world:
            self.fraction = 1 / world
            return batch
        rows = slice(n * rank // world, n * (rank + 1) // world)
        self.fraction = (rows.stop - rows.start) / n
        return [part[rows] for part in batch]

    def training_step(self, model: nn.Module, batch) -> torch.Tensor:
        """The loss of this process's share; the first time, all take the first one's weights."""
        if self.parallel is None:
            self.parallel = nn.parallel.DistributedDataParallel(_TrainingStep(model))
        return self.parallel(batch)

    def weighted(self, loss: torch.Tensor) -> torch.Tensor:
        """DistributedDataParallel takes the mean over processes: each counts by its share."""
        return loss * (self.fraction * distributed.get_world_size())

    def total(self, *values: float | torch.Tensor) -> list[float]:
        """The sum of each of the scalars ``values`` over the processes."""
        on_gpu = distributed.get_backend() == "nccl"
        sums = torch.tensor(
            super().total(*values), dtype=torch.float64, device="cuda" if on_gpu else "cpu"
        )
        distributed.all_reduce(sums)
        return sums.tolist()

    def release(self) -> None:
        """Take DistributedDataParallel's hold off every parameter."""
        self.parallel = None


class _TrainingStep(nn.Module):
    """``model.training_step`` as a forward pass, the only one that DistributedDataParallel sees."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch):
        return self.model.training_step(batch)


def this_one() -> Alone:
    """The process that this is: one of those that ``torchrun`` has started, or alone."""
    return Together() if size() > 1 else Alone()
