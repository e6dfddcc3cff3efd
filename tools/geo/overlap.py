"""The area that polygons cover together: every place counted once, however many of them lie on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from pyproj import CRS

from tools.geo.dissolve import union
from tools.geo.frame import Floats
from tools.geo.rings import Geometries, Indexes
from tools.geo.surface import area_on
from tools.geotypes import Surface

OVERLAP_SHARE = 1e-4
"""Overlap below this share of the plain sum (0.01 %) is precision of digitising, not worth a warning."""
CHUNK = 2_000
MOST_PAIRS = 2_000_000
"""Beyond this many intersecting pairs one union of everything is cheaper than looking at pairs."""


@dataclass(frozen=True)
class Cover:
    """What polygons cover, and how far that differs from adding up their areas."""

    area_m2: float
    """Area of the union."""
    sum_m2: float
    """Plain sum of the areas."""
    features: int
    """Polygons that have an area."""
    duplicates: int
    """Polygons that repeat an earlier one exactly."""

    @property
    def overlaps(self) -> bool:
        """Whether the plain sum misleads: it differs from the covered area by more than 0.01 %."""
        return self.sum_m2 - self.area_m2 > OVERLAP_SHARE * self.sum_m2

    def warning(self) -> str | None:
        """Say that features overlap, by how much, and how many are duplicates; None where they do not."""
        if not self.overlaps:
            return None
        repeated = f"; {self.duplicates} features are exact duplicates" if self.duplicates else ""
        return (
            f"{self.features} features overlap: the covered area is {self.area_m2:,.1f} m2, "
            f"the plain sum of feature areas {self.sum_m2:,.1f} m2{repeated}"
        )


def cover(geometries: Geometries, crs: CRS, areas: Floats | None = None, surface: Surface = "ellipsoid") -> Cover:
    """Measure what valid polygons of one CRS cover; missing ones, points and lines add nothing.

    `areas` are those of the geometries on this surface in m2, where already known. Only polygons whose insides meet are
    merged, so a layer without overlaps costs no union.
    """
    areas = area_on(surface, geometries, crs) if areas is None else areas
    polygonal = np.flatnonzero(areas > 0)
    polygons, own = geometries[polygonal], areas[polygonal]
    unique = _first_of_equals(polygons)
    clusters = overlapping_clusters(polygons[unique])
    alone = np.setdiff1d(np.arange(len(unique)), np.concatenate([*clusters, np.array([], dtype=np.intp)]))
    merged = np.array([union(polygons[unique[cluster]]) for cluster in clusters], dtype=object)
    area = float(own[unique[alone]].sum()) + float(area_on(surface, merged, crs).sum())
    return Cover(area, float(own.sum()), len(polygons), len(polygons) - len(unique))


def overlapping_pairs(polygons: Geometries) -> tuple[Indexes, Indexes] | None:
    """Return the positions of all pairs whose insides meet, the first before the second; None beyond `MOST_PAIRS`."""
    tree = shapely.STRtree(polygons)
    found = [np.empty((2, 0), dtype=np.intp)]
    seen = 0
    for start in range(0, len(polygons), CHUNK):
        first, second = tree.query(polygons[start : start + CHUNK], predicate="intersects")
        first = first + start
        seen += len(first)
        if seen > MOST_PAIRS:
            return None
        ahead = first < second
        first, second = first[ahead], second[ahead]
        inside = shapely.relate_pattern(polygons[first], polygons[second], "2********")
        found.append(np.stack([first[inside], second[inside]]))
    first, second = np.concatenate(found, axis=1)
    return first, second


def overlapping_clusters(polygons: Geometries) -> tuple[Indexes, ...]:
    """Return the positions of polygons that overlap one another, directly or through others; lone ones are left out."""
    pairs = overlapping_pairs(polygons)
    if pairs is None:
        return (np.arange(len(polygons)),)
    parent = np.arange(len(polygons))
    for first, second in zip(pairs[0].tolist(), pairs[1].tolist(), strict=True):
        parent[_root(parent, first)] = _root(parent, second)
    roots = np.array([_root(parent, position) for position in range(len(polygons))], dtype=np.intp)
    order = np.argsort(roots, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(roots[order])) + 1) if len(order) else []
    return tuple(group for group in groups if len(group) > 1)


def _root(parent: Indexes, position: int) -> int:
    """Follow parents to the top, halving the path on the way (union-find)."""
    while parent[position] != position:
        parent[position] = parent[parent[position]]
        position = int(parent[position])
    return position


def _first_of_equals(polygons: Geometries) -> Indexes:
    """Return the positions of polygons that repeat no earlier one; start and direction of rings do not matter."""
    first: dict[bytes, int] = {}
    for position, form in enumerate(shapely.to_wkb(shapely.normalize(polygons))):
        first.setdefault(form, position)
    return np.array(list(first.values()), dtype=np.intp)
