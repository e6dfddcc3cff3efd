"""Running sums over the pixels of one zone, fed block by block, so that no zone has to fit into memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.geo.frame import Floats
from tools.geo.moments import Moments, moments_of

BUFFER_VALUES = 4_000_000
"""Distinct values that are buffered before equal ones are joined."""


@dataclass(frozen=True)
class Pixels:
    """Pixels of one block that belong to one zone; all arrays of shape (pixel,)."""

    values: Floats
    valid: NDArray[np.bool_]
    """True = has a value; the inverse of numpy's mask."""
    fraction: Floats
    """Share of the pixel that lies in the zone, above 0 and at most 1."""
    area_m2: Floats
    """Area of the whole pixel on the ellipsoid."""


@dataclass(frozen=True)
class Distribution:
    """Distinct values, ascending, with what belongs to each; all arrays of shape (value,)."""

    values: Floats
    weights: Floats
    areas_m2: Floats
    pixels: Floats
    """How many pixels have the value, partly covered ones counted whole."""


class Tally:
    """What is known so far of the pixels of one zone.

    `by_area` weights values by covered share x pixel area, else by covered share alone. `keep_values` keeps the distribution
    of values, which percentiles, majorities and classes need.
    """

    def __init__(self, *, by_area: bool, keep_values: bool) -> None:
        self.area_m2 = 0.0
        """Area of the zone on the raster, with and without values."""
        self.valid_area_m2 = 0.0
        self.minimum = np.inf
        self.maximum = -np.inf
        self.covered_sum = 0.0
        """Sum of value x covered share."""
        self.moments = Moments()
        self._by_area = by_area
        self._keep_values = keep_values
        self._parts: list[Distribution] = []

    @property
    def kept(self) -> int:
        """How many values are in memory."""
        return sum(len(part.values) for part in self._parts)

    @property
    def has_values(self) -> bool:
        """Whether any pixel with a value lies in the zone."""
        return self.valid_area_m2 > 0

    def add(self, pixels: Pixels) -> None:
        """Take in the pixels of one more block."""
        covered_m2 = pixels.fraction * pixels.area_m2
        self.area_m2 += float(covered_m2.sum())
        on_earth = pixels.valid & (pixels.area_m2 > 0)
        values, fraction, covered_m2 = pixels.values[on_earth], pixels.fraction[on_earth], covered_m2[on_earth]
        if not len(values):
            return
        weights = covered_m2 if self._by_area else fraction
        self.valid_area_m2 += float(covered_m2.sum())
        self.minimum = min(self.minimum, float(values.min()))
        self.maximum = max(self.maximum, float(values.max()))
        self.covered_sum += float((values * fraction).sum())
        self.moments = self.moments.joined(moments_of(values, weights))
        if self._keep_values:
            self._keep(Distribution(values, weights, covered_m2, np.ones(len(values))))

    def distribution(self) -> Distribution:
        """Return the distribution of all values taken in."""
        if not self._parts:
            nothing = np.zeros(0)
            return Distribution(nothing, nothing, nothing, nothing)
        if len(self._parts) > 1:
            self._parts = [_joined(self._parts)]
        return self._parts[0]

    def _keep(self, part: Distribution) -> None:
        self._parts.append(_joined([part]))
        if len(self._parts) > 1 and self.kept > BUFFER_VALUES:
            self._parts = [_joined(self._parts)]


def _joined(parts: list[Distribution]) -> Distribution:
    """Join equal values of all parts."""
    values, group = np.unique(np.concatenate([part.values for part in parts]), return_inverse=True)

    def total(columns: list[Floats]) -> Floats:
        return np.bincount(group, weights=np.concatenate(columns), minlength=len(values)).astype(float)

    return Distribution(
        values,
        weights=total([part.weights for part in parts]),
        areas_m2=total([part.areas_m2 for part in parts]),
        pixels=total([part.pixels for part in parts]),
    )
