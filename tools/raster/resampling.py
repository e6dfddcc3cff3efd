"""Which resampling a raster may have, and which value may stand for nodata afterwards."""

from __future__ import annotations

from math import isnan
from typing import Any

import numpy as np

from tools.errors import DataError, ParameterError

FOR_CATEGORIES = ("nearest", "mode")
"""All others would mix class numbers into classes that are not there."""


def choose(asked: str, value_kind: str) -> str:
    """Return the resampling to use: `auto` is bilinear for continuous values, nearest for categories and unknown integers.

    Raises ParameterError for a resampling that would mix categories.
    """
    if asked == "auto":
        return "bilinear" if value_kind == "continuous" else "nearest"
    if value_kind == "categorical" and asked not in FOR_CATEGORIES:
        raise ParameterError(f"Resampling {asked!r} would mix the classes of a categorical raster.", hint="Use 'nearest' or 'mode'.")
    return asked


def free_value(values: np.ma.MaskedArray[Any, np.dtype[Any]], nodata: float | None) -> float:
    """Return a value for nodata that no valid pixel has: the source's where it still serves, NaN for floats, else a free integer.

    Raises DataError where an integer type has none left.
    """
    used = np.unique(values.compressed())
    if nodata is not None and not (isnan(nodata) and values.dtype.kind != "f") and nodata not in used:
        return nodata
    if values.dtype.kind == "f":
        return float("nan")
    limits = np.iinfo(values.dtype)
    gaps = (value for value in (limits.max, limits.min, *range(limits.min, limits.max)) if value not in used)
    free = next(gaps, None)
    if free is None:
        raise DataError(
            f"Every value of the type {values.dtype} occurs, so none is left to mark pixels outside the raster.",
            hint="Convert it to a wider type first.",
        )
    return float(free)
