"""Describe a vector layer or a table: geometry, columns with their types and values, what is missing or invalid."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from tools.catalog.describing import extent_degrees, licence_and_attribution
from tools.catalog.records import Bounds, Column, Content, Value
from tools.contract import Source
from tools.errors import ParameterError
from tools.storage import formats
from tools.storage.crs import crs_text
from tools.storage.feature_names import name_column
from tools.storage.locating import how_located
from tools.storage.shapefile import guessed_encoding
from tools.storage.vectors import attribute_columns, file_tags, read_rows

if TYPE_CHECKING:
    import geopandas
    import pandas

ALL_VALUES = 60
SOME_VALUES = 12
LONGEST_VALUE = 120
"""Characters; longer text is no label and is left out of the values."""

ASSUMED_CRS = "The CRS is assumed: longitude and latitude in columns named so are taken as EPSG:4326."

ColumnType = Literal["integer", "real", "text", "boolean", "date", "datetime", "other"]


def describe_vector(source: Source) -> Content:
    """Describe a layer or table; a missing CRS, an empty layer, null and invalid geometry are warnings."""
    import geopandas

    frame = read_rows(source)
    columns = tuple(describe_column(frame[name]) for name in attribute_columns(frame))
    licence, attribution = licence_and_attribution(file_tags(source))
    empty = () if len(frame) else ("Empty: there are no rows.",)
    placed = (*_how_placed(frame, source), *_encoding(source))
    content = Content(
        kind="table",
        driver=formats.DRIVERS[source.path.suffix.lower()],
        licence=licence,
        attribution=attribution,
        feature_count=len(frame),
        columns=columns,
        name_column=_name_column(columns, len(frame), source.declared.name_column),
        warnings=(*empty, *placed),
    )
    if not isinstance(frame, geopandas.GeoDataFrame):
        return content
    return _with_geometry(content, frame, placed, crs_declared=source.declared.crs is not None)


def _how_placed(frame: pandas.DataFrame, source: Source) -> tuple[str, ...]:
    return how_located(frame, source.declared) if source.path.suffix.lower() in formats.DELIMITED else ()


def _encoding(source: Source) -> tuple[str, ...]:
    """Say by which encoding the texts of a Shapefile are read that does not state it."""
    guessed = guessed_encoding(source.path) if source.path.suffix.lower() in (".shp", ".dbf") else None
    said = "its bytes are" if guessed == "UTF-8" else "nothing tells; a file .cpg beside it would"
    return () if guessed is None else (f"The encoding of texts is not stated and taken as {guessed}: {said}.",)


def _name_column(columns: tuple[Column, ...], count: int, declared: str | None) -> str | None:
    if declared is None:
        return name_column(columns, count)
    names = [column.name for column in columns]
    if declared not in names:
        raise ParameterError(f"The declared name column {declared!r} is not there.", hint=f"The columns are: {', '.join(names) or 'none'}.")
    return declared


def _with_geometry(content: Content, frame: geopandas.GeoDataFrame, placed: tuple[str, ...], *, crs_declared: bool) -> Content:
    bounds = layer_bounds(frame)
    bbox, doubts = extent_degrees(bounds, frame.crs) if bounds and frame.crs is not None else (None, ())
    assumed = (ASSUMED_CRS,) if content.driver == "CSV" and frame.crs is not None and not crs_declared else ()
    return content.model_copy(
        update={
            "kind": "vector",
            "crs": None if frame.crs is None else crs_text(frame.crs),
            "bbox": bbox,
            "bounds": bounds,
            "geometry_type": geometry_family(frame),
            "warnings": (*_warnings(frame), *assumed, *placed, *doubts),
        }
    )


def layer_bounds(frame: geopandas.GeoDataFrame) -> Bounds | None:
    """Return left, bottom, right, top in the layer's CRS; None where there is no geometry."""
    left, bottom, right, top = (float(value) for value in frame.total_bounds)
    return (left, bottom, right, top) if all(math.isfinite(value) for value in (left, bottom, right, top)) else None


def geometry_family(frame: geopandas.GeoDataFrame) -> str | None:
    """Return Point, LineString, Polygon or GeometryCollection where all geometries are of that family, else Mixed."""
    types = {str(name).removeprefix("Multi") for name in frame.geometry.dropna().geom_type.unique()}
    families = {"LineString" if name == "LinearRing" else name for name in types}
    return families.pop() if len(families) == 1 else "Mixed" if families else None


def _warnings(frame: geopandas.GeoDataFrame) -> tuple[str, ...]:
    found = []
    if not len(frame):
        found.append("Empty: there are no features.")
    if frame.crs is None:
        found.append("No coordinate reference system: declare --crs before anything is measured.")
    null = null_geometries(frame)
    if null:
        found.append(f"{null} of {len(frame)} features have no geometry.")
    invalid = invalid_geometries(frame)
    if invalid:
        found.append(f"{invalid} of {len(frame)} geometries are invalid and are repaired before they are measured.")
    return tuple(found)


def null_geometries(frame: geopandas.GeoDataFrame) -> int:
    """Count the features whose geometry is missing or empty."""
    import shapely

    shapes = frame.geometry.to_numpy()
    return int((shapely.is_missing(shapes) | shapely.is_empty(shapes)).sum())


def invalid_geometries(frame: geopandas.GeoDataFrame) -> int:
    """Count the geometries that break the rules of the simple features standard."""
    return int((~frame.geometry.dropna().is_valid).sum())


def describe_column(column: pandas.Series[Any]) -> Column:
    """Describe a column: type, nulls, distinct values; numbers and dates also with their range."""
    kind = column_type(column)
    present = column.dropna()
    plain = present.map(str) if kind == "other" else present
    distinct = plain.drop_duplicates()
    values = [] if kind == "other" else [_plain(value, kind) for value in distinct.iloc[: ALL_VALUES + 1]]
    limited = present[present.abs() < math.inf] if kind == "real" else present
    ranged = kind in ("integer", "real", "date", "datetime") and len(limited)
    return Column(
        name=str(column.name),
        type=kind,
        distinct=len(distinct),
        nulls=len(column) - len(present),
        values=tuple(value for value in (values if len(distinct) <= ALL_VALUES else values[:SOME_VALUES]) if _is_showable(value)),
        minimum=_plain(limited.min(), kind) if ranged else None,
        maximum=_plain(limited.max(), kind) if ranged else None,
    )


def column_type(column: pandas.Series[Any]) -> ColumnType:
    """Return the type; whole numbers that a reader made floats because of nulls are integers again."""
    kinds: dict[str, ColumnType] = {"b": "boolean", "i": "integer", "u": "integer", "f": "real"}
    present = column.dropna()
    if column.dtype.kind == "f" and len(present) and len(present) < len(column) and (present % 1 == 0).all():
        return "integer"
    if column.dtype.kind in kinds:
        return kinds[column.dtype.kind]
    if column.dtype.kind == "M":
        return "date" if len(present) and (present == present.dt.normalize()).all() else "datetime"
    types = {type(value) for value in present}
    if types and types <= {date}:
        return "date"
    return "text" if types <= {str} else "other"


def _plain(value: Any, kind: ColumnType) -> Value:  # Any: numpy scalars, timestamps, dates, text
    if kind == "integer":
        return int(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()[: len("2000-01-01")] if kind == "date" else value.isoformat()
    plain: Value = value.item() if hasattr(value, "item") else value
    return plain


def _is_showable(value: Value) -> bool:
    """Whether a value can stand in JSON and be read as a label."""
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, str) or len(value) <= LONGEST_VALUE
