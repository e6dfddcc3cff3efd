"""Geometries as others expect them: rings wound by the right-hand rule, no slivers, one kind of geometry each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from tools.geo.geometry import COLLECTION, only_dimension
from tools.geo.measure import geodesic_area, geodesic_length
from tools.geo.rings import Geometries, Indexes, parts_of

Mask = NDArray[np.bool_]
KINDS = ("point", "line", "polygon")
"""Kind of geometry by dimension."""


def wound_right(geometries: Geometries) -> tuple[Geometries, Mask]:
    """Return valid geometries whose shells run counter-clockwise and holes clockwise (RFC 7946, 3.1.6), and which were changed."""
    polygons, owner = parts_of(geometries, 2)
    rings, polygon = shapely.get_rings(polygons, return_index=True)
    is_shell = np.diff(polygon, prepend=-1) > 0
    wrong = np.zeros(len(geometries), dtype=bool)
    wrong[owner[polygon[shapely.is_ccw(rings) != is_shell]]] = True
    turned = np.array(geometries, dtype=object)
    turned[wrong] = shapely.orient_polygons(turned[wrong], exterior_cw=False)
    return turned, wrong


@dataclass(frozen=True)
class WithoutSlivers:
    """Geometries without their sliver polygons."""

    geometries: Geometries
    """None where nothing else was left."""
    parts: NDArray[np.int64]
    """How many polygons of each were slivers, shape (geometry,)."""
    area_m2: float
    """Area of all slivers together."""


def without_slivers(geometries: Geometries, crs: CRS, min_area_m2: float | None, min_width_m: float | None) -> WithoutSlivers:
    """Take away polygons of less area or less mean width than given; points and lines stay.

    The mean width is twice the area by the perimeter, both on the ellipsoid: that of a long strip is its width.
    """
    polygons, owner = parts_of(geometries, 2)
    areas = geodesic_area(polygons, crs)
    is_sliver = np.zeros(len(polygons), dtype=bool)
    if min_area_m2 is not None:
        is_sliver |= areas < min_area_m2
    if min_width_m is not None:
        perimeters = geodesic_length(shapely.boundary(polygons), crs)
        is_sliver |= 2 * areas < min_width_m * perimeters
    kept = np.array(geometries, dtype=object)
    touched = np.unique(owner[is_sliver])
    left, left_owner = polygons[~is_sliver], owner[~is_sliver]
    first, last = np.searchsorted(left_owner, touched, side="left"), np.searchsorted(left_owner, touched, side="right")
    for position, start, stop in zip(touched, first, last, strict=True):
        others = [parts_of(kept[position : position + 1], dimension)[0] for dimension in (0, 1)]
        parts = np.concatenate([*others, left[start:stop]])
        kept[position] = _assembled(parts) if len(parts) else None
    return WithoutSlivers(kept, np.bincount(owner[is_sliver], minlength=len(kept)), float(areas[is_sliver].sum()))


def kind_of(geometry: shapely.Geometry | None) -> str | None:
    """Return the kind of a geometry, of a collection its highest; None for missing and empty ones."""
    return None if geometry is None or geometry.is_empty else KINDS[shapely.get_dimensions(geometry)]


def kinds_of(geometries: Geometries) -> set[str]:
    """Return the kinds of geometry that occur, those within collections too."""
    return {KINDS[dimension] for dimension in (0, 1, 2) if len(parts_of(geometries, dimension)[0])}


def single_kinds(geometries: Geometries, keep: str | None) -> tuple[Geometries, Indexes]:
    """Return geometries of one kind each and the position of the one each comes from, ascending; `keep` keeps only one kind.

    A collection becomes one geometry per kind of its parts. Missing and empty geometries stay where all kinds are kept.
    """
    pieces: list[shapely.Geometry | None] = []
    origin: list[int] = []
    for position, geometry in enumerate(geometries):
        for piece in _of_single_kind(geometry):
            if keep is None or kind_of(piece) == keep:
                pieces.append(piece)
                origin.append(position)
    array: Geometries = np.empty(len(pieces), dtype=object)
    array[:] = pieces
    return array, np.array(origin, dtype=np.intp)


def _of_single_kind(geometry: shapely.Geometry | None) -> list[shapely.Geometry | None]:
    if geometry is None or geometry.is_empty or shapely.get_type_id(geometry) != COLLECTION:
        return [geometry]
    alone: Geometries = np.array([geometry], dtype=object)
    return [piece for dimension in (0, 1, 2) if (piece := only_dimension(alone, dimension)[0]) is not None]


def _assembled(parts: Geometries) -> shapely.Geometry:
    if len(parts) == 1:
        return parts[0]
    polygonal = bool((shapely.get_dimensions(parts) == 2).all())
    return shapely.multipolygons(parts) if polygonal else shapely.geometrycollections(parts)
