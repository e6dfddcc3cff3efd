"""Vectors in embedded Chroma: one collection in one folder, opened for each use, so that none outlives a call, a thread or a fork."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.knowledge.encoder_file import INSTALL
from agent.knowledge.generations import DamagedIndexError
from tools.errors import ConfigurationError

if TYPE_CHECKING:
    from chromadb import Collection

    from agent.knowledge.embedder import Vectors

NAME = "memory"
BATCH = 1000
"""Entries written at once; Chroma's own limit is above 5000."""
FIRST_LOOK = 64
"""Entries looked at first; four times as many each time where filters leave too few."""
SEARCHED = {"hnsw": {"space": "cosine", "ef_construction": 200, "ef_search": 200}}
"""Twice Chroma's defaults: the graph then finds the true neighbours of texts all but always."""


@dataclass(frozen=True)
class Entry:
    """One thing that can be found."""

    id: str
    text: str
    """Of a passage, word for word; empty for a result, whose record is the truth."""
    about: Mapping[str, str | int]
    """`kind` (passage or result); of a passage its document, heading, page, start and end; of a result its key."""


@dataclass(frozen=True)
class Hit:
    """A found entry."""

    entry: Entry
    score: float
    """Cosine similarity, rounded to six decimals, so that the order does not hang on the last bits."""


def entry_id(text: str, about: Mapping[str, str | int]) -> str:
    """Return the id of an entry: a digest of all of it, by which damage is noticed when it is read."""
    told = "\x1f".join([text, *(f"{key}={about[key]}" for key in sorted(about))])
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def make_entry(text: str, about: Mapping[str, str | int]) -> Entry:
    """Return an entry under its id."""
    return Entry(entry_id(text, about), text, about)


@contextmanager
def opened(folder: Path) -> Iterator[Collection]:
    """Open the collection of a folder, made where there is none.

    Raises DamagedIndexError, also for whatever fails inside, ConfigurationError where Chroma is not installed.
    """
    try:
        from chromadb import PersistentClient
        from chromadb.config import Settings
        from chromadb.errors import ChromaError
    except ImportError as error:
        raise ConfigurationError(f"Searching memory needs Chroma, which cannot be imported ({error}).", hint=INSTALL) from error
    # Without `_env_file` it would read the project's `.env` and refuse the names in it.
    settings = Settings(_env_file=None, anonymized_telemetry=False, allow_reset=False)  # type: ignore[call-arg]  # of pydantic
    try:
        client = PersistentClient(path=str(folder), settings=settings)
        try:
            yield client.get_or_create_collection(NAME, embedding_function=None, configuration=SEARCHED)  # type: ignore[arg-type]
        finally:
            client.close()  # type: ignore[attr-defined]  # of the class that PersistentClient makes
    except (ChromaError, sqlite3.Error, OSError) as error:
        raise DamagedIndexError(f"{type(error).__name__}: {error}") from error


def write(collection: Collection, entries: Sequence[Entry], vectors: Vectors) -> None:
    """Add entries, or replace those of the same id."""
    for start in range(0, len(entries), BATCH):
        batch = entries[start : start + BATCH]
        collection.upsert(
            ids=[entry.id for entry in batch],
            embeddings=vectors[start : start + BATCH],
            documents=[entry.text for entry in batch],
            metadatas=[dict(entry.about) for entry in batch],
        )


def remove(collection: Collection, where: Iterable[Mapping[str, str]]) -> None:
    """Remove the entries that have these properties."""
    for condition in where:
        collection.delete(where=dict(condition))


def nearest(collection: Collection, vector: Vectors, kinds: Sequence[str], expected: int) -> Iterator[Hit]:
    """Yield entries of these kinds (all where none is named), nearest first; of equally near ones in the order of their ids.

    Raises DamagedIndexError where entries are missing or not as they were written.
    """
    total = collection.count()
    if total != expected:
        raise DamagedIndexError(f"{total} entries where {expected} were written")
    where: dict[str, Any] | None = {"kind": {"$in": list(kinds)}} if kinds else None  # Any: Chroma's filter
    seen: set[str] = set()
    asked = min(FIRST_LOOK, total)
    while asked and len(seen) < asked:
        hits = _query(collection, vector, asked, where)
        yield from (hit for hit in hits if hit.entry.id not in seen)
        if len(hits) < asked or asked == total:
            return
        seen.update(hit.entry.id for hit in hits)
        asked = min(4 * asked, total)


def _query(collection: Collection, vector: Vectors, count: int, where: dict[str, Any] | None) -> list[Hit]:  # Any: Chroma's filter
    found = collection.query(query_embeddings=vector, n_results=count, where=where, include=["documents", "metadatas", "distances"])
    columns = (found["ids"], found["documents"], found["metadatas"], found["distances"])
    if any(column is None for column in columns):
        raise DamagedIndexError("an answer without texts")
    rows = zip(*(column[0] for column in columns if column), strict=True)
    hits = [Hit(Entry(name, text or "", about or {}), round(1.0 - float(distance), 6)) for name, text, about, distance in rows]
    for hit in hits:
        if entry_id(hit.entry.text, hit.entry.about) != hit.entry.id:
            raise DamagedIndexError(f"the entry {hit.entry.id} is not as it was written")
    return sorted(hits, key=lambda hit: (-hit.score, hit.entry.id))
