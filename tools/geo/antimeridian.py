"""Longitudes beyond the antimeridian: what is unambiguous is brought into -180 to 180, what is not is refused."""

from __future__ import annotations

import numpy as np
import shapely
from pyproj import CRS

from tools.errors import DataError
from tools.geo.frame import Floats, Frame, geodetic_frame
from tools.geo.rings import Geometries, Paths, line_paths

FULL_CIRCLE = 360.0
EDGE_TOLERANCE = 1e-6
"""Degrees; how far an edge may miss the full circle and still count as one."""
LATITUDE_LIMIT = 90.0
FARTHEST_LONGITUDE = 540.0
"""Degrees; one whole turn beyond the antimeridian. More is not a longitude."""
_SLACK = 1e-9


def check_lonlat(paths: Paths, frame: Frame) -> None:
    """Raise DataError where coordinates are no longitude, latitude, or an edge spans 180 to 360 degrees of longitude.

    Such an edge either crosses the antimeridian or goes the long way round: nobody can tell. An edge of the full circle
    (a global box) and an edge along a pole are unambiguous.
    """
    degrees = paths.xy * np.degrees(frame.radians_per_unit)
    _check_range(degrees, frame)
    starts = paths.edges
    span = _spans(paths, frame)
    on_pole = np.abs(degrees[starts, 1] + degrees[starts + 1, 1]) > 2 * (LATITUDE_LIMIT - EDGE_TOLERANCE)
    ambiguous = np.flatnonzero(_is_long(span) & (np.abs(span - FULL_CIRCLE) > EDGE_TOLERANCE) & ~on_pole)
    if len(ambiguous):
        where = int(paths.owner[paths.path[starts[ambiguous[0]]]])
        raise DataError(
            f"Geometry {where} has an edge that spans {span[ambiguous[0]]:g} degrees of longitude: it crosses the antimeridian or goes the long way round.",
            hint="Split it at the antimeridian, let its longitudes run past 180, or add vertices on the long way.",
        )


def wrap_longitudes(geometries: Geometries, crs: CRS) -> tuple[Geometries, int]:
    """Bring what reaches beyond -180 or 180 degrees back into that range, split at the antimeridian.

    Only for CRSs of longitude, latitude; others are returned as they are. Edges of more than half a turn get vertices,
    so that what is cut from them later stays unambiguous. Returns the geometries and how many reached beyond. Raises
    DataError as `check_lonlat` does.
    """
    frame = geodetic_frame(crs)
    if not frame.is_lonlat or not len(geometries):
        return geometries, 0
    paths = line_paths(geometries)
    check_lonlat(paths, frame)
    half = np.pi / frame.radians_per_unit
    long = np.unique(paths.owner[paths.path[paths.edges[_is_long(_spans(paths, frame))]]])
    bounds = shapely.bounds(geometries)
    _check_range(shapely.total_bounds(geometries).reshape(2, 2) * np.degrees(frame.radians_per_unit), frame)
    beyond = np.flatnonzero((bounds[:, 0] < -half - _SLACK) | (bounds[:, 2] > half + _SLACK))
    if not len(long) and not len(beyond):
        return geometries, 0
    wrapped = np.array(geometries, dtype=object)
    wrapped[long] = shapely.segmentize(wrapped[long], half / 2)
    wrapped[beyond] = [_wrap(geometry, half) for geometry in wrapped[beyond]]
    return wrapped, len(beyond)


def _spans(paths: Paths, frame: Frame) -> Floats:
    """Return how many degrees of longitude each edge spans."""
    starts = paths.edges
    return np.asarray(np.abs(paths.xy[starts + 1, 0] - paths.xy[starts, 0]) * np.degrees(frame.radians_per_unit))


def _is_long(span: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.asarray(span > FULL_CIRCLE / 2 + EDGE_TOLERANCE)


def _wrap(geometry: shapely.Geometry, half: float) -> shapely.Geometry:
    """Cut a geometry at every antimeridian it reaches and shift the pieces by whole turns."""
    west, _, east, _ = shapely.bounds(geometry)
    pieces = []
    for turn in range(int(np.floor((west + half) / (2 * half))), int(np.ceil((east + half) / (2 * half)))):
        left = -half + turn * 2 * half
        piece = shapely.intersection(geometry, shapely.box(left, -half, left + 2 * half, half))
        pieces.append(shapely.transform(piece, lambda xy, left=left: xy - (left + half, 0)))
    kept = [part for part in pieces if not part.is_empty and shapely.get_dimensions(part) == shapely.get_dimensions(geometry)]
    return shapely.union_all(kept)


def _check_range(degrees: Floats, frame: Frame) -> None:
    worst_lon, worst_lat = np.abs(degrees).max(axis=0, initial=0.0)
    if worst_lat > LATITUDE_LIMIT + EDGE_TOLERANCE or worst_lon > FARTHEST_LONGITUDE:
        raise DataError(
            f"Coordinates up to longitude {worst_lon:g}, latitude {worst_lat:g} are no degrees, but the CRS is {frame.crs.name!r}.",
            hint="The layer's CRS is probably wrong: declare the true one, e.g. --crs EPSG:32632.",
        )
