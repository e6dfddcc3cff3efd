"""Registered datasets are known without reading, noticed when they change, and shared by two processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas
import pytest
import shapely

from catalog_files import BOXES, GREY, NAMES, REPOSITORY, later, only
from tools.catalog.datasets import Datasets
from tools.contract import Catalog
from tools.errors import DataError, NotFoundError, StorageError

if TYPE_CHECKING:
    from conftest import MakeLayer, MakeRaster
    from tools.workspace import Workspace


@pytest.fixture
def datasets(workspace: Workspace) -> Datasets:
    return Datasets(workspace)


def test_source_carries_path_digest_and_title(datasets: Datasets, make_raster: MakeRaster) -> None:
    path = make_raster(GREY)
    record = only(datasets, path, title="Depth", attribution="© Survey")
    source = datasets.resolve(record.id)
    assert (source.ref, source.kind, source.path, source.digest) == (record.id, "raster", path, record.digest)
    assert (source.title, source.attribution, source.producer) == ("Depth", "© Survey", None)


def test_changed_file_is_described_anew(datasets: Datasets, make_layer: MakeLayer) -> None:
    path = make_layer(BOXES, columns=NAMES, name="a.geojson")
    record = only(datasets, path, title="Mine")
    make_layer(BOXES[:1], columns={"other": ["x"]}, name="a.geojson")
    source = datasets.resolve(record.id)
    changed = datasets.get(record.id)
    assert source.digest == changed.digest != record.digest
    assert (changed.feature_count, changed.title, [column.name for column in changed.columns]) == (1, "Mine", ["other"])


def test_change_within_one_tick_of_the_clock_is_noticed(datasets: Datasets, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a\n1\n")
    stat = path.stat()
    record = only(datasets, path)
    path.write_text("a\n2\n")  # same size
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert datasets.resolve(record.id).digest != record.digest


def test_changed_side_file_changes_the_digest(datasets: Datasets, make_layer: MakeLayer) -> None:
    path = make_layer(BOXES, columns=NAMES, name="a.shp")
    record = only(datasets, path)
    path.with_suffix(".prj").unlink()
    assert datasets.resolve(record.id).digest != record.digest
    assert datasets.get(record.id).crs is None


def test_vanished_file_is_told_with_a_hint(datasets: Datasets, make_raster: MakeRaster) -> None:
    path = make_raster(GREY)
    record = only(datasets, path)
    path.unlink()
    with pytest.raises(NotFoundError, match="is gone"):
        datasets.resolve(record.id)


def test_file_that_broke_is_told(datasets: Datasets, make_raster: MakeRaster) -> None:
    path = make_raster(GREY)
    record = only(datasets, path)
    path.write_bytes(b"II*\0")
    with pytest.raises(DataError):
        datasets.resolve(record.id)


def test_unknown_id_names_the_nearest(datasets: Datasets, make_raster: MakeRaster) -> None:
    with pytest.raises(NotFoundError, match="Nothing is registered yet"):
        datasets.resolve("depth")
    only(datasets, make_raster(GREY), id="flood_depth")
    for ask in (datasets.resolve, datasets.get, datasets.remove):
        with pytest.raises(NotFoundError, match="Nearest: flood_depth"):
            ask("Flood_dpth")


def test_removed_dataset_is_forgotten_and_its_file_stays(datasets: Datasets, make_raster: MakeRaster) -> None:
    path = make_raster(GREY)
    datasets.remove(only(datasets, path).id)
    assert datasets.records() == ()
    assert path.exists()


def test_refusal_is_remembered_until_the_file_changes(datasets: Datasets, make_raster: MakeRaster, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(b"nonsense")
    later(path)
    first = datasets.add(path).refused
    assert datasets.add(path).refused == first
    make_raster(GREY, name="a.tif")
    assert only(datasets, path).id == "a"


def test_layer_added_behind_our_back_is_told(datasets: Datasets, make_layer: MakeLayer) -> None:
    path = make_layer(BOXES, name="city.gpkg")
    only(datasets, path)
    geopandas.GeoDataFrame(geometry=[shapely.Point(0, 0)], crs="EPSG:4326").to_file(path, layer="roads", engine="pyogrio")
    with pytest.raises(NotFoundError, match="other layers: city, roads"):
        datasets.resolve("city")


def test_datasets_satisfies_the_catalog_contract(datasets: Datasets, make_raster: MakeRaster) -> None:
    catalog: Catalog = datasets
    only(datasets, make_raster(GREY))
    (record,) = catalog.records()
    assert json.loads(json.dumps(record)) == record
    assert datasets.record_objects()[0].model_dump(mode="json") == record


def test_registered_datasets_are_known_without_any_reader(
    datasets: Datasets, make_raster: MakeRaster, make_layer: MakeLayer, tmp_path: Path
) -> None:
    for path in (make_raster(GREY, name="a.tif"), make_layer(BOXES, name="b.gpkg"), tmp_path / "broken.tif"):
        if not path.exists():
            path.write_bytes(b"nonsense")
        later(path)
    datasets.add(tmp_path)
    code = f"""
import sys
from pathlib import Path
from tools.catalog.datasets import Datasets
from tools.workspace import open_workspace
datasets = Datasets(open_workspace(root=Path({str(tmp_path / "ws")!r})))
assert len(datasets.records()) == 2
assert datasets.resolve("a").kind == "raster"
report = datasets.add({str(tmp_path)!r})
assert (len(report.records), len(report.refused)) == (2, 1), report
heavy = {{"numpy", "pandas", "rasterio", "pyogrio", "geopandas", "pyproj", "shapely", "pyarrow"}} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True, timeout=120)


def test_two_processes_register_the_same_files_at_once(workspace: Workspace, tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / "data" / str(number)).mkdir(parents=True)
        (tmp_path / "data" / str(number) / "t.csv").write_text(f"a\n{number}\n")  # one stem for all
    code = f"""
from pathlib import Path
from tools.catalog.datasets import Datasets
from tools.workspace import open_workspace
report = Datasets(open_workspace(root=Path({str(workspace.root)!r}))).add({str(tmp_path / "data")!r})
assert len(report.records) == 6, report
"""
    processes = [subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY) for _ in range(2)]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    records = Datasets(workspace).record_objects()
    assert sorted(record.id for record in records) == ["t", "t_2", "t_3", "t_4", "t_5", "t_6"]
    assert len({record.path for record in records}) == 6


def test_damaged_registrations_are_a_storage_error(workspace: Workspace) -> None:
    workspace.datasets.write_bytes(b"this is no database at all, not even a small one" * 100)
    with pytest.raises(StorageError, match="damaged"):
        Datasets(workspace).records()
