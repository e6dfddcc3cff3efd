"""The output of a query: summary, facts, outcome with its proof of coverage, and the layer that was made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tools.contract import Fact, Outcome, ToolContext, ToolOutput
from tools.geo.surface import surface_method
from tools.geo.vicinity import lonlat_bounds
from tools.storage.vectors import write_layer
from tools.vector.filters import Selection
from tools.vector.grouping import MOST_EMPTY, measure, rows_json
from tools.vector.layers import Layer
from tools.vector.listing import list_features
from tools.vector.measures import UNITS, GroupRow
from tools.vector.repeats import repeats_warning
from tools.vector.rows import as_layer
from tools.vector.rows import rows_json as feature_rows_json
from tools.vector.weighting import made_whole

if TYPE_CHECKING:
    import geopandas

    from tools.geotypes import Surface
    from tools.vector.query import QueryVectorParams

FILE = "features.parquet"
SEARCHED = "features searched"
"""Name of the fact that proves coverage beside a true zero: how many features the layer holds."""


def outside(selection: Selection) -> ToolOutput:
    """Report that the layer does not reach the place asked about: no number."""
    layer = selection.layer
    return ToolOutput(
        summary="The place asked about lies outside the layer's extent or is not in the other layer, so nothing can be counted or measured there.",
        outcome=Outcome.NO_COVERAGE,
        warnings=selection.warnings,
        method=_method(layer, selection.transformations),
        bbox=lonlat_bounds(layer.bounds, layer.crs),
    )


def of_measures(selection: Selection, params: QueryVectorParams, context: ToolContext) -> ToolOutput:
    """Report numbers over the features kept, per group or zone."""
    layer = selection.layer
    whole = made_whole(layer, params.measures)
    params = params.model_copy(update={"measures": list(whole.measures)})
    measured = measure(selection, params, context)
    if not measured.reached:
        return outside(selection.and_said(*measured.warnings))
    rows = measured.rows
    matched = len(layer.frame)
    is_zero = not any(row.features for row in rows)
    facts = measured.facts or (Fact("count", 0, "count"),)
    return ToolOutput(
        summary=_measures_summary(matched, layer.total, rows),
        facts=(*facts, *_proof(layer)) if is_zero else facts,
        outcome=Outcome.TRUE_ZERO if is_zero else Outcome.VALUE,
        files=_write(measured.frame, context),
        kind="text" if measured.frame is None else "vector",
        warnings=(
            *selection.warnings,
            *_absent(layer),
            *measured.warnings,
            *whole.warnings,
            *_repeats(layer, params),
            *_cut(len(rows), measured.groups, "groups"),
        ),
        method={**_method(layer, (*selection.transformations, *measured.transformations), params.surface), **whole.method},
        data={"rows": rows_json(measured, params)[:MOST_EMPTY]},
        bbox=_bbox(measured.frame, layer),
    )


def of_features(selection: Selection, params: QueryVectorParams, context: ToolContext) -> ToolOutput:
    """Report the features kept, ranked and limited, with their nearest neighbours where asked."""
    layer = selection.layer
    listed = list_features(selection, params, context)
    if not listed.reached:
        return outside(selection.and_said(*listed.warnings))
    frame = as_layer(listed.frame) if listed.matched else None
    return ToolOutput(
        summary=f"{listed.matched} of {layer.total} features match; {listed.shown} are shown.",
        facts=listed.facts if listed.matched else (*listed.facts, *_proof(layer)),
        outcome=Outcome.VALUE if listed.matched else Outcome.TRUE_ZERO,
        files=_write(frame, context),
        kind="text" if frame is None else "vector",
        warnings=(*selection.warnings, *_absent(layer), *listed.warnings, *_cut(listed.shown, listed.matched, "features")),
        method=_method(layer, (*selection.transformations, *listed.transformations), params.surface),
        data={"rows": feature_rows_json(listed.frame, listed.names)},
        bbox=_bbox(frame, layer),
    )


def _proof(layer: Layer) -> tuple[Fact, ...]:
    return (Fact(SEARCHED, layer.total, "count"),)


def _absent(layer: Layer) -> tuple[str, ...]:
    return tuple(absent.warning for absent in layer.absent)


def _repeats(layer: Layer, params: QueryVectorParams) -> tuple[str, ...]:
    return repeats_warning(layer.frame, [(measure.aggregate, measure.column) for measure in params.measures])


def _cut(shown: int, there: int, noun: str) -> tuple[str, ...]:
    return (f"{shown} of {there} {noun} are shown, as limited",) if shown < there else ()


def _measures_summary(matched: int, total: int, rows: Sequence[GroupRow]) -> str:
    if len(rows) != 1:
        return f"{matched} of {total} features match, in {len(rows)} groups."
    numbers = [f"{name} {value:,.6g} {UNITS.get(name, '')}".strip() for name, value in rows[0].values.items() if value is not None]
    return f"{matched} of {total} features match: {', '.join(numbers) or 'no numbers'}."


def _write(frame: geopandas.GeoDataFrame | None, context: ToolContext) -> tuple[str, ...]:
    if frame is None:
        return ()
    write_layer(context.folder / FILE, frame)
    return (FILE,)


def _bbox(frame: geopandas.GeoDataFrame | None, layer: Layer) -> tuple[float, float, float, float]:
    """Return the extent of what was made; that of the layer where nothing was."""
    if frame is None or frame.geometry.isna().all():
        return lonlat_bounds(layer.bounds, layer.crs)
    left, bottom, right, top = (float(value) for value in frame.total_bounds)
    return lonlat_bounds((left, bottom, right, top), frame.crs)


def _method(layer: Layer, transformations: Sequence[dict[str, str]], surface: Surface | None = None) -> dict[str, Any]:
    """Return, JSON-safe, how it was measured, what was transformed, and what the layer covers."""
    coverage = {"layer_features": layer.total, "layer_bbox": list(lonlat_bounds(layer.bounds, layer.crs))}
    measures = {} if surface is None else surface_method(surface, layer.geometries, layer.crs)
    return {**measures, "transformations": list(transformations), "coverage": coverage}
