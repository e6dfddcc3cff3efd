"""Arithmetic over facts: results that can be computed in the head, units checked, literals refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.arithmetic.calculate import CalculateParams, run
from tools.contract import Fact, ToolContext, ToolOutput
from tools.errors import DataError, ParameterError

FACTS = {
    "wet": Fact("area", 25_000.0, "m2", {"zone": "North", "class": "water"}),
    "all": Fact("area", 100_000.0, "m2", {"zone": "North"}),
    "ha_area": Fact("area", 2.0, "ha"),
    "zero": Fact("area", 0.0, "m2"),
    "road": Fact("length", 500.0, "m"),
    "path_km": Fact("length", 2.0, "km"),
    "parks": Fact("count", 4, "count"),
    "schools": Fact("count", 10, "count"),
    "part": Fact("share", 25.0, "%"),
    "index": Fact("mean", 0.5, "1"),
    "people": Fact("sum of population", 900.0, "unspecified"),
    "more_people": Fact("sum of population", 100.0, "unspecified"),
    "warm": Fact("mean", 20.0, "degC"),
    "cold": Fact("mean", 268.15, "K"),
    "week": Fact("duration", 7.0, "day"),
}


def calculate(
    expression: str, *, numbers: dict[str, float] | None = None, unit: str | None = None, extra: tuple[str, ...] = ()
) -> ToolOutput:
    """Run the tool with every fact that the expression names."""
    names = [name for name in FACTS if name in expression.replace("(", " ").replace(")", " ").replace(",", " ").split()]
    refs = {name: f"a:{position:08x}#facts/0" for position, name in enumerate([*names, *extra])}
    params = CalculateParams(expression=expression, facts=refs, numbers=numbers or {}, unit=unit, name="answer")
    facts = {ref: FACTS[name] for name, ref in refs.items()}
    return run(params, ToolContext(folder=Path(), sources={}, facts=facts))


RESULTS = [
    ("all - wet", 75_000, "m2"),
    ("ha_area - wet", -0.5, "ha"),  # the unit of the first
    ("wet + ha_area", 45_000, "m2"),
    ("- wet", -25_000, "m2"),
    ("abs( wet - all )", 75_000, "m2"),
    ("share( wet , all )", 25, "%"),
    ("share( wet , ha_area )", 125, "%"),
    ("change( all , wet )", -75, "%"),
    ("wet / all", 0.25, "1"),
    ("road * path_km", 1_000_000, "m2"),
    ("ha_area / road", 40, "m"),
    ("all / parks", 25_000, "m2"),  # mean area of one
    ("parks / schools", 0.4, "1"),
    ("parks + schools", 14, "count"),
    ("all * part", 25_000, "m2"),
    ("ha_area * index", 1, "ha"),
    ("min( wet , ha_area , all )", 20_000 / 1e4, "ha"),
    ("max( road , path_km )", 2, "km"),
    ("mean( road , path_km )", 1250, "m"),
    ("sum( wet , wet , wet )", 75_000, "m2"),
    ("people + more_people", 1000, "unspecified"),
    ("people / ha_area", 450, "unspecified"),
    ("people * part", 225, "unspecified"),
    ("share( more_people , people )", 100 / 9, "%"),
    ("warm - cold", 25, "K"),
    ("mean( warm , cold )", 7.5, "degC"),
    ("week / week", 1, "1"),
    ("( wet + all ) / ( parks - schools )", -125_000 / 6, "m2"),
]


@pytest.mark.parametrize(("expression", "value", "unit"), RESULTS)
def test_an_expression_gives_the_value_and_the_unit(expression, value, unit) -> None:
    (fact,) = calculate(expression).facts
    assert (fact.name, fact.unit, dict(fact.subject)) == ("answer", unit, {})
    assert fact.value == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("expression", "unit", "value"),
    [
        ("all - wet", "ha", 7.5),
        ("wet / all", "%", 25),
        ("road * path_km", "km2", 1),
        ("ha_area / road", "km", 0.04),
        ("week * index", "s", 302_400),
    ],
)
def test_the_result_is_given_in_the_unit_asked_for(expression, unit, value) -> None:
    (fact,) = calculate(expression, unit=unit).facts
    assert (fact.value, fact.unit) == (pytest.approx(value, rel=1e-12), unit)


def test_a_count_stays_a_whole_number() -> None:
    (fact,) = calculate("parks + schools").facts
    assert isinstance(fact.value, int)


def test_a_number_of_the_question_scales_a_fact_and_joins_a_count() -> None:
    assert calculate("wet * n", numbers={"n": 2}).facts[0].value == 50_000
    assert calculate("wet / n", numbers={"n": 2}).facts[0].unit == "m2"
    assert calculate("schools - n", numbers={"n": 3}).facts[0] == Fact("answer", 7.0, "count")
    assert calculate("n * m", numbers={"n": 3, "m": 4}).facts[0] == Fact("answer", 12.0, "1")


@pytest.mark.parametrize(
    ("expression", "numbers", "reason"),
    [
        ("wet + 1", {}, "stands in the expression"),
        ("2 * wet", {}, "stands in the expression"),
        ("wet - True", {}, "stands in the expression"),
        ("wet ** parks", {}, "not allowed"),
        ("wet if parks else all", {}, "not allowed"),
        ("wet > all", {}, "not allowed"),
        ("[ wet ]", {}, "not allowed"),
        ("wet . real", {}, "not allowed"),
        ("sum( *wet )", {}, "'sum'|not allowed|not given"),
        ("open( wet )", {}, "no function 'open'"),
        ("share( wet )", {}, "takes 2 values"),
        ("sum( )", {}, "takes 1 or more"),
        ("wet -", {}, "cannot be read"),
        ("wet; all", {}, "cannot be read"),
        ("wet - gone", {}, "'gone', which is not given"),
        ("wet", {"n": 1}, "does not use 'n'"),
        ("wet + road", {}, "cannot be given in"),
        ("parks + wet", {}, "cannot be given in"),
        ("people + parks", {}, "cannot be given in"),
        ("wet + n", {"n": 5}, "has no unit"),
        ("part + n", {"n": 5}, "has no unit"),
        ("wet * road", {}, "no unit of the closed list"),
        ("parks / wet", {}, "no unit of the closed list"),
        ("road * week", {}, "no unit of the closed list"),
        ("warm + warm", {}, "Temperatures"),
        ("warm * parks", {}, "Temperatures"),
        ("change( warm , cold )", {}, "Temperatures"),
        ("-" * 200 + "wet", {}, "nests deeper|cannot be read|not given"),
    ],
)
def test_what_is_outside_the_grammar_or_the_units_is_refused(expression, numbers, reason) -> None:
    with pytest.raises(ParameterError, match=reason) as refusal:
        calculate(expression, numbers=numbers, extra=("wet",) if expression.endswith("-wet") else ())
    assert refusal.value.hint


@pytest.mark.parametrize("expression", ["wet / zero", "share( wet , zero )", "change( zero , wet )", "wet / ( parks - parks )"])
def test_a_division_by_zero_is_an_error_of_the_data(expression) -> None:
    with pytest.raises(DataError):
        calculate(expression)


def test_a_result_beyond_the_range_of_numbers_is_an_error() -> None:
    with pytest.raises(DataError, match="range of numbers"):
        calculate("wet * n * n", numbers={"n": 1e308})


def test_a_unit_that_does_not_fit_the_result_is_refused() -> None:
    with pytest.raises(ParameterError, match="cannot be given in 'm'"):
        calculate("all - wet", unit="m")
    with pytest.raises(ParameterError, match="is not converted"):
        calculate("warm - cold", unit="degC")


def test_a_name_given_twice_is_refused() -> None:
    with pytest.raises(ParameterError, match="'wet' stands in 'facts' and in 'numbers'"):
        calculate("wet", numbers={"wet": 3})


def test_the_inputs_are_listed_with_their_subjects() -> None:
    output = calculate("wet * n", numbers={"n": 2})
    fact, number = output.data["inputs"]
    assert fact["subject"] == {"zone": "North", "class": "water"}
    assert fact["ref"].endswith("#facts/0")
    assert number == {"name": "n", "value": 2.0, "unit": None}
