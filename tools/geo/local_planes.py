"""Run an operation of the plane anywhere on the Earth: in the layer's own CRS where that is true enough, else in planes around the shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from pyproj import CRS

from tools.errors import ParameterError
from tools.geo.dissolve import groups_of
from tools.geo.frame import Floats, Frame, geodetic_frame, transformer
from tools.geo.plane import LocalPlane, Projection
from tools.geo.rings import Geometries, Indexes
from tools.geo.transform import transform

MOST_VARIATION = 1e-3
"""Largest variation of scale over an extent, between places and between directions, at which a CRS is a plane of its own."""
GRID_NODES = 9
"""Nodes per side of the grid on which scale is measured."""
STEP_SHARE = 1e-4
"""Length of the steps by which scale is measured, as a share of the extent."""
CELL_DEGREES = 1.0
"""Shapes whose middles lie in a cell of about 110 km, and that are no larger, share a plane; a metre there is true to 0.01 %."""
FARTHEST_DEGREES = 90.0
"""Farthest that a shape may reach from its middle: half the Earth."""
_PLACES = {"aeqd": "azimuthal equidistant", "laea": "Lambert azimuthal equal-area"}
PlaneOperation = Callable[[Geometries, float], Geometries]
"""Makes geometries of geometries in a plane; the number is the plane's metres per unit."""


@dataclass(frozen=True)
class Middle:
    """Where shapes lie on the Earth."""

    lonlat: Floats
    """Middle of the vertices of each in degrees, shape (geometry, 2); NaN for missing ones."""
    reach: Floats
    """Farthest vertex from the middle, in degrees of arc, shape (geometry,)."""


def metres_per_unit(crs: CRS, bounds: tuple[float, float, float, float]) -> float | None:
    """Return the metres on the ground per unit of a projected CRS whose scale varies by at most 0.1 % over an extent.

    None for longitude, latitude, and for larger variation (Web Mercator over 10 km from south to north). `bounds` are left, bottom, right, top in `crs`.
    """
    if geodetic_frame(crs).is_lonlat:
        return None
    low, high = scale_range(crs, bounds)
    return (low + high) / 2 if high - low <= MOST_VARIATION * low else None


def scale_range(crs: CRS, bounds: tuple[float, float, float, float]) -> tuple[float, float]:
    """Return the least and the most metres on the ground per unit of a projected CRS, over places and directions of an extent.

    Places that the CRS does not have are left out.
    """
    frame = geodetic_frame(crs)
    left, bottom, right, top = bounds
    step = max(right - left, top - bottom, 1.0) * STEP_SHARE
    x, y = (axis.ravel() for axis in np.meshgrid(np.linspace(left, right, GRID_NODES), np.linspace(bottom, top, GRID_NODES)))
    here = _lonlat(x, y, frame)
    scales = []
    for dx, dy in ((step, 0.0), (0.0, step), (step, step), (step, -step)):
        metres = frame.geod.inv(*here, *_lonlat(x + dx, y + dy, frame))[2]
        scales.append(np.asarray(metres) / np.hypot(dx, dy))
    found = np.array(scales)
    known = found[np.isfinite(found)]
    return float(known.min(initial=np.inf)), float(known.max(initial=0.0))


def in_planes(geometries: Geometries, crs: CRS, operate: PlaneOperation, projection: Projection = "aeqd") -> Geometries:
    """Return what an operation makes of each valid geometry, in the same CRS; missing ones stay None.

    Works in the layer's own CRS where `metres_per_unit` finds it true over the layer, so that coordinates stay exact; else in an
    azimuthal plane around each shape (small ones of a neighbourhood share one), also across the antimeridian and around poles.
    Raises ParameterError for a shape that reaches around more than half the Earth.
    """
    there = np.asarray(geometries, dtype=object)
    present = np.flatnonzero(~shapely.is_missing(there))
    made: Geometries = np.full(len(there), None, dtype=object)
    if not len(present):
        return made
    own_scale = own_plane(there, crs)
    if own_scale is not None:
        made[present] = operate(there[present], own_scale)
        return made
    geodetic = geodetic_frame(crs).geodetic
    lonlat = transform(there, crs, geodetic)
    for (lon, lat), own in _planes(lonlat, geodetic):
        made[own] = LocalPlane(geodetic, lon, lat, projection).applied(lonlat[own], lambda shapes: operate(shapes, 1.0))
    return transform(made, geodetic, crs)


def _lonlat(x: Floats, y: Floats, frame: Frame) -> tuple[Floats, Floats]:
    """Return longitude, latitude in degrees, infinite where the CRS has no place."""
    lon, lat = transformer(frame.crs, frame.geodetic).transform(x, y)
    to_degrees = np.degrees(frame.radians_per_unit)
    return np.asarray(lon) * to_degrees, np.asarray(lat) * to_degrees


def own_plane(geometries: Geometries, crs: CRS) -> float | None:
    """Return the metres per unit of the CRS of geometries where it is a plane true enough for them, else None."""
    left, bottom, right, top = (float(value) for value in shapely.total_bounds(geometries))
    return metres_per_unit(crs, (left, bottom, right, top))


def plane_method(geometries: Geometries, crs: CRS, projection: Projection = "aeqd") -> dict[str, Any]:
    """Return, JSON-safe, in which plane shapes are made and why, for `ToolOutput.method`."""
    if own_plane(geometries, crs) is not None:
        return {"plane": crs.name, "plane_reason": "its scale varies by less than 0.1 % over the layer"}
    reason = f"{crs.name} has no true metres over the layer"
    return {"plane": f"{_PLACES[projection]}, around each shape", "plane_reason": reason}


def middles(lonlat: Geometries, geodetic: CRS) -> Middle:
    """Return where geometries in longitude, latitude lie: the direction of the mean of their vertices on the sphere."""
    xy, owner = shapely.get_coordinates(lonlat, return_index=True)
    lon, lat = (xy * geodetic_frame(geodetic).radians_per_unit).T
    sphere = np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    total = np.stack([np.bincount(owner, weights=axis, minlength=len(lonlat)) for axis in sphere.T], axis=1)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    count = np.bincount(owner, minlength=len(lonlat))
    mean = np.divide(total, length, out=np.full_like(total, np.nan), where=(count[:, None] > 0) & (length > 0))
    cosine = np.ones(len(lonlat))
    np.minimum.at(cosine, owner, np.nan_to_num((sphere * mean[owner]).sum(axis=1), nan=-1.0))
    return Middle(
        np.degrees(np.column_stack([np.arctan2(mean[:, 1], mean[:, 0]), np.arcsin(np.clip(mean[:, 2], -1, 1))])),
        np.degrees(np.arccos(np.clip(cosine, -1, 1))),
    )


def require_half_earth(reach_degrees: float, what: str) -> None:
    """Raise ParameterError where something reaches around more than half the Earth, so that no plane holds it."""
    if reach_degrees > FARTHEST_DEGREES:
        raise ParameterError(
            f"{what} reach {reach_degrees:.0f} degrees of arc from their middle, more than half the Earth: no plane holds them.",
            hint="Filter the layer to a part of the Earth with 'where', or make the shapes per group with 'by'.",
        )


def _planes(lonlat: Geometries, geodetic: CRS) -> Iterator[tuple[tuple[float, float], Indexes]]:
    """Yield the centre of each plane (longitude, latitude in degrees) and the positions of the geometries that belong into it."""
    middle = middles(lonlat, geodetic)
    present = ~shapely.is_missing(lonlat)
    require_half_earth(float(middle.reach[present].max(initial=0.0)), "The shapes")
    small = present & (middle.reach <= CELL_DEGREES / 2)
    for position in np.flatnonzero(present & ~small):
        yield (float(middle.lonlat[position, 0]), float(middle.lonlat[position, 1])), np.array([position])
    yield from _shared(middle.lonlat, np.flatnonzero(small))


def _shared(lonlat: Floats, positions: Indexes) -> Iterator[tuple[tuple[float, float], Indexes]]:
    """Deal small shapes out to cells of 1 degree, narrower in longitude towards the equator's size of it."""
    lat = np.clip(np.floor(lonlat[positions, 1] / CELL_DEGREES) + 0.5, -90, 90) * CELL_DEGREES
    columns = np.maximum(1, np.round(360 * np.cos(np.radians(lat)) / CELL_DEGREES))
    lon = (np.floor((lonlat[positions, 0] + 180) / 360 * columns) + 0.5) * 360 / columns - 180
    for centre, own in groups_of(list(zip(lon.tolist(), lat.tolist(), strict=True))).items():
        yield centre, positions[own]
