"""Join several observations of the same pixels into one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def join(stack: Floats, method: str) -> Floats:
    """Return `(row, col)` from `(observation, row, col)`; NaN is no observation, and the result where there is none.

    `median` of an even count is the mean of the two in the middle; `first` is the first observation in order.
    """
    present = ~np.isnan(stack)
    joined = _JOINS[method](stack, present)
    return np.where(present.any(axis=0), joined, np.nan)


def _median(stack: Floats, present: NDArray[np.bool_]) -> Floats:
    """Sort NaN to the end and take the middle of what is there; numpy's nanmedian is ten times slower and warns of empty pixels."""
    ordered = np.sort(stack, axis=0)
    count = np.maximum(present.sum(axis=0), 1)
    low, high = (np.take_along_axis(ordered, middle[None], axis=0)[0] for middle in ((count - 1) // 2, count // 2))
    middle: Floats = (low + high) / 2
    return middle


def _mean(stack: Floats, present: NDArray[np.bool_]) -> Floats:
    mean: Floats = np.where(present, stack, 0.0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    return mean


def _first(stack: Floats, present: NDArray[np.bool_]) -> Floats:
    chosen: Floats = np.take_along_axis(stack, present.argmax(axis=0)[None], axis=0)[0]
    return chosen


_JOINS: dict[str, Callable[[Floats, NDArray[np.bool_]], Floats]] = {
    "median": _median,
    "mean": _mean,
    "minimum": lambda stack, present: np.where(present, stack, np.inf).min(axis=0),
    "maximum": lambda stack, present: np.where(present, stack, -np.inf).max(axis=0),
    "first": _first,
}


def whole_observations(bands: Sequence[np.ma.MaskedArray[Any, np.dtype[Any]]]) -> Floats:
    """Return the bands of one raster as `(band, row, col)` with NaN in all of them where any is masked or not finite.

    An observation counts whole or not at all, so that the bands of a composite never come from different dates (of the methods
    that choose one) or from different sets of dates (of those that average).
    """
    hidden = np.logical_or.reduce([np.ma.getmaskarray(band) | ~np.isfinite(band.data) for band in bands])
    return np.stack([np.where(hidden, np.nan, band.data.astype(np.float64)) for band in bands])
