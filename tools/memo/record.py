"""The record of an artifact: what was hashed into its key, and what else is known of how it was made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.contract import INLINE_FACTS, Artifact, Fact, Outcome, StoredFile
from tools.memo.key import Json, canonical_json, key_of

RECORD_FILE = "record.json"
SCHEMA = 1
"""Version of the record's form."""


class DamagedError(Exception):
    """A stored entry is not what was stored; the message says in which way. It never leaves the store."""


def write_record(record: Mapping[str, Any]) -> bytes:  # Any: JSON values
    """Return the bytes of a record, which carry a digest of their own."""
    return canonical_json({**record, "digest": _digest(record)})


def read_record(folder: Path) -> Json:
    """Read and check the record of an entry; raise DamagedError where it is missing or not as written.

    A record whose spec does not give the key under which it lies was not made by this recipe, or not for this key.
    """
    try:
        record = json.loads((folder / RECORD_FILE).read_bytes())
        digest = record.pop("digest")
        if digest != _digest(record):
            raise DamagedError(f"{RECORD_FILE} does not match its digest")
        if record["key"] != folder.name or key_of(record["spec"]) != folder.name:
            raise DamagedError(f"{RECORD_FILE} belongs to another key")
    except FileNotFoundError as error:
        raise DamagedError(f"{RECORD_FILE} is missing") from error
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise DamagedError(f"{RECORD_FILE} cannot be read") from error
    return dict(record)


def stored_files(record: Mapping[str, Any]) -> tuple[StoredFile, ...]:  # Any: JSON values
    """Return every file of an entry but the record: the tool's, then the table of facts where there is one."""
    every = [*record["files"], *([record["facts_file"]] if record["facts_file"] else [])]
    return tuple(StoredFile(file["path"], file["sha256"], file["bytes"]) for file in every)


def artifact_of(record: Mapping[str, Any], folder: Path) -> Artifact:  # Any: JSON values
    """Return the artifact that a checked record describes."""
    return Artifact(
        key=record["key"],
        tool=record["tool"],
        kind=record["kind"],
        outcome=Outcome(record["outcome"]),
        summary=record["summary"],
        folder=folder,
        files=tuple(StoredFile(file["path"], file["sha256"], file["bytes"]) for file in record["files"]),
        facts=tuple(Fact.from_json(fact) for fact in record["facts"][:INLINE_FACTS]),
        fact_count=record["fact_count"],
        warnings=tuple(record["warnings"]),
        method=record["method"],
        data=record["data"],
        bbox=tuple(record["bbox"]) if record["bbox"] else None,
        record=record,
    )


def _digest(record: Mapping[str, Any]) -> str:  # Any: JSON values
    return hashlib.sha256(canonical_json(record)).hexdigest()
