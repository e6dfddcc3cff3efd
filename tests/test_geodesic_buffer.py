"""Buffers in metres against the sphere's formula for caps and strips, which the ellipsoid follows to 0.1 %."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from pyproj import CRS, Geod
from shapely import LineString, Point, Polygon, box

from tools.errors import ParameterError
from tools.geo.buffer import buffer
from tools.geo.measure import geodesic_area

LONLAT = CRS.from_epsg(4326)
RADIUS_M = 6_371_007.2
"""Radius of the sphere with the surface of the ellipsoid."""
GEOD = Geod(ellps="WGS84")

CAPS = [
    pytest.param(10, 45, 1_000, id="a kilometre"),
    pytest.param(179.99, 0, 50_000, id="over the antimeridian"),
    pytest.param(-180, 0, 2_900, id="over the antimeridian, its ring closing where it is cut"),
    pytest.param(0, 89.5, 100_000, id="over the north pole"),
    pytest.param(30, -90, 10_000, id="on the south pole"),
    pytest.param(100, 80, 1_500_000, id="wide, around a pole"),
    pytest.param(10, -60, 1_000_000, id="wide"),
]


def cap_m2(radius_m: float) -> float:
    return 2 * np.pi * RADIUS_M**2 * (1 - np.cos(radius_m / RADIUS_M))


def buffered(shape: shapely.Geometry, metres: float, crs: CRS = LONLAT) -> shapely.Geometry:
    return buffer(np.array([shape], dtype=object), crs, metres)[0]


def area_m2(shape: shapely.Geometry, crs: CRS = LONLAT) -> float:
    return float(geodesic_area(np.array([shape]), crs)[0])


@pytest.mark.parametrize(("lon", "lat", "metres"), CAPS)
def test_a_buffered_point_has_the_area_of_a_cap(lon, lat, metres):
    circle = buffered(Point(lon, lat), metres)
    assert circle.is_valid
    assert area_m2(circle) == pytest.approx(cap_m2(metres), rel=1e-3)


@pytest.mark.parametrize(("lon", "lat", "metres"), CAPS)
def test_a_buffered_speck_of_land_has_the_area_of_a_cap(lon, lat, metres):
    speck = Point(lon, max(lat, -89.999)).buffer(1e-7)
    assert area_m2(buffered(speck, metres)) == pytest.approx(cap_m2(metres), rel=1e-3)


@pytest.mark.parametrize(("lon", "lat", "metres"), CAPS[:3])
def test_the_rim_of_a_buffered_point_lies_at_the_distance(lon, lat, metres):
    rim = shapely.get_coordinates(buffered(Point(lon, lat), metres))
    rim = rim[(np.abs(np.abs(rim[:, 0]) - 180) > 1e-6) & (np.abs(rim[:, 1]) < 90)]
    _, _, distances = GEOD.inv(np.full(len(rim), lon), np.full(len(rim), lat), rim[:, 0], rim[:, 1])
    assert distances == pytest.approx(metres, rel=1e-6)


@pytest.mark.parametrize("metres", [1_000, 50_000])
def test_a_buffered_equator_is_a_strip_with_round_ends(metres):
    length = GEOD.inv(0, 0, 20, 0)[2]
    strip = buffered(LineString([(0, 0), (20, 0)]), metres)
    assert area_m2(strip) == pytest.approx(2 * np.sin(metres / RADIUS_M) * RADIUS_M * length + cap_m2(metres), rel=1e-3)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_wide_polygon_grows_and_shrinks_by_a_strip_along_its_edge(sign):
    country = box(0, -5, 20, 5)
    metres = 10_000
    strip = abs(area_m2(buffered(country, sign * metres)) - area_m2(country))
    perimeter = GEOD.geometry_length(shapely.segmentize(country, 0.01).exterior)
    corners = np.pi * metres**2 if sign > 0 else -4 * metres**2
    assert strip == pytest.approx(perimeter * metres + corners, rel=2e-3)


def test_a_square_in_utm_grows_by_true_metres_and_not_by_grid_metres():
    utm = CRS.from_epsg(32632)
    square = box(5e5, 5e6, 501000, 5001000)
    side = 1000 / 0.9996
    assert area_m2(buffered(square, 100, utm), utm) == pytest.approx(side**2 + 4 * side * 100 + np.pi * 100**2, rel=1e-4)


def test_shrinking_leaves_nothing_of_points_lines_and_narrow_polygons():
    shapes = np.array([Point(0, 0), LineString([(0, 0), (1, 1)]), box(0, 0, 1e-4, 1e-4), None], dtype=object)
    assert buffer(shapes, LONLAT, -100).tolist() == [None, None, None, None]


def test_a_hole_smaller_than_the_buffer_is_filled():
    holed = Polygon(box(0, 0, 0.1, 0.1).exterior, [box(0.05, 0.05, 0.051, 0.051).exterior])
    assert not buffered(holed, 200).interiors


def test_a_buffer_wider_than_its_planes_can_bear_is_refused():
    with pytest.raises(ParameterError, match="too wide"):
        buffered(Point(0, 0), 3_000_000)
