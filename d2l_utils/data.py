"""The book's data classes (D2L sections 3.2.3 and 4.2): Fashion-MNIST, kept as bytes."""

from __future__ import annotations

import operator
import os
from collections.abc import Sequence
from pathlib import Path

import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset

from . import figures
from .hyperparameters import HyperParameters
from .machine import data_sources

__all__ = ["DataModule", "FashionMNIST", "ImageDataset", "as_it_is"]

LABELS = (
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)


class DataModule(HyperParameters):
    """Data for training and validation. Subclasses define ``get_dataloader``.

    Without a ``root``, it is the environment variable ``D2L_DATA`` or the repository's ``data``.
    """

    def __init__(self, root: str | os.PathLike | None = None, num_workers: int = 0) -> None:
        root = data_sources.default_root() if root is None else Path(root).expanduser()
        self.save_hyperparameters()

    def get_dataloader(self, train: bool) -> DataLoader:
        """The batches of the training set (``train``) or of the validation set."""
        raise NotImplementedError(f"{type(self).__name__} must define get_dataloader(train)")

    def train_dataloader(self) -> DataLoader:
        """The batches of the training set."""
        return self.get_dataloader(train=True)

    def val_dataloader(self) -> DataLoader:
        """The batches of the validation set."""
        return self.get_dataloader(train=False)

    def get_tensorloader(
        self, tensors: Sequence[torch.Tensor], train: bool, indices=slice(0, None)
    ) -> DataLoader:
        """Batches of ``self.batch_size`` rows ``indices`` of ``tensors``, shuffled if ``train``."""
        dataset = TensorDataset(*(tensor[indices] for tensor in tensors))
        return DataLoader(dataset, self.batch_size, shuffle=train)


class ImageDataset(Dataset):
    """Grey images kept as bytes: resized and scaled when asked for, a whole batch at once.

    ``images`` is uint8 (N, H, W), ``labels`` int64 (N,), ``size`` the (height, width) delivered.
    A loader of this dataset needs ``collate_fn=as_it_is``.
    """

    def __init__(self, images: torch.Tensor, labels: torch.Tensor, size: tuple[int, int]) -> None:
        self.images, self.labels, self.size = images, labels, size

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        """One image, float (1, height, width) in [0, 1], and its label."""
        X, y = self.__getitems__([index])
        return X[0], int(y[0])

    def __getitems__(self, indices: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """A batch: images, float (n, 1, height, width) in [0, 1], and labels, int64 (n,).

        Resized as bytes, which is what Pillow does: the pixels are those of torchvision's Resize on
        a PIL image. (As floats 2x faster, but off by up to 1/255; either is < 1 % of a training
        step.)
        """
        rows = torch.as_tensor(indices)
        X = self.images[rows].unsqueeze(1)
        if X.shape[2:] != self.size:
            X = F.interpolate(X, self.size, mode="bilinear", antialias=True)
        return X.float().div_(255), self.labels[rows]


def as_it_is(batch):
    """The collate function for batches that the dataset itself has put together."""
    return batch


def _integer(name: str, value, low: int, high: float = float("inf")) -> int:
    """``value`` if it is an integer from ``low`` to ``high``, else a ValueError naming it."""
    try:
        if low <= operator.index(value) <= high and not isinstance(value, bool):
            return operator.index(value)
    except TypeError:
        pass
    limits = f"of {low} or more" if high == float("inf") else f"from {low} to {high}"
    raise ValueError(f"{name} = {value!r}: expected an integer {limits}")


def _size(resize) -> tuple[int, int]:
    """(height, width) for ``resize``, an int or a pair of ints."""
    try:
        height, width = resize if isinstance(resize, Sequence) else (resize, resize)
        return _integer("resize", height, 1), _integer("resize", width, 1)
    except (TypeError, ValueError):
        expected = "expected a positive integer or a pair of them (height, width)"
        raise ValueError(f"resize = {resize!r}: {expected}") from None


class FashionMNIST(DataModule):
    """Fashion-MNIST (Xiao et al. 2017, arXiv 1708.07747): grey 28x28 images of 10 classes.

    60,000 training and 10,000 test images, or the bundled sample of a tenth if there is no other:
    ``self.source`` tells where they come from. As in the book the test images are ``self.val``;
    with ``holdout=n`` the last n training images are, and leave ``self.train``. ``self.test`` is
    the test set always. With a ``seed``, the order of training comes from a generator of its own,
    seeded once, whatever else draws random numbers.

    Raises ValueError for a bad argument and ``DataError`` for missing or damaged files.
    """

    def __init__(
        self,
        batch_size: int = 64,
        resize: int | tuple[int, int] = (28, 28),
        *,
        root: str | os.PathLike | None = None,
        source: str = "auto",
        holdout: int = 0,
        seed: int | None = None,
    ) -> None:
        super().__init__(root)
        batch_size, resize = _integer("batch_size", batch_size, 1), _size(resize)
        self.save_hyperparameters(ignore=["root", "source"])
        self.generator = None
        if seed is not None:
            self.generator = torch.Generator().manual_seed(_integer("seed", seed, 0, 2**63 - 1))
        self.source, (X, y, X_test, y_test) = data_sources.load(self.root, source)
        n = len(X) - _integer("holdout", holdout, 0, len(X) - 1)
        self.train = ImageDataset(X[:n], y[:n].long(), resize)
        self.test = ImageDataset(X_test, y_test.long(), resize)
        self.val = ImageDataset(X[n:], y[n:].long(), resize) if holdout else self.test

    def text_labels(self, indices) -> list[str]:
        """The names of the classes ``indices``."""
        return [LABELS[int(i)] for i in indices]

    def get_dataloader(self, train: bool) -> DataLoader:
        """Batches of the training set, shuffled, or of the validation set, in order."""
        return self._loader(self.train if train else self.val, shuffle=train)

    def test_dataloader(self) -> DataLoader:
        """The batches of the test set."""
        return self._loader(self.test, shuffle=False)

    def _loader(self, dataset: Dataset, shuffle: bool) -> DataLoader:
        return DataLoader(
            dataset,
            self.batch_size,
            shuffle=shuffle,
            num_workers=self.num_workers,
            collate_fn=as_it_is,
            generator=self.generator if shuffle else None,
        )

    def visualize(self, batch, nrows: int = 1, ncols: int = 8, labels: Sequence[str] = ()) -> None:
        """Show the images of ``batch``, a pair (images, labels), under ``labels`` or their own."""
        X, y = batch
        figures.show_images(X.squeeze(1), nrows, ncols, titles=labels or self.text_labels(y))
