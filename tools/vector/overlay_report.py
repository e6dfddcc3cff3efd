"""The output of an overlay: measures per group and in total, shares, coverage, and the layer that was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from tools.contract import Fact, Outcome, ToolContext, ToolOutput
from tools.geo.buffer import buffer_method
from tools.geo.dissolve import groups_of, union
from tools.geo.rings import Geometries, Indexes
from tools.geo.surface import area_on, length_on, surface_method
from tools.geo.transform import transformation_record
from tools.geo.vicinity import lonlat_bounds
from tools.storage.vectors import write_layer
from tools.vector.aggregates import Aggregates, aggregate
from tools.vector.combine import Made, Subject
from tools.vector.extents import Extent, dimensions_of, extent_of
from tools.vector.layers import AREA_COLUMN, LENGTH_COLUMN, Layer
from tools.vector.measures import group_subjects
from tools.vector.rows import FID, as_layer

if TYPE_CHECKING:
    import geopandas

    from tools.geotypes import Surface
    from tools.vector.overlay import OverlayParams

FILE = "overlay.parquet"
SLIVERS = 1e-6
"""Below this share of the layer's area a result is most likely an artefact of digitising."""
SHARED = ("intersection", "difference")
"""Operations whose result is a part of the layer, so that it has a share in it."""


def nowhere(params: OverlayParams, layer: Layer, other: Layer) -> ToolOutput:
    """Report that the two layers do not meet: no number."""
    return ToolOutput(
        summary="The other layer does not reach into the extent of the layer, or holds no such feature, so they cannot be combined.",
        outcome=Outcome.NO_COVERAGE,
        warnings=(*layer.warnings, *other.warnings, *_absent(layer, other)),
        method=_method(params, layer, other),
        bbox=lonlat_bounds(layer.bounds, layer.crs),
    )


def report(params: OverlayParams, layer: Layer, other: Layer | None, made: Made, context: ToolContext) -> ToolOutput:
    """Measure what was made in total and per group, write it, and say how."""
    inputs = {"layer ": _whole(layer, params.surface)}
    if other is not None and (params.surface == "ellipsoid" or other.crs == layer.crs):  # no two planes in one answer
        inputs["other "] = _whole(other, params.surface)
    wanted = _dimensions(params, layer, other)
    total = extent_of(made.once(np.arange(len(made.geometries))), layer.crs, wanted, params.surface).without_noise(inputs["layer "])
    aggregates = aggregate(layer, params.by, params.aggregates) if params.aggregates else None
    facts = [*total.facts({}), *_group_facts(params, layer, made, wanted)]
    if params.operation in SHARED:
        facts += total.shares(inputs["layer "], {})
    facts += [fact for prefix, whole in inputs.items() for fact in whole.facts({}, prefix)]
    facts += aggregates.facts() if aggregates else ()
    frame = None if total.is_zero else _frame(params, layer, made, aggregates)
    if frame is not None:
        write_layer(context.folder / FILE, frame)
    return ToolOutput(
        summary=_summary(params, total),
        facts=tuple(facts),
        outcome=Outcome.TRUE_ZERO if total.is_zero else Outcome.VALUE,
        files=() if frame is None else (FILE,),
        kind="text" if frame is None else "vector",
        warnings=(
            *_warnings(params, layer, other, made, inputs),
            *_slivers(params, total, inputs["layer "]),
            *(aggregates.warnings if aggregates else ()),
        ),
        method={**_method(params, layer, other), **(aggregates.method if aggregates else {})},
        bbox=_bbox(layer, made) if frame is not None else lonlat_bounds(layer.bounds, layer.crs),
    )


def _whole(layer: Layer, surface: Surface) -> Extent:
    return extent_of(layer.geometries, layer.crs, dimensions_of(layer.geometries), surface)


def _dimensions(params: OverlayParams, layer: Layer, other: Layer | None) -> set[int]:
    """Return the dimensions that the result of an operation has."""
    own = dimensions_of(layer.geometries) or {2}
    if params.operation == "buffer":
        return {2}
    if params.operation == "intersection" and other is not None:
        theirs = dimensions_of(other.geometries) or {2}
        return {min(a, b) for a in own for b in theirs}
    return own


def _group_facts(params: OverlayParams, layer: Layer, made: Made, wanted: set[int]) -> list[Fact]:
    """Return measures and shares of every group; of a share the whole is the layer's group, or the layer without `by`."""
    if not any(made.subjects) and not made.empty:
        return []
    wholes = _layer_groups(params, layer)
    facts: list[Fact] = []
    for subject, members in [*_groups(made), *((subject, np.array([], dtype=np.intp)) for subject in made.empty)]:
        whole = wholes.get(tuple((column, subject[column]) for column in params.by if column in subject))
        extent = extent_of(made.once(members), layer.crs, wanted, params.surface)
        extent = extent if whole is None else extent.without_noise(whole)
        facts += extent.facts(subject)
        if params.operation in SHARED and whole is not None:
            facts += extent.shares(whole, subject)
    return facts


def _groups(made: Made) -> list[tuple[Subject, Indexes]]:
    """Return the groups with the positions of their geometries, sorted by their texts."""
    groups = groups_of([tuple(subject.items()) for subject in made.subjects])
    return [(dict(items), groups[items]) for items in sorted(groups)]


def _layer_groups(params: OverlayParams, layer: Layer) -> dict[tuple[tuple[str, str], ...], Extent]:
    keys = [tuple(zip(params.by, values, strict=True)) for values in group_subjects(layer, params.by)]
    kinds = dimensions_of(layer.geometries)
    return {key: extent_of(layer.geometries[own], layer.crs, kinds, params.surface) for key, own in groups_of(keys).items()}


def _frame(params: OverlayParams, layer: Layer, made: Made, aggregates: Aggregates | None) -> geopandas.GeoDataFrame:
    """Return one row per group, dissolved; without groups one per feature of the layer, with its attributes."""
    import geopandas

    if made.rows is not None and not any(made.subjects) and params.operation != "dissolve":
        columns: dict[str, Any] = {FID: layer.frame.index[list(made.rows)]}  # Any: an index and arrays
        frame = layer.frame.iloc[list(made.rows)].set_geometry(
            geopandas.GeoSeries(list(made.geometries), index=columns[FID], crs=layer.crs)
        )
        return as_layer(frame.assign(**columns, **_measured(made.geometries, layer, params.surface)))
    groups = _groups(made)
    geometries: Geometries = np.empty(len(groups), dtype=object)
    geometries[:] = [union(made.geometries[members]) for _, members in groups]
    columns = {key: [subject.get(key) for subject, _ in groups] for key in dict.fromkeys(key for subject, _ in groups for key in subject)}
    if aggregates:
        columns |= aggregates.columns([subject for subject, _ in groups])
    return as_layer(
        geopandas.GeoDataFrame({**columns, **_measured(geometries, layer, params.surface)}, geometry=list(geometries), crs=layer.crs)
    )


def _measured(geometries: Geometries, layer: Layer, surface: Surface) -> dict[str, Any]:  # Any: arrays of numbers
    """Return the computed columns that fit the geometries: area of polygons, length of lines."""
    columns: dict[str, Any] = {}
    dimensions = shapely.get_dimensions(geometries)
    if (dimensions == 2).any():
        columns[AREA_COLUMN] = area_on(surface, geometries, layer.crs)
    if (dimensions == 1).any():
        columns[LENGTH_COLUMN] = length_on(surface, geometries, layer.crs)
    return columns


def _warnings(params: OverlayParams, layer: Layer, other: Layer | None, made: Made, inputs: dict[str, Extent]) -> tuple[str, ...]:
    said = [*layer.warnings, *(other.warnings if other is not None else ()), *_absent(layer, other)]
    for prefix, whole in inputs.items():
        overlap = whole.cover.warning() if whole.cover is not None else None
        said += [f"in the {prefix}{'' if prefix == 'layer ' else 'layer'}".strip() + f", {overlap}"] if overlap else []
    if params.operation == "difference" and not made.reached:
        said.append("the other layer does not reach into the layer's extent, so nothing was taken away")
    return tuple(said)


def _slivers(params: OverlayParams, total: Extent, whole: Extent) -> tuple[str, ...]:
    """Say that what is left is hardly more than the rounding of shared edges."""
    area, of = total.values.get("area", 0), whole.values.get("area", 0)
    if params.operation in ("buffer", "dissolve", "union") or not 0 < area < SLIVERS * of:
        return ()
    return (f"the result is {area:.3g} m2, less than a millionth of the layer's area: slivers along shared edges rather than land",)


def _absent(layer: Layer, other: Layer | None) -> tuple[str, ...]:
    there = () if other is None else tuple(f"in the other layer {absent.warning}" for absent in other.absent)
    return (*(absent.warning for absent in layer.absent), *there)


def _summary(params: OverlayParams, total: Extent) -> str:
    units = {"count": "points", "length": "m", "area": "m2"}
    numbers = ", ".join(f"{name} {value:,.6g} {units[name]}" for name, value in total.values.items())
    return f"Result of {params.operation.replace('_', ' ')}: {numbers}."


def _method(params: OverlayParams, layer: Layer, other: Layer | None) -> dict[str, Any]:
    """Return, JSON-safe, how it was made and measured."""
    transformations = (
        [transformation_record("other layer", other.crs, layer.crs, other.geometries)]
        if other is not None and other.crs != layer.crs
        else []
    )
    buffering = buffer_method(params.distance_m) if params.distance_m is not None else {}
    return {
        **surface_method(params.surface, layer.geometries, layer.crs),
        **buffering,
        "overlap": "each place counts once, per group and in total",
        "transformations": transformations,
    }


def _bbox(layer: Layer, made: Made) -> tuple[float, float, float, float]:
    left, bottom, right, top = (float(value) for value in shapely.total_bounds(made.geometries))
    return lonlat_bounds((left, bottom, right, top), layer.crs)
