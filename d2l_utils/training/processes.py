"""Training by several processes at once, as ``torchrun`` starts them (data parallelism).

Every process reads the same batches, in the same order, and trains on its share of each, so that
the result is that of one process, but for rounding, and for what looks at a whole batch: batch
normalization takes its statistics from the share.
"""

from __future__ import annotations

import os

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


def join(on_gpu: bool) -> None:
    """Meet the other processes, once; nothing for a process that trains alone."""
    if size() > 1 and not distributed.is_initialized():
        import atexit

        if on_gpu:
            torch.cuda.set_device(local_rank())
        distributed.init_process_group("nccl" if on_gpu else "gloo")
        atexit.register(distributed.destroy_process_group)


def wait_for_the_others() -> None:
    """Go on when every process has come here."""
    if distributed.is_initialized():
        distributed.barrier()


def share(batch) -> tuple[list[torch.Tensor], float]:
    """This process's rows of ``batch``, and how many examples they count for.

    A batch with fewer rows than there are processes is everybody's, and counts for a part each.
    """
    n, world = len(batch[-1]), size()
    if n >= world > 1:
        rank = distributed.get_rank()
        rows = slice(n * rank // world, n * (rank + 1) // world)
        return [part[rows] for part in batch], rows.stop - rows.start
    return batch, n / world if world > 1 else n


def total(*values: float | torch.Tensor) -> list[float]:
    """The sum of each of the scalars ``values`` over the processes."""
    floats = [float(value) for value in values]
    if size() == 1:
        return floats
    on_gpu = distributed.get_backend() == "nccl"
    sums = torch.tensor(floats, dtype=torch.float64, device="cuda" if on_gpu else "cpu")
    distributed.all_reduce(sums)
    return sums.tolist()


def take_order_of_the_first(loader) -> None:
    """Give every process the first one's random state, which decides the order of the data."""
    if size() == 1:
        return
    generators = [torch.default_generator, getattr(loader, "generator", None)]
    states = [None if generator is None else generator.get_state() for generator in generators]
    distributed.broadcast_object_list(states)
    for generator, state in zip(generators, states, strict=True):
        if generator is not None:
            generator.set_state(state)


class TrainingStep(nn.Module):
    """``model.training_step`` as a forward pass, the only one that DistributedDataParallel sees."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch):
        """The loss of ``batch``."""
        return self.model.training_step(batch)


def training_step(model: nn.Module):
    """``model.training_step``, or what computes the mean gradient of all the processes from it."""
    if size() == 1:
        return model.training_step
    return nn.parallel.DistributedDataParallel(TrainingStep(model))
