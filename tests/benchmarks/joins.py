"""Points joined to the polygons they lie in: the kernel beside geopandas.sjoin, and the whole tool beside reading, joining and writing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from harness import Measurement, time_function
from tools.catalog.datasets import Datasets
from tools.geo.pairs import related_pairs
from tools.runner import Runner
from tools.workspace import open_workspace

SIDE_M = 100_000.0
"""Side of the square in which points and polygons lie."""


def scattered(points: int, polygons: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return points anywhere in a square and Voronoi cells that fill it, their shared edges winding, some 90 vertices each."""
    random = np.random.default_rng(1)
    square = shapely.box(0, 0, SIDE_M, SIDE_M)
    seeds = shapely.MultiPoint(random.uniform(0, SIDE_M, (polygons, 2)))
    cells = shapely.intersection(shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=square)), square)
    cells = shapely.make_valid(shapely.transform(shapely.segmentize(cells, SIDE_M / 22 / np.sqrt(polygons)), _winding))
    zones = gpd.GeoDataFrame({"zone": np.arange(len(cells))}, geometry=_placed(cells), crs=32632)
    places = shapely.points(random.uniform(0, SIDE_M, (points, 2)))
    return gpd.GeoDataFrame({"id": np.arange(points)}, geometry=_placed(places), crs=32632), zones


def _winding(xy: Any) -> Any:  # Any: arrays of coordinates
    wave = np.column_stack([np.sin(xy[:, 1] / 37) * np.cos(xy[:, 0] / 53), np.cos(xy[:, 0] / 41) * np.sin(xy[:, 1] / 29)])
    return xy + 20 * wave


def _placed(geometries: Any) -> Any:  # Any: arrays of geometries
    return shapely.transform(geometries, lambda xy: xy + np.array([450_000, 5_000_000]))


def joined(points: gpd.GeoDataFrame, zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Join as geopandas.sjoin does: a row per pair, with the columns of both."""
    first, second = related_pairs(points.geometry.to_numpy(), zones.geometry.to_numpy(), "intersects")
    return points.take(first).assign(zone=zones["zone"].to_numpy()[second])


def join(folder: Path, runs: int, *, points: int, polygons: int) -> Iterator[Measurement]:
    """Time a point-in-polygon join in memory, and from file to file."""
    places, zones = scattered(points, polygons)
    files = {"places": folder / "places.parquet", "zones": folder / "zones.parquet"}
    places.to_parquet(files["places"])
    zones.to_parquet(files["zones"])
    sizes, root = {"points": points, "polygons": polygons}, folder / "join-workspace"

    def fresh() -> None:
        shutil.rmtree(root, ignore_errors=True)

    def ours() -> None:
        workspace = open_workspace(root=root)
        datasets = Datasets(workspace)
        for name, path in files.items():
            datasets.add(path, id=name)
        Runner(workspace, datasets).run("join", {"operation": "spatial", "layer": "places", "other": "zones", "how": "inner"})

    def peer() -> None:
        found = gpd.sjoin(gpd.read_parquet(files["places"]), gpd.read_parquet(files["zones"]))
        found.to_parquet(folder / "joined.parquet", compression="zstd")

    ours()  # imports are not what is measured here
    yield Measurement("join", "pairs and columns in memory", time_function(lambda: joined(places, zones), runs=runs), sizes=sizes)
    yield Measurement("join", "geopandas.sjoin", time_function(lambda: gpd.sjoin(places, zones), runs=runs), peer=True, sizes=sizes)
    yield Measurement("join", "add two files and join", time_function(ours, runs=runs, before=fresh), "cold", sizes=sizes)
    yield Measurement("join", "add two files and join", time_function(ours, runs=runs), "warm", sizes=sizes)
    yield Measurement("join", "geopandas: read, sjoin, write", time_function(peer, runs=runs), "cold", peer=True, sizes=sizes)
