"""The values that occur in a zone, and how much of it has each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.geo.coverage import Covered
from tools.geo.frame import Floats
from tools.geo.pixels import PixelAreas
from tools.geo.rings import Indexes

MOST_COUNTED = 65_536
"""Whole numbers within so wide a range are counted; anything else is sorted, which takes ten times as long."""


@dataclass(frozen=True)
class Distribution:
    """Distinct values, ascending, with what belongs to each; all arrays of shape (value,)."""

    values: Floats
    weights: Floats
    areas_m2: Floats
    pixels: Floats
    """How many pixels have the value, partly covered ones counted whole."""


def distributions(
    values: NDArray[Any], valid: NDArray[np.bool_], areas: PixelAreas, covered: Covered, members: int, *, by_area: bool
) -> tuple[Distribution, ...]:
    """Return the distribution in each zone of a block; `values` and `valid` are `(row, col)`."""
    found = []
    for pixels in covered.by_member(members):
        kept = valid[pixels.row, pixels.col]
        row, col, share = pixels.row[kept], pixels.col[kept], pixels.share[kept]
        area = share * areas.at(row, col)
        found.append(_counted(values[row, col], area if by_area else share, area))
    return tuple(found)


def joined(parts: Sequence[Distribution]) -> Distribution:
    """Return the distribution of all parts together."""
    values, group = np.unique(np.concatenate([part.values for part in parts]), return_inverse=True)
    return _summed(
        values,
        group,
        np.concatenate([part.weights for part in parts]),
        np.concatenate([part.areas_m2 for part in parts]),
        np.concatenate([part.pixels for part in parts]),
    )


NOTHING = Distribution(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0))


def _counted(values: NDArray[Any], weights: Floats, areas_m2: Floats) -> Distribution:
    if not len(values):
        return NOTHING
    if values.dtype.kind in "iu" and int(values.max()) - int(values.min()) < MOST_COUNTED:
        least = int(values.min())
        group = values.astype(np.int64) - least
        count = np.bincount(group)
        there = np.flatnonzero(count)
        return _summed((there + least).astype(float), (np.cumsum(count > 0) - 1)[group], weights, areas_m2, np.ones(len(group)))
    distinct, group = np.unique(values.astype(float), return_inverse=True)
    return _summed(distinct, group, weights, areas_m2, np.ones(len(group)))


def _summed(values: Floats, group: Indexes, weights: Floats, areas_m2: Floats, pixels: Floats) -> Distribution:
    def total(amounts: Floats) -> Floats:
        return np.bincount(group, weights=amounts, minlength=len(values)).astype(float)

    return Distribution(values, weights=total(weights), areas_m2=total(areas_m2), pixels=total(pixels))
