"""Every pair of geometries of two layers that stand in a spatial relation, in one CRS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import shapely

from tools.geo.rings import Geometries, Indexes

Relation = Literal["intersects", "within", "contains", "covers", "covered_by", "touches", "crosses", "overlaps", "equals", "disjoint"]
CONVERSE: Mapping[str, str] = {"within": "contains", "contains": "within", "covers": "covered_by", "covered_by": "covers"}
"""Relation → what it is called from the other side; the others are the same from both."""


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
    order = np.lexsort((second, first))
    return first[order], second[order]


def _found(layer: Geometries, other: Geometries, relation: str) -> tuple[Indexes, Indexes]:
    """Look up the side with more vertices for each geometry in a tree of the other: it is made ready once for many tests."""
    if _vertices(layer) >= _vertices(other):
        first, second = shapely.STRtree(other).query(layer, predicate=relation)
        return first, second
    second, first = shapely.STRtree(layer).query(other, predicate=CONVERSE.get(relation, relation))
    return first, second


def _vertices(geometries: Geometries) -> float:
    return float(shapely.get_num_coordinates(geometries).sum()) / max(len(geometries), 1)


def _apart(layer: Geometries, other: Geometries) -> tuple[Indexes, Indexes]:
    present, there = np.flatnonzero(~shapely.is_missing(layer)), np.flatnonzero(~shapely.is_missing(other))
    apart = np.ones((len(present), len(there)), dtype=bool)
    meeting = shapely.STRtree(other[there]).query(layer[present], predicate="intersects")
    apart[meeting[0], meeting[1]] = False
    first, second = np.nonzero(apart)
    return present[first], there[second]
