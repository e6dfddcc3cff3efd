"""Take geometries from one CRS to another so that straight edges keep their course, and say so for the record."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import shapely
from pyproj import CRS

from tools.errors import DataError
from tools.geo.antimeridian import wrap_longitudes
from tools.geo.frame import Axes, Floats, Frame, geodetic_frame, transformer
from tools.geo.geometry import repair
from tools.geo.redraw import redraw
from tools.geo.rings import Geometries, Paths
from tools.geo.unfold import TURN, unfold

TOLERANCE_M = 0.1
"""How far an edge may leave its true course in the other CRS; edges that leave it more get vertices in between."""
PIECE_M = 50_000.0
"""Edges are cut to this length before they are tested."""
SHORT_M = 100.0
"""Shorter edges are not tested: up to 89.9 degrees of latitude they stray by less than the tolerance."""
MOST_PIECES = 1000
"""Most vertices added to one such piece."""
BY_PLACE = "unavailable until proj_trans is called"
"""What pyproj calls the definition of several operations, of which PROJ chooses one for each place."""
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
        first, last = paths.xy[paths.edges], paths.xy[paths.edges + 1]
        pieces = np.ones(len(first), dtype=np.intp)
        long = np.flatnonzero(np.abs(last - first).max(axis=1, initial=0.0) * src.metres_per_unit > SHORT_M)
        strays = _middle_offset(move(first[long]), move((first[long] + last[long]) / 2), move(last[long]), dst)
        pieces[long] = np.clip(np.ceil(np.sqrt(strays / tolerance_m)), 1, MOST_PIECES)
        return paths.split_into(pieces)

    return redraw(geometries, refine)


def transformation_record(what: str, src_crs: CRS, dst_crs: CRS, geometries: Geometries | None = None) -> dict[str, str]:
    """Return, JSON-safe, which input was taken from which CRS to which, by what operation and how accurately, for `method`.

    Between many datums the operation depends on the place: give what was moved, as it lay in `src_crs`.
    """
    operation, accuracy_m = operation_for(src_crs, dst_crs, geometries)
    accuracy = "unknown" if accuracy_m is None else f"{accuracy_m:g} m"
    return {"input": what, "from": src_crs.name, "to": dst_crs.name, "operation": operation, "accuracy": accuracy}


def is_known(src_crs: CRS, dst_crs: CRS) -> bool:
    """Whether a transformation between the two is known, so that `transform` does not refuse it for the datums."""
    try:
        transformer(geodetic_frame(src_crs).located, geodetic_frame(dst_crs).located)
    except DataError:
        return False
    return True


def operation_for(src_crs: CRS, dst_crs: CRS, geometries: Geometries | None) -> tuple[str, float | None]:
    """Return the operation that PROJ uses at the middle of the geometries, and its published accuracy in metres if there is one."""
    pipeline = transformer(geodetic_frame(src_crs).located, geodetic_frame(dst_crs).located)
    used = pipeline
    if pipeline.definition == BY_PLACE and geometries is not None and len(geometries):
        left, bottom, right, top = shapely.total_bounds(geometries).tolist()
        if not math.isnan(left):  # as it is of null and empty geometries
            pipeline.transform((left + right) / 2, (bottom + top) / 2)
            used = pipeline.get_last_used_operation()
    if used.definition == BY_PLACE:
        return "the best there is at each place", None
    steps = [step for step in used.description.split(" + ") if not step.startswith("axis order change")]
    return " + ".join(steps) or used.description, used.accuracy if used.accuracy >= 0 else None


def _coordinate_function(src: Frame, dst: Frame) -> CoordinateFunction:
    """Return a function of coordinates, shape (vertex, 2); it raises DataError where the target has no place."""
    pipeline = transformer(src.located, dst.located)

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


def _middle_offset(first: Floats, middle: Floats, last: Floats, dst: Axes) -> Floats:
    """Return how far, in metres, each moved middle lies from the middle of the moved ends; shapes (edge, 2), result (edge,)."""
    if not dst.is_lonlat:
        return np.asarray(np.hypot(*(middle - (first + last) / 2).T) * dst.metres_per_unit)
    turn = TURN / np.degrees(dst.radians_per_unit)
    span = last - first
    span[:, 0] -= turn * np.round(span[:, 0] / turn)
    offset = middle - first - span / 2
    offset[:, 0] -= turn * np.round(offset[:, 0] / turn)
    offset[:, 0] *= np.cos(middle[:, 1] * dst.radians_per_unit)
    return np.asarray(np.hypot(*offset.T) * dst.metres_per_unit)
