"""The index beside the store: what makes listing quick. It holds nothing that cannot be read from the store again.

It is a diskcache whose rows are JSON text only. Rows of any other kind, above all pickles, which run code when they are
read, are refused wherever they came from, and file names in rows are never followed. A broken index is made anew.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from diskcache import Cache, Disk, Timeout
from diskcache.core import MODE_RAW

from tools.memo.key import Json, canonical_json

_LOG = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")

NO_LIMIT_BYTES = 1 << 62
"""diskcache's default evicts at 1 GiB; nothing here is evicted unasked."""
TIMEOUT_S = 5.0


class RefusedRowError(OSError):
    """A row that is not JSON text; being an OSError, it makes diskcache treat the row as absent."""


class JsonTextDisk(Disk):  # type: ignore[misc]  # diskcache has no types
    """Stores keys and values as text in the table itself, and reads nothing else."""

    def put(self, key: Any) -> tuple[str, bool]:
        """Return the database key; only text is one."""
        if type(key) is not str:
            raise TypeError(f"index keys are text, not {type(key).__name__}")
        return key, True

    def get(self, key: Any, raw: Any) -> str:
        """Return the key of a row; refuse pickled ones."""
        if not raw or type(key) is not str:
            raise RefusedRowError("a key that is not text")
        return key

    def store(self, value: Any, read: bool, key: Any = None) -> tuple[int, int, None, str]:  # noqa: ARG002 - diskcache's signature
        """Return the columns of a value: JSON text, never a file."""
        return 0, MODE_RAW, None, canonical_json(value).decode()

    def fetch(self, mode: Any, filename: Any, value: Any, read: bool) -> Any:  # noqa: ARG002 - diskcache's signature
        """Return the value of a row; refuse what is not JSON text."""
        if mode != MODE_RAW or filename is not None or type(value) is not str:
            raise RefusedRowError("a row that is not JSON text")
        try:
            return json.loads(value)
        except ValueError as error:
            raise RefusedRowError("a row that is not JSON text") from error

    def remove(self, file_path: Any) -> None:
        """Remove nothing: no row of ours has a file, and a planted name could lead anywhere."""


class Index:
    """Rows of JSON by text keys. It is opened for each use, so that no connection outlives a call, a thread or a fork."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def rows(self, keys: Iterable[str]) -> dict[str, Json]:
        """Return the rows of these keys, without those that are missing or may not be read."""
        wanted = tuple(keys)
        found = self._try(lambda cache: {key: cache.get(key) for key in wanted}) or {}
        return {key: row for key, row in found.items() if isinstance(row, dict)}

    def write(self, rows: Mapping[str, Json]) -> None:
        """Write rows, all at once; where the index cannot be written, they will be read from the store again."""

        def write_all(cache: Cache) -> None:
            with cache.transact():
                for key, row in rows.items():
                    cache.set(key, row)

        self._try(write_all)

    def _try(self, ask: Callable[[Cache], _Answer]) -> _Answer | None:
        """Ask the cache; a broken one is made anew and asked once more, a busy or unwritable one is done without."""
        for _ in range(2):
            try:
                with closing(self._open()) as cache:
                    return ask(cache)
            except (sqlite3.Error, UnicodeDecodeError, Timeout, OSError) as error:
                _LOG.warning("index %s cannot be used: %s", self._folder, error)
                if not _is_broken(error) or not self._start_anew():
                    return None
        return None

    def _open(self) -> Cache:
        settings = {"eviction_policy": "none", "cull_limit": 0, "size_limit": NO_LIMIT_BYTES}
        try:
            return Cache(str(self._folder), timeout=TIMEOUT_S, disk=JsonTextDisk, **settings)
        except (TypeError, ValueError, AttributeError) as error:  # settings in the database that are none
            raise sqlite3.DatabaseError(str(error)) from error

    def _start_anew(self) -> bool:
        """Remove the database; return whether that was possible. What else lies in the folder is another index's."""
        try:
            for file in self._folder.glob("cache.db*"):
                file.unlink()
            self._folder.mkdir(exist_ok=True)
        except OSError:
            return False
        return True


def _is_broken(error: Exception) -> bool:
    """Whether an index will never work again, rather than just now: broken content, not a lock or a missing permission."""
    passing = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL)
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return isinstance(error, sqlite3.Error | UnicodeDecodeError) and code & 0xFF not in passing
