"""The pixels that distances are measured to: which they are, and those along their outlines, of which one is always the nearest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tools.contract import ToolContext
from tools.errors import LimitError
from tools.geo.grid import window_grid
from tools.geo.moments import Floats
from tools.geo.pixels import pixel_area_m2
from tools.raster.class_values import class_values
from tools.raster.neighbourhood import read_around
from tools.raster.strips import STRIP_PX
from tools.storage.rasters import RasterInfo, iter_strips

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

    from tools.raster.raster_distance import RasterDistanceParams

MOST_OUTLINE_PX = 8_000_000
"""Their coordinates and the tree over them take some 400 MB."""


@dataclass(frozen=True)
class Targets:
    """What is a target, and where the outlines are."""

    values: tuple[float, ...]
    low: float
    high: float
    """Where there are no values: the range, limits included."""
    rows: NDArray[np.int32]
    cols: NDArray[np.int32]
    """Of the pixels along the outlines, of shape (pixel,)."""
    area_m2: float = 0.0
    valid_share: float = 0.0
    """Percentage of the area of the raster that has a value."""

    @property
    def count(self) -> int:
        """Pixels along the outlines; none where there is no target."""
        return len(self.rows)

    def among(self, values: Floats) -> NDArray[np.bool_]:
        """Tell which pixels are targets, `(row, col)`; NaN never is."""
        return np.isin(values, self.values) if self.values else (values >= self.low) & (values <= self.high)

    def centres(self, grid: GeoBox) -> tuple[Floats, Floats]:
        """Return x and y of the outlines' pixels in the CRS of the grid, each of shape (pixel,)."""
        transform, col, row = grid.transform, self.cols + 0.5, self.rows + 0.5
        return transform.a * col + transform.b * row + transform.c, transform.d * col + transform.e * row + transform.f


def find_targets(params: RasterDistanceParams, context: ToolContext, info: RasterInfo) -> Targets:
    """Look through the raster once; raise LimitError where the outlines of the targets are too long to be held."""
    low = -np.inf if params.at_least is None else params.at_least
    high = np.inf if params.at_most is None else params.at_most
    none = np.zeros(0, np.int32)
    kind = Targets(tuple(class_values(params.targets, info)), low, high, none, none)
    rows, cols, pixels = [none], [none], 0
    area_m2 = valid_m2 = whole_m2 = 0.0
    for window in iter_strips(info.height, info.width, STRIP_PX):
        values = read_around(context.source(params.raster), params.band, info, window, 1)
        is_target = kind.among(values)
        outline = (is_target & ~ndimage.binary_erosion(is_target, np.ones((3, 3))))[1:-1, 1:-1]
        pixel_m2 = np.broadcast_to(pixel_area_m2(window_grid(info.grid, window)), window[2:])
        row, col = np.nonzero(outline & (pixel_m2 > 0))  # what is no place on the Earth is near nothing
        rows.append((row + window[0]).astype(np.int32))
        cols.append(col.astype(np.int32))
        pixels += len(row)
        _check_outline(pixels)
        area_m2 += float(pixel_m2[is_target[1:-1, 1:-1]].sum())
        valid_m2 += float(pixel_m2[~np.isnan(values[1:-1, 1:-1])].sum())
        whole_m2 += float(pixel_m2.sum())
        context.progress((window[0] + window[2]) / info.height / 2)
    share = min(100.0, 100 * valid_m2 / whole_m2) if whole_m2 else 0.0
    return Targets(kind.values, low, high, np.concatenate(rows), np.concatenate(cols), area_m2, share)


def _check_outline(pixels: int) -> None:
    if pixels > MOST_OUTLINE_PX:
        raise LimitError(
            f"The targets have more than {MOST_OUTLINE_PX:,} pixels along their outlines.",
            hint="Take out single pixels with filter_raster (majority), make the raster coarser, or cut it.",
        )
