"""A configuration, read: the one place that turns it into a model, its data and its training.

A configuration is a mapping that JSON can hold. Its keys:

    epochs, batch_size, resize  numbers, always there
    holdout     training images held out for validation; 0
    lr          the learning rate; needed where ``optimizer`` is given
    init        a word of ``INITS``; without it the weights are as built
    optimizer   {"name": a word of ``OPTIMIZERS``, and its arguments}; without it the model's own.
                Weight decay is on weights alone, not on biases, scales and shifts
    schedule    of the learning rate, a word of ``SCHEDULES``; "constant"
    augment     {a word of ``augmentations``: its argument}, applied in this order; nothing
    loss        arguments of ``F.cross_entropy`` in training; without it the model's own loss
    predict     a word of ``predictions``; without it the model's output
    precision   as in ``Trainer``; "float32"
    measured    in words, what a record holds beside the accuracy; for the ``measure`` of a study

Every other key is the network's, for ``build``. A key that nobody reads is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from ..classifier import init_cnn
from ..data import FashionMNIST
from ..networks.initial_weights import init_he
from ..trainer import Trainer, cosine_decay

__all__ = ["Configuration", "Recipe"]

INITS = {"Xavier": init_cnn, "He": init_he}
OPTIMIZERS = {name: getattr(torch.optim, name) for name in ("SGD", "Adam", "AdamW")}
SCHEDULES = {"constant": None, "cosine": cosine_decay}


class Configuration(Mapping):
    """A configuration that knows which of its keys were read."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings, self._read = dict(settings), set()

    def __getitem__(self, key: str) -> Any:
        self._read.add(key)
        return self._settings[key]

    def __contains__(self, key: object) -> bool:
        return key in self._settings  # to ask for a key is not to read it

    def __iter__(self) -> Iterator[str]:
        return iter(self._settings)

    def __len__(self) -> int:
        return len(self._settings)

    def word(self, key: str, known: Mapping[str, Any], default: str | None = None) -> Any:
        """What the word under ``key`` stands for; ValueError for an unknown word."""
        word = self.get(key, default)
        return None if word is None else _known(key, word, known)

    def require_all_read(self) -> None:
        """ValueError for a key that nobody has read so far: a slip would change nothing."""
        for key in self._settings.keys() - self._read:
            raise ValueError(
                f"configuration: nobody reads {key!r} = {self._settings[key]!r}; expected a key "
                "of d2l_utils/studies/configuration.py, or one that the network's build function "
                "reads"
            )


class Recipe:
    """What configurations of one kind mean. It takes words and functions; it has no subclasses.

    Args:
        build: Maps a configuration to a network, a ``Module``; its weights need not be initialised.
        schedules, augmentations, predictions: More words, beside those above: of ``schedule``, maps
            from the share of training done to a factor of the learning rate; of ``augment``,
            functions of images (N, C, H, W) and the argument in the configuration; of ``predict``,
            functions of the network and images that return logits.
        example: An input that gives lazy layers their shapes; by default two random images of
            28x28. Drawing them moves the random generator, as it did in the recorded runs.
    """

    def __init__(
        self,
        build: Callable[[Mapping], nn.Module],
        *,
        schedules: Mapping[str, Callable[[float], float]] | None = None,
        augmentations: Mapping[str, Callable] | None = None,
        predictions: Mapping[str, Callable] | None = None,
        example: torch.Tensor | None = None,
    ) -> None:
        self.build, self.example = build, example
        self.schedules = SCHEDULES | dict(schedules or {})
        self.augmentations, self.predictions = dict(augmentations or {}), dict(predictions or {})

    def __init_subclass__(cls) -> None:
        raise TypeError("Recipe has no subclasses: what decides a run's numbers is read here alone")

    def model(self, config: Mapping) -> nn.Module:
        """The network with its first weights, and its loss, optimizer and so on as configured.

        Raises ValueError for an unknown word and for a key that nobody reads.
        """
        config = Configuration(config)
        model = self.build(config)
        if init := config.word("init", INITS):
            example = torch.rand(2, 1, 28, 28) if self.example is None else self.example
            model.apply_init([example], init)
        # The hooks of the book's Module, set on this one model:
        if "optimizer" in config:
            settings = dict(config["optimizer"])
            kind = _known("optimizer", settings.pop("name", None), OPTIMIZERS)
            if "lr" in settings:
                raise ValueError("configuration: the learning rate is 'lr', not the optimizer's")
            arguments = {"lr": config["lr"], **settings}
            model.configure_optimizers = partial(_optimizer, model, kind, arguments)
        if "loss" in config:
            model.loss = partial(_training_loss, model, model.loss, config["loss"])
        if "augment" in config:
            steps = [
                (_known("augment", word, self.augmentations), argument)
                for word, argument in config["augment"].items()
            ]
            model.augment = partial(_augmented, steps)
        if predict := config.word("predict", self.predictions):
            model.predict = partial(predict, model)
        self.schedule(config)
        self.course(config)
        config.require_all_read()
        return model

    def schedule(self, config: Mapping) -> Callable[[float], float] | None:
        """The factor of the learning rate by the share of training done; None: constant."""
        return _known("schedule", config.get("schedule", "constant"), self.schedules)

    def course(self, config: Mapping) -> dict[str, Any]:
        """The plain numbers and words of a training, defaults filled in.

        Not among them is ``lr``: the optimizer or the network must read it.
        """
        defaults = {"holdout": 0, "precision": "float32", "measured": None}
        needed = {key: config[key] for key in ("epochs", "batch_size", "resize")}
        return needed | {key: config.get(key, default) for key, default in defaults.items()}

    def data(self, config: Mapping, seed: int) -> FashionMNIST:
        """The whole Fashion-MNIST in the order that ``seed`` decides.

        Without ``holdout`` nothing is validated: the test set is left for the end.

        Raises RuntimeError if only the bundled sample is here.
        """
        course = self.course(config)
        data = FashionMNIST(
            course["batch_size"], course["resize"], holdout=course["holdout"], seed=seed
        )
        if data.source == "sample":
            raise RuntimeError("a full run needs all of Fashion-MNIST: run `make data` first")
        if not course["holdout"]:
            data.val_dataloader = lambda: None
        return data

    def trainer(self, config: Mapping, **options: Any) -> Trainer:
        """The trainer; ``options`` are more arguments of it, ``checkpoint`` for one."""
        course = self.course(config)
        settings = {"schedule": self.schedule(config), "precision": course["precision"]}
        return Trainer(**{"max_epochs": course["epochs"], "num_gpus": 1, **settings, **options})


def _known(key: str, word: Any, known: Mapping[str, Any]) -> Any:
    if word not in known:
        words = (
            f"one of {', '.join(map(repr, known))}" if known else "no word: this recipe has none"
        )
        raise ValueError(f"configuration: {key} = {word!r}: expected {words}")
    return known[word]


def _optimizer(model: nn.Module, kind: type, arguments: dict) -> torch.optim.Optimizer:
    """An optimizer whose weight decay, 0 if not given, spares biases, scales and shifts."""
    arguments, groups = dict(arguments), list(model.parameters())
    if "weight_decay" in arguments or kind is torch.optim.AdamW:
        decay = arguments.pop("weight_decay", 0)
        weights, others = [p for p in groups if p.dim() > 1], [p for p in groups if p.dim() <= 1]
        groups = [
            {"params": weights, "weight_decay": decay},
            {"params": others, "weight_decay": 0},
        ]
    try:
        return kind(groups, **arguments)
    except TypeError as error:
        raise ValueError(f"configuration: optimizer {kind.__name__}: {error}") from error


def _training_loss(model: nn.Module, own: Callable, arguments: dict, Y_hat, Y, averaged=True):
    """Cross-entropy with ``arguments`` in training, the model's ``own`` loss otherwise."""
    if not model.training:
        return own(Y_hat, Y, averaged)
    return F.cross_entropy(Y_hat, Y, reduction="mean" if averaged else "none", **arguments)


def _augmented(steps: list[tuple[Callable, Any]], batch):
    X, *rest = batch
    for function, argument in steps:
        X = function(X, argument)
    return [X, *rest]
