"""The budget switch, and records that resume, survive a crash and go stale."""

import json

import pytest
import torch
from few_images import take_few_images
from torch import nn

import d2l_utils as d2l
from d2l_utils.machine import data_sources, files
from d2l_utils.studies import arms_plot, run
from d2l_utils.studies import configuration as recipes
from d2l_utils.studies.fingerprint import network_operations
from d2l_utils.studies.run import images_right, train_run


class Net(d2l.Classifier):
    def __init__(self, lr=0.1, channels=2, stride=1, relu=True):
        super().__init__()
        self.save_hyperparameters()
        layers = [nn.LazyConv2d(channels, 3, stride=stride)] + [nn.ReLU()] * relu
        self.net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(10))


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Makes studies of a tiny net on 200 images, their records in a folder of the test's own."""
    monkeypatch.setenv("D2L_RESULTS", str(tmp_path))
    monkeypatch.setenv("D2L_BUDGET", "full")
    monkeypatch.delenv("D2L_EPOCHS", raising=False)
    take_few_images(monkeypatch, 200)

    def make(
        arms=None,
        seeds=(0, 1),
        build=lambda config: Net(config["lr"]),
        borrowed=None,
        **common,
    ):
        common = {"epochs": 1, "batch_size": 100, "resize": 10, **common}
        arms = arms or {"a": {"lr": 0.1}}
        return d2l.Study("section/tiny", build, arms, common, seeds, borrowed=borrowed)

    return make


def fingerprinted(study):
    """``study`` with its fingerprints made: a trainer that is watched shall not see rehearsals."""
    for arm in study.arms:
        study.fingerprint(arm)
    return study


def runs(study):
    return json.loads(study.store.path.read_text())["runs"]


def test_budget(monkeypatch):
    monkeypatch.delenv("D2L_BUDGET", raising=False)
    assert d2l.budget() == "quick"
    assert d2l.by_budget(quick=1, full=2) == 1
    monkeypatch.setenv("D2L_BUDGET", "full")
    assert d2l.by_budget(quick=1, full=2) == 2
    monkeypatch.setenv("D2L_BUDGET", "fast")
    with pytest.raises(ValueError, match="D2L_BUDGET must be 'quick' or 'full', not 'fast'"):
        d2l.budget()


def test_quick_trains_nothing(study, monkeypatch, capsys):
    monkeypatch.setenv("D2L_BUDGET", "quick")
    s = study()
    s.run()
    assert capsys.readouterr().out == "a: 0 of 2 runs recorded\n"
    assert not s.store.path.exists()
    assert "not recorded" in str(s.table())


def test_only_some_arms_with_more_seeds(study):
    """The same record, configurations and fingerprints; a change of code is seen none the less."""
    relu = {"relu": True}
    arms = {"a": {"lr": 0.1}, "b": {"lr": 0.2}}
    grid = study(arms, seeds=(0,), build=lambda config: Net(config["lr"], **relu))
    grid.run()
    borrowed = {"theirs": ("section/tiny", "a", {"lr": 0.1})}
    final = grid.only(["b"], seeds=(0, 1), borrowed=borrowed)
    lines = ["theirs: 1 runs in the record of section/tiny", "b: 1 of 2 runs recorded"]
    assert final.status().split("\n") == lines
    final.run()
    assert len(runs(grid)) == 3
    assert final.records()["b"] == study({"b": arms["b"]}).records()["b"] != []
    assert final._fingerprints["b"] is grid._fingerprints["b"]
    relu["relu"] = False
    again = study(arms, seeds=(0,), build=lambda config: Net(config["lr"], **relu))
    assert "STALE" in again.only(["b"], seeds=(0, 1)).status()
    with pytest.raises(ValueError, match=r"arms: expected some of \['a', 'b'\], got \['c'\]"):
        grid.only(["c"], seeds=(0,))


def test_a_record_tells_all(study, capsys):
    s = study(holdout=50)
    s.run()
    out = capsys.readouterr().out
    assert "run 1 of 2: a, seed 0" in out
    assert "min left" in out
    assert "all recorded: arms 1, runs 2" in out
    record = runs(s)[0]
    assert (
        record["config"]
        == s.arms["a"]
        == dict(epochs=1, batch_size=100, resize=10, holdout=50, lr=0.1)
    )
    assert set(record["fingerprint"]) == {
        "network",
        "first weights",
        "training step",
        "prediction",
        "optimizer",
        "schedule",
        "configuration",
        "data",
        "rehearsal",
    }
    told = {"python", "torch", "torchvision", "cpu", "threads", "processes", "gpu"}
    assert set(record["provenance"]) == told
    assert record["parameters"] == 3 * 3 * 2 + 2 + 2 * 10 + 10
    assert {"epoch", "train_loss", "val_loss", "val_acc"} <= set(record["history"][0])
    assert 0 <= record["test"]["acc"] <= 1
    assert record["seconds"] >= 0


def test_the_test_set_is_read_once_at_the_end(study, monkeypatch):
    s, reads = fingerprinted(study(seeds=(0,), epochs=2)), []
    original = d2l.Trainer.evaluate
    monkeypatch.setattr(
        d2l.Trainer,
        "evaluate",
        lambda self, model, loader: (
            reads.append(len(self.history)) or original(self, model, loader)
        ),
    )
    s.run()
    assert reads == [2]
    assert "val_acc" not in runs(s)[0]["history"][0]


def test_resumes_run_by_run(study, monkeypatch, capsys):
    """Stopped in its third run: the first two are kept, and not made again."""
    s = study(arms={"a": {"lr": 0.1}, "b": {"lr": 0.2}})
    train, made = s.train, []

    def stopped(arm, seed):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append((arm, seed))
        return train(arm, seed)

    s.train = stopped
    with pytest.raises(KeyboardInterrupt):
        s.run()
    assert [(run["arm"], run["seed"]) for run in runs(s)] == [("a", 0), ("b", 0)]
    s.train = lambda arm, seed: made.append((arm, seed)) or train(arm, seed)
    s.run()
    assert made == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    capsys.readouterr()
    s.run()
    assert len(made) == 4
    assert capsys.readouterr().out == "all recorded: arms 2, runs 4\n"


def test_a_killed_run_goes_on_after_its_last_epoch(study, monkeypatch):
    whole = study(seeds=(0,), epochs=3)
    _, expected = train_run(whole.recipe, whole.arms["a"], 0)
    fit_epoch = d2l.Trainer.fit_epoch
    made = []

    def killed(self):
        made.append(self.epoch)
        if made == [0, 1]:
            raise SystemExit
        fit_epoch(self)
        self.history[-1]["seconds"] = 20.0

    s = fingerprinted(study(seeds=(0,), epochs=3))
    monkeypatch.setattr(d2l.Trainer, "fit_epoch", killed)
    with pytest.raises(SystemExit):
        s.run()
    assert len(list(s.store.path.parent.glob("*.checkpoint"))) == 1
    s.run()
    assert made == [0, 1, 1, 2]
    (record,) = runs(s)
    assert [row["train_loss"] for row in record["history"]] == [
        row["train_loss"] for row in expected["history"]
    ]
    assert record["test"] == expected["test"]
    assert 60 <= record["seconds"] < 70
    assert {path.suffix for path in s.store.path.parent.iterdir()} == {".json", ".lock"}


def test_precision_is_part_of_the_configuration(study, monkeypatch):
    seen = []
    fit = d2l.Trainer.fit

    def look(self, model, data):
        seen.append(self.precision)
        fit(self, model, data)

    arms = {"a": {"lr": 0.1}, "b": {"lr": 0.1, "precision": "bfloat16"}}
    s = fingerprinted(study(arms, seeds=(0,)))
    monkeypatch.setattr(d2l.Trainer, "fit", look)
    s.run()
    assert seen == ["float32", "bfloat16"]


def test_an_interrupted_run_is_not_recorded(study, monkeypatch):
    def interrupted(self, model, data):
        self.interrupted = True

    monkeypatch.setattr(d2l.Trainer, "fit", interrupted)
    s = study()
    with pytest.raises(KeyboardInterrupt):
        s.run()
    assert not s.store.path.exists()


def test_a_diverged_run_is_a_result(study):
    s = study(arms={"a": {"lr": 1e30}}, seeds=(0,), epochs=3)
    s.run()
    (record,) = runs(s)
    assert "the loss is" in record["diverged"]
    assert record["history"] == []
    assert record["test"]["acc"] < 0.5
    assert s.status() == "a: 1 of 1 runs recorded"
    assert "diverged" in str(s.table())


def test_a_crash_while_writing_keeps_the_old_record(study, monkeypatch):
    s = study(seeds=(0,))
    s.run()
    before = s.store.path.read_text()

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full_disk)
    with pytest.raises(OSError, match="No space left"):
        s.store.add(runs(s)[0] | {"seed": 1})
    assert s.store.path.read_text() == before


@pytest.mark.parametrize("holdout", [0, 50])
def test_a_trial_never_reads_the_test_images(study, monkeypatch, capsys, holdout):
    """It prints the accuracy on held-out images, and is not recorded."""
    monkeypatch.setenv("D2L_EPOCHS", "1")
    monkeypatch.setattr(run, "HELD_OUT", 40)
    monkeypatch.setattr(d2l.FashionMNIST, "test_dataloader", None)
    s = study(seeds=(0,), epochs=50, holdout=holdout)
    s.run()
    assert "trial of a, seed 0, 1 epochs: held-out accuracy 0." in capsys.readouterr().out
    assert not s.store.path.exists()


def test_a_trial_that_diverges(study, monkeypatch, capsys):
    monkeypatch.setenv("D2L_EPOCHS", "3")
    study(arms={"a": {"lr": 1e30}}, seeds=(0,), holdout=50).run()
    assert "trial of a, seed 0, 3 epochs: diverged\n" in capsys.readouterr().out


def test_same_seed_same_numbers(study):
    s = study()
    a, b, c = s.train("a", 0), s.train("a", 0), s.train("a", 1)
    assert a["history"][0]["train_loss"] == b["history"][0]["train_loss"]
    assert a["history"][0]["train_loss"] != c["history"][0]["train_loss"]


def test_arms_share_the_order_of_the_data(study, monkeypatch):
    """However many random numbers an arm's initialisation draws."""
    orders = []
    fit = d2l.Trainer.fit

    def look(self, model, data):
        orders.append([y.tolist() for _, y in data.train_dataloader()])
        fit(self, model, data)

    s = study(
        arms={"a": {"lr": 0.1, "channels": 2}, "b": {"lr": 0.1, "channels": 5}},
        build=lambda config: Net(config["lr"], config["channels"]),
        seeds=(0,),
    )
    fingerprinted(s)
    monkeypatch.setattr(d2l.Trainer, "fit", look)
    s.run()
    assert orders[0] == orders[1]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"epochs": 2}, "configuration"),
        ({"arms": {"a": {"lr": 0.3}}}, "configuration"),
        ({"build": lambda config: Net(config["lr"], channels=3)}, "network"),
        ({"build": lambda config: Net(config["lr"], stride=2)}, "network"),
        ({"build": lambda config: Net(config["lr"], relu=False)}, "network"),
        ({"build": lambda config: Net(config["lr"] / 2)}, "rehearsal"),
    ],
)
def test_what_changes_the_numbers_makes_a_record_stale(study, change, told):
    study().run()
    s = study(**change)
    assert s.status() == (
        "a: 0 of 2 runs recorded"
        f"; seed 0 is STALE: its {told} changed; seed 1 is STALE: its {told} changed"
    )
    assert s.records() == {"a": []}
    assert "not recorded" in str(s.table())


def test_other_data_make_a_record_stale(study, monkeypatch):
    study().run()
    monkeypatch.setitem(data_sources.FULL_FILES, "t10k-labels-idx1-ubyte", ((10_000,), "0" * 32))
    assert "its data changed" in study().status()


def test_a_stale_record_is_replaced(study):
    study(seeds=(0,)).run()
    s = study(seeds=(0,), epochs=2)
    s.run()
    assert [len(run["history"]) for run in runs(s)] == [2]
    assert s.status() == "a: 1 of 1 runs recorded"


def test_a_refactoring_leaves_records_current(study):
    class Renamed(d2l.Classifier):
        """The same network in other words."""

        def __init__(self, lr):
            super().__init__()
            self.lr, self.stem, self.head = lr, nn.Conv2d(1, 2, 3), nn.Linear(2, 10)

        def forward(self, images):
            features = torch.relu(self.stem(images))
            pooled = nn.functional.adaptive_avg_pool2d(features, 1)
            return self.head(pooled.flatten(1))

    study().run()
    assert study(build=lambda config: Renamed(config["lr"])).status() == "a: 2 of 2 runs recorded"


def test_fingerprint_does_not_disturb_the_random_numbers(study):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    study().fingerprint("a")
    assert torch.rand(1) == expected


def test_operations_of_googlenet():
    lines = network_operations(d2l.GoogleNet(width=0.1), (1, 1, 28, 28))
    assert sum("aten.convolution" in line for line in lines) == 57
    assert sum("aten.max_pool2d" in line for line in lines) == 13
    assert lines == network_operations(d2l.GoogleNet(width=0.1), (1, 1, 28, 28))


def test_table_and_plot(study):
    arms = {"small rate": {"lr": 0.01}, "large rate": {"lr": 0.5}}
    s = study(arms=arms, holdout=50, epochs=2, seeds=(0, 1, 2))
    s.run()
    header, *rows, minutes = str(s.table()).splitlines()
    assert header.split() == ["arm", "parameters", "seeds", "epochs", "test", "accuracy"]
    assert minutes == "a run took 0 minutes by its median epoch"
    assert [row.split()[:3] for row in rows] == [["small", "rate", "50"], ["large", "rate", "50"]]
    assert all("±" in row for row in rows)
    figure = s.plot("train_loss", "val_acc")
    assert [len(ax.lines) for ax in figure.axes] == [2, 2]
    drawn = figure.axes[1].lines[0].get_ydata()
    recorded = [[row["val_acc"] for row in run["history"]] for run in s.records()["small rate"]]
    assert drawn == pytest.approx([sum(pair) / 3 for pair in zip(*recorded, strict=True)])


def test_a_full_run_wants_the_full_data(study, monkeypatch):
    real = recipes.FashionMNIST

    def sample(*args, **kwargs):
        data = real(*args, **kwargs)
        data.source = "sample"
        return data

    monkeypatch.setattr(recipes, "FashionMNIST", sample)
    with pytest.raises(RuntimeError, match="run `make data` first"):
        study().run()


def test_the_configuration_must_be_whole():
    with pytest.raises(ValueError, match=r"common must set \['batch_size', 'resize'\]"):
        d2l.Study("x", Net, {"a": {}}, {"epochs": 1})


def test_a_record_holds_what_else_was_measured(study):
    tiny = study(seeds=(0,))
    tiny.measure = lambda model, data: {"training": model.training, "images": len(data.test)}
    tiny.run()
    assert runs(tiny)[0]["measured"] == {"training": False, "images": 200}
    unmeasured = study(seeds=(1,))
    unmeasured.run()
    assert "measured" not in runs(unmeasured)[1]


def test_weights_of_the_first_seed_are_kept_until_they_are_stale(study):
    tiny = study({"a": {"lr": 0.1}, "b": {"lr": 0.2}})
    tiny.keep = "a"
    assert tiny.trained() is None
    tiny.run()
    tiny.store.add(tiny.train("a", seed=0))  # the same run again
    net = tiny.trained()
    assert not net.training
    data = recipes.FashionMNIST(100, 10)
    accuracy = d2l.Trainer(1, progress=False).evaluate(net, data.test_dataloader())["val_acc"]
    assert round(accuracy, 6) == runs(tiny)[-1]["test"]["acc"]
    longer = study(epochs=2)
    longer.keep = "a"
    assert longer.trained() is None


def test_arms_of_the_protocol_share_recipe_and_initialisation():
    arms = {"a": {"lr": 0.3}}
    study = d2l.ProtocolStudy("section/net", lambda config: d2l.ProtocolNet(config["lr"]), arms)
    assert study.arms["a"] == {**d2l.PROTOCOL, "lr": 0.3}
    net = study.recipe.model(study.arms["a"])
    first, optimizer = net.net[0][0], net.configure_optimizers()
    assert float(first.weight.detach().std()) == pytest.approx((2 / 9) ** 0.5, rel=0.1)
    assert not first.bias.any()
    assert (optimizer.defaults["lr"], optimizer.defaults["momentum"]) == (0.3, 0.9)
    assert d2l.count_parameters(net) == 376_838


def test_what_is_measured_needs_a_measure(study):
    with pytest.raises(ValueError, match=r"nobody reads 'measured' of \['a'\]"):
        study({"a": {"lr": 0.1, "measured": "calibration"}})


def test_a_study_without_arms_shows_nothing(capsys):
    empty = d2l.Study("section/none", lambda config: Net(), {}, {})
    empty.run()
    assert capsys.readouterr().out.strip() == ""
    assert str(empty.table()).split()[0] == "arm"
    assert len(empty.plot("val_acc").axes) == 1


def test_batch_norm_of_a_single_pixel_has_a_fingerprint(study):
    def build(config):
        net = Net(config["lr"])
        net.net.insert(3, nn.LazyBatchNorm2d())
        return net

    assert study(build=build).fingerprint("a")["network"] != study().fingerprint("a")["network"]


def test_arms_of_another_study_are_read_and_not_trained(study, capsys):
    lender = study(arms={"theirs": {"lr": 0.3}}, seeds=(0,))
    lender.run()
    lent = {"lent": ("section/tiny", "theirs", {"lr": 0.3})}
    borrower = study(arms={"own": {"lr": 0.2}}, seeds=(0,), borrowed=lent)
    capsys.readouterr()
    borrower.run()
    assert "run 1 of 1: own" in (printed := capsys.readouterr().out)
    assert "all recorded: arms 2, runs 2" in printed
    assert list(borrower.records()) == ["lent", "own"]
    assert borrower.records()["lent"] == lender.records()["theirs"]
    assert str(borrower.table()).splitlines()[1].startswith("lent")
    assert [run["arm"] for run in runs(borrower)] == ["theirs", "own"]


def test_a_borrowed_arm_has_a_name_of_its_own(study):
    with pytest.raises(ValueError, match=r"borrowed: \['a'\] are arms of this study already"):
        study(borrowed={"a": ("section/other", "a", {"lr": 0.1})})


def test_borrowed_runs_that_were_trained_otherwise_are_stale(study):
    study(arms={"theirs": {"lr": 0.3}}, seeds=(0,)).run()
    lent = {"lent": ("section/tiny", "theirs", {"lr": 0.3, "schedule": "cosine"})}
    borrower = study(arms={"own": {"lr": 0.2}}, seeds=(0,), borrowed=lent)
    assert borrower.records() == {"lent": [], "own": []}
    told, _ = borrower.status().splitlines()
    assert told == (
        "lent: 0 runs in the record of section/tiny; seed 0 is STALE: its schedule changed"
    )


def test_the_choice_is_made_on_held_out_images_of_the_first_seed(study, capsys):
    tiny = study(arms={arm: {"lr": 0.1} for arm in "abcd"})
    held_out = {"a": [0.5, 0.9], "b": [0.7, 0.1], "c": [0.6], "d": []}
    tiny.records = lambda: {
        arm: [{"config": {}, "history": [{"val_acc": 1.0}, {"val_acc": v}]} for v in values]
        for arm, values in held_out.items()
    }
    assert tiny.choose("ab", "cd", "d") == ["b", "c"]
    out = capsys.readouterr().out
    assert out.splitlines()[0].split("  ")[0] == "arm"
    assert [line.split() for line in out.splitlines()[1:]] == [
        ["a", "50.00"],
        ["b", "70.00", "chosen"],
        ["c", "60.00", "chosen"],
    ]
    assert "edge" not in out


@pytest.mark.parametrize(
    ("held_out", "remark"),
    [
        ([0.9, 0.8, 0.7], "a  90.00  chosen, at an edge: no lower rate was tried"),
        ([0.7, 0.9, 0.8], "b  90.00  chosen"),
        ([0.7, 0.8, 0.9], "c  90.00  chosen, at an edge: no higher rate was tried"),
        ([0.9], "a  90.00  chosen"),
    ],
)
def test_a_choice_at_the_edge_of_the_rates_says_so(study, capsys, held_out, remark):
    tiny = study()
    tiny.records = lambda: {
        arm: [{"config": {"lr": lr}, "history": [{"val_acc": value}]}]
        for arm, lr, value in zip("abc", (0.01, 0.1, 1.0), held_out, strict=False)
    }
    assert tiny.choose(tiny.records()) == [remark[0]]
    chosen = [line for line in capsys.readouterr().out.splitlines() if "chosen" in line]
    assert [" ".join(line.split()) for line in chosen] == [" ".join(remark.split())]


def test_a_run_tells_which_images_were_right(study):
    tiny = study(seeds=(0,))
    tiny.run()
    (run,) = runs(tiny)
    right = images_right(run)
    model, again = train_run(tiny.recipe, tiny.arms["a"], 0)
    data = tiny.recipe.data(tiny.arms["a"], 0)
    model.eval()
    with torch.no_grad():
        hits = [model(X).argmax(1) == y for X, y in data.test_dataloader()]
    hits = torch.cat(hits)
    assert torch.equal(torch.from_numpy(right)[: len(hits)], hits)
    assert run["right"] == again["right"]
    assert abs(hits.float().mean().item() - run["test"]["acc"]) < 1e-6


@pytest.mark.parametrize(("arms", "height"), [(2, 3.0), (5, 3.75)])
def test_a_plot_of_many_arms_has_its_legend_outside(study, arms, height):
    tiny = study({f"arm {i}": {"lr": 0.1} for i in range(arms)}, seeds=(0,))
    tiny.run()
    figure = tiny.plot("train_loss")
    assert figure.get_figheight() == height
    assert len(figure.legends) == (arms > 4)


def test_no_two_arms_of_a_plot_look_alike():
    runs = [{"history": [{"train_loss": 2.0}, {"train_loss": 1.0}]}]
    figure = arms_plot.plot({f"arm {i}": runs for i in range(20)}, "train_loss")
    looks = [(line.get_color(), line.get_linestyle()) for line in figure.axes[0].lines]
    assert len(set(looks)) == 20
