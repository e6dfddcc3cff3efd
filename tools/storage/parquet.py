"""Parquet from outside: what its footer states, what its columns unpack to, and then the table or layer itself.

A few kilobytes of Parquet can hold a column of terabytes, a text that is repeated by reference. So the columns are first
read in pieces with their repetitions kept, and added up; the geometries are looked at on the way, see `tools.storage.wkb`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from tools.errors import DataError, LimitError
from tools.settings import current_settings

if TYPE_CHECKING:
    import pandas
    import pyarrow
    import pyarrow.parquet

MAGIC = b"PAR1"
ENCRYPTED = b"PARE"
TAIL_BYTES = 8
"""Length of the footer, little-endian, and the magic."""
BATCH_ROWS = 1 << 16
CRS_TEXT = re.compile(r"[A-Z_]+\[|[A-Za-z]+:\w+$")
"""A CRS as WKT or by its code; PROJ takes other text for definitions that name files."""


def read_parquet(path: Path, *, is_ours: bool = False) -> pandas.DataFrame:
    """Read GeoParquet as a GeoDataFrame, any other Parquet as a table; a result of ours is not unpacked twice.

    Raises DataError for an encrypted file and one that keeps columns elsewhere, LimitError for more rows, columns, bytes or
    nesting than the settings allow, and what its readers raise for a broken one, see `tools.storage.ogr.readable`.
    """
    import geopandas
    import pandas

    with path.open("rb") as stream:
        geometry = check_parquet(path, stream, is_ours=is_ours)
        return pandas.read_parquet(stream) if geometry is None else geopandas.read_parquet(stream)


def column_names(path: Path) -> list[str]:
    """Return the names of the columns; raise DataError, LimitError or ArrowException."""
    import pyarrow.parquet

    with path.open("rb") as stream:
        _check_footer(path, stream)
        return list(pyarrow.parquet.read_schema(stream).names)


def check_parquet(path: Path, stream: BinaryIO, *, wkb: tuple[str, ...] = (), is_ours: bool = False) -> dict[str, Any] | None:
    """Check footer and columns, `wkb` being columns of geometry in any case; leave the stream at its beginning.

    Return the columns of geometry as GeoParquet describes them, None where the file describes none.
    """
    metadata, geometry = checked_footer(path, stream)
    if not is_ours:
        for batch in unpacked(path, in_pieces(stream, metadata), {*(geometry or ()), *wkb}):
            batch.validate(full=True)  # text that is no UTF-8 would be an error only where it is looked at
    stream.seek(0)
    return geometry


def checked_footer(path: Path, stream: BinaryIO) -> tuple[pyarrow.parquet.FileMetaData, dict[str, Any] | None]:
    """Return the footer, and the columns of geometry as `check_parquet` does; nothing of the columns themselves is looked at."""
    import pyarrow.parquet

    _check_footer(path, stream)
    metadata = pyarrow.parquet.read_metadata(stream)
    _check_stated(path, metadata)
    return metadata, _geometry_columns(metadata)


def _check_footer(path: Path, stream: BinaryIO) -> None:
    size = stream.seek(0, 2)
    stream.seek(max(0, size - TAIL_BYTES))
    tail = stream.read(TAIL_BYTES)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] == ENCRYPTED:
        raise DataError(f"The file {path.name!r} is encrypted.", hint="Export it without encryption.")
    if tail[4:] != MAGIC or length > size - TAIL_BYTES - len(MAGIC):
        raise DataError(f"The file {path.name!r} cannot be read (its end is missing).", hint="Fetch or export it again.")
    _check_limit(path, "bytes in its footer", length, current_settings().max_header_bytes, "MAX_HEADER_BYTES")
    stream.seek(0)


def _check_stated(path: Path, metadata: pyarrow.parquet.FileMetaData) -> None:
    """Compare what the footer states with the limits, and with the file."""
    settings = current_settings()
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    _check_limit(path, "features", metadata.num_rows, settings.max_features, "MAX_FEATURES")
    _check_limit(path, "columns", metadata.num_columns, settings.max_columns, "MAX_COLUMNS")
    if metadata.num_rows < 0 or metadata.num_rows != sum(group.num_rows for group in groups):
        raise DataError(f"The file {path.name!r} contradicts itself about its rows.", hint="Fetch or export it again.")
    unpacked = metadata.num_rows * metadata.num_columns
    for chunk in (group.column(index) for group in groups for index in range(group.num_columns)):
        if chunk.file_path:
            raise DataError(f"The file {path.name!r} keeps columns in other files.", hint="Write it as one file.")
        unpacked += chunk.total_uncompressed_size
    _check_limit(path, "bytes unpacked", unpacked, settings.max_unpacked_bytes, "MAX_UNPACKED_BYTES")


def _geometry_columns(metadata: pyarrow.parquet.FileMetaData) -> dict[str, Any] | None:
    """Return name → description, https://geoparquet.org/releases/v1.1.0/; raise ValueError for a CRS that names a file."""
    text = (metadata.metadata or {}).get(b"geo")
    if text is None:
        return None
    columns: dict[str, Any] = json.loads(text)["columns"]
    for column in columns.values():
        crs = column.get("crs")
        if not (crs is None or isinstance(crs, dict) or (isinstance(crs, str) and CRS_TEXT.match(crs))):
            raise ValueError("its CRS is neither PROJJSON nor WKT")
    return columns


def in_pieces(stream: BinaryIO, metadata: pyarrow.parquet.FileMetaData) -> pyarrow.parquet.ParquetFile:
    """Open a file so that repetitions are kept as such, as `unpacked` needs it."""
    import pyarrow.parquet

    return pyarrow.parquet.ParquetFile(stream, metadata=metadata, read_dictionary=_repeating(metadata), pre_buffer=False)


def unpacked(path: Path, file: pyarrow.parquet.ParquetFile, geometry: set[str], **chosen: Any) -> Iterator[pyarrow.RecordBatch]:
    """Yield columns piece by piece until they are more than may be read; `chosen` are arguments of `iter_batches`."""
    import pyarrow

    from tools.storage.wkb import nests_deeper

    settings, total = current_settings(), 0
    for batch in file.iter_batches(BATCH_ROWS, **chosen):
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            total += _plain_bytes(column)
            _check_limit(path, "bytes unpacked", total, settings.max_unpacked_bytes, "MAX_UNPACKED_BYTES")
            values = column.dictionary if isinstance(column, pyarrow.DictionaryArray) else column
            if name in geometry and (pyarrow.types.is_binary(values.type) or pyarrow.types.is_large_binary(values.type)):
                deep = settings.max_nesting + nests_deeper(values, settings.max_nesting)
                _check_limit(path, "levels of geometries in geometries", deep, settings.max_nesting, "MAX_NESTING")
        yield batch


def _repeating(metadata: pyarrow.parquet.FileMetaData) -> list[str]:
    """Return the names of the columns of text or bytes, not inside of others, of which a piece is written by reference."""
    if not metadata.num_row_groups:
        return []
    chunks = [metadata.row_group(0).column(index) for index in range(metadata.num_columns)]
    texts = [chunk for chunk in chunks if chunk.physical_type == "BYTE_ARRAY" and chunk.has_dictionary_page]
    return [chunk.path_in_schema for chunk in texts if "." not in chunk.path_in_schema]


def _plain_bytes(column: pyarrow.Array) -> int:
    """Return the bytes of a column once every repetition is written out."""
    import pyarrow
    import pyarrow.compute

    if not isinstance(column, pyarrow.DictionaryArray):
        return int(column.nbytes)
    lengths = pyarrow.compute.binary_length(column.dictionary)
    return int(pyarrow.compute.sum(pyarrow.compute.take(lengths, column.indices)).as_py() or 0) + 4 * len(column)


def _check_limit(path: Path, what: str, value: int, limit: int, setting: str) -> None:
    if value > limit:
        raise LimitError(
            f"The file {path.name!r} has more than {limit:,} {what}, the limit.",
            hint=f"Cut it to what is needed first, or raise TERRACITE_{setting}.",
        )
