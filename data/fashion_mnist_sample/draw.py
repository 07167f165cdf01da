"""Draw the sample from the full Fashion-MNIST: ``python data/fashion_mnist_sample/draw.py``.

6,000 training images, 600 of each class, of which the last 1,000 hold 100 of each; 1,000 test
images, 100 of each class. The order is that of a hash of each image's number, so it depends on no
random number generator and never changes. Writes the four files beside itself, or into the folder
given, and prints the MD5 of their contents.
"""

import gzip
import hashlib
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

import torch

from d2l_utils.machine import data_sources as sources

SEED = 2017


def shuffled(rows: Iterable[int], key: str) -> list[int]:
    """``rows`` in the order of their hashes with ``key``."""
    return sorted(rows, key=lambda i: hashlib.sha256(f"{SEED} {key} {i}".encode()).digest())


def draw(split: str, labels: list[int], parts: tuple[int, ...]) -> list[int]:
    """Rows of ``labels``: for each part that many of each class, shuffled; no row twice."""
    queue, drawn = shuffled(range(len(labels)), f"{split} draw"), []
    for per_class in parts:
        room, part, rest = [per_class] * 10, [], []
        for i in queue:
            (part if room[labels[i]] else rest).append(i)
            room[labels[i]] -= room[labels[i]] > 0
        drawn += shuffled(part, f"{split} order")  # as drawn, the classes that filled last are last
        queue = rest
    return drawn


def write(path: Path, values: torch.Tensor) -> None:
    """Write uint8 ``values`` as IDX .gz, without name and time: the same bytes whenever drawn."""
    header = struct.pack(f">{values.dim() + 1}I", 0x800 + values.dim(), *values.shape)
    data = header + values.numpy().tobytes()
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, fileobj=file, mtime=0) as packed:
        packed.write(data)
    print(f"{sources.md5(data)}  {path.stem}")


def main(folder: Path) -> None:
    """Draw the sample into ``folder``."""
    root = sources.default_root()
    tensors = sources.read("root", root) or sources.read("system", root)
    if not tensors:
        sys.exit("The sample is drawn from the full data: run `make data` first.")
    for split, parts in (("train", (500, 100)), ("t10k", (100,))):
        images, labels, *tensors = tensors
        rows = draw(split, labels.tolist(), parts)
        write(folder / f"{split}-images-idx3-ubyte.gz", images[rows])
        write(folder / f"{split}-labels-idx1-ubyte.gz", labels[rows])


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
