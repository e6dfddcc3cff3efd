"""Take up an earlier question: another place, class, limit, unit, measure or order, and leave the rest as it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

from agent.planner.build_values import statistics_of
from agent.planner.frames import Cells, Condition, Filter, Frame, Layer, Plan, Zones
from agent.planner.ingredients import zones_of
from agent.planner.interpret import Interpretation, Scene
from agent.planner.limits import attach_limits
from agent.planner.parts import Parts, is_polygonal
from agent.planner.readings import Reading

_MEASURES = {"area": "area", "howmuch": "area", "length": "length", "count": "count"}


def is_fragment(scene: Scene) -> bool:
    """Whether a clause says too little to stand by itself, or points back in so many words."""
    clause = scene.clause
    if clause.has("again", "pronoun"):
        return True
    asks = bool(clause.measures) or clause.has(
        "list", "weak_list", "map", "where", "describe", "datasets", "columns", "help", "nearest", "rank", "difference"
    )
    grouped = any(phrase.role in ("group", "near", "far") for phrase in clause.phrases)
    return not asks and not grouped and clause.superlative is None


def ranked(previous: Plan, scene: Scene) -> Plan | None:
    """Return the last question with its answer ranked, for `Which ward has the most?`; None where something else is asked."""
    clause, frame = scene.clause, previous.frames[-1]
    word = clause.superlative
    if word is None or clause.measures or clause.limits or clause.keyed or clause.has("map", "nearest", "farthest"):
        return None
    if word.adjective and (word.adjective, frame.kind) != ("height", "values"):
        return None
    refs = {frame.zones.layer.ref} if frame.zones else {frame.layer.ref} if frame.layer and frame.group_by else set()
    columns = frozenset() if frame.zones else frozenset(frame.group_by)
    if not refs or not all(_names_parts(options, refs, columns) for options in scene.options):
        return None
    changed = _with_order(Parts(clause, scene.tokens, scene.atlas, ()), frame)
    return replace(previous, frames=(*previous.frames[:-1], changed)) if changed else None


def _names_parts(options: Sequence[Reading | None], refs: set[str], columns: frozenset[str]) -> bool:
    """Whether a phrase may mean the zones, or the values of the columns, by which a result is given; or says nothing."""
    named = [one for one in options if one and one.dataset.id in refs and not one.where and not one.unknown]
    return None in options or any(bool(set(one.columns) & columns) if columns else one.means_features for one in named)


def follow(previous: Plan, scene: Scene) -> Interpretation | None:
    """Return the earlier plan with the changes that the clause asks for; None where it does not fit."""
    if previous.frames[-1].kind in ("scenes", "documents", "change", "tasks"):
        return None
    options = [(*choices, None) if any(choice is None for choice in choices) else choices for choices in scene.options]
    found = [one for readings in product(*options) if (one := _followed(previous, scene, readings))]
    complete = [one for one in found if one.is_complete]
    return max(complete, key=lambda one: one.score, default=None)


def _followed(previous: Plan, scene: Scene, readings: tuple[Reading | None, ...]) -> Interpretation | None:
    frame = previous.frames[-1]
    parts = Parts(scene.clause, scene.tokens, scene.atlas, readings)
    if not _attach(parts, frame):
        return None
    changed = _nearest_of(parts, frame) if scene.clause.has("nearest") else _changed(parts, frame)
    if changed is None:
        return None
    unknown = frozenset(place for reading in readings if reading for place in reading.unknown)
    known = {frame.layer.ref if frame.layer else "", frame.cells.ref if frame.cells else "", frame.zones.layer.ref if frame.zones else ""}
    score = sum(reading.score + 0.1 * (reading.dataset.id in known) for reading in readings if reading)
    changed = replace(changed, notes=tuple(parts.notes))
    frames = (changed,) if len(previous.frames) == 1 or changed.kind != frame.kind else (*_each(previous, frame, changed), changed)
    return Interpretation(Plan(frames, previous.derived if len(frames) > 1 else ""), score, frozenset(parts.missing()), unknown, readings)


def _nearest_of(parts: Parts, frame: Frame) -> Frame | None:
    """Return the frame of `and the nearest town to each?`: from every feature that was chosen before."""
    named = [index for index, reading in enumerate(parts.readings) if reading]
    if (
        len(named) != 1
        or frame.layer is None
        or frame.kind not in ("features", "extent")
        or frame.limit
        or frame.clips
        or frame.minus
        or frame.having
    ):
        return None
    index, reading = named[0], parts.reading(named[0])
    if parts.phrase(index).role != "nearest" or reading.kind != "layer" or not reading.dataset.is_vector:
        return None
    parts.use("relation", index)
    parts.use("flag", "nearest", "distance", "where")
    parts.use("each", *(place for place, phrase in enumerate(parts.clause.phrases) if not phrase.places))
    parts.use("measure", *(name for name in parts.clause.measures if name in ("distance", "howmuch")))
    return Frame("nearest", layer=frame.layer, other=parts.layer(index), count=parts.clause.nearest_count or 1)


def _each(previous: Plan, frame: Frame, changed: Frame) -> Iterator[Frame]:
    """Carry a change of unit over to the other frames of the earlier plan."""
    if replace(changed, unit=frame.unit, notes=frame.notes) == frame:
        yield from (replace(one, unit=changed.unit) for one in previous.frames[:-1])


def _attach(parts: Parts, frame: Frame) -> bool:
    """Attach limits: to what the clause names, else to what the earlier frame is limited by."""
    if not parts.clause.limits:
        return True
    target = frame.cells if frame.cells and frame.cells.ranges else None
    if target and not any(reading for reading in parts.readings):
        from agent.planner.limits import _limit_values

        dataset = parts.atlas.get(target.ref)
        done = [_limit_values(parts, dataset, target.band, limit.comparison) for limit in parts.clause.limits]
        parts.use("limit", *range(len(done)))
        return all(done)
    return _attach_to_layer(parts, frame) if frame.layer else attach_limits(parts)


def _attach_to_layer(parts: Parts, frame: Frame) -> bool:
    """Limit the features of the earlier frame."""
    layer = frame.layer
    if layer is None or not parts.atlas.has(layer.ref):
        return False
    dataset = parts.atlas.get(layer.ref)
    as_phrase = Reading(dataset, "layer", 1.0, layer.noun, is_named=True)
    wider = Parts(parts.clause, parts.tokens, parts.atlas, (*parts.readings, as_phrase))
    if not attach_limits(wider):
        return False
    parts.conditions, parts.ranges, parts.notes = wider.conditions, wider.ranges, wider.notes
    parts.properties, parts.used, parts.range_phrases = wider.properties, wider.used, wider.range_phrases
    return True


def _changed(parts: Parts, frame: Frame) -> Frame | None:
    """Apply every change, in an order in which later ones see earlier ones."""
    clause = parts.clause
    changed: Frame | None = frame
    for index, reading in enumerate(parts.readings):
        if reading is None or index in parts.properties or changed is None:
            continue
        if index in parts.range_phrases:
            parts.use("phrase", index)
            continue
        changed = _with_phrase(parts, changed, index, reading)
    if changed is None:
        return None
    changed = _with_limits(parts, changed)
    changed = _with_measures(parts, changed) if changed else None
    if changed and clause.has("out") and not any(phrase.role == "out" for phrase in clause.phrases):
        changed = (
            replace(changed, minus=changed.clips, clips=())
            if changed.clips
            else replace(changed, clips=changed.minus, minus=())
            if changed.minus
            else None
        )
    changed = _with_order(parts, changed) if changed else None
    if changed and clause.unit:
        parts.use("unit", 0)
        changed = replace(changed, unit=clause.unit)
    return changed


def _with_phrase(parts: Parts, frame: Frame, index: int, reading: Reading) -> Frame | None:
    phrase = parts.phrase(index)
    if phrase.role in ("near", "far", "not", "lacks", "nearest"):
        return None
    parts.use("phrase", index)
    parts.use("relation", index)
    if phrase.role == "group":
        return _regrouped(parts, frame, index, reading)
    if reading.kind == "cells" or (reading.kind == "raster" and frame.kind == "values"):
        return _with_cells(parts, frame, index, reading)
    if reading.kind == "layer" and reading.dataset.is_vector:
        return _with_layer(parts, frame, index, parts.layer(index), reading)
    if reading.kind == "column" and frame.layer and reading.dataset.id == frame.layer.ref:
        return _with_column(frame, reading)
    return None


def _with_cells(parts: Parts, frame: Frame, index: int, reading: Reading) -> Frame | None:
    if frame.kind not in ("cells", "values") or frame.cells is None:
        return None
    if frame.cells.derived and reading.dataset.derived is None:  # `and of X?` asks for the same index of X
        return None
    if frame.kind == "values":
        return replace(frame, cells=Cells(reading.dataset.id, reading.band, noun=reading.words)) if reading.kind == "raster" else None
    return replace(frame, cells=parts.cells(index))


def _with_column(frame: Frame, reading: Reading) -> Frame | None:
    column = reading.dataset.column(reading.columns[-1])
    if column is None or not column.is_numeric or not frame.measures:
        return None
    aggregate = next((name for name, held in frame.measures if held), "sum")
    return replace(frame, kind="features", measures=((aggregate, column.name),))


def _regrouped(parts: Parts, frame: Frame, index: int, reading: Reading) -> Frame | None:
    if frame.layer and reading.dataset.id == frame.layer.ref:
        column = reading.columns[-1] if reading.kind == "column" else reading.dataset.label_column
        measures = frame.measures or (("count", None),)
        return replace(frame, group_by=(column,), measures=measures, select=(), order_by=None) if column else None
    zones = zones_of(parts, index)
    if zones is None or frame.kind not in ("cells", "values", "extent", "features"):
        return None
    measures = frame.measures or ((("count", None),) if frame.kind == "features" else ())
    return replace(frame, zones=zones, measures=measures, select=(), order_by=None)


def _with_layer(parts: Parts, frame: Frame, index: int, layer: Layer, reading: Reading) -> Frame | None:
    """Put other features in the place of those they resemble: another zone, another class, another start."""
    is_name = any(condition.column == reading.dataset.name_column for condition in layer.where)
    if frame.kind == "nearest":
        return _other_side(parts, frame, index, layer, is_name=is_name)
    if frame.zones and frame.zones.layer.ref == layer.ref:
        return replace(frame, zones=_as_place(parts, layer, reading), order=None, limit=None)
    replaced = _in_filters(frame, layer) or _in_cuts(frame, layer)
    if replaced:
        return replaced
    if frame.layer and frame.layer.ref == layer.ref:
        return replace(frame, layer=_swapped(frame.layer, layer))
    if is_polygonal(reading.dataset):
        return _new_place(parts, frame, layer, reading)
    return None


def _as_place(parts: Parts, layer: Layer, reading: Reading) -> Zones:
    from agent.planner.ingredients import place_of

    zones = place_of(layer, parts)
    return zones if layer.where else Zones(layer, reading.dataset.name_column)


def _other_side(parts: Parts, frame: Frame, index: int, layer: Layer, *, is_name: bool) -> Frame | None:
    if frame.layer is None or frame.other is None:
        return None
    starts = parts.phrase(index).role in ("to", "from") or is_name
    if frame.layer.ref == layer.ref and (starts or frame.other.ref != layer.ref):
        return replace(frame, layer=replace(layer, filters=frame.layer.filters))
    return replace(frame, other=layer)


def _in_filters(frame: Frame, layer: Layer) -> Frame | None:
    if frame.layer is None or not any(one.other.ref == layer.ref for one in frame.layer.filters):
        return None
    filters = tuple(replace(one, other=layer) if one.other.ref == layer.ref else one for one in frame.layer.filters)
    return replace(frame, layer=replace(frame.layer, filters=filters))


def _in_cuts(frame: Frame, layer: Layer) -> Frame | None:
    for name in ("clips", "minus"):
        held: tuple[Layer, ...] = getattr(frame, name)
        if any(one.ref == layer.ref for one in held):
            swapped = tuple(layer if one.ref == layer.ref else one for one in held)
            return replace(frame, clips=swapped) if name == "clips" else replace(frame, minus=swapped)
    return None


def _swapped(old: Layer, new: Layer) -> Layer:
    """Replace the conditions on the columns that the new selection speaks of, keep the others."""
    columns = {condition.column for condition in new.where}
    kept = tuple(condition for condition in old.where if condition.column not in columns and new.where)
    return Layer(new.ref, (*new.where, *kept), old.match, old.filters, new.noun)


def _new_place(parts: Parts, frame: Frame, layer: Layer, reading: Reading) -> Frame | None:
    if frame.kind in ("cells", "values"):
        return replace(frame, zones=_as_place(parts, layer, reading), order=None, limit=None)
    if frame.kind == "extent":
        return replace(frame, clips=(layer,))
    if frame.kind == "features" and frame.layer:
        kept = tuple(one for one in frame.layer.filters if one.predicate not in ("within", "intersects"))
        point = parts.atlas.get(frame.layer.ref).geometry == "point"
        return replace(frame, layer=replace(frame.layer, filters=(*kept, Filter("within" if point else "intersects", layer))))
    return None


def _with_limits(parts: Parts, frame: Frame) -> Frame | None:
    if parts.having:
        return replace(frame, having=parts.having) if frame.zones or frame.group_by else None
    for (ref, band), ranges in parts.ranges.items():
        if frame.kind != "cells" and not (frame.kind == "features" and frame.cells):
            return None
        noun = frame.cells.noun if frame.cells and frame.cells.ref == ref else parts.atlas.get(ref).title
        frame = replace(frame, cells=Cells(ref, band, (), ranges, noun))
    for ref, conditions in parts.conditions.items():
        if frame.layer is None or frame.layer.ref != ref:
            return None
        frame = replace(frame, layer=_limited(frame.layer, conditions))
    return frame


def _limited(layer: Layer, conditions: tuple[Condition, ...]) -> Layer:
    columns = {condition.column for condition in conditions}
    return replace(layer, where=(*(one for one in layer.where if one.column not in columns or one.op in ("=", "in")), *conditions))


def _with_measures(parts: Parts, frame: Frame) -> Frame | None:
    """Change what is measured; `how many` without a noun only repeats the question before."""
    clause = parts.clause
    asked = [name for name in clause.measures if name in _MEASURES]
    parts.use("measure", *asked, "share", "share_of", "total")
    if {"share", "share_of"} & set(clause.measures):
        frame = replace(frame, share=True)
    if any(name.startswith("stat:") or name == "stats" for name in clause.measures):
        return _with_statistics(parts, frame)
    names = [_MEASURES[name] for name in asked if not (name in ("count", "howmuch") and not clause.has("pronoun"))]
    if not names or frame.kind in ("cells", "values", "nearest"):
        return frame if not names or (frame.kind == "cells" and names == ["area"]) else None
    if names[0] == "count":
        return replace(frame, kind="features", measures=(("count", None),), select=(), order=None, order_by=None, limit=None)
    if frame.layer is None or parts.atlas.get(frame.layer.ref).geometry == "point":
        return None
    return replace(frame, kind="extent", measures=((names[0], None),), select=(), order=None, order_by=None, limit=None)


def _with_statistics(parts: Parts, frame: Frame) -> Frame | None:
    statistics = statistics_of(parts, by_superlative=False)
    if frame.kind == "values":
        return replace(frame, statistics=statistics, order=None, limit=None)
    columns = [column for _, column in frame.measures if column]
    if frame.kind == "features" and columns and set(statistics) <= {"sum", "mean", "min", "max", "median"}:
        return replace(frame, measures=tuple((name, columns[0]) for name in statistics))
    return None


def _with_order(parts: Parts, frame: Frame) -> Frame | None:
    """Rank the results that are there already: `which is the largest?`."""
    clause = parts.clause
    if clause.superlative is None and clause.order is None:
        return frame
    direction = clause.order or (clause.superlative.direction if clause.superlative else None)
    ranks = (
        bool(frame.zones and not frame.zones.merged and not frame.zones.layer.where)
        or bool(frame.group_by)
        or (frame.kind == "cells" and not frame.cells_are_one)
    )
    limit = (clause.superlative.limit or 1) if clause.superlative else None
    parts.use("super", 0)
    parts.use("order", 0)
    if ranks or frame.kind == "nearest":
        return replace(frame, order=direction, limit=limit)
    if frame.kind == "features" and not frame.measures and frame.layer:
        key = (
            frame.order_by
            or next((name for name in frame.select if _is_number(parts, frame.layer.ref, name)), None)
            or _size(parts, frame.layer.ref)
        )
        return (
            replace(frame, order=direction, order_by=key, limit=limit, select=tuple(dict.fromkeys((*frame.select, key)))) if key else None
        )
    return None


def _is_number(parts: Parts, ref: str, name: str) -> bool:
    column = parts.atlas.get(ref).column(name)
    return name in ("area", "length") or bool(column and column.is_numeric)


def _size(parts: Parts, ref: str) -> str | None:
    return {"polygon": "area", "line": "length"}.get(parts.atlas.get(ref).geometry or "")
