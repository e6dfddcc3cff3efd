"""Files are registered once under an id, with what the user says of them; what cannot be read is reported."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas
import pytest
import shapely

from catalog_files import BOXES, GREY, NAMES, only
from tools.catalog.datasets import Datasets
from tools.catalog.times import parse_time
from tools.contract import Declared
from tools.errors import ParameterError

if TYPE_CHECKING:
    from conftest import MakeLayer, MakeRaster
    from tools.workspace import Workspace


@pytest.fixture
def datasets(workspace: Workspace) -> Datasets:
    return Datasets(workspace)


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
    assert [record.id for record in datasets.add(tmp_path).records] == ["a"]
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
    assert "no band 3" in report.refused[0].message
    assert "'nam'" in report.refused[1].message


def test_folder_registers_what_it_can_and_reports_the_rest(
    datasets: Datasets, tmp_path: Path, make_raster: MakeRaster, make_layer: MakeLayer
) -> None:
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
    assert [(record.id, record.kind) for record in report.records] == [
        ("zones", "vector"),
        ("good", "raster"),
        ("notes", "document"),
        ("roads", "vector"),
    ]
    assert [(Path(refusal.path).name, refusal.code) for refusal in report.refused] == [
        ("broken.tif", "bad_data"),
        ("empty.geojson", "bad_data"),
    ]
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
    ("name", "code"),
    [
        ("gone.tif", "not_found"),
        ("/vsicurl/http://127.0.0.1/a.tif", "not_found"),
        ("a.prj", "bad_data"),
        ("nothing", "bad_data"),
        ("a.zip", "bad_data"),
    ],
)
def test_paths_that_are_no_data_are_refused_with_a_reason(
    datasets: Datasets, make_layer: MakeLayer, tmp_path: Path, name: str, code: str
) -> None:
    make_layer(BOXES, name="a.shp")
    (tmp_path / "nothing").mkdir()
    (tmp_path / "a.zip").write_bytes(b"PK")
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


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("1985", ("1985-01-01", "1985-12-31")),
        ("2020-02", ("2020-02-01", "2020-02-29")),
        ("2019/2020-06", ("2019-01-01", "2020-06-30")),
        ("2020-05-01", ("2020-05-01", "2020-05-01")),
        ("2020-05-01T10:00:00Z/2020-05-02", ("2020-05-01T10:00:00Z", "2020-05-02")),
    ],
)
def test_years_and_months_are_meant_whole(said: str, kept: tuple[str, str]) -> None:
    assert parse_time(said) == kept


@pytest.mark.parametrize("said", ["2020-13", "2020-00", "0000", "85", "May 2020", "2021/2020", ""])
def test_times_that_are_none_are_refused(said: str) -> None:
    with pytest.raises(ParameterError):
        parse_time(said)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.md", b"\x89PNG\r\n\x1a\n\0\0", "The document 'a.md' holds binary data, no text."),
        ("a.txt", "höher".encode("utf-16"), "The document 'a.txt' holds binary data, no text."),
        ("a.pdf", b"no PDF at all", "The document 'a.pdf' is no PDF."),
    ],
)
def test_a_document_that_is_no_text_is_refused(datasets: Datasets, tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert [each.message for each in datasets.add(tmp_path / name).refused] == [message]


def test_an_address_of_another_kind_is_no_file(datasets: Datasets) -> None:
    (refusal,) = datasets.add("s3://bucket/scene.tif").refused
    assert refusal.message == "An address that begins with 's3://' cannot be registered."


def test_a_refused_address_is_told_without_its_secrets(datasets: Datasets) -> None:
    (refusal,) = datasets.add("https://me:hush@example.com/stac?sig=hush").refused
    assert "hush" not in f"{refusal.path} {refusal.message} {refusal.hint}"
    assert refusal.path == "https://example.com/stac"
