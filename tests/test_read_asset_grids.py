"""read_asset on awkward grids: rotated, south-up, in other zones, smaller than a pixel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import CRS, Transformer
from rasterio.enums import Resampling
from rasterio.transform import from_origin
from rasterio.warp import reproject
from shapely import box

from conftest import MakeLayer, MakeRaster
from tools.catalog.datasets import Datasets
from tools.contract import Outcome
from tools.errors import ParameterError
from tools.geo.read_grid import Region, read_grid
from tools.runner import Runner
from tools.workspace import Workspace

UTM = "EPSG:32631"
COUNT = np.arange(1, 1601, dtype="float32").reshape(40, 40)


class Rasters:
    """Registered rasters, read by their ids."""

    def __init__(self, workspace: Workspace) -> None:
        self.catalog = Datasets(workspace)
        self.runner = Runner(workspace, self.catalog)

    def read(self, *paths: Path, **params: object) -> Any:
        ids = [self.catalog.add(path).records[0].id for path in paths]
        return self.runner.run("read_asset", {"assets": ids, **params})


@pytest.fixture
def rasters(workspace: Workspace) -> Rasters:
    return Rasters(workspace)


def grid_of(result: Any) -> tuple[Affine, tuple[int, int]]:
    with rasterio.open(result.artifact.main_file) as dataset:
        return dataset.transform, dataset.shape


def values_of(result: Any, band: int = 1) -> np.ndarray:
    with rasterio.open(result.artifact.main_file) as dataset:
        return dataset.read(band)


GRIDS = {
    "north-up": from_origin(500_000, 5_000_000, 10, 10),
    "south-up": Affine(10, 0, 500_000, 0, 10, 4_999_600),
    "rotated": Affine.translation(500_000, 5_000_000) @ Affine.rotation(30) @ Affine.scale(10, -10),
    "oblong": from_origin(500_000, 5_000_000, 10, 30),
}


@pytest.mark.parametrize("transform", GRIDS.values(), ids=GRIDS)
def test_a_raster_on_its_own_grid_is_copied_pixel_by_pixel(transform: Affine, rasters: Rasters, make_raster: MakeRaster) -> None:
    result = rasters.read(make_raster(COUNT, crs=UTM, transform=transform))
    assert grid_of(result)[0].almost_equals(transform, 1e-6)
    np.testing.assert_array_equal(values_of(result), COUNT)


@pytest.mark.parametrize("transform", GRIDS.values(), ids=GRIDS)
def test_a_box_around_one_pixel_reads_that_pixel(transform: Affine, rasters: Rasters, make_raster: MakeRaster) -> None:
    to_degrees = Transformer.from_crs(UTM, "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(*(transform @ (25.5, 10.5)))
    result = rasters.read(make_raster(COUNT, crs=UTM, transform=transform), bbox=[lon - 1e-6, lat - 1e-6, lon + 1e-6, lat + 1e-6])
    np.testing.assert_array_equal(values_of(result), [[10 * 40 + 25 + 1]])


def test_the_name_of_a_raster_shows_nowhere_in_the_result(rasters: Rasters, make_raster: MakeRaster) -> None:
    first = rasters.read(make_raster(COUNT, crs=UTM, name="one.tif"))
    second = rasters.read(make_raster(COUNT, crs=UTM, name="two.tif"))
    assert second.cache == "hit"
    with rasterio.open(first.artifact.main_file) as dataset:
        assert dataset.descriptions == ("band_1",)


def test_a_coarser_resolution_averages_whole_pixels(rasters: Rasters, make_raster: MakeRaster) -> None:
    result = rasters.read(make_raster(COUNT, crs=UTM, transform=GRIDS["south-up"]), resolution=40.0)
    np.testing.assert_allclose(values_of(result), COUNT.reshape(10, 4, 10, 4).mean(axis=(1, 3)))


def test_rasters_of_two_zones_are_read_onto_one_grid(rasters: Rasters, make_raster: MakeRaster) -> None:
    """Both hold the latitude of their pixels, so that on any grid they must agree where both are."""

    def latitude(crs: str, left: float, name: str) -> Path:
        x, y = np.meshgrid(left + 100 * np.arange(40) + 50, 5_000_000 - 100 * np.arange(40) - 50)
        _, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
        return make_raster(lat.astype("float64"), crs=crs, transform=from_origin(left, 5_000_000, 100, 100), name=name)

    lon, lat = Transformer.from_crs("EPSG:32632", "EPSG:32631", always_xy=True).transform(264_000, 5_000_000)
    left = round(lon, -2) - 1000
    assert abs(lat - 5_000_000) < 2000
    result = rasters.read(latitude("EPSG:32632", 264_000, "east.tif"), latitude("EPSG:32631", left, "west.tif"))
    east, west = values_of(result, 1), values_of(result, 2)
    both = np.isfinite(east) & np.isfinite(west)
    assert both.sum() > 200
    metres = np.abs(east - west)[both] * 111_000
    assert np.percentile(metres, 90) < 3  # of pixels of 100 m; at the edges there is less to interpolate from
    assert result.artifact.method["bands"][1]["resampling"] == "bilinear"


@pytest.mark.parametrize(("crs", "left"), [(UTM, 510_000), ("EPSG:32633", 500_000), ("EPSG:32660", 500_000)])
def test_a_raster_that_does_not_reach_the_place_is_nodata_and_named(
    crs: str, left: float, rasters: Rasters, make_raster: MakeRaster
) -> None:
    here = make_raster(COUNT, crs=UTM, transform=GRIDS["north-up"], name="here.tif")
    there = make_raster(COUNT, crs=crs, transform=from_origin(left, 5_000_000, 10, 10), name="there.tif")
    lon, lat = Transformer.from_crs(UTM, "EPSG:4326", always_xy=True).transform(500_200, 4_999_800)
    result = rasters.read(here, there, bbox=[lon - 1e-4, lat - 1e-4, lon + 1e-4, lat + 1e-4])
    assert [fact.value for fact in result.artifact.facts] == [100.0, 0.0]
    assert result.artifact.warnings == ("The file of band_1_2 does not reach the place.",)


def test_features_smaller_than_a_pixel_take_the_pixels_they_touch(rasters: Rasters, make_raster: MakeRaster, make_layer: MakeLayer) -> None:
    x, y = GRIDS["north-up"] @ (3.1, 5.1)
    layer = rasters.catalog.add(make_layer([box(x, y - 1, x + 1, y)], crs=UTM)).records[0].id
    result = rasters.read(make_raster(COUNT, crs=UTM, transform=GRIDS["north-up"]), area=layer)
    np.testing.assert_array_equal(values_of(result), [[5 * 40 + 3 + 1]])


def test_features_outside_are_no_coverage(rasters: Rasters, make_raster: MakeRaster, make_layer: MakeLayer) -> None:
    layer = rasters.catalog.add(make_layer([box(10, 10, 11, 11)])).records[0].id
    assert rasters.read(make_raster(COUNT, crs=UTM), area=layer).artifact.outcome is Outcome.NO_COVERAGE


@pytest.mark.parametrize(
    "params",
    [
        {"bbox": [3.0, 45.0, 2.0, 44.0]},
        {"bbox": [3.0, 44.0, 3.0, 45.0]},
        {"bbox": [3.0, 44.0, 200.0, 45.0]},
        {"resolution": 0},
        {"area_where": {"conditions": [{"column": "a", "op": "=", "value": 1}]}},
        {"resampling": "sum"},
    ],
)
def test_what_is_no_place_is_refused(params: dict[str, object], rasters: Rasters, make_raster: MakeRaster) -> None:
    with pytest.raises(ParameterError):
        rasters.read(make_raster(COUNT, crs=UTM), **params)


def test_of_equal_rasters_the_first_gives_the_grid() -> None:
    grids = [GeoBox((10, 10), from_origin(left, 5_000_000, 10, 10), UTM) for left in (500_005, 500_000)]
    found = read_grid(grids)
    assert found is not None
    assert found.base == 0
    assert found.grid.boundingbox.left == 499_995
    assert found.grid.shape == (10, 11)


def test_a_region_on_the_other_side_of_the_earth_is_outside() -> None:
    grid = GeoBox((10, 10), from_origin(500_000, 5_000_000, 10, 10), UTM)
    assert read_grid([grid], region=Region(box(-178, -45, -177, -44), CRS.from_epsg(4326))) is None


def test_the_share_that_is_covered_is_measured_on_the_ellipsoid() -> None:
    grid = GeoBox((100, 100), from_origin(2.0, 61.0, 0.01, 0.01), "EPSG:4326")
    found = read_grid([grid], region=Region(box(2.0, 59.0, 3.0, 61.0), CRS.from_epsg(4326)))
    assert found is not None
    north, south = (np.sin(np.radians(top)) - np.sin(np.radians(top - 1)) for top in (61, 60))
    assert found.covered_share == pytest.approx(north / (north + south), rel=1e-3)


@pytest.mark.parametrize(
    ("crs", "resampling"), [("EPSG:3857", "bilinear"), ("EPSG:3035", "cubic"), ("EPSG:4326", "nearest"), ("EPSG:32632", "average")]
)
def test_another_crs_agrees_with_warping_the_whole_array_at_once(
    crs: str, resampling: str, rasters: Rasters, make_raster: MakeRaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.storage.asset_reading.STRIP_PIXELS", 500)  # many strips
    y, x = np.mgrid[0:80, 0:80]
    values = (np.sin(x / 9) + np.cos(y / 7)).astype("float32")
    values[10:14, 20:30] = np.nan
    transform = GRIDS["north-up"]
    result = rasters.read(make_raster(values, crs=UTM, transform=transform, nodata=float("nan")), crs=crs, resampling=resampling)
    ours = values_of(result)
    expected = np.full_like(ours, np.nan)
    reproject(
        values, expected, src_transform=transform, src_crs=UTM, src_nodata=np.nan, dst_transform=grid_of(result)[0], dst_crs=crs,
        dst_nodata=np.nan, resampling=Resampling[resampling],
    )  # fmt: skip
    assert ours.shape[0] * ours.shape[1] > 5000
    assert (np.isnan(ours) != np.isnan(expected)).mean() < 0.01
    both = np.isfinite(ours) & np.isfinite(expected)
    # GDAL follows the transformation to an eighth of a pixel, strip by strip.
    assert np.abs(ours - expected)[both].max() < 0.3
    assert np.abs(ours - expected)[both].mean() < 0.005
