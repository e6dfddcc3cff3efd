"""What would take a minute, gigabytes or for ever is stopped at its limit, and others are served meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import pytest
from shapely import box

from agent import Agent
from combs import comb, write_combs
from tools.errors import DeadlineError
from tools.settings import ToolSettings

DEADLINE_S = 3.0


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    made = Agent(tmp_path / "ws", "planner", tool_settings=ToolSettings(workers=2, tool_deadline_s=DEADLINE_S))
    made.executor.warm()
    yield made
    made.executor.close()


@contextmanager
def others_served(agent: Agent) -> Iterator[list[float]]:
    """Call another tool again and again meanwhile; yield the seconds that each call took."""
    took: list[float] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(0.1):
            started = time.monotonic()
            agent.runner.run("find_place", {"name": "Northern"})
            took.append(time.monotonic() - started)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield took
    finally:
        ended.set()
        thread.join()


def small_layer(folder: Path) -> Path:
    path = folder / "places.gpkg"
    gpd.GeoDataFrame({"name": ["Northern", "Southern"]}, geometry=[box(0, 0, 1, 1), box(0, 1, 1, 2)], crs=4326).to_file(path)
    return path


def test_geometry_that_keeps_geos_busy_for_minutes_is_stopped_and_others_are_answered(agent: Agent, tmp_path: Path) -> None:
    assert comb("x").is_valid
    agent.add(*write_combs(tmp_path), small_layer(tmp_path))
    agent.runner.run("find_place", {"name": "Northern"})
    started = time.monotonic()
    with others_served(agent) as took, pytest.raises(DeadlineError):
        agent.runner.run("overlay", {"operation": "intersection", "layer": "comb_x", "other": "comb_y"})
    assert time.monotonic() - started < DEADLINE_S + 2
    assert len(took) >= 5
    assert max(took) < 2
