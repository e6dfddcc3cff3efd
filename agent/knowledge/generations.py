"""The generations of the index on disk: each a folder that is never changed once it is in use, and one file that names the current.

A writer copies the current folder, changes the copy and then replaces the naming file in one step. Readers therefore never
wait, never see half a change, and notice damage: the naming file holds the digests of the files that readers leave alone.
"""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
import uuid
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import xxhash

from agent.knowledge.encoder_file import RECIPE

_LOG = logging.getLogger(__name__)

SCHEMA = 1
"""Version of what is stored about each entry; with the encoder's recipe it decides whether an index can be used."""
VERSION = f"{SCHEMA}-{RECIPE}"
CURRENT = "current.json"
DATABASE = "chroma.sqlite3"
"""Chroma writes a row into it whenever it is opened, so it has no stable digest; SQLite's own check and the texts' digests guard it."""
GRAPH = "index_metadata.pickle"
"""Lies beside a graph of vectors that was written; Chroma's core reads it without Python's pickle."""


@dataclass(frozen=True)
class Generation:
    """One state of the index."""

    name: str
    """Of its folder."""
    journal: int
    """Up to where of the store's journal it knows."""
    documents: Mapping[str, str]
    """Dataset id → digest of the content whose passages it holds."""
    gaps: Mapping[str, str]
    """Dataset id → why the document could not be read."""
    entries: int
    files: Mapping[str, str]
    """File in the folder → digest."""
    version: str = VERSION


class Generations:
    """The folder `home` with its generations; whoever writes holds a lock of its own."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def current(self) -> Generation | None:
        """Return the current generation, checked; None where there is none that can be used."""
        try:
            data = json.loads((self._home / CURRENT).read_bytes())
            found = Generation(**data)
            usable = found.version == VERSION and _digests(self.folder(found)) == dict(found.files)
        except (OSError, ValueError, TypeError) as error:  # missing, no JSON, other fields
            _LOG.info("no index in %s: %s", self._home, error)
            return None
        return found if usable else None

    def folder(self, generation: Generation) -> Path:
        """Return where a generation lies."""
        return self._home / Path(generation.name).name

    def begin(self, before: Generation | None) -> Path:
        """Make the folder of the next generation: a copy of the one before, or empty."""
        folder = self._home / uuid.uuid4().hex
        folder.mkdir(parents=True)
        if before is not None:
            source = self.folder(before)
            shutil.copytree(
                source, folder, ignore=lambda _, names: [name for name in names if name.startswith(DATABASE)], dirs_exist_ok=True
            )
            _copy_database(source / DATABASE, folder / DATABASE)
        return folder

    def publish(self, generation: Generation, before: Generation | None) -> Generation:
        """Make a closed generation the current one; only the one before is kept, for those who still read it."""
        whole = replace(generation, files=_digests(self.folder(generation)))
        draft = self._home / f".{uuid.uuid4().hex}"
        draft.write_text(json.dumps(asdict(whole)), encoding="utf-8")
        draft.replace(self._home / CURRENT)
        kept = {CURRENT, whole.name, *([before.name] if before else [])}
        for entry in self._home.iterdir():
            if entry.name not in kept:
                _remove(entry)
        return whole

    def forget(self) -> None:
        """Drop the current generation, so that the next one is made from the store and the documents alone."""
        _remove(self._home / CURRENT)


def _digests(folder: Path) -> dict[str, str]:
    """Return the digest of every file of the graph of vectors, where Chroma has written one: it does so every 1000 entries.

    Before, it keeps the vectors in the database, and whoever opens the folder overwrites the empty files of a graph.
    """
    paths = [path for graph in folder.glob(f"*/{GRAPH}") for path in graph.parent.iterdir()]
    return {str(path.relative_to(folder)): xxhash.xxh3_128_hexdigest(path.read_bytes()) for path in sorted(paths)}


def _copy_database(source: Path, target: Path) -> None:
    """Copy consistently, even while a reader's opening writes its row."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def _remove(path: Path) -> None:
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        _LOG.warning("%s cannot be removed: %s", path, error)


def describe(generation: Generation) -> dict[str, Any]:  # Any: JSON
    """Return what interfaces tell of an index."""
    return {"entries": generation.entries, "documents": len(generation.documents) - len(generation.gaps), "gaps": dict(generation.gaps)}
