"""Describe one dataset in full: extent, CRS, resolution, bands or columns, values, gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools.catalog.naming import counted, crs_name
from tools.contract import Fact, Source, Tool, ToolContext, ToolOutput
from tools.errors import ParameterError
from tools.geotypes import AnyRef, Params

if TYPE_CHECKING:
    from tools.catalog.records import Content


NOT_SHOWN = {"licence", "attribution", "warnings", "conforms_to"}
NAMED = 12
"""Most collections of a catalogue that the summary names."""


class DescribeDatasetParams(Params):
    """Describe one dataset or earlier result: extent, CRS, resolution, bands or columns with types and sample values, nodata, validity; of a catalogue its collections; of a network: what it takes and gives."""

    dataset: AnyRef


def run(params: DescribeDatasetParams, context: ToolContext) -> ToolOutput:
    """Describe the dataset; see `DescribeDatasetParams`.

    Numbers of a raster are over all its pixels, unweighted: what is in the file, not on the ground.
    """
    from tools.catalog.describing import describe

    source = context.source(params.dataset)
    if source.kind in ("map", "text"):
        raise ParameterError(
            f"The result {params.dataset!r} is a {source.kind}, not data.", hint="Describe a raster, a layer, a table or a document."
        )
    content = describe(source)
    facts, more = _numbers(source, content)
    return ToolOutput(
        summary=_summary(content),
        facts=facts,
        warnings=content.warnings,
        method={"statistics": "every valid pixel or row once, unweighted", "extent": "transformed with densified edges to EPSG:4326"},
        data={**content.model_dump(mode="json", exclude_defaults=True, exclude=NOT_SHOWN), **more},
        bbox=content.bbox,
    )


def _numbers(source: Source, content: Content) -> tuple[tuple[Fact, ...], dict[str, Any]]:  # Any: JSON values
    """Return the facts, and of a layer or table what more its manifest says."""
    if content.kind in ("vector", "table"):
        from tools.catalog.vector_facts import vector_manifest

        return vector_manifest(source)
    return _facts(source, content), {}


def _facts(source: Source, content: Content) -> tuple[Fact, ...]:
    if content.kind == "raster":
        from tools.catalog.raster_facts import raster_facts

        return raster_facts(source, content)
    if content.kind == "catalogue":
        return (Fact("count", len(content.collections), "count", {"of": "collections"}),)
    if content.kind == "document":
        return (Fact("size", source.path.stat().st_size, "count", {"of": "bytes"}),)
    if content.network is None:
        return ()
    return (
        Fact("resolution", content.network.resolution_m, "m"),
        Fact("count", len(content.network.classes), "count", {"of": "classes"}),
    )


def _summary(content: Content) -> str:
    if content.kind == "catalogue":
        named = ", ".join(one.id for one in content.collections[:NAMED])
        return f"A catalogue of scenes ({content.driver}) with {counted(len(content.collections), 'collection')}: {named}."
    if content.kind == "document":
        return f"A document ({content.driver})."
    if content.network is not None:
        labels = ", ".join(content.network.classes.values())
        return f"A network ({content.network.architecture}) that tells {labels} from {', '.join(content.network.bands)}."
    if content.kind == "table":
        return f"A table of {counted(content.feature_count, 'row')} and {counted(len(content.columns), 'column')}, without coordinates."
    place = "without a CRS" if content.crs is None else f"in {crs_name(content.crs)}"
    if content.kind == "raster":
        return f"A raster of {content.width} × {content.height} pixels with {counted(len(content.bands), 'band')}, {place}."
    shape = content.geometry_type or "no geometry"
    return f"A layer of {counted(content.feature_count, 'feature')} ({shape}) with {counted(len(content.columns), 'column')}, {place}."


TOOL = Tool("describe_dataset", DescribeDatasetParams, run, "pure", libraries=("rasterio", "pyogrio", "geopandas", "shapely", "pyproj"))
