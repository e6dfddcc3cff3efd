"""query_vector with SQL: the rows are those of pandas, geopandas and SQLite; what can be cited comes from data, in its unit."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from shapely.geometry import Point, Polygon, box

from sql_calls import facts, files, query, rows
from tools.contract import Declared, Outcome
from tools.errors import LimitError, MemoryLimitError, MissingCrsError, ParameterError
from tools.registry import load
from tools.sql.grammar import canonical
from tools.storage.sql_engine import run_sql


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return files(tmp_path_factory.mktemp("data"))


def only(data: dict[str, Path], *names: str) -> dict[str, Path]:
    return {name: data[name] for name in names}


# Joins, groups, windows ---------------------------------------------------------------------------------------------


def test_a_table_is_joined_by_an_attribute_and_grouped(tmp_path, data) -> None:
    sql = "select p.label, count(*) clinics, sum(c.beds) beds from clinics c join prices p on c.kind = p.kind group by p.label"
    output = query(tmp_path, only(data, "clinics", "prices"), sql)
    assert rows(output) == [("Ex", 3, 9.0), ("Why", 2, 2.0)]
    assert facts(output) == [
        ("clinics", 3, "count", "Ex"), ("beds", 9.0, "unspecified", "Ex"), ("clinics", 2, "count", "Why"), ("beds", 2.0, "unspecified", "Why"),
    ]  # fmt: skip
    assert output.kind == "table"


def test_layers_in_two_systems_are_joined_by_place_in_that_of_the_first(tmp_path, data) -> None:
    sql = "SELECT d.zone, COUNT(*) AS n FROM clinics c JOIN districts d ON ST_Within(c.geometry, d.geometry) GROUP BY d.zone"
    output = query(tmp_path, only(data, "clinics", "districts"), sql)
    assert rows(output) == [("North", 2), ("South", 1)]
    (moved,) = output.method["transformations"]
    assert (moved["input"], moved["from"], moved["to"]) == ("view districts", "WGS 84 / UTM zone 32N", "WGS 84")
    assert "in clinics, 1 of 5 rows have no geometry and were not measured" in output.warnings


def test_a_feature_without_a_partner_stays_in_a_left_join(tmp_path, data) -> None:
    sql = "SELECT c.name FROM clinics c LEFT JOIN districts d ON ST_Intersects(c.geometry, d.geometry) WHERE d.zone IS NULL"
    assert rows(query(tmp_path, only(data, "clinics", "districts"), sql)) == [("Elm",), ("Fir",)]


def test_a_window_ranks_within_its_part_and_nulls_come_last(tmp_path, data) -> None:
    sql = "SELECT name, kind, RANK() OVER (PARTITION BY kind ORDER BY beds DESC) AS place FROM clinics ORDER BY kind, place"
    assert rows(query(tmp_path, only(data, "clinics"), sql)) == [
        ("Fir", "x", 1), ("Cedar", "x", 2), ("Ash", "x", 3), ("Birch", "y", 1), ("Elm", "y", 2),
    ]  # fmt: skip


def test_areas_are_geodesic_and_only_there_when_named(tmp_path, data) -> None:
    output = query(tmp_path, only(data, "districts"), "SELECT zone, area_m2, perimeter_m FROM districts")
    measured = {fact.name: (fact.value, fact.unit) for fact in output.facts if fact.subject == {"zone": "North"}}
    known = Polygon(box(7, 50, 7.5, 50.5))
    from pyproj import Geod

    area, perimeter = Geod(ellps="WGS84").geometry_area_perimeter(known.segmentize(0.001))
    assert measured["area_m2"] == (pytest.approx(abs(area), rel=1e-4), "m2")  # its edges were straight in degrees
    assert measured["perimeter_m"] == (pytest.approx(perimeter, rel=1e-4), "m")
    everything = query(tmp_path, only(data, "districts"), "SELECT * FROM districts")
    assert list(everything.data["rows"][0]) == ["zone"]
    assert everything.kind == "vector"
    beside = query(tmp_path, only(data, "districts"), "SELECT *, area_m2 / perimeter_m AS depth FROM districts")
    assert list(beside.data["rows"][0]) == ["zone", "depth"]


def test_a_result_with_geometry_is_a_layer_in_its_system(tmp_path, data) -> None:
    output = query(tmp_path, only(data, "districts"), "SELECT zone, geometry FROM districts WHERE zone = 'South'")
    (written,) = tmp_path.glob("call-*/result.parquet")
    frame = gpd.read_parquet(written)
    assert (output.kind, frame.crs.to_epsg(), frame.zone.tolist()) == ("vector", 32632, ["South"])
    assert frame.geometry.iloc[0].equals(gpd.read_parquet(data["districts"]).geometry.iloc[1])
    again = query(tmp_path, {"r": written}, "SELECT COUNT(*) AS n FROM r")
    assert rows(again) == [(1,)]


def test_names_in_any_case_and_with_spaces_are_found(tmp_path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text('Name,"Beds in all",Größe\na,1,2\nb,3,4\n')
    assert rows(query(tmp_path, {"odd": path}, 'SELECT NAME, "Beds in all" AS beds, größe FROM ODD')) == [("a", 1, 2), ("b", 3, 4)]


# What can be cited --------------------------------------------------------------------------------------------------


UNITS: list[tuple[str, str | None]] = [
    ("COUNT(*)", "count"),
    ("COUNT(DISTINCT zone)", "count"),
    ("SUM(area_m2)", "m2"),
    ("MAX(perimeter_m)", "m"),
    ("SUM(area_m2) - MIN(area_m2)", "m2"),
    ("SUM(CASE WHEN zone = 'North' THEN area_m2 ELSE 0 END)", "m2"),
    ("SUM(CASE WHEN area_m2 > 5 THEN 1 ELSE 0 END)", "unspecified"),
    ("ROUND(AVG(area_m2), 2)", "m2"),
    ("SUM(area_m2) / SUM(perimeter_m)", "unspecified"),
    # Numbers of the query, however they get in.
    ("42", None),
    ("42 + COUNT(*)", None),
    ("SUM(area_m2) / 10000", None),
    ("100.0 * COUNT(*) / COUNT(*)", None),
    ("SUM(42)", None),
    ("MAX(1)", None),
    ("MAX(CASE WHEN area_m2 > 0 THEN 42 END)", None),
    ("COALESCE(MAX(NULLIF(area_m2, area_m2)), 42)", None),
    ("CAST('42' AS INT)", None),
    ("LENGTH('of eight')", None),
    ("(SELECT 42 FROM districts LIMIT 1)", None),
    ("GREATEST(COUNT(*), 42)", None),
]
"""Expression → unit of its fact; None where a number of the query goes into it."""


def test_only_numbers_that_come_from_data_are_facts(tmp_path, data) -> None:
    listed = ", ".join(f"{expression} AS c{number}" for number, (expression, _) in enumerate(UNITS))
    output = query(tmp_path, only(data, "districts"), f"SELECT {listed} FROM districts")
    found = {fact.name: fact.unit for fact in output.facts}
    assert [found.get(f"c{number}") for number in range(len(UNITS))] == [unit for _, unit in UNITS]
    assert "cannot be cited" in output.warnings[-1]
    assert not query(tmp_path, only(data, "districts"), "SELECT COUNT(*) AS n FROM districts").warnings


def test_a_constant_of_a_with_query_or_of_a_union_is_no_fact(tmp_path, data) -> None:
    views = only(data, "clinics")
    assert not facts(query(tmp_path, views, "WITH w AS (SELECT name, 42 AS v FROM clinics) SELECT name, v FROM w"))
    for own in (42, 0):
        assert not facts(query(tmp_path, views, f"SELECT name, beds AS v FROM clinics UNION ALL SELECT name, {own} FROM clinics"))
    assert facts(query(tmp_path, views, "WITH w AS (SELECT name, beds AS v FROM clinics) SELECT name, v FROM w WHERE v > 4")) == [
        ("v", 5.0, "unspecified", "Fir")
    ]


def test_keys_of_groups_name_the_rows_and_rows_without_names_are_told_apart(tmp_path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("year,v\n2019,1\n2019,2\n2020,4\n")
    assert facts(query(tmp_path, {"t": path}, "SELECT year, SUM(v) AS v FROM t GROUP BY year")) == [
        ("v", 3, "unspecified", "2019"), ("v", 4, "unspecified", "2020"),
    ]  # fmt: skip
    assert [fact[3:] for fact in facts(query(tmp_path, {"t": path}, "SELECT v FROM t"))] == [("1",), ("2",), ("3",)]


@pytest.mark.parametrize("sql", ["SELECT name FROM clinics WHERE beds > 99", "SELECT COUNT(*) AS n FROM clinics WHERE beds > 99"])
def test_nothing_found_is_a_true_zero_with_its_proof(tmp_path, data, sql: str) -> None:
    output = query(tmp_path, only(data, "clinics"), sql)
    assert output.outcome is Outcome.TRUE_ZERO
    assert [(fact.value, fact.unit) for fact in output.facts] == [(0, "count"), (5, "count")]


def test_layers_that_do_not_reach_each_other_give_no_number(tmp_path, make_layer) -> None:
    views = {
        "here": make_layer([box(0, 0, 1, 1)], columns={"name": ["a"]}, name="here.parquet"),
        "there": make_layer([Point(500_000, 5_500_000)], crs="EPSG:32632", columns={"name": ["b"]}, name="there.parquet"),
    }
    counted = "SELECT COUNT(*) AS n FROM here h JOIN there t ON ST_Intersects(h.geometry, t.geometry)"
    output = query(tmp_path, views, counted)
    assert (output.outcome, output.facts, output.files) == (Outcome.NO_COVERAGE, (), ())
    assert query(tmp_path, {"here": views["here"]}, "SELECT name FROM here WHERE name = 'z'").outcome is Outcome.TRUE_ZERO


def test_a_limit_is_said(tmp_path, data) -> None:
    output = query(tmp_path, only(data, "clinics"), "SELECT name FROM clinics", limit=2)
    assert rows(output) == [("Ash",), ("Birch",)]
    assert "only the first 2 rows are shown, as limited" in output.warnings
    assert not query(tmp_path, only(data, "clinics"), "SELECT name FROM clinics", limit=5).warnings


# Functions ----------------------------------------------------------------------------------------------------------

SCALARS = {
    "ABS(-v)": 2.5, "ROUND(v * 1.01, 1)": 2.5, "FLOOR(v)": 2.0, "CEIL(-v)": -2.0, "SQRT(v * 10)": 5.0, "LN(EXP(v))": 2.5, "POWER(n, 3)": 64,
    "GREATEST(v, n)": 4.0, "LEAST(v, n)": 2.5, "COALESCE(nothing, n)": 4, "NULLIF(n, 4)": None, "LOWER(s)": "ab cd", "UPPER(s)": "AB CD",
    "TRIM(LEFT(s, 3))": "Ab", "RIGHT(s, 2)": "Cd", "LENGTH(s)": 5, "STARTS_WITH(s, 'Ab')": True, "STRPOS(s, 'C')": 4,
    "EXTRACT(MONTH FROM d)": 7, "DATE_PART('year', d)": 2020, "DATE_TRUNC('month', d)": "2020-07-01T00:00:00", "n % 3": 1, "n / 8": 0.5,
    "CAST(v AS BIGINT)": 2, "CAST(n AS DOUBLE)": 4.0, "CAST(n AS TEXT)": "4", "CAST('2020-07-15' AS DATE) = CAST(d AS DATE)": True,
    "d >= '2020-07-15'": True, "CASE s WHEN 'Ab Cd' THEN n END": 4, "s ILIKE '%CD'": True, "s NOT LIKE 'x%'": True, "NOT (n BETWEEN 1 AND 3)": True,
}  # fmt: skip
AGGREGATES = {
    "COUNT(*)": 4, "COUNT(v)": 3, "COUNT(DISTINCT k)": 2, "SUM(v)": 7.0, "AVG(v)": 7 / 3, "MIN(v)": 1.0, "MAX(v)": 4.0, "MEDIAN(v)": 2.0,
    "STDDEV(v)": 1.5275252316519468, "STDDEV_SAMP(v)": 1.5275252316519468, "STDDEV_POP(v)": 1.247219128924647, "VARIANCE(v)": 7 / 3, "VAR_POP(v)": 14 / 9,
    "CORR(v, w)": 1.0, "BOOL_AND(v > 1)": False, "BOOL_OR(v > 3)": True, "COUNT(*) FILTER (WHERE k = 'a')": 2,
}  # fmt: skip
WINDOWS = {
    "ROW_NUMBER() OVER (ORDER BY w)": [1, 2, 3, 4], "RANK() OVER (ORDER BY k)": [1, 3, 1, 3], "DENSE_RANK() OVER (ORDER BY k)": [1, 2, 1, 2],
    "PERCENT_RANK() OVER (ORDER BY w)": [0, 1 / 3, 2 / 3, 1], "CUME_DIST() OVER (ORDER BY w)": [0.25, 0.5, 0.75, 1], "NTILE(2) OVER (ORDER BY w)": [1, 1, 2, 2],
    "LAG(w) OVER (ORDER BY w)": [None, 2, 4, 8], "LEAD(w, 2) OVER (ORDER BY w)": [8, 9, None, None], "FIRST_VALUE(w) OVER (ORDER BY w DESC)": [9, 9, 9, 9],
    "LAST_VALUE(w) OVER (ORDER BY w ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)": [9, 9, 9, 9], "SUM(w) OVER (PARTITION BY k)": [10, 13, 10, 13],
    "AVG(w) OVER (ORDER BY w ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)": [2, 3, 6, 8.5],
}  # fmt: skip


def test_every_function_of_a_value_has_its_value(tmp_path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame(
        {"v": [2.5], "n": [4], "s": ["Ab Cd"], "d": pd.to_datetime(["2020-07-15"]), "nothing": pd.array([None], "Int64")}
    ).to_parquet(path)
    listed = ", ".join(f"{expression} AS c{number}" for number, expression in enumerate(SCALARS))
    (row,) = rows(query(tmp_path, {"t": path}, f"SELECT {listed} FROM t"))
    assert dict(zip(SCALARS, row, strict=True)) == {
        key: pytest.approx(value) if isinstance(value, float) else value for key, value in SCALARS.items()
    }


def test_every_aggregate_and_window_has_its_values(tmp_path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"k": ["a", "b", "a", "b"], "v": [1.0, 2.0, 4.0, None], "w": [2, 4, 8, 9]}).to_parquet(path)
    listed = ", ".join(f"{expression} AS c{number}" for number, expression in enumerate(AGGREGATES))
    (row,) = rows(query(tmp_path, {"t": path}, f"SELECT {listed} FROM t"))
    assert dict(zip(AGGREGATES, row, strict=True)) == {key: pytest.approx(value) for key, value in AGGREGATES.items()}
    listed = ", ".join(f"{expression} AS c{number}" for number, expression in enumerate(WINDOWS))
    columns = zip(*rows(query(tmp_path, {"t": path}, f"SELECT {listed} FROM t ORDER BY w")), strict=True)
    assert {key: list(column) for key, column in zip(WINDOWS, columns, strict=True)} == {
        key: pytest.approx(value) for key, value in WINDOWS.items()
    }


SHAPES = {
    "ST_Intersects": "aeio", "ST_Within": "ei", "ST_Contains": "e", "ST_Covers": "e", "ST_CoveredBy": "ei", "ST_Touches": "a", "ST_Overlaps": "o",
    "ST_Equals": "e", "ST_Disjoint": "d", "ST_Crosses": "",
}  # fmt: skip
"""Predicate → the names of those of five squares that stand so to the square from 0 to 2: beside, equal, inside, overlapping, apart."""


def test_every_spatial_predicate_tells_what_it_says(tmp_path, make_layer) -> None:
    others = [box(2, 0, 3, 1), box(0, 0, 2, 2), box(0.5, 0.5, 1, 1), box(1, 1, 3, 3), box(5, 5, 6, 6)]
    views = {
        "one": make_layer([box(0, 0, 2, 2)], columns={"name": ["square"]}, name="one.parquet"),
        "other": make_layer(others, columns={"name": list("aeiod")}, name="other.parquet"),
    }
    listed = ", ".join(f"{name}(o.geometry, s.geometry) AS c{number}" for number, name in enumerate(SHAPES))
    found = rows(query(tmp_path, views, f"SELECT o.name, {listed} FROM other o CROSS JOIN one s"))
    told = {name: {row[0] for row in found if row[1 + number]} for number, name in enumerate(SHAPES)}
    assert told == {name: set(letters) for name, letters in SHAPES.items()}
    described = "SELECT ST_GeometryType(geometry) AS t, ST_IsEmpty(geometry) AS e, ST_Dimension(geometry) AS d, ST_NumGeometries(geometry) AS g, ST_NPoints(geometry) AS p FROM one"
    assert rows(query(tmp_path, {"one": views["one"]}, described)) == [("ST_Polygon", False, 2, 1, 5)]


# Numbers ------------------------------------------------------------------------------------------------------------


def test_whole_numbers_neither_wrap_around_nor_lose_digits(tmp_path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"id": [2**62, 2**62 + 1, 2**53 + 1], "small": [2, 3, 4]}).to_parquet(path)
    sql = "SELECT SUM(id) AS total, MAX(id) AS largest, MEDIAN(small) AS middle, SUM(small) / COUNT(*) AS mean FROM t WHERE id > 5"
    assert rows(query(tmp_path, {"t": path}, sql)) == [(2**63 + 1 + 2**53 + 1, 2**62 + 1, 3.0, 3.0)]
    assert rows(
        query(tmp_path, {"t": path}, "SELECT small / 4 AS q, small / 0 AS none, small % 0 AS rest, id * 4 AS much FROM t WHERE small = 3")
    ) == [(0.75, None, None, pytest.approx(2.0**64))]
    assert rows(query(tmp_path, {"t": path}, "SELECT MEDIAN(small) AS m FROM t WHERE small < 4")) == [(2.5,)]
    stored = query(tmp_path, {"t": path}, f"SELECT id FROM t WHERE id = {2**62 + 1}")
    assert pyarrow.parquet.read_table(sorted(tmp_path.glob("call-*"))[-1] / stored.files[0])["id"].to_pylist() == [2**62 + 1]


TEXTS = ["it's", "back\\slash", "two\nlines", 'a "quoted" word', "-- no comment", "/*", "\\'", "% _", "\u2019", "'; DROP TABLE t"]


def test_a_text_is_compared_as_it_is_whatever_its_characters(tmp_path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"s": TEXTS, "n": range(len(TEXTS))}).to_parquet(path)
    each = " OR ".join("(n = {} AND s = '{}')".format(number, text.replace("'", "''")) for number, text in enumerate(TEXTS))
    assert sorted(rows(query(tmp_path, {"t": path}, f"SELECT n, s FROM t WHERE {each}"))) == list(enumerate(TEXTS))


def test_what_sql_cannot_hold_is_no_column_and_mixed_values_are_text(tmp_path) -> None:
    path = tmp_path / "t.parquet"
    frame = pd.DataFrame({"kind": pd.Categorical(["a", None]), "day": pd.to_datetime(["2020-02-03", None]), "lists": [[1], [2]]})
    frame.to_parquet(path)
    assert rows(query(tmp_path, {"t": path}, "SELECT *, EXTRACT(YEAR FROM day) AS year FROM t WHERE kind = 'a'")) == [
        ("a", "2020-02-03T00:00:00", 2020)
    ]
    with pytest.raises(ParameterError, match="no column 'lists'"):
        query(tmp_path, {"t": path}, "SELECT lists FROM t")


def test_what_has_no_finite_result_is_left_out_and_said(tmp_path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"v": [4.0, -1.0, None, 0.0]}).to_parquet(path)
    output = query(tmp_path, {"t": path}, "SELECT SQRT(v) AS r, LN(v) AS l FROM t ORDER BY v")
    assert rows(output) == [(None, None), (0.0, None), (2.0, pytest.approx(np.log(4))), (None, None)]
    assert output.warnings == ("3 values have no finite result, e.g. the root of a negative number, and were left out",)
    written = pyarrow.parquet.read_table(next(tmp_path.glob("call-*/result.parquet")))
    assert written["r"].to_pylist() == [None, 0.0, 2.0, None]
    empty = query(tmp_path, {"t": path}, "SELECT v AS all_null FROM t WHERE v IS NULL")
    assert rows(empty) == [(None,)]


def test_a_table_without_rows_has_none(tmp_path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": np.array([], dtype="int64"), "s": np.array([], dtype=object)}).to_parquet(path)
    assert query(tmp_path, {"t": path}, "SELECT a, s FROM t").outcome is Outcome.TRUE_ZERO
    assert rows(query(tmp_path, {"t": path}, "SELECT COUNT(*) AS n, SUM(a) AS s FROM t x JOIN t y USING (a)")) == [(0, None)]


def test_more_rows_than_one_batch_of_the_engine_are_all_there(tmp_path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": np.arange(20_001)}).to_parquet(path)
    assert rows(query(tmp_path, {"t": path}, "SELECT COUNT(*) AS n, SUM(a) AS s, MAX(a) AS m FROM t")) == [(20_001, 200_010_000, 20_000)]


# Order, keys, errors ------------------------------------------------------------------------------------------------


def test_rows_have_one_order_and_ties_are_broken_by_the_other_columns(tmp_path, data) -> None:
    views = only(data, "clinics")
    assert rows(query(tmp_path, views, "SELECT kind, name FROM clinics ORDER BY kind LIMIT 3")) == [
        ("x", "Ash"),
        ("x", "Cedar"),
        ("x", "Fir"),
    ]
    assert rows(query(tmp_path, views, "SELECT name FROM clinics ORDER BY beds DESC LIMIT 1")) == [("Fir",)]
    assert rows(query(tmp_path, views, "SELECT s.name FROM (SELECT name FROM clinics LIMIT 2) s")) == [("Ash",), ("Birch",)]
    path = tmp_path / "t.csv"
    path.write_text("s,n,k\nc,3,1\nb,2,1\na,1,1\nd,1,2\n")  # in no order
    for sql, expected in (
        ("SELECT s, n FROM t", [("a", 1), ("b", 2), ("c", 3), ("d", 1)]),
        ("SELECT n, s FROM t ORDER BY k", [(1, "a"), (2, "b"), (3, "c"), (1, "d")]),
        ("SELECT s FROM (SELECT s FROM t LIMIT 2) x", [("a",), ("b",)]),
        ("WITH w AS (SELECT n, s FROM t ORDER BY k DESC LIMIT 2) SELECT s FROM w", [("a",), ("d",)]),
        ("SELECT DISTINCT n FROM t LIMIT 2", [(1,), (2,)]),
        ("SELECT s FROM t UNION SELECT 'aa' AS s FROM t LIMIT 2", [("a",), ("aa",)]),
    ):
        assert rows(query(tmp_path, {"t": path}, sql)) == expected, sql
    written = [query(tmp_path, data, SPATIAL) and (sorted(tmp_path.glob("call-*"))[-1] / "result.parquet").read_bytes() for _ in range(2)]
    assert written[0] == written[1]


SPATIAL = "SELECT d.zone, SUM(p.price * d.area_m2) AS v FROM clinics c JOIN districts d ON ST_Intersects(c.geometry, d.geometry) JOIN prices p ON p.kind = c.kind GROUP BY d.zone"


def test_spaces_comments_and_the_case_of_keywords_do_not_count() -> None:
    first = "select Name,count( * ) from t where x<>1 -- why\n group by Name;"
    second = "SELECT Name, COUNT(*)\nFROM t /* here */ WHERE x != 1 GROUP BY Name"
    assert canonical(first) == canonical(second) == "SELECT Name, COUNT(*) FROM t WHERE x <> 1 GROUP BY Name"
    params = load("query_vector").params
    assert params(sql=first, views={"t": "d"}) == params(sql=second, views={"t": "d"})


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT nam FROM clinics", r"no column 'nam'\. Nearest: name"),
        ("SELECT c.zone FROM clinics c", "no column 'zone'"),
        ("SELECT name FROM clinics c JOIN clinics d ON c.kind = d.kind", "could not be resolved.*table.column"),
        ("SELECT name FROM clinic", "'clinic', which is no view"),
        ("SELECT ST_Area(geometry) FROM clinics", "square degrees.*area_m2, length_m"),
        ("SELECT ST_Distance(c.geometry, d.geometry) FROM clinics c, clinics d", "query_vector and overlay"),
        ("SELECT name AS n, kind AS n FROM clinics", "several columns named 'n'"),
        ("SELECT CAST(name AS INT) AS n FROM clinics", "The query fails.*Ash.*Types must fit"),
        ("SELECT name FROM clinics ORDER BY geometry", "A geometry may stand only"),
        ("SELECT c.geometry AS a, d.geometry AS b FROM clinics c JOIN clinics d ON c.name = d.name", "2 geometry columns"),
        ("WITH clinics AS (SELECT 1 AS a FROM clinics) SELECT a FROM clinics", "the name of a view"),
        ("SELECT name FROM clinics WHERE EXISTS (SELECT 1 FROM (WITH w AS (SELECT kind FROM clinics) SELECT kind FROM w) s) AND kind IN (SELECT kind FROM w)", "no view here|cannot be understood"),
    ],
)  # fmt: skip
def test_an_error_says_what_is_there(tmp_path, data, sql: str, reason: str) -> None:
    with pytest.raises(ParameterError, match=reason):
        query(tmp_path, only(data, "clinics"), sql)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({}, "give 'layer', or 'sql'"),
        ({"layer": "t", "views": {"t": "t"}}, "give 'layer', or 'sql'"),
        ({"sql": "SELECT name FROM t", "views": {"t": "t"}, "layer": "t"}, "'layer' does not go with 'sql'"),
        ({"sql": "SELECT name FROM t", "views": {"t": "t"}, "group_by": ["name"]}, "'group_by' does not go with 'sql'"),
        ({"sql": "SELECT name FROM t"}, "'t', which is no view"),
    ],
)
def test_sql_and_the_parts_of_a_query_do_not_mix(params: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        load("query_vector").params(**params)


def test_a_layer_without_a_system_serves_its_attributes_but_not_its_places(tmp_path, make_layer) -> None:
    path = make_layer([Point(0, 0)], crs=None, columns={"name": ["a"]}, name="layer.parquet")
    assert rows(query(tmp_path, {"t": path}, "SELECT name FROM t")) == [("a",)]
    for sql in ("SELECT name, geometry FROM t", "SELECT area_m2 FROM t"):
        with pytest.raises(MissingCrsError, match="'t' has no coordinate reference system"):
            query(tmp_path, {"t": path}, sql)
    known = {"t": Declared(crs="EPSG:4326")}
    assert query(tmp_path, {"t": path}, "SELECT name, geometry FROM t", declared=known).kind == "vector"


def test_a_column_of_the_file_named_like_a_measure_stays_what_it_is(tmp_path, make_layer) -> None:
    path = make_layer([box(0, 0, 1, 1)], columns={"area_m2": [7]})
    output = query(tmp_path, {"t": path}, "SELECT area_m2 FROM t")
    assert facts(output) == [("area_m2", 7, "unspecified")]
    assert "is a column of the file" in output.warnings[0]


# Bounds -------------------------------------------------------------------------------------------------------------

FIVE = "SELECT COUNT(*) AS n FROM t a, t b, t c, t d, t e"


@pytest.mark.parametrize(
    ("sql", "allowed"),
    [
        (FIVE, False),
        ("SELECT COUNT(*) AS n FROM t a JOIN t b ON a.id < b.id JOIN t c ON TRUE", False),
        ("SELECT COUNT(*) AS n FROM t a JOIN t b ON a.same = b.same JOIN t c ON c.same = b.same", False),  # equal, but all rows are
        ("WITH w AS (SELECT a.id FROM t a CROSS JOIN t b) SELECT COUNT(*) AS n FROM w x, w y", False),
        ("SELECT COUNT(*) AS n FROM t a WHERE EXISTS (SELECT 1 FROM t b, t c WHERE b.id + c.id > a.id)", False),
        ("SELECT COUNT(*) AS n FROM t a JOIN t b ON a.id = b.id JOIN t c ON c.id = b.id JOIN t d ON d.id = c.id", True),
        ("SELECT COUNT(*) AS n FROM t a, t b WHERE a.id = b.id AND a.same = b.same", True),
        ("WITH w AS (SELECT id, COUNT(*) AS k FROM t GROUP BY id) SELECT COUNT(*) AS n FROM t a JOIN w ON w.id = a.id JOIN t b ON b.id = w.id", True),
        ("SELECT COUNT(*) AS n FROM t a CROSS JOIN (SELECT MAX(id) AS top FROM t) b", True),
        ("SELECT COUNT(*) AS n FROM t a CROSS JOIN (SELECT id FROM t LIMIT 3) b", True),
    ],
)  # fmt: skip
def test_joins_that_may_make_too_many_rows_are_refused_before_they_run(tmp_path, monkeypatch, sql: str, allowed: bool) -> None:
    monkeypatch.setenv("TERRACITE_MAX_SQL_ROWS", "20000")
    path = tmp_path / "t.parquet"
    pd.DataFrame({"id": np.arange(1000), "same": 1}).to_parquet(path)
    if allowed:
        assert rows(query(tmp_path, {"t": path}, sql))[0][0] > 0
    else:
        with pytest.raises(LimitError, match="TERRACITE_MAX_SQL_ROWS"):
            query(tmp_path, {"t": path}, sql)


def test_what_needs_more_memory_than_there_is_is_a_limit() -> None:
    table = pyarrow.table({"v": np.random.default_rng(0).random(500_000)})
    sql = "SELECT COUNT(*) AS n FROM (SELECT v, ROW_NUMBER() OVER (ORDER BY v) AS r FROM t) WHERE r > 5"
    with pytest.raises(MemoryLimitError, match="TERRACITE_WORKER_MEMORY_MB"):
        run_sql(sql, {"t": table}, memory_bytes=3_000_000)
    assert run_sql(sql, {"t": table}, memory_bytes=300_000_000).to_pylist() == [{"n": 499_995}]


# Random tables against SQLite ---------------------------------------------------------------------------------------

CELLS = st.tuples(
    st.sampled_from(["a", "b", "c", None]),
    st.one_of(st.none(), st.integers(-5, 5)),
    st.one_of(st.none(), st.sampled_from([-1.5, 0.0, 0.25, 2.0])),
)
TABLES = st.lists(CELLS, min_size=1, max_size=12)
QUERIES = [
    "SELECT k, COUNT(*) AS n, COUNT(i) AS m, SUM(i) AS s, MIN(f) AS low, MAX(f) AS high FROM t GROUP BY k",
    "SELECT k, i, SUM(f) AS s FROM t WHERE i >= 0 OR f < 1 GROUP BY k, i HAVING COUNT(*) > 1",
    "SELECT t.k, t.i, u.f FROM t JOIN u ON t.k = u.k AND t.i = u.i",
    "SELECT t.k, COUNT(u.k) AS n FROM t LEFT JOIN u ON t.k = u.k GROUP BY t.k",
    "SELECT k FROM t UNION SELECT k FROM u",
    "SELECT i FROM t EXCEPT SELECT i FROM u",
    "SELECT k, i, ROW_NUMBER() OVER (PARTITION BY k ORDER BY i NULLS LAST, f NULLS LAST) AS r, SUM(i) OVER (PARTITION BY k ORDER BY i NULLS LAST, f NULLS LAST ROWS UNBOUNDED PRECEDING) AS s FROM t",
    "SELECT CASE WHEN i > 0 THEN 'up' WHEN i < 0 THEN 'down' ELSE k END AS way, COALESCE(f, i, 0) AS v FROM t WHERE NOT (k = 'a' AND i IN (1, 2, 3))",
    "WITH w AS (SELECT k, AVG(i) AS mean FROM t GROUP BY k) SELECT t.k, t.i FROM t JOIN w ON t.k = w.k WHERE t.i > w.mean",
    "SELECT k, i FROM t WHERE i = (SELECT MAX(i) FROM u) OR EXISTS (SELECT 1 FROM u WHERE u.k = t.k AND u.i = t.i)",
    "SELECT i * 1.0 / NULLIF(f, 0) AS q, i + f AS s, i - f AS d, -i AS m, ABS(i) AS a FROM t",
    "SELECT DISTINCT k, i FROM t WHERE k LIKE 'a%' OR k IS NULL OR i BETWEEN -1 AND 1 ORDER BY i DESC LIMIT 4",
]


def sqlite(sql: str, tables: dict[str, list[Any]]) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(":memory:")
    for name, cells in tables.items():
        connection.execute(f"CREATE TABLE {name} (k TEXT, i INTEGER, f REAL)")
        connection.executemany(f"INSERT INTO {name} VALUES (?, ?, ?)", cells)
    found = connection.execute(sql.replace(" ORDER BY i DESC LIMIT 4", " ORDER BY i DESC NULLS LAST, k NULLS LAST LIMIT 4")).fetchall()
    connection.close()
    return found


def sorted_rows(found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    rounded = [tuple(round(value, 9) if isinstance(value, float) else value for value in row) for row in found]
    return sorted(rounded, key=lambda row: [(value is None, isinstance(value, str), value if value is not None else 0) for value in row])


def agrees(folder: Path, sql: str, t: list[Any], u: list[Any]) -> None:
    tables = {name: cells for name, cells in (("t", t), ("u", u)) if f" {name}" in sql}
    views = {}
    for name, cells in tables.items():
        views[name] = folder / f"{name}.parquet"
        frame = pd.DataFrame(cells, columns=["k", "i", "f"])
        frame.astype({"k": "string", "i": "Int64", "f": "Float64"}).to_parquet(views[name])
    assert sorted_rows(rows(query(folder, views, sql, limit=10_000))) == sorted_rows(sqlite(sql, tables))


@pytest.mark.parametrize("sql", QUERIES[::3])
def test_a_query_gives_the_rows_of_sqlite(tmp_path, sql: str) -> None:
    t = [("a", 1, 0.25), ("a", 1, 2.0), ("a", -2, None), ("b", None, -1.5), (None, 3, 0.0), ("c", 5, 2.0)]
    u = [("a", 1, 0.0), ("b", 3, None), (None, None, 2.0), ("c", 5, -1.5), ("c", 5, 0.25)]
    agrees(tmp_path, sql, t, u)


@pytest.mark.heavy
@pytest.mark.parametrize("sql", QUERIES, ids=range(len(QUERIES)))
@given(t=TABLES, u=TABLES)
def test_every_query_gives_the_rows_of_sqlite_on_random_tables(tmp_path_factory, sql: str, t: list[Any], u: list[Any]) -> None:
    agrees(tmp_path_factory.mktemp("sql"), sql, t, u)


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("predicate", "name"),
    [("intersects", "ST_Intersects"), ("within", "ST_Within"), ("contains", "ST_Contains"), ("touches", "ST_Touches")],
)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_spatial_join_gives_the_pairs_of_geopandas(tmp_path_factory, predicate: str, name: str, seed: int) -> None:
    folder, random = tmp_path_factory.mktemp("sql"), np.random.default_rng(seed)
    layers = {}
    for layer, count in (("a", 30), ("b", 12)):
        corners = random.integers(0, 8, (count, 2))  # on a lattice, so that edges meet
        shapes = [box(x, y, x + w, y + h) for (x, y), (w, h) in zip(corners, random.integers(1, 4, (count, 2)), strict=True)]
        layers[layer] = gpd.GeoDataFrame({"id": range(count)}, geometry=shapes, crs=4326)
        layers[layer].to_parquet(folder / f"{layer}.parquet")
    expected = layers["a"].sjoin(layers["b"], predicate=predicate)[["id_left", "id_right"]]
    sql = f"SELECT a.id AS one, b.id AS other FROM a JOIN b ON {name}(a.geometry, b.geometry)"
    found = query(folder, {layer: folder / f"{layer}.parquet" for layer in layers}, sql, limit=10_000)
    assert rows(found) == sorted(expected.itertuples(index=False, name=None))
