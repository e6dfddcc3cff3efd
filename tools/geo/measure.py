"""Areas and lengths on the ellipsoid of geometries whose edges are straight lines in their own CRS.

Longitude, latitude: the authalic integral along each straight edge (exact; GeoJSON reads edges the same way). Projected
CRS: edges are cut to 50 km and taken to a Lambert azimuthal equal-area plane around the data, each piece as the parabola
through its ends and its middle. Both agree with Karney's geodesic area of densely cut rings to better than 1e-6.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from pyproj import CRS, Proj
from pyproj.crs import ProjectedCRS
from pyproj.crs.coordinate_operation import LambertAzimuthalEqualAreaConversion

from tools.geo.antimeridian import check_lonlat
from tools.geo.authalic import authalic_sum
from tools.geo.frame import Floats, Frame, geodetic_frame, transformer
from tools.geo.rings import Geometries, Paths, line_paths, polygon_rings

AREA_PIECE_M = 50_000.0
"""Longest edge that is taken as one parabola; its error is then below 1e-6 of the area (tests/test_geodesic_area.py)."""
LENGTH_PIECE_M = 5_000.0
"""Longest edge that is taken as one geodesic; the curve is then longer by less than 1e-7."""
WIDEST_PLANE_DEGREES = 120.0
"""Largest distance from the centre of the equal-area plane; at 120 degrees shapes are stretched by 2, areas still true."""
GRID_NODES = 17
"""Nodes per side of the grid that tells how far a layer reaches around the Earth."""
WGS84 = CRS.from_epsg(4326)


def geodesic_area(geometries: Geometries, crs: CRS) -> Floats:
    """Return the area of each geometry on the ellipsoid of its CRS, in m2; 0 for points, lines, missing and empty ones.

    Overlapping parts of one invalid geometry count twice: repair first. Raises DataError for coordinates that are no
    place on the Earth and for edges that span more than 180 degrees of longitude.
    """
    geometries = np.asarray(geometries, dtype=object)
    frame = geodetic_frame(crs)
    if not frame.is_lonlat:
        return _projected_area(geometries, frame)
    rings = polygon_rings(geometries)
    check_lonlat(rings, frame)
    return rings.total(_lonlat_edges(rings, frame), len(geometries))


def geodesic_length(geometries: Geometries, crs: CRS) -> Floats:
    """Return the length of the lines of each geometry on the ellipsoid, in m; 0 for points and polygons.

    Raises DataError as `geodesic_area` does.
    """
    return _path_lengths(line_paths(geometries, (1,)), len(geometries), crs)


def geodesic_perimeter(geometries: Geometries, crs: CRS) -> Floats:
    """Return the length of all rings of the polygons of each geometry on the ellipsoid, in m; 0 for points and lines.

    Raises DataError as `geodesic_area` does.
    """
    return _path_lengths(line_paths(geometries, (2,)), len(geometries), crs)


def _path_lengths(paths: Paths, geometries: int, crs: CRS) -> Floats:
    frame = geodetic_frame(crs)
    if frame.is_lonlat and len(paths.xy):
        check_lonlat(paths, frame)
    paths = paths.split(LENGTH_PIECE_M / frame.metres_per_unit)
    lon, lat = frame.to_lonlat(paths.xy[:, 0], paths.xy[:, 1])
    lat = np.clip(lat, -90, 90)  # cutting an edge that lies on a pole rounds beyond it, and PROJ knows no place there
    starts = paths.edges
    _, _, metres = frame.geod.inv(lon[starts], lat[starts], lon[starts + 1], lat[starts + 1])
    return paths.total(np.asarray(metres, dtype=float), geometries)


def local_equal_area(bbox: tuple[float, float, float, float], geodetic: CRS = WGS84) -> CRS:
    """Return the Lambert azimuthal equal-area CRS (metres) centred on a bbox of `geodetic`, by default WGS 84.

    `bbox` is (west, south, east, north); west may exceed east where it crosses the antimeridian.
    """
    west, south, east, north = bbox
    middle = (west + (east + 360 if west > east else east)) / 2
    return _equal_area_plane((middle + 180) % 360 - 180, (south + north) / 2, geodetic)


def area_method(crs: CRS) -> dict[str, Any]:
    """Return, JSON-safe, how areas and lengths in this CRS are measured and why, for `ToolOutput.method`."""
    frame = geodetic_frame(crs)
    ellipsoid = frame.geodetic.ellipsoid
    area = (
        "authalic integral on the ellipsoid along edges that are straight in longitude, latitude"
        if frame.is_lonlat
        else "Lambert azimuthal equal-area plane around the data, edges straight in the layer's CRS and cut to 50 km"
    )
    return {
        "area": area,
        "length": "geodesic inverse along edges cut to 5 km",
        "ellipsoid": ellipsoid.name if ellipsoid is not None else "",
        "crs": crs.name,
        "reason": "the area is true on the ellipsoid wherever the layer lies; error at most 0.0001 %",
    }


def _equal_area_plane(lon: float, lat: float, geodetic: CRS) -> CRS:
    return ProjectedCRS(conversion=LambertAzimuthalEqualAreaConversion(lat, lon), geodetic_crs=geodetic)


def _projected_area(geometries: Geometries, frame: Frame) -> Floats:
    """Measure on one equal-area plane; a layer too wide for one is halved until its halves fit."""
    rings = polygon_rings(geometries)
    if not len(rings.xy):
        return np.zeros(len(geometries))
    bounds = shapely.total_bounds(geometries)
    centre, reach = _centre(rings.xy, bounds, frame)
    if reach > WIDEST_PLANE_DEGREES:
        halves = (shapely.clip_by_rect(geometries, *half) for half in _halves(*bounds))
        return np.asarray(np.sum([_projected_area(half, frame) for half in halves], axis=0))
    rings = rings.split(AREA_PIECE_M / frame.metres_per_unit)
    lon, lat = centre  # a Proj is made in microseconds, a transformer between two CRSs in 10 milliseconds
    plane = Proj(proj="laea", lon_0=lon, lat_0=lat, a=frame.geod.a, b=frame.geod.b)
    return rings.total(_plane_edges(rings, frame, plane), len(geometries))


def _centre(xy: Floats, bounds: Floats, frame: Frame) -> tuple[tuple[float, float], float]:
    """Return the centre (longitude, latitude in degrees) of the bounds and the largest distance from it in degrees.

    Vertices alone would not do: the outline of a world map hugs one meridian and encloses the opposite side.
    """
    lon, lat = (np.radians(angle) for angle in frame.to_lonlat(xy[:, 0], xy[:, 1]))
    grid_lon, grid_lat = _inner_grid(bounds, frame)
    lon, lat = np.concatenate([lon, grid_lon]), np.concatenate([lat, grid_lat])
    on_sphere = np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    middle = on_sphere.mean(axis=0)
    middle /= max(float(np.linalg.norm(middle)), 1e-12)
    reach = float(np.degrees(np.arccos(np.clip(on_sphere @ middle, -1, 1)).max()))
    return (float(np.degrees(np.arctan2(middle[1], middle[0]))), float(np.degrees(np.arcsin(middle[2])))), reach


def _inner_grid(bounds: Floats, frame: Frame) -> tuple[Floats, Floats]:
    """Return longitude, latitude (radians) of a grid over bounds, without the nodes that are no place on the Earth."""
    left, bottom, right, top = bounds
    x, y = np.meshgrid(np.linspace(left, right, GRID_NODES), np.linspace(bottom, top, GRID_NODES))
    lon, lat = transformer(frame.crs, frame.geodetic).transform(x.ravel(), y.ravel())
    known = np.isfinite(lon) & np.isfinite(lat)
    return lon[known] * frame.radians_per_unit, lat[known] * frame.radians_per_unit


def _halves(left: float, bottom: float, right: float, top: float) -> tuple[tuple[float, float, float, float], ...]:
    if right - left >= top - bottom:
        middle = (left + right) / 2
        return (left, bottom, middle, top), (middle, bottom, right, top)
    middle = (bottom + top) / 2
    return (left, bottom, right, middle), (left, middle, right, top)


def _lonlat_edges(rings: Paths, frame: Frame) -> Floats:
    starts = rings.edges
    lon, lat = rings.xy[:, 0] * frame.radians_per_unit, rings.xy[:, 1] * frame.radians_per_unit
    span = lon[starts + 1] - lon[starts]
    return authalic_sum(span / 2, span, lat[starts], (lat[starts] + lat[starts + 1]) / 2, lat[starts + 1], frame.geod)


def _plane_edges(rings: Paths, frame: Frame, plane: Proj) -> Floats:
    """Twice-halved cross products of the pieces, plus Archimedes' 4/3 of the triangle for the bulge of each."""
    starts = rings.edges
    x, y = _project(rings.xy, frame, plane)
    middle_x, middle_y = _project((rings.xy[starts] + rings.xy[starts + 1]) / 2, frame, plane)
    first = np.flatnonzero(np.diff(rings.path, prepend=-1))[rings.path[starts]]
    x0, y0 = x[starts] - x[first], y[starts] - y[first]
    x1, y1 = x[starts + 1] - x[first], y[starts + 1] - y[first]
    xm, ym = middle_x - x[first], middle_y - y[first]
    bulge = (xm - x0) * (y1 - y0) - (x1 - x0) * (ym - y0)
    return (x0 * y1 - x1 * y0) / 2 + bulge * (2 / 3)


def _project(xy: Floats, frame: Frame, plane: Proj) -> tuple[Floats, Floats]:
    x, y = plane(*frame.to_lonlat(xy[:, 0], xy[:, 1]))
    return np.asarray(x, dtype=float), np.asarray(y, dtype=float)
