"""Running statistics of values, fed piece by piece, so that no raster has to fit into memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Weighted sums that give mean and standard deviation without keeping values."""

    weight: float = 0.0
    mean: float = 0.0
    squares: float = 0.0
    """Weighted sum of squared distances from the mean."""

    def joined(self, other: Moments) -> Moments:
        """Return the moments of both together; Chan, Golub and LeVeque (1979), equation 2.1, with weights for counts."""
        weight = self.weight + other.weight
        if weight == 0:
            return self
        step = other.mean - self.mean
        share = other.weight / weight
        return Moments(weight, self.mean + step * share, self.squares + other.squares + step * step * self.weight * share)


def moments_of(values: Floats, weights: Floats) -> Moments:
    """Return the moments of at least one value; both arrays of shape (value,)."""
    weight = float(weights.sum())
    mean = float((values * weights).sum()) / weight
    return Moments(weight, mean, float((weights * (values - mean) ** 2).sum()))


class Spread:
    """Mean, standard deviation (of the population), least and greatest of the valid pixels of a raster, and how much is valid.

    `by_area` weights values by pixel area, which is right wherever it varies; else every pixel counts once. What has no place
    on the Earth (area 0) counts for nothing.
    """

    def __init__(self, *, by_area: bool) -> None:
        self.by_area = by_area
        self.area_m2 = 0.0
        """Area of all pixels taken in."""
        self.valid_area_m2 = 0.0
        self.minimum = math.inf
        self.maximum = -math.inf
        self._moments = Moments()

    def add(self, values: np.ma.MaskedArray[Any, np.dtype[Any]], area_m2: Floats) -> None:
        """Take in more pixels, `(row, col)` with True in the mask for not valid; `area_m2` of a pixel broadcasts to them."""
        area = np.broadcast_to(area_m2, values.shape)
        self.area_m2 += float(area.sum())
        valid = ~np.ma.getmaskarray(values) & (area > 0)
        if not valid.any():
            return
        numbers, weights = values.data[valid].astype(np.float64), area[valid]
        self.valid_area_m2 += float(weights.sum())
        self.minimum = min(self.minimum, float(numbers.min()))
        self.maximum = max(self.maximum, float(numbers.max()))
        self._moments = self._moments.joined(moments_of(numbers, weights if self.by_area else np.ones(len(numbers))))

    @property
    def has_values(self) -> bool:
        """Whether any pixel was valid."""
        return self.valid_area_m2 > 0

    @property
    def valid_share(self) -> float:
        """Percentage of the area that is valid."""
        return min(100.0, 100 * self.valid_area_m2 / self.area_m2) if self.area_m2 else 0.0

    @property
    def mean(self) -> float:
        """Of the valid pixels; 0 where there is none."""
        return self._moments.mean

    @property
    def std(self) -> float:
        """Of the valid pixels; 0 where there is none."""
        return math.sqrt(self._moments.squares / self._moments.weight) if self._moments.weight else 0.0
