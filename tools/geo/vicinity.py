"""Where layers lie in relation to each other: do they meet at all, and which parts of one are near the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from tools.geo.frame import geodetic_frame, rough_transformer, transformer
from tools.geo.rings import Geometries
from tools.geo.transform import transform

Bounds = tuple[float, float, float, float]
MARGIN = 0.05
"""Share of the extent by which it is widened before another layer is cut to it, so that no cut edge can touch it."""
LEAST_MARGIN_DEGREES = 0.01
_SLACK_DEGREES = 1e-7
"""About 1 cm: layers that share a border in two CRSs meet."""


@dataclass(frozen=True)
class Brought:
    """Geometries of another layer in the CRS of a layer."""

    geometries: Geometries
    """In the layer's CRS, same order; None where they are not near the layer. Only the parts near the layer may be left."""
    reaches: NDArray[np.bool_]
    """Which of them reach into the layer's extent."""


def extent_region(bounds: Bounds, crs: CRS, margin: float = 0.0) -> shapely.Geometry:
    """Return the extent (left, bottom, right, top in `crs`) as boxes in longitude, latitude on the same datum.

    `margin` widens it, as a share of its size. Two boxes where it crosses the antimeridian; the whole Earth where the
    extent has no bounds in longitude, latitude.
    """
    frame = geodetic_frame(crs)
    west, south, east, north = bounds
    if not frame.is_lonlat:
        west, south, east, north = transformer(frame.crs, frame.geodetic).transform_bounds(*bounds, densify_pts=21)
    if not np.isfinite([west, south, east, north]).all():
        return shapely.box(-180, -90, 180, 90)
    width = east - west + (360 if west > east else 0)
    dx = max(width * margin, LEAST_MARGIN_DEGREES) if margin else _SLACK_DEGREES
    dy = max((north - south) * margin, LEAST_MARGIN_DEGREES) if margin else _SLACK_DEGREES
    west, south, north = west - dx, max(south - dy, -90.0), min(north + dy, 90.0)
    east = west + min(width + 2 * dx, 360.0)
    turns = [shapely.box(west + turn, south, east + turn, north) for turn in (-360, 0, 360)]
    return shapely.intersection(shapely.MultiPolygon(turns) if width + 2 * dx < 360 else shapely.box(-180, south, 180, north), WORLD)


WORLD = shapely.box(-180, -90, 180, 90)


def lonlat_bounds(bounds: Bounds, crs: CRS) -> Bounds:
    """Return the extent as (west, south, east, north) in degrees of WGS 84; west exceeds east across the antimeridian."""
    frame = geodetic_frame(crs)
    west, south, east, north = rough_transformer(frame.located, CRS.from_epsg(4326)).transform_bounds(*bounds, densify_pts=21)
    if not np.isfinite([west, south, east, north]).all():
        return (-180.0, -90.0, 180.0, 90.0)
    return (float(west), float(south), float(east), float(north))


def wrapped_bbox(bbox: Bounds) -> Bounds:
    """Bring the longitudes of a bbox in degrees into -180…180: west exceeds east across the antimeridian."""
    west, south, east, north = bbox
    return (-180.0, south, 180.0, north) if east - west >= 360 else (_wrapped(west), south, _wrapped(east), north)


def _wrapped(longitude: float) -> float:
    """Bring a longitude into -180…180; both ends stay where they are."""
    return longitude if -180 <= longitude <= 180 else (longitude + 180) % 360 - 180


def bring(other: Geometries, other_crs: CRS, bounds: Bounds, crs: CRS) -> Brought:
    """Take valid geometries into the CRS of a layer with these bounds, leaving out what is not near it.

    Cutting to the surroundings keeps far places, which have no coordinates in a local CRS, out of the way.
    """
    geodetic = geodetic_frame(crs).geodetic
    there = transform(other, other_crs, geodetic)
    reaches = np.asarray(shapely.intersects(there, extent_region(bounds, crs)))
    if other_crs == crs:
        return Brought(np.asarray(other, dtype=object), reaches)
    return Brought(transform(_cut(there, extent_region(bounds, crs, MARGIN)), geodetic, crs), reaches)


def _cut(geometries: Geometries, region: shapely.Geometry) -> Geometries:
    """Return the parts inside a region; None for what lies outside."""
    shapely.prepare(region)
    cut: Geometries = np.full(len(geometries), None, dtype=object)
    inside = shapely.covers(region, geometries)
    cut[inside] = geometries[inside]
    across = np.flatnonzero(~inside & shapely.intersects(region, geometries))
    cut[across] = shapely.intersection(geometries[across], region)
    return cut
