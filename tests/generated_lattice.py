"""A lattice on which generated geodata lies, so that its truth is arithmetic over cells measured on the ellipsoid.

A raster of `height` × `width` pixels stands in the middle; `margin` pixels lie around it on every side. Every pixel is
cut into SUB × SUB cells. Polygons are unions of whole cells and lines run from cell centre to cell centre, so an area is a
sum of cells and a length a sum of steps. Edges of zones lie at the middle of pixels and edges of other polygons at odd
quarters: no two edges coincide, and no edge runs along a pixel's border, whatever rounding a reprojection brings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

SUB = 4
"""Cells per edge of a pixel."""

GEOD = pyproj.Geod(ellps="WGS84")

Rect = tuple[int, int, int, int]
"""First row, first column, end row, end column, in cells from the top left of the margin."""
RING_ROWS = np.array([0] * SUB + list(range(SUB)) + [SUB] * SUB + list(range(SUB, 0, -1)))
RING_COLUMNS = np.array([*range(SUB), *[SUB] * SUB, *range(SUB, 0, -1), *[0] * SUB])
"""The outline of a pixel in cell corners, clockwise from its top left."""

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Lattice:
    """Where the cells are. `left` and `top` are the outer corner of the margin; `pixel` is (x, y) size, in units of the CRS."""

    crs: str
    left: float
    top: float
    pixel: tuple[float, float]
    height: int
    width: int
    margin: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of cells, margin included."""
        return (self.height + 2 * self.margin) * SUB, (self.width + 2 * self.margin) * SUB

    @property
    def raster_origin(self) -> tuple[float, float]:
        """Left and top of the raster, in the CRS."""
        return self.left + self.margin * self.pixel[0], self.top - self.margin * self.pixel[1]

    def to_world(self, columns: npt.ArrayLike, rows: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Return x and y in the CRS of positions in cells."""
        x = self.left + np.asarray(columns, dtype=float) * (self.pixel[0] / SUB)
        return x, self.top - np.asarray(rows, dtype=float) * (self.pixel[1] / SUB)

    def to_lonlat(self, columns: npt.ArrayLike, rows: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Return longitude and latitude in EPSG:4326 of positions in cells."""
        return _transformer(self.crs, "EPSG:4326").transform(*self.to_world(columns, rows))

    @cached_property
    def pixel_area_m2(self) -> Floats:
        """Area of every pixel, margin included, as the geodesic area of its outline with four points to an edge."""
        rows, columns = self.height + 2 * self.margin, self.width + 2 * self.margin
        if pyproj.CRS(self.crs).is_geographic:
            return np.repeat([[self._quad_area(row, 0)] for row in range(rows)], columns, axis=1)
        return np.array([[self._quad_area(row, column) for column in range(columns)] for row in range(rows)])

    @cached_property
    def cell_area_m2(self) -> Floats:
        """Area of every cell: a sixteenth of its pixel's, as the area varies by less than a millionth inside one pixel."""
        return np.kron(self.pixel_area_m2, np.full((SUB, SUB), 1 / SUB**2))

    @cached_property
    def _corners(self) -> tuple[Floats, Floats]:
        rows, columns = self.shape
        lattice_columns, lattice_rows = np.meshgrid(np.arange(columns + 1), np.arange(rows + 1))
        lon, lat = self.to_lonlat(lattice_columns.ravel(), lattice_rows.ravel())
        return np.reshape(lon, lattice_columns.shape), np.reshape(lat, lattice_columns.shape)

    def _quad_area(self, row: int, column: int) -> float:
        lon, lat = self._corners
        rows, columns = row * SUB + RING_ROWS, column * SUB + RING_COLUMNS
        area, _ = GEOD.polygon_area_perimeter(lon[rows, columns], lat[rows, columns])
        return abs(float(area))

    def mask(self, rects: Sequence[Rect]) -> Mask:
        """Return which cells lie in any of the rectangles."""
        inside = np.zeros(self.shape, dtype=bool)
        for row0, column0, row1, column1 in rects:
            inside[row0:row1, column0:column1] = True
        return inside

    def area_m2(self, mask: Mask) -> float:
        """Return the area of the cells of a mask."""
        return float(self.cell_area_m2[mask].sum())

    def in_raster(self, mask: Mask) -> Mask:
        """Return the part of a mask that lies on the raster, margin cut off."""
        edge = self.margin * SUB
        rows, columns = self.shape
        return mask[edge : rows - edge, edge : columns - edge]

    def coverage(self, mask: Mask) -> Floats:
        """Return which fraction of every pixel of the raster is covered."""
        inner = self.in_raster(mask)
        return inner.reshape(self.height, SUB, self.width, SUB).mean(axis=(1, 3))

    @property
    def raster_pixel_area_m2(self) -> Floats:
        """Area of every pixel of the raster."""
        return self.pixel_area_m2[self.margin : self.margin + self.height, self.margin : self.margin + self.width]

    def polygon(self, rects: Sequence[Rect], crs: str) -> BaseGeometry:
        """Return the union of the rectangles in `crs`, with a vertex at every cell corner, so that edges follow the lattice."""
        boxes = [shapely.box(column0, row0, column1, row1) for row0, column0, row1, column1 in rects]
        outline = shapely.segmentize(shapely.union_all(boxes), 1.0)
        return self._place(outline, crs)

    def line(self, cells: Sequence[tuple[int, int]], crs: str) -> BaseGeometry:
        """Return the line through the centres of cells (row, column) in `crs`."""
        return self._place(shapely.LineString([(column + 0.5, row + 0.5) for row, column in cells]), crs)

    def point(self, row: float, column: float, crs: str) -> BaseGeometry:
        """Return the point at a position in cells, in `crs`."""
        return self._place(shapely.Point(column, row), crs)

    def _place(self, geometry: BaseGeometry, crs: str) -> BaseGeometry:
        def to_crs(xy: npt.NDArray[Any]) -> npt.NDArray[Any]:
            x, y = self.to_world(xy[:, 0], xy[:, 1])
            if crs != self.crs:
                x, y = _transformer(self.crs, crs).transform(x, y)
            return np.column_stack([x, y])

        return shapely.transform(geometry, to_crs)

    def step_lengths_m(self, cells: Sequence[tuple[int, int]]) -> Floats:
        """Return the geodesic length of every step of a line through cell centres."""
        rows, columns = np.array(cells).T
        lon, lat = self.to_lonlat(columns + 0.5, rows + 0.5)
        return np.asarray(GEOD.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[2])

    def length_inside_m(self, cells: Sequence[tuple[int, int]], mask: Mask) -> float:
        """Return the length of a line inside a mask: each step lies half in the cell it leaves, half in the one it enters."""
        rows, columns = np.array(cells).T
        inside = mask[rows, columns].astype(float)
        return float((self.step_lengths_m(cells) * (inside[:-1] + inside[1:]) / 2).sum())


@cache
def _transformer(src_crs: str, dst_crs: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(src_crs, dst_crs, always_xy=True)


@cache
def _around(lon: float, lat: float) -> pyproj.Transformer:
    centred = pyproj.CRS.from_proj4(f"+proj=aeqd +lat_0={lat} +lon_0={lon} +ellps=WGS84 +units=m")
    return pyproj.Transformer.from_crs("EPSG:4326", centred, always_xy=True)


def distance_m(lon: float, lat: float, geometry: BaseGeometry) -> float:
    """Return the distance from a point to a geometry in EPSG:4326: to a point geodesic, else in an azimuthal projection around the point.

    In that projection every distance from the centre is true, so only the straightness of short segments is approximate.
    """
    if geometry.geom_type == "Point":
        return float(GEOD.inv(lon, lat, geometry.x, geometry.y)[2])
    transformer = _around(lon, lat)
    around = shapely.transform(geometry, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])))
    return float(shapely.distance(shapely.Point(0, 0), around))
