"""Every tool in a worker: the same key and the same bytes as in this process, and gone at once when nobody wants it."""

# ruff: noqa: F811 - fixtures that are imported

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import box

from generated_networks import write_network
from range_server import Fault, RangeServer
from served_scenes import item_of, load, serve
from stac_server import api_35mnm, loopback_allowed, serve_stac  # noqa: F401 - fixtures
from tools import registry
from tools.catalog.datasets import Datasets
from tools.contract import Declared, Result
from tools.execution import executor_of
from tools.runner import Runner
from tools.settings import ToolSettings
from tools.workers.job import Executor, Job
from tools.workspace import open_workspace

SMALL, LARGE = 40, 3000
"""Pixels along the sides of the scenes."""
HERE = {"list_datasets", "search_knowledge", "calculate"}
"""Tools that open no foreign file and end in milliseconds."""

CALLS: Mapping[str, Mapping[str, Any]] = {
    "describe_dataset": {"dataset": "scene"},
    "find_place": {"name": "zone 7", "layers": ["zones"]},
    "zonal_stats": {"raster": "scene", "zones": "zones", "statistics": ["mean", "median", "std"]},
    "classify": {"raster": "scene", "classes": [{"label": "low", "max": 90.5}]},
    "spectral_index": {"raster": "scene", "index": "MNDWI"},
    "raster_calc": {"expression": "sqrt(a) + a / 3", "rasters": {"a": {"raster": "scene"}}},
    "composite": {"rasters": ["scene", "later"], "mask": "none", "bands": ["green"]},
    "change": {"before": "classes", "after": "classes_later"},
    "terrain": {"raster": "heights", "operation": "slope"},
    "filter_raster": {"raster": "scene", "operation": "median"},
    "raster_distance": {"raster": "classes", "targets": [2]},
    "histogram": {"raster": "scene", "method": "quantile", "bins": 4},
    "polygonize": {"raster": "classes"},
    "stack": {"bands": [{"raster": "scene"}, {"raster": "later", "band": 2}], "crs": "EPSG:3035"},
    "contour": {"raster": "scene", "levels": [190.5]},
    "rasterize": {"layer": "zones", "operation": "coverage", "like": "scene"},
    "sample": {"raster": "scene", "points": "points", "method": "bilinear"},
    "segment": {"raster": "scene"},
    "query_vector": {"layer": "zones", "measures": [{"aggregate": "area"}], "group_by": ["name"]},
    "overlay": {"operation": "buffer", "layer": "zones", "distance_m": 150},
    "join": {"operation": "nearest", "layer": "zones", "other": "zones", "k": 2},
    "clean": {"layer": "zones"},
    "shapes": {"operation": "convex_hull", "layer": "zones"},
    "export": {"dataset": "zones", "format": "kml"},
    "reproject": {"source": "scene", "crs": "EPSG:4326"},
    "render_map": {"layers": ["scene", "zones"]},
}
MORE_CALLS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("query_vector", {"sql": "SELECT name, area_m2 FROM zones ORDER BY area_m2 DESC", "views": {"zones": "zones"}}),
)
"""Other ways through a tool that reach other libraries."""
NETWORK = {"search_stac", "read_asset"}


def scene(make_raster: Any, side: int, seed: int, name: str) -> Path:
    bands = np.random.default_rng(seed).integers(1, 200, (2, side, side), "uint8")
    path: Path = make_raster(
        bands, name=name, bounds=(500_000, 5_000_000, 500_000 + side * 10, 5_000_000 + side * 10), descriptions=["B03", "B11"]
    )
    return path


def heights(make_raster: Any, side: int) -> Path:
    values = np.random.default_rng(4).normal(500, 20, (side, side)).astype("float32")
    path: Path = make_raster(values, name="heights.tif", bounds=(500_000, 5_000_000, 500_000 + side * 10, 5_000_000 + side * 10))
    return path


def classes(make_raster: Any, side: int, seed: int, name: str) -> Path:
    coarse = np.random.default_rng(seed).integers(1, 4, (side // 4, side // 4), "uint8").repeat(4, 0).repeat(4, 1)
    path: Path = make_raster(coarse, name=name, bounds=(500_000, 5_000_000, 500_000 + side * 10, 5_000_000 + side * 10))
    return path


def zones(path: Path, side: int, count: int) -> Path:
    step = side * 10 / count
    corners = [(500_000 + x * step, 5_000_000 + y * step) for x in range(count) for y in range(count)]
    cells = [box(x, y, x + 0.9 * step, y + 0.9 * step) for x, y in corners]
    gpd.GeoDataFrame({"name": [f"zone {n}" for n in range(len(cells))]}, geometry=cells, crs=32631).to_file(path)
    return path


def points(path: Path, side: int, count: int) -> Path:
    places = np.random.default_rng(3).uniform((500_000, 5_000_000), (500_000 + side * 10, 5_000_000 + side * 10), (count * 20, 2))
    gpd.GeoDataFrame({"name": [f"point {n}" for n in range(len(places))]}, geometry=gpd.points_from_xy(*places.T), crs=32631).to_file(path)
    return path


Files = list[tuple[Path, Declared]]


def files(make_raster: Any, folder: Path, side: int, count: int) -> Files:
    roles, categorical = Declared(bands={"green": 1, "swir16": 2}), Declared(kind="categorical")
    return [
        (scene(make_raster, side, 1, "scene.tif"), roles),
        (scene(make_raster, side, 2, "later.tif"), roles),
        (classes(make_raster, side, 1, "classes.tif"), categorical),
        (classes(make_raster, side, 2, "classes_later.tif"), categorical),
        (heights(make_raster, side), Declared(unit="m")),
        (zones(folder / "zones.gpkg", side, count), Declared()),
        (points(folder / "points.gpkg", side, count), Declared()),
    ]


def add_all(datasets: Datasets, given: Files) -> None:
    for path, declared in given:
        assert not datasets.add(path, id=path.stem, declared=declared).refused


def runner_of(root: Path, workers: int, **settings: Any) -> tuple[Runner, Datasets, Executor]:
    workspace = open_workspace(ToolSettings(workers=workers, **settings), root=root)
    executor = executor_of(workspace)
    datasets = Datasets(workspace, executor)
    return Runner(workspace, datasets, executor=executor), datasets, executor


def test_every_tool_runs_in_a_worker_or_has_a_reason_not_to() -> None:
    assert {name for name in registry.names() if registry.load(name).place == "here"} == HERE
    assert {name for name in registry.names() if registry.load(name).place == "network"} == NETWORK
    assert set(registry.names()) - HERE - NETWORK == set(CALLS)


def bytes_of(result: Result) -> tuple[Any, ...]:
    artifact = result.artifact
    record = {name: value for name, value in artifact.record.items() if name not in ("created", "seconds")}
    return artifact.key, artifact.files, json.dumps(record)


def test_a_worker_gives_the_same_key_and_the_same_bytes(tmp_path: Path, make_raster: Any) -> None:
    found = []
    given = files(make_raster, tmp_path, SMALL, 5)
    for workers in (0, 1):
        runner, datasets, _ = runner_of(tmp_path / f"ws{workers}", workers)
        add_all(datasets, given)
        calls = [*CALLS.items(), *MORE_CALLS]
        found.append((datasets.records(), [(name, bytes_of(runner.run(name, params))) for name, params in calls]))
        assert all(runner.run(name, params).cache == "hit" for name, params in CALLS.items() if registry.load(name).kind == "pure")
    (records_here, here), (records_there, there) = found
    assert records_here == records_there
    for (name, ours), (_, theirs) in zip(here, there, strict=True):
        assert ours == theirs, name


class UnwantedError(Exception):
    pass


@pytest.mark.heavy
def test_a_tool_that_nobody_wants_any_more_is_gone_within_a_second_and_leaves_nothing(tmp_path: Path, make_raster: Any) -> None:
    runner, datasets, executor = runner_of(tmp_path / "ws", 1)
    add_all(datasets, files(make_raster, tmp_path, LARGE, 150))
    many = make_raster(np.random.default_rng(3).integers(0, 99, (400, 300, 300), "uint8"), name="many.tif")
    assert not datasets.add(many, id="many").refused
    executor.run(Job("tools.execution:nothing", {}))
    for name, params in {**CALLS, "describe_dataset": {"dataset": "many"}}.items():
        assert cancelled(runner, name, params, after_s=0.1) < 1.0, name
        assert runner.ls() == [], name
    executor.close()
    assert list((tmp_path / "ws" / "staging").iterdir()) == []


def cancelled(runner: Runner, name: str, params: Mapping[str, Any], after_s: float) -> float:
    """Cancel a call that runs; return the seconds from then to its end."""
    asked: list[float] = []
    started = time.monotonic()

    def check() -> None:
        if time.monotonic() - started > after_s:
            asked.append(time.monotonic())
            raise UnwantedError

    with pytest.raises(UnwantedError):
        runner.run(name, params, check=check)
    return time.monotonic() - asked[0]


def served(tmp_path: Path, make_raster: Any, server: RangeServer) -> list[dict[str, Any]]:
    item = item_of()
    serve(server, item, "red", scene(make_raster, SMALL, 1, "red.tif"))
    return [item]


def through(workers: int, root: Path, items: list[dict[str, Any]]) -> tuple[Runner, str, Executor]:
    """Return a runner, and the scenes as its store knows them."""
    workspace = open_workspace(ToolSettings(workers=workers), root=root)
    executor = executor_of(workspace)
    runner = Runner(workspace, Datasets(workspace, executor), load=load, executor=executor)
    listed = json.dumps({"type": "FeatureCollection", "features": items}, sort_keys=True)
    return runner, runner.run("found", {"items": listed, "root": ""}).artifact.ref, executor


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RangeServer]:
    with RangeServer() as running:
        monkeypatch.setenv("TERRACITE_ALLOWED_HOSTS", running.host)
        yield running


def test_a_worker_reads_a_remote_file_as_this_process_does(tmp_path: Path, make_raster: Any, server: RangeServer) -> None:
    items, found = served(tmp_path, make_raster, server), []
    for workers in (0, 1):
        runner, ref, _ = through(workers, tmp_path / f"ws{workers}", items)
        found.append(bytes_of(runner.run("read_asset", {"assets": [f"{ref}#items/0/red"]})))
    assert found[0] == found[1]


def test_a_server_that_never_answers_is_left_at_once_when_nobody_waits_for_it(
    tmp_path: Path, make_raster: Any, server: RangeServer
) -> None:
    items = served(tmp_path, make_raster, server)
    runner, ref, executor = through(1, tmp_path / "ws", items)
    executor.run(Job("tools.execution:nothing", {}, network=True))
    server.always_fail("/scene-1/red.tif", Fault(drip_s=1.0))
    assert cancelled(runner, "read_asset", {"assets": [f"{ref}#items/0/red"]}, after_s=0.5) < 1.0
    assert [entry["tool"] for entry in runner.ls()] == ["found"]


@pytest.mark.realdata
def test_a_worker_searches_a_catalogue_as_this_process_does(tmp_path: Path, api_35mnm: str) -> None:
    found = []
    for workers in (0, 1):
        runner, datasets, _ = runner_of(tmp_path / f"ws{workers}", workers)
        datasets.add(api_35mnm, id="scenes")
        found.append(bytes_of(runner.run("search_stac", {"catalogue": "scenes", "time": "2020-07", "cloud_below": 10})))
    assert found[0] == found[1]
    assert '"matched": 5' in found[0][2]


@pytest.mark.heavy
def test_a_network_runs_in_a_worker_as_in_this_process(tmp_path: Path, make_raster: Any) -> None:
    values = np.random.default_rng(5).random((2, 32, 32), dtype=np.float32)
    make_raster(values, name="scene.tif", bounds=(500_000, 5_000_000, 500_320, 5_000_320), descriptions=["green", "swir1"])
    network, found = write_network(tmp_path), []
    for workers in (0, 1):
        runner, datasets, _ = runner_of(tmp_path / f"ws{workers}", workers)
        assert not (datasets.add(network) + datasets.add(tmp_path / "scene.tif")).refused
        found.append(bytes_of(runner.run("segment", {"raster": "scene", "network": network.stem})))
    assert found[0] == found[1]
