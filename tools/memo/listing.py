"""The stored results as a list, from the index where it knows them, else from their records."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from tools.errors import StorageError
from tools.memo.index import Index
from tools.memo.journal import entries_since
from tools.memo.key import Json
from tools.memo.record import stored_files
from tools.memo.store import Store

_LOG = logging.getLogger(__name__)

SHOWN = ("key", "tool", "kind", "outcome", "summary", "fact_count", "created", "seconds")


def listing(store: Store) -> list[Json]:
    """Return one row per stored result, newest first by the journal, whatever the clock said; rows that the index lacked are written to it.

    Only what lies in the store is listed, whatever the index says. A result whose record cannot be read is listed as damaged.
    """
    index = Index(store.workspace.index)
    keys = list(store.stored_keys())
    known = {key: row for key, row in index.rows(keys).items() if row.keys() >= set(SHOWN)}
    missing = {key: row_of(record) for key in keys if key not in known and (record := store.record(key))}
    if missing:
        index.write(missing)
    rows = [known.get(key) or missing.get(key) or _damaged(key) for key in keys]
    published = _order(store)
    return sorted(rows, key=lambda row: (published.get((row["key"], row["created"]), -1), row["created"], row["key"]), reverse=True)


def _order(store: Store) -> dict[tuple[str, str], int]:
    """Return where in the journal which state of a result was published."""
    try:
        entries, _ = entries_since(store.workspace.journal, 0)
    except StorageError as error:  # a list in another order is better than none
        _LOG.warning("listed by the time of the clock: %s", error)
        return {}
    return {(entry["key"], entry.get("time", "")): position for position, entry in enumerate(entries)}


def row_of(record: Mapping[str, Any]) -> Json:  # Any: JSON values
    """Return the row of a record."""
    return {**{name: record[name] for name in SHOWN}, "bytes": sum(file.bytes for file in stored_files(record))}


def _damaged(key: str) -> Json:
    return {**dict.fromkeys(SHOWN, ""), "key": key, "summary": "(damaged)", "fact_count": 0, "seconds": 0.0, "bytes": 0}
