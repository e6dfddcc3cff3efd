"""The facts of an artifact: all of them in a Parquet file, the first in the record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

from tools.contract import UNITS, Fact
from tools.memo.key import canonical_json

FACTS_FILE = "facts.parquet"
ROWS_PER_GROUP = 50_000


def numbered(facts: Sequence[Fact], tool: str) -> tuple[Fact, ...]:
    """Return the facts as plain Python numbers, each with its path.

    Raises ValueError where a tool returned what is no number, or an unknown unit: a bug of the tool, never hidden.
    """
    return tuple(_checked(fact, index, tool) for index, fact in enumerate(facts))


def _checked(fact: Fact, index: int, tool: str) -> Fact:
    given: object = fact.value  # whatever the tool put there
    if isinstance(given, bool) or not isinstance(given, int | float) or not isfinite(given):
        raise ValueError(
            f"{tool} returned the fact {fact.name!r} of {dict(fact.subject)} with the value {given!r}, which is no finite number"
        )
    if fact.unit not in UNITS:
        raise ValueError(f"{tool} returned the fact {fact.name!r} with the unit {fact.unit!r}, which is none of {', '.join(UNITS)}")
    value = int(given) if isinstance(given, int) else float(given)
    return replace(fact, value=value, subject={str(key): str(text) for key, text in fact.subject.items()}, path=f"facts/{index}")


def facts_digest(facts: Sequence[Fact]) -> str:
    """Return a digest over all facts that depends on no library's file format."""
    return hashlib.sha256(canonical_json([fact.to_json() for fact in facts])).hexdigest()


def write_facts(path: Path, facts: Sequence[Fact]) -> None:
    """Write the facts as a table: path, name, value (float64), integer (int64, where the value is one), unit, subject (JSON).

    The same facts give the same bytes under the same version of pyarrow.
    """
    import pyarrow as pa
    from pyarrow import parquet

    columns = {
        "path": pa.array([fact.path for fact in facts], pa.string()),
        "name": pa.array([fact.name for fact in facts], pa.string()),
        "value": pa.array([float(fact.value) for fact in facts], pa.float64()),
        "integer": pa.array([fact.value if isinstance(fact.value, int) else None for fact in facts], pa.int64()),
        "unit": pa.array([fact.unit for fact in facts], pa.string()),
        "subject": pa.array([canonical_json(dict(fact.subject)).decode() for fact in facts], pa.string()),
    }
    parquet.write_table(pa.table(columns), path, compression="zstd", row_group_size=ROWS_PER_GROUP)


def read_facts(path: Path, offset: int = 0, limit: int | None = None) -> list[Fact]:
    """Return `limit` facts from position `offset` on, or all that follow it."""
    from pyarrow import parquet

    rows = parquet.read_table(path, use_threads=False).slice(offset, limit).to_pylist()
    return [_fact(row) for row in rows]


def _fact(row: dict[str, Any]) -> Fact:  # Any: a row of the table above
    value = row["value"] if row["integer"] is None else row["integer"]
    return Fact(row["name"], value, row["unit"], json.loads(row["subject"]), row["path"])
