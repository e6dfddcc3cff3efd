"""Exact share of every pixel that a polygon covers.

Polygons are taken to pixel coordinates first: an affine map changes no share of a pixel, so that rotated, sheared and
south-up grids need no care of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from exactextract import exact_extract
from exactextract.feature import Feature, FeatureSource
from exactextract.raster import NumPyRasterSource
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from tools.geo.frame import Floats, geodetic_frame
from tools.geo.grid import Window, crs_of
from tools.geo.rings import Geometries, Indexes

BLOCK_PX = 2048
"""Side of the blocks in which a raster is walked: 4 million pixels, 32 MB as float64."""


@dataclass(frozen=True)
class Block:
    """A part of a raster to read at once, and the polygons that reach into it."""

    window: Window
    members: Indexes
    """Positions of the polygons, ascending."""


@dataclass(frozen=True)
class Covered:
    """The pixels of a window that one polygon covers, wholly or in part."""

    cells: NDArray[np.int64]
    """row * width + column within the window, ascending, shape (cell,)."""
    fraction: Floats
    """Covered share of each, above 0 and at most 1, shape (cell,)."""


def to_pixels(geometries: Geometries, grid: GeoBox) -> Geometries:
    """Return geometries, given in the grid's CRS, in pixel coordinates: x = column, y = height - row, so that y grows upwards.

    On a longitude, latitude grid that reaches beyond -180 or 180 degrees they appear at every turn that reaches the grid.
    Missing geometries stay None.
    """
    height = grid.shape[0]
    inverse = ~grid.transform

    def move(xy: Floats) -> Floats:
        col = inverse.a * xy[:, 0] + inverse.b * xy[:, 1] + inverse.c
        row = inverse.d * xy[:, 0] + inverse.e * xy[:, 1] + inverse.f
        return np.column_stack([col, height - row])

    return np.asarray(shapely.transform(_at_every_turn(np.asarray(geometries, dtype=object), grid), move), dtype=object)


def blocks(pixel_geometries: Geometries, grid: GeoBox) -> Iterator[Block]:
    """Yield the blocks into which geometries in pixel coordinates reach, row by row, each trimmed to what they need."""
    height, width = grid.shape
    extents = _pixel_extents(pixel_geometries, height, width)
    for row in range(0, height, BLOCK_PX):
        for col in range(0, width, BLOCK_PX):
            low = np.maximum(extents[:, :2], (row, col))
            high = np.minimum(extents[:, 2:], (min(row + BLOCK_PX, height), min(col + BLOCK_PX, width)))
            members = np.flatnonzero((low < high).all(axis=1))
            if len(members):
                (top, left), (bottom, right) = low[members].min(axis=0), high[members].max(axis=0)
                yield Block((int(top), int(left), int(bottom - top), int(right - left)), members)


def covered_cells(pixel_polygon: shapely.Geometry, window: Window, grid_height: int) -> Covered:
    """Return the cells of a window that a polygon in pixel coordinates covers; none where it does not reach.

    The coverage of a whole block takes 64 MB; so polygons come one at a time.
    """
    row, col, height, width = window
    nothing = np.broadcast_to(np.uint8(0), (height, width))
    source = NumPyRasterSource(nothing, col, grid_height - row - height, col + width, grid_height - row)
    (feature,) = exact_extract(source, _OnePolygon(pixel_polygon), ["cell_id", "coverage"])
    found = feature["properties"]
    kept = found["coverage"] > 0
    return Covered(found["cell_id"][kept], found["coverage"][kept])


def _pixel_extents(geometries: Geometries, height: int, width: int) -> Indexes:
    """Return first row, first column, end row, end column of each geometry, clipped to the grid; empty for missing ones."""
    left, bottom, right, top = np.nan_to_num(shapely.bounds(geometries), nan=-1.0).T
    extents = np.stack([np.floor(height - top), np.floor(left), np.ceil(height - bottom), np.ceil(right)], axis=1)
    extents[shapely.is_missing(geometries)] = 0
    clipped: Indexes = np.clip(extents, 0, (height, width, height, width)).astype(np.intp)
    return clipped


def _at_every_turn(geometries: Geometries, grid: GeoBox) -> Geometries:
    frame = geodetic_frame(crs_of(grid))
    left, _, right, _ = grid.boundingbox
    half = np.pi / frame.radians_per_unit
    if not frame.is_lonlat or (left >= -half and right <= half):
        return geometries
    turns = [number * 2 * half for number in range(int(np.floor((left + half) / (2 * half))), int(np.ceil((right + half) / (2 * half))))]
    return np.array([_repeated(geometry, turns) for geometry in geometries], dtype=object)


def _repeated(geometry: shapely.Geometry | None, turns: list[float]) -> shapely.Geometry | None:
    if geometry is None:
        return None
    copies = [shapely.transform(geometry, lambda xy, turn=turn: xy + np.array([turn, 0.0])) for turn in turns]
    parts = [part for copy in copies for part in shapely.get_parts(copy)]
    return (shapely.MultiPoint, shapely.MultiLineString, shapely.MultiPolygon)[shapely.get_dimensions(geometry)](parts)


class _OnePolygon(FeatureSource):  # type: ignore[misc]  # exactextract has no types
    """A polygon without attributes, handed to exactextract as WKB."""

    def __init__(self, polygon: shapely.Geometry) -> None:
        super().__init__()
        self._feature = _Polygon(shapely.to_wkb(polygon))

    def count(self) -> int:
        return 1

    def __iter__(self) -> Iterator[Feature]:
        return iter((self._feature,))

    def srs_wkt(self) -> None:
        return None


class _Polygon(Feature):  # type: ignore[misc]  # exactextract has no types
    def __init__(self, wkb: bytes) -> None:
        super().__init__()
        self._wkb = wkb

    def geometry(self) -> bytes:
        return self._wkb

    def fields(self) -> list[str]:
        return []
