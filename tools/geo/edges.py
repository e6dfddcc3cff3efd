"""How far areas of classes may be off because their outlines were drawn along pixels: an epsilon band of half a pixel.

The true border of a class can run anywhere within half a pixel of the sides that its pixels share with others. The band that
all these borders sweep, on one side, is a bound of the error of the area: sum over the sides of half the pixel's area (Perkal, 1956,
On epsilon length; Blakemore, 1984, Generalisation and error in spatial data bases, Cartographica 21). Errors in either
direction cancel along a long outline, so that the true error is mostly far smaller.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.geo.frame import Floats
from tools.geo.pixels import PixelAreas

Mask = NDArray[np.bool_]


RIGHT, DOWN = (0, 1), (1, 0)
"""Steps of rows and columns to the next pixel."""


@dataclass
class Borders:
    """Running sums, by value, of half a pixel's area for every side shared with a pixel of another value."""

    half_m2: dict[float, float] = field(default_factory=dict)

    def add(self, part: tuple[NDArray[Any], Floats]) -> None:
        """Take in values and areas, as `shared_sides` returns them."""
        for value, half in zip(*(column.tolist() for column in part), strict=True):
            self.half_m2[value] = self.half_m2.get(value, 0.0) + half


class StripBorders(Borders):
    """The same for a raster of codes, of which 0 is none, that comes in strips of whole rows, top down."""

    def __init__(self) -> None:
        super().__init__()
        self._last: NDArray[Any] | None = None

    def add_strip(self, codes: NDArray[Any], areas: PixelAreas) -> None:
        """Take in the next strip, `(row, col)`."""
        self.add(shared_sides(codes, codes > 0, areas, codes.shape))
        if self._last is not None:
            seam = np.stack([self._last, codes[0]])
            self.add(shared_sides(seam, seam > 0, areas, (1, len(codes[0])), steps=[DOWN]))
        self._last = codes[-1].copy()

    def by_code(self, codes: int) -> Floats:
        """Return the bound of the error of each code's area in m2, shape (codes,), from code 0."""
        return np.array([self.half_m2.get(code, 0.0) for code in range(codes)])


def shared_sides(
    values: NDArray[Any],
    present: Mask,
    areas: PixelAreas,
    own: tuple[int, int],
    *,
    share: Floats | None = None,
    steps: Sequence[tuple[int, int]] = (RIGHT, DOWN),
) -> tuple[NDArray[Any], Floats]:
    """Return distinct values, and for each half the area of its pixels once per side shared with a pixel of another value.

    `values` and `present` (True = has a value) are `(row, col)`; they may reach one row and column beyond the (height, width)
    that `own` says and `areas` knows, so that sides between blocks are seen once. Sides towards what has no value do not count.
    `share` weights sides by the smaller covered share of their two pixels; `steps` say which neighbours to look at.
    """
    found, halves = [], []
    for (row, col), (row2, col2) in _unlike(values, present, own, steps):
        half = areas.at(row, col) / 2
        if share is not None:
            half = half * np.minimum(share[row, col], share[row2, col2])
        found += [values[row, col], values[row2, col2]]
        halves += [half, half]
    distinct, group = np.unique(np.concatenate(found), return_inverse=True)
    return distinct, np.bincount(group, weights=np.concatenate(halves), minlength=len(distinct)).astype(float)


Places = tuple[NDArray[np.intp], NDArray[np.intp]]


def _unlike(values: NDArray[Any], present: Mask, own: tuple[int, int], steps: Sequence[tuple[int, int]]) -> Iterator[tuple[Places, Places]]:
    """Yield, for every step, the pixels that differ from their neighbour there, and these neighbours."""
    height, width = own
    for down, right in steps:
        rows, cols = min(height, values.shape[0] - down), min(width, values.shape[1] - right)
        there = (slice(down, rows + down), slice(right, cols + right))
        differ = (values[:rows, :cols] != values[there]) & present[:rows, :cols] & present[there]
        row, col = np.nonzero(differ)
        yield (row, col), (row + down, col + right)
