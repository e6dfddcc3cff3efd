"""The statistics of a zone, out of its tally."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tools.zonal.distribution import Distribution
from tools.zonal.tally import Tally

PERCENTILES = {"p5": 0.05, "p10": 0.10, "p25": 0.25, "median": 0.5, "p75": 0.75, "p90": 0.90, "p95": 0.95}


def measure(statistic: str, tally: Tally) -> float:
    """Return a statistic of a zone that has values; its name is one of `stats.Statistic`."""
    if statistic in PERCENTILES:
        return weighted_quantile(tally.distribution(), PERCENTILES[statistic])
    return _MEASURES[statistic](tally)


def weighted_quantile(distribution: Distribution, q: float) -> float:
    """Return the value below which the share `q` of the weight lies, interpolated between neighbouring pixels.

    Hyndman and Fan's type 7 (numpy's default) carried over to weights by the rule of exactextract's weighted_quantiles.cpp,
    but over pixels, not over distinct values: with equal weights it is exactly type 7, also where values repeat. Pixels of
    one value are taken to share their weight evenly.
    """
    pixels, each = distribution.pixels, distribution.weights / distribution.pixels
    count = pixels.sum()
    if count == 1:
        return float(distribution.values[0])
    first = np.cumsum(pixels) - pixels
    below = np.cumsum(distribution.weights) - distribution.weights
    starts = first * each + (count - 1) * below
    ends = (first + pixels - 1) * each + (count - 1) * (below + distribution.weights - each)
    places = np.column_stack([starts, ends]).ravel()
    return float(np.interp(q * places[-1], places, np.repeat(distribution.values, 2)))


def _std(tally: Tally) -> float:
    return math.sqrt(tally.moments.squares / tally.moments.weight)


def _majority(tally: Tally) -> float:
    distribution = tally.distribution()
    return float(distribution.values[np.argmax(distribution.weights)])


def _minority(tally: Tally) -> float:
    distribution = tally.distribution()
    return float(distribution.values[np.argmin(distribution.weights)])


_MEASURES: dict[str, Callable[[Tally], float]] = {
    "mean": lambda tally: tally.moments.mean,
    "min": lambda tally: tally.minimum,
    "max": lambda tally: tally.maximum,
    "range": lambda tally: tally.maximum - tally.minimum,
    "std": _std,
    "sum": lambda tally: tally.covered_sum,
    "majority": _majority,
    "minority": _minority,
    "variety": lambda tally: len(tally.distribution().values),
}
"""Statistic → measure; of several equally common values the smallest is the majority or minority."""
