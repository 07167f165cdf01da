"""Files that appear whole or not at all, whoever else writes them."""

import os
import threading
import time

import pytest

from d2l_utils.machine import files


def test_whole_or_not_at_all(tmp_path):
    file = tmp_path / "folder" / "run.json"
    with files.whole(file) as aside:
        aside.write_text("one")
        assert not file.exists()

    def fail():
        with files.whole(file) as aside:
            aside.write_text("tw")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail()
    assert file.read_text() == "one"
    assert list(file.parent.iterdir()) == [file]


def test_a_link_stays_a_link(tmp_path):
    target, link = tmp_path / "disk" / "run.json", tmp_path / "run.json"
    target.parent.mkdir()
    link.symlink_to(target)  # to what is not there yet
    for text in ("one", "two"):
        with files.whole(link) as aside:
            aside.write_text(text)
        assert link.is_symlink()
        assert target.read_text() == text


def test_writers_do_not_share_a_path(tmp_path):
    file, together = tmp_path / "run", threading.Barrier(8)

    def write(text):
        with files.whole(file) as aside:
            aside.write_text(text)
            together.wait()
            assert aside.read_text() == text

    texts = [str(i) * 1000 for i in range(8)]
    writers = [threading.Thread(target=write, args=(text,)) for text in texts]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert file.read_text() in texts
    assert list(tmp_path.iterdir()) == [file]


def test_what_a_killed_writer_left_is_cleared(tmp_path):
    old, new, other = (tmp_path / f"{name}.part" for name in ("a[1].0", "a[1].1", "b.0"))
    for part in (old, new, other):
        part.touch()
    hours_ago = time.time() - 2 * files.FORGOTTEN
    for part in (old, other):
        os.utime(part, (hours_ago, hours_ago))
    with files.whole(tmp_path / "a[1]") as aside:
        aside.touch()
    assert [part.exists() for part in (old, new, other)] == [False, True, True]


def test_a_name_that_is_no_utf_8():
    name = os.fsdecode(b"data/\xff\xc3\xa9")
    assert files.told(name) == "data/\\udcffé"
    files.told(name).encode()
