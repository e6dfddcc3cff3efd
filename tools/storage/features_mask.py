"""Which pixels of a grid lie in polygons, and which features lie on which pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from tools.geo.grid import Window, window_grid
from tools.storage.bootstrap import bootstrap
from tools.storage.rasters import iter_strips

if TYPE_CHECKING:
    from affine import Affine
    from odc.geo.geobox import GeoBox


class Inside:
    """Which pixels of a grid lie in polygons, given in its CRS: those whose centre does.

    Polygons so small that they hold no centre take every pixel that they touch.
    """

    def __init__(self, polygons: shapely.Geometry, grid: GeoBox) -> None:
        self._polygons, self._grid, self._touched = polygons, grid, False
        self._touched = not any(self.of(window).any() for window in iter_strips(grid.shape[0], grid.shape[1]))

    def of(self, window: Window) -> NDArray[np.bool_]:
        """Return True, as `(row, col)` of a window, for the pixels inside."""
        bootstrap()
        from rasterio.features import geometry_mask

        part = window_grid(self._grid, window)
        inside: NDArray[np.bool_] = geometry_mask([self._polygons], part.shape, part.transform, invert=True, all_touched=self._touched)
        return inside


def burned_numbers(
    pixel_geometries: NDArray[np.object_], window: Window, grid_height: int, *, touched: bool
) -> tuple[NDArray[np.int32], int]:
    """Return, as `(row, col)` of a window, the position of the geometry on every pixel, -1 where there is none; and the pixels with several.

    Geometries are in pixel coordinates as `tools.geo.coverage.to_pixels` gives them; None is nowhere. Of several on a pixel the last counts.
    A pixel is a polygon's where its centre lies inside, with `touched` also where it touches it; lines and points take the pixels they run through.
    """
    shapes, transform = _within(pixel_geometries, window, grid_height)
    numbers: NDArray[np.int32] = np.full(window[2:], -1, "int32")
    if not shapes:
        return numbers, 0
    return _burn(shapes, window, transform, touched, fill=-1), int((_tally(shapes, window, transform, touched) > 1).sum())


def burned_counts(pixel_geometries: NDArray[np.object_], window: Window, grid_height: int, *, touched: bool) -> NDArray[np.int32]:
    """Return, as `(row, col)` of a window, how many geometries lie on every pixel; as `burned_numbers` else."""
    shapes, transform = _within(pixel_geometries, window, grid_height)
    return _tally(shapes, window, transform, touched) if shapes else np.zeros(window[2:], "int32")


Shapes = list[tuple["shapely.Geometry", int]]


def _within(pixel_geometries: NDArray[np.object_], window: Window, grid_height: int) -> tuple[Shapes, Affine]:
    """Return the geometries that may reach into a window with their positions, and where it lies among them."""
    from affine import Affine

    row, col, height, width = window
    left, bottom, right, top = shapely.bounds(pixel_geometries).T
    near = np.flatnonzero((left <= col + width) & (right >= col) & (top >= grid_height - row - height) & (bottom <= grid_height - row))
    return [(pixel_geometries[number], int(number)) for number in near], Affine(1, 0, col, 0, -1, grid_height - row)


def _burn(shapes: Shapes, window: Window, transform: Affine, touched: bool, *, fill: int = 0, add: bool = False) -> NDArray[np.int32]:
    bootstrap()
    from rasterio.enums import MergeAlg
    from rasterio.features import rasterize

    found: NDArray[np.int32] = rasterize(
        shapes,
        window[2:],
        fill=fill,
        transform=transform,
        all_touched=touched,
        merge_alg=MergeAlg.add if add else MergeAlg.replace,
        dtype="int32",
    )
    return found


def _tally(shapes: Shapes, window: Window, transform: Affine, touched: bool) -> NDArray[np.int32]:
    return _burn([(shape, 1) for shape, _ in shapes], window, transform, touched, add=True)
