"""Reproject: places stay where they are, classes stay classes, nodata stays nodata, limits are named."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from pyproj import Transformer
from shapely.geometry import Point, box

from tools.contract import Source, ToolContext, ToolOutput
from tools.errors import LimitError, ParameterError
from tools.raster.reproject import ReprojectParams, resolve, run
from tools.storage.rasters import raster_info, read_band
from tools.storage.vectors import read_layer


def reproject(folder: Path, source: Source, **params: object) -> tuple[ToolOutput, Source]:
    known = {source.ref: source}
    output = run(resolve(ReprojectParams(source=source.ref, **params), known), ToolContext(folder, known))  # type: ignore[arg-type]
    return output, Source("made", "raster" if output.kind == "raster" else "vector", folder / output.files[0], "x")


def raster(path: Path, **more: object) -> Source:
    return Source("r", "raster", path, "x", **more)  # type: ignore[arg-type]


def test_a_value_lies_at_the_same_place_in_the_new_crs(tmp_path: Path, make_raster) -> None:
    values = np.arange(100, dtype="float32").reshape(10, 10)
    path = make_raster(values, crs="EPSG:32632", bounds=(500000, 5400000, 510000, 5410000))
    _, made = reproject(tmp_path, raster(path), crs="EPSG:4326", resampling="nearest", resolution=0.001)
    info, array = raster_info(made, 1), read_band(made, 1)
    to_lonlat = Transformer.from_crs(32632, 4326, always_xy=True)
    for row in range(10):
        for col in range(10):
            lon, lat = to_lonlat.transform(500500 + 1000 * col, 5409500 - 1000 * row)
            x, y = ~info.transform @ (lon, lat)
            assert array[int(y), int(x)] == values[row, col]


def test_nodata_and_the_outside_stay_invalid_and_every_band_is_kept(tmp_path: Path, make_raster) -> None:
    values = np.full((2, 20, 20), 7, "uint8")
    values[:, :10] = 0
    path = make_raster(values, crs="EPSG:32632", bounds=(500000, 5400000, 502000, 5402000), nodata=0)
    output, made = reproject(tmp_path, raster(path), crs="EPSG:3857")
    assert raster_info(made, 1).count == 2
    for band in (1, 2):
        assert set(read_band(made, band).compressed().tolist()) == {7}
    (valid,) = [fact.value for fact in output.facts if fact.name == "valid_share"]
    assert valid == pytest.approx(50, abs=5)


@pytest.mark.parametrize("way", ["average", "bilinear", "cubic"])
def test_nodata_of_one_band_never_enters_its_values_where_other_bands_have_data(tmp_path: Path, make_raster, way: str) -> None:
    values = np.full((2, 8, 8), 100, "int16")
    values[0, :, :4] = -999
    path = make_raster(values, crs="EPSG:32632", bounds=(500000, 5400000, 500080, 5400080), nodata=-999)
    like = make_raster(np.zeros((3, 3), "uint8"), crs="EPSG:32632", bounds=(500000, 5400005, 500075, 5400080), name="like.tif")
    known = {"r": raster(path), "g": Source("g", "raster", like, "y")}
    params = resolve(ReprojectParams(source="r", like="g", resampling=way), known)  # type: ignore[arg-type]
    run(params, ToolContext(tmp_path, known))
    made = raster(tmp_path / "reprojected.tif")
    assert set(read_band(made, 1).compressed().tolist()) == {100}
    assert read_band(made, 1).mask[:, 0].all()
    assert read_band(made, 2).tolist() == [[100] * 3] * 3


def test_a_raster_that_uses_every_value_but_one_gets_that_one_as_nodata(tmp_path: Path, make_raster) -> None:
    values = np.array([*range(200), *range(201, 256), 0], "uint8").reshape(16, 16)
    path = make_raster(values, crs="EPSG:32632", bounds=(500000, 5400000, 501600, 5401600))
    _, made = reproject(tmp_path, raster(path), crs="EPSG:3857", resampling="nearest")
    assert raster_info(made, 1).nodata == 200


@pytest.mark.parametrize(("asked", "fails"), [("auto", False), ("mode", False), ("bilinear", True), ("average", True)])
def test_classes_are_never_mixed(tmp_path: Path, make_raster, asked: str, fails: bool) -> None:
    from tools.contract import Declared

    path = make_raster(np.array([[1, 5], [5, 1]], "uint8"), crs="EPSG:32632", bounds=(500000, 5400000, 500200, 5400200))
    source = raster(path, declared=Declared(kind="categorical", classes={"1": "water", "5": "forest"}))
    if fails:
        with pytest.raises(ParameterError, match="classes"):
            reproject(tmp_path, source, crs="EPSG:3857", resampling=asked)
        return
    _, made = reproject(tmp_path, source, crs="EPSG:3857", resampling=asked)
    assert set(read_band(made, 1).compressed().tolist()) <= {1, 5}
    assert raster_info(made, 1).classes == {"1": "water", "5": "forest"}


def test_pixel_size_is_settled_before_the_key_is_made(make_raster) -> None:
    path = make_raster(np.zeros((10, 10), "float32"), crs="EPSG:32632", bounds=(500000, 5400000, 501000, 5401000))
    settled = resolve(ReprojectParams(source="r", crs="EPSG:25832"), {"r": raster(path)})
    assert settled.resolution == pytest.approx(100, rel=1e-3)
    assert settled.resampling == "bilinear"


def test_a_rotated_raster_is_kept_whole(tmp_path: Path, make_raster) -> None:
    from affine import Affine

    transform = Affine.translation(500000, 5400000) @ Affine.rotation(30) @ Affine.scale(100, -100)
    path = make_raster(np.ones((10, 10), "float32"), crs="EPSG:32632", bounds=None, transform=transform)
    _, made = reproject(tmp_path, raster(path), crs="EPSG:32632", resampling="nearest")
    info = raster_info(made, 1)
    covered = read_band(made, 1).count() * abs(info.transform.determinant)
    assert covered == pytest.approx(10 * 10 * 100 * 100, rel=0.05)


def test_too_many_pixels_are_refused_with_the_limit(tmp_path: Path, make_raster) -> None:
    path = make_raster(np.zeros((10, 10), "float32"), crs="EPSG:32632", bounds=(500000, 5400000, 501000, 5401000))
    with pytest.raises(LimitError, match="TERRACITE_MAX_OUTPUT_PIXELS"):
        reproject(tmp_path, raster(path), crs="EPSG:32632", resolution=0.01)


def test_a_layer_keeps_attributes_and_moves_its_points(tmp_path: Path) -> None:
    gpd.GeoDataFrame({"name": ["a"]}, geometry=[Point(9, 50)], crs=4326).to_file(tmp_path / "p.gpkg")
    output, made = reproject(tmp_path, Source("v", "vector", tmp_path / "p.gpkg", "x"), crs="EPSG:32632")
    frame = read_layer(made)
    assert frame["name"].tolist() == ["a"]
    assert (frame.geometry[0].x, frame.geometry[0].y) == pytest.approx(Transformer.from_crs(4326, 32632, always_xy=True).transform(9, 50))
    assert [fact.value for fact in output.facts] == [1]


def test_pixels_are_not_asked_of_a_layer(tmp_path: Path) -> None:
    gpd.GeoDataFrame(geometry=[box(9, 50, 10, 51)], crs=4326).to_file(tmp_path / "p.gpkg")
    with pytest.raises(ParameterError, match="no pixels"):
        reproject(tmp_path, Source("v", "vector", tmp_path / "p.gpkg", "x"), crs="EPSG:32632", resolution=10)


def test_a_raster_comes_onto_the_very_grid_of_another(tmp_path: Path, make_raster) -> None:
    values = np.arange(400, dtype="float32").reshape(20, 20)
    moved = raster(make_raster(values, crs="EPSG:32632", bounds=(500000, 5400000, 510000, 5410000), name="a.tif"))
    other = make_raster(np.zeros((7, 9), "uint8"), crs="EPSG:3857", bounds=(1_001_000, 6_226_000, 1_016_000, 6_238_000), name="b.tif")
    like = Source("like", "raster", other, "x")
    known = {"r": moved, "like": like}
    output = run(resolve(ReprojectParams(source="r", like="like"), known), ToolContext(tmp_path, known))
    assert raster_info(Source("m", "raster", tmp_path / output.files[0], "x")).grid == raster_info(like).grid


def test_bands_of_classes_beside_measured_ones_keep_name_labels_and_codes(tmp_path: Path) -> None:
    from affine import Affine
    from odc.geo.geobox import GeoBox

    from raster_calls import stack

    grid = GeoBox((20, 20), Affine(500, 0, 500_000, 0, -500, 5_410_000), "EPSG:32632")
    red = np.ma.MaskedArray(np.linspace(0, 1, 400).reshape(20, 20))
    scl = np.ma.MaskedArray(np.where(np.arange(400).reshape(20, 20) % 2, 4, 9).astype("uint8"))
    source = stack(tmp_path / "s.tif", {"red": red, "scl": scl}, grid, scl={4: "vegetation", 9: "cloud"})
    output, made = reproject(tmp_path, source, crs="EPSG:3857")
    infos = [raster_info(made, band) for band in (1, 2)]
    assert [(info.name, info.value_kind) for info in infos] == [("red", "continuous"), ("scl", "categorical")]
    assert infos[1].classes == {"4": "vegetation", "9": "cloud"}
    assert set(read_band(made, 2).compressed().tolist()) == {4, 9}
    assert output.method["resampling"] == ["bilinear", "nearest"]


@pytest.mark.parametrize("target", [{}, {"crs": "EPSG:3857", "like": "r"}, {"like": "r", "resolution": 10.0}])
def test_the_target_is_a_crs_or_another_raster(target) -> None:
    with pytest.raises(ValueError, match=r"either 'crs' or 'like'|leave 'resolution' out"):
        ReprojectParams(source="r", **target)
