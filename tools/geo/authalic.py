"""The area between the equator and a parallel of the ellipsoid, and its integral along an edge."""

from __future__ import annotations

import numpy as np
from pyproj import Geod

from tools.geo.frame import Floats

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(5)
NODES = (_NODES + 1) / 2
"""Gauss-Legendre nodes on [0, 1]; five are exact to 1e-10 even for an edge from equator to pole."""
WEIGHTS = _WEIGHTS / 2


def authalic_area(latitude: Floats, geod: Geod) -> Floats:
    """Return the area in m2, per radian of longitude, between the equator and `latitude` (radians; south is negative).

    Snyder (1987), Map Projections: A Working Manual, equation 3-12, times a^2 / 2.
    """
    sine = np.sin(latitude)
    squared = float(geod.es)
    if squared == 0:
        return np.asarray(geod.a**2 * sine)
    e = np.sqrt(squared)
    return np.asarray(geod.a**2 * (1 - squared) / 2 * (sine / (1 - squared * sine**2) + np.arctanh(e * sine) / e))


def authalic_sum(to_middle: Floats, to_end: Floats, lat_start: Floats, lat_middle: Floats, lat_end: Floats, geod: Geod) -> Floats:
    """Return, per edge, the integral of `authalic_area` over longitude, in m2; all angles in radians, shape (edge,).

    An edge is the parabola in (longitude, latitude) through its start, middle and end; `to_middle` and `to_end` are
    differences of longitude from the start. The sum over a closed ring that holds no pole is its signed area.
    """
    total = np.zeros(len(to_end))
    lon_bend, lat_bend = to_end - 2 * to_middle, lat_start + lat_end - 2 * lat_middle
    for t, weight in zip(NODES, WEIGHTS, strict=True):
        speed = (4 * to_middle - to_end) + 4 * t * lon_bend
        latitude = lat_start + t * (4 * lat_middle - lat_end - 3 * lat_start) + 2 * t**2 * lat_bend
        total += weight * speed * authalic_area(latitude, geod)
    return total
