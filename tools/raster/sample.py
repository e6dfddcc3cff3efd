"""Read the values of a raster at the points of a layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from tools.contract import Source, Tool, ToolContext, ToolOutput
from tools.errors import ParameterError
from tools.geotypes import EVERYTHING, Params, RasterRef, VectorRef, Where

if TYPE_CHECKING:
    from tools.geo.rings import Geometries
    from tools.raster.features import Features
    from tools.raster.sampling import Sampled
    from tools.storage.rasters import RasterInfo


class SampleParams(Params):
    """Read the values of a raster at points, e.g. the elevation at clinics: of the pixel, interpolated, or the mean within a radius. Gives a value per point and the points as a layer with the values. For polygons use zonal_stats."""

    raster: RasterRef
    points: VectorRef = Field(description="A layer of points.")
    where: Where = Field(default=EVERYTHING, description="Which points; none = all.")
    bands: list[int] = Field(default_factory=list, max_length=100, description="Band numbers, from 1; default: all.")
    method: Literal["nearest", "bilinear", "mean"] = Field(
        default="nearest", description="Value of the pixel at the point, interpolated between pixel centres, or mean within 'radius_m'."
    )
    radius_m: float | None = Field(default=None, gt=0, le=100_000, description="For 'mean': metres around the point, on the ground.")

    @model_validator(mode="after")
    def _radius_fits(self) -> SampleParams:
        if (self.radius_m is None) == (self.method == "mean"):
            raise ValueError("'radius_m' goes with the method 'mean', and only with it")
        if len(set(self.bands)) != len(self.bands) or any(band < 1 for band in self.bands):
            raise ValueError(f"'bands' {self.bands} must be different numbers from 1")
        return self


def resolve(params: SampleParams, sources: Mapping[str, Source]) -> SampleParams:
    """Settle the bands, so that the key holds what is really read; raise ParameterError for a band that does not exist or cannot be averaged."""
    from tools.storage.rasters import raster_info

    source = sources[params.raster]
    bands = params.bands or list(range(1, raster_info(source).count + 1))
    for band in bands:
        info = raster_info(source, band)
        if (info.value_kind == "categorical" or info.is_direction) and params.method != "nearest":
            what = "directions in degrees" if info.is_direction else "classes"
            raise ParameterError(f"Band {band} holds {what}, which have no {params.method}.", hint="Use method 'nearest'.")
    return params.model_copy(update={"bands": bands})


def run(params: SampleParams, context: ToolContext) -> ToolOutput:
    """Write the points with a column per band (and one of class labels), and why a point has no value.

    Facts: `count` of the points and of those without a value (nodata, outside); of every band mean, min and max over the
    points, or the `count` of points in each class; `value` at every point, in the band's unit. The outcome is no coverage
    where no point has a value. Raises ParameterError for a layer that holds other things than points.
    """
    from tools.raster.features import read_features
    from tools.raster.sample_report import report
    from tools.storage.rasters import raster_info

    source = context.source(params.raster)
    infos = [raster_info(source, band) for band in params.bands]
    features = read_features(context.source(params.points), params.where)
    points = _points(features.geometries, params.points)
    sampled, method = _sampled(params, context, (features, points), infos[0])
    return report(params, context, features, infos, sampled, method)


def _points(geometries: Geometries, ref: str) -> Geometries:
    """Return single points, None where missing."""
    import numpy as np
    import shapely

    single = geometries.copy()
    several = np.flatnonzero(shapely.get_type_id(geometries) == shapely.GeometryType.MULTIPOINT)
    alone = several[shapely.get_num_geometries(geometries[several]) == 1]
    single[alone] = shapely.get_geometry(geometries[alone], 0)
    other = ~shapely.is_missing(single) & (shapely.get_type_id(single) != shapely.GeometryType.POINT)
    if other.any():
        raise ParameterError(
            f"{int(other.sum())} of {len(single)} features of {ref!r} are no single points.",
            hint="Use zonal_stats for polygons; take centroids or points on the surface with shapes for points that stand for features.",
        )
    return single


def _sampled(
    params: SampleParams, context: ToolContext, points: tuple[Features, Geometries], info: RasterInfo
) -> tuple[Sampled, dict[str, object]]:
    """Return the values, and how they were taken, for the record."""
    from dataclasses import replace

    from tools.geo.buffer import buffer, buffer_method
    from tools.raster.sampling import around_places, at_places, pixel_places
    from tools.storage.rasters import open_raster

    features, single = points
    shapes = single if params.radius_m is None else buffer(single, features.crs, params.radius_m)
    onto, records = replace(features, geometries=shapes).onto(info.grid)
    with open_raster(context.source(params.raster)) as dataset:
        if params.radius_m is not None:
            how = {**buffer_method(params.radius_m), "weighting": "covered share of every pixel x its true area"}
            return around_places(dataset, params.bands, onto, info.grid, context.progress), {**how, "transformations": records}
        places = pixel_places(onto, info.grid)
        found = at_places(dataset, params.bands, places, bilinear=params.method == "bilinear", told=context.progress)
        return found, {"transformations": records}


TOOL = Tool(
    "sample",
    SampleParams,
    run,
    "pure",
    libraries=("rasterio", "odc-geo", "geopandas", "pyproj", "pyogrio", "shapely", "numpy", "pyarrow", "pandas"),
    resolve=resolve,
)
