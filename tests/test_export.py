"""Export writes what other programs read: the format's rules kept, every change told, nothing lost in silence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
import shapely
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from tools.contract import Declared, Source, ToolContext
from tools.errors import MissingCrsError, ParameterError
from tools.registry import load
from tools.storage.vectors import layer_names, read_rows
from vector_calls import call


def layer(path: Path, geometries: list[Any], crs: object = 4326, **columns: Any) -> Path:
    gpd.GeoDataFrame(columns or {"n": range(len(geometries))}, geometry=geometries, crs=crs).to_parquet(path)
    return path


def export(folder: Path, path: Path, form: str, **params: Any) -> tuple[Any, Path]:
    """Return what the tool says, and the file that it wrote."""
    output = call("export", folder, {"d": path, **params.pop("files", {})}, dataset="d", format=form, **params)
    (found,) = [
        file for file in folder.glob(f"call-*/{output.files[0]}") if file.parent.name == f"call-{len(list(folder.glob('call-*'))) - 1}"
    ]
    return output, found


def test_geojson_follows_rfc_7946(tmp_path: Path) -> None:
    clockwise = Polygon([(0, 0), (0, 1), (1, 1), (1, 0)], [[(0.2, 0.2), (0.4, 0.2), (0.4, 0.4), (0.2, 0.4)]])
    across = box(179, -1, 181, 1)
    utm = gpd.GeoSeries([clockwise, across], crs=4326)
    _, file = export(tmp_path, layer(tmp_path / "d.parquet", list(utm)), "geojson")
    written = json.loads(file.read_text())
    assert "crs" not in written
    assert "name" not in written
    first, second = (feature["geometry"] for feature in written["features"])
    outer, inner = (shapely.LinearRing(ring) for ring in first["coordinates"])
    assert outer.is_ccw  # section 3.1.6
    assert not inner.is_ccw
    assert second["type"] == "MultiPolygon"  # section 3.1.9
    assert all(-180 <= x <= 180 for polygon in second["coordinates"] for x, _ in polygon[0])
    assert shapely.area(shapely.from_geojson(json.dumps(second))) == pytest.approx(4)


def test_geojson_is_in_wgs_84_whatever_the_layer_is_in(tmp_path: Path) -> None:
    here = gpd.GeoSeries([Point(9.19, 45.46)], crs=4326).to_crs(32632)
    output, file = export(tmp_path, layer(tmp_path / "d.parquet", list(here), 32632), "geojson")
    assert json.loads(file.read_text())["features"][0]["geometry"]["coordinates"] == pytest.approx([9.19, 45.46], abs=1e-7)
    assert output.method["transformations"][0]["from"].startswith("WGS 84 / UTM zone 32N")


def test_rounding_to_seven_decimals_never_breaks_a_polygon(tmp_path: Path) -> None:
    needle = Polygon([(0, 0), (1, 1e-8), (1, 0.5), (0.5, 6e-9), (0, 0.5)])
    assert needle.is_valid
    _, file = export(tmp_path, layer(tmp_path / "d.parquet", [needle]), "geojson")
    assert shapely.from_geojson(file.read_text()).geoms[0].is_valid


def test_a_shapefile_has_short_names_and_a_map_back(tmp_path: Path) -> None:
    columns = {"population_2020": [1], "population_2021": [2], "Straßenname": ["Größe"], "ok": [3.5]}
    output, file = export(tmp_path, layer(tmp_path / "d.parquet", [Point(1, 2)], **columns), "shapefile")
    names = output.data["columns"]
    assert list(names) == list(columns)
    assert len({name.casefold() for name in names.values()}) == 4
    assert all(len(name.encode()) <= 10 for name in names.values())
    back = pyogrio.read_dataframe(file)
    assert {old: back[new].tolist() for old, new in names.items()} == columns
    assert set(output.files) == {f"export{suffix}" for suffix in (".shp", ".shx", ".dbf", ".prj", ".cpg")}
    assert any("names of columns" in warning.casefold() for warning in output.warnings)


@pytest.mark.parametrize(
    ("columns", "geometries", "reason"),
    [
        ({"n": [1, 2]}, [Point(0, 0), LineString([(0, 0), (1, 1)])], "one kind of geometry"),
        ({"n": [1.5, 1e300]}, [Point(0, 0), Point(1, 1)], "too large or too small"),
        ({"n": [1.5, 1e-20]}, [Point(0, 0), Point(1, 1)], "too large or too small"),
    ],
)
def test_a_shapefile_that_would_change_numbers_or_shapes_is_refused(
    tmp_path: Path, columns: dict[str, Any], geometries: list[Any], reason: str
) -> None:
    with pytest.raises(ParameterError, match=reason):
        export(tmp_path, layer(tmp_path / "d.parquet", geometries, **columns), "shapefile")


def test_texts_that_are_cut_are_counted(tmp_path: Path) -> None:
    output, file = export(tmp_path, layer(tmp_path / "d.parquet", [Point(0, 0)], t=["ä" * 200]), "shapefile")
    assert pyogrio.read_dataframe(file)["t"].tolist() == ["ä" * 127]
    assert any("1 texts are cut" in warning for warning in output.warnings)


def test_columns_are_chosen_renamed_and_ordered(tmp_path: Path) -> None:
    path = layer(tmp_path / "d.parquet", [Point(0, 0)], a=[1], b=[2], c=[3])
    output, file = export(tmp_path, path, "gpkg", columns={"c": "third", "a": "first"})
    assert list(pyogrio.read_dataframe(file).columns) == ["third", "first", "geometry"]
    assert output.data["columns"] == {"c": "third", "a": "first"}
    with pytest.raises(ParameterError, match="gone"):
        export(tmp_path, path, "gpkg", columns={"gone": "x"})


def test_types_are_given_where_every_value_has_them(tmp_path: Path) -> None:
    path = layer(tmp_path / "d.parquet", [Point(0, 0), Point(1, 1)], code=[7, 8], n=["1", None], day=["2020-01-02", "2021-03-04"])
    _, file = export(tmp_path, path, "gpkg", types={"code": "text", "n": "integer", "day": "date"})
    info = pyogrio.read_info(file)
    assert dict(zip(info["fields"], info["ogr_types"], strict=True)) == {"code": "OFTString", "n": "OFTInteger64", "day": "OFTDate"}
    with pytest.raises(ParameterError, match=r"'2020-01-02'.*row 0.*no real"):
        export(tmp_path, path, "gpkg", types={"day": "real"})


def test_a_geopackage_gains_a_layer_and_keeps_the_others(tmp_path: Path) -> None:
    first = layer(tmp_path / "one.parquet", [Point(0, 0)])
    _, container = export(tmp_path, first, "gpkg", layer="one")
    before = container.read_bytes()
    _, both = export(tmp_path, layer(tmp_path / "two.parquet", [box(0, 0, 1, 1)]), "gpkg", layer="two", into="c", files={"c": container})
    assert layer_names(both) == ("one", "two")
    assert pyogrio.read_dataframe(both, layer="one").geometry.iloc[0] == Point(0, 0)
    assert container.read_bytes() == before
    with pytest.raises(ParameterError, match="has a layer 'TWO' already"):
        export(tmp_path, first, "gpkg", layer="TWO", into="c", files={"c": both})


@pytest.mark.parametrize("form", ["geojson", "gpkg", "shapefile", "flatgeobuf", "geoparquet", "kml", "csv"])
def test_the_same_layer_gives_the_same_bytes(tmp_path: Path, form: str) -> None:
    path = layer(tmp_path / "d.parquet", [Point(0, 0), Point(1, 1)], name=["a", "b"], t=pd.to_datetime(["2020-01-01T10:00:00", None]))
    outputs = [export(tmp_path, path, form) for _ in range(2)]
    contents = [[(file.parent / name).read_bytes() for name in output.files] for output, file in outputs]
    assert contents[0] == contents[1]


def test_points_in_a_csv_need_no_declaration_and_other_shapes_keep_every_digit(tmp_path: Path) -> None:
    _, file = export(tmp_path, layer(tmp_path / "d.parquet", [Point(0.1, 1 / 3), None], code=["007", "8"]), "csv")
    back = read_rows(Source("", "vector", file, ""))
    assert back.geometry.iloc[0] == Point(0.1, 1 / 3)
    assert back.geometry.iloc[1] is None
    assert back["code"].tolist() == ["007", "8"]
    line = LineString([(1 / 3, 2 / 3), (1e6, 5e6 / 7)])
    output, file = export(tmp_path, layer(tmp_path / "l.parquet", [line], 32632), "csv")
    assert read_rows(Source("", "vector", file, "", declared=Declared(crs="EPSG:32632"))).geometry.iloc[0] == line
    assert any("holds no CRS" in warning for warning in output.warnings)


def test_a_table_is_written_where_a_format_has_tables(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("code,n\n007,1\n008,2\n")
    _, file = export(tmp_path, tmp_path / "t.csv", "gpkg")
    assert read_rows(Source("", "vector", file, ""))["code"].tolist() == ["007", "008"]
    with pytest.raises(ParameterError, match="no table"):
        export(tmp_path, tmp_path / "t.csv", "flatgeobuf")


def test_a_layer_without_a_crs_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(MissingCrsError, match="--crs"):
        export(tmp_path, layer(tmp_path / "d.parquet", [Point(0, 0)], None), "gpkg")


def test_geoparquet_states_the_box_of_every_row(tmp_path: Path) -> None:
    _, file = export(tmp_path, layer(tmp_path / "d.parquet", [box(1, 2, 3, 4), MultiPolygon([box(5, 6, 7, 8)])]), "geoparquet")
    assert pd.read_parquet(file)["bbox"].tolist()[0] == {"xmin": 1, "ymin": 2, "xmax": 3, "ymax": 4}
    assert list(read_rows(Source("", "vector", file, "")).columns) == ["n", "geometry"]


@pytest.mark.parametrize("form", ["cog", "geotiff"])
def test_a_raster_is_copied_with_all_that_it_says(tmp_path: Path, make_raster: Any, form: str) -> None:
    pixels = np.arange(600, dtype="int16").reshape(2, 15, 20)
    path = make_raster(pixels, name="r.tif", bounds=(500_000, 5_000_000, 500_200, 5_000_150), nodata=-1, descriptions=["green", "nir"])
    tool = load("export")
    output = tool.run(tool.params(dataset="r", format=form), ToolContext(tmp_path, {"r": Source("r", "raster", path, "")}))
    with rasterio.open(tmp_path / output.files[0]) as written, rasterio.open(path) as original:
        assert (written.read() == original.read()).all()
        for name in ("crs", "transform", "nodata", "descriptions", "dtypes"):
            assert getattr(written, name) == getattr(original, name)


@pytest.mark.parametrize(
    "params", [{"format": "cog", "crs": "EPSG:3857"}, {"format": "kml", "crs": "EPSG:3857"}, {"format": "csv", "into": "x"}]
)
def test_parameters_that_do_not_go_together_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=params["format"] if "into" not in params else "gpkg only"):
        load("export").params(dataset="d", **params)


@pytest.mark.realdata
@pytest.mark.parametrize("form", ["cog", "geotiff"])
@pytest.mark.parametrize("name", ["external_mask.tif", "rgba_uint16_alpha.tif", "rotated_au_3577.tif"])
def test_real_rasters_keep_their_masks_and_places(tmp_path: Path, shared_data: Path, name: str, form: str) -> None:
    path, tool = shared_data / "awkward" / name, load("export")
    output = tool.run(tool.params(dataset="r", format=form), ToolContext(tmp_path, {"r": Source("r", "raster", path, "")}))
    assert {file.name for file in tmp_path.iterdir()} == set(output.files)
    with rasterio.open(tmp_path / output.files[0]) as written, rasterio.open(path) as original:
        np.testing.assert_array_equal(written.read(), original.read())
        assert (written.dataset_mask() == original.dataset_mask()).all()
        assert written.transform.almost_equals(original.transform)


def test_what_a_writer_would_refuse_is_mended_or_left_out_and_told(tmp_path: Path) -> None:
    pinched = Polygon([(0, 0), (4, 0), (4, 4), (0, 4)], [[(1, 1), (2, 1), (2, 1), (1, 1)]])
    output, file = export(tmp_path, layer(tmp_path / "d.parquet", [pinched, LineString(), Point(1, 1)]), "kml")
    back = read_rows(Source("", "vector", file, ""))
    assert back.geometry.iloc[0].equals(box(0, 0, 4, 4))
    assert back.geometry.isna().tolist() == [False, True, False]
    assert any("1 invalid ones are repaired" in warning for warning in output.warnings)


def test_lines_inside_of_a_text_do_not_break_a_csv(tmp_path: Path) -> None:
    texts = ["a\rb", "c\nd", "e\r\nf", 'g"h', "i,j"]
    _, file = export(tmp_path, layer(tmp_path / "d.parquet", [Point(0, 0)] * 5, t=texts), "csv")
    assert read_rows(Source("", "vector", file, ""))["t"].tolist() == texts
