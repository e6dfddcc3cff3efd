"""Acceptance on real features: earthquakes with the nearest place, parks, buildings and countries with filters."""

from __future__ import annotations

from pathlib import Path

import pytest

from acceptance_oracles import GEOD, geodesic_area_m2, read, union_area_m2
from agent import Agent
from asking import assert_first, assert_names, assert_order, assert_reads, assert_repeats

pytestmark = pytest.mark.realdata

DEGREES = 0.02
METRES = 100.0


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return Agent(workspace=tmp_path / "ws", engine="planner")


@pytest.mark.parametrize(
    "question",
    [
        "For each earthquake with a magnitude of 7 or more, what is the nearest populated place?",
        "Which populated place is nearest to each earthquake with mag >= 7?",
        "nearest populated place to earthquakes of magnitude at least 7",
    ],
)
def test_strong_earthquakes_and_their_nearest_places_are_right(question: str, agent: Agent, shared_data: Path) -> None:
    quakes, places = (
        shared_data / "vectors" / "usgs_earthquakes_2017.parquet",
        shared_data / "vectors" / "ne_110m_populated_places_simple.json",
    )
    strong, towns = read(quakes).query("mag >= 7"), read(places)
    expected: dict[str | tuple[str, ...], float] = {}
    for quake in strong.itertuples():
        count = len(towns)
        _, _, distances = GEOD.inv(
            [quake.geometry.x] * count, [quake.geometry.y] * count, towns.geometry.x.to_numpy(), towns.geometry.y.to_numpy()
        )
        expected[towns["name"].iloc[int(distances.argmin())]] = float(distances.min())
    assert len(expected) == 2
    result = agent.run(question, data=(quakes, places))
    assert_reads(result, expected, name="distance")
    assert_repeats(agent, result, (quakes, places))


@pytest.mark.parametrize(
    ("question", "least_ha"),
    [("How many parks are there?", 0.0), ("How many parks are larger than 5 hectares?", 5.0), ("number of parks over 1 ha", 1.0)],
)
def test_parks_are_counted_by_size(question: str, least_ha: float, agent: Agent, shared_data: Path) -> None:
    path = shared_data / "vectors" / "london_parks.fgb"
    frame = read(path)
    areas = [geodesic_area_m2(geometry, frame.crs, METRES) for geometry in frame.geometry]
    result = agent.run(question, data=(path,))
    assert_first(result, sum(area > least_ha * 1e4 for area in areas), name="count")
    assert_repeats(agent, result, (path,))


def test_total_area_of_parks_counts_overlaps_once(agent: Agent, shared_data: Path) -> None:
    path = shared_data / "vectors" / "london_parks.fgb"
    result = agent.run("What is the total area of the parks in hectares?", data=(path,))
    assert_first(result, union_area_m2(read(path), METRES), name="area", unit="ha")


def test_the_largest_parks_are_right_and_ranked(agent: Agent, shared_data: Path) -> None:
    path = shared_data / "vectors" / "london_parks.fgb"
    frame = read(path)
    frame["m2"] = [geodesic_area_m2(geometry, frame.crs, METRES) for geometry in frame.geometry]
    largest = frame.nlargest(3, "m2")
    result = agent.run("What are the 3 largest parks?", data=(path,))
    assert_order(result, list(largest["name"]))
    assert_reads(result, dict(zip(largest["name"], largest["m2"], strict=True)), name="area")


@pytest.mark.parametrize(
    ("question", "column", "least"),
    [
        ("How many buildings have a HEIGHT above 10?", "HEIGHT", 10),
        ("How many buildings are higher than 8 m?", "HEIGHT", 8),
        ("number of buildings with height greater than 7", "HEIGHT", 7),
        ("How many buildings have SQMETERS over 500?", "SQMETERS", 500),
    ],
)
def test_buildings_are_counted_by_attribute(question: str, column: str, least: float, agent: Agent, shared_data: Path) -> None:
    path = shared_data / "vectors" / "alexandria_buildings.geojson"
    result = agent.run(question, data=(path,))
    assert_first(result, int((read(path)[column] > least).sum()), name="count")
    assert_repeats(agent, result, (path,))


def test_area_of_tall_buildings_is_right(agent: Agent, shared_data: Path) -> None:
    path = shared_data / "vectors" / "alexandria_buildings.geojson"
    frame = read(path)
    result = agent.run("What is the total area of buildings with a height above 8, in square metres?", data=(path,))
    assert_first(result, union_area_m2(frame[frame["HEIGHT"] > 8], DEGREES), name="area", unit="m2")


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("How many countries have the continent Africa?", "CONTINENT == 'Africa'"),
        ("How many countries are there with CONTINENT South America?", "CONTINENT == 'South America'"),
        ("How many countries have a POP_EST above 100 million?", "POP_EST > 1e8"),
        ("How many countries with continent Europe have POP_EST over 10000000?", "CONTINENT == 'Europe' and POP_EST > 1e7"),
    ],
)
def test_countries_are_counted_by_attributes(question: str, query: str, agent: Agent, shared_data: Path) -> None:
    path = shared_data / "vectors" / "ne_110m_admin_0_countries.json"
    result = agent.run(question, data=(path,))
    assert_first(result, len(read(path).query(query)), name="count")
    assert_repeats(agent, result, (path,))


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("What is the area of Brazil?", "NAME == 'Brazil'"),
        ("area of Fiji in km2", "NAME == 'Fiji'"),  # on both sides of the antimeridian
        ("How large is Russia?", "NAME == 'Russia'"),
        ("total area of countries with CONTINENT South America", "CONTINENT == 'South America'"),
        ("What is the total area of all countries with continent Oceania, in km²?", "CONTINENT == 'Oceania'"),
    ],
)
def test_areas_of_countries_are_right(question: str, query: str, agent: Agent, shared_data: Path) -> None:
    path = shared_data / "vectors" / "ne_110m_admin_0_countries.json"
    chosen = read(path).query(query)
    result = agent.run(question, data=(path,))
    assert_first(result, union_area_m2(chosen, DEGREES), name="area")
    assert_repeats(agent, result, (path,))


def test_places_inside_a_country_are_counted_and_named(agent: Agent, shared_data: Path) -> None:
    countries, places = (
        shared_data / "vectors" / "ne_110m_admin_0_countries.json",
        shared_data / "vectors" / "ne_110m_populated_places_simple.json",
    )
    land = read(countries).query("NAME == 'Italy'").union_all()
    towns = read(places)
    inside = [name for name, point in zip(towns["name"], towns.geometry, strict=True) if land.contains(point)]
    result = agent.run("Which populated places are in Italy?", data=(countries, places))
    assert_names(result, inside, towns["name"])
