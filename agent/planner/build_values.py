"""Frames for statistics: of a raster of values in zones, or of a numeric column of features."""

from __future__ import annotations

from dataclasses import replace

from agent.planner.atlas import Dataset
from agent.planner.frames import Cells, Frame
from agent.planner.ingredients import APART, Ingredients, filtered, gather, grouped, place_of, told_apart, zones_of
from agent.planner.lexicon import ADJECTIVES, DEFAULT_STATISTICS, PERCENTILES, PROPERTY_WORDS
from agent.planner.limits import best_column
from agent.planner.parts import Parts, is_polygonal
from agent.planner.ranking import Ranking, ranking_of
from agent.planner.readings import Reading

_OF_COLUMNS = frozenset({"mean", "min", "max", "median", "sum"})
_OF_CLASSES = frozenset({"majority", "minority", "variety"})
_SUPERLATIVE = {"desc": "max", "asc": "min"}


def build_values(parts: Parts) -> Frame | None:
    """Return the frame of a statistic under these readings; None where they do not fit together."""
    source = _raster_source(parts)
    if source is not None:
        return _of_raster(parts, source)
    return _of_column(parts)


def build_amount(parts: Parts) -> Frame | None:
    """Return the statistics of `how much rain`; how much water is none of the depths of a raster."""
    if any(reading and reading.kind == "raster" and reading.is_flood for reading in parts.readings):
        return None
    return build_values(parts)


def _raster_source(parts: Parts) -> int | None:
    """Return the phrase that names the raster of values."""
    found = [
        index
        for index, reading in enumerate(parts.readings)
        if reading
        and (reading.kind == "raster" or reading.is_flood)
        and index not in parts.range_phrases
        and parts.phrase(index).role not in APART - {"key"}
    ]
    telling = [index for index in found if parts.reading(index).names_band] or found
    if len({parts.reading(index).dataset.id for index in found}) != 1 or len({parts.reading(index).band for index in telling}) != 1:
        return None
    parts.use("phrase", *found)
    return telling[0]


def statistics_of(parts: Parts, *, by_superlative: bool) -> tuple[str, ...]:
    """Return the statistics that the clause names, in order; the usual set for `statistics` or where none is named."""
    clause = parts.clause
    named = [name.removeprefix("stat:") for name in clause.measures if name.startswith("stat:")]
    if by_superlative and clause.superlative:
        named.append(_SUPERLATIVE[clause.superlative.direction])
    if "stats" in clause.measures or not named:
        named += DEFAULT_STATISTICS
    parts.use("measure", *(name for name in clause.measures if name.startswith(("stat:", "howadj:")) or name in ("stats", "howmuch")))
    return tuple(dict.fromkeys(named))


def _is_statistic(parts: Parts, source: int) -> bool:
    """Whether the superlative stands for a statistic: `highest elevation in the park`, not `district with the highest mean elevation`."""
    clause = parts.clause
    if clause.superlative is None or parts.phrase(source).superlative is None:
        return False
    return not any(name.startswith("stat:") for name in clause.measures)


def _of_raster(parts: Parts, source: int) -> Frame | None:
    by_superlative = _is_statistic(parts, source)
    ranking = _raster_ranking(parts, by_superlative=by_superlative)
    reading = parts.reading(source)
    statistics = statistics_of(parts, by_superlative=by_superlative)
    band = reading.dataset.band(reading.band)
    if band.is_categorical and not set(statistics) <= _OF_CLASSES:
        return None
    if not all(name in _OF_COLUMNS | _OF_CLASSES | PERCENTILES | {"std", "range"} for name in statistics):
        return None
    parts.use("phrase", source)
    if by_superlative:
        parts.use("super", 0)
    found = _others(parts, source, ranking)
    if found is None or found.cells or found.columns or found.minus or found.near or len(found.groups) > 1:
        return None
    frame = Frame("values", cells=Cells(reading.dataset.id, reading.band, noun=reading.words), statistics=statistics)
    return _finished(parts, _placed(parts, frame, found), ranking)


def _raster_ranking(parts: Parts, *, by_superlative: bool) -> Ranking:
    """A superlative that is a statistic ranks only where something is introduced to be ranked (`which district has the highest elevation`)."""
    ranking = ranking_of(parts)
    if not by_superlative or ranking.index is not None or parts.clause.order or parts.clause.has("rank"):
        return ranking
    return Ranking()


def _is_same_raster(one: Reading | None, source: Reading) -> bool:
    """Whether a phrase only names the raster again: `depth of water`."""
    same = one is not None and (one.kind, one.dataset.id) == (source.kind, source.dataset.id)
    return same and one is not None and (one.band == source.band or not one.names_band)


def _others(parts: Parts, source: int, ranking: Ranking) -> Ingredients | None:
    """Gather everything but the raster itself."""
    kept = parts.readings
    parts.readings = tuple(None if _is_same_raster(reading, parts.reading(source)) else reading for reading in kept)
    try:
        return gather(parts, ranking.index)
    finally:
        parts.readings = kept


def _placed(parts: Parts, frame: Frame, found: Ingredients) -> Frame | None:
    if not all(is_polygonal(parts.atlas.get(layer.ref)) for layer in found.layers):
        return None
    if found.groups:
        zones = zones_of(parts, found.groups[0])
        if zones is None:
            return None
        same = [layer for layer in found.layers if layer.ref == zones.layer.ref]
        where = tuple(dict.fromkeys((*zones.layer.where, *(one for layer in same for one in layer.where))))
        zones = replace(zones, layer=replace(zones.layer, where=where))
        return replace(frame, zones=zones, clips=tuple(layer for layer in found.layers if layer not in same))
    zones = place_of(found.layers[0], parts) if found.layers else None
    return replace(frame, zones=zones, clips=tuple(found.layers[1:]))


def _finished(parts: Parts, frame: Frame | None, ranking: Ranking) -> Frame | None:
    if frame is None or (parts.having and frame.zones is None):
        return None
    if parts.clause.unit:
        parts.use("unit", 0)
    order = ranking.order if frame.zones and not frame.zones.merged else None
    if ranking.order and order is None:
        return None
    frame = replace(frame, order=order, limit=ranking.limit, having=parts.having, unit=parts.clause.unit)
    return ranking.applied(parts, frame)


def _of_column(parts: Parts) -> Frame | None:
    """Return sums, means, … of a numeric column over features, in total, per group or per zone."""
    columns = _measured_columns(parts)
    if columns is None:
        return None
    dataset, name, index = columns
    ranking = ranking_of(parts)
    statistics = list(statistics_of(parts, by_superlative=ranking.index is None and _column_superlative(parts)))
    if "stats" in parts.clause.measures or tuple(statistics) == DEFAULT_STATISTICS:
        statistics = ["sum"] if {"total", "count"} & set(parts.clause.measures) else ["mean", "min", "max", "median"]
    if not set(statistics) <= _OF_COLUMNS:
        return None
    parts.use("measure", "count")
    found = gather(parts, ranking.index)
    if found is None or found.cells or any(place != index for _, place in found.columns):
        return None
    return _column_frame(parts, found, ranking, dataset, tuple((one, name) for one in statistics))


def _column_superlative(parts: Parts) -> bool:
    return parts.clause.superlative is not None


def _measured_columns(parts: Parts) -> tuple[Dataset, str, int] | None:
    """Return the numeric column that the clause measures: named by a phrase, or by `how tall are the buildings`."""
    for index, reading in enumerate(parts.readings):
        if reading is None or index in parts.properties or reading.kind != "column" or parts.phrase(index).role in APART - {"key"}:
            continue
        column = reading.dataset.column(reading.columns[-1])
        if column and column.is_numeric and len(reading.columns) == 1:
            return reading.dataset, column.name, index
    words = _asked_property(parts)
    for index, reading in enumerate(parts.readings):
        if reading and words and reading.dataset.is_vector and reading.kind == "layer":
            column = best_column(parts, reading.dataset, words)
            return (reading.dataset, column.name, index) if column else None
    return None


def _asked_property(parts: Parts) -> tuple[str, ...]:
    adjective = next((name.removeprefix("howadj:") for name in parts.clause.measures if name.startswith("howadj:")), "")
    return PROPERTY_WORDS.get(ADJECTIVES.get(adjective, ""), ())


def _column_frame(
    parts: Parts, found: Ingredients, ranking: Ranking, dataset: Dataset, measures: tuple[tuple[str, str | None], ...]
) -> Frame | None:
    own = next((layer for layer in found.layers if layer.ref == dataset.id), None) or parts.layer_of(dataset, (), dataset.title)
    layer = filtered(parts, own, found)
    if layer is None:
        return None
    frame = told_apart(parts, Frame("features", layer=layer, measures=measures), found)
    for index in found.groups:
        frame = grouped(parts, frame, found, index) if frame else None
    return _finished_column(parts, frame, ranking) if frame else None


def _finished_column(parts: Parts, frame: Frame, ranking: Ranking) -> Frame | None:
    order = ranking.order if frame.zones or frame.group_by else None
    if ranking.order and order is None and parts.clause.superlative is None:
        return None
    if ranking.order and order is None:
        parts.use("super", 0)
    if parts.clause.unit:
        return None
    frame = replace(frame, order=order, limit=ranking.limit if order else None, having=parts.having)
    return ranking.applied(parts, frame)
