"""Which geometries of a layer stand in a spatial relation to those of another, in one CRS."""

from __future__ import annotations

from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from tools.geo.dissolve import union
from tools.geo.pairs import related_pairs
from tools.geo.rings import Geometries, Indexes

Topological = Literal["intersects", "within", "contains", "touches", "crosses", "overlaps", "disjoint"]


def related(layer: Geometries, other: Geometries, predicate: Topological) -> NDArray[np.bool_]:
    """Return for each geometry of `layer` whether it stands in the relation to the other geometries. Shape (layer,).

    `within` asks for the union of the others (a building on the border of two districts lies within the districts),
    `disjoint` for all of them, every other relation for at least one. Both sides must be valid; missing ones are
    related to nothing.
    """
    present = ~shapely.is_missing(layer)
    if predicate == "disjoint":
        return np.asarray(present & ~related(layer, other, "intersects"))
    mask = np.zeros(len(layer), dtype=bool)
    mask[related_pairs(layer, other, predicate)[0]] = True
    if predicate == "within":
        undecided = np.flatnonzero(present & ~mask)
        mask[undecided] = _within_union(layer[undecided], other)
    return mask


def intersecting_pairs(layer: Geometries, other: Geometries) -> tuple[Indexes, Indexes]:
    """Return the positions in `layer` and in `other` of all pairs that share at least a point, sorted."""
    return related_pairs(layer, other, "intersects")


def _within_union(layer: Geometries, other: Geometries) -> NDArray[np.bool_]:
    """Decide for geometries that lie within no single one of the others, but perhaps within several together."""
    inside = np.zeros(len(layer), dtype=bool)
    first, second = intersecting_pairs(layer, other)
    for position in np.flatnonzero(np.bincount(first, minlength=len(layer)) > 1):
        inside[position] = shapely.within(layer[position], union(other[second[first == position]]))
    return inside
