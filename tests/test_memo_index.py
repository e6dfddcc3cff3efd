"""The index: JSON text only, rebuilt when broken, done without when it cannot be used."""

from __future__ import annotations

import pickle
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tools.memo.index import Index

RAW, BINARY_FILE, TEXT_FILE, PICKLE = 1, 2, 3, 4
"""diskcache's modes of a row."""


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, sprung: Path) -> None:
        self.sprung = sprung

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.sprung,)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    (tmp_path / "index").mkdir()
    index = Index(tmp_path / "index")
    index.write({"good": {"a": 1}})
    return index


def plant(tmp_path: Path, key: object, raw: int, mode: int, filename: str | None, value: object) -> None:
    """Write a row past diskcache."""
    with sqlite3.connect(tmp_path / "index" / "cache.db") as connection:
        connection.execute(
            "INSERT INTO Cache (key, raw, store_time, access_time, mode, filename, value) VALUES (?, ?, 0, 0, ?, ?, ?)",
            (key, raw, mode, filename, value),
        )
    connection.close()


def test_rows_come_back_and_missing_ones_are_left_out(index: Index) -> None:
    index.write({"more": {"b": [1, None, "ü"]}, "good": {"a": 2}})
    assert index.rows(["good", "more", "none"]) == {"good": {"a": 2}, "more": {"b": [1, None, "ü"]}}


@pytest.mark.parametrize("in_file", [False, True])
def test_planted_pickle_is_never_unpickled(index: Index, tmp_path: Path, in_file: bool) -> None:
    sprung = tmp_path / "sprung"
    trap = pickle.dumps(Trap(sprung))
    if in_file:
        (tmp_path / "index" / "trap.val").write_bytes(trap)
    plant(tmp_path, "bad", 1, PICKLE, "trap.val" if in_file else None, None if in_file else trap)
    plant(tmp_path, trap, 0, RAW, None, "{}")  # as a key
    assert index.rows(["bad", "good"]) == {"good": {"a": 1}}
    index.write({"bad": {"now": "good"}})
    assert index.rows(["bad"]) == {"bad": {"now": "good"}}
    assert not sprung.exists()
    pickle.loads(trap)
    assert sprung.exists()  # the trap works


@pytest.mark.parametrize(
    ("mode", "filename", "value"),
    [
        (BINARY_FILE, "../secret", None),
        (TEXT_FILE, "../secret", None),
        (RAW, None, b'{"a": 1}'),
        (RAW, None, 7),
        (RAW, None, "no JSON"),
        (RAW, None, "[1]"),
        (RAW, "../secret", "{}"),
    ],
)
def test_row_of_any_other_kind_is_refused_and_its_file_left_alone(
    index: Index, tmp_path: Path, mode: int, filename: str | None, value: object
) -> None:
    secret = tmp_path / "secret"
    secret.write_text('{"secret": true}')
    plant(tmp_path, "bad", 1, mode, filename, value)
    assert index.rows(["bad"]) == {}
    index.write({"bad": {}})
    assert secret.exists()


def test_broken_database_is_made_anew(index: Index, tmp_path: Path) -> None:
    for path in (tmp_path / "index").iterdir():
        path.write_bytes(b"no database at all, but long enough to be read as one" * 40)
    assert index.rows(["good"]) == {}
    index.write({"new": {"a": 1}})
    assert index.rows(["new"]) == {"new": {"a": 1}}


def test_planted_setting_that_the_disk_does_not_know_is_survived(index: Index, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "index" / "cache.db") as connection:
        connection.execute("INSERT INTO Settings VALUES ('disk_unknown', 1)")
    connection.close()
    assert index.rows(["good"]) == {}
    index.write({"new": {"a": 1}})
    assert index.rows(["new"]) == {"new": {"a": 1}}


def test_index_that_cannot_be_made_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("in the way")
    index = Index(tmp_path / "index")
    index.write({"a": {}})
    assert index.rows(["a"]) == {}


def test_nothing_is_evicted(index: Index) -> None:
    rows = {f"key{number}": {"text": "x" * 1000} for number in range(2000)}
    index.write(rows)
    assert index.rows(rows) == rows
