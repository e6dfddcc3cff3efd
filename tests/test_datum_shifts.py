"""Going from one datum to another: by a published operation, recorded with its accuracy, or not at all."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import CRS
from shapely import Point

from tools.contract import Source, ToolContext
from tools.errors import DataError
from tools.geo.transform import operation_for, transform, transformation_record
from tools.geo.vicinity import lonlat_bounds
from tools.registry import load
from tools.storage.warp import warped_band
from vector_calls import call, value

WGS84 = CRS.from_epsg(4326)
ROME = 12.452333333333334
"""Longitude of the meridian of Rome, degrees east of Greenwich (EPSG:8906)."""


def points(*places: tuple[float, float]) -> np.ndarray:
    return np.array([Point(place) for place in places], dtype=object)


def helmert(lon: float, lat: float, source: tuple[float, float], shift: tuple[float, ...]) -> tuple[float, float]:
    """Position Vector transformation (EPSG Guidance Note 7-2, section 4.3.3) onto WGS 84, written out; height 0.

    `source`: semi-major axis in metres, inverse flattening; `shift`: tX, tY, tZ in metres, rX, rY, rZ in arc seconds, dS in ppm.
    """
    a, f = source[0], 1 / source[1]
    lam, phi, e2 = np.radians(lon), np.radians(lat), f * (2 - f)
    nu = a / np.sqrt(1 - e2 * np.sin(phi) ** 2)
    xyz = np.array([nu * np.cos(phi) * np.cos(lam), nu * np.cos(phi) * np.sin(lam), nu * (1 - e2) * np.sin(phi)])
    rx, ry, rz = np.radians(np.array(shift[3:6]) / 3600)
    x, y, z = np.array(shift[:3]) + (1 + shift[6] * 1e-6) * np.array([[1, -rz, ry], [rz, 1, -rx], [-ry, rx, 1]]) @ xyz
    a, f = 6378137.0, 1 / 298.257223563
    e2, p = f * (2 - f), np.hypot(x, y)
    phi = np.arctan2(z, p * (1 - e2))
    for _ in range(10):
        phi = np.arctan2(z + e2 * a / np.sqrt(1 - e2 * np.sin(phi) ** 2) * np.sin(phi), p)
    return float(np.degrees(np.arctan2(y, x))), float(np.degrees(phi))


MONTE_MARIO = (-104.1, -49.1, -9.9, 0.971, -2.917, 0.714, -11.68)
"""Monte Mario to WGS 84 (4), EPSG:1660, accuracy 4 m."""


def test_a_datum_with_one_good_operation_follows_its_published_formula():
    (moved,) = transform(points((8.952333333, 45.5)), CRS.from_epsg(4265), WGS84)
    assert (moved.x, moved.y) == pytest.approx(helmert(8.952333333, 45.5, (6378388, 297), MONTE_MARIO), abs=1e-8)


def test_a_datum_with_another_meridian_is_shifted_and_not_only_turned():
    (moved,) = transform(points((8.952333333 - ROME, 45.5)), CRS.from_epsg(4806), WGS84)
    lon, lat = helmert(8.952333333, 45.5, (6378388, 297), MONTE_MARIO)
    assert moved.y == pytest.approx(lat, abs=9e-5)  # 10 m; without a shift it would be 74 m away
    assert moved.x == pytest.approx(lon, abs=3e-4)


def test_the_record_names_the_operation_of_the_place_and_its_accuracy():
    italy = transformation_record("layer", CRS.from_epsg(4265), WGS84, points((8.95, 45.5)))
    assert (italy["operation"], italy["accuracy"]) == ("Monte Mario to WGS 84 (4)", "4 m")
    plains, alaska = (operation_for(CRS.from_epsg(4267), WGS84, points(place)) for place in ((-100.0, 40.0), (-150.0, 65.0)))
    assert plains[0] != alaska[0]
    assert plains[1] is not None
    assert alaska[1] is not None


@pytest.mark.parametrize(
    "nothing", [np.array([], dtype=object), np.array([None]), np.array([Point()])], ids=["no feature", "null", "empty"]
)
def test_the_record_of_nothing_names_no_one_operation(nothing):
    assert operation_for(CRS.from_epsg(4267), WGS84, nothing) == ("the best there is at each place", None)


@pytest.mark.parametrize("code", [4610, 4306, 4308], ids=["Xian 1980", "Bern 1938", "Stockholm 1938"])
def test_a_datum_without_a_known_operation_is_refused_by_name(code):
    with pytest.raises(DataError, match=f"{CRS.from_epsg(code).datum.name}.*accuracy"):
        transform(points((100.0, 35.0)), CRS.from_epsg(code), WGS84)


@pytest.mark.parametrize(
    "crs",
    [
        CRS.from_epsg(4490),  # CGCS2000, centred on the Earth
        CRS.from_epsg(10346),  # the sphere of NSIDC's grids
        CRS.from_proj4("+proj=sinu +R=6371007.181 +units=m"),  # MODIS
        CRS.from_proj4("+proj=utm +zone=32 +ellps=GRS80 +units=m"),  # a datum left out, on the ellipsoid of the satellite age
    ],
    ids=lambda crs: crs.name,
)
def test_datums_that_agree_by_their_making_go_on_working_and_say_that_the_accuracy_is_unknown(crs):
    (moved,) = transform(points((0.0, 40.0)), crs, WGS84)
    assert np.isfinite([moved.x, moved.y]).all()
    assert transformation_record("layer", crs, WGS84, points((0.0, 40.0)))["accuracy"] == "unknown"


def test_a_shift_that_the_file_states_itself_is_applied():
    shift = (598.1, 73.7, 418.2, 0.202, 0.045, -2.455, 6.7)
    stated = CRS.from_proj4(f"+proj=longlat +ellps=bessel +towgs84={','.join(map(str, shift))} +no_defs")
    (moved,) = transform(points((9.0, 50.0)), stated, WGS84)
    assert (moved.x, moved.y) == pytest.approx(helmert(9.0, 50.0, (6377397.155, 299.1528128), shift), abs=1e-8)


def test_an_extent_is_shown_even_where_no_shift_of_datum_is_known():
    assert lonlat_bounds((100.0, 30.0, 101.0, 31.0), CRS.from_epsg(4610)) == pytest.approx((100, 30, 101, 31))


def test_coordinates_of_points_are_given_in_degrees_and_in_the_plane(tmp_path, make_layer):
    place = make_layer([Point(500_000, 5_000_000)], crs="EPSG:32632", columns={"name": ["A"]})
    output = call("query_vector", tmp_path, {"p": place}, layer="p", select=["longitude", "latitude", "x", "y"])
    assert (value(output, "x", feature="A"), value(output, "y", feature="A")) == (500_000, 5_000_000)
    assert value(output, "longitude", feature="A") == pytest.approx(9.0, abs=1e-9)  # the central meridian of the zone
    assert [one.unit for one in output.facts if one.name in ("latitude", "x")] == ["degree", "m"]
    assert not output.warnings


def test_coordinates_from_an_old_datum_say_how_accurate_they_are(tmp_path, make_layer):
    station = make_layer([Point(-3.5, 45.5)], crs="EPSG:4806", columns={"name": ["A"]})
    output = call("query_vector", tmp_path, {"s": station}, layer="s", select=["latitude"])
    assert value(output, "latitude", feature="A") == pytest.approx(45.500669, abs=9e-5)
    assert any("44 m" in warning and "WGS 84" in warning for warning in output.warnings)
    assert output.method["transformations"][0]["accuracy"] == "44 m"


def test_a_column_of_numbers_called_latitude_keeps_its_own_values(tmp_path, make_layer):
    place = make_layer([Point(9, 45)], columns={"name": ["A"], "latitude": [44.0], "longitude": ["9 E"]})
    output = call("query_vector", tmp_path, {"p": place}, layer="p", select=["latitude", "@latitude", "longitude"], order_by="longitude")
    assert [(one.value, one.unit) for one in output.facts if one.name == "latitude"] == [(44.0, "unspecified"), (45.0, "degree")]
    assert value(output, "longitude", feature="A") == 9


def test_polygons_have_no_one_coordinate(tmp_path, make_layer):
    area = make_layer([shapely.box(0, 0, 1, 1)])
    from tools.errors import ParameterError

    with pytest.raises(ParameterError, match="no points"):
        call("query_vector", tmp_path, {"a": area}, layer="a", select=["latitude"])


def reprojected(tmp_path, make_raster, crs: str, west: float):
    image = np.zeros((101, 101), dtype="uint8")
    image[50, 50] = 9
    path = make_raster(image, crs=crs, transform=Affine(1e-4, 0, west - 50.5e-4, 0, -1e-4, 45.5 + 50.5e-4))
    source = Source("r", "raster", path, "xxh3:0")
    grid = GeoBox((220, 220), Affine(1e-5, 0, 8.951, 0, -1e-5, 45.5017), "EPSG:4326")
    band = warped_band(source, 1, grid)
    rows, columns = np.nonzero(band.filled(0) == 9)
    return grid.affine * (columns.mean() + 0.5, rows.mean() + 0.5)


def test_a_raster_on_an_old_datum_is_warped_by_the_published_formula(tmp_path, make_raster):
    place = reprojected(tmp_path, make_raster, "EPSG:4265", 8.952333333)
    assert place == pytest.approx(helmert(8.952333333, 45.5, (6378388, 297), MONTE_MARIO), abs=2e-5)


def test_a_raster_that_gdal_would_not_shift_is_refused(tmp_path, make_raster):
    with pytest.raises(DataError, match=r"without the shift between their datums, \d\d m off"):
        reprojected(tmp_path, make_raster, "EPSG:4806", 8.952333333 - ROME)


def test_data_on_a_datum_without_a_known_operation_is_still_of_use_by_itself(tmp_path, make_layer, make_raster):
    fields = make_layer([shapely.box(108, 34, 108.1, 34.1)], crs="EPSG:4610", columns={"name": ["A"]})
    centre = call("shapes", tmp_path, {"f": fields}, layer="f", operation="centroid")
    assert not [one for one in centre.facts if one.name == "latitude"]
    assert value(call("query_vector", tmp_path, {"f": fields}, layer="f", measures=[{"aggregate": "area"}]), "area") > 0
    heights = make_raster(np.arange(9.0).reshape(3, 3), crs="EPSG:4610", bounds=(108, 34, 108.3, 34.3))
    tool = load("histogram")
    found = tool.run(tool.params(raster="h"), ToolContext(tmp_path, {"h": Source("h", "raster", heights, "xxh3:0")}))
    assert value(found, "x", of="maximum") == pytest.approx(108.25)
    assert not [one for one in found.facts if one.name == "latitude"]
