"""What lies in each zone within one block of a raster: sums over runs of whole pixels and over single, partly covered ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.geo.coverage import Covered, Runs
from tools.geo.frame import Floats
from tools.geo.pixels import PixelAreas
from tools.geo.rings import Indexes
from tools.zonal.distribution import Distribution, distributions


@dataclass(frozen=True)
class Wanted:
    """What must be known of the values beside their sums."""

    by_area: bool
    """Weight values by covered share x pixel area, else by covered share alone."""
    extremes: bool
    spread: bool
    """How far values lie from their mean."""
    distribution: bool


@dataclass(frozen=True)
class Pixels:
    """The pixels of a block."""

    values: NDArray[Any]
    """`(row, col)`, of any dtype of real numbers; what is not valid may hold anything."""
    valid: NDArray[np.bool_]
    """True = has a value; the inverse of numpy's mask."""
    areas: PixelAreas


@dataclass(frozen=True)
class Totals:
    """What lies in the zones of a block; arrays of shape (member,)."""

    area_m2: Floats
    """Area of the zone on the block, with and without values."""
    valid_area_m2: Floats
    weight: Floats
    mean: Floats
    """0 where there is no value."""
    squares: Floats
    """Weighted sum of squared distances from the mean; 0 unless wanted."""
    covered_sum: Floats
    """Sum of value x covered share."""
    minimum: Floats
    maximum: Floats
    """Infinite unless wanted."""
    values: tuple[Distribution, ...] | None
    """None unless wanted."""


def block_totals(pixels: Pixels, covered: Covered, members: int, wanted: Wanted) -> Totals:
    """Sum up the pixels of a block for each of its zones."""
    runs, cells = _RunSums(pixels, covered.runs, wanted), _CellSums(pixels, covered, wanted)

    def both(of_runs: Floats, of_cells: Floats) -> Floats:
        return _by_member(covered.runs.member, of_runs, members) + _by_member(cells.member, of_cells, members)

    valid_area = both(runs.valid_area_m2, cells.valid_area_m2)
    total = both(runs.covered_sum, cells.covered_sum)
    weight, weighted = valid_area, total
    if wanted.by_area:
        weighted = both(runs.area_sum, cells.values * cells.valid_area_m2)
    else:
        weight = both(runs.count, cells.share)
    mean = np.divide(weighted, weight, out=np.zeros(members), where=weight > 0)
    squares = np.zeros(members)
    if wanted.spread:
        squares = both(runs.squares(mean), cells.squares(mean))
    lowest, highest = np.full(members, np.inf), np.full(members, -np.inf)
    if wanted.extremes:
        for member, low, high in ((covered.runs.member, *runs.extremes()), (cells.member, cells.values, cells.values)):
            np.minimum.at(lowest, member, low)
            np.maximum.at(highest, member, high)
    area = both(runs.area_m2, np.zeros(len(cells.member))) + _by_member(covered.cells.member, cells.area_m2, members)
    values = (
        distributions(pixels.values, pixels.valid, pixels.areas, covered, members, by_area=wanted.by_area) if wanted.distribution else None
    )
    return Totals(area, valid_area, weight, mean, squares, total, lowest, highest, values)


def _by_member(member: Indexes, amounts: Floats, members: int) -> Floats:
    return np.bincount(member, weights=amounts, minlength=members).astype(float)


class _RunSums:
    """Sums over runs of whole pixels, each of shape (run,).

    numpy's `reduceat` sums from each index to the next; of start, end, start, end, … every other sum is a run's. An index that is
    not below the next one gives one element, so that runs of overlapping zones need no care.
    """

    def __init__(self, pixels: Pixels, runs: Runs, wanted: Wanted) -> None:
        width = pixels.values.shape[1]
        self._pixels, self._runs, self._wanted = pixels, runs, wanted
        self._bounds = np.column_stack([runs.row * width + runs.start, runs.row * width + runs.end]).ravel()
        self._is_whole = bool(pixels.valid.all())
        self._values = self._laid_out(pixels.values, 0.0)
        lengths = (runs.end - runs.start).astype(float)
        self.area_m2 = pixels.areas.along(runs.row, runs.start, runs.end)
        self.count = lengths if self._is_whole else self._sums(self._laid_out(np.ones(1), 0.0))
        self.covered_sum = self._sums(self._values)
        self.valid_area_m2 = self.area_m2
        if not self._is_whole:
            varies = pixels.areas.vary_along_rows
            self.valid_area_m2 = self._sums(self._laid_out(pixels.areas.dense(), 0.0)) if varies else self.area_m2 * self.count / lengths

    @property
    def area_sum(self) -> Floats:
        """Sum of value x area."""
        if not self._pixels.areas.vary_along_rows:
            return self.covered_sum * self._pixels.areas.at(self._runs.row, self._runs.start)
        return self._sums(self._laid_out(self._pixels.values * self._pixels.areas.dense(), 0.0))

    def extremes(self) -> tuple[Floats, Floats]:
        """Return the least and the greatest value; infinite where there is none."""
        lows = self._values if self._is_whole else self._laid_out(self._pixels.values, np.inf)
        highs = self._values if self._is_whole else self._laid_out(self._pixels.values, -np.inf)
        return self._sums(lows, np.minimum), self._sums(highs, np.maximum)

    def squares(self, mean: Floats) -> Floats:
        """Return the weighted sum of squared distances from the mean of the run's zone; `mean` has shape (member,)."""
        found = np.zeros(len(self._runs.member))
        is_apart = bool((self._bounds[1:-1:2] <= self._bounds[2::2]).all())
        groups = (
            [np.arange(len(found))] if is_apart else [np.flatnonzero(self._runs.member == zone) for zone in np.unique(self._runs.member)]
        )
        for group in groups:  # pixels of overlapping zones lie at several distances
            bounds = self._bounds.reshape(-1, 2)[group].ravel()
            found[group] = self._squares(bounds, mean[self._runs.member[group]])
        return found

    def _squares(self, bounds: Indexes, centres: Floats) -> Floats:
        if not len(centres):
            return centres
        centre = np.zeros(len(bounds) + 1)
        centre[1::2] = centres
        distance = self._values - np.repeat(centre, np.diff(bounds, prepend=0, append=len(self._values)))
        distance *= distance
        height, width = self._pixels.values.shape
        weights = self._pixels.valid.astype(float)
        if self._wanted.by_area:
            weights = weights * self._pixels.areas.dense()
        distance[:-1].reshape(height, width)[...] *= weights
        return np.asarray(np.add.reduceat(distance, bounds)[::2])

    def _laid_out(self, values: NDArray[Any], absent: float) -> Floats:
        """Return values row after row as float64, `absent` where there is none, and one more, at which the last run may end."""
        height, width = self._pixels.values.shape
        flat = np.zeros(height * width + 1)
        flat[:-1].reshape(height, width)[...] = values
        if not self._is_whole:
            flat[:-1][~self._pixels.valid.ravel()] = absent
        return flat

    def _sums(self, flat: Floats, function: np.ufunc = np.add) -> Floats:
        return np.asarray(function.reduceat(flat, self._bounds)[::2]) if len(self._bounds) else np.zeros(0)


class _CellSums:
    """Sums over partly covered pixels, of shape (cell,); but for `area_m2`, only of those that have a value."""

    def __init__(self, pixels: Pixels, covered: Covered, wanted: Wanted) -> None:
        cells = covered.cells
        self.area_m2 = cells.share * pixels.areas.at(cells.row, cells.col)
        """Of all cells."""
        has_value = pixels.valid[cells.row, cells.col]
        self.member, self.share = cells.member[has_value], cells.share[has_value]
        self.values = pixels.values[cells.row[has_value], cells.col[has_value]].astype(float)
        self.covered_sum = self.values * self.share
        self.valid_area_m2 = self.area_m2[has_value]
        self._weights = self.valid_area_m2 if wanted.by_area else self.share

    def squares(self, mean: Floats) -> Floats:
        """Return the weighted squared distances from the mean of the cell's zone."""
        return np.asarray(self._weights * (self.values - mean[self.member]) ** 2)
