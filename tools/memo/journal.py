"""The journal: one JSON object a line per publish, whoever ran the tool, from which indexes elsewhere catch up.

A crash may leave a line half-written: a reader passes over lines that are no JSON. The store, not the journal, is the truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.memo.durable import append_line, storage_errors
from tools.memo.key import canonical_json


def append(journal: Path, entry: Mapping[str, Any]) -> None:  # Any: JSON values
    """Append one entry; raise StorageError where it cannot be written."""
    with storage_errors("Writing the journal", journal):
        append_line(journal, canonical_json(entry))
