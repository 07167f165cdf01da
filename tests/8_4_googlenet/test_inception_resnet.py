"""Exercise 1.4's Inception-ResNet-v2 against timm's, and the drawing of a residual block."""

from pathlib import Path

import nbformat
import pytest
import torch
from torch import nn

import d2l_utils as d2l

NOTEBOOK = Path(__file__).parents[2] / "notebooks/8_4_googlenet/1_4_inception_resnet.ipynb"


@pytest.fixture(scope="module")
def solution():
    """What the notebook's tables and solution cells define; its checks are left out."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    names = {"torch": torch, "nn": nn, "d2l": d2l}
    for cell in notebook.cells:
        solved = "solution" in cell.metadata.get("tags", []) and cell.cell_type == "code"
        if (solved and not cell.source.startswith("d2l.")) or cell.id == "tables":
            exec(cell.source, names)
    return names


@torch.no_grad()
def lively(net):
    """Batch norms as after training: statistics of images, and scales and shifts not 1 and 0."""
    torch.manual_seed(0)
    norms = [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.normal_(norm.bias, std=0.1)
        norm.momentum = 1.0
    net.train()(torch.randn(4, 3, 139, 139))
    return net.eval()


@torch.no_grad()
def test_the_whole_network_is_timms(solution):
    timm = pytest.importorskip("timm")
    theirs = lively(timm.create_model("inception_resnet_v2"))
    with torch.device("meta"):
        ours = solution["inception_resnet_v2"]().eval()
        ours(torch.zeros(1, 3, 299, 299))
    weights = theirs.state_dict()
    assert [tuple(t.shape) for t in ours.state_dict().values()] == [
        tuple(t.shape) for t in weights.values()
    ]
    ours.load_state_dict(dict(zip(ours.state_dict(), weights.values(), strict=True)), assign=True)
    for layer in ours.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eps = 0.001  # timm's
    assert d2l.count_parameters(ours) == d2l.count_parameters(theirs) == 55_843_464
    for images, size in ((1, 299), (2, 139), (2, 160)):  # an even size shows `ceil_mode`
        X = torch.randn(images, 3, size, size)
        logits = ours(X)
        assert (logits - theirs(X)).abs().max() <= 1e-4
        assert logits.isfinite().all()
        assert logits.std() > 0.1  # of numbers worth comparing
    assert (logits[0] - logits[1]).abs().max() > 1e-2  # and they depend on the image


def test_every_scale_and_the_last_relu_matter(solution):
    blocks = [b for b in solution["inception_resnet_v2"]().modules() if hasattr(b, "scale")]
    assert [b.scale for b in blocks] == [0.17] * 10 + [0.1] * 20 + [0.2] * 9 + [1.0]
    assert [isinstance(b.relu, nn.ReLU) for b in blocks] == [True] * 39 + [False]


def test_a_residual_block_is_drawn_with_its_shortcut(solution):
    drawn = d2l.diagram(solution["ResidualInception"](8, 3, (2, 4), (2, 5), 6, 0.3), (1, 8, 9, 9))
    assert "9  1×1 conv, 8 <- 8" in drawn.source
    assert "10  × 0.3, add the input + ReLU <- 9, 0" in drawn.source
