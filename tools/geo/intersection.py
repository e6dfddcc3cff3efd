"""What two layers have in common, feature by feature, and what one has that the other lacks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from tools.geo.dissolve import groups_of, union
from tools.geo.geometry import only_dimension
from tools.geo.predicates import intersecting_pairs
from tools.geo.rings import Geometries, Indexes

POINT, COLLECTION = 0, 7


@dataclass(frozen=True)
class Pieces:
    """Intersections of features of one layer with features of another."""

    first: Indexes
    """Positions in the first layer, ascending."""
    second: Indexes
    """Positions in the other layer."""
    geometries: Geometries
    """What the two have in common, of the lower of their dimensions."""


def intersections(first: Geometries, second: Geometries) -> Pieces:
    """Intersect all pairs of features of two layers in one CRS; both valid, missing ones meet nothing.

    A piece has the lower dimension of its two features: where polygons only touch, there is none.
    """
    i, j = intersecting_pairs(first, second)
    found: Geometries = np.full(len(i), None, dtype=object)
    around, inside = shapely.get_type_id(first[i]) == POINT, shapely.get_type_id(second[j]) == POINT  # a point is met whole or not at all
    undecided = np.flatnonzero(~around & ~inside)
    shapely.prepare(first[i[undecided]])
    shapely.prepare(second[j[undecided]])
    inside[undecided] = shapely.covers(first[i[undecided]], second[j[undecided]])
    undecided = undecided[~inside[undecided]]
    around[undecided] = shapely.covers(second[j[undecided]], first[i[undecided]])
    across = ~inside & ~around
    found[inside], found[around] = second[j[inside]], first[i[around]]
    found[across] = shapely.intersection(first[i[across]], second[j[across]])
    found = _of_dimension(found, np.minimum(shapely.get_dimensions(first[i]), shapely.get_dimensions(second[j])))
    kept = ~shapely.is_missing(found) & ~shapely.is_empty(found)
    return Pieces(i[kept], j[kept], found[kept])


def differences(first: Geometries, second: Geometries) -> Geometries:
    """Return what of each feature of the first layer lies in no feature of the second; None where nothing is left."""
    i, j = intersecting_pairs(first, second)
    left = np.array(first, dtype=object)
    for position, own in groups_of(i.tolist()).items():
        left[position] = shapely.difference(first[position], union(second[j[own]]))
    left = _of_dimension(left, shapely.get_dimensions(first))
    left[shapely.is_empty(left)] = None
    return left


def _of_dimension(geometries: Geometries, wanted: Indexes) -> Geometries:
    """Keep the parts of the wanted dimension of each geometry; None where it has none."""
    kept = np.array(geometries, dtype=object)
    kept[~shapely.is_missing(kept) & (shapely.get_dimensions(kept) < wanted)] = None
    for dimension in (0, 1, 2):
        mixed = np.flatnonzero((shapely.get_type_id(kept) == COLLECTION) & (wanted == dimension))
        kept[mixed] = only_dimension(kept[mixed], dimension)
    return kept
