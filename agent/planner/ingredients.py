"""Sort the phrases of a clause by what they contribute: features, pixels, groups, places outside, places near."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from agent.planner.atlas import Dataset
from agent.planner.frames import Cells, Condition, Filter, Frame, Layer, Zones
from agent.planner.limits import in_unit
from agent.planner.parts import Parts, is_polygonal, merged_layers
from agent.planner.readings import Reading

OUTSIDE = ("out", "not", "lacks")
APART = frozenset({"group", "key", "out", "not", "lacks", "near", "far", "nearest", "than"})
"""Roles that do not simply add to what is measured."""


@dataclass
class Ingredients:
    """What a clause speaks of, under one assignment of readings."""

    layers: list[Layer] = field(default_factory=list)
    """Selections of features, one per dataset, in order of mention."""
    roles: dict[str, str] = field(default_factory=dict)
    """Dataset → role of the first phrase that names it."""
    cells: list[Cells] = field(default_factory=list)
    columns: list[tuple[Reading, int]] = field(default_factory=list)
    """Columns that stand for themselves: what is summed, listed or ranked by."""
    groups: list[int] = field(default_factory=list)
    minus: list[Layer] = field(default_factory=list)
    near: list[Filter] = field(default_factory=list)
    beside: set[str] = field(default_factory=set)
    """Datasets on or along whose features something lies, rather than inside."""
    strict: bool = False
    and_groups: list[tuple[str, str]] = field(default_factory=list)
    """(dataset, column) whose values were listed with `and`: each is told by itself."""


def gather(parts: Parts, ranked: int | None = None, *, all_classes: bool = False) -> Ingredients | None:
    """Collect the ingredients; None where some phrase cannot play its part. `ranked` is the phrase that is ranked."""
    found = Ingredients()
    if _lies_in_itself(parts):
        return None
    for index, reading in enumerate(parts.readings):
        if reading is None or (index in parts.properties and reading.kind == "column" and not _adds_layer(parts, index)):
            continue
        role = parts.phrase(index).role
        if index == ranked or role == "group":
            found.groups.append(index)
            parts.use("phrase", index)
        elif role in ("near", "far"):
            if not _add_near(parts, found, index):
                return None
        elif role in OUTSIDE:
            if not _add_outside(parts, found, index):
                return None
        elif not _add_main(parts, found, index, all_classes=all_classes):
            return None
    _add_silent_cells(parts, found)
    _exclude_own(found)
    found.layers = sorted(_with_conditions(parts, found), key=lambda layer: found.roles.get(layer.ref, "") in ("in", "for"))
    return found


def _lies_in_itself(parts: Parts) -> bool:
    """Whether features are asked for in a place that is one of them, as `towns in Oxby` of a layer of towns: then another layer is meant."""
    heads = {
        reading.dataset.id
        for i, reading in enumerate(parts.readings)
        if reading and parts.phrase(i).role == "head" and reading.means_features
    }
    return any(
        reading.dataset.id in heads and reading.is_by_name and _is_single(reading.dataset)
        for i, reading in enumerate(parts.readings)
        if reading and parts.phrase(i).role == "in"
    )


def _is_single(dataset: Dataset) -> bool:
    """Whether a name stands for one feature."""
    column = dataset.column(dataset.name_column or "")
    return column is not None and column.distinct == dataset.feature_count


def _adds_layer(parts: Parts, index: int) -> bool:
    """Whether a property phrase also brings conditions of its own: `public capacity above 20`."""
    return bool(parts.reading(index).where)


def _add_near(parts: Parts, found: Ingredients, index: int) -> bool:
    phrase, reading = parts.phrase(index), parts.reading(index)
    if reading.kind not in ("layer", "column") or not reading.dataset.is_vector or phrase.quantity is None or phrase.quantity.unit is None:
        return False
    metres = _metres(phrase.quantity.value, phrase.quantity.unit)
    if metres is None:
        return False
    parts.use("relation", index)
    found.near.append(Filter("within_distance" if phrase.role == "near" else "beyond_distance", parts.layer(index), metres))
    return True


def _metres(value: float, unit: str) -> float | None:
    return None if unit == "degree" else in_unit(value, unit, "m")


def _add_outside(parts: Parts, found: Ingredients, index: int) -> bool:
    reading = parts.reading(index)
    if reading.kind != "layer" or not reading.dataset.is_vector:
        return False
    parts.use("relation", index)
    found.minus.append(parts.layer(index))
    return True


def _add_main(parts: Parts, found: Ingredients, index: int, *, all_classes: bool) -> bool:
    reading, phrase = parts.reading(index), parts.phrase(index)
    if phrase.role in ("touching", "contain", "touch", "named"):
        parts.use("relation", index)
    found.strict = found.strict or phrase.strict
    if reading.kind == "cells":
        found.cells.append(parts.cells(index))
    elif reading.kind == "raster":
        is_classes = reading.has_class_noun or all_classes or reading.dataset.band(reading.band).is_categorical
        is_limited = index in parts.range_phrases or (reading.dataset.id, reading.band) in parts.ranges
        if not is_limited and not is_classes:
            return False
        found.cells.append(parts.cells(index))
    elif reading.kind == "column":
        parts.use("phrase", index)
        found.columns.append((reading, index))
        if reading.where:
            _add_layer(parts, found, index)
    elif reading.kind == "layer":
        _add_layer(parts, found, index)
    else:
        return False
    return True


def _add_layer(parts: Parts, found: Ingredients, index: int) -> None:
    layer, phrase = parts.layer(index), parts.phrase(index)
    found.roles.setdefault(layer.ref, phrase.role)
    if phrase.prep in ("on", "along", "at", "over", "across"):
        found.beside.add(layer.ref)
    known = next((one for one in found.layers if one.ref == layer.ref), None)
    if phrase.conj and known and (joined := _listed(known, layer)):
        found.layers[found.layers.index(known)] = joined
        if phrase.conj == "and":
            found.and_groups.append((layer.ref, layer.where[0].column))
        return
    found.layers.append(layer)


def _listed(known: Layer, layer: Layer) -> Layer | None:
    """Join `public and private clinics`: values of one column, listed."""
    if len(layer.where) != 1 or not known.where:
        return None
    new, columns = layer.where[0], {condition.column for condition in known.where}
    if new.column not in columns or new.op not in ("=", "in"):
        return None
    old = next(condition for condition in known.where if condition.column == new.column)
    if old.op not in ("=", "in"):
        return None
    values = (
        *(old.value if isinstance(old.value, tuple) else (old.value,)),
        *(new.value if isinstance(new.value, tuple) else (new.value,)),
    )
    both = Condition(new.column, "in", tuple(dict.fromkeys(values)))
    noun = f"{known.noun} and {layer.noun}"
    return replace(known, where=tuple(both if condition == old else condition for condition in known.where), noun=noun)


def _add_silent_cells(parts: Parts, found: Ingredients) -> None:
    """Add rasters that only a limit speaks of, as in `area above 500 m`."""
    known = {(cells.ref, cells.band) for cells in found.cells}
    for (ref, band), ranges in parts.ranges.items():
        if (ref, band) not in known:
            found.cells.append(Cells(ref, band, (), ranges, parts.atlas.get(ref).title))


def _exclude_own(found: Ingredients) -> None:
    """Turn `fields that are not flax` into a condition: the others of the same layer are no places to stay out of."""
    for place in list(found.minus):
        own = next((layer for layer in found.layers if layer.ref == place.ref), None)
        if own is None or len(place.where) != 1 or place.where[0].op not in ("=", "in"):
            continue
        column, held = place.where[0].column, place.where[0].value
        others = tuple(Condition(column, "!=", value) for value in (held if isinstance(held, tuple) else (held,)))
        found.layers[found.layers.index(own)] = replace(own, where=(*own.where, *others))
        found.minus.remove(place)


def _with_conditions(parts: Parts, found: Ingredients) -> list[Layer]:
    """Join selections of one dataset; a dataset that only limits name becomes a selection of its own."""
    layers = merged_layers(found.layers)
    named = {layer.ref for layer in layers} | {parts.reading(index).dataset.id for index in found.groups if parts.readings[index]}
    named |= {layer.ref for layer in found.minus} | {near.other.ref for near in found.near}
    for ref in parts.conditions:
        if ref not in named:
            layers.append(parts.layer_of(parts.atlas.get(ref), (), parts.atlas.get(ref).title))
    return layers


def joined_cells(cells: list[Cells]) -> Cells | None:
    """Join pixels of one band, e.g. two classes; None where they are of different rasters."""
    cells = [one for one in cells if one.classes or one.ranges] or cells  # `forest in the map of 2020` means the forest
    first = cells[0]
    if any((one.ref, one.band) != (first.ref, first.band) for one in cells):
        return None
    if all(one.classes for one in cells):
        classes = tuple(dict.fromkeys(label for one in cells for label in one.classes))
        return replace(first, classes=classes, noun=" and ".join(one.noun for one in cells))
    ranges = tuple(dict.fromkeys(limit for one in cells for limit in one.ranges))
    return replace(first, classes=(), ranges=ranges)


def zones_of(parts: Parts, index: int) -> Zones | None:
    """Return the zones that a phrase names: the features of a polygon layer, or the values of one of its columns."""
    reading = parts.reading(index)
    if not is_polygonal(reading.dataset) or reading.kind not in ("layer", "column"):
        return None
    column = reading.columns[-1] if reading.kind == "column" else reading.dataset.name_column
    if reading.kind == "column" and (found := reading.dataset.column(column or "")) and found.type == "real":
        return None
    return Zones(parts.layer(index), column)


def place_of(layer: Layer, parts: Parts) -> Zones:
    """Return features as one place; those that are named stay apart under their names."""
    dataset = parts.atlas.get(layer.ref)
    named = any(condition.column == dataset.name_column and condition.op in ("=", "in") for condition in layer.where)
    single = dataset.feature_count == 1 and dataset.name_column is not None
    return Zones(layer, dataset.name_column, merged=False) if named or single else Zones(layer, merged=True)


def grouped(parts: Parts, frame: Frame, found: Ingredients, index: int) -> Frame | None:
    """Add a group to a frame of features: a column of the layer, its own features, or zones of another layer."""
    reading = parts.reading(index)
    if frame.layer and reading.dataset.id == frame.layer.ref:
        column = reading.columns[-1] if reading.kind == "column" else reading.dataset.label_column
        where = (*frame.layer.where, *(one for one in reading.where if one not in frame.layer.where))
        return replace(frame, layer=replace(frame.layer, where=where), group_by=(*frame.group_by, column)) if column else None
    if frame.zones is not None:
        return None
    zones = zones_of(parts, index)
    if zones is None:
        return None
    same = [one for layer in found.layers if layer.ref == zones.layer.ref for one in layer.where]
    where = tuple(dict.fromkeys((*zones.layer.where, *same)))
    clips = tuple(clip for clip in frame.clips if clip.ref != zones.layer.ref)
    return replace(frame, clips=clips, zones=replace(zones, layer=replace(zones.layer, where=where)))


def told_apart(parts: Parts, frame: Frame, found: Ingredients) -> Frame | None:
    """Give each of the things listed with `and` its own number: values of the layer as groups, places of another layer as zones."""
    for ref, column in found.and_groups:
        if frame.layer is None or ref == frame.layer.ref:
            frame = replace(frame, group_by=tuple(dict.fromkeys((*frame.group_by, column))))
            continue
        place = next(layer for layer in found.layers if layer.ref == ref)
        others = tuple(one for one in frame.layer.filters if one.other != place)
        known = [one for one in frame.layer.filters if one.other == place]
        if (
            frame.zones is not None
            or not is_polygonal(parts.atlas.get(ref))
            or any(one.predicate not in ("within", "intersects") for one in known)
        ):
            return None
        clips = tuple(clip for clip in frame.clips if clip != place)
        frame = replace(frame, zones=Zones(place, column), layer=replace(frame.layer, filters=others), clips=clips)
    return frame


def filtered(parts: Parts, own: Layer, found: Ingredients) -> Layer | None:
    """Put the other places of the clause on a layer as spatial filters; None where one of them is no place.

    Points lie within a place; lines and polygons count where they reach into it, unless `completely inside` is asked for.
    """
    is_point = parts.atlas.get(own.ref).geometry == "point"
    filters = list(own.filters)
    zoned = {parts.reading(index).dataset.id for index in found.groups}
    for place in found.layers:
        if place.ref == own.ref or place.ref in zoned:
            continue
        role = found.roles.get(place.ref, "")
        predicate = _predicate(role, is_point=is_point, strict=found.strict)
        if (predicate == "within" or role == "in") and not is_polygonal(parts.atlas.get(place.ref)) and place.ref not in found.beside:
            return None
        filters.append(Filter(predicate, place))
    filters += [*found.near, *(Filter("disjoint", place) for place in found.minus)]
    return replace(own, filters=tuple(filters))


def _predicate(role: str, *, is_point: bool, strict: bool) -> str:
    if role == "touch":
        return "touches"
    if role in ("touching", "contain", "with", "agent"):
        return "intersects"
    return "within" if is_point or strict else "intersects"
