"""Reproject: the tool, with key, store and overviews, beside rasterio's warp with all threads into the same kind of file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness import Measurement, time_function
from tools.catalog.datasets import Datasets
from tools.runner import Runner
from tools.workspace import open_workspace

TARGET = "EPSG:3035"


def warp(folder: Path, runs: int, *, side: int) -> Iterator[Measurement]:
    """Time the reprojection of a band of side × side pixels of uint16 into another CRS by bilinear resampling."""
    source, root = _write_band(folder / "band.tif", side), folder / "warp-workspace"
    sizes = {"pixels": side * side}

    def fresh() -> None:
        shutil.rmtree(root, ignore_errors=True)

    def ours() -> None:
        workspace = open_workspace(root=root)
        datasets = Datasets(workspace)
        datasets.add(source, id="band")
        Runner(workspace, datasets).run("reproject", {"source": "band", "crs": TARGET, "resampling": "bilinear"})

    def peer() -> None:
        _peer(source, folder / "peer.tif")

    ours()  # imports are not what is measured here
    yield Measurement("reproject", "add a file and reproject", time_function(ours, runs=runs, before=fresh), "cold", sizes=sizes)
    yield Measurement("reproject", "rasterio.warp, all threads", time_function(peer, runs=runs), "cold", peer=True, sizes=sizes)
    yield Measurement("reproject", "only warping, ours", time_function(lambda: _only_ours(source), runs=runs), "cold", sizes=sizes)
    only = time_function(lambda: _only_peer(source), runs=runs)
    yield Measurement("reproject", "only warping, rasterio.warp, all threads", only, "cold", peer=True, sizes=sizes)


def _only_ours(path: Path) -> None:
    """Warp tile by tile, and keep nothing."""
    from pyproj import CRS

    from tools.contract import Source
    from tools.storage.rasters import raster_info
    from tools.storage.warp import default_grid
    from tools.storage.warping import Bands, BandWay, Onto, warped_tiles

    source = Source("band", "raster", path, "xxh3:0")
    onto = Onto.between(raster_info(source).grid, default_grid(source, CRS.from_user_input(TARGET)))
    for _ in warped_tiles([Bands(source, [BandWay(1, "bilinear", "uint16")], onto)]):
        pass


def _only_peer(path: Path) -> tuple[Any, Any]:  # Any: an array and an affine transform, of libraries without types
    """Warp in one piece into an array."""
    import numpy as np
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.warp import calculate_default_transform, reproject

    with rasterio.open(path) as source:
        transform, width, height = calculate_default_transform(source.crs, TARGET, source.width, source.height, *source.bounds)
        found = np.zeros((height, width), "uint16")
        options = {"resampling": Resampling.bilinear, "num_threads": os.cpu_count() or 1}
        reproject(rasterio.band(source, 1), found, dst_transform=transform, dst_crs=TARGET, src_nodata=0, dst_nodata=0, **options)
        return found, transform


def _peer(path: Path, target: Path) -> None:
    """Warp in one piece, and write a Cloud Optimized GeoTIFF as ours is."""
    import rasterio
    import rasterio.shutil
    from rasterio.io import MemoryFile

    found, transform = _only_peer(path)
    height, width = found.shape
    profile = {"driver": "GTiff", "count": 1, "dtype": "uint16", "width": width, "height": height, "nodata": 0, "bigtiff": "if_safer"}
    with MemoryFile() as memory:
        with memory.open(crs=TARGET, transform=transform, tiled=True, **profile) as draft:
            draft.write(found, 1)
        with memory.open() as draft:
            options = {"compress": "deflate", "predictor": "yes", "overview_resampling": "nearest"}
            rasterio.shutil.copy(draft, target, driver="COG", **options)


def _write_band(path: Path, side: int) -> Path:
    """Write ground as a satellite sees it: fields, and noise in them; pixels of 10 m."""
    import numpy as np
    import rasterio
    from affine import Affine

    rng = np.random.default_rng(1)
    fields = rng.integers(200, 4000, (-(-side // 32), -(-side // 32))).repeat(32, 0).repeat(32, 1)[:side, :side]
    values = (fields + rng.integers(0, 40, (side, side))).astype("uint16")
    options = {
        "count": 1,
        "width": side,
        "height": side,
        "dtype": "uint16",
        "tiled": True,
        "compress": "deflate",
        "predictor": 2,
        "nodata": 0,
    }
    transform = Affine(10.0, 0.0, 499_980.0, 0.0, -10.0, 5_300_040.0)
    with rasterio.open(path, "w", driver="GTiff", crs="EPSG:32632", transform=transform, **options) as dataset:
        dataset.write(values, 1)
    return path
