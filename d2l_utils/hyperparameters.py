"""The book's two helpers for object-oriented notebooks (D2L section 3.2.1)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable

__all__ = ["HyperParameters", "add_to_class"]


def add_to_class(Class: type) -> Callable:
    """Make the decorated function a method of ``Class``, under its own name."""

    def register(method: Callable) -> None:
        setattr(Class, method.__name__, method)

    return register


class HyperParameters:
    """Saves the arguments of ``__init__`` as attributes."""

    def save_hyperparameters(self, ignore: Iterable[str] = ()) -> None:
        """Keep the caller's arguments as attributes of ``self`` and in ``self.hparams``.

        Call it first thing: what other local variables there are by then is kept as well. Left
        out are names in ``ignore`` and names that begin with an underscore.
        """
        arguments = inspect.getargvalues(inspect.currentframe().f_back).locals
        skipped = {"self", *ignore}
        self.hparams = {
            name: value
            for name, value in arguments.items()
            if name not in skipped and not name.startswith("_")
        }
        for name, value in self.hparams.items():
            setattr(self, name, value)
