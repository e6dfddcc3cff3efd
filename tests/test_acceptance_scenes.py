"""Acceptance on real scenes: found in a real catalogue, their bands read over HTTP, measured, cited, and read only once."""

# ruff: noqa: F811 - fixtures that are imported
from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import rasterio

from acceptance_oracles import pixel_areas_m2
from agent import Agent
from asking import assert_answered, assert_declined, assert_first, assert_names, assert_repeats, readings
from range_server import RangeServer
from stac_server import ServeStac, api_35mnm, loopback_allowed, serve_stac  # noqa: F401 - fixtures
from tools.contract import Declared

pytestmark = pytest.mark.realdata

SCENE = "S2A_29RKH_20200219_0_L2A"
BANDS = {"red": "B04", "nir08": "B8A", "swir16": "B11", "scl": "SCL"}
"""Asset → file of the scene whose files lie beside the checkout."""
LANDSAT = {"swir1": 1, "nir": 2, "red": 3, "green": 4}


@dataclass(frozen=True)
class Served:
    """A scene in a catalogue, its files on an HTTP server."""

    api: str
    files: RangeServer


@pytest.fixture
def agent(tmp_path: Path, loopback_allowed: None) -> Agent:
    return Agent(workspace=tmp_path / "ws", engine="planner")


@pytest.fixture
def items(shared_data: Path) -> list[dict[str, Any]]:
    return json.loads((shared_data / "stac" / "s2_35MNM_2020_jun_jul.geojson").read_text(encoding="utf-8"))["features"]


@pytest.fixture
def served(shared_data: Path, tmp_path: Path, serve_stac: ServeStac) -> Iterator[Served]:
    """The real item of the scene, with the addresses of its files changed to those of a server that answers byte ranges."""
    item = json.loads((shared_data / "stac" / f"{SCENE}.json").read_text(encoding="utf-8"))
    with RangeServer() as files:
        item["assets"] = {
            asset: {**item["assets"][asset], "href": files.put(f"/{name}.tif", _bytes(shared_data, name))} for asset, name in BANDS.items()
        }
        item["links"] = []
        path = tmp_path / "item.json"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": [item]}), encoding="utf-8")
        collection = {
            "type": "Collection", "stac_version": "1.0.0", "id": item["collection"], "description": "Sentinel-2 level 2A", "links": [],
            "license": "proprietary",
            "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [["2015-06-27T00:00:00Z", None]]}},
        }  # fmt: skip
        described = tmp_path / "collection.json"
        described.write_text(json.dumps(collection), encoding="utf-8")
        yield Served(serve_stac(described, path), files)


def _bytes(shared_data: Path, band: str) -> bytes:
    return (shared_data / "rasters" / SCENE / f"{band}.tif").read_bytes()


def july_under(items: list[dict[str, Any]], cloud: float) -> list[dict[str, Any]]:
    return [item for item in items if item["properties"]["datetime"].startswith("2020-07") and item["properties"]["eo:cloud_cover"] < cloud]


@pytest.mark.parametrize(
    "question",
    [
        "Which Sentinel-2 scenes of tile 35MNM from July 2020 have less than 10 % cloud?",
        "List the Sentinel-2 images of tile 35MNM in July 2020 under 10 % cloud cover",
        "sentinel-2-l2a scenes of tile 35MNM between 2020-07-01 and 2020-07-31 with cloud cover below 10 %",
    ],
)
def test_scenes_of_a_tile_in_a_month_under_a_cloud_limit_are_the_right_five(
    question: str,
    agent: Agent,
    items: list[dict[str, Any]],
    api_35mnm: str,
) -> None:
    right = july_under(items, 10)
    assert len(right) == 5
    result = agent.run(question, data=[api_35mnm])
    assert_names(result, [item["id"] for item in right], [item["id"] for item in items])
    clouds = {item["id"]: item["properties"]["eo:cloud_cover"] for item in right}
    said = {reading.subject["scene"]: reading.value for reading in readings(result) if reading.name == "cloud_cover"}
    assert said == {scene: pytest.approx(cloud, rel=1e-3) for scene, cloud in clouds.items()}
    assert_repeats(agent, result, [api_35mnm])


def test_count_of_scenes_is_cited(agent: Agent, items: list[dict[str, Any]], api_35mnm: str) -> None:
    result = agent.run("How many Sentinel-2 scenes of tile 35MNM in July 2020 have less than 1 % cloud?", data=[api_35mnm])
    assert_first(result, len(july_under(items, 1)), name="count")


def test_no_scene_in_a_covered_month_is_a_true_zero(agent: Agent, api_35mnm: str) -> None:
    result = agent.run("How many Sentinel-2 scenes of tile 35MNM in July 2020 have less than 0.001 % cloud?", data=[api_35mnm])
    assert_answered(result)
    assert result.outcome == "true_zero"


def test_cloud_share_of_a_scene_comes_from_its_item(agent: Agent, served: Served, shared_data: Path) -> None:
    item = json.loads((shared_data / "stac" / f"{SCENE}.json").read_text(encoding="utf-8"))
    result = agent.run(f"What is the cloud cover of scene {SCENE}?", data=[served.api])
    assert_first(result, item["properties"]["eo:cloud_cover"], name="cloud_cover", unit="%")
    assert served.files.sent() == 0


def band(shared_data: Path, name: str) -> npt.NDArray[np.float64]:
    with rasterio.open(shared_data / "rasters" / SCENE / f"{name}.tif") as dataset:
        return dataset.read(1).astype(float)


def clear_land_ndvi(shared_data: Path) -> float:
    """Return the mean NDVI of vegetation and bare ground on the 200 m grid of the coarser bands, red averaged onto it."""
    fine, nir, classes = band(shared_data, "B04"), band(shared_data, "B8A"), band(shared_data, "SCL")
    red = fine.reshape(nir.shape[0], 2, nir.shape[1], 2).mean(axis=(1, 3))
    land = np.isin(classes, (4, 5)) & (red > 0) & (nir > 0)
    return float(((nir - red) / (nir + red))[land].mean())


@pytest.mark.parametrize("question", [f"What is the mean clear-land NDVI of {SCENE}?", f"mean NDVI of clear land in scene {SCENE}"])
def test_clear_land_ndvi_of_a_scene_is_right_and_its_bands_are_read_once(
    question: str, agent: Agent, served: Served, shared_data: Path
) -> None:
    result = agent.run(question, data=[served.api])
    assert_first(result, clear_land_ndvi(shared_data), name="mean")
    assert re.search(r"\bNDVI\b", result.answer)
    read = served.files.sent()
    assert read > 0
    assert_repeats(agent, result, [served.api])
    assert served.files.sent() == read, "a stored result was read again"


def water_m2(path: Path) -> float:
    """Return the ground area where (green - swir1) / (green + swir1) > 0."""
    with rasterio.open(path) as dataset:
        swir, green = dataset.read(1).astype(float), dataset.read(4).astype(float)
        areas = pixel_areas_m2(dataset.transform, swir.shape, dataset.crs)
    valid = (swir > 0) & (green > 0)
    return float((np.where(valid & (green > swir), 1.0, 0.0) * areas).sum())


@pytest.fixture
def landsat(agent: Agent, shared_data: Path) -> Agent:
    """The agent with two composites of one place whose band roles and years are declared."""
    for year in ("1985", "2020"):
        path = shared_data / "rasters" / f"pucallpa_landsat_{year}.tif"
        report = agent.add(path, declared=Declared(bands=LANDSAT), time=year)
        assert not report.refused
    return agent


@pytest.mark.parametrize(
    "question",
    [
        "How many hectares of water were there in 1985 and in 2020?",
        "How many hectares of water (MNDWI > 0) were there in Pucallpa in 1985 against 2020?",
        "Compare the water area in 1985 and 2020",
    ],
)
def test_water_of_two_years_is_right(question: str, landsat: Agent, shared_data: Path) -> None:
    right = {year: water_m2(shared_data / "rasters" / f"pucallpa_landsat_{year}.tif") for year in ("1985", "2020")}
    result = landsat.run(question)
    assert_answered(result)
    areas = [reading.value for reading in readings(result) if reading.name == "area"]
    assert areas[:2] == [pytest.approx(right["1985"], rel=1e-3), pytest.approx(right["2020"], rel=1e-3)]
    assert len({reading.unit for reading in readings(result) if reading.name in ("area", "difference")}) == 1
    assert "MNDWI" in result.answer, "an index that nobody named is said"
    assert_repeats(landsat, result)


def test_a_scene_that_does_not_reach_the_place_is_no_coverage(agent: Agent, served: Served, shared_data: Path) -> None:
    agent.add(shared_data / "vectors" / "zion_boundary.gpkg")
    agent.add(served.api)
    result = agent.run(f"What is the mean NDVI of {SCENE} in Zion National Park?")
    assert_declined(result, outcome="no_coverage")


def test_the_index_of_a_scene_can_be_drawn(agent: Agent, served: Served) -> None:
    result = agent.run(f"Show a map of the NDVI of {SCENE}", data=[served.api])
    assert_answered(result)
    assert [artifact["kind"] for artifact in result.artifacts][-1] == "map"
