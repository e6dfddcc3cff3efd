"""What would take a minute, gigabytes or for ever is stopped at its limit, and others are served meanwhile."""

from __future__ import annotations

import re
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin
from shapely import box

from agent import Agent
from combs import comb, write_combs
from range_server import Fault, RangeServer
from tools.errors import DeadlineError, LimitError
from tools.settings import ToolSettings
from tools.workers.job import Job

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


def many_bands(path: Path) -> Path:
    """Write one pixel of 65,535 bands, as few bytes as the format allows: 2 bytes a band in the header and 1 in the strip."""
    count = 65_535
    entries = [
        (256, 3, 1, 1), (257, 3, 1, 1), (258, 3, count, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8),
        (277, 3, 1, count), (278, 3, 1, 1), (279, 4, 1, count), (284, 3, 1, 1),
    ]  # fmt: skip
    strip = bytes(count + 1)
    bits = struct.pack("<H", 8) * count
    directory = 8 + len(strip) + len(bits)
    body = struct.pack("<H", len(entries))
    for tag, kind, values, value in entries:
        where = 8 + len(strip) if tag == 258 else value
        body += struct.pack("<HHII", tag, kind, values, where)
    path.write_bytes(struct.pack("<2sHI", b"II", 42, directory) + strip + bits + body + bytes(4))
    return path


def bomb(path: Path) -> Path:
    """Write a TIFF of some 30 KB whose one strip unpacks to 858 MB."""
    side = 29_300
    options = {"driver": "GTiff", "width": side, "height": side, "count": 1, "dtype": "uint8", "compress": "zstd", "blockysize": side}
    with rasterio.open(path, "w", **options, zstd_level=22, crs=32631, transform=from_origin(0, 0, 10, 10)) as made:
        made.write(np.zeros((1, side, side), "uint8"))
    assert path.stat().st_size < 100_000
    return path


@pytest.mark.parametrize("make", [many_bands, bomb])
def test_a_small_file_that_unpacks_to_too_much_is_refused_quickly_and_by_name(agent: Agent, tmp_path: Path, make: Any) -> None:
    path = make(tmp_path / "small.tif")
    agent.executor.run(Job("tools.execution:nothing", {}))
    started = time.monotonic()
    report = agent.add(path)
    assert time.monotonic() - started < DEADLINE_S
    assert [refusal.code for refusal in report.refused] == ["limit"]
    assert "TERRACITE_MAX_" in report.refused[0].hint


def test_a_server_that_drips_is_left_at_the_limit_and_others_are_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with RangeServer() as server:
        monkeypatch.setenv("TERRACITE_ALLOWED_HOSTS", server.host)
        monkeypatch.setenv("TERRACITE_DOWNLOAD_DEADLINE_S", "2")
        monkeypatch.setenv("TERRACITE_HTTP_DEADLINE_S", "2")
        agent = Agent(tmp_path / "ws", "planner")
        agent.executor.warm()
        agent.add(small_layer(tmp_path))
        agent.runner.run("find_place", {"name": "Northern"})
        url = server.put("/drip.gpkg", (tmp_path / "places.gpkg").read_bytes())
        server.always_fail("/drip.gpkg", Fault(drip_s=1.0))
        started = time.monotonic()
        with others_served(agent) as took:
            report = agent.add(url)
        assert time.monotonic() - started < 6
        assert [refusal.code for refusal in report.refused] == ["deadline"]
        assert len(took) >= 3
        agent.executor.close()


TEN_THOUSAND_MILLION = 10**10


def degree_raster(path: Path) -> Path:
    """Write one square degree in 10 by 10 pixels."""
    with rasterio.open(
        path, "w", driver="GTiff", width=10, height=10, count=1, dtype="float32", crs=4326, transform=from_origin(0, 1, 0.1, 0.1)
    ) as made:
        made.write(np.ones((1, 10, 10), "float32"))
    return path


FINE = 1e-5
"""Degrees; a square degree then has 10¹⁰ pixels."""
HUGE: dict[str, dict[str, Any]] = {
    "reproject": {"source": "heights", "crs": "EPSG:4326", "resolution": FINE, "resampling": "nearest"},
    "rasterize": {"layer": "places", "operation": "count", "resolution": FINE},
    "stack": {"bands": [{"raster": "heights"}, {"raster": "heights"}], "crs": "EPSG:4326", "resolution": FINE},
    "composite": {"rasters": ["heights", "heights"], "method": "mean", "crs": "EPSG:4326", "resolution": FINE},
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Agent:
    """In this process: what is refused before it begins needs no worker."""
    folder = tmp_path_factory.mktemp("here")
    made = Agent(folder / "ws", "planner", tool_settings=ToolSettings(workers=0))
    made.add(small_layer(folder), degree_raster(folder / "heights.tif"))
    return made


@pytest.mark.parametrize("tool", HUGE)
def test_an_output_of_ten_thousand_million_pixels_is_refused_at_once_and_how_to_stay_below_is_said(here: Agent, tool: str) -> None:
    started = time.monotonic()
    with pytest.raises(LimitError) as refusal:
        here.runner.run(tool, HUGE[tool])
    assert time.monotonic() - started < DEADLINE_S
    said = re.search(r"([\d,]+) pixels", str(refusal.value))
    assert said is not None
    assert int(said[1].replace(",", "")) >= TEN_THOUSAND_MILLION
    assert "TERRACITE_MAX_OUTPUT_PIXELS" in refusal.value.hint


def test_a_filter_that_would_never_end_is_refused_before_it_begins(tmp_path: Path) -> None:
    made = Agent(tmp_path / "ws", "planner", tool_settings=ToolSettings(workers=0))
    points = gpd.GeoDataFrame({"n": range(2000)}, geometry=gpd.points_from_xy(np.arange(2000) / 100, np.zeros(2000)), crs=4326)
    points.to_file(tmp_path / "points.gpkg")
    made.add(tmp_path / "points.gpkg")
    never = "SELECT COUNT(*) AS n FROM p a, p b, p c, p d WHERE a.n + b.n + c.n + d.n = 17"
    started = time.monotonic()
    with pytest.raises(LimitError, match="TERRACITE_MAX_SQL_ROWS") as refusal:
        made.runner.run("query_vector", {"sql": never, "views": {"p": "points"}})
    assert time.monotonic() - started < DEADLINE_S
    assert "group or filter before joining" in refusal.value.hint
