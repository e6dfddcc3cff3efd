"""Fewer vertices for polygons and lines, to a tolerance in metres; polygons that share edges go on sharing them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from pyproj import CRS, Proj

from tools.geo.frame import Floats, geodetic_frame
from tools.geo.local_planes import scale_range
from tools.geo.rings import Geometries

TOGETHER = (
    "Visvalingam and Whyatt over all polygons at once, so that edges which neighbours share stay shared: "
    "a corner goes while its triangle is smaller than the square of the tolerance"
)
MOST_PER_DEGREE = 1.01
"""Most metres of a degree of latitude or longitude, as a share of one of longitude on the equator: 1.0034 at the poles, rounded up."""
ALONE = "Douglas and Peucker, each shape by itself: no vertex that goes lies farther than the tolerance from the new line"


@dataclass(frozen=True)
class Simplified:
    """Shapes with fewer vertices, each one of the layer's own, in the order and CRS of the input."""

    geometries: Geometries
    together: bool
    """Whether they were simplified as one coverage, so that neither gaps nor overlaps arose between neighbours."""
    mismatched: int = 0
    """Polygons that overlap others, or run along them with other vertices: their common edges are not shared."""

    @property
    def method(self) -> str:
        """The algorithm, in a sentence."""
        return TOGETHER if self.together else ALONE


def simplify(geometries: Geometries, crs: CRS, tolerance_m: float) -> Simplified:
    """Simplify valid geometries to a tolerance in metres on the ground; missing ones stay None, all others stay valid.

    Polygons are simplified together, in an equal-area plane, where a triangle has its true size. Lines, and layers of several
    kinds, are simplified shape by shape in their own CRS, a unit taken for the most metres that it stands for anywhere, so that
    the tolerance holds everywhere.
    """
    there = np.asarray(geometries, dtype=object)
    present = np.flatnonzero(~shapely.is_missing(there))
    made = there.copy()
    if not len(present):
        return Simplified(made, together=False)
    shapes = there[present]
    together = bool((shapely.get_dimensions(shapes) == 2).all())
    made[present] = _coverage(shapes, crs, tolerance_m) if together else _alone(shapes, crs, tolerance_m)
    mismatched = int((~shapely.is_empty(shapely.coverage_invalid_edges(shapes))).sum()) if together else 0
    return Simplified(made, together, mismatched)


def _coverage(polygons: Geometries, crs: CRS, tolerance_m: float) -> Geometries:
    frame = geodetic_frame(crs)
    # Cylindrical equal-area, longitudes beyond 180 degrees kept; only vertices move, and all neighbours' alike.
    plane = Proj(proj="cea", a=frame.geod.a, b=frame.geod.b, over=True)
    flat = shapely.transform(polygons, lambda xy: np.column_stack(plane(*frame.to_lonlat(*xy.T))))
    return _own_vertices(shapely.coverage_simplify(flat, tolerance_m), flat, polygons)


def _own_vertices(simple: Geometries, flat: Geometries, own: Geometries) -> Geometries:
    """Put the vertices of the layer in place of those of the plane."""
    from scipy.spatial import cKDTree

    tree = cKDTree(shapely.get_coordinates(flat))
    vertices = shapely.get_coordinates(own)
    return np.asarray(shapely.transform(simple, lambda xy: vertices[tree.query(xy)[1]]), dtype=object)


def _alone(shapes: Geometries, crs: CRS, tolerance_m: float) -> Geometries:
    frame = geodetic_frame(crs)
    if not frame.is_lonlat:
        left, bottom, right, top = (float(value) for value in shapely.total_bounds(shapes))
        return np.asarray(shapely.simplify(shapes, tolerance_m / scale_range(crs, (left, bottom, right, top))[1]), dtype=object)
    widest = _widest_parallels(shapes, frame.radians_per_unit)
    flat = _stretched(shapes, widest)
    return _own_vertices(shapely.simplify(flat, tolerance_m / (MOST_PER_DEGREE * frame.metres_per_unit)), flat, shapes)


def _widest_parallels(shapes: Geometries, radians_per_unit: float) -> Floats:
    """Return, per shape, the length of its longest parallel as a share of the equator's; never 0, also for a shape on a pole."""
    south, north = (shapely.bounds(shapes)[:, [1, 3]] * radians_per_unit).T
    nearest_equator = np.where(south * north < 0, 0.0, np.minimum(np.abs(south), np.abs(north)))
    return np.asarray(np.maximum(np.cos(nearest_equator), 1e-6))


def _stretched(shapes: Geometries, factor: Floats) -> Geometries:
    """Return shapes with x multiplied by a factor each."""
    _, owner = shapely.get_coordinates(shapes, return_index=True)
    return np.asarray(shapely.transform(shapes, lambda xy: np.column_stack([xy[:, 0] * factor[owner], xy[:, 1]])), dtype=object)
