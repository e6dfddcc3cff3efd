"""Damage: edits of bytes, numbers and structures, each drawn from a seeded generator, so that every case can be made again."""

from __future__ import annotations

import json
import re
import sqlite3
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

HUGE = (0, 1, 0x7F, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
WORDS = (
    *("", "0", "-1", "1e308", "-1e308", "1e999", "nan", "inf", "99999999999999999999", "4294967295", "-2147483648", "0.0000000001"),
    *("true", "null", "[]", "{}", '"', "\\u0000", "\x00", "\u00e4\u6f22\U0001f30d", "../../etc/passwd", "/vsicurl/http://127.0.0.1:9/a"),
)
VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**31, 2**63, 2**70, 1e308, -1e308, 1e-320, float("nan"), float("inf"), "", "a", "1", "\x00", "x" * 5000),
    *([], {}, [[]], [None], {"a": {}}, [[[[[[[[[0]]]]]]]]], "EPSG:4326", "EPSG:0", "/etc/passwd", ["a", 1, None]),
)
Edit = Callable[[bytearray, Random], bytearray]


def flip(body: bytearray, rng: Random) -> bytearray:
    """Flip one to sixteen bits, half of the time in the head."""
    for _ in range(rng.choice((1, 2, 4, 16))):
        body[_place(body, rng)] ^= 1 << rng.randrange(8)
    return body


def truncate(body: bytearray, rng: Random) -> bytearray:
    return body[: rng.randrange(len(body))]


def splice(body: bytearray, rng: Random) -> bytearray:
    """Write a piece of the file over another place."""
    start, size = rng.randrange(len(body)), rng.randint(1, 400)
    place = _place(body, rng)
    body[place : place + size] = body[start : start + size]
    return body


def duplicate(body: bytearray, rng: Random) -> bytearray:
    """Insert a piece of the file again, once or many times."""
    start, size = rng.randrange(len(body)), rng.randint(1, 400)
    piece = body[start : start + size] * rng.choice((1, 1, 5, 50))
    return body[:start] + piece + body[start:]


def remove(body: bytearray, rng: Random) -> bytearray:
    start = _place(body, rng)
    del body[start : start + rng.randint(1, 100)]
    return body


def huge(body: bytearray, rng: Random) -> bytearray:
    """Write an extreme integer over an aligned place, in either byte order."""
    size = rng.choice((1, 2, 4, 8))
    place = _place(body, rng) // size * size
    value = rng.choice(HUGE) & ((1 << 8 * size) - 1)
    body[place : place + size] = value.to_bytes(size, rng.choice(("little", "big")))
    return body


def length(body: bytearray, rng: Random) -> bytearray:
    """Change an integer that may be a length or an offset: one of 4 bytes that is not longer than the file."""
    order = rng.choice(("<I", ">I"))
    places = [at for at in range(min(len(body), 4000) - 3) if 0 < struct.unpack_from(order, body, at)[0] <= len(body)]
    if places:
        at = rng.choice(places)
        value = struct.unpack_from(order, body, at)[0]
        struct.pack_into(order, body, at, rng.choice((value - 1, value + 1, value * 2, value * 255, len(body), 0, 0xFFFFFFF0)) & 0xFFFFFFFF)
    return body


def zeros(body: bytearray, rng: Random) -> bytearray:
    start, size = _place(body, rng), rng.randint(1, 64)
    body[start : start + size] = bytes(min(size, len(body) - start))
    return body


def number(body: bytearray, rng: Random) -> bytearray:
    """Replace a number that stands as text, or a word in quotes, by an extreme one."""
    found = list(re.finditer(rb"-?\d+(?:\.\d+)?|\"[^\"]{0,60}\"", bytes(body)))
    if not found:
        return flip(body, rng)
    one = rng.choice(found)
    return body[: one.start()] + rng.choice(WORDS).encode() + body[one.end() :]


def tiff_entry(body: bytearray, rng: Random) -> bytearray:
    """Change the tag, type, count or value of an entry of one of a TIFF's directories."""
    order = "<" if body[:2] == b"II" else ">"
    entries, at = [], struct.unpack_from(f"{order}I", body, 4)[0]
    while 0 < at < len(body) - 2 and len(entries) < 200:
        count = struct.unpack_from(f"{order}H", body, at)[0]
        entries += [at + 2 + 12 * n for n in range(count) if at + 14 + 12 * n <= len(body)]
        after = at + 2 + 12 * count
        at = struct.unpack_from(f"{order}I", body, after)[0] if after + 4 <= len(body) else 0
    if not entries:
        return flip(body, rng)
    entry = rng.choice(entries)
    part, form = rng.choice(((0, "H"), (2, "H"), (4, "I"), (8, "I"), (8, "I"), (8, "I")))
    now = struct.unpack_from(order + form, body, entry + part)[0]
    other = rng.choice((now + 1, now - 1, now * 2, now << 8, *HUGE, rng.randrange(1 << 16), len(body)))
    struct.pack_into(order + form, body, entry + part, other & (0xFFFF if form == "H" else 0xFFFFFFFF))
    return body


def png_chunk(body: bytearray, rng: Random) -> bytearray:
    """Change a chunk of a PNG and make its checksum right again."""
    chunks, at = [], 8
    while at + 12 <= len(body):
        size = struct.unpack_from(">I", body, at)[0]
        chunks.append((at, size))
        at += 12 + size
    at, size = rng.choice(chunks)
    if size and at + 12 + size <= len(body):
        place = at + 8 + rng.randrange(size)
        body[place] = rng.randrange(256)
        struct.pack_into(">I", body, at + 8 + size, zlib.crc32(body[at + 4 : at + 8 + size]))
    return body


def json_node(body: bytearray, rng: Random) -> bytearray:
    """Replace, remove, repeat or nest a value of a JSON document, which stays JSON."""
    try:
        whole = json.loads(bytes(body))
    except ValueError:
        return number(body, rng)
    holders = [holder for holder in _holders(whole) if holder]
    if not holders:
        return body
    holder = rng.choice(holders)
    key = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    action = rng.choice(("replace", "replace", "remove", "repeat", "nest", "rename"))
    if action == "replace":
        holder[key] = rng.choice(VALUES)
    elif action == "remove":
        del holder[key]
    elif action == "nest":
        for _ in range(rng.choice((1, 50, 300))):
            holder[key] = [holder[key]]
    elif action == "repeat" and isinstance(holder, list):
        holder[key:key] = [holder[key]] * rng.choice((1, 100))
    elif isinstance(holder, dict):
        holder[rng.choice(("type", "id", "name", "coordinates", "\x00"))] = holder.pop(key)
    return bytearray(json.dumps(whole).encode())


def _holders(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [each for one in inner for each in _holders(one)] + ([value] if isinstance(value, dict | list) else [])


def csv_cell(body: bytearray, rng: Random) -> bytearray:
    """Replace one cell, or the delimiter or quote around it."""
    lines = bytes(body).split(b"\n")
    row = rng.randrange(len(lines))
    cells = lines[row].split(b",")
    cells[rng.randrange(len(cells))] = rng.choice((*WORDS, '"', '"a', "=1+1", "a,b", "a\nb", "x" * 70_000, "POINT (1 2)", "1;2")).encode()
    lines[row] = rng.choice((b",", b",", b",", b";", b"\t")).join(cells)
    return bytearray(b"\n".join(lines))


def sqlite_cell(path: Path, rng: Random) -> None:
    """Change one cell of a table of a GeoPackage by SQL, geometry included: the container stays sound."""
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA writable_schema = ON")
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        tables = ("a", "a", "gpkg_contents", "gpkg_geometry_columns", "gpkg_spatial_ref_sys", "sqlite_master")
        table = rng.choice(tables)
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        column = rng.choice(columns)
        rows = database.execute(f'SELECT rowid, "{column}" FROM {table}').fetchall()
        rowid, now = rng.choice(rows)
        if isinstance(now, bytes) and rng.random() < 0.8:
            value: Any = bytes(rng.choice((flip, huge, truncate, zeros, duplicate))(bytearray(now), rng))
        else:
            value = rng.choice((*WORDS, *[each for each in VALUES if isinstance(each, str | float) or each is None], 2**62, -1, b"\x00"))
        with suppress(sqlite3.IntegrityError):  # a key takes integers only
            database.execute(f'UPDATE OR IGNORE {table} SET "{column}" = ? WHERE rowid = ?', (value, rowid))
    database.close()


def parquet_part(path: Path, rng: Random) -> None:
    """Change the `geo` text, one cell or one geometry of a GeoParquet file, which stays Parquet."""
    import pyarrow as pa
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    metadata = dict(table.schema.metadata)
    name = rng.choice(("geo", "geo", *table.column_names))
    if name == "geo":
        metadata[b"geo"] = bytes(json_node(bytearray(metadata[b"geo"]), rng))
        if rng.random() < 0.2:
            metadata[b"pandas"] = bytes(json_node(bytearray(metadata[b"pandas"]), rng))
        table = table.replace_schema_metadata(metadata)
    else:
        cells = table.column(name).to_pylist()
        row = rng.randrange(len(cells))
        if isinstance(cells[row], bytes):
            cells[row] = bytes(rng.choice((flip, huge, truncate, zeros, duplicate))(bytearray(cells[row]), rng))
            column = pa.array(cells, pa.binary())
        else:
            column = pa.array([rng.choice((*WORDS, None)) if n == row else str(cell) for n, cell in enumerate(cells)])
        table = table.set_column(table.column_names.index(name), name, column)
    pyarrow.parquet.write_table(table, path, compression=rng.choice(("NONE", "SNAPPY")))


_BYTES: tuple[Edit, ...] = (flip, flip, truncate, splice, duplicate, remove, huge, huge, length, length, zeros)
_TEXT: tuple[Edit, ...] = (flip, truncate, splice, duplicate, remove, number, number, number)
_BY_FORMAT: dict[str, tuple[Edit, ...]] = {
    "geotiff": (*_BYTES, *[tiff_entry] * 11),
    "cog": (*_BYTES, *[tiff_entry] * 11),
    "png": (*_BYTES, *[png_chunk] * 6),
    "geojson": (*_TEXT, *[json_node] * 12),
    "csv": (*_TEXT, *[csv_cell] * 8),
    "stac item": (*_TEXT, *[json_node] * 16),
}
_TEXT_SUFFIXES = (".xml", ".pgw", ".hdr", ".prj", ".cpg", ".json")
_INNER: dict[str, Callable[[Path, Random], None]] = {"geopackage": sqlite_cell, "geoparquet": parquet_part}


def damage(folder: Path, name: str, form: str, rng: Random) -> None:
    """Damage the files of a folder: mostly the one called `name`, once or up to three times, else one of its side files."""
    others = sorted(path for path in folder.iterdir() if path.name != name and path.suffix != ".tif")
    path = rng.choice(others) if others and rng.random() < 0.35 else folder / name
    if path.name == name and form in _INNER and rng.random() < 0.6:
        _INNER[form](path, rng)
        return
    edits: tuple[Edit, ...] = _BY_FORMAT.get(form, _BYTES)
    if path.suffix in _TEXT_SUFFIXES and path.name != name:
        edits = (*_TEXT, *[json_node] * 8) if path.suffix == ".json" else _TEXT
    elif path.name != name:
        edits = _BYTES
    body = bytearray(path.read_bytes())
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if body:
            body = rng.choice(edits)(body, rng)
    path.write_bytes(body)


def _place(body: bytearray, rng: Random) -> int:
    """Return a place, half of the time in the head, where most formats keep their sizes."""
    return rng.randrange(min(len(body), rng.choice((64, 512, len(body), len(body)))))
