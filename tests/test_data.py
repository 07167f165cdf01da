"""The book's data classes: batches, sizes, orders, labels; on the bundled sample."""

import pickle

import pytest
import torch
from torchvision import transforms

from d2l_utils.data import DataModule, FashionMNIST, ImageDataset, as_it_is


@pytest.fixture(scope="module")
def sample():
    return FashionMNIST(source="sample", holdout=1000)


# Resizing


@pytest.mark.parametrize("size", [28, 96, 14, 224, (40, 20), (96, 10)], ids=str)
def test_resize_is_that_of_torchvision(sample, size):
    size = (size, size) if isinstance(size, int) else size
    book = transforms.Compose([transforms.Resize(size), transforms.ToTensor()])
    images = sample.test.images[:100]
    expected = torch.stack([book(transforms.functional.to_pil_image(image)) for image in images])
    dataset = ImageDataset(images, sample.test.labels[:100], size)
    X, y = dataset.__getitems__(list(range(100)))
    assert X.shape == (100, 1, *size)
    assert (X - expected).abs().max() <= (0 if size == (28, 28) else 1 / 255 + 1e-6)
    assert torch.equal(dataset[3][0], X[3])
    assert torch.equal(y, dataset.labels)


@pytest.mark.parametrize(
    ("resize", "shape"), [(96, (1, 96, 96)), ((32, 48), (1, 32, 48)), ([28, 28], (1, 28, 28))]
)
def test_resize_takes_a_number_or_a_pair(resize, shape):
    assert FashionMNIST(source="sample", resize=resize).train[0][0].shape == shape


# The book's API


def test_the_books_defaults():
    data = FashionMNIST(source="sample")
    assert (data.batch_size, data.resize, data.num_workers) == (64, (28, 28), 0)
    assert (len(data.train), len(data.val)) == (6000, 1000)
    assert data.val is data.test
    X, y = data.train[0]
    assert (X.shape, X.dtype, type(y)) == ((1, 28, 28), torch.float32, int)
    assert X.max() <= 1 < 255 * X.max()


@pytest.mark.parametrize(("train", "count"), [(True, 5000), (False, 1000)])
def test_dataloader(sample, train, count):
    loader = sample.get_dataloader(train)
    batches = list(loader)
    assert len(loader) == len(batches) == -(-count // 64)
    X, y = batches[0]
    assert (X.shape, X.dtype) == ((64, 1, 28, 28), torch.float32)
    assert (y.shape, y.dtype) == ((64,), torch.int64)
    labels = torch.cat([y for _, y in batches])
    dataset = sample.train if train else sample.val
    assert torch.equal(labels, dataset.labels) == (not train)
    assert torch.equal(labels.bincount(), dataset.labels.bincount())
    named = sample.train_dataloader() if train else sample.val_dataloader()
    assert named.dataset is dataset


def test_images_and_labels_stay_together(sample):
    X, y = next(iter(sample.train_dataloader()))
    scaled = sample.train.images.float() / 255
    for image, label in zip(X[:5, 0], y[:5], strict=True):
        (row,) = (scaled == image).flatten(1).all(1).nonzero().flatten()
        assert sample.train.labels[row] == label


def test_text_labels_and_visualize(sample, monkeypatch):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = sample.text_labels(torch.tensor([0, 9]))
    assert names == ["t-shirt", "ankle boot"]
    assert len(set(sample.text_labels(range(10)))) == 10
    X, y = batch = next(iter(sample.val_dataloader()))
    assert sample.visualize(batch, nrows=2, ncols=3) is None
    titles = [axes.get_title() for axes in pyplot.gcf().axes]
    assert titles == sample.text_labels(y[:6])
    sample.visualize([X, y], labels=[str(i) for i in range(64)])
    assert [axes.get_title() for axes in pyplot.gcf().axes] == list("01234567")


def test_worker_processes_deliver_the_same(sample):
    data = FashionMNIST(500, source="sample", holdout=1000)
    data.num_workers = 1
    for got, expected in zip(data.val_dataloader(), sample.val.images.split(500), strict=True):
        assert torch.equal(got[0][:, 0], expected.float() / 255)
    assert pickle.loads(pickle.dumps(as_it_is)) is as_it_is


def test_tensorloader():
    class Numbers(DataModule):
        def __init__(self):
            super().__init__()
            self.batch_size = 4

        def get_dataloader(self, train):
            rows = slice(0, 6) if train else slice(6, None)
            return self.get_tensorloader((torch.arange(10), -torch.arange(10)), train, rows)

    data = Numbers()
    x, y = next(iter(data.val_dataloader()))
    assert x.tolist() == [6, 7, 8, 9]
    assert torch.equal(x, -y)
    assert sorted(torch.cat([x for x, _ in data.train_dataloader()]).tolist()) == list(range(6))
    everything = data.get_tensorloader([torch.arange(10)], train=False)
    assert torch.cat([x for (x,) in everything]).tolist() == list(range(10))
    with pytest.raises(NotImplementedError, match="DataModule must define get_dataloader"):
        DataModule().train_dataloader()


# Holdout and order


def test_holdout_is_the_end_of_the_training_set(sample):
    whole = FashionMNIST(source="sample")
    assert torch.equal(torch.cat([sample.train.images, sample.val.images]), whole.train.images)
    assert torch.equal(torch.cat([sample.train.labels, sample.val.labels]), whole.train.labels)
    assert torch.equal(sample.test.images, whole.val.images)
    served = torch.cat([y for _, y in sample.test_dataloader()])
    assert torch.equal(served, sample.test.labels)


def epochs(seed, global_seed, disturb=False, count=2):
    """The labels in the order of training, epoch by epoch."""
    torch.manual_seed(global_seed)
    data, orders = FashionMNIST(500, source="sample", seed=seed), []
    for _ in range(count):
        orders.append(torch.cat([y for _, y in data.train_dataloader()]))
        if disturb:
            torch.rand(7)
            next(iter(data.val_dataloader()))
    return torch.stack(orders)


def test_seed_fixes_the_order():
    first = epochs(seed=1, global_seed=0)
    assert torch.equal(first, epochs(seed=1, global_seed=5, disturb=True))
    assert not torch.equal(first[0], first[1])  # goes on from epoch to epoch
    assert not torch.equal(first, epochs(seed=2, global_seed=0))


def test_without_seed_the_order_is_that_of_the_global_generator():
    first = epochs(seed=None, global_seed=0)
    assert torch.equal(first, epochs(seed=None, global_seed=0))
    assert not torch.equal(first, epochs(seed=None, global_seed=1))


# Bad arguments


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("batch_size", value) for value in (0, -1, 2.5, "64", None, True)),
        *(("resize", value) for value in (0, -1, (28, 0), (28,), (1, 2, 3), "ab", 2.5, None)),
        *(("holdout", value) for value in (-1, 6000, 0.1, None)),
        *(("seed", value) for value in (-1, 1.5, "a")),
        *(("source", value) for value in ("internet", None, "")),
    ],
)
def test_bad_arguments(name, value):
    with pytest.raises(ValueError, match=f"^{name} = ") as error:
        FashionMNIST(**{"source": "sample", name: value})
    assert repr(value) in str(error.value)
    assert "expected" in str(error.value)
