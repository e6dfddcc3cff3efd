"""Areas and lengths against Karney's geodesic polygon on densely cut rings, and against numbers known by heart."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Geod, Transformer
from shapely import Polygon, box

from tools.errors import DataError
from tools.geo.measure import area_method, geodesic_area, geodesic_length, geodesic_perimeter, local_equal_area

EARTH_M2 = 5.10065621724e14
"""Surface of the WGS 84 ellipsoid (NIMA TR8350.2)."""
QUARTER_MERIDIAN_M = 10_001_965.729
"""From equator to pole on WGS 84."""

PLACES = [
    pytest.param("EPSG:4326", box(0, 0, 1, 1), 1e-3, id="a degree at the equator"),
    pytest.param("EPSG:4326", box(0, 60, 40, 85), 2e-3, id="long parallels in the north"),
    pytest.param("EPSG:4326", Polygon([(0, 0), (50, 10), (20, 70)]), 2e-3, id="slanted edges of thousands of km"),
    pytest.param("EPSG:32632", box(5e5, 5e6, 6e5, 5.1e6), 200, id="100 km in UTM"),
    pytest.param("EPSG:32632", box(5e5, 5e6, 500010, 5000010), 1, id="10 m in UTM"),
    pytest.param("EPSG:28992", box(180000, 500000, 190000, 510000), 20, id="oblique stereographic on Bessel"),
    pytest.param("EPSG:2263", box(980000, 190000, 990000, 200000), 20, id="US survey feet"),
    pytest.param("EPSG:3413", box(-1e6, -1e6, 1.5e6, 5e5), 1000, id="over the north pole"),
    pytest.param("EPSG:3031", shapely.Point(0, 0).buffer(3e6), 1000, id="around the south pole"),
    pytest.param("EPSG:3857", box(-1e7, -5e6, 1e7, 9e6), 2000, id="half the world in web mercator"),
    pytest.param("ESRI:54009", box(-8e6, -4e6, 8e6, 4e6), 2000, id="half the world in Mollweide"),
]


def karney(shape: Polygon, crs: str, step: float) -> tuple[float, float]:
    """Area and perimeter of a polygon without holes, its ring cut to `step` CRS units and taken to longitude, latitude."""
    xy = shapely.get_coordinates(shapely.segmentize(shape.exterior, step))
    source = CRS(crs)
    geodetic = source.geodetic_crs
    lon, lat = Transformer.from_crs(source, geodetic, always_xy=True).transform(xy[:, 0], xy[:, 1])
    geod = Geod(a=geodetic.ellipsoid.semi_major_metre, rf=geodetic.ellipsoid.inverse_flattening)
    area, perimeter = geod.polygon_area_perimeter(lon, lat)
    return abs(area), perimeter


def area_of(shape: object, crs: str = "EPSG:4326") -> float:
    return float(geodesic_area(np.array([shape], dtype=object), CRS(crs))[0])


@pytest.mark.parametrize(("crs", "shape", "step"), PLACES)
def test_area_equals_karneys_to_one_in_ten_million(crs, shape, step):
    assert area_of(shape, crs) == pytest.approx(karney(shape, crs, step)[0], rel=1e-7)


@pytest.mark.parametrize(("crs", "shape", "step"), PLACES)
def test_perimeter_equals_karneys_to_one_in_ten_million(crs, shape, step):
    assert geodesic_perimeter(np.array([shape]), CRS(crs))[0] == pytest.approx(karney(shape, crs, step)[1], rel=1e-7)


@given(
    x=st.floats(2e5, 8e5),
    y=st.floats(1e5, 9e6),
    corners=st.lists(st.tuples(st.floats(10, 5e4), st.floats(0, 1)), min_size=3, max_size=8),
)
@settings(max_examples=40)
def test_area_of_any_star_in_utm_equals_karneys_to_one_in_a_hundred_thousand(x, y, corners):
    angles = 2 * np.pi * (np.arange(len(corners)) + [0.8 * slack for _, slack in corners]) / len(corners)
    radii = [radius for radius, _ in corners]
    star = Polygon(np.column_stack([x + radii * np.cos(angles), y + radii * np.sin(angles)]))
    assert area_of(star, "EPSG:32633") == pytest.approx(karney(star, "EPSG:32633", 500)[0], rel=1e-5, abs=0.01)


def test_areas_of_pieces_add_up_to_the_area_of_the_whole():
    whole = Polygon([(-70, -40), (30, -20), (60, 50), (-20, 70)])
    halves = np.array([shapely.intersection(whole, box(-180, -90, 7, 90)), shapely.intersection(whole, box(7, -90, 180, 90))])
    assert geodesic_area(halves, CRS(4326)).sum() == pytest.approx(area_of(whole), rel=1e-12)


def test_the_whole_earth_has_its_published_surface():
    assert area_of(box(-180, -90, 180, 90)) == pytest.approx(EARTH_M2, rel=1e-9)


def test_the_outline_of_a_world_map_encloses_the_earth_and_not_nothing():
    lat = np.linspace(-90, 90, 721)
    to_map = Transformer.from_crs("EPSG:4326", "ESRI:54009", always_xy=True)
    east, west = to_map.transform(np.full(721, 180 - 1e-9), lat), to_map.transform(np.full(721, -180 + 1e-9), lat[::-1])
    outline = Polygon(np.concatenate([np.column_stack(east), np.column_stack(west)]))
    assert area_of(outline, "ESRI:54009") == pytest.approx(EARTH_M2, rel=1e-4)


def test_a_polar_cap_has_the_same_area_on_a_polar_map_and_in_degrees():
    lon = np.linspace(-180, 180, 3601)
    ring = np.column_stack(Transformer.from_crs("EPSG:4326", "EPSG:3413", always_xy=True).transform(lon, np.full(3601, 70.0)))
    assert area_of(Polygon(ring), "EPSG:3413") == pytest.approx(area_of(box(-180, 70, 180, 90)), rel=1e-6)


def test_split_and_overrunning_polygons_at_the_antimeridian_have_the_same_area():
    split = shapely.MultiPolygon([box(178, -20, 180, -18), box(-180, -20, -178, -18)])
    assert area_of(box(178, -20, 182, -18)) == pytest.approx(area_of(split), rel=1e-12)
    assert area_of(box(-182, -20, -178, -18)) == pytest.approx(area_of(split), rel=1e-12)


def test_an_edge_that_may_cross_the_antimeridian_or_go_the_long_way_is_refused():
    jumping = Polygon([(179, 10), (-179, 10), (-179, 12), (179, 12)])
    with pytest.raises(DataError, match="spans 358 degrees of longitude"):
        area_of(jumping)


def test_metres_under_a_geographic_crs_are_refused_with_a_hint_to_the_crs():
    with pytest.raises(DataError, match="are no degrees") as caught:
        area_of(box(500000, 5e6, 500100, 5000100))
    assert "declare the true one" in caught.value.hint


def test_holes_are_taken_away_and_ring_orientation_does_not_matter():
    outer, hole = box(0, 0, 1, 1), box(0.25, 0.25, 0.75, 0.75)
    expected = area_of(outer) - area_of(hole)
    for shell, inner in [
        (outer.exterior, hole.exterior),
        (outer.exterior.reverse(), hole.exterior),
        (outer.exterior, hole.exterior.reverse()),
    ]:
        assert area_of(Polygon(shell, [inner])) == pytest.approx(expected, rel=1e-12)


def test_points_lines_missing_and_empty_geometries_have_no_area():
    shapes = np.array([None, shapely.Point(1, 1), shapely.LineString([(0, 0), (1, 1)]), Polygon(), box(0, 0, 1, 1)], dtype=object)
    assert (geodesic_area(shapes, CRS(4326)) > 0).tolist() == [False, False, False, False, True]


def test_collections_are_measured_by_their_polygons():
    mixed = shapely.GeometryCollection([shapely.Point(5, 5), shapely.GeometryCollection([box(0, 0, 1, 1)])])
    assert area_of(mixed) == area_of(box(0, 0, 1, 1))


def test_a_quarter_meridian_has_its_published_length():
    meridian = shapely.LineString([(7, 0), (7, 90)])
    assert geodesic_length(np.array([meridian]), CRS(4326))[0] == pytest.approx(QUARTER_MERIDIAN_M, abs=0.01)


def test_a_line_along_a_parallel_is_as_long_as_the_parallel_and_not_the_great_circle():
    circumference = 2 * np.pi * 6378137 * np.cos(np.radians(60)) / np.sqrt(1 - 0.00669437999014 * np.sin(np.radians(60)) ** 2)
    parallel = shapely.LineString([(0, 60), (90, 60)])
    assert geodesic_length(np.array([parallel]), CRS(4326))[0] == pytest.approx(circumference / 4, rel=1e-7)


@pytest.mark.parametrize("pole", [-90, 90])
@pytest.mark.parametrize("east", [-173, 0, 180])
def test_a_polygon_that_reaches_a_pole_has_a_perimeter(pole, east):
    cap = box(-180, min(pole, pole * 2 / 3), east, max(pole, pole * 2 / 3))
    sides = Geod(ellps="WGS84").inv([0, 0], [pole, 0], [0, 0.0], [pole * 2 / 3, 0])[2][0] * 2
    lat = np.radians(60)
    circle = 2 * np.pi * 6378137 * np.cos(lat) / np.sqrt(1 - 0.00669437999014 * np.sin(lat) ** 2)  # of the parallel; the pole has none
    assert geodesic_perimeter(np.array([cap]), CRS(4326))[0] == pytest.approx(sides + circle * (east + 180) / 360, rel=1e-6)


def test_a_local_equal_area_crs_keeps_areas_and_accepts_a_bbox_over_the_antimeridian():
    plane = local_equal_area((175.0, -20.0, -175.0, -10.0))
    ring = shapely.segmentize(box(178, -18, 182, -14), 0.01)
    there = shapely.transform(ring, lambda xy: np.column_stack(Transformer.from_crs("EPSG:4326", plane, always_xy=True).transform(*xy.T)))
    assert there.area == pytest.approx(area_of(box(178, -18, 182, -14)), rel=1e-6)


def test_a_local_engineering_crs_is_refused():
    local = CRS.from_wkt('ENGCRS["site",EDATUM["peg"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]')
    with pytest.raises(DataError, match="no ellipsoid"):
        geodesic_area(np.array([box(0, 0, 1, 1)]), local)


@pytest.mark.parametrize(("crs", "words"), [("EPSG:4326", "authalic"), ("EPSG:32632", "Lambert azimuthal equal-area")])
def test_the_method_says_how_and_on_which_ellipsoid(crs, words):
    method = area_method(CRS(crs))
    assert words in method["area"]
    assert method["ellipsoid"]
    assert method["reason"]
