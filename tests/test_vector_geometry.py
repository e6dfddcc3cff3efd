"""Repair, overlap, intersection and the move between CRSs: what geometries become before they are measured."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Transformer
from shapely import LineString, MultiPolygon, Point, Polygon, box

from tools.errors import DataError
from tools.geo.antimeridian import wrap_longitudes
from tools.geo.dissolve import merge_by
from tools.geo.geometry import repair
from tools.geo.intersection import differences, intersections
from tools.geo.measure import geodesic_area
from tools.geo.overlap import cover
from tools.geo.predicates import related
from tools.geo.transform import transform
from tools.geo.vicinity import bring, extent_region

LONLAT = CRS.from_epsg(4326)
UTM32 = CRS.from_epsg(32632)
BOWTIE = Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])


def array(*shapes: object) -> np.ndarray:
    made = np.empty(len(shapes), dtype=object)
    made[:] = shapes
    return made


def test_a_bowtie_is_repaired_to_its_two_triangles_and_the_change_is_reported():
    repaired, report = repair(array(BOWTIE, box(5, 5, 6, 6)), UTM32)
    assert repaired[0].area == pytest.approx(2.0)
    assert report.repaired == (0,)
    assert report.area_before_m2 == pytest.approx(0.0, abs=1e-6)
    assert report.area_after_m2 == pytest.approx(2.0, rel=1e-2)
    assert "1 of 2 features had invalid geometry" in report.warnings()[0]


def test_a_polygon_that_encloses_nothing_is_left_out_and_counted():
    repaired, report = repair(array(Polygon([(0, 0), (1, 1), (2, 2), (0, 0)])))
    assert repaired[0] is None
    assert report.collapsed == (0,)
    assert "enclose nothing" in report.warnings()[0]


def test_missing_and_empty_geometries_are_counted_and_said():
    repaired, report = repair(array(None, Polygon(), Point(0, 0)))
    assert repaired.tolist() == [None, None, Point(0, 0)]
    assert report.warnings() == ("2 of 3 features have no geometry and were not measured",)


def test_a_coordinate_that_is_no_number_is_refused():
    with np.errstate(invalid="ignore"):
        broken = LineString([(0, 0), (1, float("nan")), (1, 1)])
    with pytest.raises(DataError, match="not a finite number"):
        repair(array(broken))


def test_a_repaired_polygon_keeps_no_lines_or_points():
    spike = Polygon([(0, 0), (4, 0), (4, 4), (2, 4), (2, 9), (2, 4), (0, 4)])
    repaired, _ = repair(array(spike))
    assert repaired[0].geom_type == "Polygon"
    assert repaired[0].area == pytest.approx(16)


def test_of_a_collection_the_highest_kind_is_kept_and_said():
    repaired, report = repair(array(shapely.GeometryCollection([Point(9, 9), box(0, 0, 1, 1)])))
    assert repaired[0].equals(box(0, 0, 1, 1))
    assert "collections" in report.warnings()[0]


def test_heights_are_dropped():
    repaired, _ = repair(array(Point(1, 2, 3)))
    assert not repaired[0].has_z


def test_longitudes_beyond_180_are_split_at_the_antimeridian():
    wrapped, count = wrap_longitudes(array(box(178, 0, 182, 1), box(10, 0, 11, 1)), LONLAT)
    assert count == 1
    assert wrapped[0].equals(MultiPolygon([box(178, 0, 180, 1), box(-180, 0, -178, 1)]))
    assert wrapped[1].equals(box(10, 0, 11, 1))


def test_a_layer_from_0_to_360_degrees_lands_between_minus_180_and_180():
    wrapped, _ = wrap_longitudes(array(box(200, 0, 210, 1), Point(350, 5)), LONLAT)
    assert wrapped[0].equals(box(-160, 0, -150, 1))
    assert wrapped[1].equals(Point(-10, 5))


def test_points_with_metres_as_degrees_are_refused():
    with pytest.raises(DataError, match="are no degrees"):
        wrap_longitudes(array(Point(500000, 5000000)), LONLAT)


# Overlap ------------------------------------------------------------------------------------------------------------


def test_cover_counts_each_place_once_and_counts_duplicates():
    shapes = array(box(0, 0, 100, 100), box(0, 0, 100, 100), box(50, 0, 150, 100), box(500, 0, 600, 100))
    covered = cover(shapes, UTM32)
    plain = geodesic_area(array(box(0, 0, 150, 100), box(500, 0, 600, 100)), UTM32).sum()
    assert covered.area_m2 == pytest.approx(plain, rel=1e-9)
    assert covered.duplicates == 1
    assert covered.overlaps
    assert covered.warning() is not None
    assert "1 features are exact duplicates" in covered.warning()


def test_neighbours_that_share_an_edge_do_not_overlap():
    covered = cover(array(box(0, 0, 100, 100), box(100, 0, 200, 100)), UTM32)
    assert covered.area_m2 == covered.sum_m2
    assert covered.warning() is None


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=15))
@settings(max_examples=30)
def test_cover_equals_the_area_of_the_union_of_any_boxes(corners):
    boxes = [box(500000 + x * 10, 5e6 + y * 10, 500000 + (x + w) * 10, 5e6 + (y + h) * 10) for x, y, w, h in corners]
    assert cover(array(*boxes), UTM32).area_m2 == pytest.approx(geodesic_area(array(shapely.union_all(boxes)), UTM32)[0], rel=1e-9)


def test_merge_by_unites_groups_in_order_of_appearance():
    groups = merge_by(array(box(0, 0, 1, 1), box(5, 0, 6, 1), box(0.5, 0, 2, 1), None), ["b", "a", "b", "c"])
    assert [group.key for group in groups] == ["b", "a", "c"]
    assert groups[0].geometry.area == 2
    assert groups[0].members.tolist() == [0, 2]
    assert groups[2].geometry.is_empty


# Intersection and relations -------------------------------------------------------------------------------------------


def test_polygons_that_only_touch_have_no_piece_in_common():
    assert len(intersections(array(box(0, 0, 1, 1)), array(box(1, 0, 2, 1))).first) == 0


def test_intersections_and_differences_split_a_layer_completely():
    layer = array(box(0, 0, 10, 10), box(20, 0, 30, 10), None)
    other = array(box(5, -5, 25, 5), box(8, 2, 9, 3))
    inside = intersections(layer, other)
    left = differences(layer, other)
    covered = shapely.union_all(inside.geometries)
    assert covered.area == pytest.approx(25 + 25)
    assert sum(geometry.area for geometry in left if geometry is not None) == pytest.approx(200 - 50)
    assert left[2] is None


def test_a_line_in_a_polygon_gives_lines_and_a_point_gives_points():
    pieces = intersections(array(LineString([(-5, 5), (5, 5)]), Point(1, 1)), array(box(0, 0, 10, 10)))
    assert [piece.geom_type for piece in pieces.geometries] == ["LineString", "Point"]


def test_within_means_within_the_others_together():
    halves = array(box(0, 0, 5, 10), box(5, 0, 10, 10))
    layer = array(box(4, 4, 6, 6), box(1, 1, 2, 2), box(9, 9, 11, 11))
    assert related(layer, halves, "within").tolist() == [True, True, False]


def test_disjoint_and_missing_geometries():
    layer = array(box(0, 0, 1, 1), box(9, 9, 10, 10), None)
    assert related(layer, array(box(0, 0, 2, 2), None), "disjoint").tolist() == [False, True, False]


# CRS ----------------------------------------------------------------------------------------------------------------


def test_long_edges_keep_their_course_to_a_decimetre_when_projected():
    edge = LineString([(6, 50), (12, 50)])
    moved = transform(array(edge), LONLAT, UTM32)[0]
    on_parallel = np.column_stack(
        Transformer.from_crs(LONLAT, UTM32, always_xy=True).transform(np.linspace(6, 12, 777), np.full(777, 50.0))
    )
    assert shapely.distance(shapely.points(on_parallel), moved).max() < 0.11


def test_a_polygon_over_the_antimeridian_is_split_when_it_comes_from_a_plane():
    zone_60 = CRS.from_epsg(32660)
    square = box(700000, 5.6e6, 800000, 5.7e6)
    moved = transform(array(square), zone_60, LONLAT)
    assert moved[0].bounds[0] == -180
    assert moved[0].bounds[2] == 180
    assert moved[0].is_valid
    assert geodesic_area(moved, LONLAT)[0] == pytest.approx(geodesic_area(array(square), zone_60)[0], rel=1e-7)


def test_a_polygon_with_a_hole_around_a_pole_is_right_in_degrees():
    polar = CRS.from_epsg(3413)
    ring = Point(0, 0).buffer(2e6, quad_segs=64).difference(Point(0, 0).buffer(1e6, quad_segs=64))
    off_centre = Point(3e5, 0).buffer(1e6, quad_segs=64)
    moved = transform(array(ring, off_centre), polar, LONLAT)
    assert shapely.is_valid(moved).all()
    assert geodesic_area(moved, LONLAT) == pytest.approx(geodesic_area(array(ring, off_centre), polar), rel=1e-6)
    assert not shapely.intersects(moved[0], Point(45, 89.9))
    assert shapely.intersects(moved[1], Point(45, 89.9))


def test_a_world_layer_is_cut_to_the_neighbourhood_of_a_local_one():
    world = array(box(-180, -90, 0, 90), box(0, -90, 180, 90), box(100, 0, 110, 10))
    brought = bring(world, LONLAT, (450000.0, 5.1e6, 550000.0, 5.2e6), UTM32)
    assert brought.reaches.tolist() == [False, True, False]
    assert brought.geometries[0] is None
    assert brought.geometries[1].covers(box(450000, 5.1e6, 550000, 5.2e6))


def test_an_extent_over_the_antimeridian_becomes_two_boxes():
    region = extent_region((700000.0, 5.6e6, 800000.0, 5.7e6), CRS.from_epsg(32660))
    assert shapely.intersects(region, Point(179.99, 51))
    assert shapely.intersects(region, Point(-179.5, 51))
    assert not shapely.intersects(region, Point(0, 51))
