"""Which value may stand for nodata in a raster that is about to be written."""

from __future__ import annotations

from itertools import chain
from math import isnan
from typing import Any

import numpy as np

from tools.errors import DataError


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
    # GDAL keeps nodata as a double, which holds the integers of 64 bits only up to 2**53.
    lowest, highest = max(limits.min, -(2**53)), min(limits.max, 2**53)
    free = next((value for value in chain((highest, lowest), range(lowest, highest)) if value not in used), None)
    if free is None:
        raise DataError(
            f"Every value of the type {values.dtype} occurs, so none is left to mark pixels outside the raster.",
            hint="Convert it to a wider type first.",
        )
    return float(free)
