"""How far it is over the ground to the nearest of many points.

The nearest is found by straight lines through the Earth, in geocentric coordinates: right at any latitude, at the poles and across
the antimeridian, for which longitude, latitude and no plane are. Its distance is the geodesic one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyproj import Geod
from scipy.spatial import cKDTree

from tools.geo.frame import Floats, Frame
from tools.geo.pixels import on_ellipsoid, to_lonlat_radians

MEAN_RADIUS_M = 6_371_008.8
"""Of the WGS 84 ellipsoid, (2 a + b) / 3: Moritz (1980)."""
SHORT_M = 100_000.0
"""Up to here a chord becomes an arc of the mean radius with an error below 2e-7; longer ones go through Karney's inverse."""


@dataclass(frozen=True)
class Proximity:
    """Points that distances are measured to."""

    frame: Frame
    tree: cKDTree
    lon: Floats
    lat: Floats
    """Radians."""

    @staticmethod
    def to(x: Floats, y: Floats, frame: Frame) -> Proximity:
        """Return the proximity to points in the CRS of the frame, of shape (point,); those off the Earth do not count."""
        lon, lat = to_lonlat_radians(x, y, frame)
        known = np.isfinite(lon)
        places = on_ellipsoid(x[known], y[known], frame)
        return Proximity(frame, cKDTree(places, balanced_tree=False, compact_nodes=False), lon[known], lat[known])

    def distances_m(self, x: Floats, y: Floats, most_m: float) -> Floats:
        """Return for each place, shape (place,), the geodesic metres to the nearest point; NaN beyond `most_m`, and off the Earth.

        There must be at least one point.
        """
        places = on_ellipsoid(x, y, self.frame)
        known = np.isfinite(places).all(axis=-1)
        metres = np.full(x.shape, np.nan)
        chord, nearest = self.tree.query(places[known], distance_upper_bound=most_m * (1 + 1e-9) + 1e-6, workers=-1)
        found = np.isfinite(chord)
        metres[np.flatnonzero(known)[found]] = self._metres(x[known][found], y[known][found], chord[found], nearest[found])
        return np.where(metres <= most_m, metres, np.nan)

    def _metres(self, x: Floats, y: Floats, chord: Floats, nearest: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Floats:
        half = np.minimum(chord / (2 * MEAN_RADIUS_M), 1.0)
        metres = np.asarray(2 * MEAN_RADIUS_M * np.arcsin(half))
        far = chord > SHORT_M
        if far.any():
            lon, lat = to_lonlat_radians(x[far], y[far], self.frame)
            geod: Geod = self.frame.geod
            metres[far] = geod.inv(lon, lat, self.lon[nearest[far]], self.lat[nearest[far]], radians=True)[2]
        return metres
