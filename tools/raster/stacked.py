"""Walk over several images window by window, join them, and write what they give."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tools.contract import Fact
from tools.geo.clouds import seen
from tools.geo.grid import Window, grid_difference, window_grid
from tools.geo.moments import Spread
from tools.geo.pixels import area_varies, pixel_area_m2
from tools.raster.compositing import PICKS, Floats, Numbers, join, pick_first, pick_greenest, taken, whole_observations
from tools.storage.cog import BandMark, cog_writer
from tools.storage.observations import read_seen
from tools.storage.rasters import iter_strips
from tools.storage.warping import Bands, BandWay, Onto, warped_tiles

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

    from tools.geo.band_math import MaskedArray
    from tools.raster.layers import Layer

MAX_VALUES = 3_000_000
"""Values of all images and bands that are held at once, 8 bytes each; sorting them takes as much again."""


@dataclass(frozen=True)
class Plan:
    """What is to be joined."""

    layers: Sequence[Layer]
    """The images, in the order in which they are picked from."""
    positions: Sequence[int]
    """Of each image among those that were given, from 1."""
    names: Sequence[str]
    """Of the bands."""
    method: str
    grid: GeoBox

    @property
    def is_aligned(self) -> bool:
        """Whether the images already lie on the grid."""
        return not any(grid_difference(layer.grid, self.grid) for layer in self.layers)


@dataclass(frozen=True)
class Joined:
    """What a composite holds."""

    spreads: tuple[Spread, ...]
    """One per band of the images, then one of the number of observations, 0 where there is none."""
    picked_m2: NDArray[np.float64]
    """Area that each image gave, in the order given; all 0 where values were made out of several."""

    @property
    def observations(self) -> Spread:
        """How many images each pixel is made of, where there is none counts as 0."""
        return self.spreads[-1]

    @property
    def valid_share(self) -> float:
        """Percentage of the area with at least one observation."""
        return self.spreads[0].valid_share

    def facts(self, names: Sequence[str]) -> tuple[Fact, ...]:
        """Return the mean of every band; of methods that pick, also the share of the valid area that each image gave."""
        means = [Fact("mean", spread.mean, "unspecified", {"band": name}) for name, spread in zip(names, self.spreads, strict=False)]
        whole = float(self.picked_m2.sum())
        shares = [Fact("share", 100 * area / whole, "%", {"image": str(n)}) for n, area in enumerate(self.picked_m2.tolist(), 1) if whole]
        return (*means, *shares)


def write_composite(path: Path, plan: Plan, marks: Sequence[BandMark], progress: Callable[[float], None]) -> Joined:
    """Write the composite as float32 with NaN for nodata, and the number of observations as its last band."""
    grid = plan.grid
    spreads = tuple(Spread(by_area=area_varies(grid)) for _ in marks)
    picked_m2, done, pixels = np.zeros(len(plan.layers)), 0, grid.shape[0] * grid.shape[1]
    with cog_writer(path, grid, marks, dtype="float32", nodata=math.nan) as writer:
        for window, stack in _observations(plan):
            bands, picked = _joined(plan, stack)
            counted = (~np.isnan(stack[:, 0])).sum(axis=0).astype(float)
            parts = np.concatenate([bands, counted[None]])
            writer.write(window, parts.astype("float32"))
            area_m2 = pixel_area_m2(window_grid(grid, window))
            for spread, part in zip(spreads, parts, strict=True):
                spread.add(np.ma.masked_invalid(part), area_m2)
            if picked is not None:
                weights = np.broadcast_to(area_m2, picked.shape)
                found = np.bincount(picked[picked >= 0], weights[picked >= 0], minlength=len(plan.layers))
                picked_m2[np.asarray(plan.positions) - 1] += found
            done += window[2] * window[3]
            progress(done / pixels)
    return Joined(spreads, picked_m2)


def _joined(plan: Plan, stack: Floats) -> tuple[Floats, Numbers | None]:
    """Return `(band, row, col)`, and of methods that pick, which image every pixel is from."""
    if plan.method not in PICKS:
        return np.stack([join(stack[:, band], plan.method) for band in range(stack.shape[1])]), None
    is_first = plan.method != "greenest"
    picked = pick_first(stack) if is_first else pick_greenest(stack, plan.names.index("red"), plan.names.index("nir"))
    return taken(stack, picked), picked


def _observations(plan: Plan) -> Iterator[tuple[Window, Floats]]:
    """Yield windows with what the images saw there, `(image, band, row, col)`, NaN where they saw nothing that counts."""
    if not plan.is_aligned:
        for window, images in warped_tiles([_bands(layer, plan.grid) for layer in plan.layers]):
            yield window, np.stack([_seen(layer, image) for layer, image in zip(plan.layers, images, strict=True)])
        return
    height, width = plan.grid.shape
    for window in iter_strips(height, width, MAX_VALUES // (len(plan.layers) * len(plan.names))):
        images = [list(read_seen(layer.source, layer.bands, layer.quality, window).values()) for layer in plan.layers]
        yield window, np.stack([whole_observations(image) for image in images])


def _bands(layer: Layer, grid: GeoBox) -> Bands:
    """Return the bands of an image, then that of quality, taken pixel by pixel, so that no cloud is mixed into a clear value."""
    ways = [BandWay(band, "nearest", "float64") for band in layer.bands.values()]
    quality = [] if layer.quality is None else [BandWay(layer.quality.band, "nearest", "float64")]
    return Bands(layer.source, [*ways, *quality], Onto.between(layer.grid, grid))


def _seen(layer: Layer, image: Sequence[MaskedArray]) -> Floats:
    if layer.quality is None:
        return whole_observations(image)
    *values, quality = image
    hidden = ~seen(layer.quality.role, quality, layer.quality.kept)
    return whole_observations([np.ma.MaskedArray(band.data, mask=np.ma.getmaskarray(band) | hidden) for band in values])
