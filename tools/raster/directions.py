"""Which way a surface falls on the whole: the circular mean of directions, and the share of each of eight."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tools.contract import Fact
from tools.geo.moments import Floats

NAMES = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
SECTOR_DEGREES = 45.0
STEADY = 1e-6
"""Below this length the mean vector has no direction: what falls one way is what falls the other."""


class Directions:
    """Running sums of directions in degrees clockwise from north, weighted by area."""

    def __init__(self) -> None:
        self.area_m2 = np.zeros(len(NAMES))
        """Area by direction."""
        self.flat_m2 = 0.0
        self.whole_m2 = 0.0
        """Area of all pixels taken in, also of those without a value."""
        self._east = self._north = 0.0

    def add(self, aspect: Floats, is_flat: NDArray[np.bool_], area_m2: Floats) -> None:
        """Take in more pixels, `(row, col)`: NaN is nodata or flat, `is_flat` tells which; the area of a pixel broadcasts to them."""
        area = np.broadcast_to(area_m2, aspect.shape)
        known = ~np.isnan(aspect)
        degrees, weights = aspect[known], area[known]
        sector = np.rint(degrees / SECTOR_DEGREES).astype(int) % len(NAMES)
        self.area_m2 += np.bincount(sector, weights=weights, minlength=len(NAMES))
        self._east += float((np.sin(np.radians(degrees)) * weights).sum())
        self._north += float((np.cos(np.radians(degrees)) * weights).sum())
        self.flat_m2 += float(area[is_flat].sum())
        self.whole_m2 += float(area.sum())

    @property
    def valid_m2(self) -> float:
        """Area whose direction is known, or known to be none."""
        return float(self.area_m2.sum()) + self.flat_m2

    def facts(self) -> tuple[Fact, ...]:
        """Return the circular mean (Mardia and Jupp 2000, section 2.2) where there is one, the share of each direction, the valid share."""
        shares = {**dict(zip(NAMES, self.area_m2.tolist(), strict=True)), "flat": self.flat_m2}
        facts = (
            [Fact("share", 100 * area / self.valid_m2, "%", {"direction": name}) for name, area in shares.items()] if self.valid_m2 else []
        )
        mean = math.degrees(math.atan2(self._east, self._north)) % 360
        is_steady = math.hypot(self._east, self._north) > STEADY * float(self.area_m2.sum())
        first = [Fact("mean", mean, "degree")] if is_steady else []
        share = min(100.0, 100 * self.valid_m2 / self.whole_m2) if self.whole_m2 else 0.0
        return (*first, *facts, Fact("valid_share", share, "%"))
