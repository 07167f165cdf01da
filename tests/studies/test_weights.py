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


def test_no_file_or_another_one(file):
    assert not d2l.load_weights(net(), file)
    d2l.save_weights(net(), file, {"arm": "a"})
    assert not d2l.load_weights(net(), file, {"arm": "b"})
    assert d2l.load_weights(net(), file, {"arm": "a"})


def test_a_damaged_file_is_named(file):
    d2l.save_weights(net(), file)
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(ValueError, match=r"weights in net\.safetensors can't be loaded"):
        d2l.load_weights(net(), file)


def test_another_network_is_named(file):
    d2l.save_weights(net(), file)
    with pytest.raises(ValueError, match=r"can't be loaded into Sequential: Error"):
        d2l.load_weights(net(3), file)
    with pytest.raises(ValueError, match=r"can't be loaded"):
        d2l.load_weights(nn.Linear(2, 2), file)


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
