"""Zonal statistics: the tool, with key, store and true pixel area, beside exactextract alone on the same files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from harness import Measurement, time_function
from tools.catalog.datasets import Datasets
from tools.contract import Declared
from tools.runner import Runner
from tools.workspace import open_workspace


def zonal(folder: Path, runs: int, *, side: int, zones_per_side: int) -> Iterator[Measurement]:
    """Time the mean of a raster of side × side pixels in zones_per_side² zones that cut its pixels."""
    raster, zones = _write_raster(folder / "values.tif", side), _write_zones(folder / "zones.gpkg", side, zones_per_side)
    sizes = {"pixels": side * side, "zones": zones_per_side**2}
    root = folder / "workspace"

    def fresh() -> None:
        shutil.rmtree(root, ignore_errors=True)

    def ours() -> None:
        workspace = open_workspace(root=root)
        datasets = Datasets(workspace)
        datasets.add(raster, id="values", declared=Declared(unit="m"))
        datasets.add(zones, id="zones", declared=Declared(name_column="zone"))
        Runner(workspace, datasets).run("zonal_stats", {"raster": "values", "zones": "zones", "statistics": ["mean"]})

    def alone() -> None:
        _alone(raster, zones)

    ours()  # imports are not what is measured here
    alone()
    yield Measurement("zonal", "add two files and zonal_stats", time_function(ours, runs=runs, before=fresh), "cold", sizes=sizes)
    yield Measurement("zonal", "add two files and zonal_stats", time_function(ours, runs=runs), "warm", sizes=sizes)
    yield Measurement("zonal", "exactextract alone", time_function(alone, runs=runs), "cold", peer=True, sizes=sizes)


def _alone(raster: Path, zones: Path) -> object:
    import geopandas
    import rasterio
    from exactextract import exact_extract

    with rasterio.open(raster) as source:
        return exact_extract(source, geopandas.read_file(zones), ["mean"], include_cols="zone", output="pandas")


def _write_raster(path: Path, side: int) -> Path:
    """Write noise on pixels of 10 m."""
    import numpy as np
    import rasterio
    from affine import Affine

    values = np.random.default_rng(1).normal(100.0, 15.0, (side, side)).astype(np.float32)
    transform = Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0)
    options = {"count": 1, "width": side, "height": side, "dtype": values.dtype, "tiled": True, "compress": "deflate"}
    with rasterio.open(path, "w", driver="GTiff", crs="EPSG:32632", transform=transform, **options) as dataset:
        dataset.write(values, 1)
    return path


def _write_zones(path: Path, side: int, zones_per_side: int) -> Path:
    """Write diamonds whose edges cut pixels, one per cell of a square lattice over the raster."""
    import geopandas
    import shapely

    step = 10.0 * side / zones_per_side
    centres = [(500_000 + (i + 0.5) * step, 5_000_000 - (j + 0.5) * step) for j in range(zones_per_side) for i in range(zones_per_side)]
    diamonds = [shapely.Point(x, y).buffer(0.49 * step, quad_segs=1) for x, y in centres]
    names = [f"zone {n}" for n in range(len(diamonds))]
    geopandas.GeoDataFrame({"zone": names}, geometry=diamonds, crs="EPSG:32632").to_file(path, engine="pyogrio")
    return path
