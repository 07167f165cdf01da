"""Exercise 1.4d: Inception-ResNet-v2 in several styles, wrong ones, and its facts against timm's.

``python tests/8_4_googlenet/test_check_inception_resnet_v2.py`` writes the facts anew.
"""

import importlib
import json
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import d2l_utils as d2l
from d2l_utils.checks import run
from d2l_utils.checks.whole_network import Network, Reference

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks/8_4_googlenet/1_4_inception_resnet.ipynb"
facts = importlib.import_module("d2l_utils.checks.8_4_googlenet.inception_resnet_v2")

# -- timm's ----------------------------------------------------------------------------------------


def residual_blocks(net):
    return [*net.repeat, *net.repeat_1, *net.repeat_2, net.block8]


def relu_last(net):
    net.block8.relu = nn.ReLU()


def last_scaled(net):
    net.block8.scale = 0.2


def last_as_others(net):
    relu_last(net), last_scaled(net)


def no_relu_in_c(net):
    for block in net.repeat_2:
        block.relu = None


def no_scale(net):
    for block in residual_blocks(net):
        block.scale = 1.0


def relu_on_residual(net):
    for block in residual_blocks(net):
        block.conv2d = nn.Sequential(block.conv2d, nn.ReLU())


def padding_counted(net):
    net.mixed_5b.branch3[0].count_include_pad = True


EDITS = {
    edit.__name__.replace("_", "-"): edit
    for edit in (
        relu_last,
        last_scaled,
        last_as_others,
        no_relu_in_c,
        no_scale,
        relu_on_residual,
        padding_counted,
    )
}


def timms(edit=lambda net: None, num_classes=1000):
    import timm

    net = timm.create_model("inception_resnet_v2", num_classes=num_classes)
    edit(net)
    return net


def made_anew():
    """The facts as text."""
    told = json.loads(Reference.of("timm's inception_resnet_v2", timms).to_json())
    mistakes = {}
    for name, edit in EDITS.items():
        logits = Network(lambda edit=edit: timms(edit)).logits()[:, : facts.LOOK]
        mistakes[name] = [[float(f"{value:.7g}") for value in row] for row in logits.tolist()]
    return json.dumps(told | {"mistakes": mistakes})


def test_the_facts_are_timms():
    pytest.importorskip("timm")
    kept, anew = json.loads(facts.FACTS.read_text()), json.loads(made_anew())
    for name in ("name", "parameters", "weights"):
        assert kept[name] == anew[name]
    assert kept["parameters"] == 55_843_464
    assert kept["mistakes"].keys() == anew["mistakes"].keys() == facts.MISTAKES.keys()
    right = torch.tensor(anew["logits"])
    assert close(torch.tensor(kept["logits"]), right)
    for name, logits in anew["mistakes"].items():
        logits = torch.tensor(logits)
        assert close(torch.tensor(kept["mistakes"][name]), logits), name
        assert not close(logits, right[:, : facts.LOOK], 0.01), name  # ten times the tolerance


def close(own, right, tolerance=1e-4):
    return (own - right).abs().max() <= tolerance * right.abs().max()


def test_the_package_brings_the_facts():
    assert '"*" = ["*.json"]' in (ROOT / "pyproject.toml").read_text()


# -- attempts --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page():
    """What the notebook's tables and its solution define."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    names = {"torch": torch, "nn": nn, "d2l": d2l}
    for cell in notebook.cells:
        solved = "solution" in cell.metadata.get("tags", []) and cell.cell_type == "code"
        if (solved and "d2l.check" not in cell.source) or cell.id == "tables":
            exec(cell.source, names)
    return SimpleNamespace(**names)


class Conv(nn.Module):
    """Nothing lazy, functional ReLU, a batch norm with TensorFlow's ε."""

    def __init__(self, inputs, channels, kernel, stride=1, padding=0):
        super().__init__()
        self.conv = nn.Conv2d(inputs, channels, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=1e-3)

    def forward(self, X):
        return F.relu(self.bn(self.conv(X)), inplace=True)


class Eager(nn.Module):
    """By another hand: channels counted while it is built, its modules in no order at all.

    ``edit`` names a mistake: ``self.has(…)`` says whether it is to be made.
    """

    def __init__(self, page, mistakes=(), num_classes=1000):
        super().__init__()
        self.mistakes = mistakes
        self.head = nn.Linear(1536, num_classes)
        self.last = self.steps([(1536, 1)], 2080)[0]
        self.stages, self.scales = nn.ModuleList(), []
        stem, width = self.steps(page.STEM, 3)
        self.stem = stem
        for first, out, number, kind, scale in page.STAGES:
            if self.has("missing branch") and out == 1088:
                first = first[:2]
            if self.has("turned") and out == 1088:
                kind = [kind[0], [(128, 1), (160, (7, 1)), (192, (1, 7))]]
            begin = self.side_by_side(first, width)
            width = begin.width if self.has("missing branch") else out
            if out == 2080:
                number += 0 if self.has("nine C") else 1
            for _ in range(number):
                body = self.side_by_side(kind, width)
                bias = not self.has("no closing bias")
                body.closing = nn.Conv2d(body.width, width, 1, bias=bias)
                if self.has("closing norm"):
                    body.closing = nn.Sequential(body.closing, nn.BatchNorm2d(width))
                self.scales.append(scale)
                begin.append(body)
            self.stages.append(begin)
        if not self.has("nine C"):
            self.scales[-1] = 1.0
        for of, value in (("scale 0.15", 0.15), ("no scale", 1.0)):
            if self.has(of):
                self.scales = [value] * len(self.scales)
        if self.has("last scaled"):
            self.scales[-1] = 0.2

    def has(self, mistake):
        return mistake in self.mistakes

    def steps(self, steps, width):
        layers = nn.Sequential()
        for step in steps:
            if step == "max":
                layers.append(nn.MaxPool2d(3, 2, padding=int(self.has("padded pool"))))
            elif step == "average":
                counted = self.has("padding counted")
                layers.append(nn.AvgPool2d(3, 1, 1, count_include_pad=counted))
            else:
                channels, kernel, *stride = step
                sides = kernel if isinstance(kernel, tuple) else (kernel,) * 2
                padding = 0 if stride else tuple(k // 2 for k in sides)
                layers.append(Conv(width, channels, kernel, *(stride or [1]), padding))
                width = channels
        return layers, width

    def side_by_side(self, branches, width):
        made = [self.steps(branch, width) for branch in branches]
        side = nn.ModuleList([nn.ModuleList([layers for layers, _ in made])])
        side.width = sum(out for _, out in made)
        return side

    def joined(self, branches, X):
        outputs = [branch(X) for branch in branches]
        return torch.cat(outputs[::-1] if self.has("reversed") else outputs, 1)

    def forward(self, X):
        X, scales = self.stem(X), list(self.scales)
        for first, *blocks in self.stages:
            X = self.joined(first, X)
            for block in blocks:
                R = block.closing(self.joined(block[0], X))
                R = F.relu(R) if self.has("relu on residual") else R
                scale = scales.pop(0)
                X = scale * (X + R) if self.has("sum scaled") else X + scale * R
                if scales or self.has("relu last"):
                    X = F.relu(X)
        return self.head(self.last(X).mean((2, 3)))


def test_the_workbooks_passes(page):
    report = run("8.4/1.4d", page.inception_resnet_v2)
    assert report.passed, report.text


def eager(page, *mistakes):
    return lambda num_classes=1000: Eager(page, mistakes, num_classes)


def test_another_hands_passes_in_time(page):
    began = time.process_time()
    report = run("8.4/1.4d", eager(page))
    assert report.passed, report.text
    assert time.process_time() - began < 4  # twice its budget: the machine may be busy


def test_timms_own_passes():
    pytest.importorskip("timm")
    assert run("8.4/1.4d", timms).passed


@pytest.mark.parametrize(
    ("mistakes", "found", "nudge"),
    [
        (("relu last",), "a ReLU after the last sum", "has scale 1, and no ReLU"),
        (("last scaled",), "whose last block has the scale 0.2", "has scale 1"),
        (("last scaled", "relu last"), "as the nine before it", "has scale 1, and no ReLU"),
        (("no scale",), "with all scales 1", "Multiply each residual by the scale"),
        (("relu on residual",), "a ReLU on each residual", "is linear"),
        (("padding counted",), "counts the zeros of its padding", "count_include_pad=False"),
        (("scale 0.15",), "other logits", "the scales of A, B, C and of the last block"),
        (("sum scaled",), "other logits", "the scales of A, B, C"),
        (("reversed",), "other logits", "the order in which branches are joined"),
        (("turned",), "a 1×7 convolution from 128 to 160", "1 high and 7 wide"),
        (("nine C",), "convolution from", "the last block is a C more"),
        (("no closing bias",), "55,797,704 parameters", "has a bias and no normalization"),
        (("closing norm",), "55,934,984 parameters", "has a bias and no normalization"),
        (("missing branch",), "2080 channels, but got 1760", "Is every branch of the tables there"),
        (("padded pool",), "Expected size 17 but got size 18", 'Steps with a stride and "max"'),
    ],
)
def test_wrong_ones_are_told_what_is_wrong(page, mistakes, found, nudge):
    report = run("8.4/1.4d", eager(page, *mistakes))
    assert not report.passed
    assert found in report.problem.found, report.text
    assert nudge in report.problem.nudge, report.text


def test_a_sum_that_does_not_fit_is_explained(page):
    def one_branch_too_few(num_classes=1000):
        net = page.inception_resnet_v2(num_classes)
        del net.B[0].branches[2]
        return net

    report = run("8.4/1.4d", one_branch_too_few)
    assert "Is every branch of the tables there" in report.problem.nudge, report.text


def test_the_number_of_classes_is_an_argument(page):
    report = run("8.4/1.4d", lambda num_classes=1000: Eager(page))
    assert report.failed == 0
    assert report.problem.found == "shape (N, 1000) with num_classes=7"
    report = run("8.4/1.4d", lambda: Eager(page))
    assert "`num_classes=1000` in the line with `def`" in report.problem.nudge


def test_a_fixed_pool_is_no_known_mistake(page):
    def fixed(num_classes=1000):
        net = page.inception_resnet_v2(num_classes)
        net.head[0] = nn.AvgPool2d(8)
        return net

    assert run("8.4/1.4d", fixed).problem.code == "fixed-pool"


@pytest.mark.parametrize(
    ("findings", "words"),
    [
        ((0.3, "no shortcut", 3.01), "With a smaller scale it grows less"),
        (("scale 1", "no shortcut", 3.01), "With a smaller scale it grows less"),
        ((0.1, "scale 1", 3.01), "And without one?"),
        ((0.1, "both", 3.01), "Pick one of the choices"),
        ((0.1, "no shortcut", 0.55), "with 9 blocks"),
        ((0.1, "no shortcut", -3.01), "comes out ahead"),
        ((0.1, "no shortcut", 2.975), "not it to two decimals"),
        ((0.1, "no shortcut", 3), "not it to two decimals"),
        ((0.1, "no shortcut", 3.04), "Two rows of the table"),
        ((0.1, "no shortcut", 3.19), "one seed"),
        ((0.1, "no shortcut", 3.71), "held-out images"),
        ((0.1, "no shortcut", 4), "Two rows of the table"),
        (0.1, "in this order"),
    ],
)
def test_wrong_findings(findings, words):
    assert words in run("8.4/1.4e", findings).problem.nudge


@pytest.mark.parametrize("scale", [0.1, "0.1", "scale 0.1", "Scale 0.1"])
@pytest.mark.parametrize("points", [3.01, 3.015, 3.02])
def test_right_findings(scale, points):
    assert run("8.4/1.4e", (scale, "No shortcut", points)).passed


@pytest.mark.parametrize("points", [2.975, 2.98, 2.99, 3.0, 3.03])
def test_points_have_two_decimals(points):
    assert run("8.4/1.4e", (0.1, "no shortcut", points)).failed == 2


@pytest.mark.parametrize(
    ("findings", "failed", "found"),
    [
        ((0.1, None, None), 1, "nothing for `my_network`, `my_points`"),
        ((0.1, ..., 3.01), 1, "nothing for `my_network`"),
        ((None, "no shortcut", 3.01), 0, "nothing for `my_scale`"),
        ((0.3, None, None), 0, "0.3"),
    ],
)
def test_findings_are_judged_as_far_as_they_go(findings, failed, found):
    report = run("8.4/1.4e", findings)
    assert (report.failed, report.problem.found) == (failed, found)


def test_no_findings_yet():
    assert not run("8.4/1.4e", (None, None, None)).attempted
    assert not run("8.4/1.4e", None).attempted


if __name__ == "__main__":
    facts.FACTS.write_text(made_anew() + "\n")
