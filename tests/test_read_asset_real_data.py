"""read_asset on a real scene: its own item, its own bands, served over the loopback interface by byte ranges."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from range_server import RangeServer
from served_scenes import Scenes, blocks_of
from tools.workspace import open_workspace

pytestmark = pytest.mark.realdata

SCENE = "S2A_29RKH_20200219_0_L2A"
FILES = {"red": "B04", "nir08": "B8A", "swir16": "B11", "scl": "SCL"}


@pytest.fixture(scope="module")
def server() -> Iterator[RangeServer]:
    with RangeServer() as running:
        yield running


@pytest.fixture
def folder(shared_data: Path) -> Path:
    return shared_data / "rasters" / SCENE


@pytest.fixture
def scenes(server: RangeServer, shared_data: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenes:
    """The scene's item with the addresses of the four bands that are here."""
    monkeypatch.setenv("TERRACITE_ALLOWED_HOSTS", server.host)
    item = json.loads((shared_data / "stac" / f"{SCENE}.json").read_text())
    for key, name in FILES.items():
        item["assets"][key]["href"] = server.put(f"/{name}.tif", (folder / f"{name}.tif").read_bytes())
    server.seen.clear()
    return Scenes(open_workspace(root=tmp_path / "ws"), [item])


def read(result: Any) -> dict[str, np.ndarray]:
    with rasterio.open(result.artifact.main_file) as dataset:
        return dict(zip(dataset.descriptions, dataset.read(), strict=True))


def test_bands_on_their_own_grid_are_the_stored_numbers_times_the_scale_of_the_item(scenes: Scenes, folder: Path) -> None:
    found = read(scenes.read("swir16", "nir08"))
    for role, name in (("swir1", "B11"), ("nir08", "B8A")):
        with rasterio.open(folder / f"{name}.tif") as dataset:
            np.testing.assert_allclose(found[role], dataset.read(1) * 0.0001, rtol=1e-6)


def test_mean_ndvi_of_clear_land_agrees_with_numpy_on_the_files(scenes: Scenes, folder: Path) -> None:
    found = read(scenes.read("red", "nir08", "scl"))
    clear = np.isin(found["scl"], (4, 5))
    ndvi = (found["nir08"] - found["red"]) / (found["nir08"] + found["red"])
    with rasterio.open(folder / "B04.tif") as red, rasterio.open(folder / "B8A.tif") as nir, rasterio.open(folder / "SCL.tif") as scl:
        fine, coarse, classes = red.read(1).astype("float64"), nir.read(1).astype("float64"), scl.read(1)
    averaged = fine.reshape(549, 2, 549, 2).mean(axis=(1, 3))
    land = np.isin(classes, (4, 5)) & (coarse > 0)
    expected = ((coarse - averaged) / (coarse + averaged))[land].mean()
    assert ndvi[clear].mean(dtype="float64") == pytest.approx(expected, rel=1e-4)


def test_a_window_costs_at_most_twice_its_blocks(server: RangeServer, scenes: Scenes, folder: Path, tmp_path: Path) -> None:
    box = [-11.30, 24.60, -11.20, 24.70]
    scenes.read("red", bbox=box)
    with rasterio.open(folder / "B04.tif") as dataset:
        left, bottom, right, top = rasterio.warp.transform_bounds("EPSG:4326", dataset.crs, *box)
        rows = (int((dataset.bounds.top - top) / 100), int((dataset.bounds.top - bottom) / 100) + 1)
        cols = (int((left - dataset.bounds.left) / 100), int((right - dataset.bounds.left) / 100) + 1)
    needed = blocks_of((folder / "B04.tif").read_bytes(), rows, cols, 512, tmp_path)
    assert needed <= server.sent() <= 2 * needed


def test_the_same_question_again_fetches_no_byte(server: RangeServer, scenes: Scenes) -> None:
    assert scenes.read("red", "nir08", "scl").cache == "computed"
    server.seen.clear()
    assert scenes.read("red", "nir08", "scl").cache == "hit"
    assert server.sent() == 0


def test_classes_keep_their_labels(scenes: Scenes) -> None:
    with rasterio.open(scenes.read("scl").artifact.main_file) as dataset:
        assert dataset.dtypes == ("uint8",)
        assert json.loads(dataset.tags(1)["TERRACITE_CLASSES"])["5"] == "not vegetated"
