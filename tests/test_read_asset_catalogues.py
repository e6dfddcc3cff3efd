"""From a static catalogue to pixels: search_stac finds the scene, read_asset reads its files, here or on another machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from conftest import MakeRaster
from range_server import RangeServer
from served_scenes import item_of
from tools.catalog.datasets import Datasets
from tools.errors import NotFoundError, ParameterError
from tools.runner import Runner
from tools.workspace import Workspace

VALUES = np.arange(1, 401, dtype="uint16").reshape(20, 20)


@pytest.fixture
def folder(tmp_path: Path, make_raster: MakeRaster) -> Path:
    """A catalogue of one item whose file is named relative to it."""
    root = tmp_path / "catalogue"
    (root / "scene").mkdir(parents=True)
    make_raster(VALUES, crs="EPSG:32631", transform=from_origin(500_000, 5_000_000, 10, 10), nodata=0, name="catalogue/scene/red.tif")
    item = item_of()
    item["collection"] = "scenes"
    band = {"scale": 0.0001, "offset": 0}
    item["assets"]["red"] = {"href": "./red.tif", "type": "image/tiff; application=geotiff", "raster:bands": [band]}
    item["links"] = []
    (root / "scene" / "item.json").write_text(json.dumps(item))
    links = [{"rel": "item", "href": "./scene/item.json"}]
    catalogue = {"type": "Catalog", "stac_version": "1.0.0", "id": "own", "description": "own scenes", "links": links}
    (root / "catalog.json").write_text(json.dumps(catalogue))
    return root


@pytest.fixture
def server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RangeServer]:
    with RangeServer() as running:
        for path in folder.rglob("*.*"):
            running.put(f"/{path.relative_to(folder)}", path.read_bytes())
        monkeypatch.setenv("TERRACITE_ALLOWED_HOSTS", running.host)
        yield running


def read(workspace: Workspace, catalogue: str) -> np.ndarray:
    """Register a catalogue, search it, and read red of the scene found."""
    catalog = Datasets(workspace)
    report = catalog.add(catalogue)
    assert not report.refused
    runner = Runner(workspace, catalog)
    found = runner.run("search_stac", {"catalogue": report.records[0].id}).artifact
    result = runner.run("read_asset", {"assets": [f"{found.ref}#items/0/red"]})
    with rasterio.open(result.artifact.main_file) as dataset:
        return dataset.read(1)


def test_a_catalogue_in_a_folder_is_read_from_the_folder(folder: Path, workspace: Workspace) -> None:
    np.testing.assert_allclose(read(workspace, str(folder / "catalog.json")), VALUES * 0.0001, rtol=1e-6)


def test_a_catalogue_on_another_machine_is_read_by_ranges(server: RangeServer, workspace: Workspace) -> None:
    np.testing.assert_allclose(read(workspace, server.url("/catalog.json")), VALUES * 0.0001, rtol=1e-6)
    assert all("range" in each.headers for each in server.asked("/scene/red.tif", "GET"))


@pytest.mark.parametrize("href", ["../../secret.tif", "{outside}", "file://{outside}", "/vsicurl/https://evil.example/x.tif"])
def test_a_catalogue_in_a_folder_reaches_nothing_outside_it(
    href: str, folder: Path, workspace: Workspace, tmp_path: Path, make_raster: MakeRaster
) -> None:
    outside = make_raster(VALUES, name="secret.tif")
    path = folder / "scene" / "item.json"
    item = json.loads(path.read_text())
    item["assets"]["red"]["href"] = href.format(outside=outside)
    path.write_text(json.dumps(item))
    with pytest.raises((ParameterError, NotFoundError)):
        read(workspace, str(folder / "catalog.json"))


@pytest.mark.parametrize(
    "href", ["file:///etc/hosts", "/etc/hosts", "https://evil.example/x.tif", "http://169.254.169.254/latest/meta-data"]
)
def test_a_catalogue_on_another_machine_reaches_neither_files_here_nor_hosts_that_are_not_allowed(
    href: str, server: RangeServer, workspace: Workspace
) -> None:
    item = json.loads(server.files["/scene/item.json"])
    item["assets"]["red"]["href"] = href
    server.put("/scene/item.json", json.dumps(item).encode())
    with pytest.raises((ParameterError, NotFoundError)):
        read(workspace, server.url("/catalog.json"))
