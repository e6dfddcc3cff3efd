"""Extents on the ellipsoid or in the plane of a layer's own CRS; lengths of lines, perimeters of polygons, lengths in space."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
from pyproj import Geod
from shapely import LineString, MultiLineString, Polygon, box

from tools.errors import DataError, ParameterError
from vector_calls import call, measures, value, where

FOOT_M = 1200 / 3937
"""US survey foot."""
EAST, NORTH = 500_000, 5_000_000
TRUE_M = 1 / 0.9996
GEOD = Geod(ellps="WGS84")


def utm(*xyz: tuple[float, ...]) -> list[tuple[float, ...]]:
    return [(EAST + x, NORTH + y, *z) for x, y, *z in xyz]


def measured(tmp_path, path, *names: str, **more: object):
    return call("query_vector", tmp_path, {"l": path}, layer="l", measures=measures(*names), **more)


def test_an_area_in_the_plane_is_that_of_the_coordinates_in_square_metres(tmp_path, make_layer):
    parcel = make_layer([box(6_500_000, 1_800_000, 6_501_000, 1_801_000)], crs="EPSG:2229")  # 1,000 feet a side
    output = measured(tmp_path, parcel, "area", "perimeter", surface="plane")
    assert value(output, "area") == pytest.approx((1000 * FOOT_M) ** 2, rel=1e-12)
    assert value(output, "perimeter") == pytest.approx(4000 * FOOT_M, rel=1e-12)
    assert output.method["surface"] == "plane"
    assert output.method["metres_per_unit"] == pytest.approx(FOOT_M, rel=1e-15)


def test_the_record_says_how_far_the_ground_is_from_the_plane(tmp_path, make_layer):
    parcel = make_layer([box(EAST, NORTH, EAST + 100, NORTH + 100)], crs="EPSG:32632")
    plane = measured(tmp_path, parcel, "area", surface="plane")
    ground = measured(tmp_path, parcel, "area")
    assert value(plane, "area") == pytest.approx(10_000, rel=1e-12)
    assert value(ground, "area") == pytest.approx(10_000 * TRUE_M**2, rel=1e-6)
    assert plane.method["ellipsoid_differs_percent"]["area"] == pytest.approx(100 * (TRUE_M**2 - 1), abs=1e-4)
    assert ground.method["surface"] == "ellipsoid"
    assert ground.method["plane_differs_percent"] == pytest.approx(100 * (0.9996**2 - 1), abs=1e-3)


def test_the_plane_of_longitude_and_latitude_is_refused(tmp_path, make_layer):
    with pytest.raises(ParameterError, match="in degrees"):
        measured(tmp_path, make_layer([box(0, 0, 1, 1)]), "area", surface="plane")


def test_overlapping_parcels_are_counted_once_in_the_plane_too(tmp_path, make_layer):
    parcels = make_layer([box(EAST, NORTH, EAST + 100, NORTH + 100), box(EAST + 60, NORTH, EAST + 160, NORTH + 100)], crs="EPSG:32632")
    output = measured(tmp_path, parcels, "area", surface="plane")
    assert value(output, "area") == pytest.approx(16_000, rel=1e-12)
    assert value(output, "sum of feature areas") == pytest.approx(20_000, rel=1e-12)


def test_an_overlay_is_measured_in_the_plane_where_that_is_asked_for(tmp_path, make_layer):
    field = make_layer([box(EAST, NORTH, EAST + 100, NORTH + 100)], crs="EPSG:32632", name="field.gpkg")
    flood = make_layer([box(EAST, NORTH, EAST + 100, NORTH + 30)], crs="EPSG:32632", name="flood.gpkg")
    files = {"f": field, "w": flood}
    output = call("overlay", tmp_path, files, operation="intersection", layer="f", other="w", surface="plane")
    assert (value(output, "area"), value(output, "other area")) == (pytest.approx(3000, rel=1e-12), pytest.approx(3000, rel=1e-12))
    written = gpd.read_parquet(next(tmp_path.glob("call-*/overlay.parquet")))
    assert written["area_m2"].tolist() == pytest.approx([3000], rel=1e-12)


def test_length_counts_lines_and_says_what_it_left_out(tmp_path, make_layer):
    works = box(EAST, NORTH, EAST + 300, NORTH + 200)
    network = make_layer([LineString(utm((0, 0), (600, 0))), LineString(utm((0, 0), (0, 400))), works], crs="EPSG:32632")
    output = measured(tmp_path, network, "length", "perimeter", surface="plane")
    assert (value(output, "length"), value(output, "perimeter")) == (pytest.approx(1000), pytest.approx(1000))
    assert any("1 of 3 features are no lines" in warning for warning in output.warnings)
    assert any("2 of 3 features are no polygons" in warning for warning in output.warnings)


def test_the_perimeter_of_polygons_is_geodesic_and_can_be_filtered_by(tmp_path, make_layer):
    small, large = box(5, 50, 5.01, 50.01), Polygon([(5, 50), (6, 50), (6, 51), (5, 51)], [[(5.4, 50.4), (5.6, 50.4), (5.5, 50.6)]])
    parks = make_layer([small, large], columns={"name": ["small", "large"]})
    output = call("query_vector", tmp_path, {"p": parks}, layer="p", select=["perimeter"])
    expected = [GEOD.geometry_length(MultiLineString([ring.segmentize(0.001) for ring in (large.exterior, *large.interiors)]))]
    assert value(output, "perimeter", feature="large") == pytest.approx(expected[0], rel=1e-6)
    output = call("query_vector", tmp_path, {"p": parks}, layer="p", where=where("@perimeter_m", "<", 10_000), select=["perimeter"])
    assert [row["feature"] for row in output.data["rows"]] == ["small"]


def test_a_length_in_space_adds_the_rise_between_vertices(tmp_path, make_layer):
    pipe = make_layer([LineString(utm((0, 0, 0), (400, 0, 300), (400, 120, 300), (400, 120, 305)))], crs="EPSG:32632")
    plane = measured(tmp_path, pipe, "length_3d", "length", surface="plane")
    assert value(plane, "length_3d") == pytest.approx(500 + 120 + 5, rel=1e-12)
    assert value(plane, "length") == pytest.approx(520, rel=1e-12)
    ground = measured(tmp_path, pipe, "length_3d")
    assert value(ground, "length_3d") == pytest.approx(np.hypot(400 * TRUE_M, 300) + 120 * TRUE_M + 5, rel=1e-6)
    assert any("axis of heights" in warning for warning in plane.warnings)  # the CRS has no axis of heights


def test_heights_in_a_compound_system_are_read_in_their_own_unit(tmp_path, make_layer):
    feet = [(6_500_000.0, 1_800_000.0, 0.0), (6_500_300.0, 1_800_000.0, 400.0)]
    tower = make_layer([LineString(feet)], crs="EPSG:2229+6360", name="tower.gpkg")  # heights of NAVD88 in US survey feet
    output = measured(tmp_path, tower, "length_3d", surface="plane")
    assert value(output, "length_3d") == pytest.approx(500 * FOOT_M, rel=1e-12)
    assert not any("axis of heights" in warning for warning in output.warnings)


def test_a_line_in_degrees_rises_in_metres(tmp_path, make_layer):
    cable = make_layer([LineString([(5, 50, 0), (5, 50.001, 100)])])
    along = GEOD.inv(5, 50, 5, 50.001)[2]
    assert value(measured(tmp_path, cable, "length_3d"), "length_3d") == pytest.approx(np.hypot(along, 100), rel=1e-9)


def test_lines_without_heights_have_no_length_in_space(tmp_path, make_layer):
    flat = make_layer([LineString(utm((0, 0), (400, 0)))], crs="EPSG:32632")
    with pytest.raises(DataError, match="without a height"):
        measured(tmp_path, flat, "length_3d")


@pytest.mark.parametrize("surface", ["ellipsoid", "plane"])
def test_nothing_left_to_measure_is_zero_on_either_surface(tmp_path, make_layer, surface):
    parcel = make_layer([box(EAST, NORTH, EAST + 100, NORTH + 100)], crs="EPSG:32632", columns={"use": ["farm"]})
    output = measured(tmp_path, parcel, "area", "perimeter", surface=surface, where=where("use", "=", "quarry"))
    assert (output.outcome, value(output, "area"), value(output, "perimeter")) == ("true_zero", 0, 0)
