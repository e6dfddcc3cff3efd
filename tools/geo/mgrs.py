"""Where a tile of the military grid (MGRS) lies, as Sentinel-2 uses it for its granules."""

from __future__ import annotations

import re

from pyproj import CRS

from tools.errors import ParameterError
from tools.geo.frame import rough_transformer

Bounds = tuple[float, float, float, float]

BANDS = "CDEFGHJKLMNPQRSTUVWX"
"""Bands of latitude, 8 degrees each from -80; X has 12."""
COLUMN_SETS = ("STUVWXYZ", "ABCDEFGH", "JKLMNPQR")
"""Letters of the 100 km columns from 100 km easting on, by zone number modulo 3."""
ROWS = "ABCDEFGHJKLMNPQRSTUV"
"""Letters of the 100 km rows; in even zones they start 5 letters later. They repeat every 2000 km."""
SQUARE_M = 100_000.0
OVERLAP_M = 9_860.0
"""A Sentinel-2 tile has 109.8 km and starts up to 20 m west and north of its square; the rest lies east and south of it."""
_MARGIN_M = 20.0
_TILE = re.compile(r"T?([0-9]{1,2})([C-HJ-NP-X])([A-HJ-NP-Z])([A-HJ-NP-V])", re.IGNORECASE)


def norm_tile(text: str) -> str:
    """Return a tile as `35MNM`: two digits and three letters; raise ParameterError for anything else."""
    match = _TILE.fullmatch(text.strip())
    if match is None or not 1 <= int(match[1]) <= 60 or match[3].upper() not in COLUMN_SETS[int(match[1]) % 3]:
        raise ParameterError(f"{text!r} is no tile of the military grid.", hint="Write zone, band and square, e.g. 35MNM or 29RKH.")
    return f"{int(match[1]):02d}{match[2]}{match[3]}{match[4]}".upper()


def tile_bounds(tile: str) -> Bounds:
    """Return west, south, east, north in degrees around a whole Sentinel-2 tile, given as `norm_tile` writes it.

    Source: NGA.STND.0037, the letters of the 100 km squares (AA scheme). West exceeds east where it lies on the antimeridian.
    """
    zone, band, column, row = int(tile[:2]), tile[2], tile[3], tile[4]
    is_south = band < "N"
    crs = CRS.from_epsg((32700 if is_south else 32600) + zone)
    left = (COLUMN_SETS[zone % 3].index(column) + 1) * SQUARE_M
    first = (ROWS.index(row) - (5 if zone % 2 == 0 else 0)) % len(ROWS) * SQUARE_M
    to_degrees = rough_transformer(crs, CRS.from_epsg(4326))
    floor = -80.0 + 8 * BANDS.index(band)
    middle = floor + (6 if band == "X" else 4)
    bottoms = [first + turn * len(ROWS) * SQUARE_M for turn in range(5)]
    # The letters repeat every 2000 km, 18 degrees: the square in the band is the one nearest to the band's middle.
    bottom = min(bottoms, key=lambda y: abs(to_degrees.transform(500_000.0, y + SQUARE_M / 2)[1] - middle))
    west, south, east, north = to_degrees.transform_bounds(
        left - _MARGIN_M, bottom - OVERLAP_M, left + SQUARE_M + OVERLAP_M, bottom + SQUARE_M + _MARGIN_M
    )
    return (float(west), float(south), float(east), float(north))
