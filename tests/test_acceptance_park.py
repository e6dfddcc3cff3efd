"""Acceptance on a national park whose boundary, elevation and land cover are in three coordinate reference systems."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from acceptance_oracles import coverage, geodesic_area_m2, in_crs, pixel_areas_m2, read, read_band
from agent import Agent
from asking import assert_first, assert_reads, assert_repeats

pytestmark = pytest.mark.realdata

METRES = 100.0
"""Step into which the boundary's edges are cut."""


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return Agent(workspace=tmp_path / "ws", engine="planner")


@pytest.fixture
def boundary(shared_data: Path) -> Path:
    return shared_data / "vectors" / "zion_boundary.gpkg"


@pytest.fixture
def elevation(shared_data: Path) -> Path:
    return shared_data / "rasters" / "zion_srtm.tif"


@pytest.fixture
def cover(shared_data: Path) -> Path:
    return shared_data / "rasters" / "zion_nlcd.tif"


@cache
def weights_and_values(raster: Path, boundary: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return ground area inside the boundary and value of every valid pixel that it touches."""
    values, transform, crs = read_band(raster)
    frame = read(boundary)
    inside = coverage(in_crs(frame.geometry.iloc[0], frame.crs, crs, METRES), transform, values.shape)
    weights = inside * pixel_areas_m2(transform, values.shape, crs)
    used = (weights > 0) & ~np.ma.getmaskarray(values)
    return weights[used], values.data[used].astype(float)


@pytest.mark.parametrize(
    "question", ["What is the area of the park?", "area of Zion National Park in km2", "How large is Zion National Park?"]
)
def test_park_area_is_right(question: str, agent: Agent, boundary: Path) -> None:
    frame = read(boundary)
    result = agent.run(question, data=(boundary,))
    assert_first(result, geodesic_area_m2(frame.geometry.iloc[0], frame.crs, METRES), name="area")
    assert_repeats(agent, result, (boundary,))


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("What is the mean elevation inside the park?", ["mean"]),
        ("minimum, maximum and mean elevation in Zion National Park", ["min", "max", "mean"]),
        ("What is the highest elevation in the park?", ["max"]),
        ("median elevation of the park", ["median"]),
        ("standard deviation of the elevation in Zion National Park", ["std"]),
        ("elevation statistics inside the park", ["mean", "min", "max"]),
    ],
)
def test_elevation_statistics_inside_the_park_are_right(
    question: str, names: list[str], agent: Agent, boundary: Path, elevation: Path
) -> None:
    weights, values = weights_and_values(elevation, boundary)
    mean = float(np.average(values, weights=weights))
    order = np.argsort(values)
    expected = {
        "mean": mean,
        "min": float(values.min()),
        "max": float(values.max()),
        "std": float(np.sqrt(np.average((values - mean) ** 2, weights=weights))),
        "median": float(values[order][np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)]),
    }
    result = agent.run(question, data=(boundary, elevation))
    for name in names:
        assert_first(result, expected[name], name=name)
    assert_repeats(agent, result, (boundary, elevation))


@pytest.mark.parametrize(
    "question",
    [
        "What is the share of each land cover class inside the park?",
        "land cover shares in Zion National Park",
        "percentage of each land cover class in the park",
    ],
)
def test_land_cover_shares_inside_the_park_are_right(question: str, agent: Agent, boundary: Path, cover: Path) -> None:
    weights, values = weights_and_values(cover, boundary)
    shares = {str(int(code)): float(100 * weights[values == code].sum() / weights.sum()) for code in np.unique(values)}
    result = agent.run(question, data=(boundary, cover))
    assert_reads(result, dict(shares), name="share")
    assert_repeats(agent, result, (boundary, cover))


def test_land_cover_areas_inside_the_park_are_right_with_everything_registered(
    agent: Agent, boundary: Path, elevation: Path, cover: Path
) -> None:
    agent.add(boundary, elevation, cover)
    weights, values = weights_and_values(cover, boundary)
    areas = {str(int(code)): float(weights[values == code].sum()) for code in np.unique(values)}
    result = agent.run("area of each land cover class inside the park")
    assert_reads(result, dict(areas), name="area")


def test_area_above_an_elevation_that_the_park_does_not_reach_is_a_cited_zero(agent: Agent, boundary: Path, elevation: Path) -> None:
    assert weights_and_values(elevation, boundary)[1].max() < 4000
    result = agent.run("What area of the park has an elevation above 4000 m?", data=(boundary, elevation))
    assert_first(result, 0.0, name="area")
    assert result.outcome == "true_zero"


def test_area_above_an_elevation_is_right(agent: Agent, boundary: Path, elevation: Path) -> None:
    weights, values = weights_and_values(elevation, boundary)
    result = agent.run("How many square kilometres of the park are above 2000 m elevation?", data=(boundary, elevation))
    assert_first(result, float(weights[values > 2000].sum()), name="area", unit="km2")
