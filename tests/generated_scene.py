"""What a generated workspace holds: rasters, layers and their features, in lattice positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from generated_files import LabelStyle
from generated_lattice import Lattice, Rect
from generated_words import Noun, Surface


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
