"""The numbers of a layer or table: rows, kinds and faults of geometry, gaps in columns, and the range of numeric columns."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tools.catalog.vector_content import column_type, null_geometries
from tools.contract import Fact, Source
from tools.storage.vectors import attribute_columns, layer_names, read_rows

if TYPE_CHECKING:
    import geopandas
    import pandas


def vector_manifest(source: Source) -> tuple[tuple[Fact, ...], dict[str, Any]]:
    """Return the numbers of a layer or table as facts, and as JSON what more there is to say of its geometry and its file.

    Facts: count of features, also per type of geometry; of missing geometries, and of invalid ones, also per reason; per column null
    share, distinct values, min, max and mean. Columns are told apart by the subject `column`; their unit is unspecified, since no file
    states it. JSON: `invalid` (the first feature per reason, by its position from 0) and `layers` of the file.
    """
    import geopandas

    frame = read_rows(source)
    facts, data = [Fact("count", len(frame), "count")], dict[str, Any]()
    if isinstance(frame, geopandas.GeoDataFrame):
        facts += [Fact("count", count, "count", {"geometry": name}) for name, count in geometry_types(frame).items()]
        facts.append(Fact("null_geometries", null_geometries(frame), "count"))
        reasons = invalid_reasons(frame)
        facts.append(Fact("invalid_geometries", sum(len(rows) for rows in reasons.values()), "count"))
        facts += [Fact("invalid_geometries", len(rows), "count", {"reason": reason}) for reason, rows in reasons.items()]
        data["invalid"] = [{"reason": reason, "count": len(rows), "first": rows[0]} for reason, rows in reasons.items()]
    for name in attribute_columns(frame):
        facts += _column_facts(frame[name])
    layers = [name for name in layer_names(source.path) if name is not None]
    return tuple(facts), {**data, **({"layers": layers} if layers else {})}


def geometry_types(frame: geopandas.GeoDataFrame) -> dict[str, int]:
    """Return type → features of it, by name; missing ones are in none."""
    return {str(name): int(count) for name, count in sorted(frame.geometry.dropna().geom_type.value_counts().items())}


def invalid_reasons(frame: geopandas.GeoDataFrame) -> dict[str, list[int]]:
    """Return what breaks the rules of the simple features standard → positions of the features where it does, most frequent first."""
    import shapely

    present = frame.geometry.dropna()
    broken = present[~present.is_valid]
    found: dict[str, list[int]] = {}
    for row, reason in zip(broken.index, shapely.is_valid_reason(broken.to_numpy()), strict=True):
        found.setdefault(str(reason).partition("[")[0].strip(), []).append(int(row))
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def _column_facts(column: pandas.Series[Any]) -> Iterator[Fact]:
    subject = {"column": str(column.name)}
    present = column.dropna()
    if len(column):
        yield Fact("null_share", 100 * (len(column) - len(present)) / len(column), "%", subject)
    kind = column_type(column)
    if kind != "other":
        yield Fact("distinct", int(present.nunique()), "count", subject)
    if kind not in ("integer", "real") or present.empty:
        return
    statistics = {"min": present.min().item(), "max": present.max().item(), "mean": float(present.mean())}
    yield from (Fact(name, value, "unspecified", subject) for name, value in statistics.items() if math.isfinite(value))
