"""Pixel areas against Karney's geodesic polygons, on grids of every kind."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from affine import Affine
from pyproj import CRS, Geod, Transformer

from tools.errors import DataError
from tools.geo.grid import make_grid, window_grid
from tools.geo.pixels import area_method, area_varies, pixel_area_m2, pixel_area_range_m2, pixel_areas


def geodesic_pixel_area(crs: CRS, transform: Affine, row: int, col: int) -> float:
    """The area of one pixel by Karney's algorithm: its edges cut to 64 pieces and joined by geodesics."""
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)], dtype=float)
    steps = np.linspace(0, 1, 64, endpoint=False)[:, None]
    ring = np.concatenate([start + (end - start) * steps for start, end in pairwise(corners)])
    x, y = transform * (col + ring[:, 0], row + ring[:, 1])
    geodetic = crs if crs.is_geographic else crs.geodetic_crs
    lon, lat = Transformer.from_crs(crs, geodetic, always_xy=True).transform(x, y)
    to_degrees = np.degrees(geodetic.axis_info[0].unit_conversion_factor)
    ellipsoid = crs.ellipsoid
    area, _ = Geod(a=ellipsoid.semi_major_metre, b=ellipsoid.semi_minor_metre).polygon_area_perimeter(lon * to_degrees, lat * to_degrees)
    return abs(area)


GRIDS = [
    pytest.param("EPSG:4326", Affine(0.25, 0, -30, 0, -0.25, 89), 100, 80, 1e-5, id="degrees near the pole"),
    pytest.param("EPSG:4326", Affine(1e-4, 0, 7, 0, -1e-4, 46), 60, 60, 1e-6, id="fine degrees"),
    pytest.param("EPSG:4326", Affine(0.01, 0, 7, 0, 0.01, 46), 60, 60, 1e-6, id="degrees, south-up"),
    pytest.param("EPSG:4326", Affine(0.01, 0.004, 7, 0.003, -0.01, 46), 60, 60, 1e-6, id="degrees, rotated"),
    pytest.param("EPSG:4326", Affine(0.01, 0, 179.7, 0, -0.01, 46), 60, 60, 1e-6, id="degrees across the antimeridian"),
    pytest.param("EPSG:32632", Affine(100, 0, 300_000, 0, -100, 5_100_000), 300, 2000, 1e-6, id="UTM"),
    pytest.param("EPSG:32632", Affine(80, 60, 300_000, 60, -80, 5_100_000), 300, 300, 1e-6, id="UTM, rotated"),
    pytest.param("EPSG:32601", Affine(100, 0, 166_000, 0, -100, 5_100_000), 30, 300, 1e-6, id="UTM at the antimeridian"),
    pytest.param("EPSG:3857", Affine(500, 0, 1e6, 0, -500, 9e6), 400, 400, 1e-6, id="Web Mercator"),
    pytest.param("EPSG:28992", Affine(5, 0, 180_000, 0, -5, 510_000), 50, 50, 1e-6, id="oblique stereographic"),
    pytest.param("EPSG:27572", Affine(1000, 0, 600_000, 0, -1000, 2_400_000), 40, 40, 1e-6, id="grads and the meridian of Paris"),
    pytest.param("EPSG:2263", Affine(100, 0, 900_000, 0, -100, 200_000), 40, 40, 1e-6, id="US survey feet"),
    pytest.param("EPSG:3413", Affine(1000, 0, -20_500, 0, -1000, 20_500), 41, 41, 1e-5, id="around the pole"),
    pytest.param("EPSG:6933", Affine(25_000, 0, 0, 0, -25_000, 6_000_000), 100, 40, 1e-5, id="equal area"),
]


@pytest.mark.parametrize(("crs", "transform", "height", "width", "tolerance"), GRIDS)
def test_pixel_area_is_the_geodesic_area(crs, transform, height, width, tolerance) -> None:
    crs = CRS(crs)
    areas = np.broadcast_to(pixel_area_m2(make_grid(crs, transform, height, width)), (height, width))
    for row, col in [(0, 0), (height - 1, width - 1), (height // 2, width // 3), (height // 7, width - 1)]:
        assert areas[row, col] == pytest.approx(geodesic_pixel_area(crs, transform, row, col), rel=tolerance)


def test_pixels_of_the_whole_earth_have_the_area_of_the_ellipsoid() -> None:
    grid = make_grid(CRS("EPSG:4326"), Affine(0.5, 0, -180, 0, -0.5, 90), 360, 720)
    total = float(np.broadcast_to(pixel_area_m2(grid), (360, 720)).sum())
    assert total == pytest.approx(510_065_621_724_088.4, rel=1e-12)  # WGS 84: GeographicLib's Geodesic::EllipsoidArea


def test_rows_that_reach_beyond_the_pole_end_at_it() -> None:
    centred = make_grid(CRS("EPSG:4326"), Affine(0.5, 0, -180.25, 0, -0.5, 90.25), 361, 720)
    total = float(np.broadcast_to(pixel_area_m2(centred), (361, 720)).sum())
    assert total == pytest.approx(510_065_621_724_088.4, rel=1e-12)


def test_pixels_outside_the_projection_cover_no_ground() -> None:
    crs, transform = CRS("ESRI:54009"), Affine(1e5, 0, -18e6, 0, -1e5, 9e6)
    areas = np.broadcast_to(pixel_area_m2(make_grid(crs, transform, 180, 360)), (180, 360))
    assert areas[0, 0] == 0
    # Not 1e10: PROJ's Mollweide takes the ellipsoid for a sphere, so that it is not quite equal-area.
    assert areas[90, 180] == pytest.approx(geodesic_pixel_area(crs, transform, 90, 180), rel=1e-5)


def test_a_window_has_the_areas_of_its_part_of_the_grid() -> None:
    grid = make_grid(CRS("EPSG:3857"), Affine(10_000, 0, 0, 0, -10_000, 9e6), 300, 40)
    whole = np.broadcast_to(pixel_area_m2(grid), grid.shape)
    part = np.broadcast_to(pixel_area_m2(window_grid(grid, (100, 5, 30, 20))), (30, 20))
    np.testing.assert_allclose(part, whole[100:130, 5:25], rtol=3e-6)


def test_one_pixel_has_an_area() -> None:
    grid = make_grid(CRS("EPSG:32632"), Affine(10, 0, 500_000, 0, -10, 5_000_000), 1, 1)
    assert pixel_area_m2(grid).item() == pytest.approx(100 / 0.9996**2, rel=1e-9)


@pytest.mark.parametrize(
    ("crs", "transform", "varies"),
    [
        ("EPSG:4326", Affine(0.001, 0, 5, 0, -0.001, 46), False),  # 0.02 degrees of latitude at 46 N: 0.04 %
        ("EPSG:4326", Affine(0.005, 0, 5, 0, -0.005, 46), True),
        ("EPSG:6933", Affine(25_000, 0, 0, 0, -25_000, 6_000_000), False),
        ("EPSG:32632", Affine(10, 0, 500_000, 0, -10, 5_000_000), False),
        ("EPSG:3857", Affine(10_000, 0, 0, 0, -10_000, 6_000_000), True),
    ],
)
def test_area_varies_beyond_a_tenth_of_a_percent(crs, transform, varies) -> None:
    assert area_varies(make_grid(CRS(crs), transform, 20, 20)) is varies


def test_the_range_holds_the_smallest_and_the_largest_pixel() -> None:
    grid = make_grid(CRS("EPSG:32632"), Affine(1000, 0, 300_000, 0, -1000, 5_100_000), 200, 400)
    areas = pixel_area_m2(grid)
    assert pixel_area_range_m2(grid) == pytest.approx((areas.min(), areas.max()), rel=1e-6)


def test_a_crs_without_the_earth_is_refused() -> None:
    local = CRS('LOCAL_CS["site",UNIT["metre",1]]')
    with pytest.raises(DataError, match="has no ellipsoid"):
        pixel_area_m2(make_grid(local, Affine(1, 0, 0, 0, -1, 0), 2, 2))


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:4326", Affine(0.5, 0, 5, 0, -0.5, 60)),
        ("EPSG:3857", Affine(10_000, 0, 0, 0, -10_000, 9e6)),
        ("EPSG:32632", Affine(9_000, 0, 200_000, 0, -9_000, 5_100_000)),
        ("EPSG:6933", Affine(25_000, 0, 0, 0, -25_000, 6e6)),
        ("EPSG:3413", Affine(50_000, 0, -2e6, 0, 50_000, -2e6)),
        ("EPSG:32632", Affine.translation(500_000, 5e6) @ Affine.rotation(33) @ Affine.scale(900, -900)),
    ],
)
def test_areas_of_runs_and_of_single_pixels_are_those_of_the_whole_array(crs, transform) -> None:
    areas = pixel_areas(make_grid(CRS(crs), transform, 61, 73))
    dense = np.broadcast_to(areas.dense(), (61, 73))
    rng = np.random.default_rng(1)
    rows, (starts, ends) = rng.integers(0, 61, 200), np.sort(rng.integers(0, 74, (2, 200)), axis=0)
    expected = [dense[row, start:end].sum() for row, start, end in zip(rows, starts, ends, strict=True)]
    np.testing.assert_allclose(
        areas.along(rows, np.minimum(starts, 72), ends)[starts < 73], np.array(expected)[starts < 73], rtol=1e-12, atol=1e-3
    )
    cols = rng.integers(0, 73, 200)
    np.testing.assert_allclose(areas.at(rows, cols), dense[rows, cols], rtol=1e-12)


def test_the_method_says_why_the_map_is_not_measured() -> None:
    assert "degrees are no measure" in area_method(make_grid(CRS("EPSG:4326"), Affine(0.1, 0, 5, 0, -0.1, 46), 5, 5))
    # At 60 degrees of latitude Web Mercator shows four times the area.
    assert "off by up to 3e+02 %" in area_method(make_grid(CRS("EPSG:3857"), Affine(10, 0, 0, 0, -10, 8_399_738), 5, 5))
    # Near the central meridian a UTM zone shows lengths 0.04 % too short.
    assert "off by up to 0.08 %" in area_method(make_grid(CRS("EPSG:32632"), Affine(10, 0, 500_000, 0, -10, 5_000_000), 5, 5))
