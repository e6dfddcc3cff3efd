"""Grids: where the pixels of a raster, or of a window of it, are."""

from __future__ import annotations

from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import CRS

Window = tuple[int, int, int, int]
"""Part of a grid: first row, first column, height, width, in pixels."""


def make_grid(crs: CRS, transform: Affine, height: int, width: int) -> GeoBox:
    """Return the grid of a raster; `transform` leads from (column, row) to (x, y) in `crs`."""
    return GeoBox((height, width), transform, crs)


def crs_of(grid: GeoBox) -> CRS:
    """Return the CRS of a grid as pyproj knows it."""
    if grid.crs is None:
        raise ValueError("the grid has no CRS; grids are made from rasters whose CRS is known")
    crs: CRS = grid.crs.proj
    return crs


def window_grid(grid: GeoBox, window: Window) -> GeoBox:
    """Return the grid of a window that lies inside `grid`."""
    row, col, height, width = window
    return grid[row : row + height, col : col + width]


def is_axis_aligned(grid: GeoBox) -> bool:
    """Tell whether rows run along x and columns along y, in either direction; False for rotated and sheared grids.

    A rotation that moves no pixel of the grid by more than a thousandth of a pixel is none.
    """
    transform, (height, width) = grid.transform, grid.shape
    tilt_x, tilt_y = abs(transform.b) * height, abs(transform.d) * width
    return bool(tilt_x <= abs(transform.a) * 1e-3 and tilt_y <= abs(transform.e) * 1e-3)
