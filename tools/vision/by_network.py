"""Classes by a network: the most probable class of each pixel, from overlapping windows that are blended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tools.contract import Source
from tools.geo.clouds import seen
from tools.geo.roles import canonical_role
from tools.storage.network_card import NetworkCard
from tools.storage.networks import read_card
from tools.storage.observations import Quality, check_measurements
from tools.storage.observed import together
from tools.storage.rasters import band_array, iter_strips, open_raster, raster_info
from tools.vision.classes import ClassStrip, Segmentation
from tools.vision.device import device_class
from tools.vision.inference import Predictor, predictor
from tools.vision.network import load_network
from tools.vision.reading import Sight, check_resolution, sight
from tools.vision.windows import Answer, Mask, Strip, Tiling, blended, tiling_of

if TYPE_CHECKING:
    from rasterio.io import DatasetReader


@dataclass(frozen=True)
class Look:
    """Which network looks at which bands."""

    card: NetworkCard
    weights: Path
    bands: tuple[int, ...]
    """1-based, in the network's order."""
    quality: Quality | None
    """Which pixels count; the network itself sees all of them."""


@dataclass(frozen=True)
class Windows:
    """The windows of a raster, answered row by row."""

    sight: Sight
    run: Predictor
    tiling: Tiling
    progress: Callable[[float], None]

    def row(self, top: int) -> Iterator[Answer]:
        """Yield the answers of the row of windows that begins at row `top`; windows without a valid pixel are not asked."""
        waiting: list[Window] = []
        rows, cols = self.tiling.rows.mirrored(top), self.tiling.cols
        for left in cols.starts:
            window = Window(left, *self.sight.window(rows, cols.mirrored(left)))
            if not window.valid.any():
                yield Answer(left, window.valid, None)
                continue
            waiting.append(window)
            if len(waiting) == self.run.batch:
                yield from self._answers(waiting, top)
                waiting = []
        if waiting:
            yield from self._answers(waiting, top)

    def _answers(self, waiting: Sequence[Window], top: int) -> Iterator[Answer]:
        answers = self.run.probabilities(np.stack([window.values for window in waiting]))
        for window, probabilities in zip(waiting, answers, strict=True):
            yield Answer(window.left, window.valid, probabilities)
        self._tell(top, waiting[-1].left)

    def _tell(self, top: int, left: int) -> None:
        """Tell the share of windows that are done, up to the one at a place."""
        rows, cols = self.tiling.rows.starts, self.tiling.cols.starts
        self.progress((rows.index(top) * len(cols) + cols.index(left) + 1) / (len(rows) * len(cols)))


@dataclass(frozen=True)
class Window:
    """What a network is shown."""

    left: int
    values: NDArray[np.float32]
    """(band, row, col), scaled."""
    valid: Mask


def segment_by_network(
    raster: Source, network: Source, *, bands: Mapping[str, int], quality: Quality | None, progress: Callable[[float], None]
) -> Segmentation:
    """Return what a network says of a raster; `bands` holds the 1-based band of every role of its card.

    Raises ParameterError where the pixels or values of the raster are far from those of the training, DataError where card
    and weights do not fit.
    """
    card, info = read_card(network.path), raster_info(raster)
    check_resolution(info, card)
    indexes = {role: bands[canonical_role(role)] for role in card.bands}
    check_measurements(raster, indexes)
    tiling = tiling_of(info.height, info.width)
    look = Look(card, network.path, tuple(indexes.values()), quality)
    return Segmentation(
        summary=f"Divided the raster into {', '.join(card.labels)} by a network ({card.architecture} on {card.encoder}).",
        labels=card.labels,
        tested=card.tested,
        observed=together(raster_info(raster, band).observed for band in look.bands),
        strips=_strips(raster, look, tiling, progress),
        method={
            "method": "network",
            "architecture": card.architecture,
            "encoder": card.encoder,
            "bands": indexes,
            "windows": f"{tiling.rows.tile} × {tiling.cols.tile} pixels, overlapping by {tiling.rows.overlap}, blended by cosine weights",
            "class": "the most probable",
            "mask": quality.text if quality else "none",
        },
    )


def _strips(raster: Source, look: Look, tiling: Tiling, progress: Callable[[float], None]) -> Iterator[ClassStrip]:
    with open_raster(raster) as dataset:
        view = sight(dataset, look.bands, look.card)
        if view is None:
            yield from _nothing(tiling)
            return
        run = predictor(load_network(look.weights, look.card), device_class(), tiling.rows.tile * tiling.cols.tile)
        for strip in blended(tiling, len(look.card.classes), Windows(view, run, tiling, progress).row):
            valid = strip.valid & _kept(dataset, look.quality, strip)
            codes = np.where(valid, strip.probabilities.argmax(axis=0) + 1, 0).astype(np.uint8)
            yield ClassStrip(strip.row, codes, strip.probabilities.max(axis=0))


def _kept(dataset: DatasetReader, quality: Quality | None, strip: Strip) -> Mask:
    """Return True where the quality band lets a pixel count."""
    if quality is None:
        return np.ones(strip.valid.shape, np.bool_)
    window = (strip.row, 0, *strip.valid.shape)
    return seen(quality.role, band_array(dataset, quality.band, window), quality.kept)


def _nothing(tiling: Tiling) -> Iterator[ClassStrip]:
    """Yield a raster without data; the network is not asked."""
    for row, _, height, width in iter_strips(tiling.rows.size, tiling.cols.size):
        yield ClassStrip(row, np.zeros((height, width), np.uint8))
