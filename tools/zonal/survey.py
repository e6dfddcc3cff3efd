"""Walk over a raster block by block, in several threads, and tally what lies in each zone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from tools.contract import Source
from tools.errors import LimitError
from tools.geo.coverage import BLOCK_PX, Block, Cells, Covered, Outlines, Runs, blocks, to_pixels
from tools.geo.edges import Borders, shared_sides
from tools.geo.grid import Window, window_grid
from tools.geo.pixels import area_varies, pixel_area_range_m2, pixel_areas
from tools.geo.rings import Geometries
from tools.geo.transform import transformation_record
from tools.geo.vicinity import bring
from tools.storage.lanes import in_lanes
from tools.storage.rasters import RasterInfo, band_array, iter_strips, open_raster
from tools.zonal.tally import Tallies, Tally
from tools.zonal.totals import Pixels, Totals, Wanted, block_totals
from tools.zonal.zones import Zones

Sides = tuple[NDArray[Any], NDArray[np.float64]]

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox
    from rasterio.io import DatasetReader

MAX_KEPT_VALUES = 50_000_000
"""Most distinct values (with their weights, 32 bytes each) that are held over all zones."""
SLACK_PX = 1e-3
"""How far, in pixels, a zone may reach beyond the raster and still count as inside: rounding of a transformation."""
BLOCK_PIXELS = BLOCK_PX * BLOCK_PX // 4
"""Pixels in whole rows that each thread reads at once: it then holds some 50 MB."""


@dataclass(frozen=True)
class Band:
    """The band under survey and how it is read."""

    source: Source
    index: int
    """1-based."""
    info: RasterInfo
    statistics: tuple[str, ...]
    classes: bool
    """Whether areas of classes are asked for."""
    keep_values: bool
    """Whether the distribution of values is asked for."""
    max_pixels: int
    """Most pixels that may be read."""
    progress: Callable[[float], None]

    def wanted(self, ground: GeoBox) -> Wanted:
        """Return what to sum up on this ground."""
        asked = {*self.statistics}
        return Wanted(area_varies(ground), not asked.isdisjoint(("min", "max", "range")), "std" in asked, self.keep_values)


@dataclass(frozen=True)
class Survey:
    """What was found."""

    tallies: tuple[Tally, ...]
    """One per zone."""
    by_area: bool
    """Whether values are weighted by covered share x pixel area (else by covered share)."""
    pixel_area_m2: tuple[float, float]
    """Smallest and largest pixel area on the ground that was looked at."""
    inside: tuple[bool, ...]
    """Whether each zone lies wholly on the raster."""
    borders: Borders
    """The sides between pixels of different classes within the zones; none unless classes are asked for."""
    transformations: tuple[dict[str, str], ...] = ()


def survey_zones(band: Band, zones: Zones) -> Survey:
    """Tally the pixels of every zone by exact covered share; zones in another CRS are taken to the raster's."""
    grid = band.info.grid
    left, bottom, right, top = grid.boundingbox
    near = bring(zones.geometries, zones.crs, (left, bottom, right, top), band.info.crs).geometries
    polygons = to_pixels(near, grid)
    plan = tuple(blocks(polygons, grid, _block_shape(band.info)))
    ground = window_grid(grid, _around(plan)) if plan else grid
    wanted = band.wanted(ground)
    tallies, borders = _tallied(band, plan, Outlines(polygons, grid).covered, len(zones.names), wanted)
    moved = () if zones.crs == band.info.crs else (transformation_record("zones", zones.crs, band.info.crs, zones.geometries),)
    inside = _inside(zones.geometries, near, polygons, grid)
    return Survey(tallies, wanted.by_area, pixel_area_range_m2(ground), inside, borders, moved)


def survey_raster(band: Band) -> Survey:
    """Tally all pixels of the raster."""
    grid = band.info.grid
    plan = tuple(Block(window, np.zeros(1, dtype=np.intp)) for window in iter_strips(band.info.height, band.info.width, BLOCK_PIXELS))
    wanted = band.wanted(grid)
    tallies, borders = _tallied(band, plan, _whole, 1, wanted)
    return Survey(tallies, wanted.by_area, pixel_area_range_m2(grid), (True,), borders)


def _tallied(
    band: Band, plan: Sequence[Block], covered: Callable[[Block], Covered], zones: int, wanted: Wanted
) -> tuple[tuple[Tally, ...], Borders]:
    """Read and sum up the blocks side by side, and take them in one after another: the same numbers whatever the threads."""
    _check_pixels(sum(block.window[2] * block.window[3] for block in plan), band)

    def totals(dataset: DatasetReader, block: Block) -> tuple[Totals, Sides | None]:
        pixels = _read(dataset, band, block.window)
        sides = _sides(dataset, band, block, covered) if band.classes else None
        return block_totals(pixels, covered(block), len(block.members), wanted), sides

    tallies, borders = Tallies(zones), Borders()
    with closing(in_lanes(lambda: open_raster(band.source), totals, plan)) as results:  # whatever is raised here ends the threads
        for done, (block, (found, sides)) in enumerate(zip(plan, results, strict=True), start=1):
            tallies.add(block.members, found)
            if sides is not None:
                borders.add(sides)
            _check_kept(tallies)
            band.progress(done / len(plan))
    return tallies.each(), borders


def _sides(dataset: DatasetReader, band: Band, block: Block, covered: Callable[[Block], Covered]) -> Sides:
    """Return the sides between unlike pixels of a block, those towards the next blocks included."""
    row, col, height, width = block.window
    window = (row, col, min(height + 1, band.info.height - row), min(width + 1, band.info.width - col))
    pixels = _read(dataset, band, window)
    share = np.minimum(covered(Block(window, block.members)).total(*window[2:]), 1)
    return shared_sides(_one_per_label(pixels.values, band.info), pixels.valid & (share > 0), pixels.areas, (height, width), share=share)


def _one_per_label(values: NDArray[Any], info: RasterInfo) -> NDArray[Any]:
    """Return the values, of those with one label the first for all: between them runs no border."""
    first: dict[str, float] = {}
    for text, label in info.classes.items():
        chosen = first.setdefault(label, float(text))
        if chosen != float(text):
            values = np.where(values == float(text), chosen, values)
    return values


def _whole(block: Block) -> Covered:
    """Return that a window is covered wholly."""
    _, _, height, width = block.window
    nothing, rows = np.zeros(0, dtype=np.intp), np.arange(height)
    runs = Runs(np.zeros_like(rows), rows, np.zeros_like(rows), np.full_like(rows, width))
    return Covered(runs, Cells(nothing, nothing, nothing, np.zeros(0)))


def _read(dataset: DatasetReader, band: Band, window: Window) -> Pixels:
    """Read the pixels of a window; valid are those that are finite, not masked, and somewhere on the Earth."""
    array = band_array(dataset, band.index, window)
    valid = ~np.ma.getmaskarray(array)
    if array.dtype.kind == "f":
        valid &= np.isfinite(array.data)
    areas = pixel_areas(window_grid(band.info.grid, window))
    if not areas.lines.all():
        valid &= areas.dense() > 0
    return Pixels(array.data, valid, areas)


def _block_shape(info: RasterInfo) -> tuple[int, int]:
    """Return the largest block to read at once: whole rows of a raster that is stored in rows, else blocks of tiles."""
    height, width = info.block_shape
    if width < info.width or info.width <= BLOCK_PX:
        return BLOCK_PX // 2, BLOCK_PX
    rows = max(1, BLOCK_PIXELS // info.width)
    return max(1, rows // height) * height, info.width


def _inside(zones: Geometries, near: Geometries, polygons: Geometries, grid: GeoBox) -> tuple[bool, ...]:
    """Tell which zones lie wholly on the raster: no part was left out as not near, and none reaches beyond the grid."""
    height, width = grid.shape
    left, bottom, right, top = shapely.bounds(polygons).T
    within = (left >= -SLACK_PX) & (bottom >= -SLACK_PX) & (right <= width + SLACK_PX) & (top <= height + SLACK_PX)
    whole = shapely.get_num_geometries(near) >= shapely.get_num_geometries(zones)
    return tuple((within & whole).tolist())


def _around(plan: Sequence[Block]) -> Window:
    """Return the smallest window around all blocks."""
    windows = np.array([block.window for block in plan])
    top, left = windows[:, :2].min(axis=0)
    bottom, right = (windows[:, :2] + windows[:, 2:]).max(axis=0)
    return int(top), int(left), int(bottom - top), int(right - left)


def _check_pixels(pixels: int, band: Band) -> None:
    if pixels > band.max_pixels:
        raise LimitError(
            f"Reading {pixels:,} pixels of {band.source.path.name!r} is more than the limit of {band.max_pixels:,}.",
            hint="Ask for fewer or smaller zones, or raise TERRACITE_MAX_PIXELS.",
        )


def _check_kept(tallies: Tallies) -> None:
    if tallies.kept > MAX_KEPT_VALUES:
        raise LimitError(
            f"Percentiles, majorities and classes hold every distinct value: {tallies.kept:,} here, the limit is {MAX_KEPT_VALUES:,}.",
            hint="Ask for mean, min, max or std, for fewer zones, or classify the raster first.",
        )
