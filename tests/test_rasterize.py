"""rasterize: values, classes, counts and exact covered shares of a layer on a grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from rasterio.features import rasterize
from shapely.geometry import LineString, Point, box

from raster_calls import call, fact, raster, stack, written
from tools.contract import Outcome, Source
from tools.errors import LimitError, ParameterError
from tools.geo.measure import geodesic_area
from tools.storage.rasters import raster_info

UTM = GeoBox((20, 30), Affine(10, 0, 500_000, 0, -10, 5_000_000), "EPSG:32631")


def like(path: Path, grid: GeoBox = UTM) -> Source:
    return stack(path, {"v": np.ma.MaskedArray(np.zeros(grid.shape, "uint8"))}, grid)


def layer(path: Path, geometries: list[Any], crs: object = 32631, **columns: list[Any]) -> Source:
    gpd.GeoDataFrame(columns, geometry=geometries, crs=crs).to_parquet(path)
    return Source("l", "vector", path, "xxh3:1")


def drawn(folder: Path, params: dict[str, Any], *sources: Source) -> Any:
    return call("rasterize", folder, {"layer": "l", **params}, *sources)


def place(col: float, row: float, width: float, height: float) -> Any:
    """Return a box in pixels from the upper left corner."""
    x, y = UTM.transform @ (col, row)
    return box(x, y - height * 10, x + width * 10, y)


TRIANGLES = st.lists(st.tuples(*[st.floats(-5, 35)] * 6), min_size=1, max_size=4)


@settings(max_examples=25)
@given(corners=TRIANGLES, touched=st.booleans(), turn=st.sampled_from([0.0, 25.0]), south_up=st.booleans())
def test_values_lie_where_gdal_draws_them_on_any_grid(tmp_path_factory, corners, touched, turn, south_up) -> None:
    folder = tmp_path_factory.mktemp("drawn")
    scale = Affine.scale(10, 10 if south_up else -10)
    grid = GeoBox(UTM.shape, Affine.translation(500_000, 5_000_000) @ Affine.rotation(turn) @ scale, UTM.crs)
    shapes = [shapely.transform(shapely.Polygon(np.reshape(each, (3, 2))), lambda xy: xy * 10 + (500_000, 4_999_900)) for each in corners]
    shapes = [shape for shape in shapes if shape.area > 1]
    if not shapes:
        return
    values = [float(number) for number in range(10, 10 + len(shapes))]
    output = drawn(
        folder / "out",
        {"like": "r", "operation": "value", "column": "n", "touched": touched},
        layer(folder / "l.parquet", shapes, n=values),
        like(folder / "r.tif", grid),
    )
    expected = rasterize(zip(shapes, values, strict=True), grid.shape, transform=grid.affine, all_touched=touched, fill=-1)
    np.testing.assert_array_equal(written(folder / "out", output).filled(-1), expected)


@settings(max_examples=15)
@given(corners=TRIANGLES)
def test_covered_shares_add_up_to_the_true_area_of_what_lies_on_the_grid(tmp_path_factory, corners) -> None:
    folder = tmp_path_factory.mktemp("covered")
    shapes = [shapely.transform(shapely.Polygon(np.reshape(each, (3, 2))), lambda xy: xy * 10 + (500_000, 4_999_800)) for each in corners]
    shapes = [shape for shape in shapes if shape.area > 1]
    if not shapes:
        return
    output = drawn(folder / "out", {"like": "r", "operation": "coverage"}, layer(folder / "l.parquet", shapes), like(folder / "r.tif"))
    inside = shapely.intersection(shapely.union_all(shapes), box(*UTM.boundingbox))
    expected = float(geodesic_area(np.array([inside], object), UTM.crs.proj)[0])
    if expected < 1:
        return
    assert fact(output, "area", of="covered") == pytest.approx(expected, rel=1e-5)
    shares = written(folder / "out", output).data
    cells = [box(*UTM.transform @ (col, row + 1), *UTM.transform @ (col + 1, row)) for row, col in np.ndindex(20, 30)]
    np.testing.assert_allclose(shares.ravel(), shapely.area(shapely.intersection(cells, inside)) / 100, atol=1e-6)


def test_text_becomes_classes_with_their_areas_and_labels(tmp_path: Path) -> None:
    source = layer(tmp_path / "l.parquet", [place(0, 0, 2, 3), place(4, 0, 1, 1), place(8, 8, 1, 1)], kind=["water", "forest", None])
    output = drawn(tmp_path / "out", {"like": "r", "operation": "class", "column": "kind"}, source, like(tmp_path / "r.tif"))
    made = raster(tmp_path / "out" / output.files[0])
    assert dict(raster_info(made).classes) == {"1": "forest", "2": "water"}
    assert fact(output, "area", **{"class": "water"}) == pytest.approx(600, rel=1e-3)
    assert fact(output, "share", **{"class": "forest"}) == pytest.approx(100 / 7, rel=1e-6)
    assert fact(output, "valid_share") == pytest.approx(100 * 7 / 600, rel=1e-4)
    assert any("have no value in 'kind'" in text for text in output.warnings)


def test_of_several_features_on_a_pixel_the_last_counts_and_that_is_said(tmp_path: Path) -> None:
    source = layer(tmp_path / "l.parquet", [place(0, 0, 3, 3), place(2, 2, 3, 3), place(9.1, 9.1, 0.2, 0.2)], n=[1, 2, 3])
    output = drawn(tmp_path / "out", {"like": "r", "operation": "value", "column": "n"}, source, like(tmp_path / "r.tif"))
    made = written(tmp_path / "out", output)
    assert (made[2, 2], made[0, 0], made.count()) == (2, 1, 17)
    assert made.dtype == np.dtype("int32")
    assert any("On 1 pixels several" in text for text in output.warnings)
    assert any("1 features have no pixel" in text for text in output.warnings)


def test_points_lines_and_overlapping_polygons_are_counted(tmp_path: Path) -> None:
    x, y = UTM.transform @ (5.5, 5.5)
    shapes = [Point(x, y), Point(x + 1, y), LineString([(x, y), (x + 30, y)]), place(5, 5, 2, 2)]
    output = drawn(tmp_path / "out", {"like": "r", "operation": "count"}, layer(tmp_path / "l.parquet", shapes), like(tmp_path / "r.tif"))
    made = written(tmp_path / "out", output)
    assert made[5, 5:10].tolist() == [4, 2, 1, 1, 0]
    assert fact(output, "max") == 4
    assert fact(output, "mean") == pytest.approx(made.sum() / 600)


def test_without_a_raster_to_follow_the_grid_has_whole_multiples_of_the_pixel_size(tmp_path: Path) -> None:
    source = layer(tmp_path / "l.parquet", [place(0.5, 0.5, 10, 10)], n=[1.5])
    output = drawn(tmp_path / "out", {"resolution": 25, "operation": "value", "column": "n"}, source)
    grid = raster_info(raster(tmp_path / "out" / output.files[0])).grid
    assert tuple(grid.boundingbox) == (500_000, 4_999_875, 500_125, 5_000_000)
    assert (fact(output, "width"), fact(output, "resolution")) == (5, 25)
    in_degrees = layer(tmp_path / "d.parquet", [box(2, 50, 2.5, 50.25)], crs=4326, n=[1])
    output = drawn(tmp_path / "out2", {"resolution": 1000, "crs": "EPSG:3035", "operation": "value", "column": "n"}, in_degrees)
    info = raster_info(raster(tmp_path / "out2" / output.files[0]))
    assert info.crs.to_epsg() == 3035
    assert (info.transform.c % 1000, info.transform.f % 1000) == (0, 0)
    assert output.method["transformations"][0]["input"] == "layer"


def test_numbers_keep_every_digit(tmp_path: Path) -> None:
    values = [123_456.789, 0.1]
    source = layer(tmp_path / "l.parquet", [place(0, 0, 1, 1), place(1, 0, 1, 1)], n=values)
    output = drawn(tmp_path / "out", {"like": "r", "operation": "value", "column": "n"}, source, like(tmp_path / "r.tif"))
    assert written(tmp_path / "out", output)[0, :2].tolist() == values


def test_a_layer_is_drawn_where_a_grid_of_0_to_360_degrees_has_it(tmp_path: Path) -> None:
    grid = GeoBox((4, 8), Affine(45, 0, 0, 0, -45, 90), "EPSG:4326")
    source = layer(tmp_path / "l.parquet", [box(-90, 0, -45, 45), LineString([(-130, 10), (-100, 10)]), Point(10, 10)], crs=4326)
    output = drawn(tmp_path / "out", {"like": "r", "operation": "count"}, source, like(tmp_path / "r.tif", grid))
    assert written(tmp_path / "out", output)[1].tolist() == [1, 0, 0, 0, 0, 1, 1, 0]


def test_what_cannot_be_drawn_is_refused_or_told(tmp_path: Path) -> None:
    source, grid = layer(tmp_path / "l.parquet", [Point(UTM.transform @ (1, 1))], kind=["a"]), like(tmp_path / "r.tif")
    with pytest.raises(ParameterError, match="holds no numbers"):
        drawn(tmp_path / "out", {"like": "r", "operation": "value", "column": "kind"}, source, grid)
    with pytest.raises(ParameterError, match="cover no share"):
        drawn(tmp_path / "out", {"like": "r", "operation": "coverage"}, source, grid)
    with pytest.raises(LimitError, match="more than the limit"):
        drawn(tmp_path / "out", {"resolution": 1e-3, "operation": "count"}, layer(tmp_path / "b.parquet", [place(0, 0, 9, 9)]))
    far = layer(tmp_path / "far.parquet", [box(100, -10, 101, -9)], crs=4326)
    assert drawn(tmp_path / "out", {"like": "r", "operation": "coverage"}, far, grid).outcome is Outcome.NO_COVERAGE
