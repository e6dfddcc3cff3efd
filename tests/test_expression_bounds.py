"""Expressions and filters from outside: whatever the text, a result that another evaluation confirms or a ParameterError."""

from __future__ import annotations

import operator
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pyproj import CRS

from tools.arithmetic.expression import evaluate
from tools.arithmetic.quantity import Quantity
from tools.contract import Declared
from tools.errors import DataError, ParameterError
from tools.geo.arithmetic_text import MAX_DEPTH, parse_arithmetic
from tools.geo.band_math import calculate
from tools.geo.wkt import from_wkt
from tools.geotypes import Condition, Reference, Where, norm_crs
from tools.memo.canonical import Marked
from tools.memo.inputs import Resolver
from tools.storage.conditions import matching
from tools.storage.stac_query import parse_span
from vector_calls import call, measures, value

BAND = np.ma.MaskedArray(np.array([2.0, 3.0]))
QUANTITIES = {"a": Quantity(7.0, None), "b": Quantity(0.5, None)}

HOSTILE = [
    "9**9**9 + a" * 200,  # long
    "(" * 10_000 + "a" + ")" * 10_000,
    "(" * 150 + "a" + ")" * 150 + "+(",
    "-" * 5_000 + "a",
    "~" * 1_500 + "(a > 1)",  # deeper than Python's own recursion limit
    "not " * 400 + "(a > 1)",
    "a" + " + a" * (MAX_DEPTH + 1),
    "a * " + "9" * 5_000,  # Python itself refuses to read such integers
    "a * 1e999",
    "a * 1e-999",  # would become 0
    "a * \u0661",  # ARABIC-INDIC DIGIT ONE
    "\uff41 * 2",  # FULLWIDTH LATIN SMALL LETTER A: Python reads it as a
    "a * 1_000",
    "a * 0x10",
    "a * 1j",
    "a # + b",
    "a\\\n+ a",
    "a.__class__.__mro__",
    "__import__('os')",
    "a\x00",
    "\ud800",
    "a" * 2_001,
    "`a`",
    "a $ a",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_text_beyond_the_grammar_or_its_bounds_is_refused_shortly(text: str) -> None:
    for refusing in (lambda: calculate(text, {"a": BAND}), lambda: evaluate(text, {"a": QUANTITIES["a"]})):
        with pytest.raises(ParameterError) as refusal:
            refusing()
        assert refusal.value.hint
        assert len(refusal.value.message) < 400


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a" + " + a" * (MAX_DEPTH - 1), 2.0 * MAX_DEPTH),  # the deepest that is read
        ("(" * 90 + "a" + ")" * 90, 2.0),
        ("a * 1.5e-3 + .5 - 2.", 2 * 0.0015 + 0.5 - 2),
        ("where((a > 1) & ~(a == 3), a, 0)", 2.0),
        (" a\t+\n1", None),  # a line break outside parentheses ends an expression
    ],
)
def test_what_people_write_is_still_read(text: str, value: float | None) -> None:
    if value is None:
        with pytest.raises(ParameterError):
            calculate(text, {"a": BAND})
    else:
        assert calculate(text, {"a": BAND}).values[0] == pytest.approx(value)


ANY_TEXT = st.one_of(
    st.text(alphabet="ab01\uff41\u0661\ud800\x00\u2028\u00e9.+-*/<>=&|~()[]{}, \"'_:;@%^!\n\\e", max_size=60),
    st.lists(
        st.sampled_from(["a", "b", "(", ")", "+", "-", "*", "/", "**", "~", "not ", "1e9", "0.5", ",", "sqrt", "share", "sum", "<"])
    ).map("".join),
)


@given(ANY_TEXT)
def test_no_text_raises_anything_but_our_own_errors(text: str) -> None:
    for evaluating in (
        lambda: calculate(text, {"a": BAND, "b": BAND}),
        lambda: evaluate(text, {name: each for name, each in QUANTITIES.items() if name in text}),
        lambda: parse_span(text),
    ):
        try:
            evaluating()
        except (ParameterError, DataError):
            continue


OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
TREES = st.recursive(
    st.sampled_from("ab"),
    lambda inner: st.tuples(inner, st.sampled_from(sorted(OPERATORS)), inner) | st.tuples(st.just("-"), inner),
    max_leaves=12,
)


def written(tree: Any) -> str:
    if isinstance(tree, str):
        return tree
    return f"-({written(tree[1])})" if len(tree) == 2 else f"({written(tree[0])}) {tree[1]} ({written(tree[2])})"


def exactly(tree: Any, values: dict[str, Fraction]) -> Fraction:
    """Evaluate a tree in fractions; raises ZeroDivisionError."""
    if isinstance(tree, str):
        return values[tree]
    if len(tree) == 2:
        return -exactly(tree[1], values)
    return Fraction(OPERATORS[tree[1]](exactly(tree[0], values), exactly(tree[2], values)))


@given(TREES, st.integers(-8, 8), st.sampled_from([Fraction(1, 4), Fraction(-3, 2), Fraction(5), Fraction(0)]))
def test_an_accepted_expression_has_the_value_of_exact_fractions(tree: Any, a: int, b: Fraction) -> None:
    text, used = written(tree), {name for name in "ab" if name in written(tree)}
    try:
        expected: float | None = float(exactly(tree, {"a": Fraction(a), "b": b}))
    except ZeroDivisionError:
        expected = None
    floats = {"a": float(a), "b": float(b)}
    by_band = calculate(text, {name: np.ma.MaskedArray(np.array([floats[name]])) for name in used}).values[0]
    try:
        by_quantity: float | None = evaluate(text, {name: Quantity(floats[name], None) for name in used}).value
    except DataError:
        by_quantity = None
    if (
        expected is not None and by_quantity is not None and by_band is not np.ma.masked
    ):  # a float may reach 0 or infinity where a fraction does not
        assert by_quantity == pytest.approx(expected, rel=1e-9, abs=1e-9)
        assert float(by_band) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    if expected is None:
        assert by_quantity is None or abs(by_quantity) > 1e12  # a divisor that rounding left beside 0
    assert parse_arithmetic(text, "").body is not None


# Filters ------------------------------------------------------------------------------------------------------------

FRAME = pd.DataFrame(
    {
        "id": [2**53, 2**53 + 1, 3],
        "size": [1.5, None, 3.0],
        "name": ["a", "B", None],
        "open": [True, False, True],
        "day": pd.to_datetime(["2020-01-01", "2021-01-01", None]),
    }
)
VALUES = st.one_of(
    st.integers(), st.floats(allow_nan=False), st.booleans(), st.text(alphabet="a1.\u0661\ud800\x00-:T\u0130", max_size=20),
    st.sampled_from(["now", "today", "nan", "inf", "1_0", "\u0661", "9" * 5000, "1e999", "2020-13-01", "9999-12-31", "99999-01-01", "2020Q1"]),
)  # fmt: skip


@given(st.sampled_from(list(FRAME)), st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "in", "not in", "contains"]), VALUES)
def test_no_value_of_a_filter_raises_anything_but_a_parameter_error(column: str, op: Any, value: Any) -> None:
    try:
        kept = matching(FRAME, Where(conditions=[Condition(column=column, op=op, value=[value] if "in" in (op, op[4:]) else value)]))
    except (ParameterError, ValidationError):
        return
    assert kept.shape == (3,)


@pytest.mark.parametrize(("op", "expected"), [("=", [1]), ("in", [1]), ("<", [0, 2]), (">=", [1])])
@pytest.mark.parametrize("value", [2**53 + 1, str(2**53 + 1)])
def test_identifiers_beyond_the_digits_of_a_float_are_told_apart(op: Any, expected: list[int], value: Any) -> None:
    condition = Condition(column="id", op=op, value=[value] if op == "in" else value)
    assert np.flatnonzero(matching(FRAME, Where(conditions=[condition]))).tolist() == expected


@pytest.mark.parametrize("moment", ["now", "today", "2020Q1", "1 Jan 2020", "20:15"])
def test_a_date_is_iso_8601_and_never_the_time_of_the_call(moment: str) -> None:
    with pytest.raises(ParameterError, match="the column is a date"):
        matching(FRAME, Where(conditions=[Condition(column="day", op="<", value=moment)]))


@pytest.mark.parametrize("moment", ["2020", "2020-06", "2020-06-01", "2020-06-01T12:00", "2020-06-01T12:00:00.5Z", 2020])
def test_iso_dates_of_every_length_are_read(moment: Any) -> None:
    assert matching(FRAME, Where(conditions=[Condition(column="day", op=">", value=moment)])).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ({"column": "id", "op": "=", "value": 10**400}, "more than 64 bits"),
        ({"column": "id", "op": "in", "value": [1, -(2**63) - 1]}, "more than 64 bits"),
        ({"column": "id", "op": "in", "value": [1] * 10_001}, "at most 10,000 values"),
        ({"column": "name", "op": "contains", "value": "x" * 10_001}, "longer than 10,000"),
        ({"column": "x" * 10_001, "op": "is null"}, "longer than 10,000"),
    ],
)
def test_a_filter_beyond_its_bounds_is_refused(condition: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Where(conditions=[condition])


def test_a_filter_of_too_many_conditions_is_refused() -> None:
    one = {"column": "id", "op": "=", "value": 3}
    assert matching(FRAME, Where(conditions=[one] * 100)).tolist() == [False, False, True]
    with pytest.raises(ValidationError, match="at most 100 conditions"):
        Where(conditions=[one] * 101)


def test_an_error_names_only_some_of_very_many_columns() -> None:
    wide = pd.DataFrame({f"column {position}": [1] for position in range(2_000)})
    with pytest.raises(ParameterError) as refusal:
        matching(wide, Where(conditions=[Condition(column="z" * 9_000, op="=", value=1)]))
    assert "and 1960 more" in refusal.value.hint
    assert len(str(refusal.value)) < 1_000


@pytest.mark.parametrize(
    "time",
    [
        "9999-12-31T23:59:59-23:00",
        "0001-01-01T00:00:00+23:00",
        "20200715",
        "2020-W29",
        "\u0662\u0660\u0662\u0660",
        "2020" * 1_000,
        "../" * 9_999,
    ],
)
def test_a_time_of_a_search_beyond_the_calendar_or_its_grammar_is_refused(time: str) -> None:
    with pytest.raises(ParameterError) as refusal:
        parse_span(time)
    assert len(refusal.value.message) < 200


def test_the_last_year_of_the_calendar_is_whole() -> None:
    start, end = parse_span("9999")
    assert start is not None
    assert end is not None
    assert (start.year, start.month, end.month, end.day, end.hour) == (9999, 1, 12, 31, 23)


def nested(levels: int) -> str:
    return "GEOMETRYCOLLECTION (" * levels + "POINT (0 0)" + ")" * levels


def test_a_geometry_that_nests_deeper_than_geos_can_go_is_refused() -> None:
    assert from_wkt(["POINT (1 2)", None, nested(50)])[0].x == 1
    with pytest.raises(shapely.errors.ShapelyError, match="more than 100 collections"):
        from_wkt([nested(60_000)])  # GEOS would end this process


def test_a_query_and_a_table_refuse_a_geometry_that_nests_too_deeply(tmp_path, make_layer) -> None:
    layer = make_layer([shapely.Point(0, 0)], columns={"name": ["a"]})
    near = {"predicate": "intersects", "geometry": nested(50)}
    assert value(call("query_vector", tmp_path, {"p": layer}, layer="p", spatial=[near], measures=measures("count")), "count") == 1
    with pytest.raises(ParameterError, match="is no WKT"):
        call("query_vector", tmp_path, {"p": layer}, layer="p", spatial=[{**near, "geometry": nested(60_000)}], measures=measures("count"))
    table = tmp_path / "table.csv"
    table.write_text(f"name,wkt\na,{nested(60_000)}\n")
    with pytest.raises(DataError, match="not WKT"):
        call("query_vector", tmp_path, {"t": table}, declared={"t": Declared(crs="EPSG:4326")}, layer="t", measures=measures("count"))


# Names and systems --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ['{"a":' * 5_000, "[" * 5_000, "+proj=pipeline" + " +step +proj=noop" * 5_000, "EPSG:" + "9" * 5_000, "\x00", "\ud800"]
)
def test_a_crs_that_no_parser_should_see_is_refused_shortly(text: str) -> None:
    with pytest.raises(ValueError, match=r"coordinate reference system|codec") as refusal:
        norm_crs(text)
    assert len(str(refusal.value)) < 700


def test_the_longest_text_of_a_real_crs_is_still_read() -> None:
    assert norm_crs(CRS("EPSG:7415").to_wkt("WKT2_2019", pretty=True)) == "EPSG:7415"  # compound, with both areas of use
    assert norm_crs("urn:ogc:def:crs:OGC:1.3:CRS84") == "OGC:CRS84"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("fact", "a:00000000#facts/" + "9" * 5_000),
        ("fact", "a:00000000#facts/\u0663"),
        ("asset", "a:00000000#items/" + "9" * 5_000 + "/B04"),
    ],
)
def test_a_reference_with_a_number_that_python_would_not_read_names_nothing(kind: Any, text: str) -> None:
    def scenes(_: str) -> Any:
        return SimpleNamespace(kind="items", ref="a:00000000", main_file=None, tool="search_stac", record={"lineage": []})

    def nothing(*_: object) -> Any:
        raise AssertionError("the reference is refused before anything is looked up")

    with pytest.raises(ParameterError):
        Resolver(scenes, scenes, nothing, nothing).resolve("tool", [Marked("inputs", text, Reference(kind))])
