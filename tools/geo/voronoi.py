"""Thiessen (Voronoi) cells on the Earth: to each point the ground that is nearer to it than to any other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import shapely
from pyproj import CRS

from tools.errors import ParameterError
from tools.geo.antimeridian import wrap_longitudes
from tools.geo.frame import Floats, geodetic_frame
from tools.geo.geometry import repair
from tools.geo.local_planes import middles, own_plane
from tools.geo.plane import LocalPlane
from tools.geo.rings import Geometries
from tools.geo.transform import transform
from tools.geo.unfold import polygon_of_lonlat

PLANE_DEGREES = 4.5
"""Farthest from the middle at which an azimuthal equidistant plane is used: a distance across is off by at most 0.1 % (500 km)."""
ARC_DEGREES = 0.25
"""Longest piece of a great circle that is drawn straight in longitude, latitude: it leaves the circle by less than 0.2 m at 60 degrees."""
FEWEST_ON_SPHERE = 4


def thiessen(points: Geometries, crs: CRS, within: shapely.Geometry) -> tuple[Geometries, str]:
    """Return the cell of each point, cut to a polygon of the same CRS, in the order of the points, and how it was made.

    `points` are distinct single points. A cell that lies outside `within` is None. In the layer's own CRS where it is true enough
    over points and polygon, in one azimuthal equidistant plane up to 500 km around, else on the sphere by great circles. Raises
    ParameterError for fewer than four far points, which have no cells on the sphere.
    """
    everything: Geometries = np.array([*points, within], dtype=object)
    if own_plane(everything, crs) is not None:
        return _cut(_planar(points, within), within), f"in {crs.name}, whose scale varies by less than 0.1 %"
    geodetic = geodetic_frame(crs).geodetic
    lonlat = transform(everything, crs, geodetic)
    middle = middles(np.array([shapely.geometrycollections([shapely.multipoints(lonlat[:-1]), lonlat[-1]])], dtype=object), geodetic)
    if middle.reach[0] <= PLANE_DEGREES:
        lon, lat = (float(value) for value in middle.lonlat[0])
        plane = LocalPlane(geodetic, lon, lat)
        there = plane.there(lonlat)
        there[-1:] = repair(there[-1:])[0]
        cells = plane.back(_cut(_planar(there[:-1], there[-1]), there[-1]))
        return transform(cells, geodetic, crs), "in an azimuthal equidistant plane around the middle of the layer, true to 0.1 %"
    cells = _cut(_spherical(lonlat[:-1], geodetic), lonlat[-1])
    return transform(cells, geodetic, crs), "by great circles on the sphere, since the layer is wider than any true plane"


def _planar(points: Geometries, within: shapely.Geometry) -> Geometries:
    """Return the cells of distinct points in a plane, those of the rim reaching beyond `within`."""
    if len(points) == 1:
        return np.array([within], dtype=object)
    cells = shapely.voronoi_polygons(shapely.multipoints(points), extend_to=shapely.envelope(within), ordered=True)
    return np.asarray(shapely.get_parts(cells), dtype=object)


def _cut(cells: Geometries, within: shapely.Geometry) -> Geometries:
    shapely.prepare(within)
    inside = shapely.covers(within, cells)
    cut = np.array(cells, dtype=object)
    cut[~inside] = shapely.intersection(cells[~inside], within)
    cut[shapely.get_dimensions(cut) < 2] = None
    return repair(cut)[0]


def _spherical(points: Geometries, geodetic: CRS) -> Geometries:
    """Return the cells of points in longitude, latitude on the sphere, valid, within -180 to 180 degrees."""
    from scipy.spatial import SphericalVoronoi

    if len(points) < FEWEST_ON_SPHERE:
        raise ParameterError(
            f"{len(points)} points so far apart have no cells on the sphere: at least {FEWEST_ON_SPHERE} are needed.",
            hint="Give more points, or points within 500 km.",
        )
    lon, lat = (shapely.get_coordinates(points) * geodetic_frame(geodetic).radians_per_unit).T
    sphere = np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    try:
        cells = SphericalVoronoi(sphere)
    except ValueError as error:  # all on one circle, or two nearly the same
        raise ParameterError(
            f"The points have no cells on the sphere ({error}).",
            hint="Remove points at almost the same place, or give points within 500 km.",
        ) from error
    cells.sort_vertices_of_regions()
    drawn = np.array([_polygon(cells.vertices[region]) for region in cells.regions], dtype=object)
    back = shapely.transform(drawn, lambda xy: xy / np.degrees(geodetic_frame(geodetic).radians_per_unit))
    return wrap_longitudes(repair(back)[0], geodetic)[0]


def _polygon(corners: Floats) -> shapely.Polygon:
    """Return the polygon in degrees of corners on the unit sphere, shape (corner, 3), its sides great circles."""
    ring = np.concatenate(list(_arcs(corners)))
    lonlat = np.degrees(np.column_stack([np.arctan2(ring[:, 1], ring[:, 0]), np.arcsin(np.clip(ring[:, 2], -1, 1))]))
    return polygon_of_lonlat(np.concatenate([lonlat, lonlat[:1]]))


def _arcs(corners: Floats) -> Iterator[Floats]:
    """Yield each side as points along its great circle, the end left out."""
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        angle = np.arccos(np.clip(start @ end, -1, 1))
        steps = max(1, int(np.ceil(np.degrees(angle) / ARC_DEGREES)))
        share = np.arange(steps)[:, None] / steps
        points = start * (1 - share) + end * share
        yield points / np.linalg.norm(points, axis=1, keepdims=True)
