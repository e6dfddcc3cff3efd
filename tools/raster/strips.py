"""Compute and write a raster of values or classes strip by strip, so that never more than some rows are held."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tools.geo.band_math import Calculated
from tools.geo.edges import StripBorders
from tools.geo.grid import Window, window_grid
from tools.geo.moments import Spread
from tools.geo.pixels import area_varies, pixel_area_m2, pixel_areas
from tools.storage.cog import UNMARKED, BandMark, cog_writer
from tools.storage.rasters import class_writer, iter_strips

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

STRIP_PX = 1_000_000
"""Pixels of a band that are held at once: the parts of a formula then stay within some 100 MB."""


@dataclass(frozen=True)
class Values:
    """What the values of a raster are like."""

    spread: Spread
    undefined: int
    """Pixels that are nodata only because the arithmetic has no result there."""


def values_by_strip(
    path: Path,
    grid: GeoBox,
    mark: BandMark,
    calculate: Callable[[Window], Calculated],
    progress: Callable[[float], None],
    dtype: str = "float32",
) -> Values:
    """Write a raster of a float type with NaN for nodata; what is told are the statistics of the values before rounding to it.

    What `calculate` raises leaves no raster behind.
    """
    spread, undefined = Spread(by_area=area_varies(grid)), 0
    with cog_writer(path, grid, [mark], dtype=dtype, nodata=math.nan) as writer:
        for window in iter_strips(grid.shape[0], grid.shape[1], STRIP_PX):
            part = calculate(window)
            with np.errstate(over="ignore"):  # beyond float32 becomes infinite, which is no value
                rows = np.where(np.ma.getmaskarray(part.values), np.nan, part.values.data).astype(dtype)
            rows[~np.isfinite(rows)] = np.nan
            writer.write(window, rows)
            spread.add(part.values, pixel_area_m2(window_grid(grid, window)))
            undefined += part.undefined
            progress((window[0] + window[2]) / grid.shape[0])
    return Values(spread, undefined)


@dataclass(frozen=True)
class ClassAreas:
    """How much of the ground each class of a raster covers."""

    area_m2: NDArray[np.float64]
    """Area by code; that of code 0 is the area without a class."""
    border_m2: NDArray[np.float64]
    """How far each area is off at most where the class ends half a pixel further out, or in, all along; by code."""

    @property
    def valid_area_m2(self) -> float:
        """Area that has a class."""
        return float(self.area_m2[1:].sum())

    @property
    def valid_share(self) -> float:
        """Percentage of the area that has a class."""
        return min(100.0, 100 * self.valid_area_m2 / float(self.area_m2.sum())) if self.area_m2.any() else 0.0


def classes_by_strip(
    path: Path,
    grid: GeoBox,
    labels: Sequence[str],
    classify: Callable[[Window], NDArray[np.uint8]],
    progress: Callable[[float], None],
    mark: BandMark = UNMARKED,
) -> ClassAreas:
    """Write a raster of the classes 1, 2, … called by their labels, 0 is nodata, and tell the true area of each."""
    area_m2, borders = np.zeros(len(labels) + 1), StripBorders()
    with class_writer(path, grid, dict(enumerate(labels, start=1)), mark) as writer:
        for window in iter_strips(grid.shape[0], grid.shape[1], STRIP_PX):
            part = classify(window)
            writer.write(window, part)
            areas = pixel_areas(window_grid(grid, window))
            pixel_m2 = np.broadcast_to(areas.dense(), part.shape)
            area_m2 += np.bincount(part.ravel(), weights=pixel_m2.ravel(), minlength=len(area_m2))
            borders.add_strip(part, areas)
            progress((window[0] + window[2]) / grid.shape[0])
    return ClassAreas(area_m2, borders.by_code(len(area_m2)))
