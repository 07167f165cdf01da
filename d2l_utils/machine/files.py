"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

__all__: list[str] = []

FORGOTTEN = 3600.0  # seconds without a change after which nobody is writing any more


@contextlib.contextmanager
def whole(file: str | os.PathLike) -> Iterator[Path]:
    """A path beside ``file`` to write to; it takes the place of ``file`` if the block ends well.

    Otherwise ``file`` stays as it was, and the room on the disk is given back. What was written is
    on the disk before it gets its name: a machine that dies leaves the old file or the new one. Of
    several writers each has a path of its own; of a ``file`` that is a link, its target is written.
    """
    file = Path(os.path.realpath(file))
    file.parent.mkdir(parents=True, exist_ok=True)
    for part in file.parent.glob(f"{glob.escape(file.name)}.*.part"):  # of who was killed
        with contextlib.suppress(OSError):
            if time.time() - part.stat().st_mtime > FORGOTTEN:
                part.unlink()
    aside = file.with_name(f"{file.name}.{secrets.token_hex(4)}.part")
    try:
        yield aside
        with aside.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(aside, file)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def told(file: str | os.PathLike) -> str:
    """The name of ``file``, as any terminal can show it: bytes that are no UTF-8 are escaped."""
    return os.fspath(file).encode("utf-8", "backslashreplace").decode()
