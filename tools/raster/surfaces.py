"""The surfaces that `terrain` derives, by operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from tools.geo import terrain
from tools.geo.ground import ground_steps
from tools.geo.moments import Floats

if TYPE_CHECKING:
    from tools.raster.terrain import TerrainParams

HORN = "Horn (1981), third-order finite difference over 3 x 3 pixels"
SOURCES: Mapping[str, str] = {
    "slope": HORN,
    "aspect": HORN,
    "hillshade": f"{HORN}; 1 + 254 x cosine between the surface's normal and the sun",
    "roughness": "largest minus smallest of 3 x 3 heights: Wilson et al. (2007)",
    "tpi": "height minus the mean of the eight neighbours: Wilson et al. (2007)",
    "tri": "root of the sum of squared differences to the eight neighbours: Riley et al. (1999)",
}
OF_NEIGHBOURS: Mapping[str, Callable[[Floats], Floats]] = {
    "roughness": terrain.roughness,
    "tpi": terrain.position_index,
    "tri": terrain.ruggedness_index,
}


def surface(params: TerrainParams, heights: Floats, grid: GeoBox) -> tuple[Floats, NDArray[np.bool_]]:
    """Return what is derived, `(row, col)` with NaN for nodata, and where a gradient is known to be none.

    `heights` are in metres with one pixel of surroundings on each side of `grid`.
    """
    if np.isnan(heights).all():  # most of a large raster often is; finding the steps alone would take longer than reading it
        return np.full(grid.shape, np.nan), np.zeros(grid.shape, bool)
    if params.operation in OF_NEIGHBOURS:
        return OF_NEIGHBOURS[params.operation](heights), np.zeros(grid.shape, bool)
    east, north = terrain.horn_gradient(heights, ground_steps(grid))
    is_flat = (east == 0) & (north == 0)
    if params.operation == "aspect":
        return terrain.aspect_degrees(east, north), is_flat
    if params.operation == "hillshade":
        return terrain.hillshade(east, north, azimuth=params.azimuth, altitude=params.altitude), is_flat
    measure = terrain.slope_degrees if params.slope_unit == "degree" else terrain.slope_percent
    return measure(east, north), is_flat
