"""How numbers, their exactness, their units and dates are read from text."""

from __future__ import annotations

import pytest

from agent.grounding.dates import bare_years, full_dates
from agent.grounding.numbers import numbers_in
from agent.grounding.written_units import FOREIGN, named_unit, read_unit, stated_unit


@pytest.mark.parametrize(
    ("text", "value", "half_unit"),
    [
        ("631.9 ha", 631.9, 0.05),
        ("1,234.5 ha", 1234.5, 0.05),
        ("1 234 ha", 1234, 0.5),  # thin spaces and plain ones group, too
        ("1\u202f234\u202f567 m", 1234567, 0.5),
        ("1'234", 1234, 0.5),
        ("1.234,5 ha", 1234.5, 0.05),  # as written on the continent
        ("631,9 ha", 631.9, 0.05),
        ("12.3 million", 12.3e6, 0.05e6),
        ("12k", 12e3, 500),
        ("1.2e3 m", 1200, 50),
        ("1.2 × 10^6 m²", 1.2e6, 5e4),
        ("1.2×10⁶ m²", 1.2e6, 5e4),
        ("−3.2 °C", -3.2, 0.05),
        ("-3 m", -3, 0.5),
        ("≈12", 12, 0.5),
        (".5 m", 0.5, 0.05),
        ("**12.3** ha", 12.3, 0.05),
        ("three districts", 3, 0.5),
        ("two hundred and thirty-one hectares", 231, 0.5),
        ("a hundred people", 100, 0.5),
    ],
)
def test_a_number_is_read_with_its_written_exactness(text: str, value: float, half_unit: float) -> None:
    (number,) = numbers_in(text)
    assert number.value == pytest.approx(value)
    assert number.half_unit == pytest.approx(half_unit)


@pytest.mark.parametrize(
    "text",
    [
        "B04", "3D", "the 2nd", "Sentinel-2", "UTM32N", "v1.2.3", "flood_2020", "one of them", "the two layers", "both of these three?", "on the one hand",
        "one or another", "no district",
    ],
)  # fmt: skip
def test_names_and_loose_words_hold_no_number(text: str) -> None:
    assert numbers_in(text) == []


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("12 ha, 3 hectares and 4 km²", ["ha", "ha", "km2"]),
        ("5 km2, 5 sq km, 5 square kilometres, 5 km^2", ["km2"] * 4),
        ("7 m², 7 sq. m, 7 square meters", ["m2"] * 3),
        ("2 acres; 2 sq mi; 2 square feet", ["acre", "mi2", "ft2"]),
        ("5%, 5 %, 5 percent, 5 per cent, 5 percentage points", ["%"] * 5),
        ("10 m, 10-metre, 10 km, 10 miles, 10 ft", ["m", "m", "km", "mi", "ft"]),
        ("20 °C, 290 K, 15°, 15 degrees", ["degC", "K", "degree", "degree"]),
        ("12 and 30 ha", ["ha", "ha"]),
        ("12, 30 and 44 ha", ["ha", "ha", "ha"]),
        ("3–5 m", ["m", "m"]),
        ("magnitude 7, 3 km away", [None, "km"]),
        ("12 clinics", [None]),
        ("12 m³, 5 m/s, 3 ha per year", [FOREIGN] * 3),
        ("12 ha per the survey", ["ha"]),
        ("12M", [None]),
    ],
)
def test_the_unit_behind_a_number_is_read(text: str, units: list[str | None]) -> None:
    assert [number.unit for number in numbers_in(text)] == units


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("Area (ha)", "ha"),
        ("Area [km²]", "km2"),
        ("Areas in hectares by zone:", "ha"),
        ("Share %", "%"),
        ("Depth > 2 m (ha)", "ha"),
        ("Zones deeper than 2 m:", None),  # the metres are those of the two
        ("Zone", None),
    ],
)
def test_a_header_or_lead_in_states_a_unit(text: str, unit: str | None) -> None:
    assert stated_unit(text) == unit


@pytest.mark.parametrize(("name", "unit"), [("area_km2", "km2"), ("LENGTH_M", "m"), ("m", None), ("population", None), ("tree_pct", "%")])
def test_the_end_of_a_columns_name_states_a_unit(name: str, unit: str | None) -> None:
    assert named_unit(name) == unit


def test_a_unit_is_not_read_from_the_start_of_a_word() -> None:
    assert read_unit("12 houses", 2) == (None, 2)
    assert read_unit("12 many", 2) == (None, 2)


def test_dates_are_read_in_the_precision_they_are_written_in() -> None:
    text = "2020-05-14T10:00Z, 14 May 2020, May 14, 2020, 14.05.2020, May 2020"
    assert [date.iso for date in full_dates(text)] == ["2020-05-14"] * 4 + ["2020-05"]


@pytest.mark.parametrize(
    ("text", "years"),
    [("in 2020", ["2020"]), ("(2021)", ["2021"]), ("2020 buildings", []), ("an area of 2020 ha", []), ("2,020", []), ("2020.5", [])],
)
def test_a_bare_year_needs_the_place_of_a_year(text: str, years: list[str]) -> None:
    assert [date.iso for date in bare_years(text, [])] == years


def test_zeros_of_a_round_number_are_digits_unless_it_is_hedged() -> None:
    assert [number.tolerance for number in numbers_in("1,200 m, about 1,200 m")] == [0.5, 50]
