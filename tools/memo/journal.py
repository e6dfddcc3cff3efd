"""The journal: one line per publish, whoever ran the tool, from which indexes catch up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.memo.durable import append_line, storage_errors
from tools.memo.key import Json, canonical_json


def append(journal: Path, entry: Mapping[str, Any]) -> None:  # Any: JSON values
    """Append one entry; raise StorageError where it cannot be written."""
    with storage_errors("Writing the journal", journal):
        append_line(journal, canonical_json(entry))


def read(journal: Path, offset: int = 0) -> tuple[list[Json], int]:
    """Return the entries from a byte offset on, and the offset at which the next one will stand.

    A line that a crash left half-written is passed over.
    """
    try:
        with journal.open("rb") as stream:
            stream.seek(offset)
            content = stream.read()
    except FileNotFoundError:
        return [], 0
    whole = content[: content.rfind(b"\n") + 1]
    return [entry for line in whole.splitlines() if (entry := _entry(line))], offset + len(whole)


def _entry(line: bytes) -> Json | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
