"""Walk over several images strip by strip and join them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tools.contract import Fact
from tools.geo.grid import window_grid
from tools.geo.moments import Spread
from tools.geo.pixels import area_varies, pixel_area_m2
from tools.raster.compositing import join, whole_observations
from tools.storage.observations import read_seen
from tools.storage.rasters import iter_strips

if TYPE_CHECKING:
    from tools.raster.layers import Layer

MAX_VALUES = 24_000_000
"""Values of all images and bands that are held at once, 8 bytes each; sorting them takes as much again."""


@dataclass(frozen=True)
class Joined:
    """A composite."""

    bands: NDArray[np.float32]
    """`(band, row, col)`, NaN is nodata; the last one is the number of observations, 0 where there is none."""
    spreads: tuple[Spread, ...]
    """One per band of `bands`."""

    @property
    def observations(self) -> Spread:
        """How many images each pixel is made of, where there is none counts as 0."""
        return self.spreads[-1]

    @property
    def valid_share(self) -> float:
        """Percentage of the area with at least one observation."""
        return self.spreads[0].valid_share

    def facts(self, names: Sequence[str]) -> tuple[Fact, ...]:
        """Return the mean of every band."""
        return tuple(Fact("mean", spread.mean, "unspecified", {"band": name}) for name, spread in zip(names, self.spreads, strict=False))


def join_strips(layers: Sequence[Layer], method: str, progress: Callable[[float], None]) -> Joined:
    """Return the composite of images on one grid, and the number of observations as its last band."""
    grid, count = layers[0].grid, len(layers[0].bands)
    height, width = grid.shape
    values = np.full((count + 1, height, width), np.nan, "float32")
    spreads = tuple(Spread(by_area=area_varies(grid)) for _ in range(count + 1))
    for window in iter_strips(height, width, MAX_VALUES // (len(layers) * count)):
        row, _, rows, _ = window
        stack = np.stack(
            [whole_observations(list(read_seen(layer.source, layer.bands, layer.quality, window).values())) for layer in layers]
        )
        observed = (~np.isnan(stack[:, 0])).sum(axis=0)
        area_m2 = pixel_area_m2(window_grid(grid, window))
        for position, part in enumerate([*(join(stack[:, band], method) for band in range(count)), observed.astype(float)]):
            values[position, row : row + rows] = part
            spreads[position].add(np.ma.masked_invalid(part), area_m2)
        progress((row + rows) / height)
    return Joined(values, spreads)
