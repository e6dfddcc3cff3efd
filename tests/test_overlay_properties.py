"""What holds of areas, buffers and overlays for all shapes anywhere on the Earth, the antimeridian and the poles included."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Geod
from shapely import LineString, box

from tools.geo.antimeridian import wrap_longitudes
from tools.geo.buffer import buffer, circles
from tools.geo.geometry import repair
from tools.geo.intersection import differences, intersections
from tools.geo.measure import geodesic_area, geodesic_length
from tools.geo.transform import transform
from tools.geo.unfold import polygon_of_lonlat
from vector_calls import call, value

LONLAT = CRS.from_epsg(4326)
GEOD = Geod(ellps="WGS84")
RADIUS_M = 6_371_007.2
"""Radius of the sphere with the surface of the ellipsoid."""
VERTICES = 40

LONGITUDES, LATITUDES = st.floats(-180, 180), st.floats(-90, 90)
PLACES = st.one_of(
    st.tuples(LONGITUDES, LATITUDES),
    st.tuples(st.sampled_from([-180.0, 179.99, 180.0]), LATITUDES),
    st.tuples(LONGITUDES, st.sampled_from([-90.0, -89.9, 89.9, 90.0])),
)
"""Places everywhere, and more of them where maps are cut."""
SEEDS = st.integers(0, 2**32 - 1)
REGIONS = {"europe": (10, 50), "equator": (30, 0), "antimeridian": (179.9, -17), "north pole": (40, 89.5), "south pole": (-120, -89.9)}


def one(shape):
    return np.array([shape], dtype=object)


def area_m2(shapes, crs=LONLAT):
    return float(geodesic_area(np.atleast_1d(np.asarray(shapes, dtype=object)), crs).sum())


def star(place, seed, size_m=100_000):
    """Return a random star-shaped polygon around a place, its vertices 0.4 to 1 of a size away."""
    reach = np.random.default_rng(seed).uniform(0.4, 1, VERTICES) * size_m
    azimuth = np.linspace(0, -360, VERTICES, endpoint=False)
    lon, lat, _ = GEOD.fwd(np.full(VERTICES, place[0]), np.full(VERTICES, place[1]), azimuth, reach)
    ring = np.column_stack([np.append(lon, lon[0]), np.append(lat, lat[0])])
    return wrap_longitudes(repair(one(polygon_of_lonlat(ring)))[0], LONLAT)[0][0]


def beside(place, metres, azimuth):
    lon, lat, _ = GEOD.fwd(*place, azimuth, metres)
    return lon, lat


def cap_m2(radius_m):
    return 2 * np.pi * RADIUS_M**2 * (1 - np.cos(radius_m / RADIUS_M))


# Overlay identities ---------------------------------------------------------------------------------------------------


PAIRS = st.tuples(PLACES, SEEDS, SEEDS, st.floats(0, 150_000), st.floats(0, 360))


@settings(max_examples=20)
@given(PAIRS)
def test_what_two_shapes_share_and_what_one_has_alone_are_the_whole_of_it(pair):
    check_identities(*pair)


@pytest.mark.heavy
@settings(max_examples=1_000)
@given(PAIRS)
def test_what_a_thousand_pairs_of_shapes_share_and_have_alone_are_the_whole_of_them(pair):
    check_identities(*pair)


def check_identities(place, seed, other_seed, metres, azimuth):
    a, b = star(place, seed), star(beside(place, metres, azimuth), other_seed)
    common = area_m2(intersections(one(a), one(b)).geometries)
    assert common + area_m2(differences(one(a), one(b))) == pytest.approx(area_m2(a), rel=1e-6)
    assert common + area_m2(differences(one(b), one(a))) == pytest.approx(area_m2(b), rel=1e-6)
    assert area_m2(shapely.union(a, b)) == pytest.approx(area_m2(a) + area_m2(b) - common, rel=1e-6)


@pytest.mark.parametrize("region", REGIONS)
def test_the_operations_of_the_tool_add_up_everywhere(tmp_path, make_layer, region):
    place = REGIONS[region]
    files = {
        "a": make_layer([star(place, 1), star(beside(place, 60_000, 90), 2)], name="a.gpkg"),
        "b": make_layer([star(beside(place, 80_000, 200), 3)], name="b.gpkg"),
    }
    found = {
        name: call("overlay", tmp_path, files, operation=name, layer="a", other="b")
        for name in ("intersection", "difference", "union", "symmetric_difference")
    }
    area = {name: value(output, "area") for name, output in found.items()}
    a, b = value(found["union"], "layer area"), value(found["union"], "other area")
    assert 0 < area["intersection"] < b
    assert area["intersection"] + area["difference"] == pytest.approx(a, rel=1e-6)
    assert area["union"] == pytest.approx(a + b - area["intersection"], rel=1e-6)
    assert area["symmetric_difference"] == pytest.approx(area["union"] - area["intersection"], rel=1e-6)
    assert value(found["symmetric_difference"], "area", part="only in the layer") == pytest.approx(area["difference"], rel=1e-6)


@pytest.mark.parametrize("region", REGIONS)
def test_a_dissolve_counts_overlap_once_everywhere(tmp_path, make_layer, region):
    place = REGIONS[region]
    shapes = [star(place, 1), star(place, 1), star(beside(place, 50_000, 10), 2)]
    output = call("overlay", tmp_path, {"a": make_layer(shapes, name="a.gpkg")}, operation="dissolve", layer="a")
    first, last = one(shapes[0]), one(shapes[2])
    assert value(output, "area") == pytest.approx(area_m2(first) + area_m2(differences(last, first)), rel=1e-6)


# Buffers --------------------------------------------------------------------------------------------------------------


DISCS = st.tuples(PLACES, st.floats(1_000, 200_000), st.floats(1_000, 100_000))


@settings(max_examples=6)
@given(DISCS)
def test_a_buffered_disc_is_the_wider_cap_and_shrunk_it_is_the_narrower_one(disc):
    check_disc(*disc)


@pytest.mark.heavy
@settings(max_examples=300)
@given(DISCS)
def test_hundreds_of_buffered_discs_are_caps(disc):
    check_disc(*disc)


def check_disc(place, radius_m, distance_m):
    disc = circles(one(shapely.Point(place)), LONLAT, np.array([radius_m]))
    assert area_m2(disc) == pytest.approx(cap_m2(radius_m), rel=5e-3)  # a sphere stands for the ellipsoid: 0.5 % at the poles
    wide = area_m2(buffer(disc, LONLAT, distance_m))
    assert wide == pytest.approx(area_m2(circles(one(shapely.Point(place)), LONLAT, np.array([radius_m + distance_m]))), rel=1e-3)
    if distance_m < 0.9 * radius_m:
        narrow = area_m2(buffer(disc, LONLAT, -distance_m))
        assert narrow == pytest.approx(area_m2(circles(one(shapely.Point(place)), LONLAT, np.array([radius_m - distance_m]))), rel=5e-3)


STARS = st.tuples(PLACES, SEEDS, st.floats(100, 50_000))


@settings(max_examples=6)
@given(STARS)
def test_a_buffer_holds_its_shape_and_no_place_of_its_rim_is_nearer_than_the_distance(star_shaped):
    check_rim(*star_shaped)


@pytest.mark.heavy
@settings(max_examples=300)
@given(STARS)
def test_hundreds_of_buffers_hold_their_shapes(star_shaped):
    check_rim(*star_shaped)


def check_rim(place, seed, distance_m):
    shape = star(place, seed)
    grown = buffer(one(shape), LONLAT, distance_m)[0]
    assert grown.is_valid
    assert area_m2(shapely.difference(shape, grown)) <= 1e-9 * area_m2(shape)
    rim = shapely.get_coordinates(grown)
    rim = rim[(np.abs(rim[:, 0]) < 179.999) & (np.abs(rim[:, 1]) < 89.99)][:30]
    # Vertices of the shape are at least the distance away from every place of the rim.
    lon, lat = shapely.get_coordinates(shape).T
    nearest = [float(np.min(GEOD.inv(np.full(len(lon), x), np.full(len(lat), y), lon, lat)[2])) for x, y in rim]
    assert min(nearest, default=distance_m) >= distance_m * (1 - 1e-3)


@pytest.mark.parametrize("turn", [0, 90, 175, 180, -180])
def test_turning_the_earth_changes_no_area_and_no_length(turn):
    shape, line = star((3, 48), 5), LineString([(0, 47), (3, 48), (5, 46)])
    turned = wrap_longitudes(shapely.transform(np.array([shape, line], dtype=object), lambda xy: xy + np.array([turn, 0.0])), LONLAT)[0]
    assert area_m2(turned[0]) == pytest.approx(area_m2(shape), rel=1e-9)
    assert geodesic_length(turned, LONLAT)[1] == pytest.approx(geodesic_length(one(line), LONLAT)[0], rel=1e-9)
    assert area_m2(buffer(turned[:1], LONLAT, 20_000)) == pytest.approx(area_m2(buffer(one(shape), LONLAT, 20_000)), rel=1e-5)


# Reprojection ---------------------------------------------------------------------------------------------------------

SYSTEMS = {
    "web mercator": (3857, (-180, 180), (-80, 80)),
    "utm 32 north": (32632, (3, 15), (1, 80)),
    "europe, equal-area": (3035, (-15, 35), (35, 70)),
    "arctic, polar stereographic": (3413, (-180, 180), (60, 90)),
    "antarctic, polar stereographic": (3031, (-180, 180), (-90, -60)),
    "pacific, mercator": (3832, (-180, 180), (-60, 60)),
    "texas, feet": (2277, (-103, -95), (29.5, 32)),
}


@pytest.mark.parametrize("name", SYSTEMS)
@settings(max_examples=4)
@given(data=st.data())
def test_the_area_of_a_shape_is_the_same_in_every_crs(name, data):
    code, lon, lat = SYSTEMS[name]
    shape = star((data.draw(st.floats(*lon)), data.draw(st.floats(*lat))), data.draw(SEEDS), size_m=50_000)
    crs = CRS.from_epsg(code)
    there = transform(one(shape), LONLAT, crs)
    assert area_m2(there, crs) == pytest.approx(area_m2(shape), rel=1e-3)
    back = transform(there, crs, LONLAT)
    assert area_m2(shapely.symmetric_difference(back[0], shape)) <= 1e-3 * area_m2(shape)


def test_the_whole_earth_has_the_area_of_the_ellipsoid_and_its_halves_add_up():
    world = box(-180, -90, 180, 90)
    e2 = GEOD.es
    surface = 2 * np.pi * GEOD.a**2 * (1 + (1 - e2) / np.sqrt(e2) * np.arctanh(np.sqrt(e2)))
    assert area_m2(world) == pytest.approx(surface, rel=1e-9)
    cut = star((20, 10), 9, size_m=3_000_000)
    assert area_m2(shapely.difference(world, cut)) + area_m2(cut) == pytest.approx(surface, rel=1e-9)
