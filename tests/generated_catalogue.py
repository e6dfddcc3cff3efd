"""A static catalogue of invented scenes in a folder, with districts, of which every answer can be told by plain Python."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from generated_words import invent_names, pick

MISSIONS = (
    ("sentinel-2-l2a", "Sentinel-2 Level-2A", "Sentinel-2", "S2"),
    ("landsat-c2-l2", "Landsat Collection 2 Level-2", "Landsat", "LC08"),
    ("naip", "NAIP: aerial images", "NAIP", "NP"),
    ("skyview-surface", "SkyView surface reflectance", "SkyView", "SV"),
)
"""(id, title, how people call it, how its scenes are called)."""
TILES = (("32TPR",), ("32TPR", "32TQR"), ("32TQR", "33TUL"), ("33TUL",))
"""Tiles of the military grid that reach into each degree from 10° to 14° E, 45° to 46° N."""
WEST, SOUTH, SIDE = 10.0, 45.0, 1.0
YEAR = 2020


@dataclass(frozen=True)
class Scene:
    """One scene: a box of a degree, a day, a cloud cover, a tile."""

    id: str
    collection: str
    day: date
    cloud: float
    tile: str
    column: int
    """It lies from `WEST + column` to one degree more."""


@dataclass(frozen=True)
class Catalogue:
    """Scenes of one or two collections, and a row of districts, each right below the scenes of one column."""

    folder: Path
    collections: tuple[tuple[str, str, str, str], ...]
    scenes: tuple[Scene, ...]
    districts: tuple[str, ...]

    @property
    def paths(self) -> tuple[Path, Path]:
        """The catalogue and the layer of districts."""
        return self.folder / "catalog.json", self.folder / "districts.geojson"

    def where(self, **wanted: Any) -> list[Scene]:  # Any: the value of a field
        """Return the scenes with these values; `first`, `last`, `below` are limits on day and cloud."""
        first, last, below = wanted.pop("first", date.min), wanted.pop("last", date.max), wanted.pop("below", 101.0)
        fitting = [scene for scene in self.scenes if all(getattr(scene, name) == value for name, value in wanted.items())]
        return [scene for scene in fitting if first <= scene.day <= last and scene.cloud < below]


def make_catalogue(seed: int, folder: Path, collections: int = 1) -> Catalogue:
    """Write a catalogue of so many collections into a folder."""
    rng = np.random.default_rng((seed, 95))
    order = rng.permutation(len(MISSIONS))[:collections]
    chosen = tuple(MISSIONS[int(n)] for n in order)
    districts = tuple(invent_names(rng, 4))
    clouds = iter(rng.permutation(np.round(np.linspace(0.3, 97.3, 120), 2)).tolist())
    scenes = tuple(_scene(rng, number, mission, float(next(clouds))) for mission in chosen for number in range(int(rng.integers(18, 26))))
    catalogue = Catalogue(folder, chosen, scenes, districts)
    _write(catalogue)
    return catalogue


def _scene(rng: np.random.Generator, number: int, mission: tuple[str, str, str, str], cloud: float) -> Scene:
    day = date(YEAR, 5, 1) + timedelta(days=int(rng.integers(0, 150)))
    column = int(rng.integers(0, 4))
    tile = pick(rng, TILES[column])
    return Scene(f"{mission[3]}_{tile}_{day:%Y%m%d}_{number}", mission[0], day, cloud, tile, column)


def _write(catalogue: Catalogue) -> None:
    folder = catalogue.folder
    links = []
    for ident, title, _, _ in catalogue.collections:
        items = [scene for scene in catalogue.scenes if scene.collection == ident]
        (folder / ident).mkdir(parents=True)
        (folder / ident / "collection.json").write_text(json.dumps(_collection(ident, title, items)), encoding="utf-8")
        for scene in items:
            (folder / ident / f"{scene.id}.json").write_text(json.dumps(_item(scene)), encoding="utf-8")
        links.append({"rel": "child", "href": f"./{ident}/collection.json"})
    root = {"type": "Catalog", "stac_version": "1.0.0", "id": "archive", "description": "invented scenes", "links": links}
    (folder / "catalog.json").write_text(json.dumps(root), encoding="utf-8")
    features = [
        {"type": "Feature", "properties": {"district": name}, "geometry": _box(WEST + n + 0.3, SOUTH + 0.3, 0.4)}
        for n, name in enumerate(catalogue.districts)
    ]
    (folder / "districts.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")


def _collection(ident: str, title: str, items: list[Scene]) -> dict[str, Any]:
    extent = {
        "spatial": {"bbox": [[WEST, SOUTH, WEST + 4, SOUTH + 1]]},
        "temporal": {"interval": [[f"{YEAR}-01-01T00:00:00Z", f"{YEAR}-12-31T23:59:59Z"]]},
    }
    links = [{"rel": "item", "href": f"./{scene.id}.json"} for scene in items]
    return {
        "type": "Collection", "stac_version": "1.0.0", "id": ident, "title": title, "description": title, "license": "CC0-1.0",
        "extent": extent, "links": links,
    }  # fmt: skip


def _item(scene: Scene) -> dict[str, Any]:
    west = WEST + scene.column
    return {
        "type": "Feature", "stac_version": "1.0.0", "id": scene.id, "collection": scene.collection, "links": [], "assets": {},
        "bbox": [west + 0.01, SOUTH, west + SIDE - 0.01, SOUTH + SIDE], "geometry": _box(west + 0.01, SOUTH, SIDE - 0.02),
        "properties": {"datetime": f"{scene.day}T10:15:00Z", "eo:cloud_cover": scene.cloud, "s2:mgrs_tile": scene.tile, "platform": "sky-1"},
    }  # fmt: skip


def _box(west: float, south: float, side: float) -> dict[str, Any]:
    ring = [[west, south], [west + side, south], [west + side, south + side], [west, south + side], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}
