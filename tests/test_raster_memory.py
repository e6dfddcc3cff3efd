"""Every raster tool over rasters 40,000 pixels wide: less than 1 GB, and no more for four times as many rows, so that none is held whole.

The files are sparse: some blocks hold data, the rest is nodata and takes no space. A process of its own tells what it held at most.
TERRACITE_TEST_ROWS=10000,40000 tries squares of 40,000, for hours.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from rasterio.windows import Window
from shapely.geometry import Point, box

pytestmark = pytest.mark.heavy

WIDTH = 40_000
"""Pixels of a row."""
ROWS = tuple(int(rows) for rows in os.environ.get("TERRACITE_TEST_ROWS", "2048,5120").split(","))
"""Rows of the smaller and of the larger raster."""
MOST_BYTES = 1_000_000_000
MOST_GROWTH = 100_000_000
"""The larger has 123 million pixels more: as bytes, held whole, more than this."""
BLOCK = 512
FILLED = 6
"""Blocks of data along the diagonal."""

CALLS: Mapping[str, Mapping[str, Any]] = {
    "classify": {"raster": "height", "classes": [{"label": "low", "max": 50}]},
    "spectral_index": {"raster": "scene", "index": "NDVI"},
    "raster_calc": {"expression": "a / 2 + 1", "rasters": {"a": {"raster": "height"}}},
    "composite": {"rasters": ["cover", "cover"], "method": "first", "mask": "none"},
    "change": {"before": "cover", "after": "cover"},
    "polygonize": {"raster": "cover"},
    "reproject": {"source": "height", "crs": "EPSG:3857"},
    "stack": {"bands": [{"raster": "cover"}, {"raster": "cover"}], "crs": "EPSG:25831"},
    "contour": {"raster": "height", "levels": [25.0, 75.0]},
    "rasterize": {"layer": "zones", "operation": "coverage", "like": "height"},
    "sample": {"raster": "height", "points": "points"},
    "zonal_stats": {"raster": "height", "zones": "zones", "statistics": ["mean"]},
    "terrain": {"raster": "height", "operation": "slope"},
    "filter_raster": {"raster": "height", "operation": "mean", "size": 3},
    "raster_distance": {"raster": "cover", "targets": [1.0], "max_distance_m": 500.0},
    "histogram": {"raster": "height"},
}
"""Tool → its call."""

PROGRAM = """
import json, sys
from pathlib import Path
folder, tool, params = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
from tools.storage.bootstrap import bootstrap
bootstrap()
from raster_calls import call, raster
from tools.contract import Source
rasters = [raster(folder / "height.tif", "height"), raster(folder / "cover.tif", "cover", kind="categorical"), raster(folder / "scene.tif", "scene", bands={"red": 1, "nir": 2})]
layers = [Source(name, "vector", folder / f"{name}.parquet", "xxh3:0") for name in ("zones", "points")]
output = call(tool, folder / tool, params, *rasters, *layers)
held = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(json.dumps({"bytes": int(held.split()[1]) * 1024, "outcome": output.outcome}))
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Write the rasters and two layers on their data, for each number of rows."""
    return tuple(written(tmp_path_factory.mktemp(f"rows{rows}"), rows) for rows in ROWS)


def written(folder: Path, rows: int) -> Path:
    transform = rasterio.Affine(10, 0, 200_000, 0, -10, 5_600_000)
    layout = {
        "driver": "GTiff",
        "width": WIDTH,
        "height": rows,
        "crs": "EPSG:32631",
        "transform": transform,
        "tiled": True,
        "sparse_ok": True,
    }
    places = [(n * (WIDTH - BLOCK) // FILLED // BLOCK * BLOCK, n * (rows - BLOCK) // FILLED // BLOCK * BLOCK) for n in range(FILLED)]
    rng = np.random.default_rng(0)
    slope = np.add.outer(np.arange(BLOCK), np.arange(BLOCK)) / 10
    for name, count, dtype in (("height", 1, "float32"), ("cover", 1, "uint8"), ("scene", 2, "uint8")):
        with rasterio.open(
            folder / f"{name}.tif", "w", **layout, blockxsize=BLOCK, blockysize=BLOCK, count=count, dtype=dtype, nodata=0
        ) as file:
            for col, row in places:
                values = slope + 1 if name == "height" else rng.integers(1, 4, (BLOCK // 32, BLOCK // 32)).repeat(32, 0).repeat(32, 1)
                for band in range(1, count + 1):
                    file.write(values.astype(dtype), band, window=Window(col, row, BLOCK, BLOCK))
    corners = [transform @ place for place in places]
    cells = [box(x, y - 10 * BLOCK, x + 10 * BLOCK, y) for x, y in corners]
    gpd.GeoDataFrame({"name": [f"z{n}" for n in range(FILLED)]}, geometry=cells, crs=32631).to_parquet(folder / "zones.parquet")
    centres = [Point(x + 500, y - 500) for x, y in corners]
    gpd.GeoDataFrame({"name": [f"p{n}" for n in range(FILLED)]}, geometry=centres, crs=32631).to_parquet(folder / "points.parquet")
    return folder


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the most memory a process held")
@pytest.mark.parametrize("tool", CALLS)
def test_no_tool_holds_a_large_raster(folders: tuple[Path, ...], tool: str) -> None:
    held = [bytes_held(folder, tool) for folder in folders]
    assert max(held) < MOST_BYTES
    assert held[-1] - held[0] < MOST_GROWTH


def bytes_held(folder: Path, tool: str) -> int:
    """Return what a process held at most that ran a tool; GDAL's cache of blocks is kept small, since it fills with what there is."""
    limits = {"TERRACITE_MAX_OUTPUT_PIXELS": str(10**10), "GDAL_CACHEMAX": "32"}
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **limits}
    command = [sys.executable, "-c", PROGRAM, str(folder), tool, json.dumps(CALLS[tool])]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=Path(__file__).parent.parent, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    for written_file in (folder / tool).iterdir():
        written_file.unlink()
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["outcome"] == "value"
    return int(told["bytes"])
