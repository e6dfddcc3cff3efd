"""Datasets are registered once, known without reading, noticed when they change, and shared by two processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas
import numpy as np
import pytest
import shapely

from tools.catalog.datasets import Datasets
from tools.catalog.records import DatasetRecord
from tools.contract import Catalog, Declared
from tools.errors import DataError, NotFoundError, ParameterError, StorageError

if TYPE_CHECKING:
    from conftest import MakeLayer, MakeRaster

    from tools.workspace import Workspace

REPOSITORY = Path(__file__).resolve().parent.parent
GREY = np.arange(12, dtype="uint8").reshape(3, 4)
BOXES = [shapely.box(x, 0, x + 1, 1) for x in range(3)]
NAMES = {"name": ["Alpha", "Beta", "Gamma"], "n": [1, 2, 3]}


@pytest.fixture
def datasets(workspace: Workspace) -> Datasets:
    return Datasets(workspace)


def only(datasets: Datasets, path: Path, **options: Any) -> DatasetRecord:
    report = datasets.add(path, **options)
    assert not report.refused, report.refused
    (record,) = report.records
    return record


def later(path: Path) -> None:
    """Make a file look as if it had been written long ago, so that its stamp is trusted."""
    os.utime(path, (1_600_000_000, 1_600_000_000))


def test_raster_record_says_what_the_file_is(datasets: Datasets, make_raster: MakeRaster) -> None:
    record = only(datasets, make_raster(np.stack([GREY, GREY + 50]), nodata=0, name="Flood depth.tif", descriptions=["red", "nir"]))
    assert (record.id, record.title, record.kind, record.driver) == ("flood_depth", "Flood depth", "raster", "GTiff")
    assert (record.crs, record.bounds, record.width, record.height) == ("EPSG:32631", (0.0, 0.0, 100.0, 100.0), 4, 3)
    assert record.resolution == pytest.approx((25.0, 100 / 3))
    assert [(band.index, band.name, band.nodata, band.minimum, band.maximum) for band in record.bands] == [(1, "red", 0, 1, 11), (2, "nir", 0, 50, 61)]
    assert record.bbox is not None
    west, south, east, north = record.bbox  # near the equator, 4.5° west of the central meridian at 3° east
    assert west == pytest.approx(-1.4887, abs=1e-3) and south == pytest.approx(0, abs=1e-6)
    assert east - west == pytest.approx(100 / 111_320, rel=5e-3)
    assert north - south == pytest.approx(100 / 110_574, rel=5e-3)


def test_layer_record_says_what_the_file_is(datasets: Datasets, make_layer: MakeLayer) -> None:
    columns = {**NAMES, "depth": [1.5, None, 2.5], "day": ["2020-01-01", "2020-01-02", None]}
    record = only(datasets, make_layer([*BOXES[:2], None], columns=columns, name="zones.geojson"))
    assert (record.kind, record.driver, record.geometry_type, record.feature_count, record.name_column) == ("vector", "GeoJSON", "Polygon", 3, "name")
    assert (record.crs, record.bbox, record.bounds) == ("EPSG:4326", (0, 0, 2, 1), (0, 0, 2, 1))
    described = {column.name: (column.type, column.distinct, column.nulls, column.values, column.minimum, column.maximum) for column in record.columns}
    assert described == {
        "name": ("text", 3, 0, ("Alpha", "Beta", "Gamma"), None, None),
        "n": ("integer", 3, 0, (1, 2, 3), 1, 3),
        "depth": ("real", 2, 1, (1.5, 2.5), 1.5, 2.5),
        "day": ("date", 2, 1, ("2020-01-01", "2020-01-02"), "2020-01-01", "2020-01-02"),
    }
    assert record.warnings == ("1 of 3 features have no geometry.",)


def test_many_values_are_shown_as_the_first_twelve(datasets: Datasets, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("few,many\n" + "".join(f"{row % 60},{row}\n" for row in range(100)))
    few, many = only(datasets, tmp_path / "t.csv").columns
    assert (few.distinct, few.values) == (60, tuple(range(60)))
    assert (many.distinct, many.values, many.minimum, many.maximum) == (100, tuple(range(12)), 0, 99)


def test_adding_again_gives_the_same_dataset(datasets: Datasets, make_raster: MakeRaster) -> None:
    path = make_raster(GREY)
    assert only(datasets, path) == only(datasets, path)
    assert len(datasets.records()) == 1


def test_adding_again_changes_what_is_said_and_keeps_the_rest(datasets: Datasets, make_raster: MakeRaster) -> None:
    path = make_raster(GREY)
    only(datasets, path, title="Depth", declared=Declared(nodata=3), licence="CC0", time="2020-05-01/2020-05-03")
    record = only(datasets, path, declared=Declared(unit="mm"), attribution="© Survey")
    assert (record.title, record.licence, record.attribution, record.time) == ("Depth", "CC0", "© Survey", ("2020-05-01", "2020-05-03"))
    assert (record.bands[0].nodata, record.bands[0].unit, record.declared) == (3, "mm", {"nodata": 3, "unit": "mm"})
    assert len(datasets.records()) == 1


def test_same_stem_of_another_file_gets_a_number(datasets: Datasets, make_raster: MakeRaster, make_layer: MakeLayer) -> None:
    assert only(datasets, make_raster(GREY, name="park.tif")).id == "park"
    assert only(datasets, make_layer(BOXES, name="park.gpkg")).id == "park_2"
    assert only(datasets, make_raster(GREY, name="park.tif")).id == "park"


def test_copy_of_a_file_is_the_same_dataset(datasets: Datasets, make_raster: MakeRaster, tmp_path: Path) -> None:
    path = make_raster(GREY, name="a.tif")
    (tmp_path / "copy").mkdir()
    copy = Path(shutil.copy(path, tmp_path / "copy" / "a.tif"))
    assert only(datasets, path) == only(datasets, copy)
    renamed = Path(shutil.copy(path, tmp_path / "b.tif"))
    assert only(datasets, renamed).id == "b"
    assert [record["id"] for record in datasets.records()] == ["a", "b"]


def test_moved_file_keeps_its_id_and_what_was_said(datasets: Datasets, make_raster: MakeRaster, tmp_path: Path) -> None:
    path = make_raster(GREY, name="a.tif")
    only(datasets, path, id="depth", title="Depth", declared=Declared(unit="m"))
    (tmp_path / "moved").mkdir()
    moved = path.rename(tmp_path / "moved" / "a.tif")
    record = only(datasets, moved)
    assert (record.id, record.title, record.path, record.bands[0].unit) == ("depth", "Depth", str(moved), "m")
    assert len(datasets.records()) == 1


def test_id_can_be_chosen_and_changed_but_not_taken(datasets: Datasets, make_raster: MakeRaster, make_layer: MakeLayer) -> None:
    path = make_raster(GREY)
    assert only(datasets, path, id="depth").id == "depth"
    assert only(datasets, path, id="depth2").id == "depth2"
    assert [record["id"] for record in datasets.records()] == ["depth2"]
    with pytest.raises(ParameterError, match="belongs to another dataset"):
        datasets.add(make_layer(BOXES), id="depth2")
    with pytest.raises(ParameterError, match="not usable"):
        datasets.add(path, id="a:b c")


@pytest.mark.parametrize(
    "options",
    [
        {"declared": Declared(crs="EPSG:0")},
        {"declared": Declared(bounds=(2, 0, 1, 1))},
        {"declared": Declared(scale=0)},
        {"time": "yesterday"},
        {"time": "2020-02-01/2020-01-01"},
    ],
    ids=["crs", "bounds", "scale", "time", "span"],
)
def test_options_that_no_file_can_have_are_refused(datasets: Datasets, make_raster: MakeRaster, options: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        datasets.add(make_raster(GREY), **options)
    assert datasets.records() == ()


def test_options_that_do_not_fit_one_file_are_reported_for_it(datasets: Datasets, make_raster: MakeRaster, make_layer: MakeLayer) -> None:
    raster, layer = make_raster(GREY), make_layer(BOXES, columns=NAMES)
    report = datasets.add(raster, declared=Declared(bands={"green": 3})) + datasets.add(layer, declared=Declared(name_column="nam"))
    assert [refusal.code for refusal in report.refused] == ["bad_parameter", "bad_parameter"]
    assert "no band 3" in report.refused[0].message and "'nam'" in report.refused[1].message


def test_band_roles_and_classes_are_kept(datasets: Datasets, make_raster: MakeRaster) -> None:
    declared = Declared(bands={"green": 2}, classes={"1": "wet"}, kind="categorical")
    record = only(datasets, make_raster(np.stack([GREY, GREY])), declared=declared)
    assert [(band.role, band.value_kind, band.classes) for band in record.bands] == [(None, "categorical", {"1": "wet"}), ("green", "categorical", {"1": "wet"})]
    assert datasets.resolve(record.id).declared == declared


def test_folder_registers_what_it_can_and_reports_the_rest(datasets: Datasets, tmp_path: Path, make_raster: MakeRaster, make_layer: MakeLayer) -> None:
    folder = tmp_path / "data"
    (folder / "deep" / ".git").mkdir(parents=True)
    shutil.move(make_raster(GREY, name="good.tif"), folder / "good.tif")
    shutil.move(make_layer(BOXES, columns=NAMES, name="zones.gpkg"), folder / "deep" / "zones.gpkg")
    for part in make_layer(BOXES, columns=NAMES, name="roads.shp").parent.glob("roads.*"):
        shutil.move(part, folder / part.name)
    (folder / "good.tfw").write_text("1\n0\n0\n-1\n0\n0\n")
    (folder / "notes.md").write_text("# Notes")
    (folder / "empty.geojson").write_text("")
    (folder / "broken.tif").write_bytes(b"II*\0nonsense")
    (folder / "program.exe").write_bytes(b"x")
    (folder / "deep" / ".git" / "a.md").write_text("hidden")
    report = datasets.add(folder)
    assert [(record.id, record.kind) for record in report.records] == [("zones", "vector"), ("good", "raster"), ("notes", "document"), ("roads", "vector")]
    assert [(Path(refusal.path).name, refusal.code) for refusal in report.refused] == [("broken.tif", "bad_data"), ("empty.geojson", "bad_data")]
    assert [Path(path).name for path in report.skipped] == ["program.exe"]


def test_workspace_inside_the_folder_is_not_data(make_raster: MakeRaster) -> None:
    from tools.workspace import open_workspace

    path = make_raster(GREY)
    workspace = open_workspace(root=path.parent / "ws2")
    shutil.copy(path, workspace.artifacts / "result.tif")
    assert [record.path for record in Datasets(workspace).add(path.parent).records] == [str(path)]


def test_one_id_for_several_files_is_refused(datasets: Datasets, make_raster: MakeRaster) -> None:
    make_raster(GREY, name="a.tif")
    with pytest.raises(ParameterError, match="2 files"):
        datasets.add(make_raster(GREY, name="b.tif").parent, id="both")


@pytest.mark.parametrize(
    ("name", "code"), [("gone.tif", "not_found"), ("/vsicurl/http://127.0.0.1/a.tif", "not_found"), ("a.prj", "bad_data"), ("nothing", "bad_data")]
)
def test_paths_that_are_no_data_are_refused_with_a_reason(datasets: Datasets, make_layer: MakeLayer, tmp_path: Path, name: str, code: str) -> None:
    make_layer(BOXES, name="a.shp")
    (tmp_path / "nothing").mkdir()
    report = datasets.add(tmp_path / name)
    assert [(refusal.code, bool(refusal.hint)) for refusal in report.refused] == [(code, True)]


def test_layers_of_a_geopackage_become_datasets(datasets: Datasets, make_layer: MakeLayer) -> None:
    path = make_layer(BOXES, columns=NAMES, name="city.gpkg")
    assert only(datasets, path).id == "city"  # a single layer needs no name
    geopandas.GeoDataFrame({"k": [1]}, geometry=[shapely.Point(0, 0)], crs="EPSG:4326").to_file(path, layer="Main Roads", engine="pyogrio")
    records = datasets.add(path).records
    assert [(record.id, record.layer, record.title, record.geometry_type) for record in records] == [
        ("city.city", "city", "city city", "Polygon"),
        ("city.main_roads", "Main Roads", "city Main Roads", "Point"),
    ]
    assert [record["id"] for record in datasets.records()] == ["city.city", "city.main_roads"]
    assert datasets.resolve("city.main_roads").layer == "Main Roads"
    assert [record.id for record in datasets.add(path, id="town").records] == ["town.city", "town.main_roads"]


def test_layer_added_behind_our_back_is_told(datasets: Datasets, make_layer: MakeLayer) -> None:
    path = make_layer(BOXES, name="city.gpkg")
    only(datasets, path)
    geopandas.GeoDataFrame(geometry=[shapely.Point(0, 0)], crs="EPSG:4326").to_file(path, layer="roads", engine="pyogrio")
    with pytest.raises(NotFoundError, match="other layers: city, roads"):
        datasets.resolve("city")


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


def test_empty_layer_and_missing_crs_are_registered_with_a_warning(datasets: Datasets, make_layer: MakeLayer) -> None:
    empty = only(datasets, make_layer([], columns={"name": []}, name="empty.fgb"))
    assert (empty.feature_count, empty.warnings, empty.bbox) == (0, ("Empty: there are no features.",), None)
    path = make_layer(BOXES, name="lost.shp")
    path.with_suffix(".prj").unlink()
    lost = only(datasets, path)
    assert (lost.crs, lost.bbox, lost.bounds) == (None, None, (0, 0, 3, 1))
    assert "declare --crs" in lost.warnings[0]
    assert only(datasets, path, declared=Declared(crs="EPSG:4326")).bbox == (0, 0, 3, 1)


def test_coordinates_beyond_the_earth_are_doubted(datasets: Datasets, make_layer: MakeLayer) -> None:
    record = only(datasets, make_layer([shapely.box(500_000, 5_000_000, 500_001, 5_000_001)], crs="EPSG:4326"))
    assert record.bbox is None
    assert "probably not theirs" in record.warnings[0]


@pytest.mark.parametrize(("west", "east", "expected"), [(178, 182, (178, -178)), (-182, -178, (178, -178)), (-180, 180, (-180, 180)), (170, 180, (170, 180))])
def test_extent_across_the_antimeridian_has_west_greater_than_east(
    datasets: Datasets, make_layer: MakeLayer, west: float, east: float, expected: tuple[float, float]
) -> None:
    bbox = only(datasets, make_layer([shapely.box(west, -20, east, -18)])).bbox
    assert bbox is not None
    assert (bbox[0], bbox[2]) == expected


def test_broken_overview_does_not_hide_a_truncated_raster(datasets: Datasets, tmp_path: Path) -> None:
    from affine import Affine
    from odc.geo.geobox import GeoBox

    from tools.storage.rasters import write_raster

    path = tmp_path / "a.tif"
    noise = np.random.default_rng(1).random((1500, 1500)).astype("float32")
    write_raster(path, noise, GeoBox((1500, 1500), Affine(1, 0, 0, 0, -1, 0), "EPSG:32631"))
    path.write_bytes(path.read_bytes()[:-100_000])  # overviews come first, the last rows last
    (refusal,) = datasets.add(path).refused
    assert "cannot be read" in refusal.message


def test_documents_are_registered_unparsed(datasets: Datasets, tmp_path: Path) -> None:
    (tmp_path / "Read me.md").write_text("# Title")
    record = only(datasets, tmp_path / "Read me.md")
    assert (record.id, record.kind, record.driver, record.crs) == ("read_me", "document", "Markdown", None)


def test_longitude_and_latitude_by_name_are_said_to_be_assumed(datasets: Datasets, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("name,lon,lat\nA,5,52\nB,6,53\n")
    record = only(datasets, tmp_path / "p.csv")
    assert (record.kind, record.crs, record.bbox) == ("vector", "EPSG:4326", (5, 52, 6, 53))
    assert "assumed" in record.warnings[0]


def test_datasets_satisfies_the_catalog_contract(datasets: Datasets, make_raster: MakeRaster) -> None:
    catalog: Catalog = datasets
    only(datasets, make_raster(GREY))
    (record,) = catalog.records()
    assert json.loads(json.dumps(record)) == record
    assert datasets.record_objects()[0].model_dump(mode="json") == record


def test_registered_datasets_are_known_without_any_reader(datasets: Datasets, make_raster: MakeRaster, make_layer: MakeLayer, tmp_path: Path) -> None:
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
