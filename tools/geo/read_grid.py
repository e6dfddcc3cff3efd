"""The grid onto which several rasters are read: that of the coarsest, or the one asked for, cut to a region."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import CRS

from tools.errors import ParameterError
from tools.geo.frame import geodetic_frame
from tools.geo.grid import crs_of, window_grid
from tools.geo.measure import geodesic_area
from tools.geo.pixels import pixel_area_m2
from tools.geo.transform import transform
from tools.geo.vicinity import bring

EDGE_PX = 1e-6
"""How far an outline may reach into a pixel without asking for it: rounding of coordinates."""
HALF_TURN = 180.0


@dataclass(frozen=True)
class Region:
    """The place that is asked for."""

    geometry: shapely.Geometry
    """Valid polygons."""
    crs: CRS

    def within(self, reached: shapely.Geometry, crs: CRS) -> tuple[shapely.Geometry, float]:
        """Return the part that lies in `reached` (polygons in `crs`), in `crs`, and its share of the whole area, 0 to 1."""
        own = np.array([self.geometry], dtype=object)
        (brought,) = bring(own, self.crs, tuple(shapely.bounds(reached)), crs).geometries
        if brought is None:
            return shapely.Polygon(), 0.0
        if shapely.covers(reached, brought):
            return brought, 1.0
        inside = shapely.intersection(brought, reached)
        area, whole = geodesic_area(np.array([inside], dtype=object), crs)[0], geodesic_area(own, self.crs)[0]
        return inside, min(1.0, float(area / whole)) if whole else 0.0


@dataclass(frozen=True)
class ReadGrid:
    """Where to read, and how much of what was asked for the rasters reach."""

    grid: GeoBox
    base: int
    """Position of the raster that gave the pixels."""
    covered_share: float
    """Share of the region's area that lies within the outlines of the rasters, 0 to 1; 1 without a region."""
    inside: shapely.Geometry | None
    """The region within these outlines, in the CRS of the grid; None without a region."""


def read_grid(
    grids: Sequence[GeoBox], *, crs: CRS | None = None, resolution: float | None = None, region: Region | None = None
) -> ReadGrid | None:
    """Return the grid for rasters on `grids`, or None where the region lies outside all of them.

    Without `crs` it has the pixels of the coarsest raster (of several the first), or pixels of `resolution` that start at its corner; with
    `crs` square pixels whose edges fall on multiples of their size, by default of about the size of the coarsest. It covers
    the region, else all rasters, by whole pixels.
    Raises ParameterError where a grid of longitude, latitude would run around the Earth at the antimeridian.
    """
    base = max(range(len(grids)), key=lambda position: _pixel_m2(grids[position]))
    own = crs_of(grids[base])
    target = own if crs is None else crs
    lattice = _own_lattice(grids[base], resolution) if target == own else _round_lattice(grids[base], target, resolution)
    reached = shapely.union_all([_outline(grid, target) for grid in grids])
    inside, share = None, 1.0
    if region is not None:
        inside, share = region.within(reached, target)
        if not share:
            return None
    _check_turn(reached if inside is None else inside, target)
    return ReadGrid(_covering(reached if inside is None else inside, lattice, target), base, share, inside)


def union_grid(grids: Sequence[GeoBox], *, crs: CRS | None = None, resolution: float | None = None) -> GeoBox:
    """Return the grid that holds all rasters with the pixels of the first, or square ones as `read_grid` makes them for `crs` and `resolution`.

    Raises ParameterError where a grid of longitude, latitude would run around the Earth at the antimeridian.
    """
    own = crs_of(grids[0])
    target = own if crs is None else crs
    lattice = _own_lattice(grids[0], resolution) if target == own else _round_lattice(grids[0], target, resolution)
    reached = shapely.union_all([_outline(grid, target) for grid in grids])
    _check_turn(reached, target)
    return _covering(reached, lattice, target)


def grid_over(shape: shapely.Geometry, crs: CRS, resolution: float) -> GeoBox:
    """Return the grid of square pixels, `resolution` wide in units of `crs` and with edges on multiples of it, that holds a shape in `crs`.

    Raises ParameterError where a grid of longitude, latitude would run around the Earth at the antimeridian.
    """
    _check_turn(shape, crs)
    return _covering(shape, Affine(resolution, 0.0, 0.0, 0.0, -resolution, 0.0), crs)


def _pixel_m2(grid: GeoBox) -> float:
    """Return the area of the middle pixel, rounded so that equal grids are equal."""
    middle = window_grid(grid, (grid.shape[0] // 2, grid.shape[1] // 2, 1, 1))
    return float(f"{float(np.ravel(pixel_area_m2(middle))[0]):.4g}")


def _own_lattice(grid: GeoBox, resolution: float | None) -> Affine:
    if resolution is None:
        return grid.transform
    width, height = grid.resolution.x, grid.resolution.y
    return grid.transform @ Affine.scale(abs(resolution / width), abs(resolution / height))


def _round_lattice(grid: GeoBox, crs: CRS, resolution: float | None) -> Affine:
    """Return square pixels of a CRS; without `resolution` of the size of the grid's, to three digits."""
    size = resolution or float(f"{math.sqrt(_pixel_m2(grid)) / geodetic_frame(crs).metres_per_unit:.3g}")
    return Affine(size, 0.0, 0.0, 0.0, -size, 0.0)


def _outline(grid: GeoBox, crs: CRS) -> shapely.Geometry:
    """Return the outline of a grid's pixels in a CRS."""
    height, width = grid.shape
    ring = shapely.Polygon([grid.transform @ corner for corner in ((0, 0), (width, 0), (width, height), (0, height))])
    return transform(np.array([shapely.force_2d(ring)], dtype=object), crs_of(grid), crs)[0]


def _covering(shape: shapely.Geometry, lattice: Affine, crs: CRS) -> GeoBox:
    """Return the pixels of a lattice that a shape touches."""
    inverse = ~lattice
    xy = shapely.get_coordinates(shape)
    cols = inverse.a * xy[:, 0] + inverse.b * xy[:, 1] + inverse.c
    rows = inverse.d * xy[:, 0] + inverse.e * xy[:, 1] + inverse.f
    left, top = (int(np.floor(values.min() + EDGE_PX)) for values in (cols, rows))
    right, bottom = (int(np.ceil(values.max() - EDGE_PX)) for values in (cols, rows))
    return GeoBox((max(1, bottom - top), max(1, right - left)), lattice @ Affine.translation(left, top), crs)


def _check_turn(shape: shapely.Geometry, crs: CRS) -> None:
    """Raise ParameterError for a shape cut at the antimeridian: its pixels in longitude, latitude would go around the Earth."""
    frame = geodetic_frame(crs)
    if not frame.is_lonlat:
        return
    spans = np.degrees(shapely.bounds(shapely.get_parts(shape)) * frame.radians_per_unit)
    west, east = spans[:, 0] <= -HALF_TURN + EDGE_PX, spans[:, 2] >= HALF_TURN - EDGE_PX
    if (west & ~east).any() and (east & ~west).any():
        raise ParameterError(
            "The place crosses the antimeridian, where a grid of longitude and latitude has no connected pixels.",
            hint="Give 'crs', a projected system for the place, e.g. its UTM zone EPSG:32601 or EPSG:32760.",
        )
