"""Bring a raster or a vector layer into another coordinate reference system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from tools.contract import Fact, Outcome, Source, Tool, ToolContext, ToolOutput
from tools.errors import ParameterError
from tools.geotypes import AnyRef, CrsText, Params, RasterRef

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

    from tools.storage.rasters import RasterInfo

Resampling = Literal["auto", "nearest", "mode", "bilinear", "cubic", "average", "min", "max", "sum"]


class ReprojectParams(Params):
    """Bring a raster or a vector layer into another CRS, or a raster onto the grid of another ('like'), so that the two can be compared pixel by pixel. Give 'crs' or 'like'. Categories are resampled by nearest or mode only; 'auto' chooses nearest for categories and unknown integers, bilinear for continuous values; bands of classes beside measured ones are always taken by nearest or mode."""

    source: AnyRef
    crs: CrsText | None = Field(default=None, description="The CRS to bring it into, e.g. EPSG:32632.")
    like: RasterRef | None = Field(
        default=None, description="Instead of 'crs': a raster whose grid (CRS, pixel size, place and extent) the result takes exactly."
    )
    resolution: float | None = Field(
        default=None, gt=0, description="Pixel size in units of the new CRS; none = keep the source's (rasters only)."
    )
    resampling: Resampling = Field(default="auto", description="Resampling of pixels (rasters only).")

    @model_validator(mode="after")
    def _one_target(self) -> ReprojectParams:
        if (self.crs is None) == (self.like is None):
            raise ValueError("give either 'crs' or 'like'")
        if self.like is not None and self.resolution is not None:
            raise ValueError("the resolution is that of 'like': leave 'resolution' out")
        return self


RASTER_FILE, LAYER_FILE = "reprojected.tif", "reprojected.parquet"


def resolve(params: ReprojectParams, sources: Mapping[str, Source]) -> ReprojectParams:
    """Settle pixel size and resampling against the source, so that the key holds what is really done."""
    from tools.raster.resampling import choose, kind_to_resample

    source = sources[params.source]
    if source.kind != "raster":
        if params.resolution is not None or params.resampling != "auto":
            raise ParameterError("A vector layer has no pixels, so 'resolution' and 'resampling' do not fit.", hint="Leave them out.")
        return params
    kinds = [kind_to_resample(info) for info in _bands(source)]
    measured = [kind for kind in kinds if kind != "categorical"]
    resampling = choose(params.resampling, measured[0] if measured else "categorical")
    if params.like is not None:
        return params.model_copy(update={"resampling": resampling})
    grid = _grid(params, source, sources)
    return params.model_copy(update={"resampling": resampling, "resolution": abs(grid.resolution.x)})


def _bands(source: Source) -> list[RasterInfo]:
    from tools.storage.rasters import raster_info

    first = raster_info(source, 1)
    return [first, *(raster_info(source, band) for band in range(2, first.count + 1))]


def _grid(params: ReprojectParams, source: Source, sources: Mapping[str, Source]) -> GeoBox:
    from pyproj import CRS

    from tools.storage.rasters import raster_info
    from tools.storage.warp import default_grid

    if params.like is not None:
        return raster_info(sources[params.like]).grid
    return default_grid(source, CRS.from_user_input(params.crs), params.resolution)


def run(params: ReprojectParams, context: ToolContext) -> ToolOutput:
    """Write the reprojected raster (all bands) or layer.

    Facts of a raster: `width`, `height` (count), `resolution` (m or degree), `valid_share` (%); of a layer: `count`. Nodata stays nodata; pixels outside
    the source become nodata. Raises MissingCrsError, LimitError for a grid that is too large, ParameterError for a resampling
    that would mix categories.
    """
    source = context.source(params.source)
    return _raster(params, source, context) if source.kind == "raster" else _layer(params, source, context)


def _raster(params: ReprojectParams, source: Source, context: ToolContext) -> ToolOutput:
    from tools.geo.grid import crs_of
    from tools.raster.output import bbox_degrees, size_facts
    from tools.raster.resampling import for_band, kind_to_resample
    from tools.storage.limits import check_output_size

    infos, grid = _bands(source), _grid(params, source, context.sources)
    check_output_size(grid, len(infos))
    ways = [for_band(params.resampling, kind_to_resample(info)) for info in infos]
    valid, name = _write(source, infos, ways, (grid, context)), crs_of(grid).name
    target = "onto the grid of the other raster" if params.like else f"to {name}"
    return ToolOutput(
        summary=f"Reprojected the raster {target} by {params.resampling} resampling.",
        facts=(*size_facts(grid), Fact("valid_share", valid, "%")),
        outcome=Outcome.VALUE if valid else Outcome.NO_COVERAGE,
        files=(RASTER_FILE,),
        kind="raster",
        method={"from": infos[0].crs.name, "to": params.crs or name, "resampling": ways, "resolution": abs(float(grid.resolution.x))},
        bbox=bbox_degrees(grid),
    )


def _write(source: Source, infos: Sequence[RasterInfo], ways: Sequence[str], onto: tuple[GeoBox, ToolContext]) -> float:
    """Warp all bands tile by tile; return which percentage of the pixels of the first is valid."""
    import numpy as np

    from tools.storage.cog import BandMark, cog_writer
    from tools.storage.pixel_store import store_of
    from tools.storage.warping import Bands, BandWay, Onto, warped_tiles

    grid, context = onto
    bands = range(1, len(infos) + 1)
    store = store_of(source, bands)
    marks = [
        BandMark(info.name, "" if info.unit == "unspecified" else info.unit, info.classes, info.confusion, info.observed) for info in infos
    ]
    plan = [BandWay(band, way, store.dtype) for band, way in zip(bands, ways, strict=True)]
    pixels, done, valid = int(grid.shape[0]) * int(grid.shape[1]), 0, 0
    with cog_writer(context.folder / RASTER_FILE, grid, marks, dtype=store.dtype, nodata=store.nodata) as writer:
        for window, (values,) in warped_tiles([Bands(source, plan, Onto.between(infos[0].grid, grid))]):
            writer.write(window, np.stack([store.filled(each) for each in values]))
            valid += int(values[0].count())
            done += window[2] * window[3]
            context.progress(done / pixels)
    return 100 * valid / pixels


def _layer(params: ReprojectParams, source: Source, context: ToolContext) -> ToolOutput:
    from pyproj import CRS

    from tools.geo.transform import transform, transformation_record
    from tools.storage.rasters import raster_info
    from tools.storage.vectors import read_layer, write_layer

    frame = read_layer(source)
    src = frame.crs
    dst = raster_info(context.source(params.like)).crs if params.like else CRS.from_user_input(params.crs)
    moved = frame.set_geometry(transform(frame.geometry.to_numpy(), src, dst), crs=dst)
    write_layer(context.folder / LAYER_FILE, moved)
    return ToolOutput(
        summary=f"Reprojected the layer to {dst.name}.",
        facts=(Fact("count", len(moved), "count"),),
        files=(LAYER_FILE,),
        kind="vector",
        method={"transformations": [transformation_record("layer", src, dst, frame.geometry.to_numpy())]},
    )


TOOL = Tool(
    "reproject",
    ReprojectParams,
    run,
    "pure",
    libraries=("rasterio", "odc-geo", "geopandas", "pyproj", "pyogrio", "shapely", "numpy", "pyarrow", "pandas"),
    resolve=resolve,
)
