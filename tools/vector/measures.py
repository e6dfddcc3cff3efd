"""Numbers over features: counts, covered areas, lengths and statistics of columns, for one group or many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import shapely

from tools.contract import Fact, Unit
from tools.errors import ParameterError
from tools.geo.frame import Floats
from tools.geo.overlap import Cover, cover
from tools.geo.rings import Geometries, Indexes
from tools.geo.surface import area_on, height_unit, length_3d_on, length_on, perimeter_on
from tools.vector.absent import require_columns
from tools.vector.layers import Layer
from tools.vector.plain import group_label, require_numeric
from tools.vector.repeats import features_once, once
from tools.vector.weighting import weights_of

if TYPE_CHECKING:
    import pandas

    from tools.geotypes import Surface
    from tools.vector.query import Measure

Number = int | float
UNITS: dict[str, Unit] = {"count": "count", "area": "m2", "length": "m", "perimeter": "m", "length_3d": "m"}
LENGTHS = {"length": length_on, "perimeter": perimeter_on}
"""Measures that are added up over pieces; `length_3d` is one too, of whole features."""
SUM_OF_AREAS = "sum of feature areas"
_KINDS = (
    ("area", 2, "polygons", "Ask for their count, or buffer them with overlay first."),
    ("perimeter", 2, "polygons", "Ask for the length of lines, or for their count."),
    ("length", 1, "lines", "Ask for the perimeter of polygons, or for their count."),
    ("length_3d", 1, "lines", "Ask for the perimeter of polygons, or for their count."),
)
"""Measure, dimension of the geometries it needs, their name, and what to do without them."""


@dataclass(frozen=True)
class Shapes:
    """What is measured: features, or the pieces of features that lie in a zone."""

    rows: Indexes
    """Position in the layer of the feature of each piece."""
    geometries: Geometries
    areas: Floats
    """Area of each piece, m2."""
    lengths: Mapping[str, Floats]
    """`length`, `perimeter` or `length_3d`, where asked for → of each piece, m."""

    def take(self, positions: Indexes) -> Shapes:
        """Return the pieces at these positions."""
        lengths = {name: values[positions] for name, values in self.lengths.items()}
        return Shapes(self.rows[positions], self.geometries[positions], self.areas[positions], lengths)


@dataclass(frozen=True)
class GroupRow:
    """The numbers of one group."""

    subject: Mapping[str, str]
    values: Mapping[str, Number | None]
    """Measure name → number; None where there is none, as the mean of nothing."""
    features: int = 0
    """How many features are in the group."""
    cover: Cover | None = None
    """What the group's polygons cover, where an area was asked for."""
    extra: Mapping[str, Number] = field(default_factory=dict)
    """More areas worth citing: the plain sum where features overlap."""

    def facts(self) -> tuple[Fact, ...]:
        """Return one fact per number."""
        own = [Fact(name, value, unit_of(name), self.subject) for name, value in self.values.items() if value is not None]
        more = [Fact(name, value, "m2", self.subject) for name, value in self.extra.items()]
        return (*own, *more)


def measure_name(measure: Measure) -> str:
    """Return the name under which a measure stands in facts and rows: `count`, `area`, `sum of population`."""
    return measure.aggregate if measure.column is None else f"{measure.aggregate} of {measure.column}"


def unit_of(name: str) -> Unit:
    """Return the unit of a measure; a column's unit is not known."""
    return UNITS.get(name, "unspecified")


def check_measures(layer: Layer, measures: Sequence[Measure]) -> None:
    """Raise ParameterError for unknown or non-numeric columns, and for areas of points or lines, lengths of points."""
    columns = [measure.column for measure in measures if measure.column is not None]
    require_columns(columns, layer.frame)
    for column in columns:
        require_numeric(layer.frame, column)
    dimensions = shapely.get_dimensions(layer.geometries[~shapely.is_missing(layer.geometries)])
    _require_kind({measure.aggregate for measure in measures}, set(dimensions.tolist()) if len(dimensions) else {1, 2})


def _require_kind(asked: set[str], dimensions: set[int]) -> None:
    for name, dimension, kind, hint in _KINDS:
        if name in asked and dimension not in dimensions:
            raise ParameterError(f"The features are no {kind}, so they have no {name}.", hint=hint)


def measure_warnings(layer: Layer, measures: Sequence[Measure]) -> tuple[str, ...]:
    """Say of a layer of mixed kinds which features a measure leaves out, and of heights in which unit they were taken."""
    dimensions = shapely.get_dimensions(layer.geometries)
    said = []
    for name, dimension, kind, _ in _KINDS:
        others = int(((dimensions >= 0) & (dimensions != dimension)).sum())
        if others and any(measure.aggregate == name for measure in measures):
            said.append(f"{others} of {len(dimensions)} features are no {kind}; the {name} leaves them out")
    if "length_3d" in {measure.aggregate for measure in measures} and not height_unit(layer.crs)[1]:
        unit = f"{height_unit(layer.crs)[0]:.9g} m"
        said.append(f"the coordinate reference system has no axis of heights: one unit of height was taken for {unit}")
    return tuple(said)


def shapes_of(geometries: Geometries, layer: Layer, measures: Sequence[Measure], surface: Surface, rows: Indexes | None = None) -> Shapes:
    """Measure geometries once for all groups; areas that no measure asks for stay 0.

    Without `rows` the geometries are those of the layer's features, one each.
    """
    asked: set[str] = {measure.aggregate for measure in measures}
    areas = area_on(surface, geometries, layer.crs) if "area" in asked else np.zeros(len(geometries))
    lengths: dict[str, Floats] = {name: measure(surface, geometries, layer.crs) for name, measure in LENGTHS.items() if name in asked}
    if "length_3d" in asked:
        lengths["length_3d"] = length_3d_on(surface, layer.in_space, layer.crs)
    return Shapes(np.arange(len(geometries)) if rows is None else rows, geometries, areas, lengths)


def measure_group(subject: Mapping[str, str], shapes: Shapes, layer: Layer, measures: Sequence[Measure], surface: Surface) -> GroupRow:
    """Compute all measures over the pieces of one group; a feature counts once, however many pieces it has."""
    rows = np.unique(shapes.rows)
    shapes = shapes.take(np.flatnonzero(np.isin(shapes.rows, features_once(layer.frame, rows))))
    covered = (
        cover(shapes.geometries, layer.crs, shapes.areas, surface) if any(measure.aggregate == "area" for measure in measures) else None
    )
    values: dict[str, Number | None] = {}
    for measure in measures:
        if measure.aggregate == "count":
            values["count"] = len(rows)
        elif measure.aggregate in shapes.lengths:
            values[measure.aggregate] = float(shapes.lengths[measure.aggregate].sum())
        elif measure.aggregate == "area":
            values["area"] = covered.area_m2 if covered is not None else None
        else:
            counted = once(layer.frame, measure.column or "", measure.aggregate, rows)
            column = layer.frame[measure.column].iloc[counted]
            weights = None if measure.weight is None else weights_of(layer, measure.weight, counted)
            values[measure_name(measure)] = _statistic(column, measure.aggregate) if weights is None else _weighted(column, weights)
    extra = {SUM_OF_AREAS: covered.sum_m2} if covered is not None and covered.overlaps else {}
    return GroupRow(subject, values, len(rows), covered, extra)


def _statistic(column: pandas.Series[float], aggregate: str) -> Number | None:
    """Return a statistic of the finite values of a column; the sum of none is 0, all else of none is None."""
    values = column[np.isfinite(column.to_numpy(dtype=float, na_value=np.nan))]
    if not len(values):
        return 0 if aggregate == "sum" else None
    number: Number = getattr(values, aggregate)().item()
    return number


def _weighted(column: pandas.Series[float], weights: Floats) -> Number | None:
    """Return the weighted mean of the finite values of a column; None where they weigh nothing."""
    values = column.to_numpy(dtype=float, na_value=np.nan)
    there = np.isfinite(values)
    total = weights[there].sum()
    return float((weights[there] * values[there]).sum() / total) if total > 0 else None


def group_subjects(layer: Layer, columns: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the group of each feature: the texts of its values in the grouping columns."""
    require_columns(list(columns), layer.frame)
    texts = [[group_label(value) for value in layer.frame[column]] for column in columns]
    return list(zip(*texts, strict=True)) if texts else [()] * len(layer.frame)


def ordered(rows: Sequence[GroupRow], order_by: str | None, *, descending: bool, limit: int | None) -> list[GroupRow]:
    """Sort groups by a measure or a grouping column (missing numbers last), else by their subject; keep the first `limit`.

    Raises ParameterError where `order_by` names neither.
    """
    by_subject = sorted(rows, key=lambda row: tuple(row.subject.values()))
    if order_by is None:
        return by_subject[:limit]
    known = [*(rows[0].values if rows else ()), *(rows[0].subject if rows else ())]
    if rows and order_by not in known:
        raise ParameterError(f"Groups cannot be ordered by {order_by!r}.", hint=f"Order by one of: {', '.join(known)}.")
    if rows and order_by in rows[0].values:
        filled = sorted(
            (row for row in by_subject if row.values[order_by] is not None), key=lambda row: row.values[order_by] or 0, reverse=descending
        )
        return [*filled, *(row for row in by_subject if row.values[order_by] is None)][:limit]
    return sorted(by_subject, key=lambda row: row.subject[order_by], reverse=descending)[:limit]


def overlap_warnings(rows: Sequence[GroupRow]) -> tuple[str, ...]:
    """Say where the plain sum of areas misleads: in full for a single group, summed up for many."""
    overlapping = [row for row in rows if row.cover is not None and row.cover.overlaps]
    if not overlapping:
        return ()
    if len(rows) == 1 and overlapping[0].cover is not None:
        return tuple(filter(None, [overlapping[0].cover.warning()]))
    named = "; ".join(_overlap_in(row) for row in overlapping[:3])
    return (f"features overlap in {len(overlapping)} of {len(rows)} groups, each place is counted once ({named})",)


def _overlap_in(row: GroupRow) -> str:
    name = ", ".join(row.subject.values())
    return f"{name}: covered area {row.values['area']:,.1f} m2, plain sum {row.extra[SUM_OF_AREAS]:,.1f} m2"
