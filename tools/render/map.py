"""Draw layers on a map: a PNG with legend, scale bar and attribution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from tools.contract import Source, Tool, ToolContext, ToolOutput
from tools.errors import DataError, ParameterError
from tools.geotypes import AnyRef, Params

if TYPE_CHECKING:
    import geopandas
    from pyproj import CRS

    from tools.render.draw import FeatureLayer, RasterLayer
    from tools.render.frame import Bounds, MapFrame

PICTURE = "map.png"


class MapLayer(Params):
    """One layer of a map, drawn in the order given."""

    source: AnyRef
    band: int = Field(default=1, ge=1, description="Band of a raster, from 1.")
    column: str | None = Field(default=None, description="Column by which to colour a vector layer.")
    label: str | None = Field(default=None, description="Name in the legend; default: the dataset's title.")

    @model_validator(mode="before")
    @classmethod
    def _source_alone(cls, given: object) -> object:
        """Take a bare name for the source, as everybody writes it who wants nothing special."""
        return {"source": given} if isinstance(given, str) else given


class RenderMapParams(Params):
    """Draw one or more rasters, layers or earlier results on a map (PNG) with legend, scale bar and attribution."""

    layers: list[MapLayer] = Field(min_length=1, max_length=8, description="What to draw, bottom first.")
    title: str = Field(default="", max_length=120, description="Title of the map.")
    width_px: int = Field(default=1000, ge=200, le=4000, description="Width of the picture in pixels.")
    attribution: str | None = Field(default=None, description="Credit line; default: the attributions of the layers.")


def resolve(params: RenderMapParams, sources: Mapping[str, Source]) -> RenderMapParams:
    """Fill in labels and credit line from the datasets, since they are drawn and so belong to the key."""
    layers = [
        layer if layer.label else layer.model_copy(update={"label": sources[layer.source].title or sources[layer.source].kind})
        for layer in params.layers
    ]
    credits_ = dict.fromkeys(sources[layer.source].attribution for layer in params.layers)
    attribution = params.attribution if params.attribution is not None else "; ".join(credit for credit in credits_ if credit)
    return params.model_copy(update={"layers": layers, "attribution": attribution})


def run(params: RenderMapParams, context: ToolContext) -> ToolOutput:
    """Draw the map in a local equal-area projection (longitude, latitude where it spans more than 90 degrees).

    Raises DataError where nothing has an extent, ParameterError for an unknown column.
    """
    from tools.render.draw import draw_map

    sources = [context.source(layer.source) for layer in params.layers]
    frame, bbox = _frame(sources, params.width_px)
    drawn = [_layer(layer, source, frame) for layer, source in zip(params.layers, sources, strict=True)]
    draw_map(context.folder / PICTURE, frame, drawn, title=params.title, attribution=params.attribution or "")
    return ToolOutput(
        summary=f"Drew a map of {len(drawn)} layer{'s' if len(drawn) > 1 else ''}.",
        files=(PICTURE,),
        kind="map",
        method={"projection": frame.crs.to_string(), "width_px": frame.width_px, "height_px": frame.height_px},
        bbox=bbox,
    )


def _frame(sources: list[Source], width_px: int) -> tuple[MapFrame, Bounds]:
    """Return a frame around all layers, and their joint extent in degrees."""
    from pyproj import CRS

    from tools.render.frame import frame_around, map_crs

    lonlat = CRS.from_epsg(4326)
    bbox = _joint([_bounds(source, lonlat) for source in sources])
    crs = map_crs(bbox)
    return frame_around(crs, _joint([_bounds(source, crs) for source in sources]), width_px), bbox


def _bounds(source: Source, crs: CRS) -> Bounds:
    """Return left, bottom, right, top of a layer in a CRS."""
    from tools.geo.frame import transformer
    from tools.storage.rasters import raster_info
    from tools.storage.vectors import read_layer

    if source.kind == "raster":
        info = raster_info(source, 1)
        own, (left, bottom, right, top) = info.crs, info.grid.extent.boundingbox
    else:
        frame = read_layer(source)
        own, (left, bottom, right, top) = frame.crs, frame.total_bounds
    return transformer(own, crs).transform_bounds(left, bottom, right, top)


def _joint(bounds: list[Bounds]) -> Bounds:
    from math import isfinite

    known = [each for each in bounds if all(isfinite(number) for number in each)]
    if not known:
        raise DataError("Nothing can be drawn: no layer has a place on the Earth.", hint="Choose a layer or result that has features.")
    return min(b[0] for b in known), min(b[1] for b in known), max(b[2] for b in known), max(b[3] for b in known)


def _layer(layer: MapLayer, source: Source, frame: MapFrame) -> RasterLayer | FeatureLayer:
    from tools.render.draw import FeatureLayer, RasterLayer
    from tools.storage.rasters import raster_info
    from tools.storage.vectors import read_layer
    from tools.storage.warp import warped_band

    if source.kind == "raster":
        info = raster_info(source, layer.band)
        values = warped_band(source, layer.band, frame.grid)
        classes = {float(value): label for value, label in info.classes.items()}
        if info.value_kind == "categorical" and not classes:
            classes = {float(value): f"{value:g}" for value in sorted(set(values.compressed().tolist()))}
        label = f"{info.name}: {layer.label}" if info.name else layer.label or ""
        return RasterLayer(label, values, classes or None, info.unit)
    features = read_layer(source)
    if layer.column is not None and layer.column not in features.columns:
        there = ", ".join(str(column) for column in features.columns if column != "geometry")
        raise ParameterError(f"The layer has no column {layer.column!r}.", hint=f"It has: {there}.")
    return FeatureLayer(layer.label or "", _placed(features, frame, source.path.name), layer.column)


def _placed(features: geopandas.GeoDataFrame, frame: MapFrame, name: str) -> geopandas.GeoDataFrame:
    import numpy as np
    import shapely

    placed = features.to_crs(frame.crs)
    if not np.isfinite(shapely.get_coordinates(placed.geometry.to_numpy())).all():
        raise DataError(
            f"Some coordinates of the layer {name!r} are no place on the map.",
            hint="Correct its CRS, or take out the features that are wrong.",
        )
    return placed


TOOL = Tool(
    "render_map",
    RenderMapParams,
    run,
    "pure",
    libraries=("matplotlib", "rasterio", "geopandas", "odc-geo", "pyproj", "pyogrio"),
    resolve=resolve,
)
