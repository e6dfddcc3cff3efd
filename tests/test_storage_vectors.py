"""Every vector format reads the same way: rows in file order, CRS guaranteed, filters exact, broken files refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas
import pandas as pd
import pytest
import shapely

from tools.contract import Declared, Source
from tools.errors import DataError, LimitError, MissingCrsError, NotFoundError, ParameterError
from tools.geotypes import Condition, Where
from tools.storage.vectors import layer_names, read_layer, read_rows, write_layer

if TYPE_CHECKING:
    from conftest import MakeLayer

FORMATS = ["a.gpkg", "a.shp", "a.fgb", "a.geojson", "a.parquet"]
SQUARES = [shapely.box(x, 0, x + 1, 1) for x in (0, 10, 20)]
COLUMNS: dict[str, list[object]] = {"name": ["one", "two", "three"], "n": [1, 2, 3]}


def source(path: Path, layer: str | None = None, **declared: Any) -> Source:
    return Source("x", "vector", path, "xxh3:0", layer, Declared(**declared))


def where(column: str, op: str, value: Any) -> Where:
    return Where(conditions=[Condition(column=column, op=op, value=value)])


@pytest.mark.parametrize("name", FORMATS)
def test_formats_read_alike(make_layer: MakeLayer, name: str) -> None:
    frame = read_layer(source(make_layer(SQUARES, columns=COLUMNS, name=name)))
    by_n = frame.sort_values("n")  # FlatGeobuf stores features along a curve
    assert frame.crs.to_epsg() == 4326
    assert (frame.index.name, frame.index.tolist(), list(frame.columns)) == ("fid", [0, 1, 2], ["name", "n", "geometry"])
    assert by_n["name"].tolist() == COLUMNS["name"]
    assert all(shapely.equals(by_n.geometry.to_numpy(), SQUARES))


@pytest.mark.parametrize("name", [*FORMATS, "a.csv"])
def test_more_features_than_the_limit_are_refused_and_just_as_many_are_not(
    make_layer: MakeLayer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / name
    if name == "a.csv":
        path.write_text("lon,lat\n1,1\n2,2\n3,3\n", encoding="utf-8")
    else:
        path = make_layer(SQUARES, columns=COLUMNS, name=name)
    monkeypatch.setenv("TERRACITE_MAX_FEATURES", "3")
    assert len(read_rows(source(path))) == 3
    monkeypatch.setenv("TERRACITE_MAX_FEATURES", "2")
    with pytest.raises(LimitError, match="more than 2 features"):
        read_rows(source(path))


@pytest.mark.parametrize("name", FORMATS)
def test_filter_keeps_positions_in_the_file(make_layer: MakeLayer, name: str) -> None:
    path = source(make_layer(SQUARES, columns=COLUMNS, name=name))
    everything = read_layer(path)
    kept = read_layer(path, columns=["name"], where=where("n", ">=", 2))
    assert list(kept.columns) == ["name", "geometry"]
    assert kept.index.tolist() == everything.index[everything["n"] >= 2].tolist()


def test_bbox_is_in_the_layers_crs_and_meets_bounds(make_layer: MakeLayer) -> None:
    path = source(make_layer([*SQUARES, None], crs="EPSG:32631", columns={"n": [1, 2, 3, 4]}))
    assert read_layer(path, bbox=(11, 0.5, 20, 0.6))["n"].tolist() == [2, 3]
    assert len(read_layer(path, bbox=(100, 100, 101, 101))) == 0


def test_unknown_columns_name_the_nearest(make_layer: MakeLayer) -> None:
    path = source(make_layer(SQUARES, columns=COLUMNS))
    with pytest.raises(ParameterError, match="Nearest: name"):
        read_layer(path, columns=["nam"])
    with pytest.raises(ParameterError, match="Nearest: name"):
        read_layer(path, where=where("NAMES", "=", "one"))


@pytest.mark.parametrize("name", ["a.geojson", "a.gpkg", "a.parquet", "a.shp"])
def test_features_without_geometry_keep_their_attributes(make_layer: MakeLayer, name: str) -> None:
    frame = read_layer(source(make_layer([SQUARES[0], None, SQUARES[2]], columns=COLUMNS, name=name)))
    assert frame.geometry.isna().tolist() == [False, True, False]
    assert frame["n"].tolist() == [1, 2, 3]


def test_missing_crs_says_how_to_declare_it(make_layer: MakeLayer) -> None:
    path = make_layer(SQUARES, columns=COLUMNS, crs="EPSG:31287", name="a.shp")
    path.with_suffix(".prj").unlink()
    with pytest.raises(MissingCrsError, match="terracite add PATH --crs EPSG:"):
        read_layer(source(path))
    assert read_layer(source(path, crs="EPSG:31287")).crs.to_epsg() == 31287


def test_declared_crs_wins_over_the_file(make_layer: MakeLayer) -> None:
    frame = read_layer(source(make_layer(SQUARES), crs="EPSG:32631"))
    assert frame.crs.to_epsg() == 32631
    assert frame.total_bounds.tolist() == [0, 0, 21, 1]


def test_text_with_coordinates_is_a_layer_and_other_text_a_table(tmp_path: Path) -> None:
    points, plain = tmp_path / "p.csv", tmp_path / "t.csv"
    points.write_text("name,lon,lat\nA,5,52\n")
    plain.write_text("name,v\nA,5\n")
    assert read_layer(source(points)).geometry.iloc[0] == shapely.Point(5, 52)
    assert type(read_rows(source(plain))) is pd.DataFrame
    with pytest.raises(DataError, match="no coordinates"):
        read_layer(source(plain))


def test_layers_of_a_geopackage_are_named_and_read_by_name(make_layer: MakeLayer) -> None:
    path = make_layer(SQUARES, columns=COLUMNS, name="many.gpkg")
    geopandas.GeoDataFrame({"k": ["x"]}, geometry=[shapely.Point(1, 2)], crs="EPSG:32631").to_file(
        path, layer="Söme pöints", engine="pyogrio"
    )
    assert layer_names(path) == ("many", "Söme pöints")
    assert read_layer(source(path, "Söme pöints"))["k"].tolist() == ["x"]
    with pytest.raises(DataError, match="gone"):
        read_layer(source(path, "gone"))


def test_empty_layers_have_columns_and_crs_but_no_rows(make_layer: MakeLayer) -> None:
    frame = read_layer(source(make_layer([], columns={"name": []}, name="a.fgb")))
    assert (len(frame), frame.crs.to_epsg(), list(frame.columns)) == (0, 4326, ["name", "geometry"])


@pytest.mark.parametrize("name", FORMATS)
def test_files_cut_in_half_are_refused(make_layer: MakeLayer, name: str) -> None:
    squares = [shapely.box(x, 0, x + 1, 1) for x in range(200)]
    path = make_layer(squares, columns={"name": [f"feature {x}" for x in range(200)]}, name=name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=path.name):
        read_layer(source(path))


@pytest.mark.parametrize("name", [*FORMATS, "a.geoparquet"])
def test_files_that_are_not_what_their_name_says_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text('<OGRWFSDataSource><URL>http://127.0.0.1/</URL></OGRWFSDataSource> "type": "FeatureCollection"')
    with pytest.raises(DataError, match=name):
        read_layer(source(path))


@pytest.mark.parametrize(
    "text",
    ['{"a": 1}', "[]", "[1, 2]", '{"type": "gdal_streamed_alg", "command_line": "gdal vector read a.gpkg", "x": {"type": "Feature"}}', "{"],
)
def test_json_that_is_no_geojson_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match="not GeoJSON"):
        read_layer(source(tmp_path / "a.json"))


def test_shapefile_without_its_index_is_refused_and_left_alone(make_layer: MakeLayer) -> None:
    path = make_layer(SQUARES, columns=COLUMNS, name="a.shp")
    path.with_suffix(".shx").unlink()
    with pytest.raises(DataError, match=r"\.shx"):
        read_layer(source(path))
    assert not path.with_suffix(".shx").exists()


@pytest.mark.parametrize("name", ["/vsicurl/http://127.0.0.1/a.geojson", "PG:dbname=a.gpkg", "https://127.0.0.1/a.geojson", "gone.geojson"])
def test_names_that_are_no_files_never_reach_a_reader(name: str) -> None:
    with pytest.raises(NotFoundError):
        read_layer(source(Path(name)))


@pytest.mark.parametrize("folder", ["with blank", "p#q%20", "q?x=1", "a.zip", "PG:x"])
def test_odd_folder_names_are_only_names(make_layer: MakeLayer, tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    path = shutil.copy(make_layer(SQUARES, name="a.gpkg"), tmp_path / folder / "PG:a.gpkg")
    assert len(read_layer(source(Path(path)))) == 3


def test_lists_in_geojson_are_kept(tmp_path: Path) -> None:
    feature = '{"type": "Feature", "properties": {"tags": ["a", "b"], "n": 1}, "geometry": {"type": "Point", "coordinates": [5, 52]}}'
    (tmp_path / "a.geojson").write_text(f'{{"type": "FeatureCollection", "features": [{feature}]}}')
    frame = read_layer(source(tmp_path / "a.geojson"))
    assert (list(frame["tags"].iloc[0]), frame["n"].tolist()) == (["a", "b"], [1])


def test_geoparquet_with_another_geometry_column_reads_as_geometry(tmp_path: Path) -> None:
    frame = geopandas.GeoDataFrame({"n": [1], "shape": SQUARES[:1]}, geometry="shape", crs="EPSG:4326")
    frame["centre"] = geopandas.GeoSeries([shapely.Point(0, 0)], crs="EPSG:4326")
    frame.to_parquet(tmp_path / "a.parquet")
    assert list(read_layer(source(tmp_path / "a.parquet")).columns) == ["n", "geometry"]


def test_plain_parquet_is_a_table(tmp_path: Path) -> None:
    pd.DataFrame({"n": [1, 2]}).to_parquet(tmp_path / "a.parquet")
    assert read_rows(source(tmp_path / "a.parquet"))["n"].tolist() == [1, 2]


def test_written_layer_comes_back_and_equal_bytes_twice(tmp_path: Path, make_layer: MakeLayer) -> None:
    frame = read_layer(source(make_layer([*SQUARES[:2], None], columns=COLUMNS, crs="EPSG:31287")))
    for name in ("one.parquet", "two.parquet"):
        write_layer(tmp_path / name, frame)
    back = read_layer(source(tmp_path / "one.parquet"))
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    assert (back.crs, back["name"].tolist(), back.geometry.isna().tolist()) == (frame.crs, COLUMNS["name"], [False, False, True])
