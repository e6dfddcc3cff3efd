"""Turn a layer into a raster: values of a column, classes, how many features, or the exact share of every pixel that is covered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from tools.contract import Tool, ToolContext, ToolOutput
from tools.geotypes import EVERYTHING, CrsText, Params, RasterRef, VectorRef, Where

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

    from tools.raster.features import Features


class RasterizeParams(Params):
    """Turn a layer into a raster, on the grid of another or with pixels of 'resolution': values or classes of a column, features per pixel, or the exact share of each pixel that polygons cover."""

    layer: VectorRef
    where: Where = Field(default=EVERYTHING, description="Which features; none = all.")
    operation: Literal["value", "class", "count", "coverage"] = Field(
        description="value: numbers of 'column'; class: its values as classes; count: features per pixel; coverage: covered share, 0 to 1."
    )
    column: str | None = Field(default=None, description="Column, for 'value' and 'class'.")
    like: RasterRef | None = Field(default=None, description="Raster whose grid to take; else give 'resolution'.")
    crs: CrsText | None = Field(default=None, description="CRS of the result, without 'like'; none = that of the layer.")
    resolution: float | None = Field(default=None, gt=0, description="Pixel size in units of the CRS, without 'like'.")
    touched: bool = Field(default=False, description="Also pixels that a polygon only touches; else by their centres.")

    @model_validator(mode="after")
    def _fits(self) -> RasterizeParams:
        if (self.like is None) == (self.resolution is None) or (self.like is not None and self.crs is not None):
            raise ValueError("give either 'like', or 'resolution' and, where wanted, 'crs'")
        if (self.column is None) == (self.operation in ("value", "class")):
            raise ValueError(f"operation {self.operation!r} {'needs a' if self.column is None else 'takes no'} 'column'")
        if self.operation == "coverage" and self.touched:
            raise ValueError("'coverage' is exact: leave 'touched' out")
        return self


def run(params: RasterizeParams, context: ToolContext) -> ToolOutput:
    """Write the raster; of several features on a pixel the last in the layer counts, and that is said.

    Facts: `width`, `height`, `resolution`; of values mean, min, max and std; of classes `area` (m2) and `share`; of counts their mean
    and max; of coverage the covered `area` (m2); `valid_share` (%) of values and classes. Pixels without a feature are nodata, or
    0 in counts and coverage. The outcome is no coverage where the layer does not reach the grid.
    Raises ParameterError for an unknown column, one that holds no numbers, and coverage by lines or points; LimitError for a
    raster that is too large or too many classes.
    """
    from tools.raster.burning import burn, nothing
    from tools.raster.features import read_features
    from tools.storage.conditions import check_columns
    from tools.storage.limits import check_output_size
    from tools.storage.vectors import attribute_columns

    features = read_features(context.source(params.layer), params.where)
    if params.column is not None:
        check_columns([params.column], attribute_columns(features.frame))
    grid = _grid(params, context, features)
    if grid is None:
        return nothing(features)
    check_output_size(grid)
    return burn(params, context, features, grid)


def _grid(params: RasterizeParams, context: ToolContext, features: Features) -> GeoBox | None:
    """Return the grid of the result; None where nothing is there to be drawn."""
    import numpy as np
    import shapely
    from pyproj import CRS

    from tools.geo.read_grid import grid_over
    from tools.geo.transform import transform
    from tools.storage.rasters import raster_info

    if params.like is not None:
        return raster_info(context.source(params.like)).grid
    present = features.geometries[~shapely.is_missing(features.geometries)]
    if not len(present) or params.resolution is None:
        return None
    crs = features.crs if params.crs is None else CRS.from_user_input(params.crs)
    there = transform(np.asarray(present, dtype=object), features.crs, crs)
    return grid_over(shapely.GeometryCollection(list(there)), crs, params.resolution)


TOOL = Tool(
    "rasterize",
    RasterizeParams,
    run,
    "pure",
    libraries=("rasterio", "odc-geo", "geopandas", "pyproj", "pyogrio", "shapely", "numpy", "pyarrow", "pandas"),
)
