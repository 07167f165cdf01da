"""Where Fashion-MNIST comes from: found, downloaded, verified and read.

Four sources, tried in this order: ``root`` in torchvision's layout, the operating system's package,
a download from torchvision's mirror, the bundled sample. Nothing is unpickled and nothing is used
unverified: a damaged file is an error, never a reason to go on quietly to the next source.

``python -m d2l_utils`` puts the full data in place ahead of time (``make data``).
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import math
import os
import queue
import shutil
import struct
import threading
import time
import urllib.request
import zlib
from contextlib import suppress
from pathlib import Path

import torch

from . import files

__all__ = ["SOURCES", "DataError", "default_root", "download", "fetch", "load"]


SOURCES = ("root", "system", "download", "sample")
REPOSITORY = Path(__file__).parents[2]
SYSTEM = Path("/usr/share/datasets/fashion-mnist")  # of the package dataset-fashion-mnist
SAMPLE = REPOSITORY / "data" / "fashion_mnist_sample"
TIMEOUT = 10.0  # seconds without an answer after which a download is given up

# The shape that each file holds and the MD5 of its contents; not that of the .gz, for Debian's
# package strips the name from the published .gz's header, and torchvision unpacks the files.
FULL_FILES = {
    "train-images-idx3-ubyte": ((60_000, 28, 28), "f4a8712d7a061bf5bd6d2ca38dc4d50a"),
    "train-labels-idx1-ubyte": ((60_000,), "9018921c3c673c538a1fc5bad174d6f9"),
    "t10k-images-idx3-ubyte": ((10_000, 28, 28), "8181f5470baa50b63fa0f6fddb340f0a"),
    "t10k-labels-idx1-ubyte": ((10_000,), "15d484375f8d13e6eb1aabb0c3f46965"),
}
SAMPLE_FILES = {
    "train-images-idx3-ubyte": ((6_000, 28, 28), "826e8429689d68beb72ccf8fd60aba14"),
    "train-labels-idx1-ubyte": ((6_000,), "cf892e81d8c3858174cc4d5163e94316"),
    "t10k-images-idx3-ubyte": ((1_000, 28, 28), "431724cef59ca24ce719f8f8b3463ed9"),
    "t10k-labels-idx1-ubyte": ((1_000,), "016e0d6ade69ba997c74f7fab8e051be"),
}

_failed: dict[Path, str] = {}  # roots whose download failed in this process, and why


class DataError(RuntimeError):
    """The data can't be used; says which file, what is wrong with it and what to do."""

    def __init__(self, what: str) -> None:
        super().__init__(files.told(what))


def default_root() -> Path:
    """The environment variable ``D2L_DATA`` if it is set, else the repository's ``data`` folder."""
    return Path(os.environ.get("D2L_DATA") or REPOSITORY / "data").expanduser()


def raw_folder(root: Path) -> Path:
    """The folder of ``root`` in which torchvision keeps the files."""
    return root / "FashionMNIST" / "raw"


def md5(data: bytes) -> str:
    """MD5 of ``data`` in hexadecimal; against accidents, not against attackers."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def read_idx(path: Path, shape: tuple[int, ...], checksum: str) -> torch.Tensor:
    """The uint8 tensor of ``shape`` in an IDX file, .gz or unpacked, of known MD5 when unpacked.

    The format: a magic number of 0x800 plus the number of dimensions, the dimensions, the values.
    Raises DataError if the file is anything else.
    """
    header = struct.pack(f">{len(shape) + 1}I", 0x800 + len(shape), *shape)
    size = len(header) + math.prod(shape)
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(size + 1)  # no more of what may unpack to gigabytes
        if data[:4] != header[:4]:
            raise ValueError(f"magic number 0x{data[:4].hex()}, expected 0x{header[:4].hex()}")
        if len(data) != size:
            length = f"more than {size:,}" if len(data) > size else f"{len(data):,}"
            raise ValueError(f"wrong length: {length} bytes unpacked, expected {size:,}")
        if not data.startswith(header):
            raise ValueError(f"wrong dimensions in its header, expected {shape}")
        if md5(data) != checksum:
            raise ValueError(f"wrong checksum: the MD5 is {md5(data)}, expected {checksum}")
    except (EOFError, OSError, ValueError, zlib.error) as error:
        problem = error
        if isinstance(error, EOFError):
            problem = f"truncated at {path.stat().st_size:,} bytes"
        raise DataError(f"{path}: {problem}") from error
    return torch.frombuffer(bytearray(data), dtype=torch.uint8)[len(header) :].view(shape)


def read_folder(folder: Path, files: dict, remedy: str) -> list[torch.Tensor]:
    """Training images and labels, test images and labels, as uint8; [] if ``folder`` has none.

    Each file may be a .gz or unpacked (of both, the unpacked one is read, as in torchvision).
    Raises DataError, which ends with ``remedy``, if a file is damaged or some are missing.
    """
    candidates = {name: (folder / name, folder / f"{name}.gz") for name in files}
    paths = {name: next(filter(os.path.isfile, both), None) for name, both in candidates.items()}
    if not any(paths.values()):
        return []
    try:
        for name, path in paths.items():
            if path is None:
                raise DataError(f"{folder / name}.gz: missing, though others of its set are there")
        return [read_idx(path, *files[name]) for name, path in paths.items()]
    except DataError as error:
        raise DataError(f"{error}. {remedy}") from error


def read(source: str, root: Path) -> list[torch.Tensor]:
    """What ``read_folder`` finds for a source; "download" is what has been downloaded to root."""
    raw = raw_folder(root)
    if source == "system":
        remedy = "Reinstall the package dataset-fashion-mnist, or remove it and run again."
        return read_folder(SYSTEM, FULL_FILES, remedy)
    if source == "sample":
        remedy = "Restore it: git checkout -- data/fashion_mnist_sample"
        return read_folder(SAMPLE, SAMPLE_FILES, remedy)
    return read_folder(raw, FULL_FILES, f"Delete the folder {raw} and run again, or `make data`.")


def _open(url: str):
    """``urlopen`` that gives up after TIMEOUT even if it is the name look-up that hangs."""
    answers = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put((urllib.request.urlopen(url, timeout=TIMEOUT), None))
        except Exception as error:
            answers.put((None, error))

    threading.Thread(target=ask, daemon=True).start()
    try:
        response, error = answers.get(timeout=TIMEOUT)
    except queue.Empty:
        raise TimeoutError(f"no answer within {TIMEOUT:g} s") from None
    if error:
        raise error
    return response


def _download_file(name: str, checksum: str, mirrors: list[str], folder: Path) -> None:
    """Download ``name`` into ``folder`` from the first mirror that has it whole."""
    from tqdm import tqdm

    # Not torchvision's download_url: it has no time-out and asks for each file twice.
    failure = OSError("no mirror known")
    for mirror in mirrors:
        try:
            with _open(mirror + name) as response, open(folder / name, "wb") as file:
                bar = {"total": response.length, "desc": name, "leave": False}
                with tqdm.wrapattr(response, "read", **bar) as stream:
                    shutil.copyfileobj(stream, file)
            data = (folder / name).read_bytes()
            if md5(data) == checksum:
                return
            failure = OSError(f"{name} came incomplete or altered ({len(data):,} bytes)")
        except (OSError, http.client.HTTPException) as error:
            failure = OSError(f"{name}: {getattr(error, 'reason', None) or error}")
    raise failure


def download(root: Path) -> Path:
    """Put the four verified files under ``root``, in torchvision's layout; returns their folder.

    They appear all at once, by one rename; files that are there already stay as they are. Of
    several processes one downloads, the others wait. Raises OSError if it can't be done: no
    network, a root that can't be written, a bad download.
    """
    from filelock import FileLock
    from torchvision.datasets import FashionMNIST  # imported late: it takes a second or two

    raw, part = raw_folder(root), root / "FashionMNIST" / "raw.part"
    started = time.monotonic()
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / ".fashion_mnist.lock"):
        if any(raw.glob("*-ubyte*")):
            return raw
        if time.monotonic() - started > TIMEOUT:
            raise TimeoutError("another process tried just now and failed")
        shutil.rmtree(part, ignore_errors=True)  # of a process that was killed
        part.mkdir(parents=True)
        try:
            for name, checksum in FashionMNIST.resources:
                _download_file(name, checksum, FashionMNIST.mirrors, part)
            with suppress(OSError):
                raw.rmdir()  # an empty one would be in the way
            part.replace(raw)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return raw


def load(root: Path, source: str = "auto") -> tuple[str, list[torch.Tensor]]:
    """The source used, and training images and labels, test images and labels, as uint8.

    ``source`` is one of SOURCES, or "auto" for the first of them that has the data. Raises
    DataError if the data are damaged, or if the one source asked for has none.
    """
    if source not in ("auto", *SOURCES):
        expected = ", ".join(map(repr, ("auto", *SOURCES)))
        raise ValueError(f"source = {source!r}: expected one of {expected}")
    for name in SOURCES if source == "auto" else (source,):
        if name == "download":
            try:
                if source == "auto" and root in _failed:  # each try may take TIMEOUT
                    raise OSError(_failed[root])
                download(root)
            except OSError as error:
                if source == "download":
                    raise DataError(f"Fashion-MNIST: the download failed ({error}).") from error
                _failed[root] = str(error)
                continue
        if tensors := read(name, root):
            if source == "auto" and name == "sample":
                print(
                    "Fashion-MNIST: no full copy found and the download failed "
                    f"({_failed[root]}); using the bundled sample of 6,000 + 1,000 images. "
                    "`make data` fetches all 70,000."
                )
            return name, tensors
    where = {"root": raw_folder(root), "system": SYSTEM, "sample": SAMPLE}[name]
    raise DataError(f"{where}: no Fashion-MNIST here (source = {source!r}); try `make data`.")


def fetch(root: Path) -> tuple[str, Path]:
    """Make sure of the full data: the source that has it, and its folder.

    Downloads it into ``root`` if neither root nor the operating system has it. Raises DataError if
    what is there is damaged, OSError if it can't be downloaded.
    """
    for source, folder in (("root", raw_folder(root)), ("system", SYSTEM)):
        if read(source, root):
            return source, folder
    return "download", download(root)
