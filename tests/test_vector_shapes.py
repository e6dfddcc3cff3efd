"""shapes: hulls, circles, cells and outlines against closed forms, other libraries and what must hold for every layer."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Geod, Transformer
from shapely import LineString, MultiPoint, MultiPolygon, Point, Polygon, box

from tools import registry
from tools.contract import Outcome, Source, ToolContext
from tools.errors import DataError, ParameterError
from tools.geo.buffer import buffer, circles
from tools.geo.centroid import centroids
from tools.geo.measure import geodesic_area, geodesic_length, geodesic_perimeter
from tools.geo.simplify import simplify
from tools.geo.voronoi import thiessen
from tools.storage.vectors import read_layer
from vector_calls import call, value, values, where

EAST, NORTH = 500_000, 5_000_000
UTM = "EPSG:32632"
LONLAT = CRS.from_epsg(4326)
GEOD = Geod(ellps="WGS84")
WORLD = box(-180, -90, 180, 90)


def made(folder, output):
    return read_layer(Source("m", "vector", folder / "call-0" / output.files[0], "xxh3:0"))


def shaped(folder, path, operation, **params):
    output = call("shapes", folder, {"a": path}, operation=operation, layer="a", **params)
    return output, made(folder, output)


def one(shape):
    return np.array([shape], dtype=object)


# Centroids and points inside ------------------------------------------------------------------------------------------


def test_the_centroid_of_a_notched_parcel_lies_in_the_notch_and_its_point_on_surface_does_not(tmp_path, make_layer):
    bar = shapely.union(box(EAST, NORTH, EAST + 100, NORTH + 20), box(EAST, NORTH, EAST + 20, NORTH + 100))
    path = make_layer([bar], crs=UTM, columns={"name": ["L"]}, name="parcel.gpkg")
    _, centre = shaped(tmp_path, path, "centroid")
    assert (centre.geometry.x[0] - EAST, centre.geometry.y[0] - NORTH) == pytest.approx((32.2222, 32.2222), abs=1e-3)
    inside = call("shapes", tmp_path, {"a": path}, operation="point_on_surface", layer="a")
    lonlat = (value(inside, "longitude", feature="L"), value(inside, "latitude", feature="L"))
    there = shapely.transform(bar, lambda xy: np.column_stack(to_lonlat(*xy.T)))
    assert shapely.contains_xy(there, *lonlat)


def to_lonlat(x, y):
    return Transformer.from_crs(UTM, LONLAT, always_xy=True).transform(x, y)


def test_the_centroid_of_a_shape_cut_at_the_antimeridian_lies_on_the_antimeridian():
    cut = MultiPolygon([box(178, -2, 180, 2), box(-180, -2, -178, 2)])
    centre = centroids(one(cut), LONLAT)[0]
    assert (abs(centre.x), centre.y) == pytest.approx((180, 0), abs=1e-6)


def test_the_centroid_of_a_polar_cap_is_the_pole():
    assert centroids(one(box(-180, 60, 180, 90)), LONLAT)[0].y == pytest.approx(90, abs=1e-3)


@pytest.mark.realdata
def test_centroids_of_states_are_those_of_their_own_equal_area_maps(shared_data):
    states = gpd.read_parquet(shared_data / "vectors/us_states.parquet").geometry.to_crs(4326).make_valid().iloc[4:10]
    for shape, found in zip(states, centroids(states.to_numpy(), LONLAT), strict=True):
        crs = f"+proj=laea +lon_0={found.x} +lat_0={found.y} +ellps=WGS84"
        oracle = gpd.GeoSeries([shape.segmentize(0.01)], crs=4326).to_crs(crs).centroid[0]
        assert (oracle.x, oracle.y) == pytest.approx((0, 0), abs=5)


# Hulls, boxes, circles ------------------------------------------------------------------------------------------------


def test_points_have_one_hull_unless_grouped(tmp_path, make_layer):
    places = [Point(EAST + x, NORTH + y) for x, y in ((0, 0), (100, 0), (100, 100), (0, 100), (50, 50), (10, 10))]
    path = make_layer(places, crs=UTM, columns={"kind": list("aaaabb")}, name="wells.gpkg")
    output, hull = shaped(tmp_path, path, "convex_hull")
    assert len(hull) == 1
    assert value(output, "area") == pytest.approx(100**2 / 0.9996**2, rel=1e-6)
    grouped = call("shapes", tmp_path, {"a": path}, operation="convex_hull", layer="a", by=["kind"])
    assert values(grouped, "area", "kind") == pytest.approx({"a": 100**2 / 0.9996**2}, rel=1e-6)
    assert values(grouped, "length", "kind") == pytest.approx({"b": 40 * 2**0.5 / 0.9996}, rel=1e-6)


def test_a_hull_holds_points_on_both_sides_of_the_antimeridian_and_no_more(tmp_path, make_layer):
    places = [Point(x, y) for x, y in ((179, -1), (179, 1), (-179, -1), (-179, 1))]
    output, hull = shaped(tmp_path, make_layer(places, name="atolls.gpkg"), "convex_hull")
    assert value(output, "area") == pytest.approx(GEOD.geometry_area_perimeter(shapely.segmentize(box(0, -1, 2, 1), 0.01))[0], rel=1e-3)
    assert hull.geometry[0].bounds[0] == -180


def test_a_hull_around_the_pole_holds_the_pole(tmp_path, make_layer):
    places = [Point(lon, 80) for lon in range(-180, 180, 10)]
    output, hull = shaped(tmp_path, make_layer(places, name="stations.gpkg"), "convex_hull")
    assert shapely.covers(hull.geometry[0], Point(20, 89.9))
    ring = Polygon([(lon, 80) for lon in range(-180, 180, 10)])
    assert value(output, "area") == pytest.approx(abs(GEOD.geometry_area_perimeter(ring)[0]), rel=1e-3)


def test_the_smallest_circle_has_its_radius_in_true_metres_anywhere(tmp_path, make_layer):
    for lon, lat in ((10, 45), (180, 0), (0, 89.9)):
        rim_lon, rim_lat, _ = GEOD.fwd([lon] * 3, [lat] * 3, [10, 130, 250], [20_000] * 3)
        path = make_layer([MultiPoint(list(zip(rim_lon, rim_lat, strict=True)))], columns={"name": ["x"]}, name=f"m{lon}.gpkg")
        output = call("shapes", tmp_path, {"a": path}, operation="minimum_circle", layer="a")
        assert value(output, "radius", feature="x") == pytest.approx(20_000, rel=1e-5)
        assert value(output, "area", feature="x") == pytest.approx(np.pi * 20_000**2, rel=1e-3)


@pytest.mark.parametrize("radius_m", [3e6, 9e6])
@pytest.mark.parametrize("centre", [(10, 0), (-180, 45), (0, 90), (77, -60)])
def test_circles_up_to_half_the_earth_have_the_area_of_a_cap(centre, radius_m):
    drawn = circles(one(Point(centre)), LONLAT, np.array([radius_m]))
    sphere_m = 6_371_007.2
    assert geodesic_area(drawn, LONLAT)[0] == pytest.approx(2 * np.pi * sphere_m**2 * (1 - np.cos(radius_m / sphere_m)), rel=2e-3)


def test_an_envelope_goes_the_narrower_way_around_the_earth(tmp_path, make_layer):
    places = [Point(170, 10), Point(-175, 20), Point(178, 12)]
    _, frame = shaped(tmp_path, make_layer(places, name="isles.gpkg"), "envelope")
    assert frame.geometry[0].equals(MultiPolygon([box(170, 10, 180, 20), box(-180, 10, -175, 20)]))


def test_a_boundary_leaves_out_cuts_at_the_antimeridian_and_along_the_pole(tmp_path, make_layer):
    shapes = [MultiPolygon([box(178, -2, 180, 2), box(-180, -2, -178, 2)]), box(-180, 80, 180, 90)]
    output, _ = shaped(tmp_path, make_layer(shapes, columns={"name": ["isle", "ice"]}, name="cut.gpkg"), "boundary")
    whole = float(geodesic_perimeter(one(box(0, -2, 4, 2)), LONLAT)[0])
    parallel = float(geodesic_length(one(LineString([(lon, 80) for lon in range(-180, 181)])), LONLAT)[0])
    assert values(output, "length", "feature") == pytest.approx({"isle": whole, "ice": parallel}, rel=1e-4)


# Thiessen cells -------------------------------------------------------------------------------------------------------

COORDINATES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=2, max_size=25, unique=True)


@settings(max_examples=25)
@given(COORDINATES)
def test_every_place_of_a_cell_is_nearest_to_its_own_point(places):
    points = np.array([Point(EAST + 10 * x, NORTH + 10 * y) for x, y in places], dtype=object)
    frame = box(EAST - 100, NORTH - 100, EAST + 700, NORTH + 700)
    cells, _ = thiessen(points, CRS(UTM), frame)
    assert shapely.covers(cells, points).all()
    assert shapely.area(cells).sum() == pytest.approx(frame.area)
    inner = shapely.point_on_surface(cells)
    distances = shapely.distance(inner[:, None], points[None, :])
    assert (distances.argmin(axis=1) == np.arange(len(points))).all()


@pytest.mark.parametrize("middle", [(179.8, 0), (20, 89.5), (10, 50)], ids=["antimeridian", "pole", "europe"])
def test_cells_are_right_at_the_antimeridian_and_at_poles(middle):
    rng = np.random.default_rng(7)
    lon, lat, _ = GEOD.fwd([middle[0]] * 8, [middle[1]] * 8, rng.uniform(0, 360, 8), rng.uniform(1e4, 1e5, 8))
    points = np.array([Point(xy) for xy in zip(lon, lat, strict=True)], dtype=object)
    cap = shapely.union_all(call_circle(middle))
    cells, _ = thiessen(points, LONLAT, cap)
    assert geodesic_area(cells, LONLAT).sum() == pytest.approx(geodesic_area(one(cap), LONLAT)[0], rel=1e-6)
    assert owners(shapely.point_on_surface(cells), points) == list(range(8))


def call_circle(middle):
    return buffer(one(Point(middle)), LONLAT, 150_000)


def owners(places, points):
    """Return the nearest point of each place by Karney's inverse."""
    lon, lat = shapely.get_coordinates(points).T
    found = []
    for x, y in shapely.get_coordinates(places):
        found.append(int(np.argmin(GEOD.inv(np.full(len(lon), x), np.full(len(lat), y), lon, lat)[2])))
    return found


def test_cells_of_points_all_over_the_world_cover_the_earth_once():
    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(-180, 180, 20), np.degrees(np.arcsin(rng.uniform(-1, 1, 20)))
    points = np.array([Point(xy) for xy in zip(lon, lat, strict=True)], dtype=object)
    cells, _ = thiessen(points, LONLAT, WORLD)
    assert geodesic_area(cells, LONLAT).sum() == pytest.approx(geodesic_area(one(WORLD), LONLAT)[0], rel=1e-4)
    assert shapely.covers(cells, points).all()
    assert owners(shapely.point_on_surface(cells), points) == list(range(20))


def test_each_cell_keeps_the_attributes_of_its_own_point_and_is_cut_to_a_layer(tmp_path, make_layer):
    spots = ((0, 0), (400, 300), (800, 600), (1200, 900), (200, 900))
    gauges = make_layer(
        [Point(EAST + x, NORTH + y) for x, y in spots], crs=UTM, columns={"rain": [412, 268, 731, 554, 197]}, name="gauges.gpkg"
    )
    lon, lat = to_lonlat([EAST - 500, EAST + 1700], [NORTH - 500, NORTH + 1500])
    basin = make_layer([box(lon[0], lat[0], lon[1], lat[1])], name="basin.geojson")
    output = call("shapes", tmp_path, {"g": gauges, "b": basin}, operation="voronoi", layer="g", within="b")
    frame = made(tmp_path, output)
    site = Point(EAST + 300, NORTH + 500)
    assert frame.rain[shapely.covers(frame.geometry.to_numpy(), site)].tolist() == [268]
    assert frame.area_m2.sum() == pytest.approx(GEOD.geometry_area_perimeter(box(lon[0], lat[0], lon[1], lat[1]))[0], rel=1e-4)


def test_two_gauges_at_one_place_with_different_readings_are_refused(tmp_path, make_layer):
    spots = [Point(0, 0), Point(0, 0), Point(1, 1)]
    path = make_layer(spots, columns={"rain": [1, 2, 3]}, name="gauges.gpkg")
    with pytest.raises(DataError, match="same place"):
        shaped(tmp_path, path, "voronoi")
    same = make_layer(spots, columns={"rain": [1, 1, 3]}, name="same.gpkg")
    again = tmp_path / "again"
    again.mkdir()
    output, frame = shaped(again, same, "voronoi")
    assert frame.rain.tolist() == [1, 3]
    assert any("1 points lie where" in said for said in output.warnings)


# Simplify -------------------------------------------------------------------------------------------------------------


@pytest.mark.realdata
@pytest.mark.parametrize(
    "name", ["us_states.parquet", "slovenia_lulc.gpkg", pytest.param("ne_110m_admin_0_countries.json", marks=pytest.mark.heavy)]
)
def test_simplified_neighbours_neither_overlap_nor_gape(shared_data, name):
    path = shared_data / "vectors" / name
    frame = gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)
    shapes = frame.geometry.make_valid(method="structure", keep_collapsed=False).to_numpy()
    tolerance_m = 20 if frame.crs.is_projected else 20_000
    before, after = shapes, simplify(shapes, frame.crs, tolerance_m).geometries
    assert shapely.get_num_coordinates(after).sum() < shapely.get_num_coordinates(before).sum()
    assert shapely.is_valid(after).all()
    overlap = [abs(shapely.area(each).sum() - shapely.union_all(each).area) for each in (before, after)]
    assert overlap[1] <= overlap[0] + 1e-9 * shapely.area(before).sum()
    assert {tuple(xy) for xy in shapely.get_coordinates(after)} <= {tuple(xy) for xy in shapely.get_coordinates(before)}


@settings(max_examples=20)
@given(st.floats(-80, 80), st.floats(50, 5_000), st.integers(0, 2**32 - 1))
def test_no_vertex_of_a_simplified_line_lies_farther_than_the_tolerance(latitude, tolerance_m, seed):
    rng = np.random.default_rng(seed)
    lon, lat = np.cumsum(rng.normal(0, 0.02, (2, 30)), axis=1)
    line = LineString(np.column_stack([lon + 10, lat + latitude]))
    simple = simplify(one(line), LONLAT, tolerance_m).geometries[0]
    assert (simple.coords[0], simple.coords[-1]) == (line.coords[0], line.coords[-1])
    assert max(distance_m(xy, simple) for xy in line.coords) <= tolerance_m


def distance_m(place, line):
    """Return the geodesic distance of a place from the foot of its perpendicular, dropped where a degree is as long both ways."""
    narrow = np.cos(np.radians(place[1]))
    squeezed = shapely.transform(line, lambda xy: xy * np.array([narrow, 1]))
    foot = squeezed.interpolate(squeezed.project(Point(place[0] * narrow, place[1])))
    return GEOD.inv(*place, foot.x / narrow, foot.y)[2]


# Through points, parts, refusals --------------------------------------------------------------------------------------


def test_points_become_a_line_per_group_in_the_order_of_a_column(tmp_path, make_layer):
    places = [Point(EAST + x, NORTH) for x in (300, 0, 100, 50, 70)]
    path = make_layer(places, crs=UTM, columns={"bus": [1, 1, 1, 2, 2], "time": [30, 10, 20, 1, 2]}, name="track.gpkg")
    output, frame = shaped(tmp_path, path, "points_to_line", by=["bus"], order_by="time")
    assert values(output, "length", "bus") == pytest.approx({"1": 300 / 0.9996, "2": 20 / 0.9996}, rel=1e-6)
    assert frame.bus.tolist() == ["1", "2"]


def test_a_polygon_through_points_crosses_the_antimeridian_the_short_way(tmp_path, make_layer):
    places = [Point(x, y) for x, y in ((179, -1), (-179, -1), (-179, 1), (179, 1))]
    output, _ = shaped(tmp_path, make_layer(places, name="ring.gpkg"), "points_to_polygon")
    assert value(output, "area") == pytest.approx(geodesic_area(one(box(0, -1, 2, 1)), LONLAT)[0], rel=1e-9)


def test_a_polygon_whose_points_are_out_of_order_is_refused(tmp_path, make_layer):
    places = [Point(x, y) for x, y in ((0, 0), (1, 1), (1, 0), (0, 1))]
    with pytest.raises(DataError, match="crosses itself"):
        shaped(tmp_path, make_layer(places, name="bowtie.gpkg"), "points_to_polygon")


def test_explode_gives_a_row_per_part_whose_numbers_count_once_in_a_sum(tmp_path, make_layer):
    shapes = [MultiPolygon([box(0, 0, 1, 1), box(2, 0, 3, 1)]), box(5, 5, 6, 6)]
    output, frame = shaped(tmp_path, make_layer(shapes, columns={"people": [10, 5]}, name="multi.gpkg"), "explode")
    assert frame.people.tolist() == [10, 10, 5]
    assert any("repeated on every part" in said for said in output.warnings)
    assert value(output, "features of several parts") == 1
    asked = [{"aggregate": "sum", "column": "people"}, {"aggregate": "mean", "column": "people"}, {"aggregate": "area"}]
    result = Source("a:1", "vector", tmp_path / "call-0" / output.files[0], "xxh3:0", producer="1")
    query = registry.load("query_vector")
    counted = query.run(query.params(layer="a:1", measures=asked), ToolContext(tmp_path / "call-0", {"a:1": result}))
    assert (value(counted, "sum of people"), value(counted, "mean of people")) == (15, 7.5)
    assert value(counted, "area") == pytest.approx(geodesic_area(np.array(shapes, dtype=object), LONLAT).sum(), rel=1e-9)


def test_a_filter_that_keeps_nothing_is_a_true_zero(tmp_path, make_layer):
    path = make_layer([box(0, 0, 1, 1)], columns={"people": [10]}, name="one.gpkg")
    output = call("shapes", tmp_path, {"a": path}, operation="centroid", layer="a", where=where("people", ">", 100))
    assert output.outcome is Outcome.TRUE_ZERO


def test_shapes_that_reach_around_the_earth_have_no_plane_and_are_refused(tmp_path, make_layer):
    path = make_layer([Point(0, 0), Point(120, 0), Point(-120, 0)], name="far.gpkg")
    with pytest.raises(ParameterError, match="half the Earth"):
        shaped(tmp_path, path, "convex_hull")


@pytest.mark.parametrize(
    "wrong", [{"operation": "simplify"}, {"operation": "centroid", "tolerance_m": 1}, {"operation": "voronoi", "by": []}, {"operation": "convex_hull", "ratio": 0.1}]
)  # fmt: skip
def test_options_of_other_operations_are_refused(tmp_path, make_layer, wrong):
    with pytest.raises(ValueError, match=r"goes with|has no groups"):
        call("shapes", tmp_path, {"a": make_layer([Point(0, 0)], name="p.gpkg")}, layer="a", **wrong)
