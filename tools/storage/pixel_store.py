"""In which type the bands of a raster go into a result, and which value stands for nodata there: settled before a pixel is written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tools.contract import Source
from tools.errors import DataError
from tools.storage.rasters import band_array, iter_strips, open_raster
from tools.storage.warping import nodata_of

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

    MaskedArray = np.ma.MaskedArray[Any, np.dtype[Any]]  # Any: every shape and dtype that GDAL reads

WIDER = {"uint8": "uint16", "int8": "int16", "uint16": "int32", "int16": "int32", "uint32": "int64", "int32": "int64"}
"""Type of whole numbers → the next that holds them all."""
GREATEST_EXACT = 2**53
"""GDAL keeps nodata as a double, which holds whole numbers up to here."""


@dataclass(frozen=True)
class Store:
    """A type and its nodata value."""

    dtype: str
    nodata: float

    def filled(self, values: MaskedArray) -> np.ndarray[Any, Any]:
        """Return values in the type, with nodata where they are not valid; a value that only resampling made equal to nodata moves by one."""
        stored = values.data.astype(self.dtype, copy=False)
        hidden = np.ma.getmaskarray(values)
        if stored.dtype.kind in "iu":
            moved = ~hidden & (stored == self.nodata)
            if moved.any():
                stored = np.where(moved, stored - 1 if self.nodata > np.iinfo(stored.dtype).min else stored + 1, stored)
        return np.where(hidden, np.asarray(self.nodata).astype(self.dtype), stored).astype(self.dtype, copy=False)


def store_of(source: Source, bands: Sequence[int]) -> Store:
    """Return how bands are stored together: in their own type with their own nodata value, where they have that in common.

    Scaled values become float64 with NaN. Whole numbers without one nodata value for all take one that no pixel has, for which the raster is
    read once, or the next wider type where there is none.
    """
    with open_raster(source) as dataset:
        if any((dataset.scales[band - 1], dataset.offsets[band - 1]) != (1.0, 0.0) for band in bands):
            return Store("float64", math.nan)
        dtype = np.result_type(*(dataset.dtypes[band - 1] for band in bands))
        nodata = {nodata_of(dataset, band) for band in bands}
        own = next(iter(nodata)) if len(nodata) == 1 else None
        if dtype.kind not in "iu":
            return Store(dtype.name, math.nan if own is None else own)
        if own is not None and float(own).is_integer():
            return Store(dtype.name, own)
        return _free(dataset, bands, dtype)


def common_store(bands: Sequence[tuple[Source, int]]) -> Store:
    """Return how bands of several rasters are stored together: as `store_of` has each, where that is alike, else as floats with NaN."""
    stores = {store_of(source, [band]) for source, band in bands}
    if len(stores) == 1:
        return stores.pop()
    return Store(np.result_type("float32", *(store.dtype for store in stores)).name, math.nan)


def _free(dataset: DatasetReader, bands: Sequence[int], dtype: np.dtype[Any]) -> Store:
    """Return a value that no valid pixel has: the greatest or least of the type, else the greatest that is left, else one of a wider type."""
    limits = np.iinfo(dtype)
    greatest, least = min(limits.max, GREATEST_EXACT), max(limits.min, -GREATEST_EXACT)
    few = limits.max - limits.min < 1 << 16
    used = np.zeros(1 << 16, bool)
    seen = [False, False]
    for band in bands:
        for window in iter_strips(dataset.height, dataset.width):
            values = band_array(dataset, band, window).compressed()
            if few:
                used[values.astype(np.int64) - limits.min] = True
            else:
                seen = [seen[0] or bool((values == greatest).any()), seen[1] or bool((values == least).any())]
    if few:
        free = np.flatnonzero(~used[: limits.max - limits.min + 1]) + limits.min
        candidates = [value for value in (greatest, least) if value in free] or free[::-1].tolist()
    else:
        candidates = [value for value, there in zip((greatest, least), seen, strict=True) if not there]
    if candidates:
        return Store(dtype.name, float(candidates[0]))
    if dtype.name in WIDER:
        wider = WIDER[dtype.name]
        return Store(wider, float(min(np.iinfo(wider).max, GREATEST_EXACT)))
    raise DataError(
        f"The greatest and the least value of the type {dtype} both occur, so none is left to mark pixels outside the raster.",
        hint="Convert it to a wider type first.",
    )
