"""What a square of pixels around each pixel says: mean, spread, median, commonest class, and speckle filtered.

Values come as `(row + 2 r, col + 2 r)` float64 with r = size // 2 pixels of surroundings, NaN where there is none; results are
`(row, col)`, NaN where the pixel itself has no value. Of the square only what has a value counts.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import ndimage

from tools.geo.moments import Floats

SORTED_VALUES = 8_000_000
"""Values of all squares that are sorted at once."""
SIGMAS = 6
"""Width of the Gaussian's square in standard deviations: beyond it lies 0.3 % of the weight."""


def mean(values: Floats, size: int) -> Floats:
    """Return the mean of the square."""
    return _weighted_mean(values, np.ones(size))


def gaussian(values: Floats, size: int) -> Floats:
    """Return the mean weighted by a Gaussian with a standard deviation of size / 6 pixels, renormalised where values are missing."""
    distance = np.arange(size) - size // 2
    return _weighted_mean(values, np.exp(-(distance**2) / (2 * (size / SIGMAS) ** 2)))


def std(values: Floats, size: int) -> Floats:
    """Return the standard deviation of the square, of the population."""
    return np.sqrt(_moments(values, size)[1])


def median(values: Floats, size: int) -> Floats:
    """Return the median of the square; of an even number of values the mean of the two in the middle."""
    middle = _inside(values, size)
    result = np.empty_like(middle)
    height, width = middle.shape
    cols = min(width, max(1, SORTED_VALUES // size**2))
    rows = max(1, SORTED_VALUES // (cols * size**2))
    for row, col in product(range(0, height, rows), range(0, width, cols)):
        around = values[row : row + rows + size - 1, col : col + cols + size - 1]
        result[row : row + rows, col : col + cols] = _middles(sliding_window_view(around, (size, size)))
    return np.where(np.isnan(middle), np.nan, result)


def _middles(squares: Floats) -> Floats:
    """Return the medians of squares, `(row, col, size, size)`; of an empty one NaN."""
    ordered = np.sort(squares.reshape(*squares.shape[:2], -1), axis=-1)  # NaN comes last
    count = np.maximum((~np.isnan(ordered)).sum(axis=-1, keepdims=True), 1)
    low, high = (np.take_along_axis(ordered, at, axis=-1)[..., 0] for at in ((count - 1) // 2, count // 2))
    return np.asarray(low / 2 + high / 2)


def minimum(values: Floats, size: int) -> Floats:
    """Return the smallest value of the square."""
    return -maximum(-values, size)


def maximum(values: Floats, size: int) -> Floats:
    """Return the largest value of the square."""
    largest = ndimage.maximum_filter(np.where(np.isnan(values), -np.inf, values), size, mode="constant", cval=-np.inf)
    return np.where(np.isnan(_inside(values, size)), np.nan, _inside(largest, size))


def lee(values: Floats, size: int, looks: float) -> Floats:
    """Return values without multiplicative speckle: the linear estimate of least mean squared error from local mean and variance.

    Lee (1980), Digital image enhancement and noise filtering by use of local statistics. With the variation of speckle
    Cu² = 1 / looks and that of the square Ci² = variance / mean²: mean + W · (value - mean), W = (1 - Cu²/Ci²) / (1 + Cu²),
    0 where the square varies no more than speckle does.
    """
    average, variance = _moments(values, size)
    speckle = average**2 / looks
    with np.errstate(divide="ignore", invalid="ignore"):  # a square without variation is its own mean
        weight = np.where(variance > speckle, (1 - speckle / variance) / (1 + 1 / looks), 0.0)
    return average + weight * (_inside(values, size) - average)


def majority(codes: Floats, size: int) -> Floats:
    """Return the commonest code of the square; of several the pixel's own where it is one of them, else the smallest."""
    middle = _inside(codes, size)
    best, most, own = np.full(middle.shape, np.nan), np.zeros(middle.shape, np.int32), np.zeros(middle.shape, np.int32)
    for code in np.unique(codes[~np.isnan(codes)]):
        count = _box_sum((codes == code).astype(np.int32), np.ones(size, np.int32))
        best = np.where(count > most, code, best)
        most = np.maximum(count, most)
        own = np.where(middle == code, count, own)
    return np.where(np.isnan(middle) | (own == most), middle, best)


def _weighted_mean(values: Floats, weights: Floats) -> Floats:
    known = ~np.isnan(values)
    total = _box_sum(np.where(known, values, 0.0), weights)
    middle = _inside(values, len(weights))
    return np.where(np.isnan(middle), np.nan, total / np.maximum(_box_sum(known.astype(float), weights), np.finfo(float).tiny))


def _moments(values: Floats, size: int) -> tuple[Floats, Floats]:
    """Return mean and variance, first of the lines of the square, then joined as Chan, Golub and LeVeque (1979), equation 2.1.

    Squares of differences are summed, never differences of squares, so that small variation on large values is not lost.
    """
    rows, cols = (side - size + 1 for side in values.shape)
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    lines = [(known[:, at : at + cols], filled[:, at : at + cols]) for at in range(size)]
    count = np.sum([there for there, _ in lines], axis=0)
    line_mean = sum((part for _, part in lines), np.zeros(count.shape)) / np.maximum(count, 1)
    squares = sum((there * (part - line_mean) ** 2 for there, part in lines), np.zeros(count.shape))
    parts = [slice(at, at + rows) for at in range(size)]
    total = sum((count[part] for part in parts), np.zeros((rows, cols)))
    average = sum((count[part] * line_mean[part] for part in parts), np.zeros((rows, cols))) / np.maximum(total, 1)
    spread = sum((squares[part] + count[part] * (line_mean[part] - average) ** 2 for part in parts), np.zeros((rows, cols)))
    missing = np.isnan(_inside(values, size))
    return np.where(missing, np.nan, average), np.where(missing, np.nan, spread / np.maximum(total, 1))


def _box_sum(values: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:  # Any: whole numbers or floats
    """Return the weighted sum of the square around each pixel; no running sums, so that one huge value harms only its own squares."""
    along = ndimage.correlate1d(ndimage.correlate1d(values, weights, axis=0), weights, axis=1)
    return _inside(along, len(weights))


def _inside(values: NDArray[Any], size: int) -> NDArray[Any]:
    """Return the pixels without their surroundings."""
    around = size // 2
    return values[around : values.shape[0] - around, around : values.shape[1] - around]
