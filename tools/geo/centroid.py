"""Points that stand for shapes on the Earth: centroids, and centres of the smallest circles around them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import shapely
from pyproj import CRS

from tools.geo.frame import geodetic_frame
from tools.geo.local_planes import CELL_DEGREES, in_planes, middles, own_plane
from tools.geo.plane import LocalPlane, Projection
from tools.geo.rings import Geometries
from tools.geo.transform import transform

ROUNDS = 3
"""How often the plane of a wide shape is moved to the point found; each round brings a continent's a hundred times nearer."""
STRAY_M_PER_DEGREE = 1.0
"""How far edges of a wide shape may stray in its plane, per degree of arc from its middle."""


def centroids(geometries: Geometries, crs: CRS) -> Geometries:
    """Return the centroid of each valid geometry as a point in the same CRS: of area, of length for lines, else of its points.

    In the layer's own CRS where it is true enough (see `in_planes`), else in a Lambert azimuthal equal-area plane whose centre is
    the centroid itself, so that neither the projection nor a cut at the antimeridian moves it. Missing ones stay None.
    """
    return _settled(geometries, crs, shapely.centroid, "laea")


def circle_centres(geometries: Geometries, crs: CRS) -> Geometries:
    """Return the centre of the smallest circle around each valid geometry as a point in the same CRS; missing ones stay None."""
    return _settled(geometries, crs, lambda shapes: shapely.centroid(shapely.minimum_bounding_circle(shapes)), "aeqd")


def _settled(geometries: Geometries, crs: CRS, find: Callable[[Geometries], Geometries], projection: Projection) -> Geometries:
    """Find a point of each geometry in a plane; around the point found, again, where the shape is wide."""
    there = np.asarray(geometries, dtype=object)
    found = in_planes(there, crs, lambda shapes, _: find(shapes), projection)
    if shapely.is_missing(there).all() or own_plane(there, crs) is not None:
        return found
    geodetic = geodetic_frame(crs).geodetic
    lonlat, centres = transform(there, crs, geodetic), transform(found, crs, geodetic)
    to_degrees = np.degrees(geodetic_frame(geodetic).radians_per_unit)
    reach = middles(lonlat, geodetic).reach
    for position in np.flatnonzero(reach > CELL_DEGREES / 2):
        own = slice(position, position + 1)
        for _ in range(ROUNDS):
            lon, lat = (float(value) for value in shapely.get_coordinates(centres[own])[0] * to_degrees)
            centres[own] = LocalPlane(geodetic, lon, lat, projection).applied(lonlat[own], find, reach[position] * STRAY_M_PER_DEGREE)
    return transform(centres, geodetic, crs)
