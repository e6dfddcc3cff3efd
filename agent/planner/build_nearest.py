"""Frames for the nearest: to a place, to each of many, the closest or farthest of all."""

from __future__ import annotations

from dataclasses import replace

from agent.planner.clauses import Direction
from agent.planner.frames import Filter, Frame, Layer
from agent.planner.parts import Parts, is_polygonal, merged_layers

_TARGETS = ("to", "from", "group", "between", "for", "of", "with")


def build_nearest(parts: Parts) -> Frame | None:
    """Return the frame of a question for nearest features or distances; None where the readings do not fit."""
    if any(
        reading and (not reading.dataset.is_vector or (reading.kind == "column" and i not in parts.properties))
        for i, reading in enumerate(parts.readings)
    ):
        return None
    named = [i for i, reading in enumerate(parts.readings) if reading and reading.kind == "layer"]
    layers = [i for i in named if parts.phrase(i).role != "in"]
    looked_for, starts = _sides(parts, layers)
    if looked_for is None or not starts or _too_many(parts, starts):
        return None
    _use_all(parts, [looked_for, *starts])
    places = {i: _owner(parts, i, layers, looked_for) for i in named if i not in layers}
    other = _placed(parts, parts.layer(looked_for), [i for i, owner in places.items() if owner == looked_for])
    starting = merged_layers(parts.layer(index) for index in starts)
    if other is None or len(starting) != 1:
        return None
    start = _placed(parts, starting[0], [i for i, owner in places.items() if owner != looked_for])
    return _directed(parts, start, other, starts) if start else None


def _owner(parts: Parts, place: int, layers: list[int], looked_for: int) -> int:
    """Return the phrase whose features lie in a place: the one before it, unless that is a place by itself."""
    before = [i for i in layers if i < place]
    if not before:
        return layers[0]
    return looked_for if parts.reading(before[-1]).is_by_name else before[-1]


def _placed(parts: Parts, layer: Layer, places: list[int]) -> Layer | None:
    """Keep the features that lie in places: of another layer, or told by another column; None where that cannot be."""
    for index in places:
        place = parts.layer(index)
        if place.ref == layer.ref:
            if not place.where or parts.reading(index).is_by_name:
                return None
            layer = replace(layer, where=(*layer.where, *place.where))
            continue
        if not is_polygonal(parts.reading(index).dataset):
            return None
        is_point = parts.atlas.get(layer.ref).geometry == "point"
        layer = replace(layer, filters=(*layer.filters, Filter("within" if is_point else "intersects", place)))
    return layer


def _use_all(parts: Parts, indexes: list[int]) -> None:
    parts.use("relation", *indexes)
    parts.use("each", *(index for index, phrase in enumerate(parts.clause.phrases) if phrase.each and not phrase.places))
    parts.use("flag", "nearest", "farthest", "where", "distance")
    parts.use("measure", *(name for name in parts.clause.measures if name in ("distance", "length", "howmuch")))


def _sides(parts: Parts, layers: list[int]) -> tuple[int | None, list[int]]:
    """Return the phrase in which the nearest is looked for, and those from which."""
    asked = [i for i in layers if parts.phrase(i).role == "nearest"]
    if asked:
        return asked[0], [i for i in layers if i != asked[0]]
    targets = [i for i in layers if parts.phrase(i).role in _TARGETS]
    heads = [i for i in layers if i not in targets]
    if heads and targets:
        return heads[0], [*heads[1:], *targets]
    return (layers[0], layers[1:]) if len(layers) > 1 else (None, [])


def _too_many(parts: Parts, starts: list[int]) -> bool:
    return len({parts.reading(index).dataset.id for index in starts}) > 1


def _directed(parts: Parts, start: Layer, other: Layer, starts: list[int]) -> Frame | None:
    """Decide from which side to look: from each start, or for the one that is closest to any."""
    clause = parts.clause
    count = clause.nearest_count or _count_of(parts) or 1
    unit = clause.unit
    if unit:
        parts.use("unit", 0)
    frame = Frame("nearest", layer=start, other=other, count=count, unit=unit, distance_only="distance" in clause.measures)
    asks_each = any(parts.phrase(index).each for index in starts)
    is_farthest = clause.has("farthest")
    if asks_each and not is_farthest:
        return frame
    if is_farthest or not (_is_place(parts, start) or _names_nearest(parts) or "distance" in clause.measures):
        order: Direction = "desc" if is_farthest else "asc"
        swapped = _names_nearest(parts) and not is_farthest
        near, far = (start, other) if swapped else (other, start)
        return replace(frame, layer=near, other=far, count=1, order=order, limit=count)
    return frame


def _names_nearest(parts: Parts) -> bool:
    """Whether the clause says `the nearest hospital`, so that the rest is where one looks from."""
    return any(phrase.role == "nearest" for phrase in parts.clause.phrases)


def _count_of(parts: Parts) -> int | None:
    for phrase, reading in zip(parts.clause.phrases, parts.readings, strict=True):
        for number in phrase.numbers:
            if reading and number.start not in reading.numbers_used and number.unit is None and 1 <= number.value <= 20:
                parts.use("number", number.start)
                return int(number.value)
    return None


def _is_place(parts: Parts, layer: Layer) -> bool:
    """Whether a selection is one place: named, or the only feature of its layer."""
    dataset = parts.atlas.get(layer.ref)
    known = {dataset.name_column, *(column for column, _ in dataset.found)}
    return dataset.feature_count == 1 or any(condition.column in known and condition.op == "=" for condition in layer.where)
