"""Code written the book's way, section by section of its chapter 8, runs on ``d2l_utils``.

The networks are small ones of our own; what they share with the book is how they are built, and
every call that they make to ``d2l``.
"""

import inspect
import math

import matplotlib
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import d2l_utils as d2l

matplotlib.use("Agg")

# What chapter 8 calls, and what the sections call that it refers to (3.2, 3.4, 4.2, 4.3, 6.4, 6.7
# and 7.6): the arguments that can be given by position, with their defaults.
API = {
    "Classifier": "plot_train_per_epoch=2, plot_valid_per_epoch=1",
    "Classifier.accuracy": "self, Y_hat, Y, averaged=True",
    "Classifier.layer_summary": "self, X_shape",
    "Classifier.loss": "self, Y_hat, Y, averaged=True",
    "Classifier.validation_step": "self, batch",
    "DataModule": "root=None, num_workers=0",
    "DataModule.get_dataloader": "self, train",
    "DataModule.get_tensorloader": "self, tensors, train, indices=slice(0, None, None)",
    "DataModule.train_dataloader": "self",
    "DataModule.val_dataloader": "self",
    "FashionMNIST": "batch_size=64, resize=(28, 28)",
    "FashionMNIST.text_labels": "self, indices",
    "FashionMNIST.visualize": "self, batch, nrows=1, ncols=8, labels=()",
    "HyperParameters": "",
    "HyperParameters.save_hyperparameters": "self, ignore=()",
    "LeNet": "lr=0.1, num_classes=10",
    "Module": "plot_train_per_epoch=2, plot_valid_per_epoch=1",
    "Module.apply_init": "self, inputs, init=None",
    "Module.configure_optimizers": "self",
    "Module.forward": "self, X",
    "Module.loss": "self, Y_hat, Y",
    "Module.plot": "self, key, value, train",
    "Module.training_step": "self, batch",
    "Module.validation_step": "self, batch",
    "ProgressBoard": "xlabel=None, ylabel=None, xlim=None, ylim=None, xscale='linear', "
    "yscale='linear'",
    "ProgressBoard.draw": "self, x, y, label, every_n=1",
    "ResNeXtBlock": "num_channels, groups, bot_mul, use_1x1conv=False, strides=1",
    "Residual": "num_channels, use_1x1conv=False, strides=1",
    "Trainer": "max_epochs, num_gpus=0, gradient_clip_val=0",
    "Trainer.clip_gradients": "self, grad_clip_val, model",
    "Trainer.fit": "self, model, data",
    "Trainer.fit_epoch": "self",
    "Trainer.prepare_batch": "self, batch",
    "Trainer.prepare_data": "self, data",
    "Trainer.prepare_model": "self, model",
    "add_to_class": "Class",
    "cpu": "",
    "gpu": "i=0",
    "init_cnn": "module",
    "num_gpus": "",
    "plot": "X, Y=None, xlabel=None, ylabel=None, legend=(), xlim=None, ylim=None, "
    "xscale='linear', yscale='linear'",
    "set_axes": "axes, xlabel, ylabel, xlim, ylim, xscale, yscale, legend",
    "set_figsize": "figsize=(3.5, 2.5)",
    "show_images": "imgs, num_rows, num_cols, titles=None, scale=1.5",
    "try_all_gpus": "",
    "try_gpu": "i=0",
    "use_svg_display": "",
}


@pytest.mark.parametrize("name", API)
def test_name_and_arguments(name):
    target = d2l
    for part in name.split("."):
        target = getattr(target, part)
    expected = [*inspect.signature(eval(f"lambda {API[name]}: 0")).parameters.values()]
    found = [*inspect.signature(target).parameters.values()]
    ours, more = found[: len(expected)], found[len(expected) :]
    assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in expected]
    assert all(p.default is not p.empty for p in more)  # more may be given, none must


def test_plt_is_there():
    assert d2l.plt.__name__ == "matplotlib.pyplot"


def fashion(resize=(28, 28), batch_size=32):
    """48 training and 32 validation images of the bundled sample, so two batches and one."""
    data = d2l.FashionMNIST(batch_size=batch_size, resize=resize, source="sample")
    for part, n in ((data.train, 48), (data.val, 32)):
        part.images, part.labels = part.images[:n], part.labels[:n]
    return data


def train(model, data, init=True, **options):
    """The cell that ends each of the book's sections."""
    trainer = d2l.Trainer(max_epochs=1, num_gpus=1, **options)
    if init:
        model.apply_init([next(iter(data.get_dataloader(True)))[0]], d2l.init_cnn)
    before = {k: v.clone() for k, v in model.named_parameters() if not nn.parameter.is_lazy(v)}
    trainer.fit(model, data)
    after = dict(model.named_parameters())
    assert all(torch.isfinite(p).all() for p in after.values())
    # (A bias before a normalization has no effect, so its gradient may be exactly 0.)
    assert all(not torch.equal(before[k], after[k]) for k in before if before[k].dim() > 1)
    assert [*model.board.data] == ["train_loss", "val_loss", "val_acc"]
    assert [len(line) for line in model.board.data.values()] == [2, 1, 1]
    assert (model.board.xlabel, model.board.xlim) == ("epoch", [0, 1])
    return trainer


def summary(model, X_shape, capsys):
    """What ``layer_summary`` prints."""
    capsys.readouterr()
    assert model.layer_summary(X_shape) is None
    return capsys.readouterr().out


# -- 8.1: a network in one Sequential, initialized in its constructor, fitted while still lazy -----


class Tall(d2l.Classifier):
    def __init__(self, lr=0.1, num_classes=10):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(
            nn.LazyConv2d(8, kernel_size=5, stride=2, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Flatten(),
            nn.LazyLinear(24),
            nn.ReLU(),
            nn.Dropout(p=0.5),
            nn.LazyLinear(num_classes),
        )
        self.net.apply(d2l.init_cnn)


def test_8_1_summary_is_printed_as_in_the_book(capsys):
    assert summary(Tall(), (1, 1, 28, 28), capsys) == (
        "Conv2d output shape:\t torch.Size([1, 8, 13, 13])\n"
        "ReLU output shape:\t torch.Size([1, 8, 13, 13])\n"
        "MaxPool2d output shape:\t torch.Size([1, 8, 6, 6])\n"
        "Flatten output shape:\t torch.Size([1, 288])\n"
        "Linear output shape:\t torch.Size([1, 24])\n"
        "ReLU output shape:\t torch.Size([1, 24])\n"
        "Dropout output shape:\t torch.Size([1, 24])\n"
        "Linear output shape:\t torch.Size([1, 10])\n"
    )


def test_8_1_init_cnn_leaves_lazy_layers_alone_and_apply_init_draws_xaviers_weights():
    torch.manual_seed(0)
    model = Tall()
    assert all(nn.parameter.is_lazy(p) for p in model.parameters())
    X = torch.rand(2, 1, 28, 28)
    model.apply_init([X])
    for layer, fans in ((model.net[0], (25, 8 * 25)), (model.net[4], (288, 24))):
        bound = math.sqrt(6 / sum(fans))
        default, biases = layer.weight.clone(), layer.bias.clone()
        d2l.init_cnn(layer)
        assert not torch.equal(layer.weight, default)
        assert 0.9 * bound < layer.weight.abs().max() <= bound
        assert torch.equal(layer.bias, biases)


def test_8_1_training_without_apply_init():
    model = Tall(lr=0.01)
    trainer = train(model, fashion(), init=False)
    assert not any(nn.parameter.is_lazy(p) for p in model.parameters())
    assert sum(len(group["params"]) for group in trainer.optim.param_groups) == 6
    assert all(p.grad is not None for p in model.parameters())
    assert (model.lr, model.num_classes, model.hparams) == (
        0.01,
        10,
        {"lr": 0.01} | {"num_classes": 10},
    )


# -- 8.2 and 8.3: functions that make blocks, an architecture as an argument -----------------------


def stack(convs, channels):
    layers = []
    for _ in range(convs):
        layers.append(nn.LazyConv2d(channels, kernel_size=3, padding=1))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers, nn.MaxPool2d(kernel_size=2, stride=2))


def pointwise(channels, kernel_size, strides, padding):
    return nn.Sequential(
        nn.LazyConv2d(channels, kernel_size, strides, padding),
        nn.ReLU(),
        nn.LazyConv2d(channels, kernel_size=1),
        nn.ReLU(),
    )


class Stacks(d2l.Classifier):
    def __init__(self, arch, lr=0.1, num_classes=10):
        super().__init__()
        self.save_hyperparameters()
        blocks = [stack(convs, channels) for (convs, channels) in arch]
        self.net = nn.Sequential(*blocks, nn.Flatten(), nn.LazyLinear(num_classes))
        self.net.apply(d2l.init_cnn)


class NoLinear(d2l.Classifier):
    def __init__(self, lr=0.1, num_classes=10):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(
            pointwise(8, kernel_size=5, strides=2, padding=0),
            nn.MaxPool2d(3, stride=2),
            nn.Dropout(0.5),
            pointwise(num_classes, kernel_size=3, strides=1, padding=1),
            nn.AdaptiveAvgPool2d((1, 1)),
            nn.Flatten(),
        )
        self.net.apply(d2l.init_cnn)


def test_8_2(capsys):
    model = Stacks(arch=((1, 4), (2, 8)), lr=0.05)
    assert summary(model, (1, 1, 28, 28), capsys) == (
        "Sequential output shape:\t torch.Size([1, 4, 14, 14])\n"
        "Sequential output shape:\t torch.Size([1, 8, 7, 7])\n"
        "Flatten output shape:\t torch.Size([1, 392])\n"
        "Linear output shape:\t torch.Size([1, 10])\n"
    )
    train(model, fashion())
    assert model.arch == ((1, 4), (2, 8))


def test_8_3(capsys):
    model = NoLinear(lr=0.05, num_classes=10)
    assert summary(model, (1, 1, 28, 28), capsys) == (
        "Sequential output shape:\t torch.Size([1, 8, 12, 12])\n"
        "MaxPool2d output shape:\t torch.Size([1, 8, 5, 5])\n"
        "Dropout output shape:\t torch.Size([1, 8, 5, 5])\n"
        "Sequential output shape:\t torch.Size([1, 10, 5, 5])\n"
        "AdaptiveAvgPool2d output shape:\t torch.Size([1, 10, 1, 1])\n"
        "Flatten output shape:\t torch.Size([1, 10])\n"
    )
    train(model, fashion())


# -- 8.4: a class put together cell by cell --------------------------------------------------------


class Fork(nn.Module):
    def __init__(self, c1, c2, **kwargs):
        super(Fork, self).__init__(**kwargs)  # noqa: UP008 the book's form
        self.left = nn.LazyConv2d(c1, kernel_size=1)
        self.right_1 = nn.LazyConv2d(c2[0], kernel_size=1)
        self.right_2 = nn.LazyConv2d(c2[1], kernel_size=3, padding=1)

    def forward(self, x):
        right = F.relu(self.right_2(F.relu(self.right_1(x))))
        return torch.cat((F.relu(self.left(x)), right), dim=1)


class Piecewise(d2l.Classifier):
    def b1(self):
        return nn.Sequential(nn.LazyConv2d(16, kernel_size=7, stride=2, padding=3), nn.ReLU())


@d2l.add_to_class(Piecewise)
def b2(self):
    return nn.Sequential(Fork(12, (8, 20)), nn.MaxPool2d(kernel_size=3, stride=2, padding=1))


@d2l.add_to_class(Piecewise)
def b3(self):
    return nn.Sequential(Fork(24, (16, 40)), nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten())


@d2l.add_to_class(Piecewise)
def __init__(self, lr=0.1, num_classes=10):  # noqa: N807
    super(Piecewise, self).__init__()
    self.save_hyperparameters()
    self.net = nn.Sequential(self.b1(), self.b2(), self.b3(), nn.LazyLinear(num_classes))
    self.net.apply(d2l.init_cnn)


def test_8_4(capsys):
    assert summary(Piecewise(), (1, 1, 48, 48), capsys) == (
        "Sequential output shape:\t torch.Size([1, 16, 24, 24])\n"
        "Sequential output shape:\t torch.Size([1, 32, 12, 12])\n"
        "Sequential output shape:\t torch.Size([1, 64])\n"
        "Linear output shape:\t torch.Size([1, 10])\n"
    )
    model = Piecewise(lr=0.01)
    assert model.hparams == {"lr": 0.01, "num_classes": 10}
    train(model, fashion(resize=(48, 48)))


# -- 8.5: batch normalization by hand, which asks autograd whether the model is training -----------


class HandmadeNorm(nn.Module):
    def __init__(self, num_features, num_dims):
        super().__init__()
        shape = (1, num_features) + (1,) * (num_dims - 2)
        self.gamma = nn.Parameter(torch.ones(shape))
        self.beta = nn.Parameter(torch.zeros(shape))
        self.moving_mean, self.moving_var = torch.zeros(shape), torch.ones(shape)
        self.calls = []

    def forward(self, X):
        self.calls.append((self.training, torch.is_grad_enabled()))
        if self.moving_mean.device != X.device:
            self.moving_mean = self.moving_mean.to(X.device)
            self.moving_var = self.moving_var.to(X.device)
        if torch.is_grad_enabled():
            axes = (0, *range(2, X.dim()))
            mean, var = X.mean(axes, keepdim=True), X.var(axes, unbiased=False, keepdim=True)
            self.moving_mean = (0.9 * self.moving_mean + 0.1 * mean).data
            self.moving_var = (0.9 * self.moving_var + 0.1 * var).data
        else:
            mean, var = self.moving_mean, self.moving_var
        return self.gamma * (X - mean) / torch.sqrt(var + 1e-5) + self.beta


def normalized(norm_2d, norm_1d):
    class Net(d2l.Classifier):
        def __init__(self, lr=0.1, num_classes=10):
            super().__init__()
            self.save_hyperparameters()
            self.net = nn.Sequential(
                nn.LazyConv2d(6, kernel_size=5),
                norm_2d(),
                nn.Sigmoid(),
                nn.AvgPool2d(kernel_size=2, stride=2),
                nn.Flatten(),
                nn.LazyLinear(12),
                norm_1d(),
                nn.Sigmoid(),
                nn.LazyLinear(num_classes),
            )

    return Net(lr=0.1)


def test_8_5_by_hand_and_by_library_learn_the_same():
    data = fashion()
    torch.manual_seed(0)
    by_hand = normalized(lambda: HandmadeNorm(6, num_dims=4), lambda: HandmadeNorm(12, num_dims=2))
    torch.manual_seed(1)
    train(by_hand, data)
    torch.manual_seed(0)
    by_library = normalized(nn.LazyBatchNorm2d, nn.LazyBatchNorm1d)
    torch.manual_seed(1)
    train(by_library, data)
    # (Biases before a normalization are left out: their gradients are rounding errors.)
    for i, name in ((0, "weight"), (5, "weight"), (8, "weight"), (8, "bias")):
        ours, theirs = (getattr(model.net[i], name) for model in (by_hand, by_library))
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    gamma, beta = by_hand.net[1].gamma.reshape((-1,)), by_hand.net[1].beta.reshape((-1,))
    assert gamma.shape == beta.shape == (6,)
    torch.testing.assert_close(gamma, by_library.net[1].weight, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(beta, by_library.net[1].bias, rtol=1e-4, atol=1e-5)
    moving_mean = by_hand.net[1].moving_mean.reshape((-1,))
    torch.testing.assert_close(moving_mean, by_library.net[1].running_mean, rtol=1e-4, atol=1e-5)
    # apply_init, two training batches, one validation batch
    training, validation = (True, True), (False, False)
    assert by_hand.net[1].calls == [training, training, training, validation]


# -- 8.6 and 8.8: the blocks that the book calls by name, and networks of them ---------------------


def residual_parameters(c_in, c_out, projection):
    """Two 3x3 convolutions with biases and normalizations; a 1x1 convolution if projected."""
    count = c_out * (9 * c_in + 1) + c_out * (9 * c_out + 1) + 2 * 2 * c_out
    return count + projection * c_out * (c_in + 1)


def resnext_parameters(c_in, c_out, group_width, bot_mul, projection):
    """1x1, grouped 3x3 and 1x1, all normalized, and the normalized 1x1 of the projection."""
    middle = round(c_out * bot_mul)
    count = middle * (c_in + 1) + middle * (9 * group_width + 1) + c_out * (middle + 1)
    count += 2 * (middle + middle + c_out)
    return count + projection * (c_out * (c_in + 1) + 2 * c_out)


@pytest.mark.parametrize(
    ("arguments", "options", "shape", "count"),
    [
        ((3,), {}, (4, 3, 6, 6), residual_parameters(3, 3, False)),
        ((6,), {"use_1x1conv": True, "strides": 2}, (4, 6, 3, 3), residual_parameters(3, 6, True)),
        ((5, True), {}, (4, 5, 6, 6), residual_parameters(3, 5, True)),
    ],
)
def test_8_6_residual(arguments, options, shape, count):
    blk = d2l.Residual(*arguments, **options)
    assert blk(torch.randn(4, 3, 6, 6)).shape == shape
    assert d2l.count_parameters(blk) == count


@pytest.mark.parametrize(
    ("arguments", "options", "shape", "count"),
    [
        ((32, 16, 1), {}, (4, 32, 9, 9), resnext_parameters(32, 32, 16, 1, False)),
        ((32, 4, 0.5), {}, (4, 32, 9, 9), resnext_parameters(32, 32, 4, 0.5, False)),
        (
            (48, 16, 1),
            {"use_1x1conv": True, "strides": 2},
            (4, 48, 5, 5),
            resnext_parameters(32, 48, 16, 1, True),
        ),
    ],
)
def test_8_6_resnext(arguments, options, shape, count):
    blk = d2l.ResNeXtBlock(*arguments, **options)
    assert blk(torch.randn(4, 32, 9, 9)).shape == shape
    assert d2l.count_parameters(blk) == count


def test_8_6_blocks_equal_their_layers_applied_one_by_one():
    torch.manual_seed(0)
    X = torch.randn(2, 8, 5, 5)
    for blk in (
        d2l.Residual(8),
        d2l.Residual(12, use_1x1conv=True, strides=2),
        d2l.ResNeXtBlock(8, 4, 1),
        d2l.ResNeXtBlock(12, 4, 1, use_1x1conv=True, strides=2),
    ):
        blk(X)
        layers = [m for m in blk.modules() if isinstance(m, (nn.Conv2d, nn.BatchNorm2d))]
        convs = [m for m in layers if isinstance(m, nn.Conv2d)]
        norms = [m for m in layers if isinstance(m, nn.BatchNorm2d)]
        depth = 2 if isinstance(blk, d2l.Residual) else 3
        Y = X
        for i in range(depth):
            Y = norms[i](convs[i](Y))
            Y = F.relu(Y) if i < depth - 1 else Y
        shortcut = X
        if len(convs) > depth:
            shortcut = convs[depth](X)
            if len(norms) > depth:
                shortcut = norms[depth](shortcut)
        torch.testing.assert_close(blk(X), F.relu(Y + shortcut))


class Residuals(d2l.Classifier):
    def b1(self):
        return nn.Sequential(
            nn.LazyConv2d(self.arch[0][1], kernel_size=7, stride=2, padding=3),
            nn.LazyBatchNorm2d(),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        )

    def __init__(self, arch, lr=0.1, num_classes=10):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(self.b1())
        for i, b in enumerate(arch):
            self.net.add_module(f"b{i + 2}", self.block(*b, first_block=(i == 0)))
        self.net.add_module(
            "last",
            nn.Sequential(nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.LazyLinear(num_classes)),
        )
        self.net.apply(d2l.init_cnn)


@d2l.add_to_class(Residuals)
def block(self, num_residuals, num_channels, first_block=False):
    changes = [{"use_1x1conv": True, "strides": 2} if not first_block else {}]
    changes += [{}] * (num_residuals - 1)
    return nn.Sequential(*(d2l.Residual(num_channels, **change) for change in changes))


def test_8_6_resnet18_has_its_parameters_and_shapes(capsys):
    model = Residuals(((2, 64), (2, 128), (2, 256), (2, 512)))
    assert summary(model, (1, 1, 96, 96), capsys) == (
        "Sequential output shape:\t torch.Size([1, 64, 24, 24])\n"
        "Sequential output shape:\t torch.Size([1, 64, 24, 24])\n"
        "Sequential output shape:\t torch.Size([1, 128, 12, 12])\n"
        "Sequential output shape:\t torch.Size([1, 256, 6, 6])\n"
        "Sequential output shape:\t torch.Size([1, 512, 3, 3])\n"
        "Sequential output shape:\t torch.Size([1, 10])\n"
    )
    # torchvision's resnet18 has 11,175,370 for one channel in and ten classes; the book's adds
    # 4,800 biases of convolutions and leaves out the shortcuts' normalizations.
    assert d2l.count_parameters(model) == 11_175_370 + 4_800 - 2 * (128 + 256 + 512)


def test_8_6_training():
    train(Residuals(((1, 4), (2, 8)), lr=0.01), fashion())


# -- 8.7: lazy normalization comes first, training begins without apply_init -----------------------


def grow(channels, **conv):
    return nn.Sequential(nn.LazyBatchNorm2d(), nn.ReLU(), nn.LazyConv2d(channels, **conv))


class Dense(nn.Module):
    def __init__(self, num_convs, num_channels):
        super().__init__()
        self.net = nn.Sequential(
            *(grow(num_channels, kernel_size=3, padding=1) for _ in range(num_convs))
        )

    def forward(self, X):
        for blk in self.net:
            X = torch.cat((X, blk(X)), dim=1)
        return X


def test_8_7():
    assert Dense(2, 10)(torch.randn(4, 3, 8, 8)).shape == (4, 23, 8, 8)

    class DenseNet(d2l.Classifier):
        def __init__(self, num_channels=4, growth_rate=2, arch=(2, 2), lr=0.1, num_classes=10):
            super().__init__()
            self.save_hyperparameters()
            self.net = nn.Sequential(nn.LazyConv2d(num_channels, kernel_size=5, stride=2))
            for i, num_convs in enumerate(arch):
                self.net.add_module(f"dense{i}", Dense(num_convs, growth_rate))
                num_channels += num_convs * growth_rate
                if i != len(arch) - 1:
                    num_channels //= 2
                    self.net.add_module(f"shrink{i}", grow(num_channels, kernel_size=1))
                    self.net.add_module(f"pool{i}", nn.AvgPool2d(kernel_size=2, stride=2))
            self.net.add_module("last", nn.Sequential(nn.Flatten(), nn.LazyLinear(num_classes)))
            self.net.apply(d2l.init_cnn)

    model = DenseNet(lr=0.01)
    assert model.num_channels == 4  # as given, whatever the constructor does with the name later
    trainer = train(model, fashion(), init=False)
    assert all(p.grad is not None for p in model.parameters())
    norm = next(m for m in model.modules() if isinstance(m, nn.BatchNorm2d))
    assert norm.num_batches_tracked == 2  # the training batches, and nothing else
    assert trainer.epoch == 0


# -- 8.8: stages of d2l.ResNeXtBlock, subclasses that fix the design -------------------------------


class Stages(d2l.Classifier):
    def stem(self, num_channels):
        return nn.Sequential(
            nn.LazyConv2d(num_channels, kernel_size=3, stride=2, padding=1),
            nn.LazyBatchNorm2d(),
            nn.ReLU(),
        )


@d2l.add_to_class(Stages)
def stage(self, depth, num_channels, groups, bot_mul):
    first = d2l.ResNeXtBlock(num_channels, groups, bot_mul, use_1x1conv=True, strides=2)
    others = [d2l.ResNeXtBlock(num_channels, groups, bot_mul) for _ in range(depth - 1)]
    return nn.Sequential(first, *others)


@d2l.add_to_class(Stages)
def __init__(self, arch, stem_channels, lr=0.1, num_classes=10):  # noqa: F811, N807
    super(Stages, self).__init__()
    self.save_hyperparameters()
    self.net = nn.Sequential(self.stem(stem_channels))
    for i, s in enumerate(arch):
        self.net.add_module(f"stage{i + 1}", self.stage(*s))
    head = nn.Sequential(nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.LazyLinear(num_classes))
    self.net.add_module("head", head)
    self.net.apply(d2l.init_cnn)


class Narrow(Stages):
    def __init__(self, lr=0.1, num_classes=10):
        super().__init__(((1, 8, 4, 1), (2, 12, 4, 1)), 8, lr, num_classes)


def test_8_8(capsys):
    assert summary(Narrow(), (1, 1, 96, 96), capsys) == (
        "Sequential output shape:\t torch.Size([1, 8, 48, 48])\n"
        "Sequential output shape:\t torch.Size([1, 8, 24, 24])\n"
        "Sequential output shape:\t torch.Size([1, 12, 12, 12])\n"
        "Sequential output shape:\t torch.Size([1, 10])\n"
    )
    model = Narrow(lr=0.05)
    assert (model.stem_channels, model.lr) == (8, 0.05)
    train(model, fashion(), init=False)


# -- what the sections before chapter 8 taught its reader to do ------------------------------------


class PlainDescent(d2l.HyperParameters):
    """An optimizer by hand, as in section 3.4: it knows ``step`` and ``zero_grad`` only."""

    def __init__(self, params, lr):
        self.save_hyperparameters()

    def step(self):
        for param in self.params:
            param -= self.lr * param.grad

    def zero_grad(self):
        for param in self.params:
            if param.grad is not None:
                param.grad.zero_()


def test_3_4_an_optimizer_by_hand_equals_torchs():
    class ByHand(Tall):
        def configure_optimizers(self):
            return PlainDescent([*self.parameters()], self.lr)

    weights = []
    for model in (ByHand(lr=0.1), Tall(lr=0.1)):
        torch.manual_seed(0)
        model.apply_init([torch.rand(1, 1, 28, 28)], d2l.init_cnn)
        train(model, fashion(), init=False)
        weights.append(model.state_dict())
    torch.testing.assert_close(*weights)


def test_3_4_line_fitted_with_parameters_that_are_no_parameters():
    class Line(d2l.Module):
        def __init__(self, num_inputs, lr, sigma=0.01):
            super().__init__()
            self.save_hyperparameters()
            self.w = torch.normal(0, sigma, (num_inputs, 1), requires_grad=True)
            self.b = torch.zeros(1, requires_grad=True)

        def forward(self, X):
            return torch.matmul(X, self.w) + self.b

        def loss(self, y_hat, y):
            return ((y_hat - y) ** 2 / 2).mean()

        def configure_optimizers(self):
            return PlainDescent([self.w, self.b], self.lr)

    class Points(d2l.DataModule):
        def __init__(self, w, b, num_train=96, num_val=32, batch_size=16):
            super().__init__()
            self.save_hyperparameters()
            self.X = torch.randn(num_train + num_val, len(w))
            self.y = torch.matmul(self.X, w.reshape((-1, 1))) + b

        def get_dataloader(self, train):
            rows = slice(0, self.num_train) if train else slice(self.num_train, None)
            return self.get_tensorloader((self.X, self.y), train, rows)

    torch.manual_seed(0)
    model, data = Line(2, lr=0.1), Points(w=torch.tensor([2, -3.4]), b=4.2)
    trainer = d2l.Trainer(max_epochs=20)
    trainer.fit(model, data)
    assert [*model.board.data] == ["train_loss", "val_loss"]
    with torch.no_grad():
        torch.testing.assert_close(data.w, model.w.reshape(data.w.shape), atol=0.02, rtol=0)
        torch.testing.assert_close(model.b, torch.tensor([data.b]), atol=0.02, rtol=0)


def test_every_step_of_a_model_can_be_overridden():
    seen = []

    class Own(Tall):
        def loss(self, Y_hat, Y, averaged=True):
            losses = super().loss(Y_hat, Y, averaged=False)
            assert losses.shape == Y.shape
            return losses.mean() if averaged else losses

        def training_step(self, batch):
            seen.append("training")
            loss = self.loss(self(*batch[:-1]), batch[-1])
            self.plot("loss", loss, train=True)
            return loss

        def validation_step(self, batch):
            seen.append("validation")
            Y_hat = self(*batch[:-1])
            hits = self.accuracy(Y_hat, batch[-1], averaged=False)
            assert hits.shape == batch[-1].shape
            self.plot("loss", self.loss(Y_hat, batch[-1]), train=False)
            self.plot("acc", hits.mean(), train=False)

        def configure_optimizers(self):
            seen.append("optimizer")
            return torch.optim.Adam(self.parameters(), lr=self.lr, weight_decay=1e-3)

    trainer = train(Own(lr=0.01), fashion())
    assert seen == ["optimizer", "training", "training", "validation"]
    assert isinstance(trainer.optim, torch.optim.Adam)


def test_gradient_clipping_bounds_each_step():
    model, data = Tall(lr=1.0), fashion(batch_size=48)
    model.apply_init([torch.rand(1, 1, 28, 28)], d2l.init_cnn)
    before = nn.utils.parameters_to_vector(model.parameters()).detach().clone()
    d2l.Trainer(max_epochs=1, num_gpus=1, gradient_clip_val=0.01).fit(model, data)
    moved = (nn.utils.parameters_to_vector(model.parameters()).cpu() - before).norm()
    assert moved.item() == pytest.approx(0.01, rel=1e-3)  # one batch, at learning rate 1


def test_3_2_helpers():
    class Empty:
        pass

    @d2l.add_to_class(Empty)
    def hello(self):
        return "hello"

    class Keeps(d2l.HyperParameters):
        def __init__(self, a, b, c):
            self.save_hyperparameters(ignore=["c"])

    assert Empty().hello() == "hello"
    kept = Keeps(a=1, b=2, c=3)
    assert (kept.a, kept.b, hasattr(kept, "c"), kept.hparams) == (1, 2, False, {"a": 1, "b": 2})


def test_3_2_board_averages_every_n_points_of_each_curve():
    board = d2l.ProgressBoard("x")
    for i in range(100):
        x = i / 10
        board.draw(x, math.sin(x), "sin", every_n=2)
        board.draw(x, math.cos(x), "cos", every_n=10)
    assert board.xlabel == "x"
    assert {label: len(line) for label, line in board.data.items()} == {"sin": 50, "cos": 10}
    assert board.data["sin"][0] == pytest.approx((0.05, math.sin(0.1) / 2))


def test_4_2_data():
    data = d2l.FashionMNIST(resize=(32, 32), source="sample")
    assert len(data.train) > len(data.val) > 0
    assert data.train[0][0].shape == (1, 32, 32)
    X, y = next(iter(data.train_dataloader()))
    assert (X.shape, X.dtype, y.shape, y.dtype) == (
        (64, 1, 32, 32),
        torch.float32,
        (64,),
        torch.int64,
    )
    assert data.text_labels([0, torch.tensor(9)]) == ["t-shirt", "ankle boot"]


def test_figures_are_drawn_as_the_book_draws_them():
    x = torch.arange(0, 3, 0.1)
    d2l.set_figsize((3, 2))
    d2l.plot(x, [x**2, 2 * x - 1], "x", "f(x)", legend=["f(x)", "tangent"], figsize=(4, 2))
    axes = d2l.plt.gca()
    assert [len(line.get_xdata()) for line in axes.lines] == [30, 30]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "f(x)")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["f(x)", "tangent"]
    axes = d2l.show_images(torch.rand(4, 5, 5), 2, 2, titles=list("abcd"))
    assert [ax.get_title() for ax in axes] == ["a", "b", "c", "d"]
    batch = next(iter(fashion().val_dataloader()))
    fashion().visualize(batch)


def test_7_6_a_method_of_the_module_can_be_replaced(monkeypatch, capsys):
    monkeypatch.setattr(d2l.Classifier, "layer_summary", d2l.Classifier.layer_summary)  # restored

    @d2l.add_to_class(d2l.Classifier)
    def layer_summary(self, X_shape):
        X = torch.randn(*X_shape)
        for layer in self.net:
            X = layer(X)
        print(*X.shape)

    d2l.LeNet().layer_summary((1, 1, 28, 28))
    assert capsys.readouterr().out == "1 10\n"


def test_6_7_devices():
    assert d2l.cpu() == torch.device("cpu")
    assert d2l.gpu(1) == torch.device("cuda:1")
    count = d2l.num_gpus()
    assert d2l.try_gpu(count) == d2l.cpu()
    assert d2l.try_all_gpus() == ([d2l.gpu(i) for i in range(count)] or [d2l.cpu()])
    assert len(d2l.Trainer(max_epochs=1, num_gpus=1).gpus) == min(1, count)
