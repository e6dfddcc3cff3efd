"""Make geometries fit to be measured: repair invalid ones in a recorded way, count missing ones, refuse the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from pyproj import CRS

from tools.errors import DataError
from tools.geo.measure import geodesic_area
from tools.geo.nested_shells import open_nested
from tools.geo.rings import Geometries, Indexes, parts_of

COLLECTION = 7
SAME_AREA = 1e-9
"""Relative change of area that is rounding."""


@dataclass(frozen=True)
class RepairReport:
    """What `repair` found and changed."""

    total: int
    repaired: tuple[int, ...] = ()
    """Positions of the invalid geometries that were repaired."""
    collapsed: tuple[int, ...] = ()
    """Positions of those among them that enclose nothing and became empty."""
    nested: tuple[int, ...] = ()
    """Positions of those among them of which an outer ring lay inside another and was taken as a hole."""
    collections: int = 0
    """Collections of several kinds of geometry, of which only the highest kind was kept."""
    missing: int = 0
    """Features without a geometry (null or empty)."""
    area_before_m2: float | None = None
    """Sum of the areas of the repaired geometries as their rings were drawn; None without a CRS."""
    area_after_m2: float | None = None
    """The same after the repair."""

    def warnings(self, noun: str = "features") -> tuple[str, ...]:
        """Return one sentence per thing that the reader must know; none where nothing was wrong."""
        said = []
        if self.repaired:
            collapsed = f"; {len(self.collapsed)} of them enclose nothing and were left out" if self.collapsed else ""
            said.append(
                f"{len(self.repaired)} of {self.total} {noun} had invalid geometry and were repaired (make_valid){self._change()}{collapsed}"
            )
        if self.nested:
            said.append(
                f"{len(self.nested)} of {self.total} {noun} had an outer ring inside another outer ring, as a hole that is wound as a shell: it was taken as a hole (even-odd rule)"
            )
        if self.collections:
            said.append(
                f"{self.collections} of {self.total} {noun} are collections of several kinds; only their highest kind (polygons before lines before points) was kept"
            )
        if self.missing:
            said.append(f"{self.missing} of {self.total} {noun} have no geometry and were not measured")
        return tuple(said)

    def _change(self) -> str:
        if self.area_before_m2 is None or self.area_after_m2 is None:
            return ""
        if abs(self.area_after_m2 - self.area_before_m2) <= SAME_AREA * self.area_before_m2:
            return ", which changed no area"
        return f"; the sum of their areas went from {self.area_before_m2:,.1f} to {self.area_after_m2:,.1f} m2"


def repair(geometries: Geometries, crs: CRS | None = None) -> tuple[Geometries, RepairReport]:
    """Return valid two-dimensional geometries in the same order, and what was done.

    Missing (None) and empty geometries come back as None. An invalid polygon is rebuilt by make_valid's structure method
    and keeps only its polygonal parts, an invalid line only its lines; one that encloses nothing comes back as None. Outer
    rings inside outer rings are holes, and islands inside these (even-odd): such polygons come from Shapefiles, whose rings
    have no other role than their direction, written by programs that wound a hole as a shell. Of a collection the parts of its highest dimension are kept. With a CRS the report tells the change of area. Raises
    DataError for coordinates that are not finite and for what make_valid cannot repair.
    """
    flat: Geometries = np.array(geometries, dtype=object)
    deep = np.flatnonzero(shapely.has_z(flat) | shapely.has_m(flat))  # the others need no copy: half a second per million points
    flat[deep] = shapely.force_2d(flat[deep])
    absent = shapely.is_missing(flat) | shapely.is_empty(flat)
    flat[absent] = None
    _require_finite(flat)
    mixed = np.flatnonzero(shapely.get_type_id(flat) == COLLECTION)
    flat[mixed] = _highest(flat[mixed])
    invalid: Indexes = np.flatnonzero(~shapely.is_missing(flat) & ~shapely.is_valid(flat))
    report = RepairReport(len(flat), collections=len(mixed), missing=int(absent.sum()))
    if not len(invalid):
        return flat, report
    before = flat[invalid]
    opened, is_nested = open_nested(before)
    after = _rebuild(opened, invalid)
    flat[invalid] = after
    collapsed = tuple(int(i) for i in invalid[shapely.is_missing(after)])
    nested = tuple(int(i) for i in invalid[is_nested])
    report = replace(report, repaired=tuple(int(i) for i in invalid), collapsed=collapsed, nested=nested)
    return flat, report if crs is None else _with_areas(report, before, after, crs)


def only_dimension(geometries: Geometries, dimension: int) -> Geometries:
    """Return the parts of one dimension (0 points, 1 lines, 2 polygons) of each geometry; None where it has none."""
    parts, owner = parts_of(geometries, dimension)
    kept: Geometries = np.full(len(geometries), None, dtype=object)
    numbers, first = np.unique(owner, return_index=True)
    for number, own in zip(numbers, np.split(parts, first[1:]), strict=False):
        kept[number] = own[0] if len(own) == 1 else shapely.union_all(own)
    return kept


def _highest(collections: Geometries) -> Geometries:
    """Return the parts of the highest dimension of each collection."""
    highest = np.array(collections, dtype=object)
    dimensions = shapely.get_dimensions(collections)
    for dimension in np.unique(dimensions):
        own = dimensions == dimension
        highest[own] = only_dimension(collections[own], int(dimension))
    return highest


def _with_areas(report: RepairReport, before: Geometries, after: Geometries, crs: CRS) -> RepairReport:
    return replace(report, area_before_m2=float(geodesic_area(before, crs).sum()), area_after_m2=float(geodesic_area(after, crs).sum()))


def _rebuild(geometries: Geometries, positions: Indexes) -> Geometries:
    valid = shapely.make_valid(geometries, method="structure", keep_collapsed=False)
    rebuilt: Geometries = np.full(len(valid), None, dtype=object)
    dimensions = shapely.get_dimensions(geometries)
    for dimension in np.unique(dimensions):
        own = dimensions == dimension
        rebuilt[own] = only_dimension(valid[own], int(dimension))
    beyond = np.flatnonzero(~shapely.is_missing(rebuilt) & ~shapely.is_valid(rebuilt))
    if len(beyond):
        position = int(positions[beyond[0]])
        raise DataError(
            f"Geometry {position} is invalid ({shapely.is_valid_reason(geometries[beyond[0]])}) and make_valid could not repair it.",
            hint="Repair or remove this feature in the source file.",
        )
    return rebuilt


def _require_finite(geometries: Geometries) -> None:
    xy, owner = shapely.get_coordinates(geometries, return_index=True)
    broken = np.flatnonzero(~np.isfinite(xy).all(axis=1))
    if len(broken):
        raise DataError(
            f"Geometry {int(owner[broken[0]])} has a coordinate that is not a finite number.",
            hint="Remove or mend this feature in the source file.",
        )
