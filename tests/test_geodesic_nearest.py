"""Nearest neighbours against brute force over all pairs with the geodesic inverse."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Geod, Transformer
from shapely import LineString, Point, box

from tools.geo.nearest import nearest

LONLAT = CRS.from_epsg(4326)
GEOD = Geod(ellps="WGS84")

PLACES = st.tuples(
    st.one_of(st.floats(-180, 180), st.floats(179, 180), st.floats(-180, -179)),
    st.one_of(st.floats(-89.99, 89.99), st.floats(89, 90), st.floats(-90, -89)),
)


def geodesics(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """All distances between places, shape (a, b)."""
    lon_a, lon_b = np.meshgrid(a[:, 0], b[:, 0], indexing="ij")
    lat_a, lat_b = np.meshgrid(a[:, 1], b[:, 1], indexing="ij")
    return GEOD.inv(lon_a, lat_a, lon_b, lat_b)[2]


@given(a=st.lists(PLACES, min_size=1, max_size=8), b=st.lists(PLACES, min_size=1, max_size=12), k=st.integers(1, 4))
@settings(max_examples=150)
def test_nearest_points_are_those_of_brute_force_anywhere_on_earth(a, b, k):
    here, there = np.array(a), np.array(b)
    pairs = nearest(shapely.points(here), LONLAT, shapely.points(there), LONLAT, k=k)
    expected = np.sort(geodesics(here, there), axis=1)[:, :k]
    assert pairs.metres.reshape(expected.shape) == pytest.approx(expected, abs=1e-6)
    assert geodesics(here, there)[pairs.source, pairs.target] == pytest.approx(pairs.metres, abs=1e-6)


def test_a_limit_leaves_out_what_is_farther():
    pairs = nearest(shapely.points([[0, 0], [50, 0]]), LONLAT, shapely.points([[0.1, 0], [0.2, 0]]), LONLAT, k=2, max_distance_m=15_000)
    assert (pairs.source.tolist(), pairs.target.tolist()) == ([0], [0])


def test_the_neighbour_across_the_antimeridian_is_nearer_than_the_one_on_this_side():
    pairs = nearest(shapely.points([[179.9, 10]]), LONLAT, shapely.points([[178, 10], [-179.9, 10]]), LONLAT)
    assert pairs.target.tolist() == [1]
    assert pairs.metres[0] == pytest.approx(GEOD.inv(179.9, 10, -179.9, 10)[2], abs=1e-6)


def test_the_distance_inside_a_polygon_is_zero():
    pairs = nearest(shapely.points([[5, 5]]), LONLAT, np.array([box(0, 0, 10, 10)]), LONLAT)
    assert pairs.metres.tolist() == [0.0]


@pytest.mark.parametrize("lat", [0.0, 52.0, 79.0])
def test_the_distance_to_lines_and_polygons_is_that_of_their_closest_point(lat):
    shapes = np.array([LineString([(1, lat), (1.5, lat + 2)]), box(-2, lat - 1, -1.2, lat + 1), LineString([(0.3, lat - 3), (3, lat - 1)])])
    pairs = nearest(shapely.points([[0, lat]]), LONLAT, shapes, LONLAT, k=3)
    for target, metres in zip(pairs.target, pairs.metres, strict=True):
        dense = shapely.get_coordinates(shapely.segmentize(shapes[target], 1e-5))
        sampled = geodesics(np.array([[0, lat]]), dense).min()
        assert metres == pytest.approx(sampled, rel=1e-6, abs=0.01)


def test_polygons_in_a_projected_crs_are_compared_by_their_closest_sides():
    utm = CRS.from_epsg(32632)
    pairs = nearest(
        np.array([box(5e5, 5e6, 500100, 5000100)]),
        utm,
        np.array([box(500400, 5e6, 500500, 5000300), box(500100, 5000350, 500200, 5000500)]),
        utm,
        k=2,
    )
    assert pairs.target.tolist() == [1, 0]
    assert pairs.metres == pytest.approx(np.array([250, 300]) / 0.9996, rel=1e-5)


def test_layers_in_two_crss_are_compared_on_the_ellipsoid():
    to_utm = Transformer.from_crs(LONLAT, 32632, always_xy=True)
    there = shapely.points(np.column_stack(to_utm.transform([9.5, 10.5], [48.0, 48.3])))
    pairs = nearest(np.array([Point(9, 48)]), LONLAT, there, CRS.from_epsg(32632), k=2)
    assert pairs.metres == pytest.approx([GEOD.inv(9, 48, 9.5, 48)[2], GEOD.inv(9, 48, 10.5, 48.3)[2]], abs=1e-3)


def test_missing_geometries_have_no_neighbours_and_an_empty_layer_gives_no_pairs():
    assert nearest(np.array([None, Point(0, 0)], dtype=object), LONLAT, shapely.points([[1, 1]]), LONLAT).source.tolist() == [1]
    assert len(nearest(shapely.points([[1, 1]]), LONLAT, np.array([], dtype=object), LONLAT).source) == 0


def test_many_points_at_one_place_are_ordered_by_position():
    pairs = nearest(shapely.points([[7, 50]]), LONLAT, shapely.points([[7, 50]] * 5), LONLAT, k=3)
    assert pairs.target.tolist() == [0, 1, 2]
    assert pairs.metres.tolist() == [0.0, 0.0, 0.0]
