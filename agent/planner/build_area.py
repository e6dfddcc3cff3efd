"""Frames for areas, lengths and shares: of classes and thresholds of rasters, and of features inside or outside others."""

from __future__ import annotations

from dataclasses import replace

from agent.planner.frames import Cells, Frame, Layer
from agent.planner.ingredients import Ingredients, gather, grouped, joined_cells, place_of, told_apart, zones_of
from agent.planner.parts import Parts, is_polygonal
from agent.planner.ranking import Ranking, ranking_of

AREA_MEASURES = frozenset({"area", "share", "share_of", "breakdown", "howmuch", "unit_measure"})


def build_class_area(parts: Parts) -> Frame | None:
    """Return the frame of `forest by district`, where no measure is named: the area of pixels, never of features."""
    frame = build_area(parts, "area")
    return frame if frame and frame.kind == "cells" else None


def build_area(parts: Parts, measure: str) -> Frame | None:
    """Return the frame of an area or length (`measure`) under these readings; None where they do not fit together."""
    ranking = ranking_of(parts)
    found = gather(parts, ranking.index, all_classes=_wants_all_classes(parts))
    if found is None or found.columns:
        return None
    _use_measures(parts, measure)
    frame = _of_cells(parts, found) if found.cells or _groups_cells(parts, found) else _of_layers(parts, found, measure)
    return _finished(parts, frame, ranking) if frame else None


def _wants_all_classes(parts: Parts) -> bool:
    return any(name in ("breakdown", "share") for name in parts.clause.measures)


def _use_measures(parts: Parts, measure: str) -> None:
    names = AREA_MEASURES if measure == "area" else {measure}
    parts.use("measure", *(name for name in parts.clause.measures if name in names or name == "howadj:large"))
    if "area" in parts.clause.measures and measure != "perimeter":
        parts.use("measure", "area")


def _groups_cells(parts: Parts, found: Ingredients) -> bool:
    """Whether `each class` means the classes of a raster."""
    return any(parts.reading(index).dataset.is_raster for index in found.groups)


def _of_cells(parts: Parts, found: Ingredients) -> Frame | None:
    class_groups = [i for i in found.groups if parts.reading(i).dataset.is_raster]
    zone_groups = [i for i in found.groups if i not in class_groups]
    for index in class_groups:
        reading = parts.reading(index)
        if reading.kind == "raster" and reading.dataset.band(reading.band).value_kind != "continuous":
            found.cells.append(parts.cells(index))
        else:
            return None
    cells = joined_cells(found.cells)
    if cells is None or found.minus or found.near or len(zone_groups) > 1 or not _is_selection(parts, cells):
        return None
    zones = zones_of(parts, zone_groups[0]) if zone_groups else None
    if zone_groups and zones is None:
        return None
    return _placed(parts, Frame("cells", cells=cells, zones=zones), found)


def _is_selection(parts: Parts, cells: Cells) -> bool:
    """Whether pixels are chosen in a way that has an area: classes, or ranges of a raster of values."""
    band = parts.atlas.get(cells.ref).band(cells.band)
    return bool(cells.ranges) or bool(cells.classes) or band.value_kind != "continuous"


def _placed(parts: Parts, frame: Frame, found: Ingredients) -> Frame | None:
    """Put the features named beside the pixels to use: as the place, as zones, or to cut the zones."""
    layers = found.layers
    if not all(is_polygonal(parts.atlas.get(layer.ref)) for layer in layers):
        return None
    if frame.zones is None:
        zones = place_of(layers[0], parts) if layers else None
        return replace(frame, zones=zones, clips=tuple(layers[1:]))
    same = [layer for layer in layers if layer.ref == frame.zones.layer.ref]
    for layer in same:
        merged = replace(
            frame.zones.layer, where=(*frame.zones.layer.where, *(one for one in layer.where if one not in frame.zones.layer.where))
        )
        frame = replace(frame, zones=replace(frame.zones, layer=merged))
    return replace(frame, clips=tuple(layer for layer in layers if layer not in same))


def _of_layers(parts: Parts, found: Ingredients, measure: str) -> Frame | None:
    layers = [layer for layer in found.layers if _is_measurable(parts, layer, measure)]
    places = [layer for layer in found.layers if layer not in layers and is_polygonal(parts.atlas.get(layer.ref))]
    if len(layers) + len(places) != len(found.layers):
        return None
    named = _only_grouped(parts, found) if not layers else None
    target = named or (layers[0] if layers else None)
    if target is None:
        return None
    frame = Frame(
        "extent", layer=_with_filters(target, found), measures=((measure, None),), clips=(*layers[1:], *places), minus=tuple(found.minus)
    )
    for index in found.groups:
        grown = grouped(parts, frame, found, index)
        if grown is None:
            return None
        frame = grown
    return told_apart(parts, frame, found)


def _only_grouped(parts: Parts, found: Ingredients) -> Layer | None:
    """Return the features of `area of each crop type`, where only the group names them."""
    for index in found.groups:
        reading = parts.reading(index)
        if reading.dataset.is_vector and reading.kind in ("layer", "column"):
            return parts.layer(index)
    return None


def _is_measurable(parts: Parts, layer: Layer, measure: str) -> bool:
    kinds = ("line", "mixed") if measure == "length" else ("polygon", "mixed")
    return parts.atlas.get(layer.ref).geometry in kinds


def _with_filters(layer: Layer, found: Ingredients) -> Layer:
    return replace(layer, filters=(*layer.filters, *found.near))


def _finished(parts: Parts, frame: Frame, ranking: Ranking) -> Frame | None:
    """Add order, limit, unit, share and the limit on results."""
    if parts.having and not (frame.zones or frame.group_by):
        return None
    if parts.having_phrase is not None and parts.readings[parts.having_phrase] is None:
        return None
    classed = frame.kind == "cells" and not frame.cells_are_one
    if ranking.order and not ((frame.zones and not frame.zones.merged) or frame.group_by or classed):
        return None
    unit = parts.clause.unit
    share = any(name in parts.clause.measures for name in ("share", "share_of", "breakdown")) and "howmuch" not in parts.clause.measures
    if unit:
        parts.use("unit", 0)
    frame = replace(frame, unit=unit, share=share, order=ranking.order, limit=ranking.limit, having=parts.having)
    return ranking.applied(parts, frame)
