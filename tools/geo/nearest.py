"""The nearest features of another layer by geodesic distance, right at any latitude and across the antimeridian."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from pyproj import CRS, Geod

from tools.geo.elements import Elements, element_distances, elements_of
from tools.geo.frame import Floats, geodetic_frame
from tools.geo.predicates import intersecting_pairs
from tools.geo.rings import Geometries, Indexes
from tools.geo.transform import transform

FARTHEST_M = 20_040_000.0
"""Beyond half the Earth's circumference: no two places are farther apart."""
SHORTEST_DEGREE_M = 110_500.0
"""A degree of latitude is nowhere shorter than 110,574 m (WGS 84, at the equator)."""
SMALLEST_RADIUS_M = 6_330_000.0
"""Below every radius of curvature of the ellipsoid, so that a search box errs on the large side."""
CHUNK = 20_000


@dataclass(frozen=True)
class Pairs:
    """Neighbours, sorted by source, then distance, then target."""

    source: Indexes
    """Positions in the first layer."""
    target: Indexes
    """Positions in the other layer."""
    metres: Floats
    """Geodesic distances; 0 where the two intersect."""


def nearest(
    geometries: Geometries, crs: CRS, other: Geometries, other_crs: CRS, *, k: int = 1, max_distance_m: float = FARTHEST_M
) -> Pairs:
    """Return the `k` nearest others of each geometry, within `max_distance_m`; fewer where there are fewer.

    The distance of lines and polygons is that of their closest points; edges are straight in their own CRS. Equal
    distances are ordered by position. Missing geometries have no neighbours. Both layers must be valid.
    """
    frame = geodetic_frame(crs)
    a = elements_of(geometries, crs, frame.geodetic)
    b = elements_of(other, other_crs, frame.geodetic)
    if not len(a.owner) or not len(b.owner):
        return _no_pairs()
    touching = _touching(geometries, crs, other, other_crs, frame.geodetic) if a.has_length or b.has_length else _no_pairs()
    search = _Search(a, b, touching, frame.geod, len(geometries), len(other))
    return search.run(min(k, len(np.unique(b.owner))), max_distance_m)


@dataclass(frozen=True)
class _Search:
    a: Elements
    b: Elements
    touching: Pairs
    geod: Geod
    sources: int
    targets: int

    def run(self, k: int, limit: float) -> Pairs:
        """Search circles around each source, wider ones for those that have found fewer than `k` others."""
        tree = shapely.STRtree(self.b.lines())
        radius = np.minimum(self._reach(tree) * np.sqrt(k) * (1 + 1e-9) + 1e-3, limit)
        pending = np.isin(np.arange(self.sources), self.a.owner)
        found = [_no_pairs()]
        while pending.any():
            within = self._within(tree, pending, radius)
            enough = np.bincount(within.source, minlength=self.sources) >= k
            done = pending & (enough | (radius >= limit))
            found.append(_closest(_only(within, done), k))
            pending &= ~done
            radius = np.minimum(np.maximum(radius * 3, 1.0), limit)
        return _sorted(_joined(found))

    def _reach(self, tree: shapely.STRtree) -> Floats:
        """Return a distance within which each source surely has one neighbour: that of the nearest in plain degrees."""
        close = tree.nearest(self.a.lines())
        reach = np.full(self.sources, np.inf)
        np.minimum.at(reach, self.a.owner, element_distances(self.a, self.b.take(close), self.geod))
        return reach

    def _within(self, tree: shapely.STRtree, pending: np.ndarray[tuple[int], np.dtype[np.bool_]], radius: Floats) -> Pairs:
        """Return all pairs of pending sources that are not farther apart than the source's radius."""
        wanted = np.flatnonzero(pending[self.a.owner])
        found = [_only(self.touching, pending)]
        for start in range(0, len(wanted), CHUNK):
            near = self.a.take(wanted[start : start + CHUNK])
            first, second = _candidates(tree, near, radius[near.owner])
            own, others = near.take(first), self.b.take(second)
            metres = element_distances(own, others, self.geod)
            inside = metres <= radius[own.owner]
            found.append(_shortest(Pairs(own.owner[inside], others.owner[inside], metres[inside]), self.targets))
        return _shortest(_joined(found), self.targets)


def _candidates(tree: shapely.STRtree, near: Elements, radius: Floats) -> tuple[Indexes, Indexes]:
    """Return the pairs (element, element of the tree) whose boxes meet when the first is widened by its radius in metres."""
    low, high = np.minimum(near.start, near.end), np.maximum(near.start, near.end)
    up = radius / SHORTEST_DEGREE_M
    farthest_lat = np.radians(np.minimum(np.maximum(np.abs(low[:, 1]), np.abs(high[:, 1])) + up, 90.0))
    sine = np.sin(np.minimum(radius / SMALLEST_RADIUS_M, np.pi / 2))
    aside = np.where(
        sine < np.cos(farthest_lat), np.degrees(np.arcsin(np.minimum(sine / np.maximum(np.cos(farthest_lat), 1e-12), 1.0))), 360.0
    )
    first, second = [], []
    for turn in (-360.0, 0.0, 360.0):
        boxes = shapely.box(low[:, 0] - aside + turn, low[:, 1] - up, high[:, 0] + aside + turn, high[:, 1] + up)
        pairs = tree.query(boxes)
        first.append(pairs[0])
        second.append(pairs[1])
    return np.concatenate(first), np.concatenate(second)


def _touching(geometries: Geometries, crs: CRS, other: Geometries, other_crs: CRS, geodetic: CRS) -> Pairs:
    """Return the pairs that intersect, at distance 0."""
    source, target = intersecting_pairs(transform(geometries, crs, geodetic), transform(other, other_crs, geodetic))
    return Pairs(source, target, np.zeros(len(source)))


def _no_pairs() -> Pairs:
    none = np.array([], dtype=np.intp)
    return Pairs(none, none, np.array([], dtype=float))


def _joined(several: list[Pairs]) -> Pairs:
    return Pairs(
        np.concatenate([pairs.source for pairs in several]),
        np.concatenate([pairs.target for pairs in several]),
        np.concatenate([pairs.metres for pairs in several]),
    )


def _only(pairs: Pairs, sources: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Pairs:
    keep = sources[pairs.source]
    return Pairs(pairs.source[keep], pairs.target[keep], pairs.metres[keep])


def _sorted(pairs: Pairs) -> Pairs:
    order = np.lexsort((pairs.target, pairs.metres, pairs.source))
    return Pairs(pairs.source[order], pairs.target[order], pairs.metres[order])


def _shortest(pairs: Pairs, targets: int) -> Pairs:
    """Keep the shortest distance of each pair of features."""
    pairs = _sorted(pairs)
    _, first = np.unique(pairs.source.astype(np.int64) * targets + pairs.target, return_index=True)
    return Pairs(pairs.source[first], pairs.target[first], pairs.metres[first])


def _closest(pairs: Pairs, k: int) -> Pairs:
    """Keep the `k` nearest of each source."""
    pairs = _sorted(pairs)
    _, first, count = np.unique(pairs.source, return_index=True, return_counts=True)
    rank = np.arange(len(pairs.source)) - np.repeat(first, count)
    keep = rank < k
    return Pairs(pairs.source[keep], pairs.target[keep], pairs.metres[keep])
