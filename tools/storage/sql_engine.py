"""Runs checked SQL over tables in memory with SedonaDB (Apache DataFusion with spatial joins); the one place that imports it.

The engine could open files and reach networks. What it is given here names only tables that were handed to it; the grammar of
`tools.sql` sees to that, and a worker process has no right to more than its inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tools.errors import MemoryLimitError, ParameterError
from tools.storage.bootstrap import bootstrap

if TYPE_CHECKING:
    import pyarrow
    from sedonadb.context import SedonaContext  # type: ignore[import-untyped]

OPTIONS = {
    # One thread, one order of rows: sums of floats come out the same to the last bit.
    "datafusion.execution.target_partitions": "1",
    # No tables but those that are handed over.
    "datafusion.catalog.information_schema": "false",
    # Nothing is put on disk: its threads outlive a call, and in a worker they may write only where the first call could.
    "datafusion.runtime.max_temp_directory_size": "'0K'",
}
BATCH_ROWS = 8_192
SHORT_OF_MEMORY = ("Resources exhausted", "allocation failed", "Not enough memory", "disk space", "temporary", "Permission denied")
"""Words of the engine where its memory does not do."""
GEOMETRY = {b"ARROW:extension:name": b"geoarrow.wkb", b"ARROW:extension:metadata": b"{}"}
"""Metadata of a field of WKB that the engine takes for geometry, without CRS: all geometries of a query share one."""


def run_sql(sql: str, tables: Mapping[str, pyarrow.Table], *, memory_bytes: int) -> pyarrow.Table:
    """Return the rows of a query; geometry comes back as WKB. `memory_bytes` bounds what sorts, groups and joins hold.

    Raises ParameterError with the engine's words where the query fails on the data, e.g. a CAST of text that is no number,
    and MemoryLimitError where the memory does not do.
    """
    bootstrap()  # the engine looks for GDAL and PROJ in rasterio and pyproj
    import sedonadb  # type: ignore[import-untyped]  # ships no types
    from sedonadb._lib import SedonaError  # type: ignore[import-untyped]

    context = sedonadb.connect()
    context.options.memory_limit = memory_bytes
    try:
        return _answer(context, sql, tables)
    except SedonaError as error:
        raise _refusal(str(error)) from error


def _answer(context: SedonaContext, sql: str, tables: Mapping[str, pyarrow.Table]) -> pyarrow.Table:
    for name, value in OPTIONS.items():
        context.sql(f"SET {name} = {value}").execute()
    for name, table in tables.items():
        context.create_data_frame(_in_batches(table)).to_view(f'"{name}"')
    return context.sql(sql).to_arrow_table()


def _in_batches(table: pyarrow.Table) -> pyarrow.Table:
    """Return a copy in batches of the engine's size: of a slice it would count the whole column, and be out of memory at once."""
    import pyarrow

    starts = range(0, max(table.num_rows, 1), BATCH_ROWS)
    copies = [
        table.take(pyarrow.array(range(start, min(start + BATCH_ROWS, table.num_rows)), pyarrow.int64())).combine_chunks()
        for start in starts
    ]
    return pyarrow.concat_tables(copies)


def _refusal(text: str) -> ParameterError | MemoryLimitError:
    if any(words in text for words in SHORT_OF_MEMORY):
        return MemoryLimitError(
            "The query needs more memory than half of TERRACITE_WORKER_MEMORY_MB.",
            hint="Group or filter before joining, or raise the limit.",
        )
    first = text.strip().partition("\n")[0][:200].rstrip(". ")
    return ParameterError(
        f"The query fails: {first}.", hint="Types must fit: CAST a column, compare numbers with numbers and text with text."
    )
