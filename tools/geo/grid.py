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


SAME_PX = 1e-3
"""How far, in pixels, a corner of a grid may lie from the other's and the two still be one grid: rounding of coordinates."""


def grid_difference(one: GeoBox, other: GeoBox) -> str:
    """Say in what two grids differ, in words for an error message; empty where every pixel lies on its counterpart."""
    if not crs_of(one).equals(crs_of(other), ignore_axis_order=True):
        return f"CRS {crs_of(one).name} against {crs_of(other).name}"
    if one.shape != other.shape:
        return f"{one.shape[1]} × {one.shape[0]} against {other.shape[1]} × {other.shape[0]} pixels"
    height, width = one.shape
    corners = ((0, 0), (width, 0), (0, height), (width, height))
    to_pixels = ~one.transform
    moved = [to_pixels * (other.transform * corner) for corner in corners]
    off = max(max(abs(x - col), abs(y - row)) for (x, y), (col, row) in zip(moved, corners, strict=True))
    return "" if off <= SAME_PX else f"corners up to {off:.3g} pixels apart"


def shares_pixels(one: GeoBox, other: GeoBox) -> bool:
    """Tell whether every pixel of a grid is one of the same endless lattice as those of the other, so that moving between them changes no value."""
    if not crs_of(one).equals(crs_of(other), ignore_axis_order=True):
        return False
    between, (height, width) = ~one.transform @ other.transform, other.shape
    places = [between @ corner for corner in ((0, 0), (width, 0), (0, height), (width, height))]
    origin = round(places[0][0]), round(places[0][1])
    whole = [(origin[0] + col, origin[1] + row) for col, row in ((0, 0), (width, 0), (0, height), (width, height))]
    return bool(max(max(abs(x - col), abs(y - row)) for (x, y), (col, row) in zip(places, whole, strict=True)) <= SAME_PX)
