"""Read a strip of a raster with what lies around it, so that what is computed from neighbours has no seams."""

from __future__ import annotations

import numpy as np

from tools.contract import Source
from tools.geo.frame import geodetic_frame
from tools.geo.grid import Window, crs_of, is_axis_aligned
from tools.geo.moments import Floats
from tools.storage.rasters import RasterInfo, read_band

TURN_DEGREES = 360.0


def read_around(source: Source, band: int, info: RasterInfo, window: Window, halo: int) -> Floats:
    """Return whole rows and `halo` pixels on every side, `(row + 2 halo, col + 2 halo)` float64; NaN where there is no value.

    Beyond the raster there is none, but for one that goes around the Earth: its first column is a neighbour of its last.
    """
    row, _, height, width = window
    top, bottom = max(0, row - halo), min(info.height, row + height + halo)
    part = np.ma.filled(read_band(source, band, (top, 0, bottom - top, width)).astype(np.float64), np.nan)
    part[~np.isfinite(part)] = np.nan
    above, below = halo - (row - top), halo - (bottom - row - height)
    tall = np.pad(part, ((above, below), (0, 0)), constant_values=np.nan)
    if goes_around(info) and width >= halo:
        return np.pad(tall, ((0, 0), (halo, halo)), mode="wrap")
    return np.pad(tall, ((0, 0), (halo, halo)), constant_values=np.nan)


def goes_around(info: RasterInfo) -> bool:
    """Tell whether the columns of a raster go around the Earth exactly once."""
    frame = geodetic_frame(crs_of(info.grid))
    if not (frame.is_lonlat and is_axis_aligned(info.grid)):
        return False
    missing = TURN_DEGREES - info.width * abs(info.transform.a) * np.degrees(frame.radians_per_unit)
    return bool(abs(missing) <= 1e-3 * abs(info.transform.a))
