"""Read the bands of an opened file onto a grid: what that will cost, which overview serves, how pixels are resampled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from odc.geo.geobox import GeoBox
from odc.geo.overlap import compute_reproject_roi

from tools.errors import ParameterError
from tools.geo.grid import Window, window_grid
from tools.storage.asset_rasters import AssetBand, AssetInfo
from tools.storage.rasters import iter_strips
from tools.storage.warp import warped_stored

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

    MaskedArray = np.ma.MaskedArray[Any, np.dtype[Any]]  # Any: every shape and dtype that GDAL reads

STRIP_PIXELS = 4_000_000
"""Pixels of a band that are warped at once: 32 MB as float64."""
NEARLY = 1 + 1e-6
COARSER = 1.5
"""From this ratio on pixels are averaged. Nearer to 1, as between two zones of UTM, an average would only shift values to whole pixels."""


@dataclass(frozen=True)
class Match:
    """How the pixels of a file lie to those of a grid."""

    window: Window
    """The part of the file under the grid; empty where there is none."""
    ratio: float
    """Size of the grid's pixels over that of the file's."""
    is_same: bool
    """Whether the pixels coincide."""
    scale: tuple[float, float]
    """Pixels of the grid per pixel of the file, along x and y of the grid."""

    @property
    def is_empty(self) -> bool:
        """Whether the file does not reach the grid."""
        return not (self.window[2] and self.window[3])


@dataclass(frozen=True)
class Onto:
    """Where to and how a band is read."""

    grid: GeoBox
    resampling: str
    scale: tuple[float, float]
    """Pixels of the grid per pixel of what is opened, along x and y."""


def match(info: AssetInfo, grid: GeoBox) -> Match:
    """Return how a file lies to a grid in any CRS."""
    found = compute_reproject_roi(info.grid, grid)
    rows, cols = found.roi_src
    window = (rows.start, cols.start, max(0, rows.stop - rows.start), max(0, cols.stop - cols.start))
    if not (window[2] and window[3] and found.scale):
        return Match((0, 0, 0, 0), 1.0, False, (1.0, 1.0))
    scale = (1 / float(found.scale2.x), 1 / float(found.scale2.y))
    return Match(window, float(found.scale), bool(found.paste_ok and found.read_shrink == 1), scale)


def overview_for(info: AssetInfo, ratio: float) -> int | None:
    """Return the coarsest overview (from 0) that is no coarser than the grid; None for the full resolution.

    Overviews of classes and codes may be averages, of which none is a class; they are not used.
    """
    if any(band.kind != "continuous" for band in info.bands):
        return None
    fitting = [number for number, factor in enumerate(info.overviews) if factor <= ratio * NEARLY]
    return fitting[-1] if fitting else None


def stored_bytes(dataset: DatasetReader, info: AssetInfo, window: Window) -> int:
    """Return the bytes of the blocks under a window of an opened GeoTIFF, as its header tells; missing blocks take none."""
    row, col, height, width = window
    if not height or not width:
        return 0
    shared = dataset.interleaving is not None and dataset.interleaving.value == "PIXEL"
    bands = info.bands[:1] if shared else info.bands
    block_height, block_width = dataset.block_shapes[0]
    rows = range(row // block_height, (row + height - 1) // block_height + 1)
    cols = range(col // block_width, (col + width - 1) // block_width + 1)
    tags = (dataset.get_tag_item(f"BLOCK_SIZE_{x}_{y}", dm="TIFF", bidx=band.index) for band in bands for y in rows for x in cols)
    return sum(int(tag or 0) for tag in tags)


def resampling_for(asked: str, band: AssetBand, found: Match) -> str:
    """Return the resampling of a band: what is asked for, else what keeps its meaning.

    Pixels that coincide are copied. Onto coarser pixels (by half at least) quantities are averaged and classes take the commonest one;
    else quantities are interpolated and classes take the nearest. Numbers of unknown meaning are always the nearest.
    Raises ParameterError for a resampling that would mix classes.
    """
    if asked != "auto":
        if band.kind == "categorical" and asked not in ("nearest", "mode"):
            raise ParameterError(
                f"Resampling {asked!r} would mix the classes of the band {band.name!r}.", hint="Use auto, nearest or mode."
            )
        return asked
    if found.is_same or band.kind == "unknown":
        return "nearest"
    is_coarser = found.ratio * NEARLY >= COARSER
    if band.kind == "categorical":
        return "mode" if is_coarser else "nearest"
    return "average" if is_coarser else "bilinear"


def dtype_onto(band: AssetBand, resampling: str) -> str:
    """Return the type of a band on a grid: stored integers stay as they are where they are neither scaled nor mixed.

    Else it is float32, float64 where the file's type is wider than 16 bit.
    """
    keeps = resampling in ("nearest", "mode") and not band.is_scaled
    return band.dtype if keeps else np.result_type(band.dtype, "float32").name


def strips_onto(dataset: DatasetReader, band: AssetBand, how: Onto) -> Iterator[tuple[Window, MaskedArray]]:
    """Yield a band on a grid strip by strip as `(row, col)`; True in the mask is not valid or outside the file."""
    grid, resampling = how.grid, how.resampling
    dtype = dtype_onto(band, resampling)
    mixed = None if resampling in ("nearest", "mode") else np.result_type(band.dtype, "float32").name
    for window in iter_strips(grid.shape[0], grid.shape[1], STRIP_PIXELS):
        part = warped_stored(dataset, band.index, window_grid(grid, window), resampling, band.nodata, dtype=mixed, scale=how.scale)
        values = part.data.astype("float64") * band.scale + band.offset if band.is_scaled else part.data
        yield window, np.ma.MaskedArray(values.astype(dtype, copy=False), mask=np.ma.getmaskarray(part))
