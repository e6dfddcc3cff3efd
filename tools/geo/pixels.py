"""The true area of pixels on the ellipsoid.

Longitude, latitude: a pixel is a cell between two parallels and two meridians, whose area is known in closed form.
Any other grid: area in the CRS times the areal scale at the pixel's centre, which is the size of the cross product of
the two tangents of the ellipsoid's surface along x and y. (PROJ's `get_factors` would give the same number, but pyproj
reaches it through a PROJ string, which loses parts of a CRS.) The scale is smooth, so it is sampled on a lattice of
pixel centres that is refined until interpolation between its nodes is right to `SCALE_TOLERANCE`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from odc.geo.geobox import GeoBox

from tools.geo.authalic import authalic_area
from tools.geo.frame import Floats, Frame, geodetic_frame
from tools.geo.grid import crs_of, is_axis_aligned
from tools.geo.rings import Indexes

SCALE_TOLERANCE = 1e-6
"""Largest relative error of an interpolated areal scale."""
STEP_M = 100.0
"""Half the distance, in metres, over which tangents are differenced: rounding stays below 1e-10 of the scale."""
FIRST_NODES = 9
"""Nodes per side of the coarsest lattice."""


@dataclass(frozen=True)
class PixelAreas:
    """Areas in m2 of the pixels of a grid: along some of its rows, between which they are interpolated. Never held pixel by pixel."""

    lines: Floats
    """Shape (line, width), or (line, 1) where the pixels of a row are equal."""
    upper: Indexes
    """The line at or above each row, shape (height,)."""
    share: Floats
    """How far each row is on its way from that line to the next, 0 to 1, shape (height,)."""

    @property
    def vary_along_rows(self) -> bool:
        """Whether pixels of one row differ."""
        return int(self.lines.shape[1]) > 1

    def dense(self) -> Floats:
        """Return the area of every pixel; the shape broadcasts to (height, width)."""
        if len(self.lines) == 1:
            return self.lines if not self.vary_along_rows else np.broadcast_to(self.lines, (len(self.upper), self.lines.shape[1]))
        share = self.share[:, None]
        return self.lines[self.upper] * (1 - share) + self.lines[self._lower] * share

    def at(self, rows: Indexes, cols: Indexes) -> Floats:
        """Return the area of single pixels, shape (pixel,)."""
        cols = cols if self.vary_along_rows else np.zeros_like(cols)
        share = self.share[rows]
        return self.lines[self.upper[rows], cols] * (1 - share) + self.lines[self._lower[rows], cols] * share

    def along(self, rows: Indexes, starts: Indexes, ends: Indexes) -> Floats:
        """Return the area of runs of whole pixels, each from column `starts` up to, but without, column `ends` of a row."""
        if not self.vary_along_rows:
            return self.at(rows, starts) * (ends - starts)
        upper, lower, share = self.upper[rows], self._lower[rows], self.share[rows]
        sums = self._sums
        return (sums[upper, ends] - sums[upper, starts]) * (1 - share) + (sums[lower, ends] - sums[lower, starts]) * share

    @cached_property
    def _lower(self) -> Indexes:
        return np.minimum(self.upper + 1, len(self.lines) - 1)

    @cached_property
    def _sums(self) -> Floats:
        return np.concatenate([np.zeros((len(self.lines), 1)), np.cumsum(self.lines, axis=1)], axis=1)


def pixel_area_m2(grid: GeoBox) -> Floats:
    """Return the area in m2 of every pixel of a grid; 0 where the CRS has no place on the Earth.

    The result broadcasts to (height, width): its shape is (height, 1) where the pixels of a row are equal, (1, 1) where
    all are (an equal-area CRS), else (height, width). Rotated and south-up grids are right too.
    Raises DataError for a CRS that is not tied to the Earth.
    """
    return pixel_areas(grid).dense()


def pixel_areas(grid: GeoBox) -> PixelAreas:
    """Return the areas of the pixels of a grid, as `pixel_area_m2` does, without an array of all of them."""
    frame = geodetic_frame(crs_of(grid))
    if frame.is_lonlat and is_axis_aligned(grid):
        height = grid.shape[0]
        return PixelAreas(_band_areas(grid, frame), np.arange(height), np.zeros(height))
    lines, rows = _areal_scale(grid, frame)
    height = np.arange(float(grid.shape[0]))
    upper = np.clip(np.searchsorted(rows, height, side="right") - 1, 0, max(0, len(rows) - 2))
    share = (height - rows[upper]) / (rows[upper + 1] - rows[upper]) if len(rows) > 1 else np.zeros(len(height))
    return PixelAreas(abs(float(grid.transform.determinant)) * lines, upper, share)


def pixel_area_range_m2(grid: GeoBox) -> tuple[float, float]:
    """Return the smallest and the largest pixel area in m2 on a lattice over the grid, its corners included.

    Pixels that are no place on the Earth do not count; (0, 0) where none is.
    """
    frame = geodetic_frame(crs_of(grid))
    if frame.is_lonlat and is_axis_aligned(grid):
        areas = _band_areas(grid, frame)
    else:
        rows, cols = lattice(grid.shape[0], 4 * FIRST_NODES), lattice(grid.shape[1], 4 * FIRST_NODES)
        areas = abs(float(grid.transform.determinant)) * _scale_at(rows, cols, grid, frame)
    known = areas[areas > 0]
    return (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)


def area_varies(grid: GeoBox, tolerance: float = 1e-3) -> bool:
    """Tell whether pixel area varies by more than `tolerance` over the grid, so that values must be weighted by it."""
    smallest, largest = pixel_area_range_m2(grid)
    return largest > smallest * (1 + tolerance)


def area_method(grid: GeoBox) -> str:
    """Say how the areas of a grid's pixels are measured and why not on the map, for the record of the method."""
    frame = geodetic_frame(crs_of(grid))
    ellipsoid = frame.geodetic.ellipsoid
    said = f"true area of every pixel on the ellipsoid{f' {ellipsoid.name}' if ellipsoid else ''}"
    if frame.is_lonlat:
        return f"{said}: in closed form between parallels and meridians, since degrees are no measure of area"
    smallest, largest = pixel_area_range_m2(grid)
    on_map = abs(float(grid.transform.determinant)) * frame.metres_per_unit**2
    off = max((abs(on_map / area - 1) for area in (smallest, largest) if area), default=0.0)
    return f"{said}: area on the map over the areal scale there, since areas on the map are off by up to {100 * off:.2g} %"


def _band_areas(grid: GeoBox, frame: Frame) -> Floats:
    """Return the areas of the cells of each row, shape (height, 1); latitudes beyond a pole end at it."""
    transform, (height, _) = grid.transform, grid.shape
    edges = (transform.f + transform.e * np.arange(height + 1)) * frame.radians_per_unit
    below_parallel = authalic_area(np.clip(edges, -np.pi / 2, np.pi / 2), frame.geod)
    width = abs(transform.a) * frame.radians_per_unit
    return (np.abs(np.diff(below_parallel)) * width)[:, None]


def _areal_scale(grid: GeoBox, frame: Frame) -> tuple[Floats, Floats]:
    """Return true m2 per square unit of the CRS along some rows, and these rows, of the coarsest lattice that is right between them.

    The scale has shape (line, width), or (line, 1) where it does not vary along rows, or (1, 1) where it is the same everywhere.
    """
    height, width = grid.shape
    nodes = FIRST_NODES
    while True:
        rows, cols = lattice(height, nodes), lattice(width, nodes)
        finer_rows, finer_cols = lattice(height, 2 * nodes - 1), lattice(width, 2 * nodes - 1)
        scale, finer = _scale_at(rows, cols, grid, frame), _scale_at(finer_rows, finer_cols, grid, frame)
        error = np.abs(interpolate(scale, rows, cols, finer_rows, finer_cols) - finer)
        if (error <= SCALE_TOLERANCE * finer).all() or (len(finer_rows) == height and len(finer_cols) == width):
            break
        nodes = 2 * nodes - 1
    if np.ptp(finer) <= SCALE_TOLERANCE * finer.max():
        return np.full((1, 1), finer.mean()), finer_rows[:1]
    if (np.ptp(finer, axis=1) <= SCALE_TOLERANCE * finer.max(axis=1)).all():
        return finer.mean(axis=1, keepdims=True), finer_rows
    cols = np.arange(float(width))
    return np.stack([np.interp(cols, finer_cols, line) for line in finer]), finer_rows


def lattice(size: int, nodes: int) -> Floats:
    """Return at most `nodes` pixel numbers from the first to the last of `size` pixels, evenly spread."""
    return np.unique(np.round(np.linspace(0, size - 1, min(nodes, size))))


def _scale_at(rows: Floats, cols: Floats, grid: GeoBox, frame: Frame) -> Floats:
    """Return the areal scale at the centres of rows x cols, shape (row, col); 0 where there is no place on the Earth."""
    along_x, along_y = tangents(*pixel_centres(rows, cols, grid), frame)
    scale = np.linalg.norm(np.cross(along_x, along_y), axis=-1)
    return np.where(np.isfinite(scale), scale, 0.0)


def pixel_centres(rows: Floats, cols: Floats, grid: GeoBox) -> tuple[Floats, Floats]:
    """Return x and y, in the CRS, of the centres of the pixels in rows x cols, each of shape (row, col)."""
    col, row = np.meshgrid(cols + 0.5, rows + 0.5)
    transform = grid.transform
    return transform.a * col + transform.b * row + transform.c, transform.d * col + transform.e * row + transform.f


def tangents(x: Floats, y: Floats, frame: Frame) -> tuple[Floats, Floats]:
    """Return how far geocentric X, Y, Z move, in m per unit of the CRS, along its x and its y; shape (…, 3), NaN off the Earth."""
    step = STEP_M / frame.metres_per_unit
    along_x = on_ellipsoid(x + step, y, frame) - on_ellipsoid(x - step, y, frame)
    along_y = on_ellipsoid(x, y + step, frame) - on_ellipsoid(x, y - step, frame)
    return along_x / (2 * step), along_y / (2 * step)


def to_lonlat_radians(x: Floats, y: Floats, frame: Frame) -> tuple[Floats, Floats]:
    """Return longitude and latitude in radians; NaN where there is no place on the Earth."""
    lon, lat = (x, y) if frame.is_lonlat else frame.to_geodetic.transform(x, y)
    known = np.isfinite(lon) & np.isfinite(lat)
    return np.where(known, lon, np.nan) * frame.radians_per_unit, np.where(known, lat, np.nan) * frame.radians_per_unit


def on_ellipsoid(x: Floats, y: Floats, frame: Frame) -> Floats:
    """Return geocentric X, Y, Z in m of places on the ellipsoid, shape (…, 3); NaN where there is no place."""
    lon, lat = to_lonlat_radians(x, y, frame)
    squared = float(frame.geod.es)
    normal = frame.geod.a / np.sqrt(1 - squared * np.sin(lat) ** 2)
    return np.stack([normal * np.cos(lat) * np.cos(lon), normal * np.cos(lat) * np.sin(lon), normal * (1 - squared) * np.sin(lat)], axis=-1)


def interpolate(values: Floats, rows: Floats, cols: Floats, to_rows: Floats, to_cols: Floats) -> Floats:
    """Interpolate linearly, first along columns, then along rows; shape (to_row, to_col)."""
    along = np.stack([np.interp(to_cols, cols, line) for line in values])
    if len(rows) == 1:
        return np.broadcast_to(along, (len(to_rows), len(to_cols)))
    upper = np.clip(np.searchsorted(rows, to_rows, side="right") - 1, 0, len(rows) - 2)
    fraction = ((to_rows - rows[upper]) / (rows[upper + 1] - rows[upper]))[:, None]
    return along[upper] * (1 - fraction) + along[upper + 1] * fraction
