"""Warp bands of a raster onto a grid tile by tile, with all processors and within bounded memory; GDAL does the warping."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from odc.geo.geobox import GeoBox
from odc.geo.overlap import compute_reproject_roi

from tools.contract import Source
from tools.geo.grid import Window, window_grid
from tools.storage.datum_check import check_shift
from tools.storage.lanes import MOST_LANES, in_lanes
from tools.storage.rasters import crs_of, open_raster
from tools.storage.warp import WARP_MEMORY_MB

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

    MaskedArray = np.ma.MaskedArray[Any, np.dtype[Any]]  # Any: every shape and dtype that GDAL reads

TILE_PX = 2048
"""Largest side of a tile: with what GDAL needs around it some 60 MB for each band."""
MOST_SOURCE_PX = 16_000_000
"""Pixels of a file under one tile, beyond which tiles become smaller."""
MOST_VALUES = 40_000_000
"""Values of all bands and tiles that are held at once."""
PARTS_HELD = 3
"""Tiles of one lane: one in work, one waiting, one being taken."""


@dataclass(frozen=True)
class Onto:
    """Where to the bands of one file go, and how."""

    grid: GeoBox
    scale: tuple[float, float]
    """Pixels of the grid per pixel of the file, along x and y of the grid; GDAL would guess it anew for every tile."""

    @classmethod
    def between(cls, src_grid: GeoBox, grid: GeoBox) -> Onto:
        """Return it for a file on `src_grid`; raise DataError where GDAL would leave out the shift of the datum."""
        if src_grid.crs is not None and grid.crs is not None:
            check_shift(src_grid.crs.proj, grid.crs.proj, *src_grid.extent.centroid.coords[0])
        found = compute_reproject_roi(src_grid, grid)
        scale = (1.0, 1.0) if not found.scale else (1 / float(found.scale2.x), 1 / float(found.scale2.y))
        return cls(grid, scale)


@dataclass(frozen=True)
class BandWay:
    """A band and how its pixels are resampled."""

    band: int
    """1-based."""
    resampling: str
    dtype: str
    """Type in which its values are wanted."""


@dataclass(frozen=True)
class Bands:
    """Bands of one file and where they go."""

    source: Source
    ways: Sequence[BandWay]
    onto: Onto


def warped_tiles(files: Sequence[Bands]) -> Iterator[tuple[Window, list[list[MaskedArray]]]]:
    """Yield the windows of the grid that is the same for all files, with the bands of each on it.

    Bands are `(row, col)` in the order of their ways, scale and offset applied; True in the mask is not valid. The windows cover the grid
    once, from the top. Raises what `open_raster` raises.
    """

    def make(datasets: Sequence[DatasetReader], window: Window) -> list[list[MaskedArray]]:
        opened = zip(files, datasets, strict=True)
        return [[warped(dataset, way, file.onto, window) for way in file.ways] for file, dataset in opened]

    with _opened(files) as datasets:
        windows = list(_windows(files, datasets))
    yield from zip(windows, in_lanes(lambda: _opened(files), make, windows), strict=True)


@contextmanager
def _opened(files: Sequence[Bands]) -> Iterator[Sequence[DatasetReader]]:
    with ExitStack() as stack:
        yield [stack.enter_context(open_raster(file.source)) for file in files]


def warped(dataset: DatasetReader, way: BandWay, onto: Onto, window: Window) -> MaskedArray:
    """Return a band of an open dataset on a window of a grid; safe in threads that each have a dataset of their own.

    GDAL's own threads are not used: what they open of our files they cannot find.
    A value that is nodata or NaN, alpha 0, masked by the file or outside it is not valid, and enters no other pixel but for NaN.
    """
    scale, offset = dataset.scales[way.band - 1], dataset.offsets[way.band - 1]
    stored = _stored(dataset, way, onto, window)
    if (scale, offset) != (1.0, 0.0):
        return np.ma.MaskedArray((stored.data.astype("float64") * scale + offset).astype(way.dtype, copy=False), mask=stored.mask)
    return np.ma.MaskedArray(stored.data.astype(way.dtype, copy=False), mask=stored.mask)


def _stored(dataset: DatasetReader, way: BandWay, onto: Onto, window: Window) -> MaskedArray:
    """Return the stored values; without a nodata value GDAL tells by an alpha band of its own what is valid."""
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.warp import reproject

    nodata = nodata_of(dataset, way.band)
    alpha = next((index for index, each in enumerate(dataset.colorinterp, start=1) if each.name == "alpha"), 0) if nodata is None else 0
    target = window_grid(onto.grid, window)
    bands = 1 if nodata is not None else 2
    values = np.zeros((bands, *window[2:]), dataset.dtypes[way.band - 1])
    marks = {"src_nodata": nodata, "dst_nodata": nodata} if nodata is not None else {"src_alpha": alpha, "dst_alpha": 2}
    reproject(
        rasterio.band(dataset, [way.band]),
        values,
        src_crs=crs_of(dataset).to_wkt(),
        dst_crs=onto.grid.crs.proj.to_wkt() if onto.grid.crs else None,
        dst_transform=target.transform,
        resampling=Resampling[way.resampling],
        warp_mem_limit=WARP_MEMORY_MB,
        XSCALE=onto.scale[0],
        YSCALE=onto.scale[1],
        # Where a pole or the antimeridian lies inside a tile, its edges alone do not tell which pixels are needed.
        SAMPLE_GRID="YES",
        **marks,
    )
    invalid = values[0] == nodata if nodata is not None else values[1] == 0
    if values.dtype.kind in "fc":
        invalid |= np.isnan(values[0])
    return np.ma.MaskedArray(values[0], mask=invalid)


def nodata_of(dataset: DatasetReader, band: int) -> float | None:
    """Return the nodata value of a band; None also for one that its type cannot hold, as in bytes marked by -9999."""
    from rasterio.dtypes import in_dtype_range

    nodata: float | None = dataset.nodatavals[band - 1]
    return nodata if nodata is not None and in_dtype_range(nodata, dataset.dtypes[band - 1]) else None


def _windows(files: Sequence[Bands], datasets: Sequence[DatasetReader]) -> Iterator[Window]:
    """Yield tiles; strips where a file is stored in rows, of which every tile would read whole ones."""
    height, width = files[0].onto.grid.shape
    shrink = max(1.0, *(1 / (file.onto.scale[0] * file.onto.scale[1]) for file in files))
    held = MOST_VALUES // (PARTS_HELD * MOST_LANES * sum(len(file.ways) for file in files))
    pixels = max(1, int(min(TILE_PX * TILE_PX, MOST_SOURCE_PX / shrink, held)))
    side = max(1, int(pixels**0.5))
    in_rows = any(dataset.block_shapes[0][1] >= dataset.width for dataset in datasets)
    rows, cols = (max(1, pixels // width), width) if in_rows else (side, side)
    for row in range(0, height, rows):
        for col in range(0, width, cols):
            yield row, col, min(rows, height - row), min(cols, width - col)
