"""How far on the ground one pixel to the right, and one down, leads: what a gradient over a grid needs to be a slope.

Steps are vectors in metres on the ellipsoid, towards true east and true north. They turn with a rotated or south-up grid, shrink
with latitude where coordinates are degrees, and hold the scale and the convergence of a projection.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from odc.geo.geobox import GeoBox

from tools.geo.frame import Floats, Frame, geodetic_frame
from tools.geo.grid import crs_of, is_axis_aligned
from tools.geo.pixels import FIRST_NODES, interpolate, lattice, pixel_centres, tangents, to_lonlat_radians

STEP_TOLERANCE = 1e-5
"""Largest error of an interpolated step, relative to the shorter side of the pixel."""


@dataclass(frozen=True)
class GroundSteps:
    """Metres to the east and north of one column to the right and of one row down; all broadcast to (height, width).

    NaN where the CRS has no place on the Earth.
    """

    east_per_col: Floats
    north_per_col: Floats
    east_per_row: Floats
    north_per_row: Floats

    def gradient(self, per_col: Floats, per_row: Floats) -> tuple[Floats, Floats]:
        """Return the rise per metre to the east and to the north, from the rise per column and per row."""
        area = self.east_per_col * self.north_per_row - self.north_per_col * self.east_per_row
        east = (per_col * self.north_per_row - per_row * self.north_per_col) / area
        north = (per_row * self.east_per_col - per_col * self.east_per_row) / area
        return east, north


def ground_steps(grid: GeoBox) -> GroundSteps:
    """Return the steps at the centres of the pixels of a grid.

    Longitude, latitude: in closed form from the radii of curvature. Any other grid: tangents of the ellipsoid on a lattice of
    pixels that is refined until linear interpolation between its nodes is right to `STEP_TOLERANCE`.
    Raises DataError for a CRS that is not tied to the Earth.
    """
    frame = geodetic_frame(crs_of(grid))
    if frame.is_lonlat and is_axis_aligned(grid):
        return _along_parallels(grid, frame)
    height, width = grid.shape
    nodes = FIRST_NODES
    while True:
        rows, cols = lattice(height, nodes), lattice(width, nodes)
        finer_rows, finer_cols = lattice(height, 2 * nodes - 1), lattice(width, 2 * nodes - 1)
        finer = _steps_at(finer_rows, finer_cols, grid, frame)
        if len(finer_rows) == height and len(finer_cols) == width:
            return GroundSteps(*finer)
        rough = [interpolate(part, rows, cols, finer_rows, finer_cols) for part in _steps_at(rows, cols, grid, frame)]
        if max(float(np.max(np.abs(one - other))) for one, other in zip(rough, finer, strict=True)) <= STEP_TOLERANCE * _shorter(finer):
            whole = np.arange(float(height)), np.arange(float(width))
            return GroundSteps(*(interpolate(part, finer_rows, finer_cols, *whole) for part in finer))
        nodes = 2 * nodes - 1


def _along_parallels(grid: GeoBox, frame: Frame) -> GroundSteps:
    """Return the steps of each row, shape (height, 1): a column runs along a parallel, a row along a meridian.

    Radii of curvature N of the prime vertical and M of the meridian: Snyder, Map Projections (1987), equations 4-20 and 4-19.
    """
    transform, (height, _) = grid.transform, grid.shape
    lat = (transform.f + transform.e * (np.arange(height) + 0.5)) * frame.radians_per_unit
    lat = np.where(np.abs(lat) < np.pi / 2, lat, np.nan)[:, None]
    squared = float(frame.geod.es)
    flattened = 1 - squared * np.sin(lat) ** 2
    parallel = frame.geod.a / np.sqrt(flattened) * np.cos(lat)
    meridian = frame.geod.a * (1 - squared) / flattened**1.5
    none = np.zeros_like(lat)
    return GroundSteps(parallel * transform.a * frame.radians_per_unit, none, none, meridian * transform.e * frame.radians_per_unit)


def _steps_at(rows: Floats, cols: Floats, grid: GeoBox, frame: Frame) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the four steps at the centres of rows x cols, each of shape (row, col)."""
    x, y = pixel_centres(rows, cols, grid)
    along_x, along_y = tangents(x, y, frame)
    lon, lat = to_lonlat_radians(x, y, frame)
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)], axis=-1)
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)], axis=-1)
    transform = grid.transform
    col, row = transform.a * along_x + transform.d * along_y, transform.b * along_x + transform.e * along_y
    of_col, of_row = (tuple(np.sum(step * axis, axis=-1) for axis in (east, north)) for step in (col, row))
    return of_col[0], of_col[1], of_row[0], of_row[1]


def _shorter(steps: tuple[Floats, Floats, Floats, Floats]) -> float:
    """Return the least distance across a pixel, the area of its parallelogram over its longer side; NaN where a place is missing."""
    col_east, col_north, row_east, row_north = steps
    longer = np.maximum(np.hypot(col_east, col_north), np.hypot(row_east, row_north))
    return float(np.min(np.abs(col_east * row_north - col_north * row_east) / longer))
