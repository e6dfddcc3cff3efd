"""Frames for questions about the data itself, and for maps."""

from __future__ import annotations

from agent.planner.frames import Cells, Frame
from agent.planner.parts import Parts


def build_catalog(parts: Parts) -> Frame | None:
    """Return the frame of `what data is here`: nothing else may be named."""
    if any(reading and not reading.is_generic for reading in parts.readings):
        return None
    parts.use("phrase", *range(len(parts.readings)))
    parts.use("flag", *parts.clause.flags)
    parts.use("measure", *parts.clause.measures)
    return Frame("catalog")


def build_describe(parts: Parts) -> Frame | None:
    """Return the frame of `describe X`, `columns of X`: every phrase names a dataset."""
    named = [index for index, reading in enumerate(parts.readings) if reading]
    refs: list[str] = []
    for index in named:
        reading = parts.reading(index)
        if reading.where or reading.classes or not (reading.is_named or reading.is_generic):
            return None
        if reading.kind == "column" or reading.is_flood:
            return None
        refs.append(reading.dataset.id)
        parts.use("phrase", index)
        parts.use("relation", index)
    if not refs or parts.clause.limits or parts.clause.superlative:
        return None
    parts.use("flag", *(flag for flag in ("describe", "columns", "datasets") if parts.clause.has(flag)))
    parts.use("measure", *(name for name in parts.clause.measures if name in ("area", "count")))
    topic = "columns" if parts.clause.has("columns") else ""
    return Frame("describe", refs=tuple(dict.fromkeys(refs)), topic=topic)


def build_map(parts: Parts) -> Frame | None:
    """Return the frame of `a map of X`: datasets, or selections of features, or nothing = the last result."""
    refs: list[str] = []
    columns: list[str] = []
    for index, reading in enumerate(parts.readings):
        if reading is None:
            continue
        if reading.dataset.kind not in ("raster", "vector") or reading.where or reading.classes or reading.is_flood:
            return None
        parts.use("phrase", index)
        refs.append(reading.dataset.id)
        columns += [reading.columns[-1]] if reading.kind == "column" else []
    if parts.clause.limits or parts.clause.superlative or len(columns) > 1:
        return None
    parts.use("flag", "map", "where", "describe")
    parts.use("measure", "share_of", "share", "area")
    ordered = sorted(dict.fromkeys(refs), key=lambda ref: not parts.atlas.get(ref).is_raster)
    made = [Cells(ref, derived=derived) for ref in ordered if (derived := parts.atlas.get(ref).derived)]
    return Frame("map", refs=tuple(ordered), select=tuple(columns), cells=made[0] if made else None) if len(made) < 2 else None
