"""Bring bands of several rasters onto one grid, into one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from tools.contract import Fact, Outcome, Tool, ToolContext, ToolOutput
from tools.geotypes import CrsText, Params, RasterRef

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

    from tools.storage.rasters import RasterInfo

FILE = "stack.tif"


class StackedBand(Params):
    """One band of the result."""

    raster: RasterRef
    band: int = Field(default=1, ge=1, description="Band number, from 1.")
    name: str = Field(default="", max_length=40, description="Name in the result, e.g. 'red' or 'slope'; default: the band's own.")


class StackParams(Params):
    """Align bands of several rasters: bring them onto one grid, into one raster with named bands, so that they can be compared and calculated with pixel by pixel. The grid is that of the first raster, of 'like', or of 'crs' and 'resolution'. For images of one place at several times use composite."""

    bands: list[StackedBand] = Field(min_length=1, max_length=60, description="The bands, in the order wanted.")
    like: RasterRef | None = Field(default=None, description="Raster whose grid to take; none = that of the first raster.")
    crs: CrsText | None = Field(default=None, description="CRS of the result; none = that of the first raster.")
    resolution: float | None = Field(default=None, gt=0, description="Pixel size in units of the CRS; none = that of the first raster.")
    resampling: Literal["auto", "nearest", "mode", "bilinear", "cubic", "average", "min", "max", "sum"] = Field(
        default="auto", description="'auto': average onto much coarser pixels, else bilinear; classes by mode or nearest."
    )

    @model_validator(mode="after")
    def _fits(self) -> StackParams:
        if self.like is not None and (self.crs is not None or self.resolution is not None):
            raise ValueError("the grid is that of 'like': leave 'crs' and 'resolution' out")
        return self


@dataclass(frozen=True)
class Way:
    """A band of the result, and how it comes onto the grid."""

    name: str
    info: RasterInfo
    resampling: str
    """`none` where the pixels coincide."""


def run(params: StackParams, context: ToolContext) -> ToolOutput:
    """Write the bands: in their own type where all share one without scale, else as float32 (float64 for wide types) with NaN.

    Facts: `valid_share` (%) of the area for every band, `width`, `height`, `resolution`. Pixels outside a raster are nodata in its
    bands. The outcome is no coverage where no band has a valid pixel.
    Raises ParameterError for a band that does not exist and a resampling that would mix classes, LimitError for a stack that is too large.
    """
    from tools.raster.output import bbox_degrees, size_facts
    from tools.storage.limits import check_output_size
    from tools.storage.rasters import raster_info

    infos = [raster_info(context.source(each.raster), each.band) for each in params.bands]
    grid = _grid(params, context, infos[0])
    check_output_size(grid, len(infos))
    ways = _ways(params, infos, grid)
    shares = _write(params, context, ways, grid)
    facts = [Fact("valid_share", share, "%", {"band": way.name}) for way, share in zip(ways, shares, strict=True)]
    empty = [way.name for way, share in zip(ways, shares, strict=True) if not share]
    return ToolOutput(
        summary=f"Brought {len(ways)} bands onto {grid.shape[1]} x {grid.shape[0]} pixels." if any(shares) else "No band has data there.",
        facts=(*facts, *size_facts(grid)),
        outcome=Outcome.VALUE if any(shares) else Outcome.NO_COVERAGE,
        files=(FILE,),
        kind="raster",
        warnings=(f"No pixel is valid in: {', '.join(empty)}.",) if empty else (),
        method=_method(ways, grid),
        data={"bands": [way.name for way in ways]},
        bbox=bbox_degrees(grid),
    )


def _grid(params: StackParams, context: ToolContext, first: RasterInfo) -> GeoBox:
    from pyproj import CRS

    from tools.geo.read_grid import union_grid
    from tools.storage.rasters import raster_info

    if params.like is not None:
        return raster_info(context.source(params.like)).grid
    if params.crs is None and params.resolution is None:
        return first.grid
    return union_grid([first.grid], crs=None if params.crs is None else CRS.from_user_input(params.crs), resolution=params.resolution)


def _ways(params: StackParams, infos: Sequence[RasterInfo], grid: GeoBox) -> list[Way]:
    from tools.geo.grid import shares_pixels
    from tools.raster.resampling import choose_for_scale
    from tools.storage.warping import Onto

    names = _names(
        [each.name or info.name or f"band_{number}" for number, (each, info) in enumerate(zip(params.bands, infos, strict=True), 1)]
    )
    ways = []
    for name, info in zip(names, infos, strict=True):
        scale = Onto.between(info.grid, grid).scale
        chosen = choose_for_scale(params.resampling, info.value_kind, 1 / max(scale))
        ways.append(Way(name, info, "none" if shares_pixels(grid, info.grid) else chosen))
    return ways


def _names(wanted: Sequence[str]) -> list[str]:
    """Return names of which no two are alike: the second `red` is `red_2`."""
    taken: list[str] = []
    for name in wanted:
        numbered = (f"{name}_{number}" for number in range(2, len(taken) + 3))
        taken.append(name if name not in taken else next(each for each in numbered if each not in taken))
    return taken


def _write(params: StackParams, context: ToolContext, ways: Sequence[Way], grid: GeoBox) -> list[float]:
    """Write the bands tile by tile; return the valid share of each, in % of the area."""
    import numpy as np

    from tools.geo.grid import window_grid
    from tools.geo.pixels import pixel_area_m2
    from tools.storage.cog import BandMark, cog_writer
    from tools.storage.pixel_store import common_store
    from tools.storage.warping import Bands, BandWay, Onto, warped_tiles

    store = common_store([(context.source(each.raster), each.band) for each in params.bands])
    files = [
        Bands(
            context.source(each.raster),
            [BandWay(each.band, "nearest" if way.resampling == "none" else way.resampling, store.dtype)],
            Onto.between(way.info.grid, grid),
        )
        for each, way in zip(params.bands, ways, strict=True)
    ]
    marks = [BandMark(way.name, "" if way.info.unit == "unspecified" else way.info.unit, way.info.classes) for way in ways]
    valid_m2, whole_m2 = np.zeros(len(ways)), 0.0
    with cog_writer(context.folder / FILE, grid, marks, dtype=store.dtype, nodata=store.nodata) as writer:
        for window, parts in warped_tiles(files):
            bands = [band for (band,) in parts]
            writer.write(window, np.stack([store.filled(band) for band in bands]))
            area = np.broadcast_to(pixel_area_m2(window_grid(grid, window)), window[2:])
            whole_m2 += float(area.sum())
            valid_m2 += [area.sum(where=~np.ma.getmaskarray(band)) for band in bands]
            context.progress(min(1.0, (window[0] + window[2]) / grid.shape[0]))
    return [min(100.0, 100 * float(area) / whole_m2) for area in valid_m2]


def _method(ways: Sequence[Way], grid: GeoBox) -> Mapping[str, Any]:
    from tools.geo.grid import crs_of
    from tools.geo.transform import transformation_record

    crs = crs_of(grid)
    bands = [
        {"band": way.name, "resampling": way.resampling, "source_resolution": abs(float(way.info.transform.a)), "unit": way.info.unit}
        for way in ways
    ]
    moved = [transformation_record(way.name, way.info.crs, crs) for way in ways if way.info.crs != crs]
    resolution = [abs(float(grid.resolution.x)), abs(float(grid.resolution.y))]
    return {
        "grid": {"crs": crs.name, "resolution": resolution, "shape": list(grid.shape)},
        "bands": bands,
        "transformations": moved,
        "valid_share": "of the area of the grid",
    }


TOOL = Tool("stack", StackParams, run, "pure", libraries=("rasterio", "odc-geo", "pyproj", "numpy", "shapely"))
