"""The features mode of a query: selected columns, own area and length, ranked and limited; as facts, rows and a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tools.contract import Fact, Unit
from tools.geo.measure import geodesic_area, geodesic_length
from tools.vector.absent import require_columns
from tools.vector.layers import AREA_COLUMN, LENGTH_COLUMN, Layer
from tools.vector.plain import is_numeric, plain

if TYPE_CHECKING:
    import geopandas
    import pandas

    from tools.vector.query import QueryVectorParams

MOST_ROWS = 1_000
"""Most rows in `data`; the file and the facts hold all."""
FEATURE = "feature"
FID = "fid"
MEASURES: dict[str, tuple[str, Unit]] = {"area": ("area_m2", "m2"), "length": ("length_m", "m"), "distance": ("distance_m", "m")}
"""Name in parameters and facts → column of the result, unit."""


def chosen_columns(layer: Layer, params: QueryVectorParams) -> list[str]:
    """Return the names to report: `select`, by default the name column; then those of conditions and of `order_by`.

    `area` and `length` mean the feature's own geodesic measure. Raises ParameterError for an unknown column.
    """
    default = [layer.name_column] if layer.name_column else []
    conditions = [condition.column for condition in params.where.conditions]
    ordering = [params.order_by] if params.order_by and params.order_by != "distance" else []
    names = [*(params.select or [*default, *conditions]), *ordering]
    shortened = [{AREA_COLUMN: "area", LENGTH_COLUMN: "length"}.get(name, name) for name in names]
    require_columns([name for name in shortened if name not in ("area", "length")], layer.frame)
    return list(dict.fromkeys(shortened))


def with_measures(layer: Layer, names: Sequence[str]) -> geopandas.GeoDataFrame:
    """Return the features with columns `fid`, `feature` and, where named, `area_m2` and `length_m` (geodesic)."""
    columns: dict[str, Any] = {FID: layer.frame.index, FEATURE: layer.labels()}  # Any: an index, texts, arrays
    if "area" in names:
        columns["area_m2"] = geodesic_area(layer.geometries, layer.crs)
    if "length" in names:
        columns["length_m"] = geodesic_length(layer.geometries, layer.crs)
    return layer.frame.assign(**columns)


def ranked(frame: geopandas.GeoDataFrame, params: QueryVectorParams) -> geopandas.GeoDataFrame:
    """Sort by `order_by`, nulls last, ties in file order, and keep the first `limit`."""
    if params.order_by is not None:
        column = MEASURES.get(params.order_by, (params.order_by,))[0]
        frame = frame.sort_values(column, ascending=not params.descending, kind="stable", na_position="last", key=_sortable)
    return frame if params.limit is None else frame.head(params.limit)


def row_facts(frame: geopandas.GeoDataFrame, names: Sequence[str]) -> tuple[Fact, ...]:
    """Return a fact per feature and number: own measures with their unit, numeric columns with unit `unspecified`."""
    numeric = [name for name in names if name in MEASURES or is_numeric(frame[name])]
    facts = []
    for name in numeric:
        column, unit = MEASURES.get(name, (name, "unspecified"))
        for feature, value in zip(frame[FEATURE], frame[column], strict=True):
            number = plain(value)
            if isinstance(number, (int, float)):
                facts.append((feature, Fact(name, number, unit, {FEATURE: feature})))
    position = {feature: number for number, feature in enumerate(frame[FEATURE])}
    return tuple(fact for _, fact in sorted(facts, key=lambda pair: position[pair[0]]))


def rows_json(frame: geopandas.GeoDataFrame, names: Sequence[str]) -> list[dict[str, object]]:
    """Return the first rows as JSON objects, numbers with their unit in the key."""
    keys = [FEATURE, *(MEASURES.get(name, (name,))[0] for name in names)]
    table = frame.head(MOST_ROWS)
    return [{key: plain(value) for key, value in zip(keys, row, strict=True)} for row in zip(*(table[key] for key in keys), strict=True)]


def _sortable(column: pandas.Series[Any]) -> pandas.Series[Any]:  # Any: numbers, dates or text
    """Text without case; all else as it is."""
    is_text = column.dtype.kind not in "biufmM"
    return column.map(lambda value: str(value).casefold(), na_action="ignore") if is_text else column
