"""Whether GDAL's warper shifts the datum of a raster as the rest of the product does: its own choice may be not to shift at all."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from pyproj import CRS

from tools.errors import DataError
from tools.geo.frame import Floats, geodetic_frame, transformer

LEAST_SHIFT_M = 1.0
"""A smaller shift is within what datums of the satellite age differ by."""
NO_SHIFT_M = 0.05
"""Coordinates that moved by less did not move: rounding, and the series of projections."""


@lru_cache(maxsize=256)
def check_shift(src_crs: CRS, dst_crs: CRS, x: float, y: float) -> None:
    """Raise DataError where GDAL would take a place, `x` and `y` in `src_crs`, to `dst_crs` without the known shift of datum.

    GDAL cannot be told the operation through rasterio. For a few old systems, such as those counted from another meridian than
    Greenwich, it treats the datums as one where PROJ knows better. Raises DataError also where no operation is known at all.
    """
    from rasterio.warp import transform

    src, dst = geodetic_frame(src_crs), geodetic_frame(dst_crs)
    if src.geodetic == dst.geodetic:
        return
    there = np.column_stack(transform(src_crs.to_wkt(), dst_crs.to_wkt(), [x], [y]))
    known = np.column_stack(transformer(src.located, dst.located).transform([x], [y]))
    unmoved, by_gdal, by_us = _greenwich(np.array([[x, y]]), src_crs), _greenwich(there, dst_crs), _greenwich(known, dst_crs)
    shift_m = src.geod.inv(*unmoved, *by_us)[2]
    if shift_m > LEAST_SHIFT_M and src.geod.inv(*unmoved, *by_gdal)[2] < NO_SHIFT_M:
        raise DataError(
            f"GDAL would take the raster from {src_crs.name!r} to {dst_crs.name!r} without the shift between their datums, {shift_m:.0f} m off.",
            hint="Warp the raster first with an operation that is named, e.g. gdalwarp -ct, or bring the other data into its system.",
        )


def _greenwich(xy: Floats, crs: CRS) -> tuple[float, float]:
    """Return longitude east of Greenwich and latitude, in degrees, on the datum of the CRS; NaN where there is no place."""
    frame = geodetic_frame(crs)
    if not np.isfinite(xy).all():
        return np.nan, np.nan
    lon, lat = frame.to_lonlat(xy[:, 0], xy[:, 1])
    meridian = frame.geodetic.prime_meridian
    turned = 0.0 if meridian is None else float(np.degrees(meridian.longitude * float(meridian.unit_conversion_factor)))
    return float(lon[0]) + turned, float(lat[0])
