"""A GeoPackage is read as its last commit left it, its schema runs no code, and nothing beside it changes."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import shapely

from tools.contract import Source
from tools.errors import DataError, LimitError
from tools.storage.sqlite_log import image
from tools.storage.vectors import layer_names, read_rows

if TYPE_CHECKING:
    from conftest import MakeLayer

POINTS = [shapely.Point(x, 0) for x in range(3)]
REGISTER = (
    "INSERT INTO gpkg_contents(table_name, data_type, identifier, srs_id) VALUES ('v', 'features', 'v', 4326)",
    "INSERT INTO gpkg_geometry_columns VALUES ('v', 'geom', 'POINT', 4326, 0, 0)",
)


@pytest.fixture
def layer(make_layer: MakeLayer) -> Path:
    return make_layer(POINTS, columns={"n": [1, 2, 3]}, name="o.gpkg")


def change(path: Path, *statements: str) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        for statement in statements:
            connection.execute(statement)
    return path


def source(path: Path, name: str | None = None) -> Source:
    return Source("x", "vector", path, "xxh3:0", name)


def listing(folder: Path) -> dict[str, tuple[int, str]]:
    """Return what lies in a folder, and when something was last made or removed in it."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {".": (folder.stat().st_mtime_ns, "")} | {
        str(file.relative_to(folder)): (file.stat().st_mtime_ns, hashlib.sha256(file.read_bytes()).hexdigest()) for file in files
    }


def with_log(layer: Path, folder: Path, *statements: str) -> Path:
    """Return a copy of the layer as it lies on disk while somebody else has changed it and not closed it."""
    folder.mkdir()
    with closing(sqlite3.connect(layer)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for name in ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):  # which the triggers of a spatial index call
            connection.create_function(name, 1, lambda geometry: 0)
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.execute("DELETE FROM gpkg_contents")  # and this was not committed
        for file in (layer, layer.with_name(layer.name + "-wal")):
            shutil.copy(file, folder / file.name)
        connection.rollback()
    return folder / layer.name


@pytest.mark.parametrize(
    "select",
    [
        "SELECT o.fid, o.geom, upper('x') AS u, p.n FROM o JOIN o p ON o.fid = p.fid",
        "WITH few AS (SELECT fid, geom, n FROM o WHERE n IN (SELECT n FROM o)) SELECT * FROM few",
        "SELECT fid, geom, row_number() OVER (ORDER BY n) AS r, CASE WHEN n > 1 THEN 'x' || n END AS t FROM o",
        "SELECT fid, geom, n FROM o UNION ALL SELECT fid + 10, geom, n FROM o WHERE n < 0",
    ],
)
def test_views_that_only_select_are_layers(layer: Path, select: str) -> None:
    change(layer, f"CREATE VIEW v AS {select}", *REGISTER)
    assert layer_names(layer) == ("o", "v")
    assert shapely.equals(read_rows(source(layer, "v")).geometry.to_numpy(), POINTS).all()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE VIEW v AS SELECT fid, geom, load_extension('x') FROM o",
        "CREATE VIEW v AS SELECT fid, st_buffer(geom, 1) AS geom FROM o",  # GDAL has it, and others that read files
        "CREATE VIEW v AS SELECT fid, geom, randomblob(1000000000) AS b FROM o",
        "CREATE VIEW v AS SELECT * FROM pragma_database_list",  # where files lie
        "CREATE VIEW v AS SELECT fid, geom, (SELECT group_concat(sql) FROM sqlite_master) AS s FROM o",
        "CREATE VIEW v AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c",
        "INSERT INTO sqlite_master VALUES ('table', 'v', 'v', 0, 'CREATE/**/VIRTUAL TABLE v USING VirtualText(''/etc/passwd'')')",
        "INSERT INTO sqlite_master VALUES ('table', 'v', 'v', 3, 'CREATE VIRTUAL TABLE v USING csv(filename=''/etc/passwd'')')",
        "INSERT INTO sqlite_master VALUES ('table', 'v', 'v', 3, 'CREATE TABLE v(a, b GENERATED ALWAYS AS (load_extension(a)))')",
    ],
)
def test_schemas_that_do_more_than_hold_and_select_are_refused(layer: Path, statement: str) -> None:
    change(layer, statement)
    with pytest.raises(DataError, match=r"o\.gpkg"):
        read_rows(source(layer, "o"))


def test_spatial_indices_triggers_and_computed_columns_of_plain_kind_stay(layer: Path) -> None:
    change(
        layer,
        "CREATE TRIGGER t AFTER INSERT ON o BEGIN DELETE FROM o; END",  # acts on writing only
        "CREATE VIRTUAL TABLE words USING fts4(n)",
        "CREATE VIEW loose AS SELECT n FROM o",
        "ALTER TABLE o ADD COLUMN twice GENERATED ALWAYS AS (abs(n) * 2)",
    )
    assert read_rows(source(layer, "o"))["n"].tolist() == [1, 2, 3]


def test_a_view_without_end_is_stopped_at_the_limit_of_features(layer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change(layer, "CREATE VIEW v AS SELECT a.fid, a.geom FROM o a, o b, o c", *REGISTER)
    assert len(read_rows(source(layer, "v"))) == 27
    monkeypatch.setenv("TERRACITE_MAX_FEATURES", "26")
    with pytest.raises(LimitError, match="TERRACITE_MAX_FEATURES"):
        read_rows(source(layer, "v"))


@pytest.mark.heavy
def test_a_view_that_counts_without_end_is_stopped(layer: Path) -> None:
    numbers = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 3000) SELECT x FROM c"
    change(
        layer, "CREATE TABLE n(i)", f"INSERT INTO n {numbers}", "CREATE VIEW v AS SELECT a.i FROM n a, n b, n c WHERE a.i + b.i + c.i < 0"
    )
    with pytest.raises(LimitError, match="takes too long"):
        read_rows(source(layer, "o"))


def test_what_stands_only_in_the_log_is_read_and_the_log_stays(layer: Path, tmp_path: Path) -> None:
    copy = with_log(
        layer, tmp_path / "copy", "UPDATE o SET n = n * 10 WHERE n > 1", "INSERT INTO o(n, geom) SELECT 4, geom FROM o WHERE n = 1"
    )
    before = listing(copy.parent)
    frame = read_rows(source(copy))
    assert frame["n"].tolist() == [1, 20, 30, 4]
    assert layer_names(copy) == (None,)
    assert listing(copy.parent) == before


@pytest.mark.parametrize("folder", ["plain", "p#q%20", "100%?x=y"])
def test_a_file_that_is_kept_with_a_log_is_read_without_making_one(layer: Path, tmp_path: Path, folder: str) -> None:
    with closing(sqlite3.connect(layer)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    home = tmp_path / folder
    home.mkdir()
    path = Path(shutil.copy(layer, home))
    before = listing(home)
    assert read_rows(source(path))["n"].tolist() == [1, 2, 3]
    assert listing(home) == before


def test_the_image_of_a_file_and_its_log_is_what_sqlite_itself_makes_of_them(layer: Path, tmp_path: Path) -> None:
    """Oracle: SQLite, which moves the log of a copy into it."""
    copy = with_log(
        layer,
        tmp_path / "copy",
        "CREATE TABLE t(a, b)",
        *(f"INSERT INTO t VALUES ({i}, '{'x' * 900}')" for i in range(200)),
        "DELETE FROM t WHERE a < 50",
    )
    mine = image(copy, copy.with_name(copy.name + "-wal"))
    with closing(sqlite3.connect(copy)) as oracle, closing(sqlite3.connect(":memory:")) as own:
        own.deserialize(mine)
        assert list(own.iterdump()) == list(oracle.iterdump())
        assert own.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_log_that_does_not_belong_to_the_file_is_passed_over(layer: Path, tmp_path: Path) -> None:
    copy = with_log(layer, tmp_path / "copy", "UPDATE o SET n = 9")
    log = copy.with_name(copy.name + "-wal")
    content = bytearray(log.read_bytes())
    content[60] ^= 1  # a byte of the first page: its checksum no longer fits
    log.write_bytes(content)
    assert read_rows(source(copy))["n"].tolist() == [1, 2, 3]
    log.write_bytes(b"no log")
    assert read_rows(source(copy))["n"].tolist() == [1, 2, 3]


def test_a_half_written_file_is_refused_and_a_finished_journal_is_not(layer: Path) -> None:
    journal = layer.with_name("o.gpkg-journal")
    journal.write_bytes(bytes(512))  # as `journal_mode = PERSIST` leaves it
    assert len(read_rows(source(layer))) == 3
    journal.write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(504))
    before = listing(layer.parent)
    with pytest.raises(DataError, match="half-written"):
        read_rows(source(layer))
    assert listing(layer.parent) == before


def test_fewer_pages_than_the_header_states_are_refused(layer: Path) -> None:
    layer.write_bytes(layer.read_bytes()[:-4096])
    with pytest.raises(DataError, match="cut short"):
        read_rows(source(layer))
