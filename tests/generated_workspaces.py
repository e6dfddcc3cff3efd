"""Small but real geodata with random names, columns, classes, units and CRSs, and all that is needed to know the truth of it.

`make_scene(seed, folder)` writes six files: a class raster, a raster of values, zones, polygons with a class, named points,
named lines and one more polygon layer to overlay. The same seed gives the same scene. `generated_truth` tells what is true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj

import generated_words as words
from generated_files import FORMATS, LabelStyle, fit_column, smooth_field, write_labels, write_layer, write_raster
from generated_lattice import SUB, Lattice, Rect
from generated_words import Noun, Surface, pick, sample

@dataclass(frozen=True)
class ClassRaster:
    """A raster of classes. `codes` (row, col) holds 0 where there is no data."""

    path: Path
    theme: str
    codes: npt.NDArray[np.uint8]
    labels: Mapping[int, str]
    """Code → name as in the file; also holds one class that occurs nowhere (`absent`)."""
    absent: int
    label_style: LabelStyle

    @property
    def options(self) -> dict[str, Any]:
        """What a user says on `add`: the classes, where the file does not."""
        if self.label_style == "declared":
            return {"kind": "categorical", "classes": {str(code): label for code, label in self.labels.items()}}
        return {"kind": "categorical"} if self.label_style == "none" else {}


@dataclass(frozen=True)
class ValueRaster:
    """A raster of values (row, col), masked where there is no data."""

    path: Path
    surface: Surface
    values: np.ma.MaskedArray[Any, Any]


@dataclass(frozen=True)
class Area:
    """A polygon feature: its cells and its attributes."""

    rects: tuple[Rect, ...]
    columns: Mapping[str, Any]


@dataclass(frozen=True)
class Site:
    """A point feature at a position in cells."""

    row: float
    column: float
    columns: Mapping[str, Any]


@dataclass(frozen=True)
class Route:
    """A line feature through the centres of cells (row, column)."""

    cells: tuple[tuple[int, int], ...]
    columns: Mapping[str, Any]


@dataclass(frozen=True)
class Layer:
    """A vector layer and what its columns mean."""

    path: Path
    crs: str
    noun: Noun
    name_column: str
    features: tuple[Any, ...]
    class_column: str = ""
    number_column: str = ""

    def values(self, column: str) -> list[Any]:
        """Return the distinct values of a column, in order of appearance."""
        return list(dict.fromkeys(feature.columns[column] for feature in self.features))

    def where(self, column: str, value: object) -> list[Any]:
        """Return the features with this value."""
        return [feature for feature in self.features if feature.columns[column] == value]


@dataclass(frozen=True)
class Scene:
    """A generated workspace. `outside` names the zone that no raster reaches."""

    seed: int
    folder: Path
    lattice: Lattice
    cover: ClassRaster
    surface: ValueRaster
    zones: Layer
    parcels: Layer
    sites: Layer
    routes: Layer
    extent: Layer
    outside: str

    @property
    def options(self) -> dict[Path, dict[str, Any]]:
        """What the user says of each file when it is added."""
        return {path: self.cover.options if path == self.cover.path else {} for path in self.paths}

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files, in the order in which a folder lists them."""
        layers = (self.zones, self.parcels, self.sites, self.routes, self.extent)
        return tuple(sorted([self.cover.path, self.surface.path, *(layer.path for layer in layers)]))

    def zone_names(self) -> list[str]:
        """Return the names of the zones that the rasters reach, in order of appearance."""
        return [name for name in self.zones.values(self.zones.name_column) if name != self.outside]


def make_scene(seed: int, folder: Path) -> Scene:
    """Write the scene of a seed into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    ground = make_ground(seed, folder)
    cover, surface = make_cover(ground), make_surface(ground)
    zones, outside = make_zones(ground)
    return Scene(
        seed=seed,
        folder=folder,
        lattice=ground.lattice,
        cover=cover,
        surface=surface,
        zones=zones,
        parcels=make_parcels(ground),
        sites=make_sites(ground),
        routes=make_routes(ground),
        extent=make_extent(ground),
        outside=outside,
    )
