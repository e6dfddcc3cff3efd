"""A plane around a place, made in microseconds: azimuthal, true in distances from the place, or in areas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import shapely
from pyproj import CRS, Proj

from tools.geo.antimeridian import wrap_longitudes
from tools.geo.frame import Axes, Floats, Frame, geodetic_frame
from tools.geo.geometry import repair
from tools.geo.rings import Geometries
from tools.geo.transform import TOLERANCE_M, keep_course
from tools.geo.unfold import unfold

TOLERANCE_SHARE = 1e-4
"""How far an edge may stray, as a share of a buffer's distance; less than the plane's own error."""
METRES = Axes(is_lonlat=False, radians_per_unit=1.0, metres_per_unit=1.0)
Projection = Literal["aeqd", "laea"]
"""Azimuthal equidistant (distances from the centre are true) or Lambert azimuthal equal-area, as PROJ calls them."""


@dataclass(frozen=True)
class LocalPlane:
    """The azimuthal plane around a place. A CRS with a transformer would cost 10 ms per plane."""

    geodetic: CRS
    """CRS of longitude, latitude from which and to which geometries are taken."""
    lon: float
    """Of the centre, in degrees."""
    lat: float
    projection: Projection = "aeqd"

    def buffered(self, lonlat: Geometries, distance_m: float, quadrant_segments: int) -> Geometries:
        """Return geometries given in longitude, latitude, buffered in this plane, in longitude, latitude again."""
        tolerance_m = max(TOLERANCE_M, TOLERANCE_SHARE * abs(distance_m))
        return self.applied(lonlat, lambda there: shapely.buffer(there, distance_m, quad_segs=quadrant_segments), tolerance_m)

    def applied(self, lonlat: Geometries, operate: Callable[[Geometries], Geometries], tolerance_m: float = TOLERANCE_M) -> Geometries:
        """Return what an operation of the plane (metres) makes of geometries, both in longitude, latitude, edges kept to a tolerance."""
        return self.back(operate(self.there(lonlat, tolerance_m)), tolerance_m)

    def there(self, lonlat: Geometries, tolerance_m: float = TOLERANCE_M) -> Geometries:
        """Return geometries in longitude, latitude in this plane, in metres; not repaired."""
        moved: Geometries = shapely.transform(keep_course(lonlat, self._forward, self._frame, METRES, tolerance_m), self._forward)
        return moved

    def back(self, planar: Geometries, tolerance_m: float = TOLERANCE_M) -> Geometries:
        """Return geometries of this plane in longitude, latitude: valid, split at the antimeridian, closed along a pole."""
        back = shapely.transform(keep_course(planar, self._inverse, METRES, self._frame, tolerance_m), self._inverse)
        return wrap_longitudes(repair(unfold(back))[0], self.geodetic)[0]

    @property
    def _frame(self) -> Frame:
        return geodetic_frame(self.geodetic)

    @cached_property
    def _proj(self) -> Proj:
        geod = self._frame.geod
        return Proj(proj=self.projection, lon_0=self.lon, lat_0=self.lat, a=geod.a, b=geod.b)

    def _forward(self, lonlat: Floats) -> Floats:
        degrees = lonlat * np.degrees(self._frame.radians_per_unit)
        return np.column_stack(self._proj(degrees[:, 0], degrees[:, 1]))

    def _inverse(self, xy: Floats) -> Floats:
        degrees = np.column_stack(self._proj(xy[:, 0], xy[:, 1], inverse=True))
        return np.asarray(degrees / np.degrees(self._frame.radians_per_unit))
