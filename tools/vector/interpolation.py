"""A layer's numbers brought into zones: counts, and areal interpolation of columns by the share of each feature in each zone.

A sum is shared out by area (length for lines, whole for points); a mean is weighted by the area (length, count) in the zone. Both
assume that a value is spread evenly over its feature: Goodchild and Lam 1980, Geo-Processing 1, 297-312.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from tools.contract import Fact, Outcome, ToolContext, ToolOutput
from tools.errors import ParameterError
from tools.geo.frame import Floats
from tools.geo.intersection import Pieces, intersections
from tools.geo.measure import area_method, geodesic_area, geodesic_length
from tools.geo.rings import Geometries
from tools.geo.transform import transformation_record
from tools.geo.vicinity import bring, lonlat_bounds
from tools.storage.vectors import write_layer
from tools.vector.absent import require_columns
from tools.vector.layers import Layer, read
from tools.vector.plain import plain, require_numeric
from tools.vector.weighting import OWN, weight_of_mean, weights_of

if TYPE_CHECKING:
    import geopandas

    from tools.vector.join import JoinParams, ZoneNumber

FILE = "zones.parquet"
ZONE = "zone"
MOST_ROWS = 1_000
NOT_ALL = 1e-6
"""Share of a column's sum that may lie outside the zones without being said."""


@dataclass(frozen=True)
class _Shared:
    """What lies of each feature in each zone."""

    pieces: Pieces
    """`first`: zone, `second`: feature."""
    size: Floats
    """Of each piece: m2, m, or 1 for a point."""
    share: Floats
    """Of the whole feature, 0 to 1."""
    reached: bool

    @property
    def features(self) -> int:
        """How many features lie in some zone."""
        return int(np.count_nonzero(np.bincount(self.pieces.second))) if len(self.pieces.second) else 0


def into_zones(params: JoinParams, context: ToolContext) -> ToolOutput:
    """Count and interpolate the other layer in the zones; see `tools.vector.join`.

    Raises ParameterError where the layer is no polygons, or a column is unknown or holds no numbers.
    """
    zones = read(context, params.layer, params.where, noun="zones")
    if len(zones.frame) and (shapely.get_dimensions(zones.geometries) < 2).all():
        raise ParameterError(
            "The layer is no polygons, so nothing lies in it.", hint="Let 'layer' be the zones and 'other' what lies in them."
        )
    other = read(context, params.other, params.other_where, noun="features of the other layer")
    require_columns([number.column for number in params.numbers], other.frame)
    for number in params.numbers:
        require_numeric(other.frame, number.column)
    found = {number: weight_of_mean(other, number.column, number.weight) for number in params.numbers if number.aggregate == "mean"}
    numbers = [number.model_copy(update={"weight": found[number][0]}) if number in found else number for number in params.numbers]
    params = params.model_copy(update={"numbers": numbers})
    shared = _shared(zones, other)
    if other.is_nowhere or not shared.reached:
        return _nowhere(zones, other)
    return _report(params, zones, other, shared, context, tuple(said for _, said in found.values() if said))


def _shared(zones: Layer, other: Layer) -> _Shared:
    brought = bring(other.geometries, other.crs, zones.bounds, zones.crs)
    pieces = intersections(zones.geometries, brought.geometries)
    size = _size(pieces.geometries, zones)
    whole = _whole(other)[pieces.second]
    share = np.divide(size, whole, out=np.zeros(len(size)), where=whole > 0)
    return _Shared(pieces, size, np.minimum(share, 1.0), not len(other.frame) or bool(brought.reaches.any()))


def _size(geometries: Geometries, layer: Layer) -> Floats:
    """Return the area of polygons in m2, the length of lines in m, 1 for points."""
    dimensions = shapely.get_dimensions(geometries)
    points, lines, polygons = (np.flatnonzero(dimensions == dimension) for dimension in (0, 1, 2))
    size = np.zeros(len(geometries))
    size[points] = shapely.get_num_geometries(geometries[points])
    size[lines] = geodesic_length(geometries[lines], layer.crs)
    size[polygons] = geodesic_area(geometries[polygons], layer.crs)
    return size


def _whole(other: Layer) -> Floats:
    return _size(other.geometries, other)


def _report(params: JoinParams, zones: Layer, other: Layer, shared: _Shared, context: ToolContext, said: tuple[str, ...]) -> ToolOutput:
    count = np.bincount(shared.pieces.first, minlength=len(zones.frame))
    columns = {f"{number.aggregate} of {number.column}": _number(number, zones, other, shared) for number in params.numbers}
    frame = _frame(zones, count, columns)
    write_layer(context.folder / FILE, frame)
    facts = [*_facts(zones, count, columns), *_totals(params.numbers, other, shared)]
    return ToolOutput(
        summary=f"{shared.features} of {len(other.frame)} features lie in {int((count > 0).sum())} of {len(zones.frame)} zones.",
        facts=tuple(facts),
        outcome=Outcome.VALUE if count.any() else Outcome.TRUE_ZERO,
        files=(FILE,),
        kind="vector",
        warnings=(*_warnings(params.numbers, zones, other, shared), *said),
        method=_method(params, zones, other),
        data={"rows": _rows(zones, count, columns)},
        bbox=lonlat_bounds(zones.bounds, zones.crs),
    )


def _number(number: ZoneNumber, zones: Layer, other: Layer, shared: _Shared) -> Floats:
    """Return the sum or the mean of a column in each zone; NaN for the mean of nothing."""
    values = _values(other, number.column)[shared.pieces.second]
    there = np.isfinite(values)
    weights = np.where(there, _weights(number, other, shared), 0.0)
    totals = _per_zone(zones, shared, weights * np.where(there, values, 0.0))
    if number.aggregate == "sum":
        return totals
    weight = _per_zone(zones, shared, weights)
    mean: Floats = np.divide(totals, weight, out=np.full(len(zones.frame), np.nan), where=weight > 0)
    return mean


def _weights(number: ZoneNumber, other: Layer, shared: _Shared) -> Floats:
    """Return what each piece counts: its share of the feature, in a mean its size, or its share of the base of a rate."""
    if number.aggregate == "sum":
        return shared.share
    if number.weight is None or number.weight in OWN:
        return shared.size
    everyone = np.arange(len(other.frame), dtype=np.intp)
    return shared.share * weights_of(other, number.weight, everyone)[shared.pieces.second]


def _per_zone(zones: Layer, shared: _Shared, weights: Floats) -> Floats:
    return np.bincount(shared.pieces.first, weights, minlength=len(zones.frame)).astype(float)


def _values(other: Layer, column: str) -> Floats:
    values: Floats = other.frame[column].to_numpy(dtype=float, na_value=np.nan)
    return values


def _facts(zones: Layer, count: Any, columns: Mapping[str, Floats]) -> list[Fact]:  # Any: an array of whole numbers
    facts = []
    for position, label in enumerate(zones.labels()):
        subject = {ZONE: label}
        facts.append(Fact("count", int(count[position]), "count", subject))
        facts += [
            Fact(name, float(values[position]), "unspecified", subject) for name, values in columns.items() if np.isfinite(values[position])
        ]
    return facts


def _totals(numbers: Sequence[ZoneNumber], other: Layer, shared: _Shared) -> list[Fact]:
    """Return, of each column that is summed, its sum over the whole other layer, beside which the zones can be checked."""
    summed = [number.column for number in numbers if number.aggregate == "sum"]
    whole = {"of": "whole other layer"}
    totals = [Fact(f"sum of {column}", float(np.nansum(_values(other, column))), "unspecified", whole) for column in summed]
    return [Fact("count", shared.features, "count"), *totals]


def _warnings(numbers: Sequence[ZoneNumber], zones: Layer, other: Layer, shared: _Shared) -> tuple[str, ...]:
    said = [*zones.warnings, *other.warnings, *(absent.warning for absent in zones.absent)]
    said += [f"in the other layer {absent.warning}" for absent in other.absent]
    inside = np.bincount(shared.pieces.second, shared.share, minlength=len(other.frame))
    for number in numbers:
        values = np.nan_to_num(_values(other, number.column))
        total, outside = np.abs(values).sum(), (np.abs(values) * np.clip(1 - inside, 0, 1)).sum()
        if number.aggregate == "sum" and outside > NOT_ALL * total:
            said.append(f"{100 * outside / total:.3g} % of {number.column} lies outside the zones")
    twice = int((inside > 1 + NOT_ALL).sum())
    if twice:
        said.append(f"{twice} features lie in zones that overlap or share a border, and count in each of them")
    if numbers and (shapely.get_dimensions(other.geometries) > 0).any():
        said.append("values are taken as spread evenly over each feature")
    return tuple(said)


def _frame(zones: Layer, count: Any, columns: Mapping[str, Floats]) -> geopandas.GeoDataFrame:  # Any: an array of whole numbers
    """Return the zones with their numbers as columns; `NAME in zone` where the zones have a column so named."""
    made = {"count": count, **columns}
    return zones.frame.assign(**{(f"{name} in zone" if name in zones.frame.columns else name): values for name, values in made.items()})


def _rows(zones: Layer, count: Any, columns: Mapping[str, Floats]) -> list[dict[str, object]]:  # Any: an array of whole numbers
    labels = zones.labels()[:MOST_ROWS]
    return [
        {ZONE: label, "count": int(count[position]), **{name: plain(values[position]) for name, values in columns.items()}}
        for position, label in enumerate(labels)
    ]


def _nowhere(zones: Layer, other: Layer) -> ToolOutput:
    return ToolOutput(
        summary="The other layer does not reach into the extent of the zones, or holds no such feature: no number.",
        outcome=Outcome.NO_COVERAGE,
        warnings=(*zones.warnings, *other.warnings),
        bbox=lonlat_bounds(zones.bounds, zones.crs),
    )


def _method(params: JoinParams, zones: Layer, other: Layer) -> dict[str, Any]:  # Any: JSON
    record = [] if other.crs == zones.crs else [transformation_record("other layer", other.crs, zones.crs, other.geometries)]
    interpolation = {"interpolation": "by the share of each feature's area (length of lines) in the zone; points count whole"}
    return {**area_method(zones.crs), **(interpolation if params.numbers else {}), "transformations": record, "operation": "zones"}
