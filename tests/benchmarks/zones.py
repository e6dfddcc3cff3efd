"""Zonal statistics: the tool, with key, store and true pixel area, beside exactextract and rasterstats alone on the same files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from harness import Measurement
from tools.catalog.datasets import Datasets
from tools.contract import Declared
from tools.execution import executor_of
from tools.runner import Runner
from tools.settings import ToolSettings
from tools.workspace import open_workspace

OURS = {0: "zonal_stats in one process", 2: "zonal_stats with two warm workers"}


def zonal(folder: Path, runs: int, *, side: int, zones_per_side: int) -> Iterator[Measurement]:
    """Time the mean of a raster of side × side pixels in zones_per_side² zones that cut its pixels; all take turns, so that they see one machine."""
    raster, zones = _write_raster(folder / "values.tif", side), _write_zones(folder / "zones.gpkg", side, zones_per_side)
    sizes = {"pixels": side * side, "zones": zones_per_side**2}
    numbers = count()
    cold: dict[str, Callable[[], object]] = {
        **{name: _ours(folder / f"zonal-{workers}", workers, raster, zones, numbers) for workers, name in OURS.items()},
        "exactextract alone": lambda: _exactextract(raster, zones),
        "rasterstats alone": lambda: _rasterstats(raster, zones),
    }
    took: dict[str, list[float]] = {name: [] for name in cold}
    for run in range(runs + 1):
        for name, call in cold.items():
            started = time.perf_counter()
            call()
            if run:  # the first is not counted: imports and started workers are not what is measured here
                took[name].append(time.perf_counter() - started)
    for name, seconds in took.items():
        yield Measurement("zonal", name, tuple(seconds), "cold", peer=name.endswith("alone"), sizes=sizes)
    again = _ours(folder / "zonal-0", 0, raster, zones, iter([1] * (runs + 1)))
    again()
    yield Measurement("zonal", OURS[0], tuple(_seconds(again) for _ in range(runs)), "warm", sizes=sizes)


def _ours(root: Path, workers: int, raster: Path, zones: Path, numbers: Iterator[int]) -> Callable[[], object]:
    """Return a call that adds both files anew and asks for what was not asked before: a limit that no number of zones reaches."""
    workspace = open_workspace(ToolSettings(workers=workers), root=root)
    executor = executor_of(workspace)
    datasets = Datasets(workspace, executor)
    runner = Runner(workspace, datasets, executor=executor)

    def call() -> object:
        datasets.add(raster, id="values", declared=Declared(unit="m"))
        datasets.add(zones, id="zones", declared=Declared(name_column="zone"))
        params = {"raster": "values", "zones": "zones", "statistics": ["mean"], "limit": 10_000 - next(numbers)}
        return runner.run("zonal_stats", params)

    return call


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _exactextract(raster: Path, zones: Path) -> object:
    import geopandas
    import rasterio
    from exactextract import exact_extract

    with rasterio.open(raster) as source:
        return exact_extract(source, geopandas.read_file(zones), ["mean"], include_cols="zone", output="pandas")


def _rasterstats(raster: Path, zones: Path) -> object:
    from rasterstats import zonal_stats

    return zonal_stats(str(zones), str(raster), stats=["mean"], nodata=-9999)


def _write_raster(path: Path, side: int) -> Path:
    """Write hills and noise on pixels of 10 m, in tiles as scenes have them."""
    import numpy as np
    import rasterio
    from affine import Affine

    slope = np.add.outer(np.sin(np.arange(side) / 300), np.cos(np.arange(side) / 500))
    values = (100 + 20 * slope + np.random.default_rng(1).normal(0, 1, (side, side))).astype(np.float32)
    transform = Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0)
    options = {"count": 1, "width": side, "height": side, "dtype": values.dtype, "tiled": True, "compress": "deflate", "nodata": -9999}
    with rasterio.open(
        path, "w", driver="GTiff", crs="EPSG:32632", transform=transform, blockxsize=512, blockysize=512, **options
    ) as dataset:
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
