"""The edges of polygons and the ends of lines, without the cuts that maps make at the antimeridian and along poles."""

from __future__ import annotations

import numpy as np
import shapely
from pyproj import CRS

from tools.geo.frame import geodetic_frame
from tools.geo.rings import Geometries


def boundaries(geometries: Geometries, crs: CRS) -> Geometries:
    """Return the boundary of each valid geometry: lines of polygons, end points of lines; None of points and closed lines.

    In longitude, latitude an edge along -180 that the same polygon has along 180, and one along a pole, is no boundary on the
    Earth and is left out.
    """
    found = np.array(shapely.boundary(np.asarray(geometries, dtype=object)), dtype=object)
    cut = touches_cuts(geometries, crs) & (shapely.get_dimensions(found) == 1)
    half = np.pi / geodetic_frame(crs).radians_per_unit
    found[cut] = [_without_cuts(lines, half) for lines in found[cut]]
    found[shapely.is_empty(found)] = None
    return found


def touches_cuts(geometries: Geometries, crs: CRS) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell which geometries reach both sides of the antimeridian, or a pole, in a CRS of longitude, latitude; none in others."""
    frame = geodetic_frame(crs)
    if not frame.is_lonlat:
        return np.zeros(len(geometries), dtype=bool)
    half = np.pi / frame.radians_per_unit
    west, south, east, north = shapely.bounds(geometries).reshape(-1, 4).T
    return np.asarray(((west <= -half) & (east >= half)) | (south <= -half / 2) | (north >= half / 2))


def _without_cuts(lines: shapely.Geometry, half: float) -> shapely.Geometry:
    """Take away what lies along both sides of the antimeridian, and along poles; the lines are axis-parallel there, so this is exact."""
    east = shapely.intersection(lines, shapely.LineString([(half, -half), (half, half)]))
    west = shapely.intersection(lines, shapely.LineString([(-half, -half), (-half, half)]))
    common = shapely.intersection(east, _shifted(west, 2 * half))
    poles = [shapely.LineString([(-half, lat), (half, lat)]) for lat in (-half / 2, half / 2)]
    for cut in (common, _shifted(common, -2 * half), *poles):
        if shapely.get_dimensions(cut) == 1:
            lines = shapely.difference(lines, cut)
    return shapely.line_merge(lines) if lines.geom_type == "MultiLineString" else lines


def _shifted(geometry: shapely.Geometry, dx: float) -> shapely.Geometry:
    return shapely.transform(geometry, lambda xy: np.column_stack([xy[:, 0] + dx, xy[:, 1]]))
