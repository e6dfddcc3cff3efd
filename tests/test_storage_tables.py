"""Delimited text of many origins becomes typed tables, and layers where it has coordinates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import shapely

from tools.contract import Declared
from tools.errors import DataError, ParameterError
from tools.storage.locating import located
from tools.storage.tables import read_table


def table(tmp_path: Path, text: str | bytes, name: str = "t.csv") -> Any:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path)


@pytest.mark.parametrize(
    "text",
    [
        "name,value\nA,1.5\nB,2\n",
        "name;value\nA;1.5\nB;2\n",
        "name;value\nA;1,5\nB;2\n",  # decimal commas
        "name\tvalue\nA\t1.5\nB\t2\n",
        "name|value\nA|1.5\nB|2\n",
        '"name","value"\r\n"A","1.5"\r\n"B","2"\r\n',
        "\ufeffname,value\nA,1.5\nB,2\n",  # with a byte order mark, as spreadsheets write
        " name , value \n A , 1.5 \n B , 2 \n",
    ],
)
def test_separators_and_decimal_marks_are_found(tmp_path: Path, text: str) -> None:
    assert table(tmp_path, text).to_dict("list") == {"name": ["A", "B"], "value": [1.5, 2.0]}


def test_thousands_are_not_taken_for_decimals_where_points_stand_beside_commas(tmp_path: Path) -> None:
    frame = table(tmp_path, "a;b\n1.5;x,y\n2.5;1,2\n")
    assert frame["a"].tolist() == [1.5, 2.5]
    assert frame["b"].tolist() == ["x,y", "1,2"]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-2", "+3"], "i"),
        (["1", "", "3"], "f"),  # a gap makes whole numbers floats, as in every reader
        (["1.5", "2e3", ".5"], "T"),  # .5 is written by nobody's export: left as it stands
        (["1.", "2.25", "3"], "f"),
        (["007", "012", "1"], "T"),  # codes keep their zeros
        (["NA", "DE", "FR"], "T"),  # Namibia is no gap
        (["true", "FALSE", "True"], "b"),
        (["2020-01-01", "2020-01-02T10:00:00", ""], "M"),
        (["2020-01-01T10:00:00Z", "2020-01-02T10:00:00+02:00", ""], "M"),
        (["12/31/2020", "1/2/2020", ""], "T"),  # nobody can tell day from month
    ],
)
def test_types_follow_the_cells(tmp_path: Path, cells: list[str], kind: str) -> None:
    column = table(tmp_path, "k,v\n" + "".join(f"{number},{cell}\n" for number, cell in enumerate(cells)))["v"]
    assert ("T" if column.dtype.kind in "OT" or str(column.dtype) == "str" else column.dtype.kind) == kind
    assert column.isna().tolist() == [cell == "" for cell in cells]


def test_other_encodings_are_read(tmp_path: Path) -> None:
    assert table(tmp_path, "name,v\nMünchen,1\n".encode("cp1252"))["name"].tolist() == ["München"]


@pytest.mark.parametrize("content", [b"a,b\n1,2,3\n", b"a,b\n1,2\n1,2,3,4\n", b"a\0b", b"\n\n"])
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match=r"t\.csv"):
        table(tmp_path, content)


@pytest.mark.parametrize(
    ("header", "row", "crs"),
    [
        ("lon,lat", "5.5,52", "EPSG:4326"),
        ("Latitude,LONGITUDE", "52,5.5", "EPSG:4326"),
        ("lng,lat", "5.5,52", "EPSG:4326"),
        ("lon,lat", "500000,5000000", None),  # these are no degrees
        ("x,y", "5.5,52", None),
        ("Easting,Northing", "5.5,52", None),
        ("name,wkt", "A,POINT (5.5 52)", None),
        ("name,the_geom", "A,POINT (5.5 52)", None),
    ],
)
def test_coordinates_are_found_by_name_and_only_degrees_have_a_crs(tmp_path: Path, header: str, row: str, crs: str | None) -> None:
    layer = located(table(tmp_path, f"{header}\n{row}\n"), Declared())
    assert layer is not None
    assert (None if layer.crs is None else layer.crs.to_string()) == crs
    if crs:
        assert layer.geometry.iloc[0] == shapely.Point(5.5, 52)


@pytest.mark.parametrize("header", ["a,b", "lon,b", "x,lat", "wkt,b"])
def test_tables_without_coordinates_stay_tables(tmp_path: Path, header: str) -> None:
    assert located(table(tmp_path, f"{header}\n1,2\n"), Declared()) is None


def test_declared_columns_win(tmp_path: Path) -> None:
    frame = table(tmp_path, "lon,lat,e,n,g\n1,2,3,4,POINT (5 6)\n")
    by_pair = located(frame, Declared(x_column="e", y_column="n"))
    by_wkt = located(frame, Declared(geometry_column="g"))
    assert by_pair is not None
    assert by_wkt is not None
    assert by_pair.geometry.iloc[0] == shapely.Point(3, 4)
    assert by_wkt.geometry.iloc[0] == shapely.Point(5, 6)


@pytest.mark.parametrize(
    "declared",
    [Declared(x_column="gone", y_column="lat"), Declared(x_column="lon"), Declared(geometry_column="gone")],
    ids=["gone", "one", "wkt"],
)
def test_declared_columns_must_be_there(tmp_path: Path, declared: Declared) -> None:
    with pytest.raises(ParameterError):
        located(table(tmp_path, "lon,lat\n1,2\n"), declared)


@pytest.mark.parametrize(
    ("text", "declared"), [("k,g\n1,POINT (1 2)\n2,POINT (oops\n", {}), ("a,b\nx,y\n", {"x_column": "a", "y_column": "b"})]
)
def test_coordinates_that_are_none_are_refused(tmp_path: Path, text: str, declared: dict[str, str]) -> None:
    frame = table(tmp_path, text.replace(",g\n", ",wkt\n"))
    with pytest.raises(DataError):
        located(frame, Declared(**declared))


def test_rows_without_coordinates_keep_their_attributes(tmp_path: Path) -> None:
    layer = located(table(tmp_path, "name,lon,lat\nA,5,52\nB,,52\nC,5,\n"), Declared())
    assert layer is not None
    assert layer.geometry.isna().tolist() == [False, True, True]
    assert layer["name"].tolist() == ["A", "B", "C"]
