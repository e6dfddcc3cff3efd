"""What a GeoPackage holds, looked at before GDAL does: tables that only hold, views that only select, no half-written state.

A GeoPackage is an SQLite file, and its schema is code that runs when a layer is read: views and generated columns call
functions, virtual tables open what they like. Here every table and view is compiled, not run, under an authorizer that
knows what reading needs. A file that is kept with a write-ahead log is opened with `IMMUTABLE=YES`, or as an image in memory:
any other reader moves the log into the user's file and removes it, or makes `-shm` and `-wal` beside it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from tools.errors import DataError, LimitError
from tools.settings import current_settings
from tools.storage.crs import check_crs_text
from tools.storage.paths import side_file
from tools.storage.sqlite_log import image, keeps_log

FUNCTIONS = frozenset(
    "abs avg cast ceil ceiling coalesce count date datetime dense_rank floor glob group_concat hex ifnull iif instr julianday lag lead "
    "length like lower ltrim max min nullif rank round row_number rtrim sign strftime substr substring sum time total trim typeof "
    "unicode unixepoch upper".split()
)
"""What a view or a generated column may call; none reads a file, and none makes much out of little."""
MODULES = ("rtree", "rtree_i32", "fts3", "fts4", "fts5")
"""Virtual tables that hold what is in the file: spatial indices and indices of words."""
VIRTUAL = re.compile(r"\s*create\s+virtual\b(?:.*?\busing\s+(\w+))?", re.IGNORECASE | re.DOTALL)
COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
HOT_JOURNAL = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
"""Begins a rollback journal that still counts, https://www.sqlite.org/fileformat2.html#the_rollback_journal."""
URI_SIGNS = "%#?"
CRS_TABLE = "gpkg_spatial_ref_sys"
MOST_TABLES = 20_000
STEPS = 10_000
"""Instructions of SQLite between two looks at how many there were."""
MOST_STEPS = 200_000_000
"""Counting the rows of a view takes a few instructions a row; one that joins everything with everything never ends."""


def readable_form(file: Path) -> Path | bytes:
    """Check a GeoPackage; return what readers may open: the file, or an image of it where a log holds newer pages.

    Raises DataError for a file that is cut short, half-written, or whose schema does more than hold and select, and
    LimitError for views without end and for what `sqlite_log.image` refuses.
    """
    journal = side_file(file.with_name(file.name + "-journal"), file)
    if journal is not None and _starts_with(journal, HOT_JOURNAL):
        raise DataError(
            f"The GeoPackage {file.name!r} is half-written: a change was begun and neither finished nor undone.",
            hint="Open and close it in the program that writes it.",
        )
    form = _form(file)
    _check_size(file, form)
    try:
        with _opened(form) as connection:
            _check_schema(connection, file)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise DataError(
            f"The GeoPackage {file.name!r} cannot be read ({_text(error)}).", hint="It may be damaged; fetch or export it again."
        ) from error
    return form


def _form(file: Path) -> Path | bytes:
    log = side_file(file.with_name(file.name + "-wal"), file)
    if log is not None and log.stat().st_size:
        return image(file, log)
    # GDAL makes a URI of the name of a file that it opens as immutable, and does not escape what has a meaning there.
    return image(file, None) if keeps_log(file) and any(sign in str(file) for sign in URI_SIGNS) else file


def _starts_with(file: Path, mark: bytes) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(mark)) == mark


def _check_size(file: Path, form: Path | bytes) -> None:
    """Compare the pages that the header states with the file's size; old writers state none."""
    if isinstance(form, Path):
        with form.open("rb") as stream:
            header, size = stream.read(100), form.stat().st_size
    else:
        header, size = form[:100], len(form)
    page = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big") if header[24:28] == header[92:96] else 0
    if pages * (65_536 if page == 1 else page) > size:
        raise DataError(f"The GeoPackage {file.name!r} is cut short.", hint="Fetch or export it again.")


@contextmanager
def _opened(form: Path | bytes) -> Iterator[sqlite3.Connection]:
    """Open without any lock, side file or write; the schema's own code is not trusted."""
    if isinstance(form, Path):
        connection = sqlite3.connect(f"file:{quote(str(form))}?mode=ro&immutable=1", uri=True)
    else:
        connection = sqlite3.connect(":memory:")
        connection.deserialize(form)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA query_only = ON")
        yield connection
    finally:
        connection.close()


def _check_schema(connection: sqlite3.Connection, file: Path) -> None:
    rows = connection.execute(
        "SELECT type, name, coalesce(sql, '') FROM sqlite_master WHERE type IN ('table', 'view') LIMIT ?", (MOST_TABLES + 1,)
    )
    schema: list[tuple[str, str, str]] = rows.fetchall()
    if len(schema) > MOST_TABLES:
        raise LimitError(f"The GeoPackage {file.name!r} has more than {MOST_TABLES:,} tables.", hint="Export the layers that are needed.")
    virtual = {name: module for _, name, sql in schema if (module := _module(sql)) is not None}
    for name, module in virtual.items():
        if module not in MODULES:
            raise _refused(file, name, f"is a virtual table of a kind that is not read ({module[:80]!r})")
    _check_statements(connection, file, [(kind, name) for kind, name, _ in schema if name not in virtual], {name for _, name, _ in schema})
    if any(name.casefold() == CRS_TABLE for _, name, _ in schema):
        for row in connection.execute(f"SELECT * FROM {CRS_TABLE} LIMIT {MOST_TABLES}"):  # noqa: S608 - constants
            check_crs_text(repr(file.name), "\n".join(value for value in row if isinstance(value, str)))


def _module(sql: str) -> str | None:
    """Return the module of a virtual table; None for a table that holds its rows itself, and for a view."""
    found = VIRTUAL.match(COMMENT.sub(" ", sql))
    return None if found is None else (found[1] or "").lower()


def _check_statements(connection: sqlite3.Connection, file: Path, tables: list[tuple[str, str]], known: set[str]) -> None:
    """Compile reading every table and view, then see that every view ends."""
    connection.set_authorizer(_authorizer(frozenset(name.casefold() for name in known)))
    for kind, name in tables:
        quoted = '"' + name.replace('"', '""') + '"'
        try:
            connection.execute(f"EXPLAIN SELECT * FROM {quoted}").close()  # noqa: S608 - quoted
        except sqlite3.DatabaseError as error:
            raise _refused(file, name, f"does more than select from tables ({_text(error)})") from error
        if kind == "view":
            _check_ends(connection, file, name, quoted)


def _check_ends(connection: sqlite3.Connection, file: Path, name: str, quoted: str) -> None:
    """Count the rows of a view, up to the limit of features, in a bounded number of instructions."""
    steps = iter(range(MOST_STEPS // STEPS))
    connection.set_progress_handler(lambda: next(steps, None) is None, STEPS)
    most = current_settings().max_features
    try:
        (rows,) = connection.execute(f"SELECT count(*) FROM (SELECT 1 FROM {quoted} LIMIT {most + 1})").fetchone()  # noqa: S608 - quoted
    except sqlite3.OperationalError as error:
        raise _without_end(file, name, "takes too long to count") from error
    finally:
        connection.set_progress_handler(None, 0)
    if rows > most:
        raise _without_end(file, name, f"has more than {most:,} rows")


def _authorizer(known: frozenset[str]) -> Callable[..., int]:
    """Return what SQLite asks while it compiles: selecting, columns of the file's own tables, and calls of FUNCTIONS pass."""

    def decide(action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if action == sqlite3.SQLITE_READ:
            allowed = (first or "").casefold() in known
        elif action == sqlite3.SQLITE_FUNCTION:
            allowed = (second or "").casefold() in FUNCTIONS
        else:
            allowed = action == sqlite3.SQLITE_SELECT
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY

    return decide


def _refused(file: Path, name: str, what: str) -> DataError:
    return DataError(f"{name!r} of the GeoPackage {file.name!r} {what}.", hint="Export its layers as plain tables to a new GeoPackage.")


def _without_end(file: Path, name: str, what: str) -> LimitError:
    return LimitError(
        f"The view {name!r} of the GeoPackage {file.name!r} {what}.",
        hint="Export it as a table, or raise TERRACITE_MAX_FEATURES.",
    )


def _text(error: Exception) -> str:
    return str(error).strip().removesuffix(".")[:200]
