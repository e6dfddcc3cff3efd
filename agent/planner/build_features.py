"""Frames for features themselves: how many, which ones, the largest, per group or zone; and the nearest of another layer."""

from __future__ import annotations

from dataclasses import replace

from agent.planner.atlas import Dataset
from agent.planner.frames import Filter, Frame, Having, Layer
from agent.planner.ingredients import Ingredients, filtered, gather, grouped, joined_cells, told_apart
from agent.planner.lexicon import PROPERTY_WORDS
from agent.planner.limits import best_column
from agent.planner.parts import Parts
from agent.planner.ranking import Ranking, ranking_of

_EXTRA = ("area", "length")


def build_features(parts: Parts, *, count: bool) -> Frame | None:
    """Return the frame that counts (`count`) or lists features under these readings; None where they do not fit together."""
    ranking = ranking_of(parts)
    found = gather(parts, ranking.index)
    if found is None or (any(near.predicate == "beyond_distance" for near in found.near) and not count):
        return None
    target = _target(parts, found, ranking)
    if target is None:
        return None
    layer = filtered(parts, target, found)
    if layer is None:
        return None
    frame = Frame("features", layer=layer, cells=joined_cells(found.cells) if found.cells else None)
    if found.cells and (
        frame.cells is None
        or not (frame.cells.classes or frame.cells.ranges)
        or parts.atlas.get(layer.ref).geometry not in ("polygon", "mixed")
        or found.groups
    ):
        return None
    if count or (found.groups and not set(_EXTRA) & set(parts.clause.measures)):
        return _counted(parts, frame, found, ranking)
    if found.groups:
        return None
    return _listed(parts, frame, found, ranking)


def _target(parts: Parts, found: Ingredients, ranking: Ranking) -> Layer | None:
    """Return the features that are counted or listed: the first that the clause names."""
    if found.layers:
        return found.layers[0]
    for index in [*found.groups]:
        reading = parts.reading(index)
        if reading.dataset.is_vector and index != ranking.index:
            return parts.layer_of(reading.dataset, (), reading.dataset.title)
    for reading, _ in found.columns:
        return parts.layer_of(reading.dataset, (), reading.dataset.title)
    return None


def _counted(parts: Parts, frame: Frame, found: Ingredients, ranking: Ranking) -> Frame | None:
    if found.columns:
        return None
    extra = tuple((name, None) for name in _EXTRA if name in parts.clause.measures)
    if any(name == "length" for name, _ in extra) and frame.layer and parts.atlas.get(frame.layer.ref).geometry == "point":
        return None
    parts.use("measure", "count", *(name for name, _ in extra))
    measures = (("count", None), *extra)
    result = told_apart(parts, replace(frame, measures=measures), found)
    for index in found.groups:
        result = grouped(parts, result, found, index) if result else None
    if result is None or (parts.having and not (result.zones or result.group_by)):
        return None
    if parts.clause.unit and extra:
        parts.use("unit", 0)
    if ranking.order and not (result.zones or result.group_by):
        return None
    result = replace(result, order=ranking.order, limit=ranking.limit, having=parts.having, unit=parts.clause.unit)
    return ranking.applied(parts, result)


def _listed(parts: Parts, frame: Frame, found: Ingredients, ranking: Ranking) -> Frame | None:
    """List features: their names, what the clause names of them, and what they are ranked by."""
    if parts.having or frame.layer is None:
        return None
    dataset = parts.atlas.get(frame.layer.ref)
    columns = [name for reading, _ in found.columns for name in reading.columns if reading.dataset.id == dataset.id]
    if len(columns) < sum(len(reading.columns) for reading, _ in found.columns):
        return None
    measures = [name for name in _EXTRA if name in parts.clause.measures]
    parts.use("measure", *measures)
    if "coordinates" in parts.clause.measures:
        if dataset.geometry != "point" or ranking.order:
            return None
        parts.use("measure", "coordinates")
        columns += ["@longitude", "@latitude"]
    order_by = _order_key(parts, dataset, columns, measures) if ranking.order else None
    if ranking.order and order_by is None:
        return None
    select = _selected(dataset, frame.layer, [*columns, *measures, *([order_by] if order_by else [])])
    if parts.clause.unit and measures:
        parts.use("unit", 0)
    frame = replace(frame, select=select, order=ranking.order, order_by=order_by, limit=ranking.limit, unit=parts.clause.unit)
    return ranking.applied(parts, frame)


def _order_key(parts: Parts, dataset: Dataset, columns: list[str], measures: list[str]) -> str | None:
    """Return the column, `area` or `length` by which features are ranked."""
    numeric = [name for name in columns if (column := dataset.column(name)) and column.type in ("integer", "real", "date", "datetime")]
    if numeric:
        return numeric[-1]
    if measures:
        return measures[-1]
    adjective = parts.clause.superlative.adjective if parts.clause.superlative else ""
    if adjective in ("area", "length") and dataset.geometry in ("polygon", "line"):
        return "length" if dataset.geometry == "line" else "area"
    words = PROPERTY_WORDS.get(adjective, ())
    column = best_column(parts, dataset, words) if words else None
    return column.name if column else None


def _selected(dataset: Dataset, layer: Layer, wanted: list[str]) -> tuple[str, ...]:
    label = [dataset.label_column] if dataset.label_column else []
    tested = [
        {"@area_m2": "area", "@length_m": "length"}.get(condition.column, condition.column)
        for condition in layer.where
        if condition.op not in ("=", "in")
    ]
    return tuple(dict.fromkeys([*label, *wanted, *tested]))


def build_beyond(parts: Parts) -> Frame | None:
    """Return the frame of `which schools are more than 5 km from any hospital`: nearest distances above a limit."""
    found = gather(parts)
    if (
        found is None
        or len(found.near) != 1
        or found.near[0].predicate != "beyond_distance"
        or not found.layers
        or found.cells
        or found.groups
    ):
        return None
    near = found.near[0]
    rest = Ingredients(layers=found.layers, roles=found.roles, minus=found.minus, strict=found.strict)
    layer = filtered(parts, found.layers[0], rest)
    if layer is None or found.columns:
        return None
    having = Having(">", near.distance_m or 0.0, "m")
    return Frame("nearest", layer=layer, other=near.other, order="desc", having=having)


def as_within(frame: Frame) -> Frame | None:
    """Return the frame with its `farther than` turned into `within`, so that the one can be taken from all."""
    if frame.layer is None or not any(one.predicate == "beyond_distance" for one in frame.layer.filters):
        return None
    filters = tuple(
        Filter("within_distance", one.other, one.distance_m) if one.predicate == "beyond_distance" else one for one in frame.layer.filters
    )
    return replace(frame, layer=replace(frame.layer, filters=filters))
