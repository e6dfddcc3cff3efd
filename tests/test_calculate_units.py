"""Units convert by their exact definitions, and only within one kind of quantity."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.contract import UNITS
from tools.errors import ParameterError
from tools.geo.units import convert, dimension, norm_unit

# Published definitions: NIST Handbook 44, appendix C; SI brochure for temperature.
DEFINITIONS = [
    (1, "acre", "m2", 4046.8564224),
    (1, "mi2", "m2", 2_589_988.110336),
    (1, "mi2", "acre", 640),
    (1, "ft2", "m2", 0.09290304),
    (1, "ha", "m2", 10_000),
    (250, "ha", "km2", 2.5),
    (1, "mi", "km", 1.609344),
    (1, "ft", "cm", 30.48),
    (1, "m", "mm", 1000),
    (12.5, "%", "1", 0.125),
    (0, "degC", "K", 273.15),
    (300, "K", "degC", 26.85),
    (2, "day", "s", 172_800),
]


@pytest.mark.parametrize(("value", "unit", "target", "expected"), DEFINITIONS)
def test_a_value_converts_by_the_published_definition(value, unit, target, expected) -> None:
    assert convert(value, unit, target) == pytest.approx(expected, rel=1e-15)


def test_a_value_in_its_own_unit_is_untouched() -> None:
    assert all(convert(0.1 + 0.2, unit, unit) == 0.1 + 0.2 for unit in UNITS)


@given(st.floats(-1e12, 1e12), st.sampled_from(UNITS), st.sampled_from(UNITS))
def test_a_conversion_there_and_back_returns_the_value(value, unit, target) -> None:
    if dimension(unit) == dimension(target):
        # Through K a small temperature keeps the precision of 273.15, not its own.
        assert convert(convert(value, unit, target), target, unit) == pytest.approx(value, rel=1e-12, abs=1e-9)
    else:
        with pytest.raises(ParameterError, match="cannot be given in"):
            convert(value, unit, target)


def test_a_unit_of_another_kind_is_refused_with_those_that_fit() -> None:
    with pytest.raises(ParameterError) as refusal:
        convert(1, "ha", "km")
    assert "'ha' (area)" in refusal.value.message
    assert "km2" in refusal.value.hint
    assert "km," not in refusal.value.hint


def test_one_foot_is_exactly_three_hundred_and_four_point_eight_millimetres() -> None:
    assert Fraction(convert(10, "ft", "mm")) == 3048


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("m", "m"),
        ("Metres", "m"),
        (" km2 ", "km2"),
        ("°C", "degC"),
        ("kelvin", "K"),
        ("per cent", "%"),
        ("dB", "unspecified"),
        ("", "unspecified"),
    ],
)
def test_the_unit_that_a_file_spells_out_is_one_of_the_closed_list(text, unit) -> None:
    assert norm_unit(text) == unit
