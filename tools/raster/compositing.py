"""Join several observations of the same pixels into one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


Numbers = NDArray[np.intp]
PICKS = ("first", "last", "least_cloud", "nearest_date", "greenest")
"""Methods that take every pixel from one image; all others make a value out of several."""


def join(stack: Floats, method: str) -> Floats:
    """Return `(row, col)` from `(observation, row, col)`; NaN is no observation, and the result where there is none.

    `median` of an even count is the mean of the two in the middle.
    """
    present = ~np.isnan(stack)
    joined = _JOINS[method](stack, present)
    return np.where(present.any(axis=0), joined, np.nan)


def pick_first(stack: Floats) -> Numbers:
    """Return, as `(row, col)`, the number of the first image with an observation, -1 where there is none; `(image, band, row, col)`, NaN is none."""
    present = ~np.isnan(stack[:, 0])
    return np.where(present.any(axis=0), present.argmax(axis=0), -1)


def pick_greenest(stack: Floats, red: int, nir: int) -> Numbers:
    """Return as `pick_first` does the number of the image with the greatest NDVI, of two alike the first."""
    present = ~np.isnan(stack[:, 0])
    with np.errstate(divide="ignore", invalid="ignore"):
        green = (stack[:, nir] - stack[:, red]) / (stack[:, nir] + stack[:, red])
    best = np.where(np.isnan(green), -np.inf, green).argmax(axis=0)
    held = np.take_along_axis(present, best[None], axis=0)[0]  # where no NDVI is a number, the greatest is the first, which may have none
    return np.where(present.any(axis=0), np.where(held, best, present.argmax(axis=0)), -1)


def taken(stack: Floats, picked: Numbers) -> Floats:
    """Return `(band, row, col)` with every pixel from the image that was picked for it, NaN for -1."""
    chosen: Floats = np.take_along_axis(stack, np.maximum(picked, 0)[None, None], axis=0)[0]
    return np.where(picked >= 0, chosen, np.nan)


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


_JOINS: dict[str, Callable[[Floats, NDArray[np.bool_]], Floats]] = {
    "median": _median,
    "mean": _mean,
    "minimum": lambda stack, present: np.where(present, stack, np.inf).min(axis=0),
    "maximum": lambda stack, present: np.where(present, stack, -np.inf).max(axis=0),
}


def whole_observations(bands: Sequence[np.ma.MaskedArray[Any, np.dtype[Any]]]) -> Floats:
    """Return the bands of one raster as `(band, row, col)` with NaN in all of them where any is masked or not finite.

    An observation counts whole or not at all, so that the bands of a composite never come from different dates (of the methods
    that choose one) or from different sets of dates (of those that average).
    """
    hidden = np.logical_or.reduce([np.ma.getmaskarray(band) | ~np.isfinite(band.data) for band in bands])
    return np.stack([np.where(hidden, np.nan, band.data.astype(np.float64)) for band in bands])
