"""An index of a scene: found in a catalogue, its bands read, masked by its own classification, told in total and by zone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from rasterio.transform import from_origin

from agent import Agent
from asking import assert_declined, assert_first, assert_reads

ID = "S2A_33TUM_20210603_0_L2A"
ROWS, COLUMNS, PX, LEFT, TOP = 20, 24, 20.0, 400_000.0, 5_100_000.0
CLASSES = (4, 5, 6, 8)
"""Of the scene classification: vegetation, bare soil, water, cloud."""


@dataclass(frozen=True)
class Pixels:
    """The scene as numpy knows it."""

    agent: Agent
    ndvi: npt.NDArray[np.float64]
    scl: npt.NDArray[np.uint8]

    def mean(self, columns: slice, *, land: bool) -> float:
        chosen = np.isin(self.scl, (4, 5)) if land else np.ones_like(self.scl, bool)
        return float(self.ndvi[:, columns][chosen[:, columns]].mean())


@pytest.fixture(params=range(3))
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Pixels:
    rng = np.random.default_rng((request.param, 99))
    red, nir = (rng.integers(300, 5000, (ROWS, COLUMNS)).astype("uint16") for _ in range(2))
    scl = rng.choice(CLASSES, (ROWS, COLUMNS)).astype("uint8")
    folder = tmp_path / "catalogue"
    folder.mkdir()
    for name, band in (("B04", red), ("B08", nir), ("SCL", scl)):
        profile = {"driver": "GTiff", "count": 1, "height": ROWS, "width": COLUMNS, "dtype": band.dtype, "crs": "EPSG:32633", "nodata": 0}
        with rasterio.open(folder / f"{name}.tif", "w", transform=from_origin(LEFT, TOP, PX, PX), **profile) as file:
            file.write(band, 1)
    _write_catalogue(folder)
    agent = Agent(workspace=tmp_path / "ws", engine="planner")
    for path in (folder / "catalog.json", _write_halves(tmp_path / "halves.geojson")):
        assert not agent.add(path).refused
    ndvi = (nir.astype(float) - red) / (nir.astype(float) + red)
    return Pixels(agent, ndvi, scl)


def _write_catalogue(folder: Path) -> None:
    assets = {
        "B04": {"href": "./B04.tif", "type": "image/tiff; application=geotiff", "eo:bands": [{"name": "B04", "common_name": "red"}]},
        "B08": {"href": "./B08.tif", "type": "image/tiff; application=geotiff", "eo:bands": [{"name": "B08", "common_name": "nir"}]},
        "SCL": {"href": "./SCL.tif", "type": "image/tiff; application=geotiff"},
    }
    ring = [[13.6, 46.0], [13.8, 46.0], [13.8, 46.1], [13.6, 46.1], [13.6, 46.0]]
    item = {
        "type": "Feature", "stac_version": "1.0.0", "id": ID, "collection": "s2", "links": [], "assets": assets, "bbox": [13.6, 46.0, 13.8, 46.1],
        "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": {"datetime": "2021-06-03T10:00:00Z", "eo:cloud_cover": 12.5},
    }  # fmt: skip
    links = [{"rel": "item", "href": "./item.json"}]
    root = {"type": "Catalog", "stac_version": "1.0.0", "id": "own", "description": "own scenes", "links": links}
    (folder / "item.json").write_text(json.dumps(item), encoding="utf-8")
    (folder / "catalog.json").write_text(json.dumps(root), encoding="utf-8")


def _write_halves(path: Path) -> Path:
    features = []
    for name, first in (("West", 0), ("East", COLUMNS // 2)):
        west, east, south = LEFT + PX * first, LEFT + PX * (first + COLUMNS // 2), TOP - PX * ROWS
        ring = [[west, south], [east, south], [east, TOP], [west, TOP], [west, south]]
        features.append({"type": "Feature", "properties": {"half": name}, "geometry": {"type": "Polygon", "coordinates": [ring]}})
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32633"}}
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}), encoding="utf-8")
    return path


def test_the_index_of_a_scene_is_that_of_its_bands(scene: Pixels) -> None:
    result = scene.agent.run(f"What is the mean NDVI of scene {ID}?")
    assert_first(result, scene.mean(slice(None), land=False), name="mean")
    assert [step["tool"] for step in result.steps if step.get("tool")] == ["search_stac", "read_asset", "spectral_index", "zonal_stats"]


def test_the_mask_keeps_clear_land_only(scene: Pixels) -> None:
    result = scene.agent.run(f"mean clear-land NDVI of {ID}")
    assert_first(result, scene.mean(slice(None), land=True), name="mean")


def test_the_index_of_a_scene_is_told_by_zone(scene: Pixels) -> None:
    halves = {"West": slice(0, COLUMNS // 2), "East": slice(COLUMNS // 2, COLUMNS)}
    means = {name: scene.mean(columns, land=True) for name, columns in halves.items()}
    thread = scene.agent.thread()
    assert_first(thread.run(f"mean clear-land NDVI of {ID}"), scene.mean(slice(None), land=True), name="mean")
    assert_reads(thread.run("and by half?"), dict(means), name="mean")
    assert_reads(scene.agent.run(f"mean clear-land NDVI of {ID} by half"), dict(means), name="mean")


def test_cloud_and_index_of_a_scene_are_told_together_and_repeat(scene: Pixels) -> None:
    question = f"What are the cloud cover and the mean clear-land NDVI of {ID}?"
    result = scene.agent.run(question)
    assert_first(result, 12.5, name="cloud_cover")
    assert_first(result, scene.mean(slice(None), land=True), name="mean")
    again = scene.agent.run(question)
    assert again.answer == result.answer
    assert {one["cache"] for one in again.artifacts if one["tool"] not in ("search_stac",)} == {"hit"}


@pytest.mark.parametrize(
    "question", ["mean NBR of {id}", "mean NDVI of S2A_99XYZ_20210603_0_L2A", "area of water in {id}", "mean NDVI of {id} by colour"]
)
def test_what_a_scene_cannot_tell_is_declined(question: str, scene: Pixels) -> None:
    assert_declined(scene.agent.run(question.format(id=ID)))
