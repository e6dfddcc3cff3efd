"""Every pair of geometries of two layers that stand in a spatial relation, in one CRS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import shapely

from tools.geo.points_in_polygons import points_in_polygons
from tools.geo.rings import Geometries, Indexes

Relation = Literal["intersects", "within", "contains", "covers", "covered_by", "touches", "crosses", "overlaps", "equals", "disjoint"]
CONVERSE: Mapping[str, str] = {"within": "contains", "contains": "within", "covers": "covered_by", "covered_by": "covers"}
"""Relation → what it is called from the other side; the others are the same from both."""
POINT_RELATIONS = ("intersects", "within", "covered_by")
"""Relations of points to polygons for which there is a faster way; on an edge is covered and not within."""
MANY = 10_000
"""From so many points on, the faster way is faster."""
POINTS, POLYGONS = (-1, 0), (-1, 3, 6)
"""Types of GEOS that are points, and polygons; -1 is missing."""


def related_pairs(layer: Geometries, other: Geometries, relation: Relation) -> tuple[Indexes, Indexes]:
    """Return the positions in `layer` and in `other` of all pairs of which the first stands in the relation to the second.

    Sorted by the first, then the second. Both sides must be valid; missing ones are related to nothing. `disjoint` makes
    all pairs but those that intersect.
    """
    if relation == "disjoint":
        return _apart(layer, other)
    first, second = _found(layer, other, "intersects" if relation == "equals" else relation)
    if relation == "equals":
        same = np.asarray(shapely.equals(layer[first], other[second]))
        first, second = first[same], second[same]
    order = np.argsort(first.astype(np.int64) * max(len(other), 1) + second)  # pairs are unique; half the time of a lexsort
    return first[order], second[order]


def _found(layer: Geometries, other: Geometries, relation: str) -> tuple[Indexes, Indexes]:
    """Look up the side with more vertices for each geometry in a tree of the other: it is made ready once for many tests."""
    if relation in POINT_RELATIONS and len(layer) >= MANY and _are(layer, POINTS) and _are(other, POLYGONS):
        return _of_points(layer, other, relation)
    converse = CONVERSE.get(relation, relation)
    if converse in POINT_RELATIONS and len(other) >= MANY and _are(other, POINTS) and _are(layer, POLYGONS):
        second, first = _of_points(other, layer, converse)
        return first, second
    if _vertices(layer) >= _vertices(other):
        first, second = shapely.STRtree(other).query(layer, predicate=relation)
        return first, second
    second, first = shapely.STRtree(layer).query(other, predicate=converse)
    return first, second


def _of_points(points: Geometries, polygons: Geometries, relation: str) -> tuple[Indexes, Indexes]:
    there = np.flatnonzero(~shapely.is_missing(polygons) & ~shapely.is_empty(polygons))
    present = np.flatnonzero(~shapely.is_missing(points) & ~shapely.is_empty(points))
    if not len(there) or not len(present):
        return present[:0], there[:0]
    xy = shapely.get_coordinates(points[present])
    first, second = points_in_polygons(xy, polygons[there], "within" if relation == "within" else "intersects")
    return present[first], there[second]


def _are(geometries: Geometries, types: tuple[int, ...]) -> bool:
    return bool(np.isin(shapely.get_type_id(geometries), types).all())


def _vertices(geometries: Geometries) -> float:
    return float(shapely.get_num_coordinates(geometries).sum()) / max(len(geometries), 1)


def _apart(layer: Geometries, other: Geometries) -> tuple[Indexes, Indexes]:
    present, there = np.flatnonzero(~shapely.is_missing(layer)), np.flatnonzero(~shapely.is_missing(other))
    apart = np.ones((len(present), len(there)), dtype=bool)
    meeting = shapely.STRtree(other[there]).query(layer[present], predicate="intersects")
    apart[meeting[0], meeting[1]] = False
    first, second = np.nonzero(apart)
    return present[first], there[second]
