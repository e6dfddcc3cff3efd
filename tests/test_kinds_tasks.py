"""Questions that make something, asked end to end on a plane of known slope: every number is computable in the head."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin
from shapely.geometry import Point, Polygon, box

from agent import Agent
from agent.result import RunResult
from asking import assert_answered, assert_first, assert_reads, readings
from tools.contract import Declared
from tools.settings import ToolSettings

UTM = "EPSG:32632"
EAST, NORTH, PX = 500_000, 5_300_000, 20
"""Lower left corner, on the central meridian, where a metre of the grid is 1 / 0.9996 metres on the ground; and side of a pixel."""
SCALE = 0.9996
WIDTH, HEIGHT = 100, 60
RISE = 0.2
"""Metres up per metre east."""


def at(x: float, y: float) -> Point:
    return Point(EAST + x, NORTH + y)


def rect(x: float, y: float, width: float, height: float) -> Polygon:
    return box(EAST + x, NORTH + y, EAST + x + width, NORTH + y + height)


def height_at(x: float) -> float:
    """Height in the middle of the pixel in which x lies."""
    return 100 + RISE * (math.floor(x / PX) * PX + PX / 2)


def layer(folder: Path, name: str, columns: dict[str, list[object]], shapes: list[object]) -> Path:
    gpd.GeoDataFrame(columns, geometry=shapes, crs=UTM).to_file(folder / f"{name}.gpkg")
    return folder / f"{name}.gpkg"


@dataclass(frozen=True)
class Asked:
    agent: Agent

    def __call__(self, question: str) -> RunResult:
        return self.agent.run(question)


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("tasks")
    heights = np.tile(100 + RISE * (np.arange(WIDTH) * PX + PX / 2), (HEIGHT, 1)).astype("float32")
    profile = {"driver": "GTiff", "width": WIDTH, "height": HEIGHT, "count": 1, "dtype": "float32", "crs": UTM}
    with rasterio.open(folder / "elevation.tif", "w", transform=from_origin(EAST, NORTH + HEIGHT * PX, PX, PX), **profile) as file:
        file.write(heights, 1)
    forest = np.full((HEIGHT, WIDTH), 2, "uint8")
    forest[:, 0] = 1
    with rasterio.open(
        folder / "cover.tif", "w", transform=from_origin(EAST, NORTH + HEIGHT * PX, PX, PX), **{**profile, "dtype": "uint8"}
    ) as file:
        file.write(forest, 1)
    districts = [rect(0, 0, 1000, 1200), rect(600, 0, 800, 1200)]
    layer(folder, "districts", {"name": ["Westmark", "Midlow"], "code": ["01", "02"], "region": ["Upland", "Upland"]}, districts)
    layer(folder, "clinics", {"name": ["Oxby", "Fenby"]}, [at(210, 310), at(1510, 310)])
    layer(folder, "stations", {"station": ["Hill", "Dale"], "rainfall": [100.0, 300.0]}, [at(500, 600), at(1500, 600)])
    bow = Polygon([(EAST, NORTH), (EAST + 100, NORTH + 100), (EAST + 100, NORTH), (EAST, NORTH + 100)])
    layer(folder, "fields", {"crop": ["rye", "rye", "oats"]}, [rect(0, 0, 100, 100), rect(0, 0, 100, 100), bow])
    (folder / "population.csv").write_text("code,population\n01,120\n02,80\n")
    agent = Agent(folder / "ws", tool_settings=ToolSettings(workers=0))
    agent.add(folder / "elevation.tif", declared=Declared(unit="m", kind="continuous"))
    agent.add(folder / "cover.tif", declared=Declared(kind="categorical", classes={"1": "forest", "2": "meadow"}))
    for name in ("districts.gpkg", "clinics.gpkg", "stations.gpkg", "fields.gpkg", "population.csv"):
        agent.add(folder / name)
    yield Asked(agent)
    agent.close()


def test_slope_of_each_district(ask: Asked) -> None:
    degrees = math.degrees(math.atan(RISE * SCALE))
    assert_reads(ask("How steep is each district?"), {"Westmark": degrees, "Midlow": degrees}, name="mean", unit="degree")


def test_elevation_at_points(ask: Asked) -> None:
    assert_reads(ask("What is the elevation at the clinics?"), {"Oxby": height_at(210), "Fenby": height_at(1510)}, name="value", unit="m")


def test_totals_after_a_join_count_every_feature_once(ask: Asked) -> None:
    assert_first(ask("Join population.csv to districts by code, total population"), 200, name="sum of population")


@pytest.mark.heavy
def test_layers_are_made_one_of_the_other_and_exported(ask: Asked) -> None:
    result = ask("Simplify the districts by 5 m and then export them as GeoJSON")
    assert_answered(result)
    (made,) = (artifact for artifact in result.artifacts if artifact["tool"] == "export")
    assert any(file["path"].endswith(".geojson") for file in made["files"])


@pytest.mark.heavy
def test_point_that_lies_highest(ask: Asked) -> None:
    assert_reads(ask("Which clinic lies highest?"), {"Fenby": height_at(1510)}, name="value")


@pytest.mark.heavy
def test_distance_to_a_class_is_measured_on_the_ground(ask: Asked) -> None:
    result = ask("What is the mean distance to forest in Westmark?")
    assert_first(result, np.arange(50).mean() * PX / SCALE, name="mean", unit="m")
    assert "distance to forest" in result.answer


@pytest.mark.heavy
def test_rain_by_thiessen_polygons_is_weighted_by_area(ask: Asked) -> None:
    result = ask("What is the mean rainfall of each district by Thiessen polygons of the stations?")
    assert_reads(result, {"Westmark": 100.0, "Midlow": 0.5 * 100 + 0.5 * 300}, name=None)


@pytest.mark.heavy
def test_contours_of_a_plane_are_parallel_lines(ask: Asked) -> None:
    result = ask("Draw contours every 100 m")
    assert_answered(result)
    lengths = sorted(reading.value for reading in readings(result) if reading.name == "length")
    levels = [level for level in range(0, 1000, 100) if 100 + RISE * PX / 2 < level < height_at(WIDTH * PX - 1)]
    each = HEIGHT * PX / SCALE  # from edge to edge, as gdal_contour draws them
    assert lengths == pytest.approx([*(each for _ in levels), each * len(levels)], rel=2e-3)


@pytest.mark.heavy
def test_highest_point_is_told_with_its_place(ask: Asked) -> None:
    result = ask("Where is the highest point in Westmark?")
    assert_first(result, height_at(990), name="maximum", unit="m")
    assert EAST + 990 in {round(reading.value) for reading in readings(result) if reading.name == "x"}


@pytest.mark.heavy
def test_cleaning_tells_what_it_changed(ask: Asked) -> None:
    result = ask("Clean the fields")
    assert_answered(result)
    told = {(reading.name, reading.subject.get("step")): reading.value for reading in readings(result)}
    assert told["features before", None] == 3
    assert told["features after", None] == 2
    assert (told["removed", "duplicates"], told["changed", "invalid_geometry"]) == (1, 1)


@pytest.mark.heavy
def test_buffer_is_true_metres(ask: Asked) -> None:
    assert_first(ask("Buffer the clinics by 500 m"), 2 * math.pi * 500**2, name="area")
