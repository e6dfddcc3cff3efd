"""Read the bands of several files onto one grid, after saying what that takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
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
from tools.storage.asset_reading import (
    STRIP_PIXELS,
    Match,
    Onto,
    dtype_onto,
    match,
    overview_for,
    resampling_for,
    stored_bytes,
    strips_onto,
)
from tools.storage.features_mask import Inside
from tools.storage.observed import observed_in
from tools.storage.rasters import iter_strips
from tools.storage.stacks import Layout, StackDraft, stack_writer

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
    valid_shares: tuple[float, ...]
    """Per band, % of the area that was asked for."""
    warnings: tuple[str, ...]
    method: Mapping[str, Any]
    bbox: tuple[float, float, float, float] | None
    """West, south, east, north in degrees."""


def read_stack(
    fetcher: Fetcher, files: Sequence[tuple[Source, AssetInfo]], target: ReadGrid, asking: Asking, told: Told, path: Path
) -> Stack:
    """Write every band of the files onto the grid, strip by strip, into one raster at `path`.

    Raises LimitError, before any pixel is read, where there are too many pixels or bytes, ParameterError for a resampling
    that would mix classes, and what opening and fetching raises.
    """
    _check_pixels(target, sum(len(info.bands) for _, info in files))
    pieces = [_piece(fetcher, source, info, target, asking) for source, info in files]
    _check_bytes(sum(piece.bytes for piece in pieces))
    plan = _plan(pieces)
    classes = {each.name: each.band.classes for each in plan if each.band.classes}
    dtypes, times = [each.dtype for each in plan], {each.name: observed_in(each.piece.source.item) for each in plan}
    with stack_writer(path, Layout(target.grid, list(times), dtypes, classes, observed=times)) as draft:
        read = _Reading(fetcher, target, asking, told, plan, draft)
        for piece in pieces:
            read.file(piece)
    return read.stack(dict.fromkeys(text for _, info in files for text in info.warnings), files[target.base][1])


@dataclass(frozen=True)
class Planned:
    """A band of the result and where it comes from."""

    number: int
    """In the result, from 1."""
    name: str
    piece: Piece
    band: AssetBand
    resampling: str

    @property
    def dtype(self) -> str:
        """The type in which it is read; of a file that does not reach the place its own."""
        return self.band.dtype if self.piece.found.is_empty else dtype_onto(self.band, self.resampling)


def _plan(pieces: Sequence[Piece]) -> list[Planned]:
    """Return the bands in order, under names of which no two are alike: of several scenes, the second red is red_2."""
    found: list[Planned] = []
    for piece in pieces:
        for band, resampling in zip(piece.info.bands, piece.resamplings, strict=True):
            taken = {each.name for each in found}
            numbered = (f"{band.name}_{number}" for number in range(2, len(taken) + 3))
            name = band.name if band.name not in taken else next(each for each in numbered if each not in taken)
            found.append(Planned(len(found) + 1, name, piece, band, resampling))
    return found


@dataclass
class Seen:
    """What was met in a band."""

    area_m2: float = 0.0
    """Of what is valid."""
    pixels: int = 0
    below_zero: int = 0


class _Reading:
    """Bands as they come in, and how far the call is."""

    def __init__(self, fetcher: Fetcher, target: ReadGrid, asking: Asking, told: Told, plan: Sequence[Planned], draft: StackDraft) -> None:
        self._fetcher, self._target, self._told, self._plan, self._draft = fetcher, target, told, plan, draft
        self._inside = None if target.inside is None else Inside(target.inside, target.grid)
        self._cut = asking.cut
        self._pixels_due, self._pixels_done = len(plan) * target.grid.shape[0] * target.grid.shape[1], 0
        self._seen = [Seen() for _ in plan]

    def file(self, piece: Piece) -> None:
        """Read the bands of one file; one that is needed nearly whole is taken whole, so that its checksum can be verified."""
        own = [each for each in self._plan if each.piece is piece]
        grid = self._target.grid
        if piece.found.is_empty:
            for each in own:
                for window in iter_strips(grid.shape[0], grid.shape[1], STRIP_PIXELS):
                    self._take(each, window, np.ma.MaskedArray(np.zeros(window[2:], each.dtype), mask=True))
            return
        if piece.source.url:
            self._fetcher.take_whole(piece.source, piece.bytes)
        factor, (x, y) = piece.factor, piece.found.scale
        with self._fetcher.opened(piece.source, piece.overview) as dataset:
            for each in own:
                for window, values in strips_onto(dataset, each.band, Onto(grid, each.resampling, (x * factor, y * factor))):
                    self._take(each, window, values)

    def _take(self, each: Planned, window: Window, values: MaskedArray) -> None:
        """Keep a strip of a band."""
        inside = None if self._inside is None else self._inside.of(window)
        if self._cut and inside is not None:
            values[~inside] = np.ma.masked
        self._draft.put(each.number, window, values)
        seen, valid = self._seen[each.number - 1], ~np.ma.getmaskarray(values)
        seen.pixels += int(valid.sum())
        seen.below_zero += int((values.data[valid] < 0).sum())
        areas = np.broadcast_to(pixel_area_m2(window_grid(self._target.grid, window)), valid.shape)
        seen.area_m2 += float(areas.sum(where=valid if inside is None else valid & inside))
        self._pixels_done += window[2] * window[3]
        self._told.so_far(self._pixels_done / self._pixels_due)

    def stack(self, warnings: Mapping[str, None], base: AssetInfo) -> Stack:
        """Return what was read; `base` is the file that gave the pixels."""
        grid, whole = self._target.grid, self._whole_m2()
        left, bottom, right, top = grid.boundingbox
        share = self._target.covered_share
        return Stack(
            names=tuple(each.name for each in self._plan),
            valid_shares=tuple(min(100.0, round(100 * seen.area_m2 / whole * share, 9)) for seen in self._seen),
            warnings=(*warnings, *(text for each, seen in zip(self._plan, self._seen, strict=True) for text in _doubts(each, seen))),
            method={**_how(grid, base), "bands": [_method(each) for each in self._plan], "valid_share": "of the area that was asked for"},
            bbox=lonlat_bounds((left, bottom, right, top), crs_of(grid)),
        )

    def _whole_m2(self) -> float:
        """Return the true area of the pixels that were asked for."""
        grid, total = self._target.grid, 0.0
        for window in iter_strips(grid.shape[0], grid.shape[1]):
            areas = np.broadcast_to(pixel_area_m2(window_grid(grid, window)), window[2:])
            total += float(areas.sum() if self._inside is None else areas.sum(where=self._inside.of(window)))
        return total


def _how(grid: GeoBox, base: AssetInfo) -> dict[str, Any]:
    resolution = [abs(float(grid.resolution.x)), abs(float(grid.resolution.y))]
    return {"grid": {"crs": crs_of(grid).name, "resolution": resolution, "shape": list(grid.shape), "base": base.bands[0].name}}


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


def _method(each: Planned) -> dict[str, Any]:
    piece, band = each.piece, each.band
    return {
        "band": each.name,
        "resampling": "none, the pixels coincide" if piece.found.is_same else each.resampling,
        "source_resolution": abs(float(piece.info.grid.resolution.x)),
        "overview": piece.factor,
        "scale": band.scale,
        "offset": band.offset,
        "nodata": None if band.nodata is None else repr(band.nodata),
        "unit": band.unit or None,
    }


def _doubts(each: Planned, seen: Seen) -> Iterator[str]:
    """Yield what the reader must know of a band: that it is elsewhere, was interpolated, has an offset that looks wrong."""
    piece, band = each.piece, each.band
    if piece.found.is_empty:
        yield f"The file of {each.name} does not reach the place."
    if piece.found.ratio < FINER and not piece.found.is_same and band.kind == "continuous":
        size = abs(float(piece.info.grid.resolution.x))
        yield f"The pixels of {each.name} are coarser ({size:g}) than those of the result: its values are interpolated, no detail is added."
    if band.offset < 0 and band.name in OPTICAL and seen.pixels and seen.below_zero > MOST_BELOW_ZERO * seen.pixels:
        yield (
            f"{100 * seen.below_zero / seen.pixels:.0f} % of the values of {each.name} are below 0, which reflectance hardly is: "
            f"the offset {band.offset:g} that is stated may already be in the stored values."
        )
