"""The values of a raster at places: of the pixel there, between pixel centres, or as a mean around."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from tools.geo.band_math import MaskedArray
from tools.geo.coverage import Outlines, blocks, to_pixels
from tools.geo.frame import Floats, geodetic_frame
from tools.geo.grid import Window, crs_of, window_grid
from tools.geo.pixels import pixel_areas
from tools.geo.rings import Geometries, Indexes
from tools.storage.rasters import band_array

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox
    from rasterio.io import DatasetReader

TILE_PX = 1024
"""Side of the squares in which a raster is read around places: 8 MB as float64."""
EDGE_PX = 1e-6
"""How far, in pixels, a place may lie beyond the raster and still be on its edge: rounding of a transformation."""


@dataclass(frozen=True)
class Sampled:
    """What was found at every place."""

    values: Floats
    """`(band, place)`, NaN where there is none."""
    inside: NDArray[np.bool_]
    """Which places the raster reaches, shape (place,)."""
    valid_m2: Floats | None = None
    """Of means: how much ground with data they are of, `(band, place)`."""


def pixel_places(points: Geometries, grid: GeoBox) -> Floats:
    """Return column and row of points, given in the CRS of the grid, shape (point, 2): 0 is the outer edge of the first pixel.

    NaN where there is no point, or it lies outside the grid; longitudes are turned to where the grid lies. A point on an outer edge is inside.
    """
    xy = np.full((len(points), 2), np.nan)
    present = ~shapely.is_missing(points)
    xy[present] = shapely.get_coordinates(points[present])
    frame = geodetic_frame(crs_of(grid))
    if frame.is_lonlat:
        turn, left = 2 * np.pi / frame.radians_per_unit, grid.boundingbox[0]
        xy[:, 0] += turn * np.ceil((left - xy[:, 0]) / turn - EDGE_PX / turn)
    inverse, (height, width) = ~grid.transform, grid.shape
    col = inverse.a * xy[:, 0] + inverse.b * xy[:, 1] + inverse.c
    row = inverse.d * xy[:, 0] + inverse.e * xy[:, 1] + inverse.f
    outside = ~((col >= -EDGE_PX) & (col <= width + EDGE_PX) & (row >= -EDGE_PX) & (row <= height + EDGE_PX))
    places = np.column_stack([np.clip(col, 0, width), np.clip(row, 0, height)])
    places[outside] = np.nan
    return places


def at_places(dataset: DatasetReader, bands: Sequence[int], places: Floats, *, bilinear: bool, told: Callable[[float], None]) -> Sampled:
    """Return the values at places (column, row): of the pixel that holds each, or between the centres of the four around it.

    Between pixels, those that are not valid do not count, and a place within one that is not valid has no value (as GDAL does it).
    Half a pixel from the edge of the raster on, the outermost pixels continue.
    """
    inside = ~np.isnan(places[:, 0])
    values = np.full((len(bands), len(places)), np.nan)
    numbers = np.flatnonzero(inside)
    for window, own in _tiles(places[inside], dataset.shape):
        members = numbers[own]
        for position, band in enumerate(bands):
            pixels = band_array(dataset, band, window)
            values[position, members] = (_between if bilinear else _within)(pixels, window, places[members])
        told(len(own) / len(places))
    return Sampled(values, inside)


def around_places(
    dataset: DatasetReader, bands: Sequence[int], circles: Geometries, grid: GeoBox, told: Callable[[float], None]
) -> Sampled:
    """Return the mean over polygons in the CRS of the grid, weighted by covered share and true area of the pixels."""
    pixel_circles = to_pixels(circles, grid)
    total, weight = (np.zeros((len(bands), len(circles))) for _ in range(2))
    reached = np.zeros(len(circles))
    plan, outlines = tuple(blocks(pixel_circles, grid)), Outlines(pixel_circles, grid)
    for number, block in enumerate(plan, start=1):
        areas = pixel_areas(window_grid(grid, block.window))
        arrays = [band_array(dataset, band, block.window) for band in bands]
        for member, cells in zip(block.members, outlines.covered(block).by_member(len(block.members)), strict=True):
            share = cells.share * areas.at(cells.row, cells.col)
            reached[member] += share.sum()
            for position, pixels in enumerate(arrays):
                flat = pixels[cells.row, cells.col]
                valid = np.where(np.ma.getmaskarray(flat), 0.0, share)
                total[position, member] += (np.where(valid > 0, flat.data, 0) * valid).sum()
                weight[position, member] += valid.sum()
        told(number / len(plan))
    known = weight > 0
    values = np.divide(total, weight, out=np.full_like(total, np.nan), where=known)
    return Sampled(values, reached > 0, weight)


def _tiles(places: Floats, shape: tuple[int, int]) -> Iterator[tuple[Window, Indexes]]:
    """Yield the squares that hold places, each trimmed to them and what interpolation needs, with the places' positions."""
    height, width = shape
    cells = np.minimum(np.floor(places[:, ::-1]).astype(np.int64), (height - 1, width - 1))
    across = -(-width // TILE_PX)
    tiles = (cells[:, 0] // TILE_PX) * across + cells[:, 1] // TILE_PX
    order = np.argsort(tiles, kind="stable")
    for own in np.split(order, np.flatnonzero(np.diff(tiles[order])) + 1) if len(order) else ():
        (top, left), (bottom, right) = cells[own].min(axis=0), cells[own].max(axis=0)
        top, left, bottom, right = max(0, top - 1), max(0, left - 1), min(height, bottom + 2), min(width, right + 2)
        yield (int(top), int(left), int(bottom - top), int(right - left)), own


def _within(pixels: MaskedArray, window: Window, places: Floats) -> Floats:
    row, col = _cells(places, window)
    found = pixels[row, col]
    values: Floats = np.where(np.ma.getmaskarray(found), np.nan, found.data.astype(np.float64))
    return values


def _between(pixels: MaskedArray, window: Window, places: Floats) -> Floats:
    """Interpolate; the window holds all four neighbours that the raster has."""
    height, width = pixels.shape
    left, top = (np.floor(places[:, axis] - 0.5) for axis in (0, 1))
    along, down = places[:, 0] - 0.5 - left, places[:, 1] - 0.5 - top
    total, weight = np.zeros(len(places)), np.zeros(len(places))
    for step_row, step_col in ((0, 0), (0, 1), (1, 0), (1, 1)):
        row = np.clip(top.astype(np.int64) + step_row - window[0], 0, height - 1)
        col = np.clip(left.astype(np.int64) + step_col - window[1], 0, width - 1)
        found = pixels[row, col]
        share = (down if step_row else 1 - down) * (along if step_col else 1 - along)
        share = np.where(np.ma.getmaskarray(found), 0.0, share)
        total += np.where(share > 0, found.data, 0) * share
        weight += share
    hidden = np.isnan(_within(pixels, window, places)) | (weight == 0)
    values: Floats = np.divide(total, weight, out=np.full(len(places), np.nan), where=~hidden)
    return values


def _cells(places: Floats, window: Window) -> tuple[Any, Any]:  # Any: arrays of whole numbers
    """Return row and column within a window of the pixels that hold places; the outer edge belongs to the last pixel."""
    row, col, height, width = window
    cells = np.floor(places).astype(np.int64)
    return np.minimum(cells[:, 1] - row, height - 1), np.minimum(cells[:, 0] - col, width - 1)
