"""Rings that came into longitude, latitude from a plane: undo jumps at the antimeridian, close those around a pole."""

from __future__ import annotations

import numpy as np
import shapely

from tools.geo.frame import Floats
from tools.geo.rings import Geometries

TURN = 360.0
_HALF_WINDING = 180.0
WORLD = shapely.box(-180, -90, 180, 90)


def unfold(geometries: Geometries) -> Geometries:
    """Return geometries in degrees whose longitudes run on without jumps, so that they are right as planar shapes.

    Vertices must be dense: a step of more than 180 degrees of longitude is read as a crossing of the antimeridian. A
    polygon around a pole is closed along that pole. Longitudes may lie beyond -180 and 180 afterwards
    (see `antimeridian.wrap_longitudes`). Points and whatever is narrower than half a turn come back as they are.
    """
    bounds = shapely.bounds(geometries)
    wide = np.flatnonzero(bounds[:, 2] - bounds[:, 0] > TURN / 2)
    if not len(wide):
        return geometries
    unfolded = np.array(geometries, dtype=object)
    unfolded[wide] = [_unfold(geometry) for geometry in geometries[wide]]
    return unfolded


def polygon_of_lonlat(ring: Floats) -> shapely.Geometry:
    """Return what one closed ring, shape (vertex, 2) in degrees, encloses: unfolded, or closed along a pole it goes around.

    Around a pole it lies within -180 to 180 degrees.
    """
    lon = np.unwrap(ring[:, 0], period=TURN)
    if abs(lon[-1] - lon[0]) > _HALF_WINDING:
        return _around_pole(ring[:-1])
    lon[-1] = lon[0]  # unwrapping rounds by 1e-14, and a ring that misses its start by that much crosses itself
    return shapely.Polygon(np.column_stack([lon, ring[:, 1]]))


def _around_pole(vertices: Floats) -> shapely.Geometry:
    """Return what lies between a ring around a pole and the pole.

    Three turns of the ring are drawn and one is cut out of them, so that the only cut is the antimeridian, the same on both sides.
    """
    pole = float(np.copysign(90.0, vertices[:, 1].mean()))
    # From the vertex nearest to the pole the way there meets no other edge, however the ring winds.
    turned = np.roll(vertices, -int(np.argmin(np.abs(pole - vertices[:, 1]))), axis=0)
    lon = np.unwrap(np.append(turned[:, 0], turned[0, 0]), period=TURN)
    step = TURN * np.round((lon[-1] - lon[0]) / TURN)
    first = (lon[0] + TURN / 2) % TURN - TURN / 2
    turns = np.concatenate([lon[:-1] - lon[0] + first + turn * step for turn in (-1, 0, 1)])
    turns = np.append(turns, first + 2 * step)
    lat = np.append(np.tile(turned[:, 1], 3), turned[0, 1])
    strip = shapely.Polygon(np.column_stack([np.append(turns, [turns[-1], turns[0]]), np.append(lat, [pole, pole])]))
    if not strip.is_valid:  # beside a pole a ring that nearly touches itself may cross itself by less than the tolerance of its edges
        strip = shapely.make_valid(strip, method="structure", keep_collapsed=False)
    return shapely.intersection(strip, WORLD)


def _unfold(geometry: shapely.Geometry) -> shapely.Geometry:
    if geometry.geom_type == "Polygon":
        return _unfold_polygon(geometry)
    if geometry.geom_type == "LineString":
        xy = shapely.get_coordinates(geometry)
        return shapely.LineString(np.column_stack([np.unwrap(xy[:, 0], period=TURN), xy[:, 1]]))
    parts = shapely.get_parts(geometry)
    if not len(parts) or geometry.geom_type == "MultiPoint":
        return geometry
    return type(geometry)([_unfold(part) for part in parts])


def _unfold_polygon(polygon: shapely.Polygon) -> shapely.Geometry:
    """Unfold shell and holes apart; a hole is cut out at its neighbouring turns too, where a shell around a pole meets them."""
    shell = polygon_of_lonlat(shapely.get_coordinates(polygon.exterior))
    middle = _middle(shell)
    for interior in polygon.interiors:
        hole = polygon_of_lonlat(shapely.get_coordinates(interior))
        nearest = round((middle - _middle(hole)) / TURN)
        for turn in (nearest - 1, nearest, nearest + 1):
            shell = shapely.difference(shell, _shift(hole, TURN * turn))
    return shell


def _middle(geometry: shapely.Geometry) -> float:
    west, _, east, _ = shapely.bounds(geometry)
    return float(west + east) / 2


def _shift(geometry: shapely.Geometry, degrees: float) -> shapely.Geometry:
    return shapely.transform(geometry, lambda xy: xy + np.array([degrees, 0.0]))
