"""Zonal statistics of single zones and whole rasters: numbers computed in the head, by numpy, or pixel by pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pyproj import Geod
from shapely.geometry import box

from tools.contract import Declared, Outcome
from zonal_calls import BOUNDS, COUNT, UTM, at, number, zonal


@pytest.fixture
def counting(make_raster):
    return make_raster(COUNT, crs=UTM, bounds=BOUNDS)


def test_a_pixel_counts_by_the_share_that_a_zone_covers(counting, make_layer) -> None:
    # All of pixel 5, half of 6 and of 9, a quarter of 10: (5 + 3 + 4.5 + 2.5) / 2.25.
    zones = make_layer([at(10, 15, 25, 30)], crs=UTM)
    output = zonal(counting, zones, statistics=["mean", "sum", "min", "max", "range", "variety"])
    assert number(output, "mean", zone="fid 0") == pytest.approx(15 / 2.25, rel=1e-7)
    assert number(output, "sum", zone="fid 0") == pytest.approx(15, rel=1e-7)
    assert [number(output, name, zone="fid 0") for name in ("min", "max", "range", "variety")] == [5, 10, 5, 4]
    assert output.outcome is Outcome.VALUE
    assert output.method["weighting"] == "coverage fraction"


def test_a_zone_inside_one_pixel_has_its_value(counting, make_layer) -> None:
    zones = make_layer([at(12, 12, 13, 13)], crs=UTM)
    output = zonal(counting, zones, statistics=["mean", "median", "std"])
    assert [number(output, name, zone="fid 0") for name in ("mean", "median", "std")] == [9, 9, 0]
    assert number(output, "valid_area", zone="fid 0") == pytest.approx(1 / 0.9996**2, rel=1e-6)


def test_without_zones_the_whole_raster_counts(counting) -> None:
    output = zonal(counting, statistics=["mean", "median", "p25", "std", "sum"])
    for name, expected in [("mean", 7.5), ("median", 7.5), ("p25", np.quantile(COUNT, 0.25)), ("std", COUNT.std()), ("sum", 120)]:
        assert number(output, name) == pytest.approx(expected, rel=1e-6)
    assert number(output, "valid_share") == 100
    assert number(output, "zone_area") == pytest.approx(1600 / 0.9996**2, rel=1e-6)
    assert (output.kind, output.files) == ("text", ())


def test_one_pixel_is_a_raster(make_raster) -> None:
    output = zonal(make_raster(np.array([[7.0]]), crs=UTM, bounds=BOUNDS), statistics=["mean", "median", "std", "majority"])
    assert [number(output, name) for name in ("mean", "median", "std", "majority")] == [7, 7, 0, 7]


def test_percentiles_of_whole_pixels_are_those_of_numpy(make_raster, make_layer) -> None:
    values = np.random.default_rng(3).integers(0, 40, (30, 30)).astype("int16")
    raster = make_raster(values, crs=UTM, bounds=(500_000, 5_000_000, 500_300, 5_000_300))
    names = ["p5", "p10", "p25", "median", "p75", "p90", "p95"]
    output = zonal(raster, make_layer([at(100, 0, 300, 200)], crs=UTM), statistics=names)
    quantiles = np.quantile(values[10:, 10:], [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])
    assert [number(output, name, zone="fid 0") for name in names] == pytest.approx(quantiles, abs=1e-9)


def test_nodata_and_nan_do_not_count_and_the_valid_share_says_so(make_raster, make_layer) -> None:
    values = COUNT.copy()
    values[0, 0], values[0, 1] = -99, np.nan
    raster = make_raster(values, crs=UTM, bounds=BOUNDS, nodata=-99)
    output = zonal(raster, make_layer([at(0, 20, 40, 40)], crs=UTM), statistics=["mean"])
    assert number(output, "mean", zone="fid 0") == pytest.approx((2 + 3 + 4 + 5 + 6 + 7) / 6)
    assert number(output, "valid_share", zone="fid 0") == pytest.approx(75)
    assert number(output, "valid_area", zone="fid 0") == pytest.approx(600 / 0.9996**2, rel=1e-6)


def test_declared_scale_offset_and_nodata_are_applied(make_raster, make_layer) -> None:
    raster = make_raster(np.array([[10, 20], [30, 255]], dtype="uint8"), crs=UTM, bounds=BOUNDS)
    declared = Declared(scale=0.1, offset=-1.0, nodata=255, unit="degC", kind="continuous")
    output = zonal(raster, declared=declared, statistics=["mean", "range"])
    facts = {fact.name: fact for fact in output.facts}
    assert facts["mean"].value == pytest.approx((0 + 1 + 2) / 3)
    assert (facts["mean"].unit, facts["range"].unit) == ("degC", "K")
    assert facts["valid_share"].value == pytest.approx(75)
    assert output.warnings == ()


def test_sums_of_small_integers_do_not_overflow(make_raster) -> None:
    raster = make_raster(np.full((50, 50), 250, dtype="uint8"), crs=UTM, bounds=BOUNDS)
    assert number(zonal(raster, statistics=["sum"]), "sum") == 250 * 2500


def test_the_chosen_band_is_measured(make_raster) -> None:
    raster = make_raster(np.stack([COUNT, COUNT + 100]), crs=UTM, bounds=BOUNDS)
    assert number(zonal(raster, band=2, statistics=["mean"]), "mean") == 107.5


def test_where_pixel_area_varies_values_are_weighted_by_it(make_raster, make_layer) -> None:
    rows = np.repeat(np.arange(60.0)[:, None], 2, axis=1).astype("float32")
    raster = make_raster(rows, crs="EPSG:4326", bounds=(10, 20, 12, 80))
    output = zonal(raster, make_layer([box(10, 20, 12, 80)], crs="EPSG:4326"), statistics=["mean", "median", "std", "sum"])
    geod = Geod(ellps="WGS84")
    lon = np.concatenate([np.linspace(10, 11, 200), np.linspace(11, 10, 200)])
    area = np.array([abs(geod.polygon_area_perimeter(lon, np.repeat([79 - row, 80 - row], 200))[0]) for row in range(60)])
    values = np.arange(60)
    mean = np.average(values, weights=area)
    assert number(output, "mean", zone="fid 0") == pytest.approx(mean, rel=1e-6)
    assert number(output, "std", zone="fid 0") == pytest.approx(math.sqrt(np.average((values - mean) ** 2, weights=area)), rel=1e-6)
    half = np.searchsorted(np.cumsum(area), area.sum() / 2)
    assert number(output, "median", zone="fid 0") == pytest.approx(half, abs=1)
    assert abs(mean - 29.5) > 5
    assert number(output, "sum", zone="fid 0") == 2 * values.sum()  # by coverage only
    assert output.method["weighting"] == "coverage fraction x true pixel area"


def test_the_commonest_class_is_told_with_its_label(make_raster, make_layer) -> None:
    raster = make_raster(np.array([[1, 1], [1, 2]], dtype="uint8"), crs=UTM, bounds=BOUNDS)
    declared = Declared(kind="categorical", classes={"1": "water", "2": "forest"})
    output = zonal(raster, make_layer([at(0, 0, 40, 40)], crs=UTM), declared=declared, statistics=["majority", "minority", "variety"])
    assert number(output, "majority", zone="fid 0", class_="water") == 1
    assert number(output, "minority", zone="fid 0", class_="forest") == 2
    assert number(output, "variety", zone="fid 0") == 2
