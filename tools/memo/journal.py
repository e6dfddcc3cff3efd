"""The journal: one JSON object a line per publish, whoever ran the tool, from which indexes elsewhere catch up.

A crash may leave a line half-written, or name what was never stored: readers pass over both. The store, not the journal, is the truth.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.durable import appended_line, end_line, storage_errors
from tools.memo.key import Json, canonical_json


@contextmanager
def entry(journal: Path, said: Mapping[str, Any]) -> Iterator[None]:  # Any: JSON values
    """Append an entry of what the body does: readers see it once that is done, and not at all where it fails.

    A process that is killed meanwhile leaves an entry that `mend` completes, whether it had done it or not.
    Raises StorageError where it cannot be written; then the body has not begun.
    """
    with storage_errors("Writing the journal", journal), appended_line(journal, canonical_json(said)):
        yield


def mend(journal: Path) -> None:
    """Complete the last entry where its writer is dead. Raises OSError where the journal cannot be written."""
    end_line(journal)


def entries_since(journal: Path, position: int) -> tuple[tuple[Json, ...], int]:
    """Return the entries behind a position, oldest first, and the position behind the last whole line.

    A position where no line begins is that of another journal: this one is read from its beginning. Lines that are no entries are
    passed over. Raises StorageError where the journal cannot be read.
    """
    with storage_errors("Reading the journal", journal):
        try:
            with journal.open("rb") as stream:
                stream.seek(max(position - 1, 0))
                is_ours = position == 0 or stream.read(1) == b"\n"
                start = stream.seek(position if is_ours else 0)
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
