"""Guarantees of the check over random facts: what is true is supported in any unit, what is changed or invented is not."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from grounding_results import Case

fixed = settings(derandomize=True, deadline=None, max_examples=150)

# How many of the unit the answer uses make one of the unit of the fact; definitions of the units, not of the program.
AREA_UNITS = {"m²": 1.0, "ha": 1e-4, "km²": 1e-6, "acres": 1 / 4046.8564224, "square miles": 1 / (1609.344**2)}
LENGTH_UNITS = {"m": 1.0, "km": 1e-3, "miles": 1 / 1609.344, "ft": 1 / 0.3048}
ZONES = (
    "North",
    "North East",
    "District 9",
    "Évreux",
    "11-Residential Buildings",
    "Bosnia and Herzegovina",
    "St. Mary's",
    "Old Town (West)",
)
STATISTICS = {"mean": "mean", "max": "maximum", "min": "minimum", "median": "median"}

zone_names = st.sampled_from(ZONES)
positive = st.floats(min_value=1.0, max_value=1e9)


def written(value: float, digits: int) -> str:
    """The value with this many significant digits or more, without an exponent."""
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}"


def perturbed(text: str, place: int, by: int) -> str:
    """Add to one of the first four digits of a number, so that it moves by at least two units of that digit."""
    at = [index for index, char in enumerate(text) if char.isdigit()]
    significant = [index for index in at if text[: index + 1].strip("0.,")]
    index = significant[place % min(4, len(significant))]
    return f"{text[:index]}{(int(text[index]) + by) % 10}{text[index + 1 :]}"


def one_value_per_zone(name: str, unit: str, values: dict[str, float]) -> Case:
    return Case("How much in each?").with_result(
        "zonal_stats", {"zones": "z"}, [(name, value, unit, {"zone": zone}) for zone, value in values.items()]
    )  # type: ignore[arg-type]


@fixed
@given(
    values=st.dictionaries(zone_names, positive, min_size=2, max_size=6),
    unit=st.sampled_from(sorted(AREA_UNITS)),
    digits=st.integers(4, 7),
    form=st.sampled_from(("Area of {zone}: {number} {unit} [1].", "{zone} covers {number} {unit} [1].", "- {zone}: {number} {unit} [1]", "{number} {unit} are in {zone} [1].")),
    place=st.integers(0, 3),
    by=st.integers(2, 8),
)  # fmt: skip
def test_a_line_made_from_a_fact_is_supported_and_with_a_changed_digit_it_is_not(values, unit, digits, form, place, by) -> None:
    zone = min(values)
    number = written(values[zone] * AREA_UNITS[unit], digits)
    case = one_value_per_zone("area", "m2", values)
    assert case.verdicts(form.format(zone=zone, number=number, unit=unit)) == [(number, "supported")]
    wrong = perturbed(number, place, by)
    assume(wrong.strip("0.,") != "")
    assert case.unsupported(form.format(zone=zone, number=wrong, unit=unit)) == [wrong]


@fixed
@given(
    values=st.dictionaries(zone_names, positive, min_size=2, max_size=2),
    forms=st.sampled_from(
        (
            "{a} has {x} {u} and {b} {y} {u} [1].",
            "{x} {u} lie in {a} and {y} {u} in {b} [1].",
            "{a} and {b} have {x} and {y} {u} respectively [1].",
            "{a} ({x} {u}) and {b} ({y} {u}) were measured [1].",
            "- {a}: {x} {u} [1]\n- {b}: {y} {u} [1]",
            "| zone | length |\n|---|---|\n| {a} | {x} {u} [1] |\n| {b} | {y} {u} [1] |",
            "In {a} it is {x} {u}, while {b} has {y} {u} [1].",
        )
    ),
    unit=st.sampled_from(sorted(LENGTH_UNITS)),
)
def test_two_zones_are_supported_in_every_form_and_never_when_swapped(values, forms, unit) -> None:
    (a, x), (b, y) = sorted(values.items())
    assume(abs(x - y) > 0.02 * max(x, y))
    case = one_value_per_zone("length", "m", values)
    first, second = (written(value * LENGTH_UNITS[unit], 5) for value in (x, y))
    assert case.unsupported(forms.format(a=a, b=b, x=first, y=second, u=unit)) == []
    assert case.unsupported(forms.format(a=a, b=b, x=second, y=first, u=unit)) == [second, first]


@fixed
@given(
    values=st.lists(st.floats(0.5, 5000), min_size=4, max_size=4, unique=True),
    said=st.sampled_from(sorted(STATISTICS)),
    meant=st.sampled_from(sorted(STATISTICS)),
)
def test_a_statistic_under_another_name_is_unsupported(values, said, meant) -> None:
    assume(all(abs(x - y) > 0.02 * max(x, y) for x in values for y in values if x != y))
    facts = dict(zip(STATISTICS, values, strict=True))
    case = Case("Depth?").with_result(
        "zonal_stats", {"raster": "r"}, [(name, value, "m", {"zone": "North"}) for name, value in facts.items()]
    )
    number = written(facts[meant], 5)
    assert case.unsupported(f"In North the {STATISTICS[said]} depth is {number} m [1].") == ([] if said == meant else [number])


@pytest.mark.parametrize("seed", range(3))
def test_an_invented_number_among_three_thousand_facts_is_never_supported(seed: int) -> None:
    rng = random.Random(seed)
    rows = [("area", rng.uniform(100, 999) * 1e4, "m2", {"zone": f"District {index}"}) for index in range(3000)]
    case = Case("How much is flooded in each district?").with_result("zonal_stats", {"raster": "r"}, rows)
    numbers = [rng.randint(100, 999) for _ in range(100)]
    equal_by_chance = [number for number in numbers if any(abs(row[1] / 1e4 - number) <= 0.5 for row in rows)]
    assert len(equal_by_chance) > 60  # so the value alone would pass
    assert case.unsupported(" ".join(f"The flooded area is {number} ha [1]." for number in numbers)) == [str(number) for number in numbers]


@fixed
@given(text=st.text(max_size=300), digits=st.text(alphabet="0123456789., -–[]|%\n#*:hamk²", max_size=80))
def test_any_text_can_be_checked_and_marked(text: str, digits: str) -> None:
    from agent.grounding import mark

    case = one_value_per_zone("area", "m2", {"North": 1.0, "South": 2.0})
    for answer in (text, digits, text + digits):
        grounding = case.check(answer)
        assert all(0 <= claim.span[0] < claim.span[1] <= len(answer) for claim in grounding.claims)
        assert case.check(mark(answer, grounding)).claims is not None


@fixed
@given(values=st.dictionaries(zone_names, positive, min_size=2, max_size=6), data=st.data())
def test_nothing_unsupported_is_left_after_marking(values, data) -> None:
    from agent.grounding import mark

    case = one_value_per_zone("area", "m2", values)
    lines = []
    for zone, value in values.items():
        true = data.draw(st.booleans())
        lines.append(f"- {zone}: {written(value if true else value * 1.7, 6)} m² [1]")
    answer = "Areas [1]:\n" + "\n".join(lines)
    grounding = case.check(answer)
    left = case.check(mark(answer, grounding))
    assert not left.unsupported
    assert [claim.text for claim in left.claims] == [claim.text for claim in grounding.claims if claim.verdict == "supported"]


AWKWARD = (
    "South East", "East", "Zone 7", "7", "12", "P-08", "K-03", "Three Rivers", "Long Area", "St. John", "O'Brien", "A", "B", "AB-12", "Sector 4b", "Mount Two",
    "Lower Max", "Total Hill", "1st Ward", "Bad Ems, Lahn", "X and Y", "Half Moon (Bay)", "other", "no data", "bare soil", "built-up",
)  # fmt: skip
"""Names that look like numbers, quantities, conjunctions and everyday words."""
FORMS = (
    "{a} has {x} ha and {b} {y} ha [1].", "{x} ha in {a} and {y} ha in {b} [1].", "{a}: {x} ha; {b}: {y} ha [1].",
    "{a} and {b} have {x} and {y} ha respectively [1].", "{a} ({x} ha) is larger than {b} ({y} ha) [1].",
    "The largest is {a} with {x} ha, followed by {b} with {y} ha [1].", "{a} has {x} ha, {b} has {y} ha [1].",
    "In {a}, {x} ha are flooded, while in {b} {y} ha are [1].", "With {x} ha, {a} is ahead of {b} with {y} ha [1].",
    "{a} covers {x} ha, whereas {b} covers {y} ha [1].", "- {a}: {x} ha [1]\n- {b}: {y} ha [1]",
    "| zone | area |\n|---|---|\n| {a} | {x} ha [1] |\n| {b} | {y} ha [1] |",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_swapped_zones_are_caught_whatever_they_are_called(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(30):
        values = {zone: rng.uniform(1, 900) * 1e4 for zone in rng.sample(AWKWARD, 5)}
        case = one_value_per_zone("area", "m2", values)
        (a, x), (b, y) = ((zone, f"{value / 1e4:,.2f}") for zone, value in rng.sample(sorted(values.items()), 2))
        for form in FORMS:
            verdicts = [verdict for _, verdict in case.verdicts(form.format(a=a, b=b, x=y, y=x))]
            assert "supported" not in verdicts, form.format(a=a, b=b, x=y, y=x)


COLLIDING = ("7.123", "12.450", "7", "12", "1,712.5", "12,712", "3.712", "812.7", "71.2", "9.127", "120.07", "707.7")
"""Numbers that hold the digits of a zone's name: none of them may be taken for the name."""
GROUPINGS = {"comma": ",", "thin space": "\u202f", "space": " ", "apostrophe": "'"}


@pytest.mark.parametrize("grouping", GROUPINGS)
@pytest.mark.parametrize("seed", range(3))
def test_every_number_of_a_list_or_table_is_seen_and_supported_whatever_the_zones_are_called(seed: int, grouping: str) -> None:
    rng = random.Random(seed)
    for _ in range(30):
        texts = dict(zip(rng.sample(AWKWARD, 5), rng.sample(COLLIDING, 5), strict=True))
        case = one_value_per_zone("area", "m2", {zone: float(text.replace(",", "")) * 1e4 for zone, text in texts.items()})
        shown = {zone: text.replace(",", GROUPINGS[grouping]) for zone, text in texts.items()}
        expected = [(text, "supported") for text in shown.values()]
        assert case.verdicts("Areas [1]:\n" + "\n".join(f"- {zone}: {text} ha" for zone, text in shown.items())) == expected
        rows = "\n".join(f"| {zone} | {text} [1] |" for zone, text in shown.items())
        assert case.verdicts(f"| zone | area (ha) |\n|---|---|\n{rows}") == expected
        assert case.verdicts("; ".join(f"{zone}: {text} ha" for zone, text in shown.items()) + " [1].") == expected
