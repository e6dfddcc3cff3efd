"""What the shape of a surface is at every pixel, from the pixel and its eight neighbours.

Heights come as `(row + 2, col + 2)` float64 in metres, one pixel of surroundings on each side, NaN where unknown; results are
`(row, col)`, NaN where the pixel or any of its neighbours is unknown.
"""

from __future__ import annotations

import numpy as np

from tools.geo.frame import Floats
from tools.geo.ground import GroundSteps

FULL_TURN = 360.0


def horn_gradient(heights: Floats, steps: GroundSteps) -> tuple[Floats, Floats]:
    """Return the rise in m per m to the east and to the north.

    Horn (1981), Hill shading and the reflectance map, the third-order finite difference that GDAL and most GIS use; a plane
    has its own gradient on any grid.
    """
    (a, b, c), (d, e, f), (g, h, i) = _neighbours(heights)
    per_col = ((c + 2 * f + i) - (a + 2 * d + g)) / 8
    per_row = ((g + 2 * h + i) - (a + 2 * b + c)) / 8
    east, north = steps.gradient(per_col, per_row)
    unknown = np.isnan(e)
    return np.where(unknown, np.nan, east), np.where(unknown, np.nan, north)


def slope_degrees(east: Floats, north: Floats) -> Floats:
    """Return the steepest angle to the horizontal, 0 to 90 degrees."""
    return np.degrees(np.arctan(np.hypot(east, north)))


def slope_percent(east: Floats, north: Floats) -> Floats:
    """Return the steepest rise over run in %; 100 is 45 degrees."""
    return 100 * np.hypot(east, north)


def aspect_degrees(east: Floats, north: Floats) -> Floats:
    """Return the direction that the ground falls to, clockwise from true north, 0 to below 360 degrees; NaN where it is flat."""
    turned = np.degrees(np.arctan2(-east, -north)) % FULL_TURN
    return np.where((east == 0) & (north == 0), np.nan, np.where(turned == FULL_TURN, 0.0, turned))


def hillshade(east: Floats, north: Floats, *, azimuth: float, altitude: float) -> Floats:
    """Return the light on the surface, 1 (in shade) to 255, of a sun at `azimuth` (degrees from true north) and `altitude` (degrees).

    The cosine between the surface's normal and the sun, scaled as gdaldem does: 1 + 254 · cosine.
    """
    turned, up = np.radians(azimuth), np.radians(altitude)
    cosine = (np.sin(up) - np.cos(up) * (east * np.sin(turned) + north * np.cos(turned))) / np.sqrt(1 + east**2 + north**2)
    return np.asarray(np.rint(1 + 254 * np.maximum(cosine, 0)))


def roughness(heights: Floats) -> Floats:
    """Return the largest minus the smallest of the nine heights, in m: Wilson et al. (2007), as in gdaldem."""
    parts = _stack(heights)
    return np.asarray(parts.max(axis=0) - parts.min(axis=0))


def position_index(heights: Floats) -> Floats:
    """Return the height above the mean of the eight neighbours, in m (TPI): Wilson et al. (2007), as in gdaldem."""
    parts = _stack(heights)
    return np.asarray(parts[4] - np.delete(parts, 4, axis=0).mean(axis=0))


def ruggedness_index(heights: Floats) -> Floats:
    """Return the root of the sum of squared differences to the eight neighbours, in m (TRI): Riley et al. (1999), as in gdaldem."""
    parts = _stack(heights)
    return np.asarray(np.sqrt(((parts - parts[4]) ** 2).sum(axis=0)))


def _neighbours(heights: Floats) -> list[list[Floats]]:
    """Return the nine heights around each pixel by row and column, each of shape (row, col)."""
    rows, cols = heights.shape[0] - 2, heights.shape[1] - 2
    return [[heights[down : down + rows, right : right + cols] for right in range(3)] for down in range(3)]


def _stack(heights: Floats) -> Floats:
    return np.stack([part for line in _neighbours(heights) for part in line])
