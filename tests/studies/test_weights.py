"""Weights on disk: they come back as they were, or the error names the file."""

import pytest
import torch
from torch import nn

import d2l_utils as d2l


@pytest.fixture
def file(tmp_path):
    return tmp_path / "new folder" / "net.safetensors"


def net(channels=2):
    return nn.Sequential(nn.Conv2d(1, channels, 3), nn.BatchNorm2d(channels))


def test_there_and_back(file):
    saved = net().to(memory_format=torch.channels_last)
    saved(torch.rand(4, 1, 5, 5))
    d2l.save_weights(saved, file, {"arm": "a"})
    loaded = net()
    assert d2l.load_weights(loaded, file)
    assert not loaded.training
    for name, tensor in loaded.state_dict().items():
        assert torch.equal(tensor, saved.state_dict()[name])
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_lazy_network_takes_its_shapes(file):
    saved, lazy = net(), nn.Sequential(nn.LazyConv2d(2, 3), nn.LazyBatchNorm2d())
    d2l.save_weights(saved, file)
    assert d2l.load_weights(lazy, file)
    assert torch.equal(lazy[0].weight, saved[0].weight)


def test_no_file_or_another_one(file):
    assert not d2l.load_weights(net(), file)
    d2l.save_weights(net(), file, {"arm": "a"})
    assert not d2l.load_weights(net(), file, {"arm": "b"})
    assert d2l.load_weights(net(), file, {"arm": "a"})


def test_a_damaged_file_is_named(file):
    d2l.save_weights(net(), file)
    whole = file.read_bytes()
    for content in (whole[:-4], b"", b"no weights", whole[:4] + b"\xff" + whole[5:]):
        file.write_bytes(content)
        with pytest.raises(ValueError, match=r"weights in net\.safetensors can't be .* cut short"):
            d2l.load_weights(net(), file)
    file.unlink()
    file.mkdir()
    with pytest.raises(ValueError, match=r"net\.safetensors can't be .*: it is no regular file"):
        d2l.load_weights(net(), file)


def test_a_flipped_bit_is_noticed(file):
    d2l.save_weights(net(), file)
    whole = file.read_bytes()
    begin = 8 + int.from_bytes(whole[:8], "little")  # of the numbers, behind the header
    for place in range(8 * begin, 8 * len(whole), 37):
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match="it is damaged, its digest does not fit"):
            d2l.load_weights(net(), file)


def test_another_network_is_named(file):
    d2l.save_weights(net(), file)
    other, linear = net(3), nn.Linear(2, 2)
    before = [tensor.clone() for tensor in other.state_dict().values()]
    told = r"into Sequential: its tensor 0.weight has the shape \(2, 1, 3, 3\), in the model \(3, 1"
    with pytest.raises(ValueError, match=told):
        d2l.load_weights(other, file)
    assert all(map(torch.equal, before, other.state_dict().values()))
    with pytest.raises(ValueError, match=r"can't be loaded into Linear: it has no tensor weight"):
        d2l.load_weights(linear, file)
    with pytest.raises(ValueError, match=r"its tensor 1.bias is not in the model"):
        d2l.load_weights(net()[:1], file)


def test_a_failed_write_leaves_the_old_file(file, monkeypatch):
    d2l.save_weights(net(), file)
    before = file.read_bytes()

    def full_disk(tensors, path, metadata):
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full_disk)
    with pytest.raises(OSError, match="No space left"):
        d2l.save_weights(net(), file)
    assert file.read_bytes() == before
