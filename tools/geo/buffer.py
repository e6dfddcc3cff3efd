"""Buffers in true metres, anywhere on the Earth.

Points become geodesic circles of 192 vertices, 0.02 % short of the true circle's area. Lines and polygons are buffered
in azimuthal equidistant planes, one per cell of 150 to 300 km, where a metre is true to 0.02 %; a feature wider than
that is buffered along its edges, cell by cell, and united.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import shapely
from pyproj import CRS

from tools.errors import ParameterError
from tools.geo.antimeridian import wrap_longitudes
from tools.geo.boundary import boundaries, touches_cuts
from tools.geo.dissolve import groups_of, union
from tools.geo.frame import Floats, geodetic_frame
from tools.geo.geometry import only_dimension
from tools.geo.plane import LocalPlane
from tools.geo.rings import Geometries, Indexes, line_paths, parts_of
from tools.geo.transform import transform
from tools.geo.unfold import polygon_of_lonlat

QUADRANT_SEGMENTS = 48
"""Segments per quarter circle: a chord leaves the circle by at most 0.013 % of the radius."""
CELL_DEGREES = 1.35
"""Height of a cell, 150 km. Farthest from its centre (a corner and half a feature, 212 km) a metre is off by 0.018 %."""
WIDE_CELL_DEGREES = 2 * CELL_DEGREES
"""Height of a cell for the edges of wide features, which do not reach beyond it."""
EDGE_PIECE_DEGREES = 0.2
"""Edges of wide features are cut to this before they are dealt out to cells."""
FARTHEST_M = 2_000_000.0
"""Largest distance; tested up to here."""
FARTHEST_CIRCLE_M = 9_000_000.0
"""Largest radius of a circle by itself, short of half the Earth; tested up to here."""
Buffered = Iterator[tuple[Geometries, Indexes]]
"""Buffered parts in longitude, latitude, and the numbers of their geometries."""


def buffer(geometries: Geometries, crs: CRS, distance_m: float) -> Geometries:
    """Return, in `crs`, the area within `distance_m` of each valid geometry; a negative distance shrinks polygons.

    Missing geometries, and those that shrink to nothing, come back as None. Raises ParameterError beyond 2,000 km.
    """
    _require_tested(abs(distance_m), FARTHEST_M, "buffer")
    geodetic = geodetic_frame(crs).geodetic
    lonlat = transform(np.asarray(geometries, dtype=object), crs, geodetic)
    if distance_m < 0 and len(lonlat):
        return transform(_shrunk(lonlat, geodetic, -distance_m), geodetic, crs)
    return transform(_grown(lonlat, geodetic, distance_m), geodetic, crs)


def _shrunk(lonlat: Geometries, geodetic: CRS, distance_m: float) -> Geometries:
    """Shrink polygons; those cut at the antimeridian or along a pole by what lies near their true edges, since a cut is no edge."""
    polygons = only_dimension(lonlat, 2)
    cut = touches_cuts(polygons, geodetic)
    whole = polygons.copy()
    whole[cut] = None
    shrunk = _grown(whole, geodetic, -distance_m)
    rim = _grown(boundaries(polygons[cut], geodetic), geodetic, distance_m)
    left = shapely.difference(polygons[cut], rim)
    left[shapely.is_missing(rim)] = polygons[cut][shapely.is_missing(rim)]  # the whole Earth has no edge
    left[shapely.is_empty(left)] = None
    shrunk[cut] = left
    return shrunk


def _grown(lonlat: Geometries, geodetic: CRS, distance_m: float) -> Geometries:
    parts: list[list[shapely.Geometry]] = [[] for _ in lonlat]
    for step in (_points, _narrow, _wide):
        for found, owner in step(lonlat, geodetic, distance_m):
            for geometry, position in zip(found, owner, strict=True):
                parts[position].append(geometry)
    merged: Geometries = np.full(len(lonlat), None, dtype=object)
    merged[:] = [_united(several) for several in parts]
    return merged


def buffer_method(distance_m: float) -> dict[str, object]:
    """Return, JSON-safe, how buffers are made, for `ToolOutput.method`."""
    return {
        "distance_m": distance_m,
        "buffer": "geodesic circles around points; azimuthal equidistant planes per cell of 150 to 300 km for lines and polygons",
        "precision": "distance true to 0.02 %; circles drawn with 192 vertices",
    }


def circles(centres: Geometries, crs: CRS, radii_m: Floats) -> Geometries:
    """Return, in `crs`, the geodesic circle around each point with a radius of its own; raise ParameterError beyond 9,000 km."""
    _require_tested(float(radii_m.max(initial=0.0)), FARTHEST_CIRCLE_M, "circle with a radius")
    geodetic = geodetic_frame(crs).geodetic
    return transform(_circles(shapely.get_coordinates(transform(centres, crs, geodetic)), geodetic, radii_m), geodetic, crs)


def _require_tested(distance_m: float, farthest_m: float, what: str) -> None:
    if distance_m > farthest_m:
        raise ParameterError(
            f"A {what} of {distance_m:,.0f} m is too wide to be true on the ellipsoid.", hint=f"Give at most {farthest_m:,.0f} metres."
        )


def _united(parts: list[shapely.Geometry]) -> shapely.Geometry | None:
    present = [part for part in parts if part is not None and not part.is_empty]
    return union(np.array(present, dtype=object)) if present else None


def _points(lonlat: Geometries, geodetic: CRS, distance_m: float) -> Buffered:
    points, owner = parts_of(lonlat, 0)
    if len(points) and distance_m > 0:
        yield _circles(shapely.get_coordinates(points), geodetic, np.full(len(points), distance_m)), owner


def _circles(centres: Floats, geodetic: CRS, radii_m: Floats) -> Geometries:
    """Return geodesic circles around points in degrees, split at the antimeridian, closed along a pole they go around."""
    sides = 4 * QUADRANT_SEGMENTS
    azimuth = np.tile(np.linspace(0, -360, sides, endpoint=False), len(centres))
    lon, lat = np.repeat(centres, sides, axis=0).T
    ring_lon, ring_lat, _ = geodetic_frame(geodetic).geod.fwd(lon, lat, azimuth, np.repeat(radii_m, sides))
    rings = np.stack([np.reshape(ring_lon, (-1, sides)), np.reshape(ring_lat, (-1, sides))], axis=-1)
    rings = np.concatenate([rings, rings[:, :1]], axis=1)
    circles = shapely.polygons(rings)
    jumps = np.flatnonzero(np.ptp(rings[:, :, 0], axis=1) > 180)
    circles[jumps] = [polygon_of_lonlat(ring) for ring in rings[jumps]]
    return wrap_longitudes(circles, geodetic)[0]


def _narrow(lonlat: Geometries, geodetic: CRS, distance_m: float) -> Buffered:
    """Buffer the lines and polygons that fit into a cell, each in the plane of the cell of its middle."""
    for dimension in (1, 2) if distance_m > 0 else (2,):
        parts, owner = parts_of(lonlat, dimension)
        narrow = ~_is_wide(parts)
        parts, owner = parts[narrow], owner[narrow]
        bounds = shapely.bounds(parts).reshape(-1, 4)
        for centre, own in _cells((bounds[:, :2] + bounds[:, 2:]) / 2, CELL_DEGREES):
            yield LocalPlane(geodetic, *centre).buffered(parts[own], distance_m, QUADRANT_SEGMENTS), owner[own]


def _wide(lonlat: Geometries, geodetic: CRS, distance_m: float) -> Buffered:
    """Buffer lines along their edges; add the same to polygons, or take it away from them where the distance is negative."""
    lines, line_owner = parts_of(lonlat, 1)
    polygons, polygon_owner = parts_of(lonlat, 2)
    is_wide = _is_wide(lines)
    if is_wide.any() and distance_m > 0:
        yield _along_edges(lines[is_wide], geodetic, distance_m), line_owner[is_wide]
    is_wide = _is_wide(polygons)
    if is_wide.any():
        combine = shapely.union if distance_m > 0 else shapely.difference
        own = polygons[is_wide]
        rims = boundaries(own, geodetic)  # not the cuts: along a pole they are thousands of pieces at one place
        near = _along_edges(rims, geodetic, abs(distance_m))
        edged = ~shapely.is_missing(near)  # the whole Earth has no edge
        own[edged] = combine(own[edged], near[edged])
        yield own, polygon_owner[is_wide]


def _is_wide(lonlat: Geometries) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    bounds = shapely.bounds(lonlat).reshape(-1, 4)
    nearest_equator = np.where(bounds[:, 1] * bounds[:, 3] < 0, 0.0, np.minimum(np.abs(bounds[:, 1]), np.abs(bounds[:, 3])))
    width = (bounds[:, 2] - bounds[:, 0]) * np.cos(np.radians(nearest_equator))
    return np.asarray(np.maximum(width, bounds[:, 3] - bounds[:, 1]) > CELL_DEGREES)


def _along_edges(lonlat: Geometries, geodetic: CRS, distance_m: float) -> Geometries:
    """Return what lies within a distance of the edges of each line or polygon."""
    paths = line_paths(lonlat).split(EDGE_PIECE_DEGREES)
    starts = paths.edges
    pieces = shapely.linestrings(np.stack([paths.xy[starts], paths.xy[starts + 1]], axis=1))
    owner = paths.owner[paths.path[starts]]
    found: list[list[shapely.Geometry]] = [[] for _ in lonlat]
    for centre, own in _cells((paths.xy[starts] + paths.xy[starts + 1]) / 2, WIDE_CELL_DEGREES):
        members = groups_of(owner[own].tolist())
        chains = shapely.line_merge([shapely.multilinestrings(pieces[own[each]]) for each in members.values()])
        buffered = LocalPlane(geodetic, *centre).buffered(chains, distance_m, QUADRANT_SEGMENTS)
        for position, geometry in zip(members, buffered, strict=True):
            found[position].append(geometry)
    return np.array([_united(several) for several in found], dtype=object)


def _cells(middles: Floats, height: float) -> Iterator[tuple[tuple[float, float], Indexes]]:
    """Deal places, shape (place, 2) in degrees, out to cells of a height in degrees; yield each centre and the positions in it."""
    band = np.floor((middles[:, 1] + 90) / height)
    centre_lat = np.clip((band + 0.5) * height - 90, -90, 90)
    columns = np.maximum(1, np.round(360 * np.cos(np.radians(centre_lat)) / height))
    column = np.floor((middles[:, 0] + 180) / 360 * columns)
    centre_lon = (column + 0.5) * 360 / columns - 180
    cell = list(zip(centre_lon.tolist(), centre_lat.tolist(), strict=True))
    for own in groups_of(cell).values():
        yield cell[own[0]], own
