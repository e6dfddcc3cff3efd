"""The place of a scene: from the geometry of its record to a valid shape in longitude, latitude."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from pyproj import CRS

from tools.geo.antimeridian import wrap_longitudes
from tools.geo.unfold import unfold

WGS84 = CRS.from_epsg(4326)
Bounds = tuple[float, float, float, float]


def footprint(geometry: Mapping[str, Any]) -> shapely.Geometry:  # Any: GeoJSON
    """Return a GeoJSON geometry as a valid shape within -180 to 180 degrees, split at the antimeridian.

    A ring that jumps by more than half a turn is read as crossing the antimeridian: no scene is that wide. Longitudes a
    little beyond 180 are shifted. The outline decides, never a bounding box beside it.
    Raises ValueError for what is no geometry, DataError for coordinates that are no degrees.
    """
    try:
        shape = shapely.geometry.shape(geometry)
    except (AttributeError, IndexError, KeyError, TypeError, shapely.errors.ShapelyError) as error:
        raise ValueError("its geometry is no GeoJSON") from error
    if shape.is_empty:
        raise ValueError("its geometry is empty")
    shape = shapely.force_2d(shape)
    west, south, east, north = shape.bounds
    if west >= -180 and east <= 180 and east - west <= 180 and south >= -90 and north <= 90 and shape.is_valid:
        return shape  # nearly all scenes; the way below takes a millisecond for each
    unfolded = unfold(np.array([shape], dtype=object))
    return wrap_longitudes(shapely.make_valid(unfolded), WGS84)[0][0]


def bounds_region(bounds: Sequence[float]) -> shapely.Geometry:
    """Return west, south, east, north in degrees as a shape; two boxes where west exceeds east."""
    west, south, east, north = bounds
    if west == 180.0 and east < 180.0:
        west = -180.0  # the same meridian; a box of no width would be no box
    if west <= east:
        return shapely.box(west, south, east, north)
    return shapely.MultiPolygon([shapely.box(west, south, 180.0, north), shapely.box(-180.0, south, east, north)])


def boxes_of(region: shapely.Geometry) -> tuple[Bounds, ...]:
    """Return one box around a region, or one on each side of the antimeridian where that is smaller than half the Earth each.

    Boxes are west, south, east, north in degrees and never cross the antimeridian, which not every catalogue understands.
    """
    west, _, east, _ = region.bounds
    if east - west <= 180.0:
        return (_box(region),)
    halves = [shapely.intersection(region, shapely.box(start, -90.0, start + 180.0, 90.0)) for start in (-180.0, 0.0)]
    return tuple(_box(half) for half in halves if not half.is_empty)


def _box(region: shapely.Geometry) -> Bounds:
    west, south, east, north = (float(edge) for edge in region.bounds)
    return (west, south, east, north)
