"""What is written in a format and read again is the same, but for what the format cannot hold, and that is told."""

from __future__ import annotations

import datetime
import string
import tempfile
from pathlib import Path
from typing import Any, get_args

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tools.contract import Declared, Source
from tools.storage.format_limits import FORMATS, VectorFormat
from tools.storage.vector_files import GEOJSON_DECIMALS, write_file
from tools.storage.vectors import layer_names, read_rows

ROUNDED = {"geojson": 0.6 * 10.0**-GEOJSON_DECIMALS, "kml": 1e-12}
"""Degrees by which coordinates may move; KML has 15 digits."""
DIGITS = {"kml": 1e-14, "shapefile": 1e-9}
"""Share of a real number that may be lost."""

DEGREES = st.tuples(st.floats(-179, 178), st.floats(-89, 88))
WHOLE = st.integers(-(2**31) + 1, 2**31 - 1)
REALS = st.floats(-1e12, 1e12).filter(lambda value: value == 0 or abs(value) > 1e-3)
TEXTS = st.text(string.ascii_letters + "äßÅЖ漢 \"',;&<>é", max_size=40).map(lambda text: f"x{text.strip()}x")
DAYS = st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 1, 1))
TIMES = st.datetimes(*map(datetime.datetime.fromisoformat, ("1970-01-01", "2100-01-01"))).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)


def triangle(corner: tuple[float, float]) -> shapely.Polygon:
    x, y = corner
    return shapely.Polygon([(x, y), (x + 0.7, y), (x + 0.2, y + 0.9)])


def line(corner: tuple[float, float]) -> shapely.LineString:
    x, y = corner
    return shapely.LineString([(x, y), (x + 0.3, y + 0.4), (x + 0.6, y)])


SHAPES = {"points": shapely.Point, "lines": line, "polygons": triangle}


@st.composite
def layers(draw: st.DrawFn) -> gpd.GeoDataFrame:
    """Draw a layer of one kind of geometry, with gaps in every column and in the geometry."""
    rows, make = draw(st.integers(1, 6)), SHAPES[draw(st.sampled_from(sorted(SHAPES)))]

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(st.none() | values, min_size=rows, max_size=rows))

    columns = {
        "whole": pd.array(column(WHOLE), dtype="Int64"),
        "reals": pd.array(column(REALS), dtype="float64"),
        "texts": pd.Series(column(TEXTS), dtype="object"),
        "truth": pd.Series(draw(st.lists(st.booleans(), min_size=rows, max_size=rows))),
        "days": pd.to_datetime(pd.Series(column(DAYS), dtype="object")).astype("datetime64[ms]"),
        "times": pd.Series(column(TIMES), dtype="datetime64[ms]"),
    }
    shapes = [None if corner is None else make(corner) for corner in column(DEGREES)]
    return gpd.GeoDataFrame({"key": range(rows), **columns}, geometry=shapes, crs=4326)


def there_and_back(form: VectorFormat, frame: gpd.GeoDataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Write and read; return the rows in their first order under their first names, and what was told."""
    with tempfile.TemporaryDirectory() as folder:
        names, made = write_file(Path(folder), "x", frame, form, "features")
        declared = Declared(crs="EPSG:4326")
        back = read_rows(Source("", "vector", Path(folder) / names[0], "", declared=declared))
    back = back.rename(columns={new: old for old, new in made.names.items()})
    return back.sort_values("key").reset_index(drop=True), made.changes


def same(form: str, kind: str, before: Any, after: Any) -> bool:
    """Compare two cells; a time that a format has only as text is compared as what the text says."""
    if pd.isna(before) or pd.isna(after):
        return bool(pd.isna(before) and pd.isna(after))
    if kind == "reals":
        return abs(float(after) - before) <= DIGITS.get(form, 0) * abs(before)
    if kind in ("days", "times"):
        return pd.Timestamp(before) == pd.Timestamp(after)
    return str(before) == str(int(after) if kind == "whole" else after)


@pytest.mark.parametrize("form", get_args(VectorFormat))
@settings(max_examples=3, deadline=None)
@given(frame=layers())
def test_layers_come_back_as_they_were(form: VectorFormat, frame: gpd.GeoDataFrame) -> None:
    check_round_trip(form, frame)


@pytest.mark.heavy
@pytest.mark.parametrize("form", get_args(VectorFormat))
@settings(max_examples=30, deadline=None)
@given(frame=layers())
def test_many_layers_come_back_as_they_were(form: VectorFormat, frame: gpd.GeoDataFrame) -> None:
    check_round_trip(form, frame)


def check_round_trip(form: VectorFormat, frame: gpd.GeoDataFrame) -> None:
    assume(form != "csv" or frame.geometry.notna().any())  # a table without any coordinate is no layer
    back, told = there_and_back(form, frame)
    assert len(back) == len(frame)
    for kind in ("whole", "reals", "texts", "truth", "days", "times"):
        pairs = zip(frame[kind].tolist(), back[kind].tolist() if kind in back else [None] * len(frame), strict=True)
        wrong = [pair for pair in pairs if not same(form, kind, *pair)]
        assert not wrong, (kind, told)
    before, after = frame.geometry.to_numpy(), back.geometry.to_numpy()
    missing = shapely.is_missing(before)
    assert (missing == shapely.is_missing(after)).all()
    apart = shapely.hausdorff_distance(before[~missing], after[~missing])
    assert (apart <= ROUNDED.get(form, 0.0)).all()
    assert (shapely.get_type_id(before[~missing]) == shapely.get_type_id(after[~missing])).all()


@pytest.mark.parametrize("form", get_args(VectorFormat))
def test_an_empty_layer_and_one_without_columns_are_written(tmp_path: Path, form: VectorFormat) -> None:
    empty = gpd.GeoDataFrame({"n": np.array([], "int64")}, geometry=[], crs=4326)
    bare = gpd.GeoDataFrame(geometry=[shapely.Point(1, 2)], crs=4326)
    for name, frame in (("empty", empty), ("bare", bare)):
        names, _ = write_file(tmp_path, name, frame, form, "features")
        back = read_rows(Source("", "vector", tmp_path / names[0], "", declared=Declared(crs="EPSG:4326")))
        assert len(back) == len(frame)


@pytest.mark.parametrize("form", sorted(set(get_args(VectorFormat)) - {"shapefile"}))
def test_points_lines_polygons_and_collections_stand_in_one_layer(form: VectorFormat) -> None:
    shapes = [
        shapely.Point(1, 2),
        shapely.MultiPoint([(1, 2), (3, 4)]),
        line((1, 2)),
        shapely.Polygon([(0, 0), (3, 0), (3, 3), (0, 3)], [[(1, 1), (1, 2), (2, 2), (2, 1)]]),
        shapely.MultiPolygon([triangle((0, 0)), triangle((5, 5))]),
        shapely.GeometryCollection([shapely.Point(1, 2), line((3, 4))]),
    ]
    back, _ = there_and_back(form, gpd.GeoDataFrame({"key": range(len(shapes))}, geometry=shapes, crs=4326))
    assert all(one.equals(other) for one, other in zip(shapes, back.geometry, strict=True))


@pytest.mark.heavy
@pytest.mark.parametrize("crs", ["EPSG:32632", "EPSG:3035", "EPSG:2263", "ESRI:102001", "EPSG:4269", "EPSG:3857"])
@pytest.mark.parametrize("form", ["gpkg", "shapefile", "flatgeobuf", "geoparquet"])
def test_a_crs_comes_back_as_the_same(tmp_path: Path, form: VectorFormat, crs: str) -> None:
    frame = gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.Point(1, 2)], crs=crs)
    names, _ = write_file(tmp_path, "x", frame, form, "features")
    assert read_rows(Source("", "vector", tmp_path / names[0], "")).crs.equals(frame.crs, ignore_axis_order=True)


def test_three_coordinates_come_back(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"key": [0]}, geometry=[shapely.LineString([(1, 2, 30), (2, 3, 40)])], crs=4326)
    for form in FORMATS:
        back, _ = there_and_back(form, frame)
        assert shapely.get_coordinates(back.geometry.to_numpy(), include_z=True).tolist() == [[1, 2, 30], [2, 3, 40]]


@pytest.mark.parametrize(
    ("form", "lost"), [("shapefile", "2 texts are empty or end"), ("kml", "control characters"), ("csv", "empty or end")]
)
def test_what_a_format_loses_of_texts_is_told(tmp_path: Path, form: VectorFormat, lost: str) -> None:
    frame = gpd.GeoDataFrame({"t": ["", "end  ", "a\x01b"]}, geometry=[shapely.Point(0, 0)] * 3, crs=4326)
    _, made = write_file(tmp_path, "x", frame, form, "features")
    assert any(lost in change for change in made.changes)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["antimeridian_across", "antimeridian_split", "antimeridian_right-edge"])
@pytest.mark.parametrize("form", ["geojson", "kml"])
def test_real_layers_at_the_antimeridian_are_split_there(tmp_path: Path, shared_data: Path, form: VectorFormat, name: str) -> None:
    frame = read_rows(Source("", "vector", shared_data / "awkward" / f"{name}.geojson", ""))
    names, _ = write_file(tmp_path, "x", frame, form, "features")
    back = read_rows(Source("", "vector", tmp_path / names[0], ""))
    assert back.total_bounds[0] >= -180
    assert back.total_bounds[2] <= 180
    assert shapely.area(back.geometry.to_numpy()).sum() == pytest.approx(shapely.area(frame.geometry.to_numpy()).sum(), rel=1e-6)


def test_the_layer_keeps_its_name_where_a_format_names_layers(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.Point(1, 2)], crs=4326)
    write_file(tmp_path, "x", frame, "gpkg", "roads")
    write_file(tmp_path, "x", frame, "gpkg", "rivers")
    assert layer_names(tmp_path / "x.gpkg") == ("roads", "rivers")


@pytest.mark.heavy
@pytest.mark.realdata
@pytest.mark.parametrize("form", get_args(VectorFormat))
def test_real_layers_come_back_with_every_feature_and_all_of_their_area(tmp_path: Path, shared_data: Path, form: VectorFormat) -> None:
    suffixes = (".geojson", ".gpkg", ".shp", ".fgb", ".parquet", ".json")
    files = [file for file in sorted((shared_data / "vectors").rglob("*")) if file.suffix in suffixes]
    for number, (path, layer) in enumerate((file, name) for file in files for name in layer_names(file)):
        frame = read_rows(Source("", "vector", path, "", layer))
        if FORMATS[form].degrees_only:
            frame = frame.to_crs(4326)
        names, _ = write_file(tmp_path, str(number), frame, form, "features")
        back = read_rows(Source("", "vector", tmp_path / names[0], "", declared=Declared(crs=frame.crs.to_wkt())))
        assert len(back) == len(frame), path.name
        there, here = (shapely.is_missing(each) | shapely.is_empty(each) for each in (back.geometry.to_numpy(), frame.geometry.to_numpy()))
        assert there.sum() == here.sum(), path.name
        areas = [shapely.area(shapely.make_valid(each.geometry.dropna().to_numpy())).sum() for each in (back, frame)]
        assert areas[0] == pytest.approx(areas[1], rel=1e-5), path.name  # tiny polygons of degrees with seven decimals
