"""Which events were taken and which were answered, kept in the workspace, so that nothing is answered twice or forgotten.

One bot works on a workspace at a time: it holds its file locked while it lives, and a killed process lets go of it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.interfaces.slack.outlet import Asked
from tools.errors import BusyError, StorageError

KEPT_S = 7 * 24 * 3600
"""Seconds for which an answered event is remembered; Slack delivers again within an hour."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    event TEXT PRIMARY KEY, message TEXT NOT NULL UNIQUE, place TEXT NOT NULL, text TEXT NOT NULL, taken REAL NOT NULL,
    handle TEXT, attempts INTEGER NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0)
"""


@dataclass(frozen=True)
class Begun:
    """What is known of an event when work on it begins."""

    attempt: int
    """From 1."""
    handle: str | None
    """The message that an earlier attempt left behind."""


class Claims:
    """The events of one workspace, for one process."""

    def __init__(self, path: Path) -> None:
        """Open and lock the file; raises BusyError where another process holds it."""
        self._path = path
        self._connection = sqlite3.connect(self._path, timeout=0.5, isolation_level=None)
        try:
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._connection.execute("PRAGMA secure_delete = ON")  # what is forgotten leaves the file as well
            self._connection.execute(_SCHEMA)
            self._connection.execute("DELETE FROM events WHERE done AND taken < ?", (time.time() - KEPT_S,))
        except sqlite3.OperationalError as error:
            self._connection.close()
            raise BusyError(
                f"{self._path.name} of the workspace cannot be opened ({error}): another bot works on this workspace.",
                hint="Stop that one, or give this one a workspace of its own.",
            ) from error

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def take(self, asked: Asked) -> bool:
        """Claim an event; False where it, or another event of the same message, was taken before."""
        row = (asked.event, asked.message, asked.place, asked.text, time.time())
        with self._writing() as connection:
            done = connection.execute("INSERT OR IGNORE INTO events (event, message, place, text, taken) VALUES (?, ?, ?, ?, ?)", row)
        return done.rowcount == 1

    def begin(self, event: str) -> Begun:
        """Count an attempt to answer."""
        with self._writing() as connection:
            query = "UPDATE events SET attempts = attempts + 1 WHERE event = ? RETURNING attempts, handle"
            attempts, handle = connection.execute(query, (event,)).fetchone()
        return Begun(attempts, handle)

    def answers_in(self, event: str, handle: str) -> None:
        """Remember the message that will become the answer."""
        with self._writing() as connection:
            connection.execute("UPDATE events SET handle = ? WHERE event = ?", (handle, event))

    def end(self, event: str) -> None:
        """Remember that an event was answered, and forget what was asked."""
        with self._writing() as connection:
            connection.execute("UPDATE events SET done = 1, text = '' WHERE event = ?", (event,))

    def unfinished(self) -> list[Asked]:
        """Return the events that were taken and never answered, oldest first."""
        rows = self._connection.execute("SELECT event, message, place, text FROM events WHERE NOT done ORDER BY rowid").fetchall()
        return [Asked(*row) for row in rows]

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._connection
        except sqlite3.Error as error:
            raise StorageError(f"{self._path.name} of the workspace cannot be written ({error}).", hint="Check the disk.") from error
