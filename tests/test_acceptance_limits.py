"""What would take a minute, gigabytes or for ever is stopped at its limit, and others are served meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely import Polygon, box

from agent import Agent
from tools.errors import DeadlineError, TerraciteError
from tools.settings import ToolSettings

TEETH = 3000
"""Two combs of so many teeth, one laid across the other, meet in nine million squares: GEOS needs minutes and never looks up."""
DEADLINE_S = 3.0


def comb(along: str) -> Polygon:
    """Return one valid polygon: a back with thin teeth, 1 degree wide and high."""
    edges = np.linspace(0, 1, 2 * TEETH + 1)
    low, high = np.zeros(2 * TEETH), np.ones(2 * TEETH)
    outline = np.empty((4 * TEETH, 2))
    outline[0::2, 0], outline[1::2, 0] = edges[:-1], edges[1:]
    outline[0::4, 1], outline[1::4, 1] = high[::2], high[::2]
    outline[2::4, 1], outline[3::4, 1] = low[::2] + 0.01, low[::2] + 0.01
    ring = np.vstack([outline, [[1, 0], [0, 0]]])
    return Polygon(ring if along == "x" else ring[:, ::-1])


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
    for along in "xy":
        shape = comb(along)
        assert shape.is_valid
        gpd.GeoDataFrame({"name": [along]}, geometry=[shape], crs=4326).to_file(tmp_path / f"comb_{along}.gpkg")
        agent.add(tmp_path / f"comb_{along}.gpkg", id=f"comb_{along}")
    agent.add(small_layer(tmp_path))
    agent.runner.run("find_place", {"name": "Northern"})
    started = time.monotonic()
    with others_served(agent) as took, pytest.raises(DeadlineError):
        agent.runner.run("overlay", {"operation": "intersection", "layer": "comb_x", "other": "comb_y"})
    assert time.monotonic() - started < DEADLINE_S + 2
    assert len(took) >= 5
    assert max(took) < 2
