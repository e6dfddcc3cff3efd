"""Acceptance on real floods: a depth raster against land use, and two delineations of one flood against built-up land."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import shapely

from acceptance_oracles import coverage, geodesic_area_m2, pixel_areas_m2, read, read_band, union_area_m2
from agent import Agent
from asking import assert_answered, assert_first, assert_names, assert_order, assert_reads, assert_repeats, readings

pytestmark = pytest.mark.realdata

DEGREES = 0.001
"""Step into which edges in degrees are cut: about 100 m."""


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return Agent(workspace=tmp_path / "ws", engine="planner")


@pytest.fixture
def land_use(shared_data: Path) -> Path:
    return shared_data / "vectors" / "kampen_landuse.parquet"


@pytest.fixture
def depth(shared_data: Path) -> Path:
    return shared_data / "rasters" / "kampen_flood_depth_m.tif"


@pytest.fixture
def delineations(shared_data: Path) -> Path:
    return shared_data / "vectors" / "emsr332_verona"


@cache
def areas_by_depth_m2(depth: Path, land_use: Path) -> dict[str, dict[int, float]]:
    """Return land-use class → depth in whole metres → area, overlap inside a class counted once."""
    values, transform, crs = read_band(depth)
    areas = pixel_areas_m2(transform, values.shape, crs)
    found: dict[str, dict[int, float]] = {}
    for name, group in read(land_use).groupby("landuse"):
        union = shapely.union_all(shapely.make_valid(group.geometry.values))
        inside = coverage(union, transform, values.shape) * areas
        used = inside > 0
        totals = np.bincount(values.data[used], weights=inside[used])
        found[name] = dict(enumerate(totals.tolist()))
    return found


def flooded_areas_m2(depth: Path, land_use: Path, least: float) -> dict[str, float]:
    """Return land-use class → area where the depth is at least `least`."""
    by_class = areas_by_depth_m2(depth, land_use)
    return {name: sum(area for metres, area in areas.items() if metres >= least) for name, areas in by_class.items()}


@pytest.mark.parametrize(
    ("question", "least"),
    [
        ("What area of each landuse is flooded?", 1),  # whole metres: flooded at all is 1 m or more
        ("How many hectares of each landuse class have a flood depth above 0?", 1),
        ("What area of each land use is flooded at all?", 1),
        ("area of each landuse with a flood depth of 1 m or deeper", 1),
        ("What area of each landuse class is flooded 1 m or deeper, in hectares?", 1),
        ("How many hectares of each landuse are under at least 2 m of water?", 2),
        ("area with flood depth of 2 or more by landuse", 2),
    ],
)
def test_flooded_area_of_each_land_use_is_right(question: str, least: int, agent: Agent, depth: Path, land_use: Path) -> None:
    data = (depth, land_use)
    result = agent.run(question, data=data)
    expected = {name: area for name, area in flooded_areas_m2(depth, land_use, least).items() if area > 0}
    assert_reads(result, dict(expected), name="area")
    assert_repeats(agent, result, data)


def test_flooded_area_of_one_land_use_is_right(agent: Agent, depth: Path, land_use: Path) -> None:
    result = agent.run("How much residential land is flooded 1 m or deeper?", data=(depth, land_use))
    assert_first(result, flooded_areas_m2(depth, land_use, 1)["residential"], name="area")


def test_a_land_use_that_no_deep_water_reaches_is_a_cited_zero(agent: Agent, depth: Path, land_use: Path) -> None:
    assert flooded_areas_m2(depth, land_use, 12)["cemetery"] == 0
    result = agent.run("What area of cemetery has a flood depth of 12 m or more?", data=(depth, land_use))
    assert_first(result, 0.0, name="area")
    assert result.outcome == "true_zero"
    facts = [fact for citation in result.citations for fact in agent.runner.facts(citation["key"])]
    assert any(fact.name == "valid_share" and fact.value > 99 for fact in facts)


def test_invalid_polygons_are_repaired_and_that_is_said(agent: Agent, depth: Path, land_use: Path) -> None:
    assert (~read(land_use).is_valid).sum() == 2
    result = agent.run("What area of each landuse is flooded?", data=(depth, land_use))
    assert any("repair" in warning.lower() for warning in result.warnings), result.warnings


@pytest.mark.parametrize("question", ["What is the area of observed_event_first?", "total area of observed event first in hectares"])
def test_area_of_the_first_delineation_is_right(question: str, agent: Agent, delineations: Path) -> None:
    path = delineations / "observed_event_first.shp"
    result = agent.run(question, data=(path,))
    assert_first(result, union_area_m2(read(path), DEGREES), name="area")
    assert_repeats(agent, result, (path,))


def test_area_of_the_monitoring_product_counts_its_overlaps_once(agent: Agent, delineations: Path) -> None:
    path = delineations / "observed_event_monit01.shp"
    frame = read(path)
    once = union_area_m2(frame, DEGREES)
    summed = sum(geodesic_area_m2(geometry, frame.crs, DEGREES) for geometry in frame.geometry)
    assert summed > 1.5 * once
    result = agent.run("What is the total area of observed_event_monit01?", data=(path,))
    assert_first(result, once, name="area")
    assert any("overlap" in warning.lower() for warning in result.warnings), result.warnings
    assert_repeats(agent, result, (path,))


def test_difference_of_the_two_products_is_no_more_than_rounding(agent: Agent, delineations: Path) -> None:
    """The monitoring product repeats the first extent: what it adds is 0.03 m² of slivers, not the 443 ha of a plain sum."""
    data = (delineations / "observed_event_first.shp", delineations / "observed_event_monit01.shp")
    result = agent.run("What area of observed_event_monit01 is outside observed_event_first?", data=data)
    assert_answered(result)
    (difference, *_) = [reading.value for reading in readings(result) if reading.name == "area"]
    assert 0 <= difference < 1.0
    assert_repeats(agent, result, data)


def test_difference_of_the_two_areas_is_calculated_from_both(agent: Agent, delineations: Path) -> None:
    data = (delineations / "observed_event_first.shp", delineations / "observed_event_monit01.shp")
    result = agent.run("What is the difference in area between observed_event_monit01 and observed_event_first?", data=data)
    assert_answered(result)
    assert "calculate" in {artifact["tool"] for artifact in result.artifacts} or "overlay" in {
        artifact["tool"] for artifact in result.artifacts
    }
    assert abs(readings(result)[0].value) < 1.0


@pytest.mark.parametrize("product", ["observed_event_first", "observed_event_monit01"])
@pytest.mark.parametrize(
    "question", ["How much built up area lies inside {product}?", "What area of built_up is inside {product}, in hectares?"]
)
def test_built_up_area_inside_a_delineation_is_right(question: str, product: str, agent: Agent, delineations: Path) -> None:
    flood, built = delineations / f"{product}.shp", delineations / "built_up.shp"
    both = shapely.intersection(read(flood).union_all(), read(built).union_all())
    result = agent.run(question.format(product=product), data=(flood, built))
    assert_first(result, geodesic_area_m2(both, "EPSG:4326", DEGREES), name="area")
    assert_repeats(agent, result, (flood, built))


def test_built_up_area_inside_a_delineation_by_type_is_right(agent: Agent, delineations: Path) -> None:
    flood, built = read(delineations / "observed_event_first.shp").union_all(), read(delineations / "built_up.shp")
    areas = {
        kind: geodesic_area_m2(shapely.intersection(group.union_all(), flood), "EPSG:4326", DEGREES)
        for kind, group in built.groupby("obj_type")
    }
    data = (delineations / "observed_event_first.shp", delineations / "built_up.shp")
    result = agent.run("area of built_up inside observed_event_first by obj_type", data=data)
    assert_reads(result, {kind: area for kind, area in areas.items() if area > 0}, name="area")


def test_land_uses_are_ranked_by_flooded_area(agent: Agent, depth: Path, land_use: Path) -> None:
    areas = {name: area for name, area in flooded_areas_m2(depth, land_use, 1).items() if area > 0}
    order = sorted(areas, key=lambda name: -areas[name])
    result = agent.run("Rank the landuse classes by area with flood depth above 0", data=(depth, land_use))
    assert_order(result, order)
    assert_names(result, order, np.unique(order))
