"""What a network sees of a raster: windows in its bands, its scaling, its order, with missing pixels filled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tools.errors import ParameterError
from tools.geo.pixels import pixel_area_range_m2
from tools.storage.network_card import NetworkCard
from tools.storage.rasters import RasterInfo, band_array, iter_strips
from tools.vision.windows import Mask

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

SAMPLE_PX = 512
"""Longest side of the decimated read that tells mean and range of each band."""
FAR = 1000
"""How many times smaller than usual the values of a raster may be before they must be in another unit."""


@dataclass(frozen=True)
class Sight:
    """The bands of a raster as a network wants them."""

    dataset: DatasetReader
    bands: tuple[int, ...]
    """1-based, in the network's order."""
    fill: tuple[float, ...]
    """True value per band that stands in for a missing pixel."""
    card: NetworkCard

    def window(self, rows: NDArray[np.intp], cols: NDArray[np.intp]) -> tuple[NDArray[np.float32], Mask]:
        """Return scaled values (band, row, col) of rows and columns, and (row, col) True where every band has a value.

        A missing pixel is filled in the band that misses it.
        """
        first_row, first_col = int(rows.min()), int(cols.min())
        where = (first_row, first_col, int(rows.max()) - first_row + 1, int(cols.max()) - first_col + 1)
        read = [band_array(self.dataset, band, where) for band in self.bands]
        place = np.ix_(rows - first_row, cols - first_col)
        valid = ~np.logical_or.reduce([np.ma.getmaskarray(band)[place] for band in read])
        filled = [np.ma.filled(band.astype(np.float32), fill)[place] for band, fill in zip(read, self.fill, strict=True)]
        return scaled(np.stack(filled), self.card), valid


def scaled(values: NDArray[np.float32], card: NetworkCard) -> NDArray[np.float32]:
    """Return `(value / divide_by - mean) / std` of (band, row, col)."""
    mean = np.array(card.scaling.mean or [0.0] * len(card.bands), np.float32)[:, None, None]
    std = np.array(card.scaling.std or [1.0] * len(card.bands), np.float32)[:, None, None]
    result: NDArray[np.float32] = (values / np.float32(card.scaling.divide_by) - mean) / std
    return result


def sight(dataset: DatasetReader, bands: Sequence[int], card: NetworkCard) -> Sight | None:
    """Return the bands as the network wants them, None where some band has no valid pixel at all.

    Raises ParameterError where the values cannot be in the unit of the card.
    """
    shrink = max(1.0, max(dataset.height, dataset.width) / SAMPLE_PX)
    shape = (max(1, math.floor(dataset.height / shrink)), max(1, math.floor(dataset.width / shrink)))
    samples = [_valid(band_array(dataset, band, None, shape)) for band in bands]
    if not all(sample.size for sample in samples):
        samples = [_valid_of_all(dataset, band) for band in bands]  # few pixels are valid, and the sample missed them
    if not all(sample.size for sample in samples):
        return None
    _check_range(np.concatenate(samples), card)
    means = [float(sample.mean()) for sample in samples]
    fill = means if card.nodata_fill == "mean" else [card.nodata_fill] * len(means)
    return Sight(dataset, tuple(bands), tuple(fill), card)


def _valid(values: np.ma.MaskedArray[Any, np.dtype[Any]]) -> NDArray[np.float64]:  # Any: as GDAL reads
    found: NDArray[np.float64] = values.compressed().astype(np.float64)
    return found


def _valid_of_all(dataset: DatasetReader, band: int) -> NDArray[np.float64]:
    return np.concatenate([_valid(band_array(dataset, band, strip)) for strip in iter_strips(dataset.height, dataset.width)])


def _check_range(sample: NDArray[np.float64], card: NetworkCard) -> None:
    """Refuse reflectances given to a network of digital numbers, and the reverse; both would be answered with nonsense."""
    low, high = card.value_range
    span, largest = high - low, max(abs(low), abs(high))
    median = float(np.median(sample))
    size = float(np.quantile(np.abs(sample), 0.99))
    if low - span <= median <= high + span and size * FAR >= largest:
        return
    raise ParameterError(
        f"The raster's values are around {median:g} (most are below {size:g}), but the network was trained on {card.unit}, {low:g} to {high:g}.",
        hint="Declare the raster's scale (terracite add PATH --scale …), or choose a network or raster of the same unit.",
    )


def check_resolution(info: RasterInfo, card: NetworkCard) -> None:
    """Raise ParameterError where the pixels are much coarser or finer on the ground than those of the training."""
    smallest, largest = (math.sqrt(area) for area in pixel_area_range_m2(info.grid))
    coarsest, finest = card.resolution_m * card.resolution_tolerance, card.resolution_m / card.resolution_tolerance
    if smallest >= finest and largest <= coarsest:
        return
    raise ParameterError(
        f"The raster's pixels are {_metres(smallest, largest)} m on the ground, but the network was trained at {card.resolution_m:g} m "
        f"and takes {finest:.3g} to {coarsest:.3g} m.",
        hint=f"Bring the raster to {card.resolution_m:g} m first: read_asset or reproject with 'resolution'.",
    )


def _metres(smallest: float, largest: float) -> str:
    low, high = f"{smallest:.3g}", f"{largest:.3g}"
    return low if low == high else f"{low} to {high}"
