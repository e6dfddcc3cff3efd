"""The headers of a Shapefile and its parts: what they state must fit into the files, before a reader believes them."""

from __future__ import annotations

import struct
from pathlib import Path

from tools.errors import DataError, LimitError
from tools.settings import current_settings
from tools.storage.paths import side_file
from tools.storage.side_files import check_side_text

HEADER_BYTES = 100
MARK = b"\x00\x00\x27\x0a"
SHAPE_TYPES = (0, 1, 3, 5, 8, 11, 13, 15, 18, 21, 23, 25, 28, 31)
"""ESRI Shapefile Technical Description, 1998, page 4."""
READ_WITH = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".sbn", ".sbx", ".qix", ".idm", ".ind")
"""What GDAL looks for beside any of them, in lower and in upper case."""
TEXT = (".prj", ".cpg")
TABLE = (".dbf", ".cpg")
"""What is read of attributes without shapes."""
FIELD_BYTES = 32
LANGUAGE_BYTE = 29
"""Of the header of a dBASE table: its encoding by number, 0 where it states none."""


def check_shapefile(file: Path) -> None:
    """Check a .shp, or a .dbf by itself, and all that is read with it.

    Raises DataError where a header does not fit its file or a part is no regular file, LimitError for too many columns and
    for side files that are too large.
    """
    found = _parts(file)
    shape = next((part for part in found if part.suffix.lower() == ".shp"), None)
    if shape not in (None, file):
        raise DataError(
            f"The file {file.name!r} is only a part of {shape.name!r}.", hint=f"Add {shape.name!r}; its parts are read with it."
        )
    for part in found if shape else (part for part in found if part.suffix.lower() in TABLE):
        suffix = part.suffix.lower()
        if suffix in (".shp", ".shx"):
            _check_shapes(part)
        elif suffix == ".dbf":
            check_dbf(part)
        elif suffix in TEXT:
            check_side_text(part, repr(file.name))


def guessed_encoding(file: Path) -> str | None:
    """Return the encoding of texts that no part of a Shapefile states: UTF-8 where all bytes are, else ISO-8859-1, as GDAL has it.

    None where it is stated, in .cpg or by the table's header, or where nothing but ASCII stands in the table.
    """
    parts = {part.suffix.lower(): part for part in _parts(file)}
    table = parts.get(".dbf")
    if table is None or ".cpg" in parts:
        return None
    content = table.read_bytes()
    records = content[int.from_bytes(content[8:10], "little") :]
    if content[LANGUAGE_BYTE] or records.isascii():
        return None
    try:
        records.decode("utf-8")
    except UnicodeDecodeError:
        return "ISO-8859-1"
    return "UTF-8"


def _parts(file: Path) -> list[Path]:
    """Return the file and its parts; raise DataError where one is a pipe, a device or a link that leads away."""
    # The folder is not listed: a confined process may read no more than the parts themselves.
    beside = (file.with_suffix(spelling) for suffix in READ_WITH for spelling in (suffix, suffix.upper()))
    return [file, *(part for part in beside if part != file and side_file(part, file) is not None)]


def _check_shapes(file: Path) -> None:
    with file.open("rb") as stream:
        header = stream.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES or not header.startswith(MARK):
        raise DataError(f"The file {file.name!r} is no part of a Shapefile.", hint="Fetch or export it again.")
    stated = 2 * int.from_bytes(header[24:28], "big")  # in 16-bit words
    if not HEADER_BYTES <= stated <= file.stat().st_size:
        raise DataError(f"The Shapefile {file.name!r} is cut short.", hint="Fetch or export it again.")
    (version, kind) = struct.unpack_from("<2I", header, 28)
    if version != 1000 or kind not in SHAPE_TYPES:
        raise DataError(f"The Shapefile {file.name!r} holds shapes of an unknown type ({kind}).", hint="Fetch or export it again.")


def check_dbf(file: Path) -> None:
    """Check the header of a dBASE table, https://www.clicketyclick.dk/databases/xbase/format/dbf.html.

    Raises DataError where its records do not fit into the file, LimitError for more columns than the setting `max_columns`.
    """
    with file.open("rb") as stream:
        header = stream.read(FIELD_BYTES)
    if len(header) < FIELD_BYTES:
        raise DataError(f"The table {file.name!r} is cut short.", hint="Fetch or export it again.")
    records, header_bytes, record_bytes = struct.unpack_from("<IHH", header, 4)
    columns = max(0, header_bytes - FIELD_BYTES) // FIELD_BYTES
    if header_bytes < FIELD_BYTES or record_bytes < 1 or header_bytes + records * record_bytes > file.stat().st_size:
        raise DataError(
            f"The table {file.name!r} states {records:,} records of {record_bytes:,} bytes, which do not fit into it.",
            hint="Fetch or export it again.",
        )
    limit = current_settings().max_columns
    if columns > limit:
        raise LimitError(
            f"The table {file.name!r} has {columns:,} columns, more than {limit:,}.",
            hint="Export the columns that are needed, or raise TERRACITE_MAX_COLUMNS.",
        )
