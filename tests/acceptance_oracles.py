"""Independent computations on real data: areas by geodesics, pixel coverage by cutting boundary pixels, distances by brute force.

Nothing here uses the project's tools; zonal statistics do not use exactextract.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import pyproj
import rasterio
import rasterio.features
import shapely
from affine import Affine
from shapely.geometry.base import BaseGeometry

GEOD = pyproj.Geod(ellps="WGS84")

TILE = 32
"""Pixels along the edge of a tile in which boundary pixels are cut together."""

Floats = npt.NDArray[np.float64]


@cache
def _transformer(src_crs: object, dst_crs: object) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(src_crs, dst_crs, always_xy=True)


def read(path: Path) -> geopandas.GeoDataFrame:
    """Read a layer as it is."""
    return geopandas.read_parquet(path) if path.suffix == ".parquet" else geopandas.read_file(path)


def geodesic_area_m2(geometry: BaseGeometry, crs: object, step: float) -> float:
    """Return the area on WGS84 of a geometry whose edges are straight in `crs`, cut into pieces of `step` units."""
    to_lonlat = _transformer(crs, "EPSG:4326")
    dense = shapely.segmentize(geometry, step)
    placed = shapely.transform(dense, lambda xy: np.column_stack(to_lonlat.transform(xy[:, 0], xy[:, 1])))
    return abs(float(GEOD.geometry_area_perimeter(shapely.orient_polygons(placed))[0]))


def union_area_m2(frame: geopandas.GeoDataFrame, step: float) -> float:
    """Return the area of all features, overlap counted once."""
    return geodesic_area_m2(shapely.union_all(shapely.make_valid(frame.geometry.values)), frame.crs, step)


def coverage(geometry: BaseGeometry, transform: Affine, shape: tuple[int, int]) -> Floats:
    """Return which fraction of every pixel (row, col) a geometry in the raster's CRS covers, for a north-up raster.

    Pixels at the boundary, and their neighbours, are cut as polygons, tile by tile; of the others the centre decides.
    """
    fractions = rasterio.features.rasterize([(geometry, 1)], out_shape=shape, transform=transform, dtype="uint8").astype(float)
    edge = rasterio.features.rasterize([(geometry.boundary, 1)], out_shape=shape, transform=transform, all_touched=True).astype(bool)
    edge = edge | np.roll(edge, 1, 0) | np.roll(edge, -1, 0)
    edge = edge | np.roll(edge, 1, 1) | np.roll(edge, -1, 1)
    rows, columns = np.nonzero(edge)
    tiles = (rows // TILE) * (shape[1] // TILE + 1) + columns // TILE
    for tile in np.unique(tiles):
        here = tiles == tile
        fractions[rows[here], columns[here]] = _cut(geometry, transform, rows[here], columns[here])
    return fractions


def _cut(geometry: BaseGeometry, transform: Affine, rows: npt.NDArray[Any], columns: npt.NDArray[Any]) -> Floats:
    left, top = transform.c + columns * transform.a, transform.f + rows * transform.e
    pixels = shapely.box(left, top + transform.e, left + transform.a, top)
    piece = shapely.intersection(geometry, shapely.box(*shapely.total_bounds(pixels)))
    return np.asarray(shapely.area(shapely.intersection(pixels, piece)) / abs(transform.a * transform.e))


def in_crs(geometry: BaseGeometry, src_crs: object, dst_crs: object, step: float) -> BaseGeometry:
    """Return a geometry in another CRS, its edges cut into pieces of `step` units of the old one."""
    transformer = _transformer(src_crs, dst_crs)
    return shapely.transform(shapely.segmentize(geometry, step), lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])))


def pixel_areas_m2(transform: Affine, shape: tuple[int, int], crs: object) -> Floats:
    """Return the geodesic area of pixels (row, 1) of a north-up raster, of the middle column.

    Along a row the area is constant in degrees; in UTM and national systems it changes by less than 1e-4 over the extents used here.
    """
    column = shape[1] // 2
    left, right = transform.c + column * transform.a, transform.c + (column + 1) * transform.a
    tops = transform.f + np.arange(shape[0]) * transform.e
    pixels = [shapely.box(left, top + transform.e, right, top) for top in tops]
    return np.array([[geodesic_area_m2(pixel, crs, abs(transform.a) / 4)] for pixel in pixels])


def read_band(path: Path) -> tuple[np.ma.MaskedArray[Any, Any], Affine, Any]:
    """Return the first band, masked where it is nodata, with its transform and CRS."""
    with rasterio.open(path) as dataset:
        return dataset.read(1, masked=True), dataset.transform, dataset.crs
