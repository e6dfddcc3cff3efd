"""Windows over a raster for a network, and how their answers are blended without seams.

Windows are square and overlap. Each weighs its own answer by 1 in the middle and by a cosine ramp (the rising half of a
Hann window) over the overlap, so that the weights of neighbours sum to 1 at every pixel: no division, no seam. Beyond its
edges the raster is mirrored, as far as one overlap, so that pixels at an edge stand in the middle of some window as all
others do. Windows start at multiples of `ALIGNMENT`, because a network that halves its input five times treats pixels
alike only at that distance: so the answer does not depend on where the windows lie, but for what a network sees beyond
the overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float32]
Mask = NDArray[np.bool_]

ALIGNMENT = 32
"""Pixels; the largest stride of the encoders."""
TILE_PX = 1024
"""A larger one wastes less on overlaps and takes more memory: 0.5 GB for a Unet on resnet18, 1.2 GB for a UnetPlusPlus on
efficientnet-b4 (six bands, single precision, measured on a CPU beyond what torch itself takes)."""
OVERLAP_PX = 128


@dataclass(frozen=True)
class Tiling:
    """How windows cover a raster of (height, width) pixels."""

    height: int
    width: int
    tile: int
    overlap: int

    def __post_init__(self) -> None:
        if self.tile % ALIGNMENT or self.overlap % ALIGNMENT or self.tile < 2 * self.overlap + ALIGNMENT:
            raise ValueError(f"windows of {self.tile} with an overlap of {self.overlap} pixels do not fit together")

    @property
    def step(self) -> int:
        """Distance from one window to the next, in pixels."""
        return self.tile - self.overlap

    @property
    def tops(self) -> range:
        """First row of each row of windows; negative at the upper edge."""
        return range(-self.overlap, self.height, self.step)

    @property
    def lefts(self) -> range:
        """First column of each window of a row; negative at the left edge."""
        return range(-self.overlap, self.width, self.step)


@dataclass(frozen=True)
class Answer:
    """What a network says of one window."""

    left: int
    """First column of the window in the raster; may be negative."""
    valid: Mask
    """(row, col) of the window: True where every band has a value."""
    probabilities: Probabilities | None
    """(class, row, col); None for a window without a valid pixel, of which nothing was asked."""


@dataclass(frozen=True)
class Strip:
    """Whole rows of the raster, finished."""

    row: int
    probabilities: Probabilities
    """(class, row, col); without meaning where not valid."""
    valid: Mask


def tiling_of(height: int, width: int, tile: int = TILE_PX, overlap: int = OVERLAP_PX) -> Tiling:
    """Return windows of `tile` pixels, or one smaller window where that holds the whole raster with its mirrored edges."""
    whole = -(-max(height, width) // ALIGNMENT) * ALIGNMENT + 2 * overlap
    return Tiling(height, width, min(tile, whole), overlap)


def weights(tiling: Tiling) -> Probabilities:
    """Return the weight of each pixel of a window, (row, col): the product of the cosine ramps along both sides."""
    ramp = np.sin(np.pi / 2 * (np.arange(tiling.overlap) + 0.5) / tiling.overlap) ** 2
    side = np.concatenate([ramp, np.ones(tiling.tile - 2 * tiling.overlap), ramp[::-1]])
    return np.outer(side, side).astype(np.float32)


def mirrored(start: int, count: int, size: int) -> NDArray[np.intp]:
    """Return the rows (or columns) 0 … size - 1 that stand at `start` … `start + count - 1`, mirrored beyond the edges.

    The edge itself is not repeated (as numpy's `reflect`), however often the raster must be mirrored; one row stays itself.
    """
    period = max(1, 2 * (size - 1))
    folded = np.arange(start, start + count) % period
    return np.minimum(folded, period - folded) if size > 1 else np.zeros(count, np.intp)


def blended(tiling: Tiling, classes: int, answers: Callable[[int], Iterable[Answer]]) -> Iterator[Strip]:
    """Yield strips top down; `answers` gives the windows of the row of windows that begins at a row of the raster.

    In memory are the sums of one row of windows: `classes` x `tile` x width numbers, whatever the raster's height.
    """
    weight = weights(tiling)
    sums = np.zeros((classes, tiling.tile, tiling.width), np.float32)
    for top in tiling.tops:
        valid = np.zeros((tiling.tile, tiling.width), np.bool_)
        for answer in answers(top):
            inside = slice(max(0, answer.left), min(tiling.width, answer.left + tiling.tile))
            part = slice(inside.start - answer.left, inside.stop - answer.left)
            valid[:, inside] = answer.valid[:, part]
            if answer.probabilities is not None:
                sums[:, :, inside] += (answer.probabilities * weight)[:, :, part]
        first, last = max(0, top), min(tiling.height, top + tiling.step)
        if first < last:
            rows = slice(first - top, last - top)
            yield Strip(first, sums[:, rows].copy(), valid[rows])
        sums[:, : tiling.overlap] = sums[:, tiling.step :]
        sums[:, tiling.overlap :] = 0
