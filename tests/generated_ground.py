"""Where a generated workspace lies on Earth, and what its makers share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj

from generated_lattice import SUB, Lattice, Rect
from generated_words import invent_names, pick, spell_stem

MARGIN = 8
"""Pixels around the raster in which vector layers may lie."""

NATIONAL = (
    ("EPSG:27700", -1.9, 53.2), ("EPSG:2154", 2.9, 46.4), ("EPSG:31370", 4.9, 50.5), ("EPSG:5514", 16.1, 49.4), ("EPSG:3006", 15.4, 59.6),
    ("EPSG:2180", 19.3, 52.1), ("EPSG:3067", 26.2, 62.3), ("EPSG:3035", 9.7, 50.9), ("EPSG:3577", 134.2, -25.1), ("EPSG:2193", 172.4, -42.2),
    ("EPSG:5070", -97.3, 41.4), ("EPSG:2263", -73.2, 40.9), ("EPSG:3857", 11.3, 56.2), ("EPSG:3857", -68.4, -21.5), ("EPSG:31983", -45.7, -18.4),
)  # fmt: skip
"""CRS with a longitude and latitude inside its area of use: metres and feet, northings first and last, areas true and false."""


@dataclass(frozen=True)
class Ground:
    """A place, a source of chance and of names, and the folder to write into."""

    rng: np.random.Generator
    folder: Path
    lattice: Lattice
    crs_choices: tuple[str, ...]
    """CRSs in which a layer may be stored; the lattice's is the first."""
    names: Iterator[str]
    """Invented names, none a part of another."""

    def path(self, stem_words: str, suffix: str) -> Path:
        """Return a file named after some words, spelled as people do."""
        return self.folder / (spell_stem(self.rng, stem_words) + suffix)

    def crs_for(self, path: Path) -> str:
        """Return a CRS for a file; GeoJSON and CSV are in degrees."""
        return "EPSG:4326" if path.suffix in (".geojson", ".csv") else pick(self.rng, self.crs_choices)

    def rect(self, residue: int, smallest: int, largest: int) -> Rect:
        """Return a random rectangle whose edges lie `residue` cells into a pixel; sizes in pixels.

        Layers whose edges must never coincide have different residues.
        """
        rows, columns = self.lattice.shape
        height, width = (int(n) * SUB for n in self.rng.integers(smallest, largest + 1, 2))
        row = int(self.rng.integers(0, (rows - height - residue) // SUB)) * SUB + residue
        column = int(self.rng.integers(0, (columns - width - residue) // SUB)) * SUB + residue
        return row, column, row + height, column + width


def make_ground(seed: int, folder: Path) -> Ground:
    """Choose a place for a seed: UTM north or south, degrees, or a national system."""
    rng = np.random.default_rng(seed)
    crs, lon, lat = _place(rng, seed)
    choices = tuple(dict.fromkeys((crs, "EPSG:4326", _utm(lon, lat))))
    return Ground(rng, folder, _lattice(rng, crs, lon, lat), choices, iter(invent_names(rng, 80)))


def _place(rng: np.random.Generator, seed: int) -> tuple[str, float, float]:
    """Take turns, so that any four neighbouring seeds hold all kinds of system."""
    lon, lat = float(rng.uniform(-170, 170)), float(rng.uniform(5, 60))
    match seed % 4:
        case 0:
            return _utm(lon, lat), lon, lat
        case 1:
            return _utm(lon, -lat), lon, -lat
        case 2:
            return "EPSG:4326", lon, lat * (1 if rng.random() < 0.5 else -1)
        case _:
            return NATIONAL[seed // 4 % len(NATIONAL)]


def _utm(lon: float, lat: float) -> str:
    return f"EPSG:{(32600 if lat >= 0 else 32700) + int((lon + 180) // 6) + 1}"


def _lattice(rng: np.random.Generator, crs: str, lon: float, lat: float) -> Lattice:
    system = pyproj.CRS(crs)
    height, width = (int(n) for n in rng.integers(40, 68, 2))
    if system.is_geographic:
        pixel = (float(pick(rng, (0.0002, 0.0005, 0.001))), float(pick(rng, (0.0002, 0.0005))))
    else:
        side = pick(rng, (5.0, 10.0, 20.0, 25.0, 30.0, 90.0)) / system.axis_info[0].unit_conversion_factor
        pixel = (side, side)
    x, y = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
    left, top = round(x / pixel[0]) * pixel[0], round(y / pixel[1]) * pixel[1]
    return Lattice(crs, left, top, pixel, height, width, MARGIN)
