"""The registrations on disk: one small SQLite file that two processes may use at once.

Every method opens its own connection and transaction, so that threads and processes need no agreement beyond SQLite's.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from tools.catalog.naming import free_id
from tools.catalog.records import DatasetRecord
from tools.contract import Declared
from tools.durable import sealed, unsealed
from tools.errors import BusyError, StorageError
from tools.redaction import redacted_json
from tools.storage.identity import Stamp

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS datasets (
    id TEXT PRIMARY KEY, path TEXT NOT NULL, layer TEXT NOT NULL, digest TEXT NOT NULL, record TEXT NOT NULL,
    given TEXT NOT NULL, stamp TEXT NOT NULL, stamped_ns INTEGER NOT NULL, UNIQUE (path, layer)
);
CREATE TABLE IF NOT EXISTS refusals (
    path TEXT PRIMARY KEY, given TEXT NOT NULL, stamp TEXT NOT NULL, stamped_ns INTEGER NOT NULL, error TEXT NOT NULL
);
"""
SAME = "layer = ? AND (path = ? OR (id = ? AND digest = ?))"
"""A layer's earlier registration: of the same file, or of the same id and content from where the file was before."""
IDENTITY = ("id", "path", "origin", "layer", "digest", "declared")
"""Fields of a record by which its dataset is found and read."""
BUSY_TIMEOUT_S = 30.0
SETTLED_NS = 2_000_000_000
"""A file written less than this before its stamp was taken may change again within one tick of the file system's clock."""


@dataclass(frozen=True)
class Given:
    """What the user said about a file; None where nothing was said. It outlives a change of the file."""

    title: str | None = None
    declared: Declared = field(default_factory=Declared)
    time: tuple[str, str] | None = None
    licence: str | None = None
    attribution: str | None = None
    origin: str | None = None
    """Address that the file was fetched from."""

    def over(self, earlier: Given) -> Given:
        """Return what was said earlier, with what is said now in its place where both speak."""
        declared = replace(earlier.declared, **said(self.declared))
        plain = ("title", "time", "licence", "attribution", "origin")
        mine = {name: getattr(self, name) for name in plain if getattr(self, name) is not None}
        return replace(earlier, declared=declared, **mine)

    def to_json(self) -> str:
        """Write canonical JSON, by which two of them can be compared."""
        return json.dumps(asdict(self), sort_keys=True, default=dict)

    @staticmethod
    def from_json(text: str) -> Given:
        """Read back what `to_json` wrote."""
        data = json.loads(text)
        time = None if data["time"] is None else (data["time"][0], data["time"][1])
        declared = declared_from_json(data["declared"])
        return Given(data["title"], declared, time, data["licence"], data["attribution"], data.get("origin"))


def said(declared: Declared) -> dict[str, Any]:  # Any: each field has its own type
    """Return the fields that differ from saying nothing."""
    nothing = Declared()
    return {
        item.name: getattr(declared, item.name) for item in fields(Declared) if getattr(declared, item.name) != getattr(nothing, item.name)
    }


def declared_from_json(data: Mapping[str, Any]) -> Declared:  # Any: JSON
    """Read back declared fields that went through JSON."""
    bounds = data.get("bounds")
    return Declared(**{**data, "bounds": None if bounds is None else tuple(bounds)})


@dataclass(frozen=True)
class Registration:
    """A dataset as it stands in the file."""

    record: DatasetRecord
    given: Given
    stamp: Stamp
    stamped_ns: int
    """Wall clock when the stamp was taken."""

    def is_current(self, stamp: Stamp) -> bool:
        """Whether the file is certainly the one that was described."""
        return is_settled(self.stamp, self.stamped_ns) and self.stamp == stamp


def is_settled(stamp: Stamp, stamped_ns: int) -> bool:
    """Whether equal stamps prove equal content: nothing was written just before the stamp was taken."""
    return all(mtime_ns + SETTLED_NS < stamped_ns for _, _, mtime_ns, *_ in stamp)


class Registrations:
    """Reads and writes the registrations of one workspace."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all_json(self) -> tuple[dict[str, Any], ...]:  # Any: JSON
        """Return every record as a JSON object, sorted by id."""
        with self._connection() as connection:
            rows = connection.execute("SELECT id, path, record FROM datasets ORDER BY id").fetchall()
        return tuple(_record_json(row) for row in rows)

    def by_id(self, dataset_id: str) -> Registration | None:
        """Return a dataset, or None; raise StorageError where it is damaged."""
        return next((_registration(row) for row in self._rows("id = ?", dataset_id)), None)

    def by_path(self, path: str) -> tuple[Registration, ...]:
        """Return the datasets of a file, by layer; a damaged one is left out, so that adding the file makes it whole."""
        return self._select("path = ? ORDER BY layer", path)

    def by_digest(self, digest: str) -> tuple[Registration, ...]:
        """Return the datasets of equal content, sorted by id, without damaged ones."""
        return self._select("digest = ? ORDER BY id", digest)

    def by_origin(self, address: str) -> tuple[Registration, ...]:
        """Return the datasets of the file that was fetched from an address, by layer."""
        rows = self._select("instr(record, ?) ORDER BY layer", json.dumps(address, ensure_ascii=False))
        return tuple(row for row in rows if row.record.origin == address)

    def ids(self) -> tuple[str, ...]:
        """Return all ids, sorted."""
        with self._connection() as connection:
            return tuple(row["id"] for row in connection.execute("SELECT id FROM datasets ORDER BY id"))

    def put(self, registration: Registration, wanted_id: str | None, *, replaces: str = "") -> DatasetRecord | None:
        """Store a dataset and return its record with the id it got.

        It replaces the one of the same file and layer, and, where its file was moved, the one of the same id, layer and
        content, and that of the id `replaces`. Where another dataset has the id, the next free one is taken; a `wanted_id` that another one has gives
        None, and nothing is stored.
        """
        record = _without_secrets(registration.record)
        with self._connection() as connection, _write(connection):
            connection.execute("DELETE FROM datasets WHERE id = ?", (replaces,))
            taken = [row["id"] for row in connection.execute(f"SELECT id FROM datasets WHERE NOT ({SAME})", _same(record))]  # noqa: S608 - ours
            if wanted_id in taken:
                return None
            connection.execute(f"DELETE FROM datasets WHERE {SAME}", _same(record))  # noqa: S608 - ours
            record = record.model_copy(update={"id": free_id(wanted_id or record.id, taken)})
            connection.execute("DELETE FROM refusals WHERE path = ?", (record.path,))
            connection.execute("INSERT INTO datasets VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _row(record, registration))
        return record

    def remove(self, dataset_id: str) -> bool:
        """Forget a dataset; return whether there was one."""
        with self._connection() as connection, _write(connection):
            return connection.execute("DELETE FROM datasets WHERE id = ?", (dataset_id,)).rowcount > 0

    def refusal(self, path: str, given: Given, stamp: Stamp) -> dict[str, Any] | None:  # Any: JSON
        """Return why this very file, described this way, was refused before; None where it was not."""
        with self._connection() as connection:
            row = connection.execute("SELECT * FROM refusals WHERE path = ? AND given = ?", (path, given.to_json())).fetchone()
        if row is None or _stamp(row["stamp"]) != stamp or not is_settled(stamp, row["stamped_ns"]):
            return None
        error: dict[str, Any] = json.loads(row["error"])
        return error

    def put_refusal(self, path: str, given: Given, stamp: Stamp, stamped_ns: int, error: Mapping[str, object]) -> None:
        """Remember why a file was refused, so that it is not tried again until it changes."""
        with self._connection() as connection, _write(connection):
            row = (path, given.to_json(), json.dumps(stamp), stamped_ns, json.dumps(error))
            connection.execute("INSERT OR REPLACE INTO refusals VALUES (?, ?, ?, ?, ?)", row)

    def _select(self, condition: str, *values: str) -> tuple[Registration, ...]:
        found = []
        for row in self._rows(condition, *values):
            with suppress(StorageError):
                found.append(_registration(row))
        return tuple(found)

    def _rows(self, condition: str, *values: str) -> tuple[sqlite3.Row, ...]:
        with self._connection() as connection:
            return tuple(connection.execute(f"SELECT * FROM datasets WHERE {condition}", values))  # noqa: S608 - ours

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as connection:
                connection.row_factory = sqlite3.Row
                _prepare(connection, self._path)
                yield connection
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise BusyError(
                    f"Another process holds the registrations of the workspace, {self._path.name} ({error}).",
                    hint="Try again when it has finished.",
                ) from error
            raise StorageError(
                f"The registrations of the workspace, {self._path.name}, cannot be used ({error}).",
                hint="Check the folder's permissions and free space.",
            ) from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter for a message that quotes what is damaged
            raise StorageError(
                f"The registrations of the workspace, {self._path.name}, are damaged ({error}).",
                hint="Move the file away and add the datasets again.",
            ) from error


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == SCHEMA_VERSION:
        return
    if version > SCHEMA_VERSION:
        raise StorageError(
            f"The registrations of the workspace, {path.name}, are of a newer version ({version}).",
            hint="Update Terracite, or choose another workspace.",
        )
    connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")


@contextmanager
def _write(connection: sqlite3.Connection) -> Iterator[None]:
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":  # of an older workspace: unreadable where nothing can be written
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        yield


def _without_secrets(record: DatasetRecord) -> DatasetRecord:
    """Return the record with what files and catalogues say redacted; what identifies the dataset is as it is."""
    said = record.model_dump(mode="json")
    return DatasetRecord.model_validate({**redacted_json(said), **{name: said[name] for name in IDENTITY}})


def _same(record: DatasetRecord) -> tuple[str, str, str, str]:
    return record.layer or "", record.path, record.id, record.digest


def _row(record: DatasetRecord, registration: Registration) -> tuple[object, ...]:
    identity = (record.id, record.path, record.layer or "", record.digest)
    texts = sealed(record.model_dump_json()), sealed(registration.given.to_json()), json.dumps(registration.stamp)
    return (*identity, *texts, registration.stamped_ns)


def _registration(row: sqlite3.Row) -> Registration:
    record = DatasetRecord.model_validate(_record_json(row))
    with _damage(row):
        return Registration(record, Given.from_json(unsealed(row["given"])), _stamp(row["stamp"]), row["stamped_ns"])


def _record_json(row: sqlite3.Row) -> dict[str, Any]:  # Any: JSON
    with _damage(row):
        record: dict[str, Any] = json.loads(unsealed(row["record"]))
    return record


@contextmanager
def _damage(row: sqlite3.Row) -> Iterator[None]:
    """Raise StorageError where a row is not as it was written."""
    try:
        yield
    except (ValueError, TypeError, KeyError) as error:
        raise StorageError(
            f"The registration of the dataset {row['id']!r} is damaged ({error}).", hint=f"Add its file again: terracite add {row['path']}"
        ) from error


def _stamp(text: str) -> Stamp:
    """Read back a stamp; an older one without ctime is like none, and the file is looked at again."""
    return tuple((role, size, mtime_ns, inode, ctime_ns) for role, size, mtime_ns, inode, *rest in json.loads(text) for ctime_ns in rest)
