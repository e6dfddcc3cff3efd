"""Bring a raster or a vector layer into another coordinate reference system."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tools.contract import Tool, ToolContext, ToolOutput
from tools.geotypes import AnyRef, CrsText, Params

Resampling = Literal["auto", "nearest", "mode", "bilinear", "cubic", "average", "min", "max", "sum"]


class ReprojectParams(Params):
    """Reproject a raster or a vector layer. Categories are resampled by nearest or mode only; 'auto' chooses nearest for categories and unknown integers, bilinear for continuous values."""

    source: AnyRef
    crs: CrsText
    resolution: float | None = Field(
        default=None, gt=0, description="Pixel size in units of the new CRS; none = keep the source's (rasters only)."
    )
    resampling: Resampling = Field(default="auto", description="Resampling of pixels (rasters only).")


def run(params: ReprojectParams, context: ToolContext) -> ToolOutput:
    """Write the reprojected raster or layer; see `ReprojectParams`."""
    raise NotImplementedError


TOOL = Tool("reproject", ReprojectParams, run, "pure", libraries=("rasterio", "odc-geo", "geopandas", "pyproj", "pyogrio"))
