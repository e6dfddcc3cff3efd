"""Longitude and latitude in tables are found by name and understood in every common notation, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from tools.contract import Declared
from tools.errors import DataError
from tools.geo.angles import AxisName, parse_angle
from tools.storage.axis_columns import axis_columns, plane_columns, words_of
from tools.storage.locating import how_located, located
from tools.storage.tables import read_table


def table(tmp_path: Path, text: str) -> Any:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    return read_table(path)


@pytest.mark.parametrize(
    "text",
    [
        "41°53'24\"N", "41° 53′ 24″ N", "41º53’24”N", "N 41° 53' 24\"", "41 53 24", "41:53:24N", "41d53m24sN", "41°53.4'N", "41,89°", "41.89",
        "+41.89", "41° 53' 24'' north", "41d 53m 24s",
    ],
)  # fmt: skip
def test_every_notation_of_an_angle_is_read(text: str) -> None:
    assert parse_angle(text, "latitude") == pytest.approx(3204 / 3600 + 41, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("41 75 2", "below 60"),
        ("41.5 30", "fraction of a degree"),
        ("41 30.5 20", "fraction of a minute"),
        ("12°30' E", "no hemisphere of a latitude"),
        ("-41°53' N", "negative"),
        ("N 41°53' N", "two hemispheres"),
        ("91°", "beyond 90"),
        ("Rome", "no angle"),
        ("41-53-24", "no angle"),  # dates and codes look like this
    ],
)
def test_what_could_be_misread_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_angle(text, "latitude")


@given(degrees=st.integers(0, 89), minutes=st.integers(0, 59), seconds=st.integers(0, 59_999), south=st.booleans())
def test_sexagesimal_and_decimal_say_the_same(degrees: int, minutes: int, seconds: int, south: bool) -> None:
    thousandths = (degrees * 60 + minutes) * 60_000 + seconds
    text = f"{degrees}°{minutes:02}'{seconds / 1000:.3f}\"{'S' if south else 'N'}"
    assert parse_angle(text, "latitude") == pytest.approx((-1 if south else 1) * thousandths / 3_600_000, abs=1e-11)


@pytest.mark.parametrize(
    ("header", "row", "x", "y"),
    [
        ("lat_deg,lat_min,lat_sec,lat_hem,lon_deg,lon_min,lon_sec,lon_hem", "41,53,24,N,12,29,32,E", 12 + 1772 / 3600, 41.89),
        (
            "latitude_d,latitude_m,latitude_s,latitude_h,longitude_d,longitude_m,longitude_s,longitude_h",
            "41,53,24,S,12,30,0,W",
            -12.5,
            -41.89,
        ),
        ("LatDeg,LatMin,LatSec,LonDeg,LonMin,LonSec", "-0,30,0,12,30,0", 12.5, -0.5),  # the sign of a zero counts
        ("lat,lat_min,lon,lon_min", "41,30,12,45", 12.75, 41.5),  # degrees and minutes
        ("lat,lat_min,lat_max,lon,lon_min,lon_max", "41,40,42,12,11,13", 12, 41),  # a point with its box: no minutes
        ("lat,lat_min,lon,lon_min", "41.5,40.1,12.5,11.2", 12.5, 41.5),  # fractions beside: no minutes
        ("Latitude (WGS84),Longitude (WGS84)", "41.5,12.5", 12.5, 41.5),
        ("GPS Lat,GPS Long", "41.5,12.5", 12.5, 41.5),
        ("GPSLat,GPSLong", "41.5,12.5", 12.5, 41.5),
        ("Breitengrad,Längengrad", "41.5,12.5", 12.5, 41.5),
        ("geogr. Breite,geogr. Länge", "41.5,12.5", 12.5, 41.5),
        ("Latitud,Longitud", "41.5,12.5", 12.5, 41.5),
        ("Latitudine,Longitudine", "41.5,12.5", 12.5, 41.5),
        ("Широта,Долгота", "41.5,12.5", 12.5, 41.5),
        ("纬度,经度", "41.5,12.5", 12.5, 41.5),
        ("start_lat,start_lon,lat,lon", "1,2,41.5,12.5", 12.5, 41.5),
        ("lat,lon", "41°30'N,12°30'O\n1,1°W", 12.5, 41.5),  # O beside W is Ost
        ("lat,lon", "41°30'N,12°30'O\n1,1°E", -12.5, 41.5),  # O beside E is Ouest
    ],
)
def test_columns_are_found_by_their_names(tmp_path: Path, header: str, row: str, x: float, y: float) -> None:
    layer = located(table(tmp_path, f"{header}\n{row}\n"), Declared())
    assert layer is not None
    assert layer.crs.to_epsg() == 4326
    assert layer.geometry.iloc[0].coords[0] == pytest.approx((x, y), abs=1e-12)


@pytest.mark.parametrize(
    "header",
    [
        "Länge,Breite",  # of a pond, in metres
        "start_lat,start_lon",  # which place is the row's?
        "lat_max,lon_max",
        "latency,longevity",
        "lat_min,lon_min",
    ],
)
def test_names_that_say_something_else_are_no_coordinates(tmp_path: Path, header: str) -> None:
    assert located(table(tmp_path, f"{header}\n12,8\n"), Declared()) is None


def test_the_order_of_columns_never_matters(tmp_path: Path) -> None:
    one = located(table(tmp_path, "id,latitude,longitude\n1,37.98,23.73\n"), Declared())
    other = located(table(tmp_path, "longitude,id,latitude\n23.73,1,37.98\n"), Declared())
    assert one is not None
    assert other is not None
    assert one.geometry.iloc[0].equals(other.geometry.iloc[0])


def test_rows_that_cannot_be_read_have_no_place_and_are_named(tmp_path: Path) -> None:
    frame = table(tmp_path, "lat,lon\n41°30'N,12°30'E\n41°75'N,12°E\nn/a,12°E\n")
    layer = located(frame, Declared())
    assert layer is not None
    assert layer.geometry.isna().tolist() == [False, True, True]
    (converted_x, converted_y, unread) = how_located(frame, Declared())
    assert "'lon'" in converted_x
    assert "'lat'" in converted_y
    assert "2 of 3 rows have no latitude" in unread
    assert 'row 1: "41°75\'N"' in unread


def test_a_letter_that_means_east_or_west_is_not_guessed(tmp_path: Path) -> None:
    frame = table(tmp_path, "lat,lon\n41°N,12°O\n")
    assert located(frame, Declared()) is None
    assert "East in some languages" in how_located(frame, Declared())[-1]


def test_declared_columns_may_hold_angles(tmp_path: Path) -> None:
    frame = table(tmp_path, "where_e,where_n\n12°30'E,41°30'N\n")
    layer = located(frame, Declared(x_column="where_e", y_column="where_n"))
    assert layer is not None
    assert (layer.geometry.iloc[0].x, layer.geometry.iloc[0].y) == (12.5, 41.5)
    with pytest.raises(DataError, match="hemisphere"):
        located(frame, Declared(x_column="where_n", y_column="where_e"))


def test_long_codes_keep_every_digit(tmp_path: Path) -> None:
    frame = table(tmp_path, "code,n\n9007199254740993,1\n,2\n")
    assert frame["code"].iloc[0] == "9007199254740993"


@pytest.mark.parametrize("pair", [("rechtswert", "Hochwert"), ("X_UTM", "Y_UTM"), ("point_x", "point_y"), ("easting (m)", "northing (m)")])
def test_plane_coordinates_are_found_by_name(pair: tuple[str, str]) -> None:
    assert plane_columns(["id", *reversed(pair)]) == pair


def test_words_of_a_name_are_compared_without_case_and_accents() -> None:
    assert words_of("GPS-Länge") == ("gps", "lange")
    assert words_of("LatDeg") == ("lat", "deg")


@pytest.mark.parametrize("axis", ["longitude", "latitude"])
def test_both_axes_are_needed(axis: AxisName) -> None:
    assert axis_columns([axis, "name"], []) is None


POINT = shapely.Point(5.5, 52.0)


@pytest.mark.parametrize(
    ("header", "cell", "crs"),
    [
        ("geom", POINT.wkt, None),
        ("location", POINT.wkt, None),  # by its content, where it is the only one
        ("geom", f"SRID=28992;{POINT.wkt}", "EPSG:28992"),
        ("the_geom", POINT.wkb_hex, None),
        ("wkb_geometry", shapely.to_wkb(shapely.set_srid(POINT, 4326), hex=True, include_srid=True), "EPSG:4326"),
        ("footprint", shapely.box(0, 0, 1, 1).wkt, None),
    ],
)
def test_geometry_is_read_in_every_common_text(tmp_path: Path, header: str, cell: str, crs: str | None) -> None:
    layer = located(table(tmp_path, f'name,{header}\nA,"{cell}"\nB,\n'), Declared())
    assert layer is not None
    assert (None if layer.crs is None else layer.crs.to_string()) == crs
    expected = shapely.box(0, 0, 1, 1) if header == "footprint" else POINT
    assert layer.geometry.iloc[0].equals(expected)
    assert layer.geometry.iloc[1] is None
    assert list(layer.columns) == ["name", "geometry"]


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("from_wkt;to_wkt", f"{POINT.wkt};{POINT.wkt}"),  # which of them?
        ("note", "POINT of sale"),
        ("hash", "00d41d8cd98f00b204e9800998ecf8427z"),
    ],
)
def test_texts_that_are_no_geometry_or_two_leave_a_table(tmp_path: Path, header: str, cells: str) -> None:
    assert located(table(tmp_path, f"id;{header}\n1;{cells}\n"), Declared()) is None


@pytest.mark.parametrize("cells", [f"SRID=4326;{POINT.wkt}\nSRID=3857;{POINT.wkt}", f"SRID=4326;{POINT.wkt}\n{POINT.wkt}"])
def test_several_reference_systems_in_one_column_are_refused(tmp_path: Path, cells: str) -> None:
    with pytest.raises(DataError, match="several reference systems"):
        located(table(tmp_path, f"geom\n{cells}\n"), Declared())


def test_deep_binary_geometry_is_refused_before_it_is_read(tmp_path: Path) -> None:
    nest = bytes.fromhex("0107000000" + "01000000") * 2000
    with pytest.raises(DataError, match="nested deeper"):
        located(table(tmp_path, f"geom\n{nest.hex()}\n"), Declared())
