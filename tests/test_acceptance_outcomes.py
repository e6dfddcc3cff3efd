"""Acceptance of outcomes on real data: outside the data, a missing band, a question no tool can answer; each with its twin."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent import Agent
from asking import assert_answered, assert_declined, readings

pytestmark = pytest.mark.realdata


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return Agent(workspace=tmp_path / "ws", engine="planner")


def paths(shared_data: Path, *names: str) -> tuple[Path, ...]:
    return tuple(shared_data / name for name in names)


@pytest.mark.parametrize(
    ("declined", "answered", "outcome", "files"),
    [
        # a state that the raster does not reach, and one that it does
        (
            "What is the mean of zion_srtm in Florida?",
            "What is the mean of zion_srtm in Utah?",
            "no_coverage",
            ("rasters/zion_srtm.tif", "vectors/us_states.parquet"),
        ),
        ("maximum elevation in Ohio", "maximum elevation in Utah", "no_coverage", ("rasters/zion_srtm.tif", "vectors/us_states.parquet")),
        ("mean elevation in Atlantis", "mean elevation in Utah", "refused", ("rasters/zion_srtm.tif", "vectors/us_states.parquet")),
        ("What is the mean of band 5 of zion_srtm?", "What is the mean of band 1 of zion_srtm?", "refused", ("rasters/zion_srtm.tif",)),
        ("mean of band 9 of olinda_landsat7_etm", "mean of band 6 of olinda_landsat7_etm", "refused", ("rasters/olinda_landsat7_etm.tif",)),
        ("How many people live in the parks?", "How many parks are there?", "refused", ("vectors/london_parks.fgb",)),
        ("What will the flood depth be tomorrow?", "What is the maximum flood depth?", "refused", ("rasters/kampen_flood_depth_m.tif",)),
        (
            "total salary of countries with continent Europe",
            "total POP_EST of countries with continent Europe",
            "refused",
            ("vectors/ne_110m_admin_0_countries.json",),
        ),
    ],
)
def test_what_cannot_be_answered_is_declined_and_its_twin_is_answered(
    declined: str, answered: str, outcome: str, files: tuple[str, ...], agent: Agent, shared_data: Path
) -> None:
    data = paths(shared_data, *files)
    refusal = agent.run(declined, data=data)
    assert_declined(refusal, outcome=outcome)
    assert refusal.exit_code == 3
    result = agent.run(answered, data=data)
    assert_answered(result)
    assert readings(result)


def test_a_raster_that_is_all_nodata_has_no_coverage(agent: Agent, shared_data: Path) -> None:
    data = paths(shared_data, "awkward/all_nodata.tif")
    result = agent.run("What is the mean of band 1 of all_nodata?", data=data)
    assert_declined(result, outcome="no_coverage")
