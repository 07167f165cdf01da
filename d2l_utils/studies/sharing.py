"""Runs shared out among programs that were started at once: each run is trained by one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from ..training import distributed

__all__: list[str] = []

Run = TypeVar("Run")


def shared_out(
    runs: Iterable[Run], is_missing: Callable[[Run], bool], lock: Callable[[Run], Path]
) -> Iterator[Run]:
    """Those of ``runs`` that are missing and that no other program is at; in the end all are made.

    First what nobody holds, then, one after the other, what others had: each is waited for, and is
    this program's if the other one was stopped before its end. A run is held, by the file that
    ``lock`` names, until the next is asked for: close the iterator, or the last stays held. A
    program that is killed holds nothing.

    The processes of ``torchrun`` train every run together: to them all are given, in one order.
    """
    from filelock import FileLock, Timeout

    if distributed.size() > 1:
        yield from filter(is_missing, runs)
        return
    runs = list(runs)
    for wait in (False, True):
        for run in filter(is_missing, runs):
            file = lock(run)
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                with FileLock(file, blocking=wait):
                    if is_missing(run):  # another one may just have made it
                        yield run
            except Timeout:
                continue
