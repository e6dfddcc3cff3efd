"""The ledger of runs: one row per question, with its whole result as JSON."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from agent.state import Json
from tools.durable import sealed, unsealed
from tools.errors import NotFoundError, StorageError
from tools.redaction import redacted
from tools.workspace import owners_file

_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY, thread_id TEXT NOT NULL, started TEXT NOT NULL,
    question TEXT NOT NULL, status TEXT NOT NULL, result TEXT NOT NULL)
"""


class Ledger:
    """Runs in one SQLite file; safe for several processes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def record(self, result: Json, started: str) -> None:
        """Keep a finished run; `started` is ISO 8601 UTC."""
        whole, question = sealed(redacted(json.dumps(result, ensure_ascii=False))), redacted(result["question"])
        row = (result["run_id"], result["thread_id"], started, question, result["status"], whole)
        with self._connection() as connection:
            connection.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?)", row)

    def run(self, run_id: str) -> Json:
        """Return the result of a run by its id or an unambiguous beginning of it.

        `last` is the one that was kept last, whatever the clock said.
        Raises NotFoundError where there is none, or more than one, StorageError where it cannot be read.
        """
        with self._connection() as connection:
            if run_id == "last":
                rows = connection.execute("SELECT result FROM runs ORDER BY rowid DESC LIMIT 1").fetchall()
            else:
                rows = connection.execute(
                    "SELECT result FROM runs WHERE substr(run_id, 1, ?) = ? LIMIT 2", (len(run_id), run_id)
                ).fetchall()
        if len(rows) != 1:
            raise NotFoundError(
                f"{'No run' if not rows else 'More than one run'} has the id {run_id!r} in this workspace.",
                hint="Give the whole run id as `ask` printed it, or 'last'.",
            )
        try:
            result: Json = json.loads(unsealed(rows[0][0]))
        except ValueError as error:
            raise StorageError(f"The run {run_id!r} is damaged in the ledger ({error}).", hint="Ask its question again.") from error
        return result

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(owners_file(self._path), timeout=30)) as connection, connection:
                connection.execute(_SCHEMA)
                yield connection
        except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter for a message that quotes what is damaged
            raise StorageError(
                f"The ledger {self._path.name} of the workspace cannot be used ({error}).",
                hint="Check the disk, or move the file away: only the list of runs is lost.",
            ) from error
