"""Expressions over bands: the arithmetic is numpy's, holes stay holes, and nothing but arithmetic gets through."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tools.errors import ParameterError
from tools.geo.band_math import calculate, is_condition, names_in


def band(*values: float, hidden: tuple[int, ...] = (), dtype: str = "float64") -> np.ma.MaskedArray[Any, Any]:
    return np.ma.MaskedArray(np.array(values, dtype), mask=[position in hidden for position in range(len(values))])


# Expression in our grammar, and the same in plain numpy (another parser, other functions).
EXPRESSIONS = [
    ("(a - b) / (a + b)", lambda a, b: np.true_divide(a - b, a + b)),
    ("-a ** 2 + 3 * b", lambda a, b: -(a**2) + 3 * b),
    ("where(a > b, a, b)", np.maximum),
    ("where((a > 0) & ~(b > 0) | (a == b), 1, 0)", lambda a, b: (((a > 0) & (b <= 0)) | (a == b)).astype(float)),
    ("where(a > 0 and not b > 0 or a == b, 1, 0)", lambda a, b: (((a > 0) & (b <= 0)) | (a == b)).astype(float)),
    ("where(-1 < a <= 2, a, 0)", lambda a, _b: np.where((a > -1) & (a <= 2), a, 0.0)),
    ("minimum(a, b, 1) + maximum(a, b)", lambda a, b: np.minimum(np.minimum(a, b), 1) + np.maximum(a, b)),
    ("clip(a, -1, 1) + abs(b)", lambda a, b: np.minimum(np.maximum(a, -1), 1) + np.abs(b)),
    ("sqrt(a) + log(b) + log10(abs(a)) + exp(b)", lambda a, b: np.sqrt(a) + np.log(b) + np.log10(np.abs(a)) + np.exp(b)),
    ("a ** b", np.power),
]
NUMBERS = arrays("float64", 6, elements=st.integers(-4, 4).map(float))
HOLES = arrays("bool", 6)


@pytest.mark.parametrize(("expression", "oracle"), EXPRESSIONS, ids=[text for text, _ in EXPRESSIONS])
@given(a=NUMBERS, b=NUMBERS, holes_a=HOLES, holes_b=HOLES)
def test_every_value_is_numpys_and_what_is_not_finite_or_hidden_is_nodata(expression, oracle, a, b, holes_a, holes_b) -> None:
    result = calculate(expression, {"a": np.ma.MaskedArray(a, mask=holes_a), "b": np.ma.MaskedArray(b, mask=holes_b)})
    with np.errstate(all="ignore"):
        expected = oracle(a, b)
    whole = ~(holes_a | holes_b)
    known = ~np.ma.getmaskarray(result.values)
    np.testing.assert_array_equal(known[whole], np.isfinite(expected)[whole])
    np.testing.assert_allclose(result.values.data[known & whole], expected[known & whole], rtol=1e-12)
    if "where" not in expression:
        assert not known[~whole].any()
        assert result.undefined == int((whole & ~np.isfinite(expected)).sum())


def test_bytes_do_not_overflow() -> None:
    result = calculate("(a - b) / (a + b)", {"a": band(200, 10, dtype="uint8"), "b": band(100, 250, dtype="uint8")})
    assert result.values.tolist() == pytest.approx([1 / 3, -240 / 260])


def test_a_division_by_zero_is_nodata_and_counted_but_a_hole_is_only_a_hole() -> None:
    result = calculate("a / b", {"a": band(1, 0, 1, 1), "b": band(0, 0, 2, 0, hidden=(3,))})
    assert result.values.tolist() == [None, None, 0.5, None]
    assert result.undefined == 2


def test_a_comparison_with_something_undefined_is_no_answer() -> None:
    assert calculate("a / b > 1", {"a": band(0, 1, 4), "b": band(0, 0, 2)}).values.tolist() == [None, None, True]


def test_where_depends_only_on_the_branch_it_chooses() -> None:
    result = calculate("where(b != 0, a / b, 0)", {"a": band(1, 4, 3, hidden=(2,)), "b": band(0, 2, 0)})
    assert result.values.tolist() == [0.0, 2.0, 0.0]


@pytest.mark.parametrize(
    ("expression", "is_one"), [("a > 1", True), ("~(a > 1)", True), ("where(a > 1, 1, 0)", False), ("a", False), ("0 < a < 1", True)]
)
def test_conditions_are_told_from_numbers(expression: str, is_one: bool) -> None:
    assert is_condition(expression) == is_one
    assert names_in(expression) == {"a"}


HOSTILE = [
    "__import__('os').system('true')", "a.__class__", "a.tofile('x')", "(lambda: 1)()", "[x for x in a]", "a if a else a", "a[0]", "'text'",
    "open('x')", "eval('1')", "exec('1')", "getattr(a, 'b')", "f'{a}'", "a := 1", "a; a", "import os", "True", "None", "...", "1j * a",
    "a @ a", "a // 2", "a % 2", "a << 2", "a ^ a", "a in a", "a is a", "*a", "{a}", "where(a > 1, 1)", "where(1, a, a)", "sqrt(a, a)",
    "sqrt(x=a)", "sqrt", "clip(a)", "minimum(a)", "a > 1 & a < 2", "(a > 1) + 1", "-(a > 1)", "a & a", "~a", "not a", "1e999 * a", "1" * 400 + "*a",
    "1", "b + a", "", "   ", "a +", "\0", "(" * 500 + "a" + ")" * 500, "-" * 1500 + "a", "+".join(["a"] * 900), "a" * 3000, "1(2)",
    "where(a > 1, a > 1, 0)", "abs(*a)", "a.b(1)", "(a)(1)", "yield a", "await a",
]  # fmt: skip


@pytest.mark.parametrize("expression", HOSTILE, ids=range(len(HOSTILE)))
def test_anything_but_arithmetic_over_bands_is_refused(expression: str) -> None:
    with pytest.raises(ParameterError) as refusal:
        calculate(expression, {"a": band(1, 2)})
    assert refusal.value.hint


@given(st.text(alphabet="ab01.+-*/<>=&|~()[]{}, \"'_:;@%^!\n\\where", max_size=40))
def test_no_text_at_all_raises_anything_but_a_parameter_error(text: str) -> None:
    try:
        result = calculate(text, {"a": band(1, 2), "b": band(0, 3)})
    except ParameterError:
        return
    assert result.values.shape == (2,)


def test_a_power_tower_is_bounded() -> None:
    assert calculate("a ** 9 ** 9 ** 9", {"a": band(2)}).values.tolist() == [None]
