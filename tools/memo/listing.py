"""The stored results as a list, from the index where it knows them, else from their records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.memo.index import Index
from tools.memo.key import Json
from tools.memo.record import stored_files
from tools.memo.store import Store

SHOWN = ("key", "tool", "kind", "outcome", "summary", "fact_count", "created", "seconds")


def listing(store: Store) -> list[Json]:
    """Return one row per stored result, newest first; rows that the index lacked are written to it.

    Only what lies in the store is listed, whatever the index says. A result whose record cannot be read is listed as damaged.
    """
    index = Index(store.workspace.index)
    keys = list(store.stored_keys())
    known = {key: row for key, row in index.rows(keys).items() if row.keys() >= set(SHOWN)}
    missing = {key: row_of(record) for key in keys if key not in known and (record := store.record(key))}
    if missing:
        index.write(missing)
    rows = [known.get(key) or missing.get(key) or _damaged(key) for key in keys]
    return sorted(rows, key=lambda row: (row["created"], row["key"]), reverse=True)


def row_of(record: Mapping[str, Any]) -> Json:  # Any: JSON values
    """Return the row of a record."""
    return {**{name: record[name] for name in SHOWN}, "bytes": sum(file.bytes for file in stored_files(record))}


def _damaged(key: str) -> Json:
    return {**dict.fromkeys(SHOWN, ""), "key": key, "summary": "(damaged)", "fact_count": 0, "seconds": 0.0, "bytes": 0}
