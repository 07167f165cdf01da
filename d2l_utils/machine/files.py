"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

__all__: list[str] = []


@contextlib.contextmanager
def whole(file: str | os.PathLike) -> Iterator[Path]:
    """A path beside ``file`` to write to; it takes the place of ``file`` if the block ends well.

    Otherwise ``file`` stays as it was, and the room on the disk is given back. What was written is
    on the disk before it gets its name: a machine that dies leaves the old file or the new one.
    """
    file = Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(file.name + ".part")
    try:
        yield aside
        with aside.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(aside, file)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
