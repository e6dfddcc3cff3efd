"""Take geometries from one CRS to another so that straight edges keep their course, and say so for the record."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import shapely
from pyproj import CRS

from tools.errors import DataError
from tools.geo.antimeridian import wrap_longitudes
from tools.geo.frame import Axes, Floats, Frame, geodetic_frame, transformer
from tools.geo.geometry import repair
from tools.geo.redraw import redraw
from tools.geo.rings import Geometries, Indexes, Paths
from tools.geo.unfold import TURN, unfold

TOLERANCE_M = 0.1
"""How far an edge may leave its true course in the other CRS; edges that leave it more get vertices in between."""
PIECE_M = 50_000.0
"""Edges are cut to this length before they are tested."""
MOST_PIECES = 1000
"""Most vertices added to one such piece."""
CoordinateFunction = Callable[[Floats], Floats]


def transform(geometries: Geometries, src_crs: CRS, dst_crs: CRS) -> Geometries:
    """Return the geometries in `dst_crs`, with vertices added so that no edge strays by more than 0.1 m.

    Into longitude, latitude: crossings of the antimeridian are split there and polygons around a pole closed along it.
    What the move makes invalid (rings that touch after rounding) is repaired. Missing and empty geometries are None. Raises DataError where a place has no coordinates in `dst_crs`.
    """
    geometries = np.asarray(geometries, dtype=object)
    if src_crs == dst_crs or not len(geometries):
        return geometries
    src, dst = geodetic_frame(src_crs), geodetic_frame(dst_crs)
    move = _coordinate_function(src, dst)
    if not (src.is_lonlat and dst.is_lonlat):
        geometries = keep_course(geometries, move, src, dst)
    moved: Geometries = shapely.transform(geometries, move)
    if dst.is_lonlat and not src.is_lonlat:
        moved = unfold(moved)
    return wrap_longitudes(repair(moved)[0], dst_crs)[0]


def keep_course(geometries: Geometries, move: CoordinateFunction, src: Axes, dst: Axes, tolerance_m: float = TOLERANCE_M) -> Geometries:
    """Return the geometries, not moved yet, with vertices on the edges that `move` would let stray by more than a tolerance."""

    def refine(paths: Paths) -> Paths:
        paths = paths.split(PIECE_M / src.metres_per_unit)
        starts = paths.edges
        strays = _middle_offset(move(paths.xy), move((paths.xy[starts] + paths.xy[starts + 1]) / 2), starts, dst)
        return paths.split_into(np.clip(np.ceil(np.sqrt(strays / tolerance_m)), 1, MOST_PIECES).astype(np.intp))

    return redraw(geometries, refine)


def transformation_record(what: str, src_crs: CRS, dst_crs: CRS) -> dict[str, str]:
    """Return, JSON-safe, which input was taken from which CRS to which and by what operation, for `method`."""
    operation = transformer(geodetic_frame(src_crs).crs, geodetic_frame(dst_crs).crs)
    return {"input": what, "from": src_crs.name, "to": dst_crs.name, "operation": operation.description}


def _coordinate_function(src: Frame, dst: Frame) -> CoordinateFunction:
    """Return a function of coordinates, shape (vertex, 2); it raises DataError where the target has no place."""
    pipeline = transformer(src.crs, dst.crs)

    def move(xy: Floats) -> Floats:
        x, y = pipeline.transform(xy[:, 0], xy[:, 1])
        moved = np.column_stack([x, y])
        if not np.isfinite(moved).all():
            raise DataError(
                f"Some coordinates in {src.crs.name!r} have no place in {dst.crs.name!r}.",
                hint="Filter the layer to the region in question, or reproject it to EPSG:4326 first.",
            )
        if src.is_lonlat and dst.is_lonlat:  # a datum shift must not throw 180 over to -180
            turn = TURN / np.degrees(dst.radians_per_unit)
            there = xy[:, 0] * src.radians_per_unit / dst.radians_per_unit
            moved[:, 0] += turn * np.round((there - moved[:, 0]) / turn)
        return moved

    return move


def _middle_offset(moved: Floats, moved_middle: Floats, starts: Indexes, dst: Axes) -> Floats:
    """Return how far, in metres, each edge's true middle lies from the middle of its moved ends. Shape (edge,)."""
    first, last = moved[starts], moved[starts + 1]
    if dst.is_lonlat:
        turn = TURN / np.degrees(dst.radians_per_unit)
        last[:, 0] += turn * np.round((first[:, 0] - last[:, 0]) / turn)
    offset = moved_middle - (first + last) / 2
    if dst.is_lonlat:
        offset[:, 0] -= turn * np.round(offset[:, 0] / turn)
        offset[:, 0] *= np.cos(moved_middle[:, 1] * dst.radians_per_unit)
    return np.asarray(np.hypot(offset[:, 0], offset[:, 1]) * dst.metres_per_unit)
