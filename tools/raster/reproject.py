"""Bring a raster or a vector layer into another coordinate reference system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from tools.contract import Fact, Outcome, Source, Tool, ToolContext, ToolOutput
from tools.errors import LimitError, ParameterError
from tools.geotypes import AnyRef, CrsText, Params

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

Resampling = Literal["auto", "nearest", "mode", "bilinear", "cubic", "average", "min", "max", "sum"]


class ReprojectParams(Params):
    """Reproject a raster or a vector layer. Categories are resampled by nearest or mode only; 'auto' chooses nearest for categories and unknown integers, bilinear for continuous values."""

    source: AnyRef
    crs: CrsText
    resolution: float | None = Field(
        default=None, gt=0, description="Pixel size in units of the new CRS; none = keep the source's (rasters only)."
    )
    resampling: Resampling = Field(default="auto", description="Resampling of pixels (rasters only).")


RASTER_FILE, LAYER_FILE = "reprojected.tif", "reprojected.parquet"


def resolve(params: ReprojectParams, sources: Mapping[str, Source]) -> ReprojectParams:
    """Settle pixel size and resampling against the source, so that the key holds what is really done."""
    from pyproj import CRS

    from tools.raster.resampling import choose
    from tools.storage.rasters import raster_info
    from tools.storage.warp import default_grid

    source = sources[params.source]
    if source.kind != "raster":
        if params.resolution is not None or params.resampling != "auto":
            raise ParameterError("A vector layer has no pixels, so 'resolution' and 'resampling' do not fit.", hint="Leave them out.")
        return params
    resampling = choose(params.resampling, raster_info(source, 1).value_kind)
    grid = default_grid(source, CRS.from_user_input(params.crs), params.resolution)
    return params.model_copy(update={"resampling": resampling, "resolution": abs(grid.resolution.x)})


def run(params: ReprojectParams, context: ToolContext) -> ToolOutput:
    """Write the reprojected raster (all bands) or layer.

    Facts of a raster: `width`, `height` (count), `resolution` (m or degree), `valid_share` (%); of a layer: `count`. Nodata stays nodata; pixels outside
    the source become nodata. Raises MissingCrsError, LimitError for a grid that is too large, ParameterError for a resampling
    that would mix categories.
    """
    source = context.source(params.source)
    return _raster(params, source, context) if source.kind == "raster" else _layer(params, source, context)


def _raster(params: ReprojectParams, source: Source, context: ToolContext) -> ToolOutput:
    import numpy as np
    from pyproj import CRS

    from tools.geo.nodata import free_value
    from tools.storage.rasters import raster_info, write_raster
    from tools.storage.warp import default_grid, warped_band

    info = raster_info(source, 1)
    grid = default_grid(source, CRS.from_user_input(params.crs), params.resolution)
    height, width = grid.shape
    _check_size(height * width * info.count)
    bands = np.ma.stack([warped_band(source, band, grid, params.resampling) for band in range(1, info.count + 1)])
    fill = free_value(bands, info.nodata)
    classes = info.classes if info.value_kind == "categorical" else None
    write_raster(context.folder / RASTER_FILE, bands.filled(fill), grid, nodata=fill, unit=info.unit, classes=classes)
    valid = 100 * (1 - float(np.ma.getmaskarray(bands[0]).mean()))
    return ToolOutput(
        summary=f"Reprojected the raster to {CRS.from_user_input(params.crs).name} by {params.resampling} resampling.",
        facts=(Fact("width", width, "count"), Fact("height", height, "count"), _resolution(grid), Fact("valid_share", valid, "%")),
        outcome=Outcome.VALUE if valid else Outcome.NO_COVERAGE,
        files=(RASTER_FILE,),
        kind="raster",
        method={"from": info.crs.name, "to": params.crs, "resampling": params.resampling, "resolution": params.resolution},
    )


def _resolution(grid: GeoBox) -> Fact:
    """Return the pixel size in metres or degrees; other linear units are converted."""
    from tools.geo.frame import geodetic_frame
    from tools.geo.grid import crs_of

    frame, size = geodetic_frame(crs_of(grid)), abs(float(grid.resolution.x))
    if frame.crs.is_geographic:
        return Fact("resolution", size, "degree")
    return Fact("resolution", size * frame.metres_per_unit, "m")


def _layer(params: ReprojectParams, source: Source, context: ToolContext) -> ToolOutput:
    from pyproj import CRS

    from tools.geo.transform import transform, transformation_record
    from tools.storage.vectors import read_layer, write_layer

    frame = read_layer(source)
    src, dst = frame.crs, CRS.from_user_input(params.crs)
    moved = frame.set_geometry(transform(frame.geometry.to_numpy(), src, dst), crs=dst)
    write_layer(context.folder / LAYER_FILE, moved)
    return ToolOutput(
        summary=f"Reprojected the layer to {dst.name}.",
        facts=(Fact("count", len(moved), "count"),),
        files=(LAYER_FILE,),
        kind="vector",
        method={"transformations": [transformation_record("layer", src, dst)]},
    )


def _check_size(pixels: int) -> None:
    from tools.settings import ToolSettings

    limit = ToolSettings().max_output_pixels
    if pixels > limit:
        raise LimitError(
            f"The reprojected raster would have {pixels:,} pixels in all bands, more than the limit of {limit:,}.",
            hint="Ask for a coarser resolution, or raise TERRACITE_MAX_OUTPUT_PIXELS.",
        )


TOOL = Tool(
    "reproject",
    ReprojectParams,
    run,
    "pure",
    libraries=("rasterio", "odc-geo", "geopandas", "pyproj", "pyogrio", "shapely"),
    resolve=resolve,
)
