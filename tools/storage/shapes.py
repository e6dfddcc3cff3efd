"""From pixels to polygons: GDAL's tracing of connected pixels of one value."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import shape

from tools.errors import LimitError
from tools.storage.bootstrap import bootstrap

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox


def trace_shapes(
    codes: NDArray[Any], grid: GeoBox, connectivity: int, most: int, progress: Callable[[float], None]
) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Return polygons in the grid's CRS and the code of each; pixels of code 0 are in none.

    `codes` is `(row, col)` of uint8 to int32. Pixels of one code belong together by their edges (`connectivity` 4) or also by their
    corners (8). Edges follow the pixels; polygons are valid, ordered by code, then by first row and first column.
    Raises LimitError for more than `most` polygons.
    """
    bootstrap()
    from rasterio.features import shapes

    geometries, values = [], []
    traced = shapes(codes, mask=codes != 0, connectivity=connectivity)  # in pixels: corners are whole numbers, so areas compare exactly
    for number, (geometry, value) in enumerate(traced):
        if number == most:
            raise LimitError(
                f"The raster has more than {most:,} patches, the limit.",
                hint="Smooth it or make it coarser first (reproject with resampling mode), or raise TERRACITE_MAX_FEATURES.",
            )
        if number % 10_000 == 0:
            progress(0.5)  # how many will come is unknown; telling lets the caller stop
        geometries.append(shape(geometry))
        values.append(int(value))
    polygons, labels = np.asarray(geometries, dtype=object), np.asarray(values, dtype=np.int64)
    if not len(polygons):
        return polygons, labels
    polygons = _valid(polygons)
    left, top, _, _ = shapely.bounds(polygons).T  # in pixels rows run down, so the least y is the first row
    order = np.lexsort((left, top, labels))
    placed = shapely.transform(polygons[order], lambda pixels: _to_crs(pixels, grid))
    return shapely.orient_polygons(placed), labels[order]


def _valid(polygons: NDArray[np.object_]) -> NDArray[np.object_]:
    """Mend rings that touch themselves at a corner, as tracing by corners gives; their area stays."""
    broken = ~shapely.is_valid(polygons)
    mended = polygons.copy()
    mended[broken] = shapely.make_valid(polygons[broken], method="structure", keep_collapsed=False)
    return mended


def _to_crs(pixels: NDArray[np.float64], grid: GeoBox) -> NDArray[np.float64]:
    transform = grid.transform
    col, row = pixels.T
    return np.column_stack([transform.a * col + transform.b * row + transform.c, transform.d * col + transform.e * row + transform.f])
