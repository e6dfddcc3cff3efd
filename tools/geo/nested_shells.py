"""Multipolygons of which one polygon lies inside another: the inner ring is a hole that was wound as a shell."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from tools.geo.rings import Geometries

MULTIPOLYGON = 6


def open_nested(geometries: Geometries) -> tuple[Geometries, NDArray[np.bool_]]:
    """Return the geometries with nested shells turned into holes (islands in holes stay), and which of them had any.

    Everything else comes back as it was: polygons that overlap in part, that repeat one another, or that lie in a true hole.
    """
    opened: Geometries = np.array(geometries, dtype=object)
    changed = np.zeros(len(opened), dtype=bool)
    for position in np.flatnonzero(shapely.get_type_id(opened) == MULTIPOLYGON):
        parts = shapely.get_parts(opened[position])
        depths = _depths(parts)
        if depths.any():
            opened[position] = _even_odd(_valid(parts), depths)
            changed[position] = True
    return opened, changed


def _even_odd(parts: Geometries, depths: NDArray[np.intp]) -> shapely.Geometry:
    """Take the parts from the outermost inwards: shells, holes in them, islands in these."""
    whole: shapely.Geometry = shapely.Polygon()
    for depth in np.unique(depths):
        level = shapely.union_all(parts[depths == depth])
        whole = shapely.difference(whole, level) if depth % 2 else shapely.union(whole, level)
    return whole


def _depths(parts: Geometries) -> NDArray[np.intp]:
    """Return inside how many of the other polygons each lies, as drawn with their holes; equal ones lie in none of each other."""
    depths = np.zeros(len(parts), dtype=np.intp)
    if len(parts) < 2:
        return depths
    valid = _valid(parts)
    inner, outer = shapely.STRtree(valid).query(valid, predicate="covered_by")
    apart = (inner != outer) & ~shapely.equals(valid[inner], valid[outer])
    return np.bincount(inner[apart], minlength=len(parts))


def _valid(polygons: Geometries) -> Geometries:
    valid: Geometries = shapely.make_valid(polygons, method="structure", keep_collapsed=False)
    return valid
