"""The frame of a map: its projection, extent and grid of pixels, and the length of its scale bar."""

from __future__ import annotations

from dataclasses import dataclass

from odc.geo.geobox import GeoBox
from pyproj import CRS, Geod

Bounds = tuple[float, float, float, float]

WIDE_DEGREES = 90.0
"""Maps wider or higher than this are drawn in longitude and latitude; a local projection would bend them too much."""
MARGIN = 0.03
MIN_SPAN_M = 100.0
"""Smallest side of a map, so that a single point has surroundings."""


@dataclass(frozen=True)
class MapFrame:
    """Where a map is and how large it is drawn."""

    crs: CRS
    bounds: Bounds
    """Left, bottom, right, top in `crs`."""
    width_px: int
    height_px: int

    @property
    def grid(self) -> GeoBox:
        """The grid of the map's pixels."""
        return GeoBox.from_bbox(self.bounds, self.crs, shape=(self.height_px, self.width_px))

    @property
    def metres_per_unit(self) -> float:
        """Metres on the ground of one unit along x at the centre of the map."""
        if not self.crs.is_geographic:
            return 1.0  # the local projection is true at its centre, which is the map's
        left, bottom, right, top = self.bounds
        lat, lon = max(-89.9, min(89.9, (bottom + top) / 2)), (left + right) / 2
        return float(Geod(ellps="WGS84").inv(lon - 0.05, lat, lon + 0.05, lat)[2]) / 0.1


def map_crs(bbox: Bounds) -> CRS:
    """Return the projection for an extent in degrees: Lambert azimuthal equal-area around its centre, or plate carrée."""
    west, south, east, north = bbox
    if east - west > WIDE_DEGREES or north - south > WIDE_DEGREES:
        return CRS.from_epsg(4326)
    lon, lat = round((west + east) / 2, 4), round((south + north) / 2, 4)
    return CRS.from_proj4(f"+proj=laea +lat_0={lat} +lon_0={lon} +datum=WGS84 +units=m +no_defs")


def frame_around(crs: CRS, bounds: Bounds, width_px: int) -> MapFrame:
    """Return the frame of a map that shows `bounds` with a margin; it is at most twice as high as wide, and the reverse."""
    left, bottom, right, top = bounds
    least = MIN_SPAN_M if not crs.is_geographic else MIN_SPAN_M / 111_320
    width, height = max(right - left, least), max(top - bottom, least)
    width, height = max(width, height / 2) * (1 + 2 * MARGIN), max(height, width / 2) * (1 + 2 * MARGIN)
    x, y = (left + right) / 2, (bottom + top) / 2
    framed = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return MapFrame(crs, framed, width_px, max(1, round(width_px * height / width)))


def scale_bar_m(map_width_m: float) -> float:
    """Return the largest of 1, 2, 5 × 10ⁿ metres that is at most a quarter of the map's width."""
    from math import floor, log10

    quarter = map_width_m / 4
    power = 10.0 ** floor(log10(quarter))
    return next(step * power for step in (5, 2, 1) if step * power <= quarter)
