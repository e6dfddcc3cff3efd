"""Compute a raster of values or classes strip by strip, so that the steps in between never hold more than some rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tools.geo.band_math import Calculated
from tools.geo.grid import Window, window_grid
from tools.geo.moments import Spread
from tools.geo.pixels import area_varies, pixel_area_m2
from tools.storage.rasters import iter_strips

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

STRIP_PX = 1_000_000
"""Pixels of a band that are held at once: the parts of a formula then stay within some 100 MB."""


@dataclass(frozen=True)
class Strips:
    """A raster of values and what they are like."""

    values: NDArray[Any]
    """`(row, col)` of a float type, NaN is nodata."""
    spread: Spread
    undefined: int
    """Pixels that are nodata only because the arithmetic has no result there."""


def strip_by_strip(
    grid: GeoBox, calculate: Callable[[Window], Calculated], progress: Callable[[float], None], dtype: str = "float32"
) -> Strips:
    """Return the values of all strips in one array of a float type; statistics are those of the values before rounding to it."""
    values = np.full(grid.shape, np.nan, dtype)
    spread, undefined = Spread(by_area=area_varies(grid)), 0
    for window in iter_strips(grid.shape[0], grid.shape[1], STRIP_PX):
        part = calculate(window)
        row, _, height, _ = window
        with np.errstate(over="ignore"):  # beyond float32 becomes infinite, which is no value
            rows = np.where(np.ma.getmaskarray(part.values), np.nan, part.values.data).astype(dtype)
        rows[~np.isfinite(rows)] = np.nan
        values[row : row + height] = rows
        spread.add(part.values, pixel_area_m2(window_grid(grid, window)))
        undefined += part.undefined
        progress((row + height) / grid.shape[0])
    return Strips(values, spread, undefined)


@dataclass(frozen=True)
class ClassStrips:
    """A raster of classes and how much of the ground each covers."""

    codes: NDArray[np.uint8]
    """`(row, col)`, 0 is nodata."""
    area_m2: NDArray[np.float64]
    """Area by code; that of code 0 is the area without a class."""

    @property
    def valid_area_m2(self) -> float:
        """Area that has a class."""
        return float(self.area_m2[1:].sum())

    @property
    def valid_share(self) -> float:
        """Percentage of the area that has a class."""
        return min(100.0, 100 * self.valid_area_m2 / float(self.area_m2.sum())) if self.area_m2.any() else 0.0


def classes_by_strip(
    grid: GeoBox, classify: Callable[[Window], NDArray[np.uint8]], classes: int, progress: Callable[[float], None]
) -> ClassStrips:
    """Return the codes 0 (nodata) to `classes` of all strips in one array, and the true area of each."""
    codes, area_m2 = np.zeros(grid.shape, "uint8"), np.zeros(classes + 1)
    for window in iter_strips(grid.shape[0], grid.shape[1], STRIP_PX):
        part = classify(window)
        row, _, height, _ = window
        codes[row : row + height] = part
        pixel_m2 = np.broadcast_to(pixel_area_m2(window_grid(grid, window)), part.shape)
        area_m2 += np.bincount(part.ravel(), weights=pixel_m2.ravel(), minlength=classes + 1)
        progress((row + height) / grid.shape[0])
    return ClassStrips(codes, area_m2)
