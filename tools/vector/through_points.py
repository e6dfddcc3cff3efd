"""Lines and polygons through the points of a layer, in the order of its rows or of a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from tools.errors import DataError, ParameterError
from tools.geo.antimeridian import wrap_longitudes
from tools.geo.dissolve import groups_of
from tools.geo.frame import Floats, geodetic_frame
from tools.geo.rings import Geometries
from tools.geo.unfold import unfold
from tools.vector.absent import require_columns
from tools.vector.layers import Layer
from tools.vector.measures import group_subjects
from tools.vector.shaped import Shaped

if TYPE_CHECKING:
    from pyproj import CRS

    from tools.vector.shapes import ShapesParams

FEWEST = {"points_to_line": 2, "points_to_polygon": 3}
"""Points at different places that a shape needs."""


def through_points(params: ShapesParams, layer: Layer) -> Shaped:
    """Return a line or polygon per group of points; a group of too few points is left out.

    Raises ParameterError where the layer holds other things than points, DataError where no group has enough of them, where
    points have no place in the order, or where a polygon would cross itself.
    """
    by = params.by or []
    rank = np.argsort(_order(params, layer))
    groups = groups_of(group_subjects(layer, by))
    made, subjects, left = [], [], 0
    for key in sorted(groups):
        xy = shapely.get_coordinates(layer.geometries[groups[key][np.argsort(rank[groups[key]])]])
        if len(np.unique(xy, axis=0)) < FEWEST[params.operation]:
            left += 1
            continue
        subjects.append(dict(zip(by, key, strict=True)))
        made.append(shapely.linestrings(xy) if params.operation == "points_to_line" else _polygon(xy))
    if not made:
        raise DataError(
            f"No group has the {FEWEST[params.operation]} points at different places that {params.operation} needs.",
            hint="Check 'by': one shape is made per group of points.",
        )
    said = (f"{left} groups have too few points and were left out",) if left else ()
    method = {"order": params.order_by or "rows of the file", "edges": f"straight in {layer.crs.name}, the shorter way around the Earth"}
    return Shaped(_on_earth(made, layer.crs), tuple(subjects), None, method=method, warnings=said)


def _order(params: ShapesParams, layer: Layer) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return the positions of the points in their order; raise where there are other shapes, or none of a place in the order."""
    if not (shapely.get_type_id(layer.geometries) == 0).all():
        raise ParameterError(
            f"{params.operation} needs points, one per row, and the layer holds other shapes or rows without a place.",
            hint="Explode the layer first, make centroids of it, or keep its points with clean (keep_kind point).",
        )
    if params.order_by is None:
        return np.arange(len(layer.frame))
    require_columns([params.order_by], layer.frame)
    column = layer.frame[params.order_by]
    if column.isna().any():
        raise DataError(
            f"{int(column.isna().sum())} points have no value in {params.order_by!r}, so they have no place in the order.",
            hint="Leave them out with 'where', or order by another column.",
        )
    ties = layer.frame.assign(**{"@group": group_subjects(layer, params.by or [])}).duplicated(["@group", params.order_by])
    if ties.any():
        raise DataError(
            f"{int(ties.sum())} points share their value of {params.order_by!r} with another of their group, so their order is open.",
            hint="Order by a column without repeated values, or by rows.",
        )
    return np.asarray(np.argsort(column.to_numpy(), kind="stable"))


def _polygon(xy: Floats) -> shapely.Geometry:
    """Return the polygon of a ring of places; the first is the last where it is not given twice."""
    return shapely.polygons(xy if np.array_equal(xy[0], xy[-1]) else np.concatenate([xy, xy[:1]]))


def _on_earth(made: list[shapely.Geometry], crs: CRS) -> Geometries:
    """Let edges in longitude, latitude go the shorter way, split them at the antimeridian; refuse polygons that cross themselves."""
    shapes: Geometries = np.array(made, dtype=object)
    if geodetic_frame(crs).is_lonlat:
        shapes = unfold(shapes)
    crossing = np.flatnonzero(~shapely.is_valid(shapes))
    if len(crossing):
        raise DataError(
            f"The polygon through the points crosses itself ({shapely.is_valid_reason(shapes[crossing[0]])}): they are not in order around it.",
            hint="Name the column that orders them with 'order_by', or make their convex_hull.",
        )
    return wrap_longitudes(shapes, crs)[0]
