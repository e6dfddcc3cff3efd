"""Read the bands of several files onto one grid, after saying what that takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from tools.contract import Source
from tools.errors import LimitError
from tools.geo.grid import Window, crs_of, window_grid
from tools.geo.pixels import pixel_area_m2
from tools.geo.read_grid import ReadGrid
from tools.geo.roles import SENTINEL_2
from tools.geo.vicinity import lonlat_bounds
from tools.settings import ToolSettings
from tools.storage.asset_rasters import AssetBand, AssetInfo, Fetcher
from tools.storage.asset_reading import Match, Onto, match, overview_for, read_onto, resampling_for, stored_bytes
from tools.storage.features_mask import pixels_inside
from tools.storage.rasters import iter_strips

MaskedArray = np.ma.MaskedArray[Any, np.dtype[Any]]  # Any: every shape and dtype that GDAL reads

FINER = 0.9
"""Ratio of pixel sizes below which the result is finer than a file, not only of another CRS."""
OPTICAL = frozenset(SENTINEL_2.values())
"""Roles of bands of reflectance."""
MOST_BELOW_ZERO = 0.05
"""Share of negative reflectance from which on the stated offset is doubted; catalogues are known to state it wrongly
(github.com/Element84/earth-search/issues/71)."""


@dataclass(frozen=True)
class Asking:
    """How to read."""

    resampling: str
    overviews: bool
    """Whether overviews may serve: where the caller chose the resolution. Else every stored pixel counts."""
    cut: bool
    """Whether nothing outside the region is valid."""


class Told:
    """How far a call is, for whoever waits."""

    def __init__(self, progress: Callable[[float], None]) -> None:
        self._progress, self._share = progress, 0.0

    def so_far(self, share: float) -> None:
        """Tell the share that is done."""
        self._share = share
        self._progress(share)

    def again(self) -> None:
        """Tell the same share again, since telling is how a call learns that nobody waits any more."""
        self._progress(self._share)


@dataclass(frozen=True)
class Piece:
    """One file and how it lies to the result."""

    source: Source
    info: AssetInfo
    found: Match
    overview: int | None
    bytes: int
    """Stored bytes under the grid; 0 for a local file."""
    resamplings: tuple[str, ...]
    """Of each band."""

    @property
    def factor(self) -> int:
        """How much coarser than the file the overview is that is read; 1 for the file itself."""
        return 1 if self.overview is None else self.info.overviews[self.overview]


@dataclass(frozen=True)
class Stack:
    """What was read."""

    names: tuple[str, ...]
    bands: tuple[MaskedArray, ...]
    classes: Mapping[str, Mapping[int, str]]
    valid_shares: tuple[float, ...]
    """Per band, % of the area that was asked for."""
    warnings: tuple[str, ...]
    method: Mapping[str, Any]
    bbox: tuple[float, float, float, float] | None
    """West, south, east, north in degrees."""


def read_stack(fetcher: Fetcher, files: Sequence[tuple[Source, AssetInfo]], target: ReadGrid, asking: Asking, told: Told) -> Stack:
    """Read every band of the files onto the grid.

    Raises LimitError, before any pixel is read, where there are too many pixels or bytes, ParameterError for a resampling
    that would mix classes, and what opening and fetching raises.
    """
    _check_pixels(target, sum(len(info.bands) for _, info in files))
    pieces = [_piece(fetcher, source, info, target, asking) for source, info in files]
    _check_bytes(sum(piece.bytes for piece in pieces))
    read = _Reading(fetcher, target, asking, told, [info for _, info in files])
    for piece in pieces:
        read.file(piece)
    return read.stack(dict.fromkeys(text for _, info in files for text in info.warnings))


class _Reading:
    """Bands as they come in, and how far the call is."""

    def __init__(self, fetcher: Fetcher, target: ReadGrid, asking: Asking, told: Told, infos: Sequence[AssetInfo]) -> None:
        self._fetcher, self._target, self._asking, self._told = fetcher, target, asking, told
        self._inside = np.ones(target.grid.shape, bool) if target.inside is None else pixels_inside(target.inside, target.grid)
        self._base = infos[target.base].bands[0].name
        self._pixels_due = sum(len(info.bands) for info in infos) * target.grid.shape[0] * target.grid.shape[1]
        self._pixels_done = 0
        self._bands: list[tuple[AssetBand, str, MaskedArray]] = []
        self._doubts: list[str] = []
        self._methods: list[dict[str, Any]] = []

    def file(self, piece: Piece) -> None:
        """Read the bands of one file; one that is needed nearly whole is taken whole, so that its checksum can be verified."""
        if piece.found.is_empty:
            for band, resampling in zip(piece.info.bands, piece.resamplings, strict=True):
                self._take(piece, band, resampling, np.ma.MaskedArray(np.zeros(self._target.grid.shape, band.dtype), mask=True))
            return
        if piece.source.url:
            self._fetcher.take_whole(piece.source, piece.bytes)
        factor, (x, y) = piece.factor, piece.found.scale
        with self._fetcher.opened(piece.source, piece.overview) as dataset:
            for band, resampling in zip(piece.info.bands, piece.resamplings, strict=True):
                how = Onto(self._target.grid, resampling, (x * factor, y * factor))
                self._take(piece, band, resampling, read_onto(dataset, band, how, self._tell))

    def _take(self, piece: Piece, band: AssetBand, resampling: str, values: MaskedArray) -> None:
        """Keep a band that was read."""
        if self._asking.cut:
            values[~self._inside] = np.ma.masked
        name = self._free_name(band.name)
        self._bands.append((band, name, values))
        self._doubts.extend(_doubts(name, piece, band, values))
        self._methods.append(_method(name, piece, band, resampling))

    def stack(self, warnings: Mapping[str, None]) -> Stack:
        """Return what was read."""
        grid, inside = self._target.grid, self._inside
        whole, *valid = _areas_m2(grid, inside, [np.ma.getmaskarray(values) for _, _, values in self._bands])
        left, bottom, right, top = grid.boundingbox
        return Stack(
            names=tuple(name for _, name, _ in self._bands),
            bands=tuple(values for _, _, values in self._bands),
            classes={name: band.classes for band, name, _ in self._bands if band.classes},
            valid_shares=tuple(min(100.0, round(100 * area / whole * self._target.covered_share, 9)) for area in valid),
            warnings=(*warnings, *self._doubts),
            method=self._how(),
            bbox=lonlat_bounds((left, bottom, right, top), crs_of(grid)),
        )

    def _how(self) -> dict[str, Any]:
        grid = self._target.grid
        return {
            "grid": {
                "crs": crs_of(grid).name,
                "resolution": [abs(float(grid.resolution.x)), abs(float(grid.resolution.y))],
                "shape": list(grid.shape),
                "base": self._base,
            },
            "bands": self._methods,
            "valid_share": "of the area that was asked for",
        }

    def _tell(self, pixels: int) -> None:
        self._pixels_done += pixels
        self._told.so_far(self._pixels_done / self._pixels_due)

    def _free_name(self, name: str) -> str:
        """Return a name that no band has yet: of several scenes, the second red is red_2."""
        taken = {each for _, each, _ in self._bands}
        numbered = (f"{name}_{number}" for number in range(2, len(taken) + 3))
        return name if name not in taken else next(each for each in numbered if each not in taken)


def _piece(fetcher: Fetcher, source: Source, info: AssetInfo, target: ReadGrid, asking: Asking) -> Piece:
    found = match(info, target.grid)
    resamplings = tuple(resampling_for(asking.resampling, band, found) for band in info.bands)
    if source.url is None:
        return Piece(source, info, found, None, 0, resamplings)
    overview = overview_for(info, found.ratio) if asking.overviews else None
    with fetcher.opened(source, overview) as dataset:
        wanted = stored_bytes(dataset, info, _window(info, found, overview, dataset.shape))
    return Piece(source, info, found, overview, wanted, resamplings)


def _window(info: AssetInfo, found: Match, overview: int | None, shape: tuple[int, int]) -> Window:
    """Return the part of a file, or of its overview with this shape, that lies under the grid."""
    factor = 1 if overview is None else info.overviews[overview]
    row, col, height, width = found.window
    bottom, right = min(-(-(row + height) // factor), shape[0]), min(-(-(col + width) // factor), shape[1])
    return row // factor, col // factor, bottom - row // factor, right - col // factor


def _check_pixels(target: ReadGrid, bands: int) -> None:
    limit = ToolSettings().max_output_pixels
    height, width = target.grid.shape
    if height * width * bands > limit:
        raise LimitError(
            f"The result would have {width:,} x {height:,} pixels in {bands} bands, more than the limit of {limit:,} pixels.",
            hint="Give a smaller bbox or area, a coarser resolution or fewer files, or raise TERRACITE_MAX_OUTPUT_PIXELS.",
        )


def _check_bytes(wanted: int) -> None:
    limit = ToolSettings().max_read_bytes
    if wanted > limit:
        raise LimitError(
            f"{wanted:,} bytes would be fetched, more than the limit of {limit:,}.",
            hint="Give a smaller bbox or area, a coarser resolution or fewer files, or raise TERRACITE_MAX_READ_BYTES.",
        )


def _areas_m2(grid: GeoBox, inside: NDArray[np.bool_], masked: Sequence[NDArray[np.bool_]]) -> list[float]:
    """Return the true area of the pixels that are inside, then, per band, of those that are also valid; strip by strip."""
    height, width = grid.shape
    totals = np.zeros(1 + len(masked))
    for window in iter_strips(height, width):
        rows = slice(window[0], window[0] + window[2])
        areas = np.broadcast_to(pixel_area_m2(window_grid(grid, window)), inside[rows].shape)
        totals += [areas.sum(where=inside[rows]), *(areas.sum(where=inside[rows] & ~mask[rows]) for mask in masked)]
    return [float(total) for total in totals]


def _method(name: str, piece: Piece, band: AssetBand, resampling: str) -> dict[str, Any]:
    return {
        "band": name,
        "resampling": "none, the pixels coincide" if piece.found.is_same else resampling,
        "source_resolution": abs(float(piece.info.grid.resolution.x)),
        "overview": piece.factor,
        "scale": band.scale,
        "offset": band.offset,
        "nodata": None if band.nodata is None else repr(band.nodata),
        "unit": band.unit or None,
    }


def _doubts(name: str, piece: Piece, band: AssetBand, values: MaskedArray) -> Iterator[str]:
    """Yield what the reader must know of a band: that it is elsewhere, was interpolated, has an offset that looks wrong."""
    if piece.found.is_empty:
        yield f"The file of {name} does not reach the place."
    if piece.found.ratio < FINER and not piece.found.is_same and band.kind == "continuous":
        size = abs(float(piece.info.grid.resolution.x))
        yield f"The pixels of {name} are coarser ({size:g}) than those of the result: its values are interpolated, no detail is added."
    if band.offset < 0 and band.name in OPTICAL and values.count():
        below = float((values < 0).sum() / values.count())
        if below > MOST_BELOW_ZERO:
            yield (
                f"{100 * below:.0f} % of the values of {name} are below 0, which reflectance hardly is: the offset {band.offset:g} that is "
                "stated may already be in the stored values."
            )
