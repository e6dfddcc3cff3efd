"""The measures mode of a query: one row of numbers per group of columns and per zone, as facts, rows and a layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from tools.contract import Fact, ToolContext
from tools.geo.dissolve import groups_of, union
from tools.vector.filters import Selection
from tools.vector.layers import Layer
from tools.vector.measures import (
    GroupRow,
    Shapes,
    check_measures,
    group_subjects,
    measure_group,
    measure_name,
    measure_warnings,
    ordered,
    overlap_warnings,
    shapes_of,
)
from tools.vector.overlap_source import explain_overlap
from tools.vector.zones import Zones, border_warning, pieces_in, read_zones, shapes_in

if TYPE_CHECKING:
    import geopandas

    from tools.vector.query import QueryVectorParams

MOST_EMPTY = 1_000
"""Up to so many combinations of zone and group are listed even where they are empty."""


@dataclass(frozen=True)
class Measured:
    """The rows of the measures mode and what goes with them."""

    rows: tuple[GroupRow, ...]
    groups: int
    """Groups before `limit`."""
    facts: tuple[Fact, ...]
    frame: geopandas.GeoDataFrame | None
    """Zones with their numbers, or the features measured; None where there are none."""
    warnings: tuple[str, ...]
    transformations: tuple[dict[str, str], ...] = ()
    reached: bool = True
    """False where all zones lie outside the layer's extent."""


def measure(selection: Selection, params: QueryVectorParams, context: ToolContext) -> Measured:
    """Compute the measures of a selection: over all features, per group of columns, per zone, or per both."""
    check_measures(selection.layer, params.measures)
    if params.zones is None:
        return _in_groups(selection.layer, params)
    return _in_zones(read_zones(params.zones, selection.layer, context), selection.layer, params)


def _in_groups(layer: Layer, params: QueryVectorParams) -> Measured:
    subjects = group_subjects(layer, params.group_by)
    shapes = shapes_of(layer.geometries, layer, params.measures, params.surface)
    groups = groups_of(subjects) if params.group_by else {(): np.arange(len(layer.frame))}
    rows = [
        measure_group(dict(zip(params.group_by, key, strict=True)), shapes.take(own), layer, params.measures, params.surface)
        for key, own in groups.items()
    ]
    kept = ordered(rows, params.order_by, descending=params.descending, limit=params.limit)
    facts = tuple(fact for row in kept for fact in row.facts())
    said = (*overlap_warnings(kept), *measure_warnings(layer, params.measures))
    if not params.group_by and overlap_warnings(kept):
        more, sentences = explain_overlap(layer.frame, layer.geometries, shapes.areas)
        facts, said = (*facts, *more), (*said, *sentences)
    return Measured(tuple(kept), len(rows), facts, layer.frame if len(layer.frame) else None, said)


def _in_zones(zones: Zones, layer: Layer, params: QueryVectorParams) -> Measured:
    pieces = pieces_in(zones, layer)
    shapes = shapes_in(zones, layer, pieces, params)
    subjects = group_subjects(layer, params.group_by)
    keys = [(int(zone), subjects[feature]) for feature, zone in zip(pieces.first, pieces.second, strict=True)]
    rows = _zone_rows(zones, shapes, layer, params, keys)
    kept = ordered(rows, params.order_by, descending=params.descending, limit=params.limit)
    facts = tuple(fact for row in kept for fact in row.facts())
    warnings = (
        *zones.warnings,
        *border_warning(pieces, layer, params.measures),
        *overlap_warnings(kept),
        *measure_warnings(layer, params.measures),
    )
    reached = len(zones.outside) < len(zones.groups)
    frame = _zone_frame(zones, kept) if not params.group_by else layer.frame
    return Measured(tuple(kept), len(rows), facts, frame if len(frame) else None, warnings, zones.transformations, reached)


def _zone_rows(
    zones: Zones, shapes: Shapes, layer: Layer, params: QueryVectorParams, keys: Sequence[tuple[int, tuple[str, ...]]]
) -> list[GroupRow]:
    """Return a row per zone and group; empty combinations too, unless there are too many."""
    found = groups_of(keys)
    combinations = list(product(range(len(zones.groups)), dict.fromkeys(group_subjects(layer, params.group_by)) or {(): None}))
    if params.group_by and len(combinations) > MOST_EMPTY:
        combinations = list(found)
    nothing = np.array([], dtype=np.intp)
    rows = []
    for zone, group in combinations:
        subject = {"zone": str(zones.groups[zone].key), **dict(zip(params.group_by, group, strict=False))}
        rows.append(measure_group(subject, shapes.take(found.get((zone, group), nothing)), layer, params.measures, params.surface))
    return rows


def _zone_frame(zones: Zones, rows: Sequence[GroupRow]) -> geopandas.GeoDataFrame:
    """Return the zones, in their own CRS, with their numbers as columns, in the order of the rows."""
    import geopandas

    members = {str(group.key): group.members for group in zones.groups}
    geometries = [union(zones.layer.geometries[members[row.subject["zone"]]]) for row in rows]
    columns: dict[str, list[Any]] = {"zone": [row.subject["zone"] for row in rows]}  # Any: text and numbers
    for name in rows[0].values if rows else ():
        columns[name] = [row.values[name] for row in rows]
    columns["outside"] = [row.subject["zone"] in zones.outside for row in rows]
    return geopandas.GeoDataFrame(columns, geometry=geometries, crs=zones.layer.crs)


def rows_json(measured: Measured, params: QueryVectorParams) -> list[dict[str, object]]:
    """Return the rows as JSON objects: subject and numbers, null where there is no number."""
    names = [measure_name(one) for one in params.measures]
    return [{**row.subject, **{name: row.values[name] for name in names}} for row in measured.rows]
