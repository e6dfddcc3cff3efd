"""How much ground geometries cover: area of polygons counted once, length of lines, number of points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from pyproj import CRS

from tools.contract import Fact, Unit
from tools.geo.overlap import Cover, cover
from tools.geo.rings import Geometries
from tools.geo.surface import length_on
from tools.geotypes import Surface

MEASURES: tuple[tuple[str, Unit], ...] = (("count", "count"), ("length", "m"), ("area", "m2"))
"""Measure of each dimension, 0 to 2, and its unit."""
NOISE = 1e-9
"""A result below this share of what went in is rounding and counts as exactly 0."""


@dataclass(frozen=True)
class Extent:
    """Measures by name, for the kinds of geometry there are."""

    values: Mapping[str, float | int]
    cover: Cover | None
    """Overlap among the polygons; None without polygons."""

    @property
    def is_zero(self) -> bool:
        """Whether nothing is covered."""
        return not any(self.values.values())

    def facts(self, subject: Mapping[str, str], prefix: str = "") -> tuple[Fact, ...]:
        """Return a fact per measure; `prefix` tells inputs apart, as in `layer area`."""
        return tuple(Fact(f"{prefix}{name}", self.values[name], unit, subject) for name, unit in MEASURES if name in self.values)

    def without_noise(self, whole: Extent) -> Extent:
        """Return the same with 0 for what is only rounding beside `whole`."""
        return Extent({name: 0 if value < NOISE * whole.values.get(name, 0) else value for name, value in self.values.items()}, self.cover)

    def shares(self, whole: Extent, subject: Mapping[str, str]) -> tuple[Fact, ...]:
        """Return the share in percent of the highest kind of `whole` that this is."""
        name = next((name for name, _ in reversed(MEASURES) if whole.values.get(name) and name in self.values), None)
        return () if name is None else (Fact("share", 100.0 * self.values[name] / whole.values[name], "%", subject),)


def dimensions_of(geometries: Geometries) -> set[int]:
    """Return the dimensions that occur: 0 points, 1 lines, 2 polygons; a collection counts with its highest."""
    return {int(dimension) for dimension in np.unique(shapely.get_dimensions(geometries)) if dimension >= 0}


def extent_of(geometries: Geometries, crs: CRS, dimensions: set[int], surface: Surface = "ellipsoid") -> Extent:
    """Measure valid geometries of one CRS; 0 for each of `dimensions` of which there are none."""
    values: dict[str, float | int] = {}
    covered = None
    if 0 in dimensions:
        values["count"] = int((shapely.get_dimensions(geometries) == 0).sum())
    if 1 in dimensions:
        values["length"] = float(length_on(surface, geometries, crs).sum())
    if 2 in dimensions:
        covered = cover(geometries, crs, surface=surface)
        values["area"] = covered.area_m2
    return Extent(values, covered)
