"""sample: the value of the pixel at a point, between pixel centres, or around; nodata and outside are told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy.ndimage import map_coordinates
from shapely.geometry import MultiPoint, Point, box

from raster_calls import call, fact, raster, stack
from tools.contract import Declared, Outcome, Source
from tools.errors import ParameterError

UTM = GeoBox((40, 50), Affine(30, 0, 500_000, 0, -30, 5_000_000), "EPSG:32631")
SURFACE = np.add.outer(np.arange(40.0), 0.01 * np.arange(50.0)) + np.random.default_rng(1).random((40, 50))


def points(path: Path, geometries: list[Any], crs: object = 32631, ref: str = "p", **columns: list[Any]) -> Source:
    names = columns or {"name": [f"P{n}" for n in range(len(geometries))]}
    gpd.GeoDataFrame(names, geometry=geometries, crs=crs).to_parquet(path)
    return Source(ref, "vector", path, f"xxh3:{ref}")


def sampled(folder: Path, params: dict[str, Any], *sources: Source) -> tuple[Any, gpd.GeoDataFrame]:
    output = call("sample", folder, {"raster": "r", "points": "p", **params}, *sources)
    return output, gpd.read_parquet(folder / output.files[0])


@pytest.mark.parametrize(
    "transform",
    [
        UTM.transform,
        Affine(30, 0, 500_000, 0, 30, 4_998_800),  # south up
        Affine.translation(500_000, 5_000_000) @ Affine.rotation(20) @ Affine.scale(30, -30),
    ],
    ids=["north up", "south up", "rotated"],
)
def test_the_nearest_pixel_is_that_which_holds_the_point(tmp_path: Path, transform: Affine) -> None:
    grid = GeoBox(UTM.shape, transform, UTM.crs)
    source = stack(tmp_path / "r.tif", {"height": np.ma.MaskedArray(SURFACE)}, grid)
    cols, rows = np.random.default_rng(0).uniform((0, 0), (50, 40), (200, 2)).T
    where = [Point(transform @ (col, row)) for col, row in zip(cols, rows, strict=True)]
    output, frame = sampled(tmp_path / "out", {}, source, points(tmp_path / "p.parquet", where))
    with rasterio.open(tmp_path / "r.tif") as dataset:
        expected = [float(value[0]) for value in dataset.sample([(point.x, point.y) for point in where])]
    np.testing.assert_array_equal(frame["value"], expected)
    assert fact(output, "value", feature="P7") == expected[7]
    assert fact(output, "mean") == pytest.approx(np.mean(expected))
    assert fact(output, "count", points="with a value") == 200


def test_bilinear_is_what_scipy_interpolates_between_pixel_centres(tmp_path: Path) -> None:
    source = stack(tmp_path / "r.tif", {"height": np.ma.MaskedArray(SURFACE)}, UTM)
    cols, rows = np.random.default_rng(0).uniform((0, 0), (50, 40), (300, 2)).T
    where = [Point(UTM.transform @ (col, row)) for col, row in zip(cols, rows, strict=True)]
    _, frame = sampled(tmp_path / "out", {"method": "bilinear"}, source, points(tmp_path / "p.parquet", where))
    expected = map_coordinates(SURFACE.astype("float32").astype(float), [rows - 0.5, cols - 0.5], order=1, mode="nearest")
    np.testing.assert_allclose(frame["value"], expected, rtol=1e-6)


def test_a_neighbour_without_data_does_not_pull_the_value_down(tmp_path: Path) -> None:
    hidden = np.ma.MaskedArray(np.full((40, 50), 7.0), mask=np.zeros((40, 50), bool))
    hidden[10, 11] = np.ma.masked
    source = stack(tmp_path / "r.tif", {"height": hidden}, UTM)
    beside, within = (Point(UTM.transform @ place) for place in ((10.9, 10.4), (11.1, 10.4)))
    output, frame = sampled(tmp_path / "out", {"method": "bilinear"}, source, points(tmp_path / "p.parquet", [beside, within]))
    assert frame["value"].iloc[0] == pytest.approx(7.0)
    assert frame["sampled"].tolist() == ["value", "nodata"]
    assert "1 on nodata" in output.warnings[0]


def test_the_mean_around_a_point_weighs_every_pixel_by_what_the_circle_covers(tmp_path: Path) -> None:
    source = stack(tmp_path / "r.tif", {"height": np.ma.MaskedArray(SURFACE)}, UTM)
    where = [Point(500_700, 4_999_400), Point(501_000, 4_999_100)]
    output, frame = sampled(tmp_path / "out", {"method": "mean", "radius_m": 100}, source, points(tmp_path / "p.parquet", where))
    cells = [box(*UTM.transform @ (col, row + 1), *UTM.transform @ (col + 1, row)) for row, col in np.ndindex(40, 50)]
    for place, value in zip(where, frame["value"], strict=True):
        weight = shapely.area(shapely.intersection(place.buffer(100, quad_segs=256), cells))
        assert value == pytest.approx(np.average(SURFACE.ravel(), weights=weight), rel=1e-4)
    assert output.method["radius_m" if "radius_m" in output.method else "distance_m"] == 100


def test_nodata_outside_and_missing_points_are_three_different_things(tmp_path: Path) -> None:
    surface = np.ma.MaskedArray(SURFACE, mask=np.zeros((40, 50), bool))
    surface[0, 0] = np.ma.masked
    source = stack(tmp_path / "r.tif", {"height": surface}, UTM)
    lonlat = gpd.GeoSeries([Point(500_015, 4_999_985), Point(500_100, 4_999_900)], crs=32631).to_crs(4326).tolist()
    layer = points(tmp_path / "p.parquet", [*lonlat, Point(0, -40), Point(100, 40), None], crs=4326)
    output, frame = sampled(tmp_path / "out", {}, source, layer)
    assert frame["sampled"].tolist() == ["nodata", "value", "outside", "outside", "no geometry"]
    assert frame["value"].notna().tolist() == [False, True, False, False, False]
    assert [fact(output, "count", points=why) for why in ("nodata", "outside", "no geometry", "with a value")] == [1, 2, 1, 1]
    assert output.method["transformations"][0]["input"] == "layer"
    nowhere = points(tmp_path / "q.parquet", [Point(0, -40)], crs=4326, ref="q")
    output, _ = sampled(tmp_path / "out2", {"points": "q"}, source, nowhere)
    assert output.outcome is Outcome.NO_COVERAGE
    assert not [each for each in output.facts if each.name == "mean"]


def test_longitudes_are_turned_to_where_the_raster_lies(tmp_path: Path) -> None:
    grid = GeoBox((2, 4), Affine(90, 0, 0, 0, -90, 90), "EPSG:4326")  # 0 … 360 degrees
    source = stack(tmp_path / "r.tif", {"v": np.ma.MaskedArray(np.arange(8.0).reshape(2, 4))}, grid)
    layer = points(tmp_path / "p.parquet", [Point(-80, 10), Point(10, 10), Point(-170, -10)], crs=4326)
    _, frame = sampled(tmp_path / "out", {}, source, layer)
    assert frame["value"].tolist() == [3, 0, 6]


def test_classes_are_named_and_counted_and_never_averaged(tmp_path: Path) -> None:
    cover = np.ma.MaskedArray(np.tile(np.array([1, 2], "uint8"), (40, 25)), mask=False)
    source = stack(tmp_path / "r.tif", {"cover": cover}, UTM, cover={1: "forest", 2: "water"})
    layer = points(tmp_path / "p.parquet", [Point(UTM.transform @ (col + 0.5, 3)) for col in (0, 1, 3)])
    output, frame = sampled(tmp_path / "out", {}, source, layer)
    assert frame["value class"].tolist() == ["forest", "water", "water"]
    assert (fact(output, "count", **{"class": "water"}), fact(output, "count", **{"class": "forest"})) == (2, 1)
    assert not [each for each in output.facts if each.name in ("mean", "value")]
    assert output.data["rows"][0]["value"] == "forest"
    with pytest.raises(ParameterError, match="holds classes"):
        sampled(tmp_path / "out", {"method": "bilinear"}, source, layer)


def test_scale_offset_and_unit_of_the_band_are_those_of_the_values(tmp_path: Path, make_raster: Any) -> None:
    path = make_raster(np.array([[100, 200], [300, -1]], "int16"), nodata=-1)
    source = Source("r", "raster", path, "xxh3:0", declared=Declared(scale=0.5, offset=10, unit="m"))
    layer = points(tmp_path / "p.parquet", [Point(75, 75), Point(75, 25)])
    output, frame = sampled(tmp_path / "out", {}, source, layer)
    assert frame["value"].iloc[0] == 110
    assert [(each.value, each.unit) for each in output.facts if each.name == "value"] == [(110.0, "m")]


def test_columns_of_the_points_are_kept_and_several_bands_go_by_their_names(tmp_path: Path) -> None:
    bands = {"red": np.ma.MaskedArray(SURFACE), "nir": np.ma.MaskedArray(SURFACE * 2)}
    source = stack(tmp_path / "r.tif", bands, UTM)
    layer = points(tmp_path / "p.parquet", [MultiPoint([(500_015, 4_999_985)])], name=["A"], red=["mine"], beds=[12])
    output, frame = sampled(tmp_path / "out", {}, source, layer)
    assert (frame["red"].tolist(), frame["beds"].tolist()) == (["mine"], [12])
    assert frame["nir"].iloc[0] == pytest.approx(2 * frame["@red"].iloc[0])
    assert fact(output, "value", feature="A", band="nir") == pytest.approx(2 * fact(output, "value", feature="A", band="red"))


def test_polygons_are_refused_with_what_to_use_instead(tmp_path: Path) -> None:
    source = stack(tmp_path / "r.tif", {"v": np.ma.MaskedArray(SURFACE)}, UTM)
    with pytest.raises(ParameterError, match="no single points") as refused:
        sampled(tmp_path / "out", {}, source, points(tmp_path / "p.parquet", [box(500_000, 4_999_000, 500_100, 4_999_100)]))
    assert "zonal_stats" in refused.value.hint


@pytest.mark.realdata
def test_elevations_of_real_points_are_those_that_rasterio_reads(tmp_path: Path, shared_data: Path) -> None:
    elevation = next((shared_data / "rasters").glob("zion_srtm*.tif"))
    layer = Source("p", "vector", shared_data / "vectors" / "zion_points.gpkg", "xxh3:p")
    output, frame = sampled(tmp_path, {}, raster(elevation), layer)
    with rasterio.open(elevation) as dataset:
        there = gpd.read_file(layer.path).to_crs(dataset.crs)
        expected = [float(value[0]) for value in dataset.sample(zip(there.geometry.x, there.geometry.y, strict=True))]
    np.testing.assert_array_equal(frame["value"], expected)
    assert fact(output, "max") == max(expected)
