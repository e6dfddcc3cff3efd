"""Rasters of one place at two times: reflectance in bands with roles, and land cover, with districts; truth by numpy."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyproj
import rasterio
from rasterio.transform import from_origin

from generated_words import ZONE_NOUNS, Noun, invent_names, pick
from tools.contract import Declared

PX, LEFT, TOP, ROWS, COLUMNS = 20.0, 500_000.0, 5_100_000.0, 24, 30
CRS = "EPSG:32633"
ROLES = ("green", "red", "nir", "swir1", "blue")
COVER = {1: "forest", 2: "meadow", 3: "built-up", 4: "bare soil"}
THEMES = ("estuary", "delta", "lagoon", "valley", "harbour")
YEARS = ((1987, 2021), (1999, 2018), (2003, 2023))
INDICES: dict[str, Callable[[dict[str, npt.NDArray[np.float64]]], npt.NDArray[np.float64]]] = {
    "NDVI": lambda b: (b["nir"] - b["red"]) / (b["nir"] + b["red"]),
    "NDWI": lambda b: (b["green"] - b["nir"]) / (b["green"] + b["nir"]),
    "MNDWI": lambda b: (b["green"] - b["swir1"]) / (b["green"] + b["swir1"]),
    "NDBI": lambda b: (b["swir1"] - b["nir"]) / (b["swir1"] + b["nir"]),
    "EVI": lambda b: 2.5 * (b["nir"] - b["red"]) / (b["nir"] + 6 * b["red"] - 7.5 * b["blue"] + 1),
}


@dataclass(frozen=True)
class Place:
    """Two times of one place; `valid` and `rows` of a district are (row, col)."""

    folder: Path
    theme: str
    years: tuple[int, int]
    bands: dict[int, dict[str, npt.NDArray[np.float64]]]
    """Year → role → reflectance."""
    valid: dict[int, npt.NDArray[np.bool_]]
    cover: dict[int, npt.NDArray[np.uint8]]
    zone: Noun
    districts: dict[str, tuple[int, int, int, int]]
    """Name → first row, last row, first column, last column (the last outside)."""
    described: bool
    """Whether the files tell the roles; else they are declared."""
    order: tuple[str, ...]

    def stem(self, year: int) -> str:
        return f"{self.theme}_image_{year}"

    def cover_stem(self, year: int) -> str:
        return f"landcover_{year}"

    def index(self, name: str, year: int) -> npt.NDArray[np.float64]:
        """Return an index, NaN where there is no data."""
        return np.where(self.valid[year], INDICES[name](self.bands[year]), np.nan)

    def window(self, name: str) -> tuple[slice, slice]:
        top, bottom, left, right = self.districts[name]
        return slice(top, bottom), slice(left, right)

    @cached_property
    def pixel_m2(self) -> float:
        """The true area of a pixel, the same everywhere to 1e-5."""
        to_degrees = pyproj.Transformer.from_crs(CRS, 4326, always_xy=True)
        x, y = LEFT + PX * COLUMNS / 2, TOP - PX * ROWS / 2
        lon, lat = to_degrees.transform([x, x + PX, x + PX, x], [y, y, y + PX, y + PX])
        return abs(pyproj.Geod(ellps="WGS84").polygon_area_perimeter(lon, lat)[0])

    def area(self, chosen: npt.NDArray[np.bool_]) -> float:
        return float(chosen.sum()) * self.pixel_m2


def make_place(seed: int, folder: Path) -> Place:
    """Write the rasters and districts of a seed into a folder."""
    rng = np.random.default_rng((seed, 97))
    folder.mkdir(parents=True)
    years = pick(rng, YEARS)
    valid = {year: np.ones((ROWS, COLUMNS), bool) for year in years}
    for mask in valid.values():
        mask[rng.integers(0, ROWS, 12), rng.integers(0, COLUMNS, 12)] = False
    place = Place(
        folder, pick(rng, THEMES), years, {year: _reflectance(rng) for year in years}, valid,
        {year: rng.choice(list(COVER), (ROWS, COLUMNS)).astype("uint8") for year in years},
        pick(rng, ZONE_NOUNS), dict(zip(invent_names(rng, 3), ((2, 20, 1, 10), (2, 20, 10, 21), (5, 23, 21, 29)), strict=True)),
        bool(rng.integers(0, 2)), tuple(str(role) for role in rng.permutation(ROLES)),
    )  # fmt: skip
    for year in years:
        _write_bands(place, year)
        _write(folder / f"{place.cover_stem(year)}.tif", [place.cover[year]], nodata=0)
    _write_districts(place)
    return place


def _reflectance(rng: np.random.Generator) -> dict[str, npt.NDArray[np.float64]]:
    """Return reflectances as a file of single precision holds them."""
    return {role: np.round(rng.uniform(0.05, 0.6, (ROWS, COLUMNS)), 4).astype("float32").astype("float64") for role in ROLES}


def _write_bands(place: Place, year: int) -> None:
    bands = [np.where(place.valid[year], place.bands[year][role], np.nan).astype("float32") for role in place.order]
    _write(place.folder / f"{place.stem(year)}.tif", bands, nodata=np.nan, names=place.order if place.described else ())


def _write(path: Path, bands: list[npt.NDArray[np.generic]], *, nodata: float, names: tuple[str, ...] = ()) -> None:
    profile = {
        "driver": "GTiff", "count": len(bands), "height": ROWS, "width": COLUMNS, "dtype": bands[0].dtype, "crs": CRS,
        "transform": from_origin(LEFT, TOP, PX, PX), "nodata": nodata,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(np.stack(bands))
        for number, name in enumerate(names, 1):
            dataset.set_band_description(number, name)


def _write_districts(place: Place) -> None:
    features = []
    for name, (top, bottom, left, right) in place.districts.items():
        west, east, north, south = LEFT + PX * left, LEFT + PX * right, TOP - PX * top, TOP - PX * bottom
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        features.append({"type": "Feature", "properties": {"name": name}, "geometry": {"type": "Polygon", "coordinates": [ring]}})
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32633"}}
    text = json.dumps({"type": "FeatureCollection", "crs": crs, "features": features})
    (place.folder / f"{place.zone.many.replace(' ', '_')}.geojson").write_text(text, encoding="utf-8")


def declared(place: Place, path: Path) -> Declared:
    """Return what a user says of a file when it is added."""
    if path.stem.startswith("landcover"):
        return Declared(kind="categorical", classes={str(code): label for code, label in COVER.items()})
    if path.suffix == ".tif" and not place.described:
        return Declared(bands={role: number for number, role in enumerate(place.order, 1)})
    return Declared()
