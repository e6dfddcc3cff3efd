"""The journal: one JSON object a line per publish, whoever ran the tool, from which indexes elsewhere catch up.

A crash may leave a line half-written: a reader passes over lines that are no JSON. The store, not the journal, is the truth.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.durable import append_line, storage_errors
from tools.memo.key import Json, canonical_json


def append(journal: Path, entry: Mapping[str, Any]) -> None:  # Any: JSON values
    """Append one entry; raise StorageError where it cannot be written."""
    with storage_errors("Writing the journal", journal):
        append_line(journal, canonical_json(entry))


def entries_since(journal: Path, position: int) -> tuple[tuple[Json, ...], int]:
    """Return the entries behind a position, oldest first, and the position behind the last whole line.

    A position beyond the end is that of another journal: this one is read from its beginning. Lines that are no entries are
    passed over. Raises StorageError where the journal cannot be read.
    """
    with storage_errors("Reading the journal", journal):
        try:
            with journal.open("rb") as stream:
                size = stream.seek(0, 2)
                start = stream.seek(position if position <= size else 0)
                content = stream.read()
        except FileNotFoundError:
            return (), 0
    whole = content[: content.rfind(b"\n") + 1]
    entries = (_entry(line) for line in whole.splitlines())
    return tuple(entry for entry in entries if entry), start + len(whole)


def _entry(line: bytes) -> Json | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and {"key", "tool"} <= entry.keys() else None
