"""Turn a frame into tool calls, one batch after the other, until its numbers are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from agent.planner.atlas import Atlas
from agent.planner.change_steps import compare
from agent.planner.derived_steps import raster_params
from agent.planner.document_answers import search_documents
from agent.planner.frames import Cells, Frame, Layer, Range, Zones
from agent.planner.ledger import Ledger, Message, where_params
from agent.planner.pieces import MESSAGE_FACTS, Params, Part, Piece
from agent.planner.scene_steps import find_scenes
from agent.planner.task_steps import make


def run_frame(frame: Frame, ledger: Ledger, atlas: Atlas) -> Piece | None:
    """Return the results of a frame; None while calls are pending."""
    parts = _STEPS[frame.kind](frame, ledger, atlas)
    return Piece(frame, parts) if parts is not None else None


def _cells(frame: Frame, ledger: Ledger, atlas: Atlas) -> tuple[Part, ...] | None:
    cells = frame.cells
    if cells is None:
        raise ValueError("a frame of cells names a raster")
    place = _place(frame, ledger)
    if place is None:
        return None
    if not cells.ranges:
        part = _of_classes(frame, cells, place, ledger, atlas)
        return (part,) if part else None
    found = [_of_range(frame, cells, limit, place, ledger, atlas) for limit in cells.ranges]
    return tuple(part for part in found if part) if all(found) else None


def _of_range(frame: Frame, cells: Cells, limit: Range, place: Params, ledger: Ledger, atlas: Atlas) -> Part | None:
    raster = raster_params(frame, cells, ledger, atlas)
    made = ledger.call("classify", {**raster, "classes": [_class_range(limit)]}) if raster else None
    if made is None:
        return None
    if not place:
        return Part(made, limit.words, (limit.words,), limit.words)
    ranked = _ranking(frame, "area")
    message = ledger.call("zonal_stats", {"raster": made.ref, **place, "classes": True, **ranked})
    return Part(message, limit.words, (limit.words,), limit.words) if message else None


def _class_range(limit: Range) -> Params:
    params: Params = {"label": limit.words}
    if limit.low is not None:
        params |= {"min": limit.low, "min_inclusive": limit.low_in}
    if limit.high is not None:
        params |= {"max": limit.high, "max_inclusive": limit.high_in}
    return params


def _of_classes(frame: Frame, cells: Cells, place: Params, ledger: Ledger, atlas: Atlas) -> Part | None:
    """Measure classes as they are; single out the asked ones first where they have no names or the table would outgrow a message."""
    raster = raster_params(frame, cells, ledger, atlas)
    if raster is None:
        return None
    unnamed = bool(cells.classes) and atlas.has(cells.ref) and not atlas.get(cells.ref).band(cells.band).classes
    labels = tuple(f"class {label}" for label in cells.classes) if unnamed else cells.classes
    if unnamed or (cells.classes and place and _is_long(frame, cells, atlas)):
        made = ledger.call("classify", {**raster, "classes": _class_values(cells, labels, atlas)})
        if made is None:
            return None
        if not place:
            return Part(made, labels[0] if len(labels) == 1 else None, labels, cells.noun)
        raster = {"raster": made.ref}
    ranked = _ranking(frame, f"area of {labels[0]}") if len(labels) == 1 else {}
    message = ledger.call("zonal_stats", {**raster, **place, "classes": True, **ranked})
    return Part(message, labels[0] if len(labels) == 1 else None, labels, cells.noun) if message else None


def _is_long(frame: Frame, cells: Cells, atlas: Atlas) -> bool:
    classes = len(atlas.get(cells.ref).band(cells.band).classes) if atlas.has(cells.ref) else 0
    return 2 * classes * (_zone_count(frame, atlas) + 1) + 3 > MESSAGE_FACTS and bool(classes)


def _zone_count(frame: Frame, atlas: Atlas) -> int:
    zones = frame.zones
    if zones is None or zones.merged:
        return 1
    return (atlas.get(zones.layer.ref).feature_count or 1) if atlas.has(zones.layer.ref) and not zones.layer.where else 1


def _class_values(cells: Cells, labels: tuple[str, ...], atlas: Atlas) -> list[Params]:
    classes = atlas.get(cells.ref).band(cells.band).classes or {label: label for label in cells.classes}
    values = [[float(value) for value, name in classes.items() if name == asked] for asked in cells.classes]
    return [{"label": label, "values": held} for label, held in zip(labels, values, strict=True)]


def _ranking(frame: Frame, key: str) -> Params:
    if frame.order is None:
        return {}
    ranked: Params = {"order_by": key, "descending": frame.order == "desc"}
    return {**ranked, "limit": frame.limit} if frame.limit else ranked


def _place(frame: Frame, ledger: Ledger) -> Params | None:
    """Return the zone parameters of `zonal_stats`; an empty dict for the whole raster, None while calls are pending."""
    if frame.zones is None:
        return {}
    zones = frame.zones
    ref, where = zones.layer.ref, zones.layer.where
    if zones.layer.filters:
        made = _materialised(zones.layer, ledger)
        if made is None:
            return None
        ref, where = made, ()
    for clip in frame.clips:
        by = [zones.column] if zones.column else []
        params = _overlay("intersection", ref, where, clip, ledger, by=by)
        message = ledger.call("overlay", params) if params else None
        if message is None:
            return None
        ref, where = message.ref, ()
    params = {"zones": ref, **_optional("where", where_params(where, zones.layer.match))}
    return {**params, "merge_zones": True} if zones.merged else {**params, **_optional("zone_column", zones.column)}


def _optional(name: str, value: Any) -> Params:  # Any: JSON
    return {name: value} if value else {}


def _overlay(operation: str, ref: str, where: tuple[Any, ...], other: Layer, ledger: Ledger, *, by: list[str]) -> Params | None:
    """Return the parameters of an overlay with another layer; None while that layer is pending."""
    other_ref: str | None = other.ref
    other_where = where_params(other.where, other.match)
    if other.filters:
        other_ref, other_where = _materialised(other, ledger), {}
    if other_ref is None:
        return None
    params: Params = {"operation": operation, "layer": ref, **_optional("where", where_params(where)), "other": other_ref}
    return {**params, **_optional("other_where", other_where), **_optional("by", by)}


def _materialised(layer: Layer, ledger: Ledger) -> str | None:
    """Return a reference to the features of a layer that pass its spatial filters."""
    params = layer_params(layer, ledger)
    message = ledger.call("query_vector", params) if params is not None else None
    return message.ref if message else None


def layer_params(layer: Layer, ledger: Ledger) -> Params | None:
    """Return `layer`, `where` and `spatial` of `query_vector`; None while a filter's layer is pending."""
    spatial: list[Params] = []
    for one in layer.filters:
        other: str | None = one.other.ref
        where = where_params(one.other.where, one.other.match)
        if one.other.filters:
            other, where = _materialised(one.other, ledger), {}
        if other is None:
            return None
        spatial.append({"predicate": one.predicate, "other": other, **_optional("where", where), **_optional("distance_m", one.distance_m)})
    return {"layer": layer.ref, **_optional("where", where_params(layer.where, layer.match)), **_optional("spatial", spatial)}


def _values(frame: Frame, ledger: Ledger, atlas: Atlas) -> tuple[Part, ...] | None:
    if frame.cells is None:
        raise ValueError("a frame of values names a raster")
    place = _place(frame, ledger)
    if place is None:
        return None
    ranked = _ranking(frame, frame.statistics[0])
    raster = raster_params(frame, frame.cells, ledger, atlas)
    message = ledger.call("zonal_stats", {**raster, **place, "statistics": list(frame.statistics), **ranked}) if raster else None
    return (Part(message, words=frame.cells.noun),) if message else None


def _extent(frame: Frame, ledger: Ledger, _atlas: Atlas) -> tuple[Part, ...] | None:
    if frame.layer is None:
        raise ValueError("a frame of extents names a layer")
    if frame.zones and frame.share and frame.zones.column:
        message = _shares_of_zones(frame, frame.zones, ledger)
        return (Part(message),) if message else None
    cut = _cut(frame, ledger)
    if cut is None:
        return None
    if isinstance(cut, Message) and frame.zones is None:
        return (Part(cut),)
    base = {"layer": cut.ref} if isinstance(cut, Message) else cut
    measures = [{"aggregate": name} for name, _ in frame.measures]
    params = {**base, **_zones_params(frame.zones), "measures": measures, **_optional("group_by", list(frame.group_by))}
    if frame.zones or frame.group_by:
        params |= _ranking(frame, frame.measures[0][0])
    message = ledger.call("query_vector", params)
    return (Part(message),) if message else None


def _zones_params(zones: Zones | None) -> Params:
    if zones is None:
        return {}
    inner = {
        "layer": zones.layer.ref,
        **_optional("where", where_params(zones.layer.where, zones.layer.match)),
        **_optional("name_column", zones.column),
    }
    return {"zones": inner}


def _cut(frame: Frame, ledger: Ledger) -> Message | Params | None:
    """Cut the measured layer by what it must lie in and outside of; without any, return how to name it in a query."""
    layer = frame.layer
    if layer is None:
        return None
    if not frame.clips and not frame.minus:
        return layer_params(layer, ledger)
    ref: str | None = layer.ref
    where: tuple[Any, ...] = layer.where
    if layer.filters:
        ref, where = _materialised(layer, ledger), ()
    message: Message | None = None
    for operation, other in (*(("intersection", clip) for clip in frame.clips), *(("difference", out) for out in frame.minus)):
        params = _overlay(operation, ref, where, other, ledger, by=list(frame.group_by)) if ref else None
        message = ledger.call("overlay", params) if params else None
        if message is None:
            return None
        ref, where = message.ref, ()
    return message


def _shares_of_zones(frame: Frame, zones: Zones, ledger: Ledger) -> Message | None:
    """Measure how much of each zone the layer covers; the share is that of the zone."""
    if frame.layer is None or zones.layer.filters:
        return None
    params = _overlay("intersection", zones.layer.ref, zones.layer.where, frame.layer, ledger, by=[zones.column or ""])
    return ledger.call("overlay", params) if params else None


def _features(frame: Frame, ledger: Ledger, atlas: Atlas) -> tuple[Part, ...] | None:
    if frame.layer is None:
        raise ValueError("a frame of features names a layer")
    layer = frame.layer
    if frame.cells:
        touched = _touched(frame, frame.cells, ledger, atlas)
        if touched is None:
            return None
        layer = touched
    params = layer_params(layer, ledger)
    if params is None:
        return None
    if frame.measures:
        measures = [{"aggregate": name, **_optional("column", column)} for name, column in frame.measures]
        params |= {**_zones_params(frame.zones), "measures": measures, **_optional("group_by", list(frame.group_by))}
        name, column = frame.measures[0]
        params |= _ranking(frame, f"{name} of {column}" if column else name) if frame.zones or frame.group_by else {}
    else:
        select = [name for name in frame.select if frame.cells is None or name in ("area", "length")]
        params |= {**_optional("select", select), **(_ranking(frame, frame.order_by) if frame.order_by else {})}
    message = ledger.call("query_vector", params)
    return (Part(message),) if message else None


def _touched(frame: Frame, cells: Cells, ledger: Ledger, atlas: Atlas) -> Layer | None:
    """Return the features that hold any of the chosen pixels, as a layer made by zonal statistics."""
    layer = frame.layer
    if layer is None:
        return None
    inner = Frame("cells", cells=cells, zones=Zones(layer, _unique_label(layer, atlas)))
    parts = _cells(inner, ledger, atlas)
    if parts is None:
        return None
    from agent.planner.frames import Condition

    tests = tuple(Condition(f"area of {part.label}", ">", 0) for part in parts)
    return Layer(parts[0].message.ref, tests, noun=layer.noun)


def _unique_label(layer: Layer, atlas: Atlas) -> str | None:
    dataset = atlas.get(layer.ref)
    column = dataset.column(dataset.label_column or "")
    return column.name if column and column.distinct == dataset.feature_count else None


def _nearest(frame: Frame, ledger: Ledger, _atlas: Atlas) -> tuple[Part, ...] | None:
    if frame.layer is None or frame.other is None:
        raise ValueError("a frame of nearest names two layers")
    params = layer_params(frame.layer, ledger)
    other = frame.other
    other_ref = _materialised(other, ledger) if other.filters else other.ref
    if params is None or other_ref is None:
        return None
    where = {} if other.filters else where_params(other.where, other.match)
    nearest: Params = {"other": other_ref, **_optional("where", where), **({"k": frame.count} if frame.count > 1 else {})}
    message = ledger.call("query_vector", {**params, "nearest": nearest, **_ranking(replace(frame, order=frame.order), "distance")})
    return (Part(message),) if message else None


def _catalog(_frame: Frame, ledger: Ledger, _atlas: Atlas) -> tuple[Part, ...] | None:
    message = ledger.call("list_datasets", {})
    return (Part(message),) if message else None


def _describe(frame: Frame, ledger: Ledger, _atlas: Atlas) -> tuple[Part, ...] | None:
    found = [ledger.call("describe_dataset", {"dataset": ref}) for ref in frame.refs]
    return tuple(Part(message) for message in found if message) if all(found) else None


def _map(frame: Frame, ledger: Ledger, atlas: Atlas) -> tuple[Part, ...] | None:
    made = raster_params(frame, frame.cells, ledger, atlas) if frame.cells else None
    if frame.cells and made is None:
        return None
    layers = [{"source": made["raster"] if made and frame.cells and ref == frame.cells.ref else ref} for ref in frame.refs]
    if frame.select and layers:
        layers[-1]["column"] = frame.select[-1]
    message = ledger.call("render_map", {"layers": layers})
    return (Part(message),) if message else None


_STEPS: Mapping[str, Callable[[Frame, Ledger, Atlas], tuple[Part, ...] | None]] = {
    "cells": _cells, "values": _values, "extent": _extent, "features": _features, "nearest": _nearest,
    "catalog": _catalog, "describe": _describe, "map": _map, "scenes": find_scenes, "documents": search_documents, "change": compare,
    "tasks": make,
}  # fmt: skip
