"""Walk over a raster block by block and tally what lies in each zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from tools.contract import Source
from tools.errors import LimitError
from tools.geo.coverage import Block, blocks, covered_cells, to_pixels
from tools.geo.frame import Floats
from tools.geo.grid import Window, window_grid
from tools.geo.pixels import area_varies, pixel_area_m2, pixel_area_range_m2
from tools.geo.rings import Geometries
from tools.geo.transform import transformation_record
from tools.geo.vicinity import bring
from tools.storage.rasters import RasterInfo, band_array, iter_strips, open_raster
from tools.zonal.tally import Pixels, Tally
from tools.zonal.zones import Zones

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox
    from rasterio.io import DatasetReader

MAX_KEPT_VALUES = 50_000_000
"""Most distinct values (with their weights, 32 bytes each) that are held over all zones."""
SLACK_PX = 1e-3
"""How far, in pixels, a zone may reach beyond the raster and still count as inside: rounding of a transformation."""


@dataclass(frozen=True)
class Band:
    """The band under survey and how it is read."""

    source: Source
    index: int
    """1-based."""
    info: RasterInfo
    keep_values: bool
    """Whether the distribution of values is asked for."""
    max_pixels: int
    """Most pixels that may be read."""


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
    transformations: tuple[dict[str, str], ...] = ()


def survey_zones(band: Band, zones: Zones) -> Survey:
    """Tally the pixels of every zone by exact covered share; zones in another CRS are taken to the raster's."""
    grid = band.info.grid
    left, bottom, right, top = grid.boundingbox
    near = bring(zones.geometries, zones.crs, (left, bottom, right, top), band.info.crs).geometries
    polygons = to_pixels(near, grid)
    plan = tuple(blocks(polygons, grid))
    _check_pixels(sum(block.window[2] * block.window[3] for block in plan), band)
    ground = window_grid(grid, _around(plan)) if plan else grid
    by_area = area_varies(ground)
    tallies = tuple(Tally(by_area=by_area, keep_values=band.keep_values) for _ in zones.names)
    with open_raster(band.source) as dataset:
        for block in plan:
            values, valid, area = _read(dataset, band, block.window)
            for zone in block.members:
                covered = covered_cells(polygons[zone], block.window, grid.shape[0])
                tallies[zone].add(Pixels(values[covered.cells], valid[covered.cells], covered.fraction, area[covered.cells]))
            _check_kept(tallies)
    moved = () if zones.crs == band.info.crs else (transformation_record("zones", zones.crs, band.info.crs, zones.geometries),)
    return Survey(tallies, by_area, pixel_area_range_m2(ground), _inside(zones.geometries, near, polygons, grid), moved)


def survey_raster(band: Band) -> Survey:
    """Tally all pixels of the raster."""
    grid = band.info.grid
    height, width = grid.shape
    _check_pixels(height * width, band)
    by_area = area_varies(grid)
    tally = Tally(by_area=by_area, keep_values=band.keep_values)
    with open_raster(band.source) as dataset:
        for window in iter_strips(height, width):
            values, valid, area = _read(dataset, band, window)
            tally.add(Pixels(values, valid, np.ones(len(values)), area))
            _check_kept((tally,))
    return Survey((tally,), by_area, pixel_area_range_m2(grid), inside=(True,))


def _read(dataset: DatasetReader, band: Band, window: Window) -> tuple[Floats, NDArray[np.bool_], Floats]:
    """Return values, whether they are valid (finite and not masked), and areas of the pixels of a window, each of shape (pixel,)."""
    array = band_array(dataset, band.index, window)
    values = array.data.astype(np.float64).ravel()
    valid = ~np.ma.getmaskarray(array).ravel() & np.isfinite(values)
    area = np.broadcast_to(pixel_area_m2(window_grid(band.info.grid, window)), array.shape)
    return values, valid, area.ravel()


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


def _check_kept(tallies: Sequence[Tally]) -> None:
    kept = sum(tally.kept for tally in tallies)
    if kept > MAX_KEPT_VALUES:
        raise LimitError(
            f"Percentiles, majorities and classes hold every distinct value: {kept:,} here, the limit is {MAX_KEPT_VALUES:,}.",
            hint="Ask for mean, min, max or std, for fewer zones, or classify the raster first.",
        )
