"""The rows of a query as facts, as a layer or table, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import geopandas
import pandas
import pyarrow
import pyarrow.compute
import pyarrow.parquet
import shapely
from pyproj import CRS

from tools.contract import Fact
from tools.sql.traits import Trait
from tools.storage.vectors import write_layer

FILE = "result.parquet"
MOST_FACTS = 50_000
MOST_ROWS = 1_000
"""Most rows in `data`; the file holds all."""
ROW = "row"
"""Key of the subject that tells rows apart which have the same texts."""

Row = dict[str, Any]  # Any: text, numbers, dates


def plain_rows(table: pyarrow.Table, geometries: Sequence[str]) -> list[Row]:
    """Return the rows without geometry: decimals and floats that are whole as they came, dates as text."""
    columns = [name for name in table.column_names if name not in geometries]
    values = {name: [_plain(value) for value in table[name].to_pylist()] for name in columns}
    return [{name: values[name][position] for name in columns} for position in range(table.num_rows)]


def _plain(value: Any) -> Any:  # Any: what Arrow holds
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else value.isoformat()


def without_infinite(table: pyarrow.Table) -> tuple[pyarrow.Table, int]:
    """Return the table with nulls for numbers that are not finite, as of LN(0) or SQRT(-1), and how many they are."""
    found = 0
    for position, name in enumerate(table.column_names):
        if pyarrow.types.is_floating(table[name].type):
            finite = pyarrow.compute.is_finite(table[name])  # null stays null
            found += table.num_rows - table[name].null_count - (pyarrow.compute.sum(finite).as_py() or 0)
            table = table.set_column(position, name, pyarrow.compute.if_else(finite, table[name], None))
    return table, found


def write_result(folder: Path, table: pyarrow.Table, geometry: str | None, crs: CRS | None) -> tuple[str, Literal["vector", "table"]]:
    """Write the rows as GeoParquet where they have geometry, else as Parquet; return file and kind of artifact."""
    path = folder / FILE
    if geometry is None:
        pyarrow.parquet.write_table(_stored(table), path, compression="zstd")
        return FILE, "table"
    column = table[geometry].combine_chunks()
    wkb = column.storage if isinstance(column, pyarrow.ExtensionArray) else column
    shapes = shapely.from_wkb(wkb.to_numpy(zero_copy_only=False))
    frame = _stored(table.drop_columns([geometry])).to_pandas()
    write_layer(path, geopandas.GeoDataFrame(pandas.DataFrame(frame), geometry=list(shapes), crs=crs))
    return FILE, "vector"


def _stored(table: pyarrow.Table) -> pyarrow.Table:
    """Return the table in types that every reader knows, without metadata of the engine."""
    columns = [_column(table[name]) for name in table.column_names]
    return pyarrow.table(columns, names=table.column_names)


def _column(column: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    if not pyarrow.types.is_decimal(column.type):
        return column.cast(_STORED.get(str(column.type), column.type))
    try:
        return column.cast(pyarrow.int64())
    except pyarrow.ArrowInvalid:  # a fraction, or more than 64 bits
        return column.cast(pyarrow.float64())


_STORED = {"string_view": pyarrow.string(), "large_string": pyarrow.string(), "uint64": pyarrow.int64(), "int32": pyarrow.int64()}


def facts_of(rows: Sequence[Row], traits: Mapping[str, Trait], keys: frozenset[str]) -> Iterator[Fact]:
    """Yield a fact per row and number that comes from data; its subject are the texts, dates and keys of its row."""
    numbers = [name for name, trait in traits.items() if name not in keys and not trait.is_geometry]
    subjects = [_subject(row, keys) for row in rows]
    seen = Counter(tuple(subject.items()) for subject in subjects)
    for position, (row, subject) in enumerate(zip(rows, subjects, strict=True), start=1):
        about = {**subject, ROW: str(position)} if seen[tuple(subject.items())] > 1 else subject
        for name in numbers:
            if isinstance(row[name], (int, float)) and not isinstance(row[name], bool) and is_fact(traits[name]):
                yield Fact(name, row[name], traits[name].unit, about)


def is_fact(trait: Trait) -> bool:
    """Whether the numbers of a column come from data alone."""
    return trait.depends and not trait.has_own


def numbers_of_the_query(rows: Sequence[Row], traits: Mapping[str, Trait]) -> list[str]:
    """Return the columns of numbers that yield no fact."""
    return [
        name
        for name, trait in traits.items()
        if not trait.is_geometry
        and not is_fact(trait)
        and any(isinstance(row[name], (int, float)) and not isinstance(row[name], bool) for row in rows)
    ]


def _subject(row: Row, keys: frozenset[str]) -> dict[str, str]:
    return {name: str(value) for name, value in row.items() if value is not None and (name in keys or isinstance(value, (str, bool)))}
