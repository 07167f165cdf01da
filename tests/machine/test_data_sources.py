"""Fashion-MNIST: its sources in good and bad times.

No test reaches for the network: the mirror is a server of the test's own on the loopback device, or
a port that refuses. Most run on small generated files, so the 60,000 real images are not needed.
"""

import gzip
import importlib.util
import multiprocessing
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
import urllib.request
import zlib
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
import torchvision
from filelock import FileLock

from d2l_utils.__main__ import main
from d2l_utils.data import DataModule, FashionMNIST
from d2l_utils.machine import data_sources as sources
from d2l_utils.machine.data_sources import DataError

PUBLISHED = dict(torchvision.datasets.FashionMNIST.resources)
REAL = sources.SYSTEM if sources.SYSTEM.is_dir() else None
needs_real = pytest.mark.skipif(REAL is None, reason="needs the package dataset-fashion-mnist")
IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def idx(values):
    """The bytes of an IDX file."""
    shape = values.shape
    return struct.pack(f">{len(shape) + 1}I", 0x800 + len(shape), *shape) + values.numpy().tobytes()


@pytest.fixture(autouse=True)
def refusing_mirror(monkeypatch):
    """No system package, and a mirror at a port where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(torchvision.datasets.FashionMNIST, "mirrors", [f"http://127.0.0.1:{port}/"])
    monkeypatch.setattr(sources, "SYSTEM", Path("/nowhere"))
    monkeypatch.setattr(sources, "_failed", {})
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A folder with 60 + 20 generated images as .gz, taken for the full data."""
    folder, generator = tmp_path / "tiny", torch.Generator().manual_seed(0)
    folder.mkdir()
    files, packed = {}, []
    for split, count in (("train", 60), ("t10k", 20)):
        images = torch.randint(256, (count, 28, 28), generator=generator, dtype=torch.uint8)
        labels = (torch.arange(count) % 10).to(torch.uint8)
        for name, values in (("images-idx3", images), ("labels-idx1", labels)):
            data, path = idx(values), folder / f"{split}-{name}-ubyte.gz"
            path.write_bytes(gzip.compress(data))
            files[path.stem] = (tuple(values.shape), sources.md5(data))
            packed.append((path.name, sources.md5(path.read_bytes())))
    monkeypatch.setattr(sources, "FULL_FILES", files)
    monkeypatch.setattr(torchvision.datasets.FashionMNIST, "resources", packed)
    return folder


@pytest.fixture
def root(tmp_path):
    return tmp_path / "root"


@pytest.fixture
def filled(root, tiny):
    """A root that holds the generated files, in torchvision's layout."""
    return Path(shutil.copytree(tiny, sources.raw_folder(root)))


@pytest.fixture
def serve(monkeypatch):
    """serve(folder, ...) makes ``folder`` the mirror; returns the list of paths asked for."""
    servers = []

    def start(folder, cut=None, delay=0.0):
        asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.strip("/")
                asked.append(name)
                time.sleep(delay)
                data = (folder / name).read_bytes()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: len(data) // 2] if name == cut else data)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        servers.append(server)
        mirrors = [f"http://127.0.0.1:{server.server_port}/"]
        monkeypatch.setattr(torchvision.datasets.FashionMNIST, "mirrors", mirrors)
        return asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


# Damaged files: an error that names the file, what is wrong and the remedy


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-20])


def rewrite(edit):
    """A damage done to the contents of a .gz, which stays a whole .gz."""
    return lambda path: path.write_bytes(gzip.compress(edit(gzip.decompress(path.read_bytes()))))


def flip_a_bit(data):
    return data[:-1] + bytes([data[-1] ^ 1])


def change_a_byte_of_the_gz(path):
    data = bytearray(path.read_bytes())
    data[-6] ^= 1  # in the CRC, which ends a .gz before its length
    path.write_bytes(data)


DAMAGES = {
    "truncated .gz": (cut_short, "truncated"),
    "empty": (lambda path: path.write_bytes(b""), "magic number 0x, expected"),
    "a web page": (lambda path: path.write_bytes(b"<html>404</html>"), "Not a gzipped file"),
    "CRC of the .gz": (change_a_byte_of_the_gz, "CRC check failed"),
    "wrong magic": (rewrite(lambda data: b"\0\0\x08\x02" + data[4:]), "0x00000802, expected"),
    "wrong dimensions": (rewrite(lambda data: data[:7] + b"\1" + data[8:]), "wrong dimensions"),
    "too few values": (rewrite(lambda data: data[:-1]), "wrong length"),
    "too many values": (rewrite(lambda data: data + b"\0"), "wrong length"),
    "wrong checksum": (rewrite(flip_a_bit), "wrong checksum"),
}


@pytest.mark.parametrize("name", [IMAGES, LABELS])
@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("source", ["auto", "root", "download"])
def test_damaged_gz_is_an_error(filled, root, serve, tiny, source, damage, message, name):
    asked = serve(tiny)  # a good download is at hand, and yet must not be used
    damage(filled / f"{name}.gz")
    with pytest.raises(DataError, match=message) as error:
        sources.load(root, source)
    assert str(error.value).startswith(f"{filled / name}.gz: ")
    assert f"Delete the folder {filled} and run again, or `make data`." in str(error.value)
    assert "\n" not in str(error.value)
    assert not asked


@pytest.mark.parametrize("name", [IMAGES, LABELS])
@pytest.mark.parametrize(
    ("edit", "message"),
    [(lambda data: data[:-1], "wrong length"), (flip_a_bit, "wrong checksum")],
    ids=["truncated", "checksum"],
)
def test_damaged_unpacked_file_is_an_error(filled, root, edit, message, name):
    data = gzip.decompress((filled / f"{name}.gz").read_bytes())
    (filled / name).write_bytes(edit(data))  # beside a sound .gz: torchvision reads this one
    with pytest.raises(DataError, match=f"{name}: {message}"):
        sources.load(root)


def test_a_file_that_unpacks_to_gigabytes_costs_no_memory(filled, root):
    """A quarter of a GB of zeros, in a few hundred kB: what is needed is read, and a byte more."""
    with gzip.open(filled / f"{IMAGES}.gz", "wb") as bomb:
        for _ in range(256):
            bomb.write(bytes(2**20))
    tracemalloc.start()
    with pytest.raises(DataError, match="magic number 0x00000000"):
        sources.load(root)
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


def test_a_path_that_is_no_utf_8_can_be_told(filled, tmp_path):
    odd = tmp_path / os.fsdecode(b"caf\xe9")
    shutil.copytree(filled, sources.raw_folder(odd))
    cut_short(sources.raw_folder(odd) / f"{IMAGES}.gz")
    with pytest.raises(DataError, match="truncated") as error:
        sources.load(odd)
    assert r"caf\udce9" in str(error.value)
    str(error.value).encode()


@pytest.mark.parametrize("name", [IMAGES, LABELS, "t10k-images-idx3-ubyte"])
def test_missing_file_is_an_error(filled, root, name):
    (filled / f"{name}.gz").unlink()
    with pytest.raises(DataError, match=rf"{name}\.gz: missing, .* Delete the folder"):
        sources.load(root)


def test_damaged_system_package_is_an_error(tiny, root, monkeypatch):
    monkeypatch.setattr(sources, "SYSTEM", tiny)
    cut_short(tiny / f"{IMAGES}.gz")
    with pytest.raises(DataError, match=r"truncated.*Reinstall the package"):
        sources.load(root)


def test_the_remedy_works(filled, root, tiny, serve):
    serve(tiny)
    cut_short(filled / f"{IMAGES}.gz")
    shutil.rmtree(filled)
    assert sources.load(root)[0] == "download"


# Which source


@pytest.mark.parametrize(
    ("available", "expected"),
    [
        ({"root", "system", "download"}, "root"),
        ({"system", "download"}, "system"),
        ({"download"}, "download"),
        (set(), "sample"),
    ],
    ids=lambda value: "+".join(sorted(value)) if isinstance(value, set) else value,
)
def test_order_of_sources(available, expected, tiny, root, serve, monkeypatch, capsys):
    if "root" in available:
        shutil.copytree(tiny, sources.raw_folder(root))
    if "system" in available:
        monkeypatch.setattr(sources, "SYSTEM", tiny)
    asked = serve(tiny) if "download" in available else []
    data = FashionMNIST(root=root)
    assert data.source == expected
    assert len(data.train) == (6000 if expected == "sample" else 60)
    assert bool(asked) == (expected == "download")
    assert bool(capsys.readouterr().out) == (expected == "sample")


@pytest.mark.parametrize("source", sources.SOURCES)
def test_a_source_can_be_forced(source, tiny, filled, root, tmp_path, serve, monkeypatch, capsys):
    monkeypatch.setattr(sources, "SYSTEM", tiny)
    serve(tiny)
    data = FashionMNIST(root=tmp_path / "new" if source == "download" else root, source=source)
    assert data.source == source
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("source", "message"),
    [("root", "make data"), ("system", "no Fashion-MNIST here"), ("download", "refused")],
)
def test_a_forced_source_that_has_nothing_is_an_error(source, message, tiny, root):
    with pytest.raises(DataError, match=message):
        sources.load(root, source)


def test_unpacked_files_are_read_as_torchvision_leaves_them(filled, root):
    packed = sources.load(root)[1]
    for path in filled.glob("*.gz"):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert all(map(torch.equal, sources.load(root)[1], packed))


def test_default_root(monkeypatch, tmp_path):
    monkeypatch.setenv("D2L_DATA", str(tmp_path))
    assert DataModule().root == tmp_path
    monkeypatch.delenv("D2L_DATA")
    assert DataModule().root == Path(__file__).parents[2] / "data"


# Downloading


@pytest.fixture(params=["generated", pytest.param("real", marks=needs_real)])
def original(request, tmp_path):
    """A folder with what a mirror serves: generated files, or the published ones."""
    if request.param == "generated":
        return request.getfixturevalue("tiny")
    # Debian strips the name (and the time) from the headers. With both put back these are the
    # published files, byte for byte: torchvision's checksums, which download() verifies, say so.
    for name, seconds in zip(sources.FULL_FILES, (6, 6, 27, 27), strict=True):
        data = (REAL / f"{name}.gz").read_bytes()
        header = b"\x1f\x8b\x08\x08" + struct.pack("<I", 1504176600 + seconds) + data[8:10]
        (tmp_path / f"{name}.gz").write_bytes(header + name.encode() + b"\0" + data[10:])
    return tmp_path


def test_download(original, root, serve):
    asked = serve(original)
    source, tensors = sources.load(root)
    assert source == "download"
    assert sorted(asked) == sorted(path.name for path in original.glob("*.gz"))  # each once
    assert [path.name for path in (root / "FashionMNIST").iterdir()] == ["raw"]
    assert [tuple(t.shape) for t in tensors] == [shape for shape, _ in sources.FULL_FILES.values()]
    source, again = sources.load(root)
    assert source == "root"
    assert all(map(torch.equal, tensors, again))
    assert len(asked) == 4


def test_torchvision_reads_what_was_downloaded(tiny, root, serve):
    serve(tiny)
    tensors = sources.load(root)[1]
    book = torchvision.datasets.FashionMNIST(root, download=True)  # unpacks them; asks for none
    assert torch.equal(book.data, tensors[0])
    assert torch.equal(book.targets, tensors[1])
    assert sources.load(root)[0] == "root"


@pytest.mark.parametrize("cut", [IMAGES, "t10k-labels-idx1-ubyte"])
def test_a_cut_download_leaves_nothing(tiny, root, serve, capsys, cut):
    serve(tiny, cut=f"{cut}.gz")
    assert sources.load(root)[0] == "sample"
    assert f"{cut}.gz came incomplete" in capsys.readouterr().out
    assert not list(root.rglob("*ubyte*"))
    serve(tiny)
    assert sources.load(root, "download")[0] == "download"  # and the next try succeeds


def test_a_killed_download_is_cleared_away(tiny, root, serve):
    part = root / "FashionMNIST" / "raw.part"
    part.mkdir(parents=True)
    shutil.copy(tiny / f"{LABELS}.gz", part)
    (part / f"{IMAGES}.gz").write_bytes(b"half")
    serve(tiny)
    assert sources.load(root)[0] == "download"
    assert not part.exists()


def test_an_altered_download_is_refused(tiny, root, serve, monkeypatch):
    serve(tiny)
    rewrite(flip_a_bit)(tiny / f"{LABELS}.gz")
    with pytest.raises(DataError, match=f"{LABELS}.gz came incomplete or altered"):
        sources.load(root, "download")


def test_second_mirror(tiny, root, serve, monkeypatch):
    refusing = torchvision.datasets.FashionMNIST.mirrors
    serve(tiny)
    mirrors = refusing + torchvision.datasets.FashionMNIST.mirrors
    monkeypatch.setattr(torchvision.datasets.FashionMNIST, "mirrors", mirrors)
    assert sources.load(root)[0] == "download"


def test_no_network_means_the_sample_in_one_line(root, capsys):
    data = FashionMNIST(root=root)
    assert (data.source, len(data.train), len(data.val)) == ("sample", 6000, 1000)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.startswith("Fashion-MNIST: no full copy found and the download failed (")
    for part in ("refused", "the bundled sample of 6,000 + 1,000 images", "`make data`"):
        assert part in out


def test_a_failed_download_is_not_tried_again_in_the_process(root, tiny, serve, capsys):
    assert sources.load(root)[0] == "sample"
    asked = serve(tiny)
    assert sources.load(root)[0] == "sample"
    assert not asked
    assert capsys.readouterr().out.count("refused") == 2
    assert sources.load(root, "download")[0] == "download"  # unless it is asked for


@pytest.mark.parametrize("where", ["the mirror", "the name look-up"])
def test_a_silent_network_is_given_up(root, capsys, monkeypatch, where):
    monkeypatch.setattr(sources, "TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mirrors = [f"http://127.0.0.1:{silent.getsockname()[1]}/"]
        monkeypatch.setattr(torchvision.datasets.FashionMNIST, "mirrors", mirrors)
        if where == "the name look-up":
            monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: time.sleep(5))
        start = time.monotonic()
        assert sources.load(root)[0] == "sample"
        assert time.monotonic() - start < 3
    out = capsys.readouterr().out
    assert "no answer within 0.3 s" in out or "timed out" in out


def test_who_waited_for_a_failed_download_does_not_try_again(root, tiny, serve, monkeypatch):
    asked = serve(tiny)
    monkeypatch.setattr(sources, "TIMEOUT", 0.1)
    root.mkdir()
    with ThreadPoolExecutor(1) as other, FileLock(root / ".fashion_mnist.lock"):
        waiting = other.submit(sources.download, root)
        time.sleep(0.4)  # the lock is released first: the last manager is the first to exit
        assert not waiting.done()
    with pytest.raises(TimeoutError, match="another process"):
        waiting.result()
    assert not asked


@pytest.mark.parametrize("kind", ["a file in the way", "read-only"])
def test_a_root_that_cannot_be_written(kind, tiny, serve, capsys, monkeypatch):
    asked = serve(tiny)
    superuser = hasattr(os, "geteuid") and os.geteuid() == 0  # whom chmod does not bind
    with tempfile.TemporaryDirectory() as folder:
        sample = Path(shutil.copytree(sources.SAMPLE, Path(folder) / "sample"))
        monkeypatch.setattr(sources, "SAMPLE", sample)  # where anyone may read it
        root = Path(folder) / "root"
        root.mkdir()
        if kind == "a file in the way":
            (root / "file").touch()
            root = root / "file" / "data"
        else:
            root.chmod(0o555)
        Path(folder).chmod(0o755)
        if superuser:
            os.seteuid(65534)
        try:
            source, _ = sources.load(root)
        finally:
            if superuser:
                os.seteuid(0)
    out = capsys.readouterr().out
    assert source == "sample"
    assert ("Not a directory" in out) or ("Permission denied" in out)
    assert out.count("\n") == 1
    assert not asked


def _start(root, barrier, results):
    barrier.wait()
    try:
        source, tensors = sources.load(root)
        results.put((source, len(tensors[0])))
    except BaseException as error:
        results.put((repr(error), 0))


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork, to inherit the test's mirror")
def test_eight_processes_at_once(tiny, root, serve):
    asked = serve(tiny, delay=0.05)
    fork = multiprocessing.get_context("fork")
    barrier, results = fork.Barrier(8), fork.SimpleQueue()
    processes = [fork.Process(target=_start, args=(root, barrier, results)) for _ in range(8)]
    for process in processes:
        process.start()
    found = [results.get() for _ in processes]
    for process in processes:
        process.join()
    assert {count for _, count in found} == {60}, found
    assert {source for source, _ in found} <= {"root", "download"}
    assert sorted(asked) == sorted(path.name for path in tiny.iterdir())  # each file once


# The command line


def test_fetch_downloads_once(tiny, root, serve, capsys):
    asked = serve(tiny)
    for source in ("download", "root"):
        assert main([str(root)]) == 0
        out = capsys.readouterr().out
        assert out.count("\n") == 1
        assert f"{sources.raw_folder(root)} (source: {source})" in out
    assert len(asked) == 4


def test_fetch_is_content_with_the_system_package(tiny, root, monkeypatch, capsys):
    monkeypatch.setattr(sources, "SYSTEM", tiny)
    assert main([str(root)]) == 0
    assert f"{tiny} (source: system)" in capsys.readouterr().out
    assert not root.exists()


@pytest.mark.parametrize(("options", "code"), [([], 1), (["--optional"], 0)])
def test_fetch_without_any_source(root, capsys, options, code):
    assert main([str(root), *options]) == code
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert "refused" in out


def test_command_line(root):
    raw = sources.raw_folder(root)
    raw.mkdir(parents=True)
    (raw / f"{IMAGES}.gz").write_bytes(b"")
    command = [sys.executable, "-W", "error::RuntimeWarning", "-m", "d2l_utils"]
    done = subprocess.run(
        command, env=os.environ | {"D2L_DATA": str(root)}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr == ""
    assert f"{LABELS}.gz: missing" in done.stdout


# The real data and the sample


@needs_real
def test_the_full_data(root, monkeypatch):
    monkeypatch.setattr(sources, "SYSTEM", REAL)
    data = FashionMNIST(root=root, source="system", holdout=10_000)
    for dataset, count in ((data.train, 50_000), (data.val, 10_000), (data.test, 10_000)):
        assert len(dataset) == count
    assert data.test.labels.bincount().tolist() == [1000] * 10
    both = torch.cat([data.train.labels, data.val.labels])
    assert both.bincount().tolist() == [6000] * 10


def test_the_full_files_are_those_of_torchvision():
    assert [f"{name}.gz" for name in sources.FULL_FILES] == list(PUBLISHED)


@pytest.fixture(scope="module")
def sample():
    return FashionMNIST(source="sample", holdout=1000)


def test_the_sample_is_balanced_and_shuffled(sample):
    for dataset, count in ((sample.train, 500), (sample.val, 100), (sample.test, 100)):
        assert dataset.labels.bincount().tolist() == [count] * 10
    for part in sample.train.labels.split(500):  # far from sorted: each class in each part
        assert part.bincount(minlength=10).min() > 20
    rows = torch.cat([d.images.flatten(1) for d in (sample.train, sample.val, sample.test)])
    assert len(rows.unique(dim=0)) == 7000  # no image twice


def test_the_sample_is_small():
    assert sum(path.stat().st_size for path in sources.SAMPLE.glob("*.gz")) < 3.2e6
    assert "Copyright (c) 2017 Zalando SE" in (sources.SAMPLE / "LICENSE").read_text()


@needs_real
def test_draw_makes_the_same_sample_again(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "SYSTEM", REAL)
    spec = importlib.util.spec_from_file_location("draw", sources.SAMPLE / "draw.py")
    draw = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(draw)
    draw.main(tmp_path)
    for name in sources.SAMPLE_FILES:
        drawn, kept = ((f / f"{name}.gz").read_bytes() for f in (tmp_path, sources.SAMPLE))
        assert gzip.decompress(drawn) == gzip.decompress(kept)
        if "ng" not in zlib.ZLIB_RUNTIME_VERSION:  # zlib-ng packs the same data differently
            assert drawn == kept
