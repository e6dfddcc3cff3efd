"""The smallest and the largest value of a raster, and where they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from tools.contract import Fact, Unit
from tools.geo.grid import Window, crs_of
from tools.geo.measure import WGS84
from tools.geo.transform import is_known, transform, transformation_record
from tools.geo.units import norm_unit

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox


@dataclass
class Extreme:
    """The smallest (`sign` 1) or largest (`sign` -1) value so far."""

    sign: int
    value: float = 0.0
    row: int = 0
    col: int = 0
    """Of the first pixel that has it, row by row."""
    count: int = 0
    """Pixels that have it."""

    def add(self, values: np.ma.MaskedArray[Any, np.dtype[Any]], window: Window) -> None:
        """Take in the values of a window, `(row, col)`; True in the mask is not valid."""
        valid = ~np.ma.getmaskarray(values)
        if not valid.any():
            return
        numbers = np.where(valid, self.sign * values.data.astype(np.float64), np.inf)
        row, col = (int(part) for part in np.unravel_index(np.argmin(numbers), numbers.shape))
        best, pixels = self.sign * float(numbers[row, col]), int((numbers == numbers[row, col]).sum())
        if not self.count or self.sign * best < self.sign * self.value:
            self.value, self.row, self.col, self.count = best, window[0] + row, window[1] + col, pixels
        elif best == self.value:
            self.count += pixels


def extreme_facts(name: str, extreme: Extreme, grid: GeoBox, unit: Unit) -> tuple[Fact, ...]:
    """Return the value, its place in the CRS of the grid and in degrees (WGS 84) where that is known, the centre of the pixel, and how many have it."""
    x, y = grid.transform * (extreme.col + 0.5, extreme.row + 0.5)
    of, plane = {"of": name}, _axis_unit(grid)
    return (
        Fact(name, extreme.value, unit, {"place": f"x {x:.10g}, y {y:.10g}"}),
        Fact("x", x, plane, of),
        Fact("y", y, plane, of),
        *_degrees(x, y, grid, of),
        *((Fact("count", extreme.count, "count", of),) if extreme.count > 1 else ()),
    )


def _degrees(x: float, y: float, grid: GeoBox, of: dict[str, str]) -> tuple[Fact, ...]:
    """Return longitude and latitude; nothing where no operation is known from the datum of the grid to WGS 84."""
    if not is_known(crs_of(grid), WGS84):
        return ()
    (point,) = transform(np.array([shapely.Point(x, y)], dtype=object), crs_of(grid), WGS84)
    return Fact("longitude", float(point.x), "degree", of), Fact("latitude", float(point.y), "degree", of)


def place_method(grid: GeoBox) -> dict[str, Any]:
    """Say what the place of a pixel is, for the record."""
    crs = crs_of(grid)
    record = [transformation_record("place", crs, WGS84)] if is_known(crs, WGS84) else []
    return {"place": "centre of the pixel", "transformations": record}


def _axis_unit(grid: GeoBox) -> Unit:
    return norm_unit(crs_of(grid).axis_info[0].unit_name)
