"""Polygons and lines as flat arrays of vertices, so that measuring a whole layer is a few array operations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from tools.geo.frame import Floats

Geometries = NDArray[np.object_]
Indexes = NDArray[np.intp]

POLYGON = 3
COLLECTIONS = (4, 5, 6, 7)


@dataclass(frozen=True)
class Paths:
    """Vertex chains (rings of polygons, or lines) of many geometries, laid end to end."""

    xy: Floats
    """Vertices, shape (vertex, 2)."""
    path: Indexes
    """Number of the path of each vertex, ascending, shape (vertex,)."""
    owner: Indexes
    """Number of the geometry of each path, shape (path,)."""
    sign: Floats
    """+1 for an outer ring or a line, -1 for a hole, shape (path,)."""

    @property
    def edges(self) -> Indexes:
        """Positions of the vertices that start an edge; the edge ends at the next vertex. Shape (edge,)."""
        return np.flatnonzero(self.path[:-1] == self.path[1:])

    def split(self, longest: float) -> Paths:
        """Return the same paths with vertices added on straight edges, so that no edge exceeds `longest` (CRS units).

        The length that counts is the larger of |dx| and |dy|.
        """
        starts = self.edges
        extent = np.abs(self.xy[starts + 1] - self.xy[starts]).max(axis=1, initial=0.0)
        return self.split_into(np.maximum(1, np.ceil(extent / longest)).astype(np.intp))

    def split_into(self, pieces: Indexes) -> Paths:
        """Return the same paths with each edge cut into so many equal pieces; `pieces` has shape (edge,), at least 1."""
        if (pieces == 1).all():
            return self
        repeats = np.ones(len(self.xy), dtype=np.intp)
        repeats[self.edges] = pieces
        source = np.repeat(np.arange(len(self.xy)), repeats)
        first = np.cumsum(repeats) - repeats
        fraction = ((np.arange(len(source)) - first[source]) / repeats[source])[:, None]
        following = np.minimum(source + 1, len(self.xy) - 1)
        return Paths(self.xy[source] * (1 - fraction) + self.xy[following] * fraction, self.path[source], self.owner, self.sign)

    def total(self, per_edge: Floats, geometries: int) -> Floats:
        """Sum a value per edge over each path, take its size, and sum it with sign over each geometry. Shape (geometry,)."""
        per_path = np.bincount(self.path[self.edges], weights=per_edge, minlength=len(self.owner))
        return np.bincount(self.owner, weights=np.abs(per_path) * self.sign, minlength=geometries).astype(float)


def parts_of(geometries: Geometries, dimension: int) -> tuple[Geometries, Indexes]:
    """Return the single parts (collections opened) of one dimension, 0 point, 1 line, 2 polygon, and their geometry's number."""
    parts, owner = shapely.get_parts(np.asarray(geometries, dtype=object), return_index=True)
    while np.isin(shapely.get_type_id(parts), COLLECTIONS).any():
        parts, inner = shapely.get_parts(parts, return_index=True)
        owner = owner[inner]
    keep = (shapely.get_dimensions(parts) == dimension) & ~shapely.is_empty(parts)
    return parts[keep], owner[keep]


def polygon_rings(geometries: Geometries) -> Paths:
    """Return all rings of the polygonal parts; missing and empty geometries, points and lines have none."""
    polygons, owner = parts_of(geometries, 2)
    rings, polygon = shapely.get_rings(polygons, return_index=True)
    xy, path = shapely.get_coordinates(rings, return_index=True)
    is_outer = np.diff(polygon, prepend=-1) > 0
    return Paths(xy, path, owner[polygon], np.where(is_outer, 1.0, -1.0))


def line_paths(geometries: Geometries, dimensions: tuple[int, ...] = (1, 2)) -> Paths:
    """Return all lines (1), and all rings of polygons (2), whose length is their perimeter."""
    nothing = np.array([], dtype=object), np.array([], dtype=np.intp)
    lines, line_owner = parts_of(geometries, 1) if 1 in dimensions else nothing
    polygons, polygon_owner = parts_of(geometries, 2) if 2 in dimensions else nothing
    rings, polygon = shapely.get_rings(polygons, return_index=True)
    xy, path = shapely.get_coordinates(np.concatenate([lines, rings]), return_index=True)
    owner = np.concatenate([line_owner, polygon_owner[polygon]])
    return Paths(xy, path, owner, np.ones(len(owner)))
