"""The journal as indexes read it: from a position on, past broken lines, from the beginning where it is another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.catalog.datasets import Datasets
from tools.errors import BusyError, StorageError
from tools.memo import journal as journals
from tools.memo.journal import entries_since
from tools.runner import Runner
from tools.workspace import Workspace


def append(journal: Path, entry: dict[str, str]) -> None:
    with journals.entry(journal, entry):
        pass


def keys(journal: Path, position: int = 0) -> tuple[list[str], int]:
    entries, end = entries_since(journal, position)
    return [entry["key"] for entry in entries], end


def test_entries_come_once_and_in_order(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    assert keys(journal) == ([], 0)
    append(journal, {"key": "a", "tool": "t"})
    found, position = keys(journal)
    assert found == ["a"]
    append(journal, {"key": "b", "tool": "t"})
    append(journal, {"key": "a", "tool": "t"})
    assert keys(journal, position)[0] == ["b", "a"]
    assert keys(journal, keys(journal)[1])[0] == []


def test_a_half_written_line_waits_and_a_broken_one_is_passed_over(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(b'{"key": "a", "tool": "t"}\n{"key": "b", "to')
    found, position = keys(journal)
    assert found == ["a"]
    append(journal, {"key": "c", "tool": "t"})
    assert keys(journal, position)[0] == ["c"]


@pytest.mark.parametrize("line", [b"\x00\xff", b"[1]", b"7", b'{"tool": "t"}', b""])
def test_what_is_no_entry_is_passed_over(tmp_path: Path, line: bytes) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(line + b'\n{"key": "a", "tool": "t"}\n')
    assert keys(journal)[0] == ["a"]


def test_a_shorter_journal_is_another_one(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    append(journal, {"key": "a", "tool": "t"})
    assert keys(journal, 10_000)[0] == ["a"]


def test_another_journal_that_has_grown_is_read_from_its_beginning(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    append(journal, {"key": "lost", "tool": "t"})
    position = keys(journal)[1]
    journal.unlink()
    for key in ("new", "newer and longer than the one that was lost"):
        append(journal, {"key": key, "tool": "t"})
    assert keys(journal, position)[0] == ["new", "newer and longer than the one that was lost"]


def test_an_entry_is_seen_once_what_it_tells_is_done_and_never_where_that_failed(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    append(journal, {"key": "a", "tool": "t"})
    with journals.entry(journal, {"key": "b", "tool": "t"}):
        assert keys(journal)[0] == ["a"]
        position = keys(journal)[1]
    assert keys(journal, position)[0] == ["b"]
    before = journal.read_bytes()
    with pytest.raises(StorageError), journals.entry(journal, {"key": "c", "tool": "t"}):
        raise OSError(28, "No space left on device")
    assert journal.read_bytes() == before


def test_an_entry_of_a_dead_process_is_completed_by_the_next_one(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    append(journal, {"key": "a", "tool": "t"})
    unended = journal.read_bytes()[:-1] + b" "
    journal.write_bytes(unended)
    assert keys(journal)[0] == []
    append(journal, {"key": "b", "tool": "t"})
    assert keys(journal)[0] == ["a", "b"]
    journal.write_bytes(unended)
    journals.mend(journal)
    assert keys(journal) == (["a"], len(unended))


def test_a_runner_tells_what_is_stored_and_hands_out_one_lock_at_a_time(workspace: Workspace) -> None:
    runner = Runner(workspace, Datasets(workspace))
    made = runner.run("list_datasets", {}).artifact
    entries, position = runner.published_since(0)
    assert [(entry["key"], entry["tool"]) for entry in entries] == [(made.key, "list_datasets")]
    assert runner.published_since(position) == ((), position)
    assert runner.keys() == (made.key,)
    record = runner.record(made.key)
    assert record is not None
    assert record["summary"] == made.summary
    assert runner.record("0" * 64) is None
    with runner.exclusive("index", 1.0), pytest.raises(BusyError), runner.exclusive("index", 0.0):
        pass
