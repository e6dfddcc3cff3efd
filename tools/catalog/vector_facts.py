"""The numbers of a layer or table: rows, gaps in geometry and columns, and the range of numeric columns."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tools.catalog.vector_content import column_type, invalid_geometries, null_geometries
from tools.contract import Fact, Source
from tools.storage.vectors import attribute_columns, read_rows

if TYPE_CHECKING:
    import pandas


def vector_facts(source: Source) -> tuple[Fact, ...]:
    """Return the count of features, of missing and invalid geometries, and per column null share, min, max and mean.

    Columns are told apart by the subject `column`; their unit is unspecified, since no file states it.
    """
    import geopandas

    frame = read_rows(source)
    facts = [Fact("count", len(frame), "count")]
    if isinstance(frame, geopandas.GeoDataFrame):
        facts.append(Fact("null_geometries", null_geometries(frame), "count"))
        facts.append(Fact("invalid_geometries", invalid_geometries(frame), "count"))
    for name in attribute_columns(frame):
        facts += _column_facts(frame[name])
    return tuple(facts)


def _column_facts(column: pandas.Series[Any]) -> Iterator[Fact]:
    subject = {"column": str(column.name)}
    present = column.dropna()
    if len(column):
        yield Fact("null_share", 100 * (len(column) - len(present)) / len(column), "%", subject)
    if column_type(column) not in ("integer", "real") or present.empty:
        return
    statistics = {"min": present.min().item(), "max": present.max().item(), "mean": float(present.mean())}
    yield from (Fact(name, value, "unspecified", subject) for name, value in statistics.items() if math.isfinite(value))
