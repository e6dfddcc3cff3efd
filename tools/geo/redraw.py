"""Give geometries more vertices on their edges, without changing anything else about them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import shapely

from tools.geo.rings import Geometries, Indexes, Paths, parts_of

_MULTI = {0: shapely.MultiPoint, 1: shapely.MultiLineString, 2: shapely.MultiPolygon}


def redraw(geometries: Geometries, refine: Callable[[Paths], Paths]) -> Geometries:
    """Return the geometries with the vertices that `refine` adds to their lines and rings.

    `refine` gets all lines, then all rings, as paths, and returns them with more vertices. Geometries to which nothing
    is added come back as the same objects; the order of parts stays points, lines, polygons.
    """
    lines = _lines(geometries)
    rings, polygon_of_ring, polygon_owner = _rings(geometries)
    more_lines, more_rings = refine(lines), refine(rings)
    grown = np.unique(np.concatenate([_grown(lines, more_lines), _grown(rings, more_rings)]))
    if not len(grown):
        return geometries
    points, point_owner = parts_of(geometries, 0)
    parts = [points]
    if len(more_lines.xy):
        parts.append(shapely.linestrings(more_lines.xy, indices=more_lines.path))
    if len(more_rings.xy):
        closed = shapely.linearrings(more_rings.xy, indices=more_rings.path)
        parts.append(shapely.polygons(closed, indices=polygon_of_ring))
    return _assembled(geometries, np.concatenate(parts), np.concatenate([point_owner, lines.owner, polygon_owner]), grown)


def _lines(geometries: Geometries) -> Paths:
    lines, owner = parts_of(geometries, 1)
    xy, path = shapely.get_coordinates(lines, return_index=True)
    return Paths(xy, path, owner, np.ones(len(owner)))


def _rings(geometries: Geometries) -> tuple[Paths, Indexes, Indexes]:
    """Return the rings, the polygon of each ring, and the geometry of each polygon."""
    polygons, owner = parts_of(geometries, 2)
    rings, polygon = shapely.get_rings(polygons, return_index=True)
    xy, path = shapely.get_coordinates(rings, return_index=True)
    return Paths(xy, path, owner[polygon], np.ones(len(rings))), polygon, owner


def _grown(before: Paths, after: Paths) -> Indexes:
    """Return the numbers of the geometries that got vertices."""
    paths = len(before.owner)
    added = np.bincount(after.path, minlength=paths) - np.bincount(before.path, minlength=paths)
    return before.owner[added > 0]


def _assembled(geometries: Geometries, parts: Geometries, owner: Indexes, grown: Indexes) -> Geometries:
    """Put the parts of the grown geometries together again."""
    order = np.argsort(owner, kind="stable")
    parts, owner = parts[order], owner[order]
    first, last = np.searchsorted(owner, grown, side="left"), np.searchsorted(owner, grown, side="right")
    result = np.array(geometries, dtype=object)
    for number, start, stop in zip(grown, first, last, strict=True):
        own = parts[start:stop]
        dimensions = set(shapely.get_dimensions(own).tolist())
        make = _MULTI[dimensions.pop()] if len(dimensions) == 1 else shapely.GeometryCollection
        result[number] = own[0] if len(own) == 1 else make(list(own))
    return result
