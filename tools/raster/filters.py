"""The filters of `filter_raster` by operation, of linear values and of decibels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from tools.geo import focal
from tools.geo.band_math import Calculated
from tools.geo.moments import Floats
from tools.raster.decibels import check_power, to_decibels, to_linear

if TYPE_CHECKING:
    from tools.raster.filter_raster import FilterRasterParams

OF_POWER = ("mean", "gaussian", "lee")
"""What averages: of decibels it would be a geometric mean, so they are made power first."""
FILTERS: Mapping[str, Callable[[Floats, int], Floats]] = {
    "mean": focal.mean,
    "median": focal.median,
    "min": focal.minimum,
    "max": focal.maximum,
    "std": focal.std,
    "gaussian": focal.gaussian,
}
SOURCES: Mapping[str, str] = {
    "mean": "mean of the square",
    "median": "median of the square; of an even number of values the mean of the two in the middle",
    "min": "smallest value of the square",
    "max": "largest value of the square",
    "std": "standard deviation of the square, of the population",
    "gaussian": "mean weighted by a Gaussian with a standard deviation of a sixth of the square's side",
    "lee": "Lee (1980) for multiplicative speckle: mean + W (value - mean), W = (1 - Cu2/Ci2) / (1 + Cu2), Cu2 = 1 / looks",
    "majority": "commonest class of the square; of several the pixel's own, else the smallest code",
}


def filtered(params: FilterRasterParams, values: Floats) -> Calculated:
    """Return the filtered values of a window that comes with its surroundings, see `tools.geo.focal`; undefined is what has no logarithm.

    Raises ParameterError for negative values where speckle is to be taken away.
    """
    if np.isnan(values).all():  # most of a large raster often is
        around = params.size // 2
        return Calculated(np.ma.masked_invalid(values[around:-around, around:-around]), 0)
    as_power = params.values == "db" and (params.operation in OF_POWER or params.result == "linear")
    with np.errstate(over="ignore", invalid="ignore"):  # beyond float64 becomes infinite, which is no value
        result = _linear(params, to_linear(values) if as_power else values)
        known = np.isfinite(result)
        if params.result == "db" and (as_power or params.values == "linear"):
            result = to_decibels(result)
    return Calculated(np.ma.masked_invalid(result), int((known & ~np.isfinite(result)).sum()))


def _linear(params: FilterRasterParams, values: Floats) -> Floats:
    if params.operation != "lee":
        return FILTERS[params.operation](values, params.size)
    check_power(values)
    return focal.lee(values, params.size, params.looks)
