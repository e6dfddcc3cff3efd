"""A window of a remote scene: search, key, guarded range requests and store, beside GDAL's own reader of the same bytes over HTTP."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness import Measurement, time_function
from range_server import RangeServer
from tools.catalog.datasets import Datasets
from tools.runner import Runner
from tools.storage.bootstrap import OPTIONS
from tools.workspace import open_workspace

BLOCK = 256
PEER = """
import sys, time, rasterio
from rasterio.windows import Window
url, side = sys.argv[1], int(sys.argv[2])
started = time.perf_counter()
with rasterio.open("/vsicurl/" + url) as dataset:
    dataset.read(1, window=Window(0, 0, side, side))
print(time.perf_counter() - started)
"""


def remote_window(folder: Path, runs: int, *, side: int) -> Iterator[Measurement]:
    """Time a quarter of a GeoTIFF of side × side pixels, read over the loopback interface; imports are not counted in either."""
    raster = _write_raster(folder / "remote.tif", side)
    root = folder / "read-workspace"
    sizes = {"pixels": side * side, "window": (side // 2) ** 2, "bytes": raster.stat().st_size}
    with RangeServer() as server:
        os.environ["TERRACITE_ALLOWED_HOSTS"] = server.host
        url = server.put("/remote.tif", raster.read_bytes(), "image/tiff")
        catalogue = _write_catalogue(folder / "scenes.json", url, side)

        def fresh() -> None:
            shutil.rmtree(root, ignore_errors=True)

        def ours() -> None:
            workspace = open_workspace(root=root)
            datasets = Datasets(workspace)
            datasets.add(catalogue, id="scenes")
            runner = Runner(workspace, datasets)
            found = runner.run("search_stac", {"catalogue": "scenes"}).artifact
            runner.run("read_asset", {"assets": [f"{found.ref}#items/0/nir"], "bbox": _quarter(side)})

        ours()  # imports are not what is measured here
        what = "find and read a window"
        yield Measurement("remote read", what, time_function(ours, runs=runs, before=fresh), "cold", sizes=sizes)
        yield Measurement("remote read", what, time_function(ours, runs=runs), "warm", sizes=sizes)
        alone = tuple(_alone(url, side // 2) for _ in range(runs))
        yield Measurement("remote read", "GDAL's reader alone", alone, "cold", peer=True, sizes=sizes)
        del os.environ["TERRACITE_ALLOWED_HOSTS"]


def _alone(url: str, side: int) -> float:
    """Return the seconds that GDAL takes in a process of its own, since ours keeps it from the network."""
    free = {name: value for name, value in os.environ.items() if name not in OPTIONS}
    done = subprocess.run([sys.executable, "-c", PEER, url, str(side)], env=free, capture_output=True, text=True, check=True)
    return float(done.stdout)


def _quarter(side: int) -> list[float]:
    """Return the box of the upper left quarter, a little inside its edges, so that it touches no pixel beyond."""
    return [10.00001, 50.00001 - side / 2 * 1e-4, 9.99999 + side / 2 * 1e-4, 49.99999]


def _write_raster(path: Path, side: int) -> Path:
    """Write noise on pixels of 0.0001°, in blocks."""
    import numpy as np
    import rasterio
    from affine import Affine

    values = np.random.default_rng(2).integers(1, 10_000, (side, side), dtype=np.uint16)
    options = {"count": 1, "width": side, "height": side, "dtype": "uint16", "nodata": 0, "tiled": True, "blockxsize": BLOCK}
    transform = Affine(1e-4, 0.0, 10.0, 0.0, -1e-4, 50.0)
    with rasterio.open(
        path, "w", driver="GTiff", crs="EPSG:4326", transform=transform, blockysize=BLOCK, compress="deflate", **options
    ) as out:
        out.write(values, 1)
    return path


def _write_catalogue(path: Path, url: str, side: int) -> Path:
    west, north, size = 10.0, 50.0, side * 1e-4
    ring = [[west, north - size], [west + size, north - size], [west + size, north], [west, north], [west, north - size]]
    item: dict[str, Any] = {  # Any: JSON
        "type": "Feature", "stac_version": "1.0.0", "id": "scene", "collection": "scenes", "links": [],
        "geometry": {"type": "Polygon", "coordinates": [ring]}, "bbox": [west, north - size, west + size, north],
        "properties": {"datetime": "2020-07-01T00:00:00Z", "eo:cloud_cover": 0.0},
        "assets": {"nir": {"href": url, "type": "image/tiff", "roles": ["data"], "eo:bands": [{"name": "nir", "common_name": "nir"}]}},
    }  # fmt: skip
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [item]}), encoding="utf-8")
    return path
