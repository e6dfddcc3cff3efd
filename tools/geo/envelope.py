"""The box around shapes in longitude and latitude: the narrower way around the Earth, also across the antimeridian."""

from __future__ import annotations

import numpy as np
import shapely
from pyproj import CRS

from tools.geo.antimeridian import wrap_longitudes
from tools.geo.frame import geodetic_frame
from tools.geo.rings import Geometries, parts_of


def envelopes(geometries: Geometries, crs: CRS) -> Geometries:
    """Return the box along the axes of `crs` around each geometry, as `envelope` does."""
    boxes = np.array(shapely.envelope(geometries), dtype=object)
    frame = geodetic_frame(crs)
    if frame.is_lonlat:
        bounds = shapely.bounds(geometries).reshape(-1, 4)
        wide = np.flatnonzero(bounds[:, 2] - bounds[:, 0] > np.pi / frame.radians_per_unit)
        boxes[wide] = [envelope(geometry, crs) for geometry in geometries[wide]]
    return boxes


def envelope(geometry: shapely.Geometry, crs: CRS, margin: float = 0.0) -> shapely.Geometry:
    """Return the box along the axes of `crs` around a geometry, split at the antimeridian where it crosses it.

    `margin` widens each side by a share of the longer one. In longitude, latitude the box goes the narrower way around the Earth,
    and no farther than the poles. A point, or a line along an axis, has a box without area.
    """
    left, bottom, right, top = (float(value) for value in shapely.bounds(geometry))
    frame = geodetic_frame(crs)
    half = np.pi / frame.radians_per_unit
    if frame.is_lonlat:
        left, right = _narrowest(geometry, 2 * half)
    wider = margin * max(right - left, top - bottom)
    left, bottom, right, top = left - wider, bottom - wider, right + wider, top + wider
    if not frame.is_lonlat:
        return shapely.box(left, bottom, right, top)
    if right - left >= 2 * half:
        left, right = -half, half
    box = shapely.box(left, max(bottom, -half / 2), right, min(top, half / 2))
    return wrap_longitudes(np.array([box], dtype=object), crs)[0][0]


def _narrowest(geometry: shapely.Geometry, turn: float) -> tuple[float, float]:
    """Return the ends of the narrowest interval of longitudes that holds all parts, the end beyond the antimeridian if need be."""
    alone = np.array([geometry], dtype=object)
    parts: Geometries = np.concatenate([parts_of(alone, dimension)[0] for dimension in (0, 1, 2)])
    bounds = shapely.bounds(parts)
    bounds = bounds[np.argsort(bounds[:, 0])]
    first, reached = bounds[:, 0], np.maximum.accumulate(bounds[:, 2])
    gaps = np.append(first[1:] - reached[:-1], first[0] + turn - reached[-1])
    widest = int(np.argmax(gaps))
    if widest == len(gaps) - 1:
        return float(first[0]), float(reached[-1])
    return float(first[widest + 1]), float(reached[widest] + turn)
