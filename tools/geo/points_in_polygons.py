"""Which of many points lie in which polygons, exactly, with few tests of a point against a polygon.

A square grid is laid over the polygons. A cell that no edge of a polygon comes near lies wholly inside or outside of it, which
its centre tells; so only points in cells along edges are tested one by one, by GEOS on prepared polygons. The pairs are those
that GEOS gives for every point: cells only spare tests whose result is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from tools.geo.frame import Floats
from tools.geo.rings import Geometries, Indexes, Paths, polygon_rings
from tools.geo.spans import laid_out

CELLS_PER_POINT = 0.5
"""Best of 0.25 to 4 with a million points in 2,000 polygons of 90 vertices; nearby values hardly differ."""
MOST_CELLS = 4_000_000
"""Most cells of all polygons together, which bounds the memory to some 200 MB."""
MOST_DENSE = 16_000_000
"""Most cells of the grid for which a table of all is kept; of larger grids, as with a far-off polygon, cells are searched."""
MOST_PIECES = 10_000_000
"""Most pieces that edges are cut into beside their own number."""
PIECE = 0.99
"""Longest piece of an edge, in cells: with the margin it touches two rows and two columns at most."""
MARGIN = 1e-3
"""Around an edge, in cells: far beyond any rounding of coordinates that are far apart from their cell's size."""
CHUNK = 250_000
"""Points looked up at once."""
OUTSIDE, INSIDE, EDGE = 0, 1, 2


def points_in_polygons(points: Floats, polygons: Geometries, relation: Literal["intersects", "within"]) -> tuple[Indexes, Indexes]:
    """Return the positions of points, shape (point, 2), and polygons of all pairs; `within` leaves points on edges out.

    In the order of points within each chunk; sort where order matters. Polygons must be valid, present and not empty.
    """
    cells = _cells(points, polygons)
    test = shapely.intersects_xy if relation == "intersects" else shapely.contains_xy
    found = [(np.array([], dtype=np.intp), np.array([], dtype=np.intp))]
    for start in range(0, len(points), CHUNK):
        point, entry = cells.entries_of(points[start : start + CHUNK])
        polygon = cells.polygon[entry]
        there = cells.kind[entry] == INSIDE
        undecided = np.flatnonzero(~there)
        undecided = undecided[np.argsort(polygon[undecided], kind="stable")]  # polygon by polygon: three times as fast
        x, y = points[start + point[undecided]].T
        there[undecided] = test(polygons[polygon[undecided]], x, y)
        found.append((start + point[there], polygon[there]))
    first, second = (np.concatenate(side) for side in zip(*found, strict=True))
    return first, second


@dataclass(frozen=True)
class _Cells:
    """The cells inside and along the edges of each polygon, sorted by cell."""

    origin: Floats
    """Left and bottom of the grid."""
    size: float
    rows: int
    columns: int
    cell: NDArray[np.int64]
    """Number of the cell of each entry: row × columns + column."""
    polygon: Indexes
    kind: NDArray[np.uint8]

    def entries_of(self, points: Floats) -> tuple[Indexes, Indexes]:
        """Return the positions of points, and of the entries of their cells, of all pairs."""
        column, row = (np.floor((points[:, axis] - self.origin[axis]) / self.size).astype(np.int64) for axis in (0, 1))
        inside = np.flatnonzero((column >= 0) & (column < self.columns) & (row >= 0) & (row < self.rows))
        cell = row[inside] * self.columns + column[inside]
        number, entry = laid_out(*self._bounds_of(cell))
        return inside[number], entry

    def _bounds_of(self, cell: NDArray[np.int64]) -> tuple[Indexes, Indexes]:
        """Return the first entry of cells and the first after them."""
        if self.rows * self.columns > MOST_DENSE:
            return np.searchsorted(self.cell, cell, "left"), np.searchsorted(self.cell, cell, "right")
        return self.starts[cell], self.starts[cell + 1]

    @cached_property
    def starts(self) -> Indexes:
        """First entry of every cell of the grid, and the end."""
        return np.concatenate([[0], np.cumsum(np.bincount(self.cell, minlength=self.rows * self.columns))])


def _cells(points: Floats, polygons: Geometries) -> _Cells:
    shapely.prepare(polygons)
    bounds, rings = shapely.bounds(polygons), polygon_rings(polygons)
    size = _size(len(points), bounds, rings)
    origin = bounds[:, :2].min(axis=0) - size
    low, high = (
        np.floor((bounds[:, side] - origin) / size).astype(np.int64) + shift for side, shift in ((slice(0, 2), -1), (slice(2, 4), 2))
    )
    columns, rows = (int(end) + 1 for end in high.max(axis=0))
    width = high[:, 0] - low[:, 0]
    count = width * (high[:, 1] - low[:, 1])
    offset = np.cumsum(count) - count
    polygon, place = laid_out(offset, offset + count)
    place -= offset[polygon]
    column, row = low[polygon, 0] + place % width[polygon], low[polygon, 1] + place // width[polygon]
    kind = np.full(len(polygon), OUTSIDE, dtype=np.uint8)
    kind[_along_edges(rings, origin, size, low, width, offset)] = EDGE
    middle = np.flatnonzero(kind != EDGE)
    x, y = (origin[axis] + (index[middle] + 0.5) * size for axis, index in enumerate((column, row)))
    kind[middle] = np.where(shapely.contains_xy(polygons[polygon[middle]], x, y), INSIDE, OUTSIDE)
    kept = np.flatnonzero(kind)
    cell = (row * columns + column)[kept]
    order = np.argsort(cell, kind="stable")
    return _Cells(origin, size, rows, columns, cell[order], polygon[kept][order], kind[kept][order])


def _size(points: int, bounds: Floats, rings: Paths) -> float:
    """Return the side of a cell: small beside the polygons, but so that there are not too many cells and pieces of edges."""
    extents = bounds[:, 2:] - bounds[:, :2]
    budget = min(MOST_CELLS, CELLS_PER_POINT * points + len(bounds))
    area, sides = float(extents.prod(axis=1).sum()), float(extents.sum())
    edges = rings.edges
    run = float(np.abs(rings.xy[edges + 1] - rings.xy[edges]).max(axis=1, initial=0.0).sum())
    largest = float(np.abs(bounds).max())
    return max(float(np.sqrt(area / budget)), sides / budget, run / MOST_PIECES, largest * 1e-9, float(np.finfo(float).tiny))


def _along_edges(rings: Paths, origin: Floats, size: float, low: NDArray[np.int64], width: NDArray[np.int64], offset: Indexes) -> Indexes:
    """Return the positions of the cells that an edge touches or comes near, among the cells of its polygon."""
    pieces = rings.split(PIECE * size)
    start = pieces.edges
    owner = pieces.owner[pieces.path[start]]
    ends = (np.stack([pieces.xy[start], pieces.xy[start + 1]]) - origin) / size
    first = np.floor(ends.min(axis=0) - MARGIN).astype(np.int64) - low[owner]
    last = np.floor(ends.max(axis=0) + MARGIN).astype(np.int64) - low[owner]
    corners = [offset[owner] + y[:, 1] * width[owner] + x[:, 0] for x in (first, last) for y in (first, last)]
    return np.concatenate(corners)
