"""Zones and rasters on the ground: other CRSs, slanted and south-up grids, the antimeridian, zones partly or wholly outside."""

from __future__ import annotations

import geopandas
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box

from tools.contract import Outcome
from zonal_calls import BOUNDS, COUNT, UTM, at, has, number, zonal


@pytest.fixture
def counting(make_raster):
    return make_raster(COUNT, crs=UTM, bounds=BOUNDS)


def test_a_south_up_raster_gives_the_same_numbers(make_raster, make_layer) -> None:
    from affine import Affine

    zones = make_layer([at(3, 3, 17, 38)], crs=UTM)
    north = make_raster(COUNT, crs=UTM, bounds=BOUNDS, name="north.tif")
    south = make_raster(COUNT[::-1], crs=UTM, transform=Affine(10, 0, 500_000, 0, 10, 5_000_000), name="south.tif")
    names = ["mean", "median", "std"]
    one, other = (zonal(raster, zones, statistics=names) for raster in (north, south))
    numbers = [[number(output, name, zone="fid 0") for name in names] for output in (one, other)]
    assert numbers[0] == pytest.approx(numbers[1], rel=1e-12)


def test_a_rotated_raster_is_measured_by_its_slanted_pixels(make_raster, make_layer) -> None:
    from affine import Affine

    transform = Affine.translation(500_000, 5_000_000) * Affine.rotation(30) * Affine.scale(10, -10)
    zone = at(5, -20, 33, 4)
    output = zonal(make_raster(COUNT, crs=UTM, transform=transform), make_layer([zone], crs=UTM), statistics=["mean"])
    weights = np.zeros((4, 4))
    for row, col in np.ndindex(4, 4):
        corners = [transform * corner for corner in ((col, row), (col + 1, row), (col + 1, row + 1), (col, row + 1))]
        weights[row, col] = Polygon(corners).intersection(zone).area
    assert number(output, "mean", zone="fid 0") == pytest.approx(np.average(COUNT, weights=weights), rel=1e-6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8)
@given(
    st.lists(st.tuples(st.floats(-5, 45), st.floats(-5, 45)).filter(lambda ends: abs(ends[0] - ends[1]) > 0.01), min_size=2, max_size=2),
)
def test_the_mean_of_any_box_is_that_of_its_overlap_with_every_pixel(counting, make_layer, sides) -> None:
    (left, right), (bottom, top) = sorted(sides[0]), sorted(sides[1])
    edges = np.arange(0, 50, 10)
    across = np.clip(np.minimum(edges[1:], right) - np.maximum(edges[:-1], left), 0, None)
    down = np.clip(np.minimum(edges[1:], top) - np.maximum(edges[:-1], bottom), 0, None)[::-1]
    weights = np.outer(down, across)
    output = zonal(counting, make_layer([at(left, bottom, right, top)], crs=UTM), statistics=["mean"])
    if weights.sum() < 1e-6:
        assert not has(output, "mean") or weights.sum() > 0
        return
    assert number(output, "mean", zone="fid 0") == pytest.approx(np.average(COUNT, weights=weights), rel=1e-6, abs=1e-6)
    inside = 100 * weights.sum() / ((right - left) * (top - bottom))
    assert number(output, "valid_share", zone="fid 0") == pytest.approx(inside, rel=1e-3, abs=0.02)


def test_zones_in_another_crs_are_taken_to_the_rasters_with_their_edges(make_raster, make_layer) -> None:
    # A parallel is no straight line in UTM: 3 degrees wide, it bows by 1.1 km.
    row = np.repeat(np.arange(400.0)[:, None], 300, axis=1).astype("float32")
    raster = make_raster(row, crs=UTM, bounds=(300_000, 5_000_000, 600_000, 5_400_000))
    corners = [(7.5, 46.5), (9.9, 46.5), (9.9, 47.5), (7.5, 47.5)]
    lonlat = make_layer([Polygon(corners)], crs="EPSG:4326")
    output = zonal(raster, lonlat, statistics=["mean"])
    dense = geopandas.GeoSeries([Polygon(corners).segmentize(0.001)], crs=4326).to_crs(UTM)
    projected = zonal(raster, make_layer([dense.iloc[0]], crs=UTM, name="dense.gpkg"), statistics=["mean"])
    assert number(output, "mean", zone="fid 0") == pytest.approx(number(projected, "mean", zone="fid 0"), rel=1e-6)
    (record,) = output.method["transformations"]
    assert (record["from"], record["to"]) == ("WGS 84", "WGS 84 / UTM zone 32N")
    assert number(output, "valid_share", zone="fid 0") == 100


def test_a_zone_partly_outside_counts_its_inner_part_and_is_named(counting, make_layer) -> None:
    zones = make_layer([at(-20, 0, 20, 10)], crs=UTM, columns={"name": ["Edge"]})
    output = zonal(counting, zones, zone_column="name", statistics=["mean"])
    assert number(output, "mean", zone="Edge") == pytest.approx(12.5)
    assert number(output, "valid_share", zone="Edge") == pytest.approx(50, rel=1e-4)
    assert any("Partly outside" in warning and "Edge (50.00 % valid)" in warning for warning in output.warnings)


def test_a_far_part_of_a_zone_that_is_not_near_the_raster_counts_as_outside(counting, make_layer) -> None:
    far = MultiPolygon([box(9.0001, 45.1537, 9.0002, 45.1538), box(120, -30, 120.0001, -29.9999)])
    output = zonal(counting, make_layer([far], crs="EPSG:4326"), statistics=["mean"])
    assert number(output, "valid_share", zone="fid 0") < 60


def test_a_zone_outside_gets_no_number_and_is_named(counting, make_layer) -> None:
    zones = make_layer([at(0, 0, 10, 10), at(900, 0, 910, 10)], crs=UTM, columns={"name": ["In", "Out"]})
    output = zonal(counting, zones, zone_column="name", statistics=["mean"])
    assert {fact.subject["zone"] for fact in output.facts if fact.name != "pixel_size"} == {"In"}
    assert output.data["outside"] == ["Out"]
    assert any("Outside the raster" in warning and "Out" in warning for warning in output.warnings)


def test_where_all_zones_are_outside_there_is_no_coverage_and_no_statistic(counting, make_layer) -> None:
    output = zonal(counting, make_layer([box(-70, -30, -69, -29)], crs="EPSG:4326"), statistics=["mean"])
    assert output.outcome is Outcome.NO_COVERAGE
    assert [(fact.name, fact.value) for fact in output.facts] == [("valid_share", 0)]
    assert output.files == ()


def test_where_every_pixel_is_nodata_there_is_no_coverage(make_raster, make_layer) -> None:
    raster = make_raster(np.full((4, 4), -1, dtype="int16"), crs=UTM, bounds=BOUNDS, nodata=-1)
    for zones in (None, make_layer([at(0, 0, 10, 10)], crs=UTM)):
        output = zonal(raster, zones, statistics=["mean"])
        assert output.outcome is Outcome.NO_COVERAGE
        assert not has(output, "mean")


@pytest.mark.parametrize(("left", "zone"), [(170.0, box(-175, -5, -165, 5)), (-10.0, box(-5, -5, 5, 5)), (0.0, box(-20, -5, -10, 5))])
def test_longitudes_beyond_180_degrees_find_their_zones(make_raster, make_layer, left, zone) -> None:
    columns = np.repeat((left + 0.5 + np.arange(360.0))[None, :], 20, axis=0).astype("float32")
    raster = make_raster(columns, crs="EPSG:4326", bounds=(left, -10, left + 360, 10))
    output = zonal(raster, make_layer([zone], crs="EPSG:4326"), statistics=["mean"])
    middle = (zone.bounds[0] + zone.bounds[2]) / 2
    assert number(output, "mean", zone="fid 0") == pytest.approx(middle if middle >= left else middle + 360, abs=1e-4)
    assert number(output, "valid_share", zone="fid 0") == 100


def test_a_raster_across_the_antimeridian_meets_zones_on_both_sides(make_raster, make_layer) -> None:
    raster = make_raster(np.ones((40, 40), dtype="float32"), crs="EPSG:32660", bounds=(600_000, 5_600_000, 800_000, 5_800_000))
    sides = make_layer([box(179.5, 51, 180, 51.5), box(-180, 51, -179.5, 51.5)], crs="EPSG:4326", columns={"side": ["west", "east"]})
    output = zonal(raster, sides, zone_column="side", statistics=["mean"])
    assert [number(output, "valid_share", zone=side) for side in ("west", "east")] == [100, 100]
    west, east = (number(output, "valid_area", zone=side) for side in ("west", "east"))
    assert west == pytest.approx(east, rel=1e-4)


def test_a_raster_larger_than_a_block_is_measured_whole(make_raster, make_layer) -> None:
    from tools.geo.coverage import BLOCK_PX

    side = BLOCK_PX + 100
    values = np.broadcast_to(np.arange(side, dtype="int16"), (3, side))
    raster = make_raster(np.ascontiguousarray(values), crs=UTM, bounds=(500_000, 5_000_000, 500_000 + side * 10, 5_000_030))
    zones = make_layer([at(0, 5, side * 10, 25), at(BLOCK_PX * 10 - 15, 0, BLOCK_PX * 10 + 15, 30)], crs=UTM)
    output = zonal(raster, zones, statistics=["mean", "median", "std", "variety"])
    assert number(output, "mean", zone="fid 0") == pytest.approx((side - 1) / 2)
    assert number(output, "std", zone="fid 0") == pytest.approx(np.arange(side).std())
    assert number(output, "variety", zone="fid 0") == side
    assert number(output, "median", zone="fid 1") == pytest.approx(BLOCK_PX - 0.5, abs=0.5)
