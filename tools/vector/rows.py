"""The features mode of a query: selected columns, own area and length, ranked and limited; as facts, rows and a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tools.contract import Fact, Unit
from tools.geo.surface import area_on, length_on, perimeter_on
from tools.vector.absent import require_columns
from tools.vector.coordinates import COORDINATES, coordinate_columns, coordinate_unit
from tools.vector.layers import AREA_COLUMN, LENGTH_COLUMN, PERIMETER_COLUMN, Layer
from tools.vector.plain import is_numeric, plain

if TYPE_CHECKING:
    import geopandas
    import pandas

    from tools.geotypes import Surface
    from tools.vector.query import QueryVectorParams

MOST_ROWS = 1_000
"""Most rows in `data`; the file and the facts hold all."""
FEATURE = "feature"
"""Key of a feature's name in the subject of a fact and in rows."""
MARK = "@"
"""Begins the names of computed columns, so that no column of a file is hidden by one."""
LABEL = "@feature"
FID = "@fid"
DISTANCE_COLUMN = "@distance_m"
NEAREST_COLUMN = "@nearest"
MEASURES: dict[str, tuple[str, Unit]] = {
    "area": (AREA_COLUMN, "m2"),
    "length": (LENGTH_COLUMN, "m"),
    "perimeter": (PERIMETER_COLUMN, "m"),
    "distance": (DISTANCE_COLUMN, "m"),
}
"""Name in parameters and facts → computed column, unit."""
OWN = ("area", "length", "perimeter", *COORDINATES)
"""What can be computed of each feature by itself."""


def chosen_columns(layer: Layer, params: QueryVectorParams) -> list[str]:
    """Return the names to report: `select`, by default name column and those of conditions; then that of `order_by`.

    `area`, `length` and `perimeter` mean the feature's own measure; `longitude`, `latitude`, `x` and `y` mean its own place, unless the
    file has numbers under that name, and become the names of `COORDINATES`. Raises ParameterError for an unknown column, and for
    `distance` without a nearest layer.
    """
    default = [layer.name_column] if layer.name_column else []
    conditions = [condition.column for condition in params.where.conditions]
    ordering = [params.order_by] if params.order_by and not (params.order_by == "distance" and params.nearest) else []
    names = [*(params.select or [*default, *conditions]), *ordering]
    measured = {AREA_COLUMN: "area", LENGTH_COLUMN: "length", PERIMETER_COLUMN: "perimeter"}
    meant = [measured.get(name) or _coordinate(name, layer) or name for name in names]
    require_columns([name for name in meant if name not in OWN], layer.frame)
    return list(dict.fromkeys(meant))


def _coordinate(name: str, layer: Layer) -> str | None:
    """Return the computed column of a coordinate; None where the name means a column of the file."""
    held = name in layer.frame.columns and is_numeric(layer.frame[name])
    return MARK + name if MARK + name in COORDINATES and not held else None


def with_measures(layer: Layer, names: Sequence[str], surface: Surface) -> geopandas.GeoDataFrame:
    """Return the features with columns for position, label and, where named, own measures."""
    columns: dict[str, Any] = {FID: layer.frame.index, LABEL: layer.labels()}  # Any: an index, texts, arrays
    for name, measure in (("area", area_on), ("length", length_on), ("perimeter", perimeter_on)):
        if name in names:
            columns[MEASURES[name][0]] = measure(surface, layer.geometries, layer.crs)
    return layer.frame.assign(**columns, **coordinate_columns(layer, names))


def ranked(frame: geopandas.GeoDataFrame, params: QueryVectorParams) -> geopandas.GeoDataFrame:
    """Sort by `order_by`, nulls last, ties in the order that was, and keep the rows of the first `limit` features."""
    if params.order_by is not None:
        column = MEASURES.get(params.order_by, (params.order_by,))[0]
        column = MARK + column if MARK + column in frame.columns else column
        frame = frame.sort_values(column, ascending=not params.descending, kind="stable", na_position="last", key=_sortable)
    return frame if params.limit is None else frame[frame[FID].isin(frame[FID].drop_duplicates().head(params.limit))]


def row_facts(frame: geopandas.GeoDataFrame, names: Sequence[str]) -> tuple[Fact, ...]:
    """Return a fact per feature and number: own measures with their unit, numeric columns with unit `unspecified`."""
    features = frame.drop_duplicates(FID)
    numeric = [name for name in names if name in MEASURES or is_numeric(frame[name])]
    placed = {name: (name, coordinate_unit(name, frame.crs)) for name in COORDINATES if name in names}
    columns = [(name.removeprefix(MARK), *(MEASURES | placed).get(name, (name, "unspecified"))) for name in numeric]
    values = [[plain(value) for value in features[column]] for _, column, _ in columns]
    return tuple(
        Fact(name, value, unit, {FEATURE: label})
        for label, *row in zip(features[LABEL], *values, strict=True)
        for (name, _, unit), value in zip(columns, row, strict=True)
        if isinstance(value, (int, float))
    )


def rows_json(frame: geopandas.GeoDataFrame, names: Sequence[str]) -> list[dict[str, object]]:
    """Return the first rows as JSON objects; computed numbers have their unit in the key, as `area_m2`."""
    columns = [
        LABEL,
        *(MEASURES.get(name, (name,))[0] for name in names),
        *(name for name in (NEAREST_COLUMN, DISTANCE_COLUMN) if name in frame),
    ]
    keys = [column.removeprefix(MARK) for column in columns]
    table = frame.head(MOST_ROWS)
    return [
        {key: plain(value) for key, value in zip(keys, row, strict=True)}
        for row in zip(*(table[column] for column in columns), strict=True)
    ]


def as_layer(frame: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """Return the features as they are written: computed columns without their mark where that name is free."""
    return frame.rename(columns={name: name[1:] for name in frame.columns if name.startswith(MARK) and name[1:] not in frame.columns})


def _sortable(column: pandas.Series[Any]) -> pandas.Series[Any]:  # Any: numbers, dates or text
    """Text without case; all else as it is."""
    is_text = column.dtype.kind not in "biufmM"
    return column.map(lambda value: str(value).casefold(), na_action="ignore") if is_text else column
