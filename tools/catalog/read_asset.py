"""Read files of scenes, or registered rasters, onto one grid: just the pixels of a place, as a stack of named bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from tools.contract import Fact, Outcome, Tool, ToolContext, ToolOutput
from tools.geotypes import EVERYTHING, AssetRef, CrsText, Params, VectorRef, Where

if TYPE_CHECKING:
    from tools.catalog.asset_stack import Stack
    from tools.geo.read_grid import ReadGrid, Region
    from tools.storage.observed import Observed

Resampling = Literal["auto", "nearest", "bilinear", "cubic", "average", "mode"]
STACK_FILE = "stack.tif"
WHOLE = 0.9999
"""Share of a place from which on it counts as covered: outlines of scenes and boxes rarely coincide exactly."""


class ReadAssetParams(Params):
    """Read bands of scenes found by search_stac (or registered rasters) onto one grid, cut to a box or to features: only the bytes needed are fetched. Gives a raster with one band per file, named by its role (red, nir, scl), in true values (scale and offset applied), for spectral_index, composite, change, segment and zonal_stats. Put the bands that belong together, also the cloud mask scl or qa_pixel, into one call."""

    assets: list[AssetRef] = Field(min_length=1, max_length=16, description="The files, one band each as a rule, in the order wanted.")
    bbox: tuple[float, float, float, float] | None = Field(
        default=None, description="Box to read: west, south, east, north in degrees; none = all."
    )
    area: VectorRef | None = Field(
        default=None, description="Layer whose polygons to read, instead of a box; pixels outside become nodata."
    )
    area_where: Where = Field(default=EVERYTHING, description="Which features of the area; none = all.")
    crs: CrsText | None = Field(default=None, description="Coordinate reference system of the result; none = that of the coarsest file.")
    resolution: float | None = Field(
        default=None, gt=0, description="Pixel size in units of the CRS; none = that of the coarsest file, which invents no detail."
    )
    resampling: Resampling = Field(
        default="auto",
        description="'auto' averages quantities onto coarser pixels and interpolates onto finer ones, classes take mode or nearest.",
    )

    @model_validator(mode="after")
    def _one_place(self) -> ReadAssetParams:
        if self.bbox is not None and self.area is not None:
            raise ValueError("give 'bbox' or 'area', not both")
        if self.area is None and self.area_where.conditions:
            raise ValueError("'area_where' needs 'area'")
        if self.bbox is not None:
            west, south, east, north = self.bbox
            if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south < north <= 90 and west != east):
                raise ValueError(f"bbox {list(self.bbox)} is no box of west, south, east, north in degrees")
        return self


def run(params: ReadAssetParams, context: ToolContext) -> ToolOutput:
    """Write the stack: one band per band of the files, float32 with NaN, or the files' own type where all share one and none has a scale.

    Facts: `valid_share` (%) of every band, of what was asked for: places that the files do not reach count as not valid. No
    coverage, without a file, where the place lies outside all of them.
    Raises LimitError, before any pixel is read, for too many pixels or bytes; ParameterError for a resampling that would mix
    classes and for a place across the antimeridian in degrees; what opening and fetching the files raises.
    """
    from pyproj import CRS

    from tools.catalog.asset_stack import Asking, Told, read_stack
    from tools.geo.read_grid import read_grid
    from tools.settings import ToolSettings
    from tools.storage.asset_rasters import Fetcher, asset_info
    from tools.storage.http import Remote
    from tools.storage.observed import observed_in, together

    settings = ToolSettings()
    region, notes = _region(params, context)
    sources = [context.source(ref) for ref in params.assets]
    with Remote(settings) as remote:
        told = Told(context.progress)
        fetcher = Fetcher(remote, settings.max_read_bytes, told.again)
        infos = []
        for source in sources:
            with fetcher.opened(source) as dataset:
                infos.append(asset_info(dataset, source))
        crs = None if params.crs is None else CRS.from_user_input(params.crs)
        target = read_grid([info.grid for info in infos], crs=crs, resolution=params.resolution, region=region)
        if target is None:
            return ToolOutput("The place asked for lies outside the files.", outcome=Outcome.NO_COVERAGE, warnings=notes)
        asking = Asking(params.resampling, overviews=params.resolution is not None, cut=params.area is not None)
        stack = read_stack(fetcher, list(zip(sources, infos, strict=True)), target, asking, told, context.folder / STACK_FILE)
    return _output(stack, target, notes, together(observed_in(source.item) for source in sources))


def _region(params: ReadAssetParams, context: ToolContext) -> tuple[Region | None, tuple[str, ...]]:
    from tools.catalog.region import box_region, features_region

    if params.area is not None:
        return features_region(context.source(params.area), params.area_where)
    return (None if params.bbox is None else box_region(params.bbox)), ()


def _output(stack: Stack, target: ReadGrid, notes: tuple[str, ...], observed: Observed | None) -> ToolOutput:
    from tools.storage.observed import observed_facts, observed_method

    height, width = target.grid.shape
    missing = [f"The files reach only {100 * target.covered_share:.3g} % of the place asked for."] if target.covered_share < WHOLE else []
    valid = any(stack.valid_shares)
    facts = tuple(Fact("valid_share", share, "%", {"band": name}) for name, share in zip(stack.names, stack.valid_shares, strict=True))
    return ToolOutput(
        summary=f"Read {', '.join(stack.names)} onto {width} x {height} pixels." if valid else "Every pixel there is nodata.",
        facts=(*facts, *observed_facts(observed)) if valid else (),
        outcome=Outcome.VALUE if valid else Outcome.NO_COVERAGE,
        files=(STACK_FILE,),
        kind="raster",
        warnings=(*notes, *missing, *stack.warnings),
        method={**stack.method, **observed_method(observed)},
        data={"bands": list(stack.names), **stack.method["grid"]},
        bbox=stack.bbox,
    )


TOOL = Tool(
    "read_asset",
    ReadAssetParams,
    run,
    "pure",
    libraries=("rasterio", "odc-geo", "pyproj", "shapely", "numpy", "pyogrio", "geopandas"),
    place="network",
)
