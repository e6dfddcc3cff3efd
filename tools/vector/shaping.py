"""The operations of the tool `shapes`: what each makes of features, or of groups of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from tools.contract import Fact, ToolContext
from tools.geo.boundary import boundaries
from tools.geo.buffer import circles
from tools.geo.centroid import centroids, circle_centres
from tools.geo.envelope import envelopes
from tools.geo.frame import geodetic_frame
from tools.geo.local_planes import in_planes, plane_method
from tools.geo.rings import Geometries
from tools.geo.simplify import simplify
from tools.geo.transform import transform
from tools.vector.cells import cells
from tools.vector.layers import Layer
from tools.vector.shaped import Shaped, gathered
from tools.vector.through_points import through_points

if TYPE_CHECKING:
    from pyproj import CRS

    from tools.vector.shapes import ShapesParams

DEFAULT_RATIO = 0.3
AROUND = ("convex_hull", "concave_hull", "envelope", "minimum_circle", "centroid")
"""Operations that make one shape of all points where nothing else is asked: of one point each they would be the point itself."""


def shape(params: ShapesParams, layer: Layer, context: ToolContext) -> Shaped:
    """Run the operation of `params` on the features of a layer."""
    if params.operation == "voronoi":
        return cells(params, layer, context)
    if params.operation.startswith("points_to_"):
        return through_points(params, layer)
    if params.operation == "explode":
        return _exploded(layer)
    if params.operation == "simplify" and params.tolerance_m is not None:
        return _simplified(layer, params.tolerance_m)
    return _around(params, gathered(layer, _grouping(params, layer)), layer.crs)


def _grouping(params: ShapesParams, layer: Layer) -> Sequence[str] | None:
    present = layer.geometries[~shapely.is_missing(layer.geometries)]
    only_points = bool((shapely.get_type_id(present) == 0).all())
    return [] if params.by is None and only_points and params.operation in AROUND else params.by


def _around(params: ShapesParams, given: Shaped, crs: CRS) -> Shaped:
    """Make points, hulls, boxes and circles of single geometries."""
    shapes, name = given.geometries, params.operation
    if name == "minimum_circle":
        return _circled(given, crs)
    if name in ("convex_hull", "concave_hull"):
        ratio = DEFAULT_RATIO if params.ratio is None else params.ratio
        hull = shapely.convex_hull if name == "convex_hull" else lambda parts: shapely.concave_hull(parts, ratio=ratio)
        made = in_planes(shapes, crs, lambda parts, _: np.asarray(hull(parts), dtype=object))
        return _drawn(given, made, {**plane_method(shapes, crs), **({"ratio": ratio} if name == "concave_hull" else {})})
    if name == "centroid":
        return _drawn(given, centroids(shapes, crs), plane_method(shapes, crs, "laea"))
    if name == "envelope":
        return _drawn(given, envelopes(shapes, crs), {"plane": f"along the axes of {crs.name}"})
    if name == "boundary":
        return _drawn(given, boundaries(shapes, crs), {"plane": f"as drawn in {crs.name}"})
    return _drawn(given, shapely.point_on_surface(shapes), {"plane": f"inside the shape as drawn in {crs.name}"})


def _drawn(given: Shaped, geometries: Geometries, method: Mapping[str, Any]) -> Shaped:
    """Say of which shapes nothing was made, or what has no area where an area was to be expected."""
    missing = int(shapely.is_missing(geometries).sum())
    said = (f"of {missing} of {len(geometries)} shapes nothing was made: they have no such shape",) if missing else ()
    return Shaped(np.asarray(geometries, dtype=object), given.subjects, given.rows, method=method, warnings=said)


def _circled(given: Shaped, crs: CRS) -> Shaped:
    """Draw the smallest circle around each shape; its radius is the geodesic distance from its centre to the farthest vertex."""
    centres = circle_centres(given.geometries, crs)
    geodetic = geodetic_frame(crs).geodetic
    radii = _farthest_m(transform(centres, crs, geodetic), transform(given.geometries, crs, geodetic), geodetic)
    made: Geometries = np.full(len(centres), None, dtype=object)
    wide = radii > 0
    made[wide] = circles(centres[wide], crs, radii[wide])
    facts = tuple(Fact("radius", float(radius), "m", subject) for radius, subject in zip(radii, given.subjects, strict=True))
    drawn = _drawn(given, made, {**plane_method(given.geometries, crs), "radius": "geodesic, from the centre to the farthest vertex"})
    return Shaped(drawn.geometries, given.subjects, given.rows, facts, drawn.method, drawn.warnings)


def _farthest_m(centres: Geometries, shapes: Geometries, geodetic: CRS) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the distance of the farthest vertex of each shape from its centre, both in longitude, latitude."""
    frame = geodetic_frame(geodetic)
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    to_degrees = np.degrees(frame.radians_per_unit)
    lon, lat = (xy * to_degrees).T
    from_lon, from_lat = (shapely.get_coordinates(centres) * to_degrees)[owner].T
    distances = np.asarray(frame.geod.inv(from_lon, from_lat, lon, lat)[2])
    farthest = np.zeros(len(shapes))
    np.maximum.at(farthest, owner, distances)
    return farthest


def _simplified(layer: Layer, tolerance_m: float) -> Shaped:
    given = gathered(layer, None)
    simple = simplify(given.geometries, layer.crs, tolerance_m)
    vertices = [int(shapely.get_num_coordinates(one).sum()) for one in (given.geometries, simple.geometries)]
    facts = (Fact("vertices before", vertices[0], "count"), Fact("vertices after", vertices[1], "count"))
    said = (
        (
            f"{simple.mismatched} polygons overlap others or run along them with other vertices; between those, gaps or overlaps may have changed",
        )
        if simple.mismatched
        else ()
    )
    method = {"simplify": simple.method, "tolerance_m": tolerance_m}
    return Shaped(simple.geometries, given.subjects, given.rows, facts, method, said, unit_measures=False)


def _exploded(layer: Layer) -> Shaped:
    given = gathered(layer, None)
    parts, owner = shapely.get_parts(given.geometries, return_index=True)
    several = int((np.bincount(owner, minlength=len(given.geometries)) > 1).sum())
    facts = (Fact("features of several parts", several, "count"),)
    said = ("attributes are repeated on every part; query_vector counts a feature's numbers once in a sum",) if several else ()
    rows = given.rows or ()
    return Shaped(
        parts,
        tuple(given.subjects[position] for position in owner),
        tuple(rows[position] for position in owner),
        facts,
        {"explode": "one row per part, in the order of the file"},
        said,
        unit_measures=False,
    )
