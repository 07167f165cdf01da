"""A configuration is read: each key does what it says, and a key that nobody reads is an error."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import d2l_utils as d2l
from d2l_utils.studies.configuration import Configuration

BASE = {"epochs": 2, "batch_size": 10, "resize": 12, "lr": 0.25}


class Net(d2l.Classifier):
    def __init__(self, channels=3, lr=0.1):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(
            nn.LazyConv2d(channels, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(10)
        )


def build(config):
    return Net(config.get("channels", 3), config["lr"])


def model(recipe=None, **settings):
    return (recipe or d2l.Recipe(build)).model({**BASE, **settings})


def test_without_words_the_model_is_as_it_was_built():
    recipe, net = d2l.Recipe(build), model()
    with torch.no_grad():
        net(torch.zeros(1, 1, 12, 12))
    optimizer = net.configure_optimizers()
    assert (type(optimizer), optimizer.defaults["lr"]) == (torch.optim.SGD, 0.25)
    batch = [torch.rand(2, 1, 12, 12), torch.tensor([1, 2])]
    assert net.augment(batch) is batch
    assert torch.equal(net.predict(batch[0]), net(batch[0]))
    trainer = recipe.trainer(BASE)
    assert (trainer.max_epochs, trainer.schedule, trainer.precision) == (2, None, "float32")


def test_optimizer_and_its_arguments():
    net = model(init="He", optimizer={"name": "SGD", "momentum": 0.8, "nesterov": True})
    (group,) = net.configure_optimizers().param_groups
    assert (group["lr"], group["momentum"], group["nesterov"]) == (0.25, 0.8, True)
    assert len(group["params"]) == 4
    net = model(init="He", optimizer={"name": "Adam", "betas": [0.8, 0.9]})
    assert isinstance(net.configure_optimizers(), torch.optim.Adam)


def test_weight_decay_spares_vectors():
    net = model(init="He", optimizer={"name": "SGD", "weight_decay": 0.5})
    weights, vectors = net.configure_optimizers().param_groups
    assert (weights["weight_decay"], vectors["weight_decay"]) == (0.5, 0)
    assert {p.dim() for p in weights["params"]} == {2, 4}
    assert {p.dim() for p in vectors["params"]} == {1}


def test_adamw_decays_nothing_unless_told():
    for settings, decays in (({}, [0, 0]), ({"weight_decay": 0.05}, [0.05, 0])):
        net = model(init="He", optimizer={"name": "AdamW", **settings})
        groups = net.configure_optimizers().param_groups
        assert [group["weight_decay"] for group in groups] == decays


def test_a_parameter_of_one_number_is_trained_too():
    net = model(init="He", optimizer={"name": "SGD", "weight_decay": 0.5})
    net.factor = nn.Parameter(torch.tensor(0.2))
    assert any(p is net.factor for p in net.configure_optimizers().param_groups[1]["params"])


def test_init():
    he, xavier = model(init="He", channels=64), model(init="Xavier", channels=64)
    assert float(he.net[0].weight.detach().std()) == pytest.approx((2 / 9) ** 0.5, rel=0.1)
    assert not he.net[0].bias.any()
    assert float(xavier.net[0].weight.detach().abs().max()) <= (6 / (9 + 9 * 64)) ** 0.5
    assert xavier.net[0].bias.any()


def test_the_loss_is_smoothed_in_training_only():
    net = model(init="He", loss={"label_smoothing": 0.1})
    Y_hat, Y = torch.randn(4, 10), torch.arange(4)
    smoothed = F.cross_entropy(Y_hat, Y, label_smoothing=0.1)
    assert torch.equal(net.train().loss(Y_hat, Y), smoothed)
    assert net.loss(Y_hat, Y, averaged=False).shape == (4,)
    assert torch.equal(net.eval().loss(Y_hat, Y), F.cross_entropy(Y_hat, Y))


def test_augmentations_in_their_order_and_a_prediction():
    recipe = d2l.Recipe(
        build,
        augmentations={"add": lambda X, n: X + n, "times": lambda X, n: X * n},
        predictions={"twice": lambda net, X: 2 * net(X)},
    )
    net = model(recipe, init="He", augment={"add": 1, "times": 3}, predict="twice")
    X, Y = net.augment([torch.ones(2, 1, 12, 12), torch.zeros(2)])
    assert X.unique().tolist() == [6.0]
    assert not Y.any()
    assert torch.equal(net.predict(X), 2 * net(X))


def test_schedules():
    recipe = d2l.Recipe(build, schedules={"up": lambda done: done})
    assert recipe.trainer({**BASE, "schedule": "up"}).schedule(0.5) == 0.5
    assert recipe.trainer({**BASE, "schedule": "cosine"}).schedule is d2l.cosine_decay


def test_an_example_gives_the_shapes():
    recipe = d2l.Recipe(build, example=torch.zeros(1, 3, 5, 5))
    assert model(recipe, init="He").net[0].in_channels == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"momentun": 0.9}, "nobody reads 'momentun' = 0.9"),
        ({"smoothing": None}, "nobody reads 'smoothing' = None"),
        ({"optimizer": {"name": "SGD", "lr": 3.0}}, "the learning rate is 'lr'"),
        ({"init": "he"}, "init = 'he': expected one of 'Xavier', 'He'"),
        ({"schedule": "step"}, "schedule = 'step': expected one of 'constant', 'cosine'"),
        ({"optimizer": {"name": "Lion"}}, "optimizer = 'Lion': expected one of 'SGD', 'Adam'"),
        ({"optimizer": {"momentum": 0.9}}, "optimizer = None: expected one of 'SGD', 'Adam'"),
        ({"augment": {"flip": 1}}, "augment = 'flip': expected no word: this recipe has none"),
        ({"predict": "twice"}, "predict = 'twice': expected no word: this recipe has none"),
    ],
)
def test_a_slip_is_an_error(settings, message):
    with pytest.raises(ValueError, match=message):
        model(**settings)


def test_a_learning_rate_beside_a_model_that_ignores_it():
    deaf = d2l.Recipe(lambda config: Net())
    with pytest.raises(ValueError, match=r"nobody reads 'lr' = 0.25"):
        model(deaf)
    model(deaf, optimizer={"name": "SGD"})


def test_a_recipe_has_no_subclasses():
    with pytest.raises(TypeError, match="Recipe has no subclasses"):

        class Other(d2l.Recipe):
            pass


def test_an_argument_that_the_optimizer_does_not_have():
    net = model(init="He", optimizer={"name": "SGD", "beta": 0.9})
    with pytest.raises(ValueError, match=r"optimizer SGD: .*'beta'"):
        net.configure_optimizers()


def test_a_configuration_is_a_mapping_that_notes_what_is_read():
    config = Configuration({"a": 1, "b": 2})
    assert dict(Configuration({"a": 1})) == {"a": 1}
    assert config["a"] == config.get("a") == 1
    with pytest.raises(ValueError, match="nobody reads 'b' = 2"):
        config.require_all_read()
    assert "b" in config  # to ask for a key is not to read it
    with pytest.raises(ValueError, match="nobody reads 'b' = 2"):
        config.require_all_read()
    assert config.get("b", 3) == 2
    config.require_all_read()
