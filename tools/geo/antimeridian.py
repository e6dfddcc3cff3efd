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
FARTHEST_LONGITUDE = 540.0
"""Degrees; one whole turn beyond the antimeridian. More is not a longitude."""
_SLACK = 1e-9


def check_lonlat(paths: Paths, frame: Frame) -> None:
    """Raise DataError where coordinates are no longitude, latitude, or an edge spans 180 to 360 degrees of longitude.

    Such an edge either crosses the antimeridian or goes the long way round: nobody can tell. An edge of the full circle
    (a global box, a polar cap closed along the pole) is unambiguous.
    """
    degrees = paths.xy * np.degrees(frame.radians_per_unit)
    _check_range(degrees, frame)
    starts = paths.edges
    span = np.abs(degrees[starts + 1, 0] - degrees[starts, 0])
    ambiguous = np.flatnonzero((span > FULL_CIRCLE / 2 + EDGE_TOLERANCE) & (np.abs(span - FULL_CIRCLE) > EDGE_TOLERANCE))
    if len(ambiguous):
        where = int(paths.owner[paths.path[starts[ambiguous[0]]]])
        raise DataError(
            f"Geometry {where} has an edge that spans {span[ambiguous[0]]:g} degrees of longitude: it crosses the antimeridian or goes the long way round.",
            hint="Split it at the antimeridian, let its longitudes run past 180, or add vertices on the long way.",
        )


def wrap_longitudes(geometries: Geometries, crs: CRS) -> tuple[Geometries, int]:
    """Bring what reaches beyond -180 or 180 degrees back into that range, split at the antimeridian.

    Only for CRSs of longitude, latitude; others are returned as they are. Returns the geometries and how many were
    changed. Raises DataError as `check_lonlat` does.
    """
    frame = geodetic_frame(crs)
    if not frame.is_lonlat or not len(geometries):
        return geometries, 0
    check_lonlat(line_paths(geometries), frame)
    half = np.pi / frame.radians_per_unit
    bounds = shapely.bounds(geometries)
    beyond = np.flatnonzero((bounds[:, 0] < -half - _SLACK) | (bounds[:, 2] > half + _SLACK))
    if not len(beyond):
        return geometries, 0
    wrapped = np.array(geometries, dtype=object)
    wrapped[beyond] = [_wrap(geometry, half) for geometry in geometries[beyond]]
    return wrapped, len(beyond)


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
    worst_lat = float(np.abs(degrees[:, 1]).max(initial=0.0))
    worst_lon = float(np.abs(degrees[:, 0]).max(initial=0.0))
    if worst_lat > 90 + EDGE_TOLERANCE or worst_lon > FARTHEST_LONGITUDE:
        raise DataError(
            f"Coordinates up to longitude {worst_lon:g}, latitude {worst_lat:g} are no degrees, but the CRS is {frame.crs.name!r}.",
            hint="The layer's CRS is probably wrong: declare the true one, e.g. --crs EPSG:32632.",
        )
