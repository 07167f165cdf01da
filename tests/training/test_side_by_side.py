"""Networks trained side by side: each as if it were alone, one plot for all."""

import math

import pytest
import torch

import d2l_utils as d2l


@pytest.fixture
def batches():
    data = d2l.FashionMNIST(32, source="sample", seed=0)
    return [batch for _, batch in zip(range(6), data.train_dataloader(), strict=False)]


def lenet(lr, batches):
    torch.manual_seed(0)
    net = d2l.LeNet(lr=lr)
    net.apply_init([batches[0][0]], d2l.init_cnn)
    return net


def test_each_trains_as_if_alone(batches):
    net, optimizer = (net := lenet(0.1, batches)), net.configure_optimizers()
    alone = []
    for X, y in batches:
        loss = net.loss(net(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        alone.append(loss.item())
    board = d2l.ProgressBoard()
    nets = {"one": lenet(0.1, batches), "other": lenet(0.5, batches)}
    losses = d2l.train_side_by_side(nets, batches, every=3, board=board)
    assert losses["one"] == pytest.approx(alone, abs=1e-5)
    assert losses["other"][1] != pytest.approx(alone[1], abs=1e-3)
    assert [point.x for point in board.data["one"]] == [2, 5]
    assert board.data["one"][0].y == pytest.approx(sum(alone[:3]) / 3, abs=1e-5)
    assert list(board.data) == ["one", "other"]


def test_one_that_diverges_stops_and_the_others_go_on(batches):
    nets = {"sound": lenet(0.1, batches), "wild": lenet(1e38, batches)}
    losses = d2l.train_side_by_side(nets, batches)
    assert len(losses["sound"]) == 6
    assert len(losses["wild"]) < 6
    assert not math.isfinite(losses["wild"][-1])
    assert all(map(math.isfinite, losses["wild"][:-1]))


def test_another_curve_is_drawn_and_the_loss_still_trained(batches):
    seen, nets = [], {"one": lenet(0.1, batches)}

    def confidence(Y_hat, y):
        assert not Y_hat.requires_grad
        seen.append(Y_hat.softmax(1).amax(1).mean())
        return seen[-1]

    board = d2l.ProgressBoard()
    shown = d2l.train_side_by_side(nets, batches, every=2, board=board, curve=confidence)
    assert shown["one"] == pytest.approx([float(value) for value in seen])
    assert board.data["one"][0].y == pytest.approx(sum(shown["one"][:2]) / 2)
    other = {"one": lenet(0.1, batches)}
    d2l.train_side_by_side(other, batches)
    for a, b in zip(nets["one"].parameters(), other["one"].parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_loss_that_diverges_stops_whatever_curve_is_drawn(batches):
    nets = {"wild": lenet(1e38, batches)}
    shown = d2l.train_side_by_side(nets, batches, curve=lambda Y_hat, y: torch.ones(()))
    assert len(shown["wild"]) < 6
