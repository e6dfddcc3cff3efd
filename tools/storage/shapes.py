"""From pixels to polygons: GDAL's tracing of connected pixels of one value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import shape

from tools.errors import LimitError
from tools.geo.grid import Window
from tools.storage.bootstrap import bootstrap
from tools.storage.cog import draft_raster, quietly
from tools.storage.rasters import iter_strips

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox


@dataclass(frozen=True)
class Codes:
    """The class numbers of a raster, made strip by strip."""

    grid: GeoBox
    dtype: str
    """uint8, uint16 or int32."""
    strip: Callable[[Window], NDArray[Any]]
    """Window → `(row, col)`; 0 is in no patch."""


def trace_shapes(
    path: Path, codes: Codes, connectivity: int, most: int, progress: Callable[[float], None]
) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Return polygons in the grid's CRS and the code of each; pixels of code 0 are in none.

    Pixels of one code belong together by their edges (`connectivity` 4) or also by their corners (8). Edges follow the pixels; polygons are
    valid, ordered by code, then by first row and first column. The codes wait beside `path` meanwhile, if they are many: GDAL reads them
    line by line. Raises LimitError for more than `most` polygons.
    """
    bootstrap()
    geometries, values = [], []
    for number, (geometry, value) in enumerate(_traced(path, codes, connectivity, progress)):
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
    placed = shapely.transform(polygons[order], lambda pixels: _to_crs(pixels, codes.grid))
    return shapely.orient_polygons(placed), labels[order]


def _traced(path: Path, codes: Codes, connectivity: int, progress: Callable[[float], None]) -> Iterator[tuple[Any, float]]:
    """Write the codes, then yield polygons in pixels, whose corners are whole numbers, so that areas compare exactly."""
    import rasterio
    from rasterio.features import shapes
    from rasterio.windows import Window as PixelWindow

    height, width = codes.grid.shape
    profile = {"driver": "GTiff", "count": 1, "height": height, "width": width, "dtype": codes.dtype, "compress": "zstd", "zstd_level": 1}
    with draft_raster(path, height * width * np.dtype(codes.dtype).itemsize) as draft:
        with quietly(draft, **profile, bigtiff="if_safer") as dataset:
            for window in iter_strips(height, width):
                row, col, rows, cols = window
                dataset.write(codes.strip(window), 1, window=PixelWindow(col, row, cols, rows))
                progress(0.2 + 0.3 * (row + rows) / height)
        with quietly(draft) as dataset:
            yield from shapes(rasterio.band(dataset, 1), mask=rasterio.band(dataset, 1), connectivity=connectivity)


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
