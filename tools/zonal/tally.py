"""Running totals of all zones of a layer, fed block by block, so that no zone has to fit into memory."""

from __future__ import annotations

import numpy as np

from tools.geo.moments import Moments
from tools.geo.rings import Indexes
from tools.zonal.distribution import NOTHING, Distribution, joined
from tools.zonal.totals import Totals

BUFFER_VALUES = 4_000_000
"""Distinct values of a zone that are buffered before equal ones are joined."""


class Tally:
    """What is known of one zone; a view of `Tallies`."""

    def __init__(self, tallies: Tallies, zone: int) -> None:
        self.area_m2 = float(tallies.area_m2[zone])
        """Area of the zone on the raster, with and without values."""
        self.valid_area_m2 = float(tallies.valid_area_m2[zone])
        self.minimum = float(tallies.minimum[zone])
        self.maximum = float(tallies.maximum[zone])
        self.covered_sum = float(tallies.covered_sum[zone])
        """Sum of value x covered share."""
        self.moments = Moments(*(float(each[zone]) for each in (tallies.weight, tallies.mean, tallies.squares)))
        self._parts = tallies.parts[zone]

    @property
    def has_values(self) -> bool:
        """Whether any pixel with a value lies in the zone."""
        return self.valid_area_m2 > 0

    def distribution(self) -> Distribution:
        """Return the distribution of all values; empty unless it was wanted."""
        if len(self._parts) > 1:
            self._parts = [joined(self._parts)]
        return self._parts[0] if self._parts else NOTHING


class Tallies:
    """What is known so far of every zone; arrays of shape (zone,)."""

    def __init__(self, zones: int) -> None:
        self.area_m2, self.valid_area_m2, self.covered_sum = np.zeros(zones), np.zeros(zones), np.zeros(zones)
        self.weight, self.mean, self.squares = np.zeros(zones), np.zeros(zones), np.zeros(zones)
        self.minimum, self.maximum = np.full(zones, np.inf), np.full(zones, -np.inf)
        self.parts: list[list[Distribution]] = [[] for _ in range(zones)]
        self.kept = 0
        """How many values are in memory."""

    def add(self, members: Indexes, totals: Totals) -> None:
        """Take in one more block, whose zones are `members`, each once."""
        self.area_m2[members] += totals.area_m2
        self.valid_area_m2[members] += totals.valid_area_m2
        self.covered_sum[members] += totals.covered_sum
        self.minimum[members] = np.minimum(self.minimum[members], totals.minimum)
        self.maximum[members] = np.maximum(self.maximum[members], totals.maximum)
        self._add_moments(members, totals)
        for zone, part in zip(members.tolist(), totals.values or (), strict=bool(totals.values)):
            self._keep(zone, part)

    def each(self) -> tuple[Tally, ...]:
        """Return what is known of each zone."""
        return tuple(Tally(self, zone) for zone in range(len(self.area_m2)))

    def _add_moments(self, members: Indexes, totals: Totals) -> None:
        """Join moments; Chan, Golub and LeVeque (1979), equation 2.1, with weights for counts."""
        before = self.weight[members]
        weight = before + totals.weight
        share = np.divide(totals.weight, weight, out=np.zeros(len(weight)), where=weight > 0)
        step = totals.mean - self.mean[members]
        self.weight[members] = weight
        self.mean[members] += step * share
        self.squares[members] += totals.squares + step * step * before * share

    def _keep(self, zone: int, part: Distribution) -> None:
        parts = self.parts[zone]
        parts.append(part)
        self.kept += len(part.values)
        held = sum(len(each.values) for each in parts)
        if len(parts) > 1 and held > BUFFER_VALUES:
            self.parts[zone] = [joined(parts)]
            self.kept += len(self.parts[zone][0].values) - held
