"""The store of finished runs."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from d2l_utils.machine import files
from d2l_utils.studies import records
from d2l_utils.studies.records import RESULTS, Records


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("D2L_RESULTS", str(tmp_path))
    return Records("section/name")


def test_nothing_is_recorded_at_first(store, tmp_path):
    assert store.read() == []
    assert store.path == tmp_path / "section/name.json"
    assert store.weights == tmp_path / "section/name.safetensors"
    assert not store.path.exists()


def test_by_default_in_the_repository(monkeypatch):
    monkeypatch.delenv("D2L_RESULTS", raising=False)
    assert Records("a/b").path == RESULTS / "a/b.json"
    assert (RESULTS.parent / "Makefile").exists()


def test_a_run_takes_the_place_of_the_one_before_it(store):
    for arm, seed, value in (("a", 0, 1), ("b", 0, 2), ("a", 0, 3), ("a", 1, 4)):
        store.add({"arm": arm, "seed": seed, "value": value})
    assert [(run["arm"], run["seed"], run["value"]) for run in store.read()] == [
        ("b", 0, 2),
        ("a", 0, 3),
        ("a", 1, 4),
    ]
    lines = store.path.read_text().splitlines()
    assert len(lines) == 5  # one for each run, for readable diffs
    assert json.loads(lines[2].rstrip(","))["value"] == 3


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace('"value": 3', '"value": 4'),
        lambda text: text.replace('"seed": 1', '"seed": 2'),
        lambda text: text.replace('"value": 3, ', ""),
        lambda text: text.replace('"value": 3, ', '"value": 3, "more": null, '),
        lambda text: re.sub('"digest": "[0-9a-f]*"', '"digest": "0123456789abcdef"', text, count=1),
        lambda text: re.sub(', "digest": "[0-9a-f]*"', "", text, count=1),
    ],
)
def test_a_change_by_hand_is_noticed(store, edit):
    for seed in (0, 1):
        store.add({"arm": "a", "seed": seed, "value": 3, "history": [{"acc": 0.1 + 0.2}]})
    assert len(store.read()) == 2
    text = store.path.read_text()
    assert edit(text) != text
    store.path.write_text(edit(text))
    with pytest.raises(ValueError, match=r"name\.json: these runs are not as.*Delete"):
        store.read()
    with pytest.raises(ValueError, match="these runs are not as"):
        store.add({"arm": "b", "seed": 0})


def test_a_record_of_the_repository_can_be_restored(tmp_path, monkeypatch):
    monkeypatch.delenv("D2L_RESULTS", raising=False)
    monkeypatch.setattr(records, "RESULTS", tmp_path / "results")
    store = Records("section/name")
    store.add({"arm": "a", "seed": 0})
    store.path.write_text(store.path.read_text().replace('"a"', '"b"'))
    with pytest.raises(ValueError, match=r"git checkout -- results/section/name\.json"):
        store.read()


def test_a_run_that_stands_there_twice(store):
    store.add({"arm": "a", "seed": 0})
    first, run, last = store.path.read_text().splitlines()
    store.path.write_text("\n".join([first, run + ",", run, last]))
    with pytest.raises(ValueError, match="1 runs stand in it twice, after a merge"):
        store.read()


def test_what_json_changes_is_no_change(store):
    store.add({"arm": "a", "seed": 0, "measured": {i: (i, i) for i in range(11)}})
    assert store.read()[0]["measured"]["10"] == [10, 10]


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text[:-20],
        lambda text: "",
        lambda text: f"<<<<<<< HEAD\n{text}",
        lambda text: "[]",
        lambda text: '{"study": "x"}',
        lambda text: '{"runs": [3]}',
        lambda text: '{"runs": 3}',
    ],
)
def test_a_file_that_is_no_record(store, edit):
    store.add({"arm": "a", "seed": 0})
    store.path.write_text(edit(store.path.read_text()))
    with pytest.raises(ValueError, match=r"name\.json is no record: .*make results"):
        store.read()


def test_many_writers_lose_nothing(store):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: Records(store.name).add({"arm": "a", "seed": i}), range(24)))
    assert sorted(run["seed"] for run in store.read()) == list(range(24))


def test_a_full_disk_leaves_the_old_record(store, monkeypatch):
    store.add({"arm": "a", "seed": 0})
    before = store.path.read_text()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.add({"arm": "a", "seed": 1})
    assert store.path.read_text() == before
