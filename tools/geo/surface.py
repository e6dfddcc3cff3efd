"""Where extents are measured: on the ellipsoid, as on the ground, or in the plane of a layer's own projected CRS, in metres."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import shapely
from pyproj import CRS

from tools.errors import DataError, ParameterError
from tools.geo.frame import Floats, geodetic_frame
from tools.geo.measure import area_method, geodesic_area, geodesic_length, geodesic_perimeter
from tools.geo.rings import Geometries, Paths, parts_of
from tools.geotypes import Surface

PROBE_M = 100.0
"""Side of the square by which the distortion of a projection is told."""


def area_on(surface: Surface, geometries: Geometries, crs: CRS) -> Floats:
    """Return the area of each valid geometry in m2; 0 for points and lines. Raises as `metres_per_unit` does for the plane."""
    if surface == "ellipsoid":
        return geodesic_area(geometries, crs)
    return np.asarray(np.nan_to_num(shapely.area(geometries)) * metres_per_unit(crs) ** 2)


def length_on(surface: Surface, geometries: Geometries, crs: CRS) -> Floats:
    """Return the length of the lines of each geometry in m; polygons have a perimeter instead, see `perimeter_on`."""
    if surface == "ellipsoid":
        return geodesic_length(geometries, crs)
    return _planar_length(geometries, 1, crs)


def perimeter_on(surface: Surface, geometries: Geometries, crs: CRS) -> Floats:
    """Return the length of all rings of the polygons of each geometry in m; 0 for lines and points."""
    if surface == "ellipsoid":
        return geodesic_perimeter(geometries, crs)
    return _planar_length(geometries, 2, crs)


def length_3d_on(surface: Surface, geometries: Geometries, crs: CRS) -> Floats:
    """Return the length of the lines of each geometry in m, with the rise between vertices; `geometries` still have their z.

    Between vertices the line rises evenly: each piece counts the square root of (way along the surface)² + rise². Raises
    DataError where a line has vertices without z.
    """
    lines, owner = parts_of(geometries, 1)
    xyz, path = shapely.get_coordinates(lines, include_z=True, return_index=True)
    if np.isnan(xyz).any():
        without = len(np.unique(owner[path[np.isnan(xyz).any(axis=1)]]))
        raise DataError(
            f"{without} of {len(np.unique(owner))} lines have vertices without a height, so they have no length in space.",
            hint="Ask for 'length', which is that of the plan, or leave these lines out.",
        )
    paths = Paths(xyz[:, :2], path, owner, np.ones(len(owner)))
    rise = (xyz[paths.edges + 1, 2] - xyz[paths.edges, 2]) * height_unit(crs)[0]
    way = _ways_m(surface, paths, crs)
    return paths.total(np.hypot(way, rise), len(geometries))


def _planar_length(geometries: Geometries, dimension: int, crs: CRS) -> Floats:
    parts, owner = parts_of(geometries, dimension)
    return np.asarray(np.bincount(owner, weights=shapely.length(parts), minlength=len(geometries)) * metres_per_unit(crs))


def _ways_m(surface: Surface, paths: Paths, crs: CRS) -> Floats:
    """Return the length of each edge in plan, in m; shape (edge,)."""
    first, last = paths.xy[paths.edges], paths.xy[paths.edges + 1]
    if surface == "plane":
        return np.asarray(np.hypot(*(last - first).T) * metres_per_unit(crs))
    return geodesic_length(shapely.linestrings(np.stack([first, last], axis=1)), crs) if len(first) else np.zeros(0)


def height_unit(crs: CRS) -> tuple[float, bool]:
    """Return the unit of z in metres, and whether the CRS states it.

    Where it has no vertical axis, z is taken as PostGIS and GDAL take it: in the linear unit of a projected CRS, and in metres
    beside longitude, latitude (RFC 7946, section 3.1.1).
    """
    vertical = [axis for axis in crs.axis_info if axis.direction.lower() in ("up", "down")]
    if vertical:
        return float(vertical[0].unit_conversion_factor), True
    frame = geodetic_frame(crs)
    return (1.0 if frame.is_lonlat else frame.metres_per_unit), False


def metres_per_unit(crs: CRS) -> float:
    """Return the linear unit of a projected CRS in metres: 1200/3937 for the US survey foot.

    Raises ParameterError for a CRS in degrees: nothing can be measured in its plane.
    """
    frame = geodetic_frame(crs)
    if not frame.crs.is_projected:
        raise ParameterError(
            f"The coordinates are in {crs.name!r}, in degrees, so nothing can be measured in their plane.",
            hint="Leave 'surface' out to measure on the ellipsoid, or reproject the layer to a projected CRS first.",
        )
    return frame.metres_per_unit


def surface_method(surface: Surface, geometries: Geometries, crs: CRS) -> dict[str, Any]:  # Any: text and numbers
    """Return, JSON-safe, on which surface it was measured and why, and by how much the other differs for these geometries."""
    if surface == "ellipsoid":
        return {"surface": surface, **area_method(crs), **_plane_beside(geometries, crs)}
    return {
        "surface": surface,
        "area": "in the plane of the CRS, its linear unit converted to metres",
        "length": "in the plane of the CRS, its linear unit converted to metres",
        "metres_per_unit": metres_per_unit(crs),
        "crs": crs.name,
        "reason": "the plane was asked for; extents on the ground differ by the distortion of the projection",
        "ellipsoid_differs_percent": _difference(geometries, crs),
    }


def _plane_beside(geometries: Geometries, crs: CRS) -> dict[str, float]:
    """Return by how many percent areas in the plane of a projected CRS are larger, at the middle of the geometries."""
    if not len(geometries) or not geodetic_frame(crs).crs.is_projected:
        return {}
    left, bottom, right, top = shapely.total_bounds(geometries).tolist()
    if math.isnan(left):
        return {}
    half = PROBE_M / 2 / metres_per_unit(crs)
    x, y = (left + right) / 2, (bottom + top) / 2
    square = np.array([shapely.box(x - half, y - half, x + half, y + half)], dtype=object)
    try:
        ground = float(geodesic_area(square, crs)[0])
    except DataError:  # between the parts of an interrupted projection there is no ground
        return {}
    return {"plane_differs_percent": round(100 * (float(area_on("plane", square, crs)[0]) / ground - 1), 4)} if ground else {}


def _difference(geometries: Geometries, crs: CRS) -> dict[str, float]:
    """Return by how many percent area and length on the ellipsoid are larger than in the plane."""
    differences = {}
    for name, measure in (("area", area_on), ("length", length_on), ("perimeter", perimeter_on)):
        plane = float(measure("plane", geometries, crs).sum())
        if plane:
            differences[name] = round(100 * (float(measure("ellipsoid", geometries, crs).sum()) / plane - 1), 6)
    return differences
