"""The training loop: what it computes, what it shows, how it ends."""

import copy
import math
import signal
import threading

import pytest
import torch
from torch import nn

import d2l_utils as d2l
from d2l_utils import trainer as training_loop
from d2l_utils.training import divergence


class Toy(d2l.DataModule):
    """Two classes told apart by the mean of an 8x8 image; 40 training and 24 validation images."""

    def __init__(self, batch_size=16):
        super().__init__()
        self.save_hyperparameters()
        random = torch.Generator().manual_seed(0)
        self.y = torch.arange(64) % 2
        self.X = torch.randn(64, 1, 8, 8, generator=random) + 2.0 * self.y[:, None, None, None]

    def get_dataloader(self, train):
        rows = slice(0, 40) if train else slice(40, 64)
        return self.get_tensorloader((self.X, self.y), train, rows)


class Net(d2l.Classifier):
    def __init__(self, lr=0.1, layers=()):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(
            nn.LazyConv2d(4, 3), nn.ReLU(), *layers, nn.Flatten(), nn.LazyLinear(2)
        )


def fit(model=None, data=None, epochs=2, **options):
    torch.manual_seed(0)
    model, trainer = model or Net(), d2l.Trainer(epochs, progress=False, **options)
    trainer.fit(model, data or Toy())
    return model, trainer


def test_it_learns():
    model, trainer = fit(epochs=5)
    assert trainer.history[-1]["val_acc"] > 0.9
    assert trainer.history[-1]["train_loss"] < trainer.history[0]["train_loss"] / 2
    assert not model.training


def test_same_result_as_a_loop_written_out():
    torch.manual_seed(0)
    expected, data = Net(), Toy()
    expected(data.X[:1])
    initial = {k: v.clone() for k, v in expected.state_dict().items()}
    optim = torch.optim.SGD(expected.parameters(), lr=0.1)
    torch.manual_seed(1)
    for _ in range(2):
        for X, y in data.train_dataloader():
            optim.zero_grad()
            nn.functional.cross_entropy(expected(X), y).backward()
            optim.step()
        for _ in data.val_dataloader():  # which draws a random number too
            pass

    model = Net()
    model(data.X[:1])
    model.load_state_dict(initial)
    torch.manual_seed(1)
    d2l.Trainer(2, progress=False).fit(model, data)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, expected.state_dict()[name], atol=1e-6, rtol=1e-5)


def test_history_holds_exact_means_over_examples():
    """Also when the last batch is smaller: 24 validation images in batches of 16 and 8."""
    model, trainer = fit(epochs=3)
    data = Toy()
    with torch.no_grad():
        logits = model(data.X[40:])
        loss = nn.functional.cross_entropy(logits, data.y[40:]).item()
        acc = (logits.argmax(1) == data.y[40:]).float().mean().item()
    last = trainer.history[-1]
    assert [row["epoch"] for row in trainer.history] == [1, 2, 3]
    assert last["val_loss"] == pytest.approx(loss, rel=1e-5)
    assert last["val_acc"] == pytest.approx(acc)
    assert last["lr"] == 0.1
    assert last["seconds"] > 0
    assert trainer.evaluate(model, data.val_dataloader()) == pytest.approx(
        {"val_loss": loss, "val_acc": acc}, rel=1e-5
    )


def test_evaluate_draws_nothing_and_needs_no_fit():
    model = Net()
    model(torch.zeros(1, 1, 8, 8))
    result = d2l.Trainer(1).evaluate(model, Toy().val_dataloader())
    assert set(result) == {"val_loss", "val_acc"}
    assert model.board.data == {}


LOADERS = {
    "loader": lambda: Toy().val_dataloader(),
    "list": lambda: list(Toy().val_dataloader()),
    "read once": lambda: iter(list(Toy().val_dataloader())),
}


@pytest.mark.parametrize("loader", LOADERS.values(), ids=LOADERS)
def test_evaluate_gives_lazy_layers_their_shapes_and_misses_no_batch(loader):
    model, trainer = Net(layers=(nn.LazyBatchNorm2d(affine=False),)), d2l.Trainer(0)
    first = trainer.evaluate(model, loader())
    assert first == trainer.evaluate(model, loader())
    assert first["val_acc"] * 24 == pytest.approx(round(first["val_acc"] * 24))
    assert model.net[2].num_batches_tracked == 0


def test_evaluate_gives_shapes_to_the_books_network():
    data = d2l.FashionMNIST(50, source="sample")
    result = d2l.Trainer(0).evaluate(d2l.LeNet(), data.test_dataloader())
    assert result["val_loss"] == pytest.approx(math.log(10), abs=0.1)


def test_evaluate_of_no_batches_is_empty():
    model = Net()
    model(torch.zeros(1, 1, 8, 8))
    assert d2l.Trainer(0).evaluate(model, []) == {}
    with pytest.raises(ValueError, match="no batch that lazy layers could take their shapes from"):
        d2l.Trainer(0).evaluate(Net(), [])


def test_evaluate_leaves_the_board_of_a_fit_alone():
    model, _ = fit(epochs=2)
    before = {label: list(line) for label, line in model.board.data.items()}
    d2l.Trainer(0).evaluate(model, Toy().val_dataloader())
    assert (model.board.data, model.board.xlim) == (before, [0, 2])


def test_evaluate_between_two_epochs_leaves_the_training_alone():
    class Watched(d2l.Trainer):
        def fit_epoch(self):
            super().fit_epoch()
            self.history[-1]["test_acc"] = self.evaluate(self.model, tests)["val_acc"]

    tests = list(Toy().val_dataloader())
    torch.manual_seed(0)
    model = Net()
    trainer = Watched(3, schedule=d2l.cosine_decay, progress=False)
    trainer.fit(model, Toy())
    expected, plain = fit(epochs=3, schedule=d2l.cosine_decay)
    assert model.board.data == expected.board.data
    for row, other in zip(trainer.history, plain.history, strict=True):
        assert row["test_acc"] == row["val_acc"]
        assert {**other, "seconds": 0, "test_acc": row["val_acc"]} == {**row, "seconds": 0}


def test_board_gets_the_books_points():
    """Two training points an epoch (three batches: each is drawn), one validation point."""
    model, _ = fit(epochs=2)
    train, val = model.board.data["train_loss"], model.board.data["val_acc"]
    assert [p.x for p in train] == pytest.approx([0, 1 / 3, 2 / 3, 1, 4 / 3, 5 / 3])
    assert [p.x for p in val] == [1, 2]
    assert model.board.xlim == [0, 2]


def test_a_second_fit_starts_a_new_board():
    model, _ = fit(epochs=1)
    d2l.Trainer(1, progress=False).fit(model, Toy())
    assert [p.x for p in model.board.data["val_acc"]] == [1]


def test_any_plotted_key_reaches_the_history():
    class WithNorm(Net):
        def training_step(self, batch):
            self.plot("batch", torch.tensor(float(len(batch[0]))), train=True)
            return super().training_step(batch)

    _, trainer = fit(WithNorm(), epochs=1)
    assert trainer.history[0]["train_batch"] == pytest.approx((16 * 16 * 2 + 8 * 8) / 40)


def test_without_validation_data():
    data = Toy()
    data.val_dataloader = lambda: None
    _, trainer = fit(data=data)
    assert "val_loss" not in trainer.history[-1]
    assert "train_loss" in trainer.history[-1]


def test_channels_last_changes_nothing_but_rounding():
    a, _ = fit()
    b, _ = fit(channels_last=False)
    assert a.net[0].weight.is_contiguous(memory_format=torch.channels_last)
    for x, y in zip(a.parameters(), b.parameters(), strict=True):
        torch.testing.assert_close(x, y, atol=1e-5, rtol=1e-4)


def test_convolutions_see_channels_last():
    seen = []

    class Look(nn.Module):
        def forward(self, X):
            seen.append(X.is_contiguous(memory_format=torch.channels_last))
            return X

    fit(Net(layers=(Look(),)), epochs=1)
    assert all(seen[1:])  # the first run gives the lazy layers their shapes


def test_lazy_layers_reach_the_optimizer():
    class Adam(Net):
        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=self.lr)

    model, trainer = fit(Adam(lr=0.01), epochs=1)
    assert len(trainer.optim.param_groups[0]["params"]) == len(list(model.parameters())) == 4


def test_shaping_lazy_layers_leaves_batch_norm_statistics_alone():
    model = Net(layers=(nn.LazyBatchNorm2d(),))
    d2l.Trainer(0, progress=False).fit(model, Toy())
    assert model.net[2].num_batches_tracked == 0


def test_lazy_layers_do_not_change_the_order_of_the_data():
    orders = []

    class Watch(Net):
        def training_step(self, batch):
            orders.append(batch[0].mean((1, 2, 3)).tolist())
            return super().training_step(batch)

    fit(Watch(), epochs=1)
    ready = Watch()
    ready(torch.zeros(1, 1, 8, 8))
    data = Toy()
    torch.manual_seed(0)
    Net()(torch.zeros(1, 1, 8, 8))  # draws as many numbers for its weights
    d2l.Trainer(1, progress=False).fit(ready, data)
    assert orders[:3] == orders[3:]


def test_lazy_layers_of_a_loader_without_a_data_set():
    """Any iterable of batches that has a length."""
    data = Toy()
    data.train_dataloader = lambda: list(data.get_dataloader(True))
    model, trainer = fit(data=data, epochs=1)
    assert len(trainer.optim.param_groups[0]["params"]) == len(list(model.parameters())) == 4


def test_schedule_sets_the_rate_before_each_step():
    rates = []

    class Watch(Net):
        def training_step(self, batch):
            rates.append(self.trainer.optim.param_groups[0]["lr"])
            return super().training_step(batch)

    _, trainer = fit(Watch(lr=0.2), epochs=2, schedule=lambda done: 1 - done)
    assert rates == pytest.approx([0.2 * (1 - i / 6) for i in range(6)])
    assert trainer.history[-1]["lr"] == rates[-1]


def test_a_model_changes_its_training_batches_alone():
    seen = []

    class Flipped(Net):
        def augment(self, batch):
            X, y = batch
            seen.append(self.training)
            return X.flip(3), 1 - y

    _, trainer = fit(Flipped(), epochs=5)
    assert seen == [True] * 15
    assert trainer.history[-1]["val_acc"] < 0.1  # it has learned the labels the wrong way round


@pytest.mark.parametrize("step", [d2l.Module.validation_step, d2l.Classifier.validation_step])
def test_a_model_may_validate_more_than_a_forward_pass(step):
    class BothWays(Net):
        validation_step = step

        def predict(self, X):
            return (self(X) + self(X.flip(3))) / 2

    model, trainer = fit(BothWays(), epochs=1)
    data = Toy()
    X, y = data.X[40:], data.y[40:]
    with torch.no_grad():
        loss = nn.functional.cross_entropy((model(X) + model(X.flip(3))) / 2, y)
    assert trainer.history[-1]["val_loss"] == pytest.approx(loss.item(), rel=1e-5)


def test_a_trainer_replaces_one_verb_of_the_step():
    """Weights that follow the optimizer's at half the speed, from gradients of twice the loss."""

    class Slow(d2l.Trainer):
        def backward(self, loss):
            super().backward(2 * loss)

        def step(self):
            before = [p.detach().clone() for p in self.model.parameters()]
            super().step()
            with torch.no_grad():
                for p, old in zip(self.model.parameters(), before, strict=True):
                    p.lerp_(old, 0.5)

    torch.manual_seed(0)
    model = Net()
    Slow(2, progress=False).fit(model, Toy())
    expected, _ = fit(epochs=2)
    for x, y in zip(model.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(x, y, atol=1e-5, rtol=1e-4)


def test_gradient_clipping():
    norms = []

    class Watch(d2l.Trainer):
        def clip_gradients(self, grad_clip_val, model):
            super().clip_gradients(grad_clip_val, model)
            norms.append(math.sqrt(sum(p.grad.square().sum() for p in model.parameters())))

    Watch(1, gradient_clip_val=1e-3, progress=False).fit(Net(), Toy())
    assert norms == pytest.approx([1e-3] * 3, rel=1e-2)


def test_a_loss_that_is_not_finite_names_its_place_and_spares_the_weights():
    data = Toy(batch_size=8)
    data.get_tensorloader = lambda tensors, train, rows: torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(*(t[rows] for t in tensors)), 8
    )
    data.X[20] = math.inf
    model, trainer = Net(lr=0.25), d2l.Trainer(4, progress=False)
    with pytest.raises(d2l.DivergenceError, match=r"nan in epoch 1, batch 3 of 5, .* rate 0\.25"):
        trainer.fit(model, data)
    assert all(p.isfinite().all() for p in model.parameters())
    assert trainer.history == []


@pytest.mark.parametrize("gpu", [False, True])
def test_after_a_divergence_the_model_is_as_before_the_bad_batch(monkeypatch, gpu):
    """A GPU (here a stand-in) is asked each fourth batch: weights as when it was fine last."""
    if gpu:
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
        monkeypatch.setattr(training_loop, "gpu", lambda i=0: torch.device("cpu"))
        monkeypatch.setattr(divergence, "EVERY", 4)

    def first_batches(bad):
        X = torch.randn(12, 8, 1, 8, 8, generator=torch.Generator().manual_seed(0))
        if bad is not None:
            X[bad, 0, 0, 0] = math.inf
        return Given([(images, torch.arange(8) % 2) for images in X])

    def trained(data, epochs=1):
        torch.manual_seed(0)
        model = Net(layers=[nn.LazyBatchNorm2d()])
        trainer = d2l.Trainer(epochs, num_gpus=int(gpu), progress=False)
        try:
            trainer.fit(model, data)
        except d2l.DivergenceError as error:
            assert "epoch 1, batch 9 of 12" in str(error)  # noqa: PT017
        return model

    spoilt = trained(first_batches(bad=5 if gpu else 8))
    data = first_batches(bad=None)
    data.batches = data.batches[: 4 if gpu else 8]
    for name, tensor in trained(data).state_dict().items():
        if gpu and "running" in name:
            assert spoilt.state_dict()[name].isfinite().all()
        elif "num_batches" not in name:
            assert torch.equal(tensor, spoilt.state_dict()[name]), name


def test_a_rate_too_large_is_caught():
    with pytest.raises(d2l.DivergenceError, match="learning rate 1e\\+20"):
        fit(Net(lr=1e20), epochs=50)


@pytest.fixture
def sigint_raises():
    """Python's own handler; a shell that starts jobs in the background has SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("sigint_raises")
def test_stop_button_leaves_a_usable_model(capsys):
    """A real SIGINT, as the Stop button of Jupyter sends it, in the middle of an epoch."""

    class Stopped(Net):
        def training_step(self, batch):
            if self.trainer.train_batch_idx == 4:
                threading.Timer(0.01, signal.raise_signal, [signal.SIGINT]).start()
                threading.Event().wait(5)
            return super().training_step(batch)

    model, trainer = fit(Stopped(), epochs=50)
    assert trainer.interrupted
    assert len(trainer.history) == 1
    assert "Stopped in epoch 2 of 50" in capsys.readouterr().out
    assert not model.training
    assert model(Toy().X).isfinite().all()
    trainer.fit(Net(), Toy(64))  # and the trainer can go on
    assert not trainer.interrupted


def test_progress_bar_counts_images(capsys):
    trainer = d2l.Trainer(2)
    trainer.fit(Net(), Toy())
    out = capsys.readouterr().out
    assert "epoch 2/2 100%" in out
    assert "images/s" in out
    assert "left, val_acc" in out


@pytest.mark.parametrize("wrong", [-1, 1.5, "3", None])
def test_max_epochs_must_be_a_count(wrong):
    with pytest.raises(ValueError, match="max_epochs must be an integer of 0 or more, not"):
        d2l.Trainer(wrong)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("gradient_clip_val", -1),
        ("gradient_clip_val", math.nan),
        ("gradient_clip_val", math.inf),
        ("num_gpus", -1),
        ("num_gpus", 0.5),
    ],
)
def test_settings_that_mean_nothing(argument, value):
    with pytest.raises(ValueError, match=f"{argument} must be .* of 0 or more, not {value!r}"):
        d2l.Trainer(1, **{argument: value})


class Given(d2l.DataModule):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def train_dataloader(self):
        return self.batches

    def val_dataloader(self):
        return None


BATCH = torch.rand(3, 1, 2, 2), torch.tensor([0, 1, 0])


class Linear(d2l.Classifier):
    def __init__(self, optimizer=None):
        super().__init__()
        self.net, self.optimizer = nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), optimizer

    def configure_optimizers(self):
        return self.optimizer


def test_any_list_of_batches_trains():
    model = Linear()
    model.optimizer = torch.optim.SGD(model.parameters(), 0.1)
    trainer = d2l.Trainer(2, progress=False)
    trainer.fit(model, Given([BATCH, BATCH]))
    assert len(trainer.history) == 2


class Stream(torch.utils.data.IterableDataset):
    """Three examples in random order, as many as one finds out."""

    def __iter__(self):
        for i in torch.randperm(3).tolist():
            yield BATCH[0][i], BATCH[1][i]


def test_batches_without_a_length_train():
    """An iterator gives them once; a loader of a stream each time, in an order of its own."""

    def trained(batches):
        torch.manual_seed(0)
        model = Linear()
        model.optimizer = torch.optim.SGD(model.parameters(), 0.1)
        torch.manual_seed(1)
        trainer = d2l.Trainer(3, progress=False, schedule=lambda share: 1 - share)
        trainer.fit(model, Given(batches))
        assert trainer.num_train_batches == 2
        return [row["train_loss"] for row in trainer.history]

    assert trained(iter([BATCH, BATCH])) == trained([BATCH, BATCH])
    losses = trained(torch.utils.data.DataLoader(Stream(), 2))

    class Known(torch.utils.data.DataLoader):
        def __len__(self):
            return 2

    assert losses == trained(Known(Stream(), 2))  # counting drew no random numbers


@pytest.mark.parametrize(
    ("batches", "optimizer", "told"),
    [
        ([], None, r"train_dataloader\(\) gives a list without a batch"),
        (iter([]), None, r"train_dataloader\(\) gives a list without a batch"),
        (7, None, r"train_dataloader\(\) gives 7: expected an iterable of batches"),
        ([BATCH], None, r"configure_optimizers\(\) gives None: expected an optimizer"),
        (
            [BATCH],
            torch.optim.SGD(nn.Linear(2, 7).parameters(), 0.1),
            r"gives a SGD that trains none of the parameters of Linear",
        ),
    ],
)
def test_what_a_training_needs(batches, optimizer, told):
    with pytest.raises(ValueError, match=told):
        d2l.Trainer(1, progress=False).fit(Linear(optimizer), Given(batches))


IMAGES, LABELS = torch.rand(4, 1, 20, 20), torch.tensor([0, 1, 1, 0])


@pytest.mark.parametrize(
    ("layers", "X", "y", "told"),
    [
        ([nn.Conv2d(3, 4, 5)], IMAGES, LABELS, r"net\.0 \(Conv2d\) takes 3 channels, and gets 1$"),
        ([nn.Conv2d(1, 4, 5), nn.BatchNorm2d(8)], IMAGES, LABELS, r"takes 8 channels, and gets 4$"),
        (
            [nn.LazyConv2d(4, 5), nn.MaxPool2d(2), nn.LazyConv2d(4, 9)],
            IMAGES,
            LABELS,
            r"1, 20, 20\): too small for net\.2 \(.*Conv2d\), which gets 8×8 pixels of it; the "
            "smallest square image that works has 22×22",
        ),
        (
            [nn.Conv2d(1, 4, 5), nn.Flatten(), nn.Linear(2304, 10)],
            IMAGES,
            LABELS,
            r"net\.2 \(Linear\) takes 2304 features, and gets 1024; images of 28×28 would fit",
        ),
        ([], IMAGES, torch.tensor([0, 1, 2, 0]), "has a label 2: expected integers from 0 to 1"),
        ([], IMAGES, torch.tensor([0, 1, -1, 0]), "has a label -1: expected integers from 0 to 1"),
        ([], IMAGES, LABELS[:3], r"int64, shape \(3,\): expected 4 integers from 0 to 1"),
        ([], IMAGES, torch.rand(4), r"float32, shape \(4,\): expected 4 integers from 0 to 1"),
    ],
)
@pytest.mark.parametrize("where", ["train_dataloader", "val_dataloader"])
def test_a_batch_that_does_not_fit(layers, X, y, told, where):
    """In training and in validation; one clear error, behind it torch's own."""

    class Net(d2l.Classifier):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(*copy.deepcopy(layers), nn.Flatten(), nn.LazyLinear(2))

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    good = torch.rand(4, 1, 28, 28), LABELS
    data = Given([good])
    setattr(data, where, lambda: [(X, y)])
    trainer = d2l.Trainer(1, progress=False)
    with pytest.raises(ValueError, match=told) as caught:
        trainer.evaluate(Net(), [(X, y)]) if where == "val_dataloader" else trainer.fit(Net(), data)
    assert isinstance(caught.value.__cause__, RuntimeError | ValueError | IndexError)


def test_other_errors_stay_as_they_are():
    class Faulty(Linear):
        def loss(self, Y_hat, Y):
            raise RuntimeError("my own")

    model = Faulty()
    model.optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with pytest.raises(RuntimeError, match=r"^my own$"):
        d2l.Trainer(1, progress=False).fit(model, Given([BATCH]))


@pytest.mark.parametrize(
    ("make", "smallest"), [(d2l.AlexNet, 65), (d2l.VGG, 32), (d2l.NiN, 67)], ids=str
)
def test_the_smallest_images_of_the_books_networks(make, smallest):
    model = make()
    data = [(torch.rand(2, 1, 20, 20), torch.tensor([0, 1]))]
    with pytest.raises(ValueError, match=f"image that works has {smallest}×{smallest}"):
        d2l.Trainer(1, progress=False).evaluate(model, data)


def test_a_model_without_loss_says_so():
    class Bare(d2l.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Linear(1, 1)

    with pytest.raises(NotImplementedError, match=r"Bare must define loss\(Y_hat, Y\)"):
        Bare().loss(0, 0)
    with pytest.raises(AttributeError, match="needs a trainer"):
        Bare().plot("loss", torch.tensor(0.0), train=True)
    with pytest.raises(AttributeError, match=r"must set self\.net or define forward"):
        d2l.Classifier()(torch.zeros(1))


def test_bfloat16_is_for_the_forward_passes_of_training():
    seen = []

    class Look(nn.Module):
        def forward(self, X):
            seen.append((self.training, X.dtype))
            return X

    model, trainer = fit(Net(layers=(Look(),)), epochs=5, precision="bfloat16")
    assert set(seen[1:]) == {(True, torch.bfloat16), (False, torch.float32)}
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert trainer.history[-1]["val_acc"] > 0.9
    expected, _ = fit(Net(layers=(Look(),)), epochs=5)
    for x, y in zip(model.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(x, y, atol=0.02, rtol=0.1)


def test_an_unknown_precision_is_named():
    with pytest.raises(ValueError, match="precision must be 'float32' or 'bfloat16', not 'half'"):
        d2l.Trainer(1, precision="half")


def test_memory_is_kept_by_fit_and_by_nothing_else(monkeypatch):
    """The one thing that a trainer changes for the whole process."""
    calls = []
    monkeypatch.setattr(training_loop, "keep_memory", lambda: calls.append("kept"))
    trainer = d2l.Trainer(1, progress=False)
    trainer.evaluate(Net(), Toy().val_dataloader())
    assert calls == []
    trainer.fit(Net(), Toy())
    assert calls == ["kept"]


def test_gpu_path_moves_model_and_batches(monkeypatch):
    """No GPU here: the CPU stands in for it, to see that both are sent there."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(training_loop, "gpu", lambda i=0: torch.device("cpu"))
    _, trainer = fit(epochs=1, num_gpus=1)
    assert trainer.gpus == [torch.device("cpu")]
    assert len(trainer.history) == 1
