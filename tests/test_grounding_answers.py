"""Which numbers of an answer are supported by the results it cites."""

from __future__ import annotations

import pytest

from agent.grounding import used_facts
from grounding_results import AREAS, DEPTHS, STATISTICS, Case, ref

SUPPORTED = [
    # subjects
    (AREAS, "North covers 631.9 ha and South 250.4 ha [1]."),
    (AREAS, "631.9 ha lie in North and 250.4 ha in South [1]."),
    (AREAS, "North and South cover 631.9 and 250.4 ha respectively [1]."),
    (AREAS, "In total the districts cover 882.3 ha [1]."),
    (AREAS, "The districts cover 882.3 ha [1], of which 631.9 ha in North [1]."),
    # units and rounding
    (AREAS, "North covers 6.319 km² [1]."),
    (AREAS, "NORTH covers 6,319,000 m² (1,561 acres) [1]."),
    (AREAS, "North covers 632 ha [1]."),
    (AREAS, "North covers about 630 ha [1]."),
    (AREAS, "South has 1.23 million features [1]."),
    # lists and tables
    (AREAS, "Areas of the districts [1]:\n- North: 631.9 ha\n- South: 250.4 ha\n- Total: 882.3 ha"),
    (AREAS, "Areas in hectares [1]:\n1. North: 631.9\n2. South: 250.4"),
    (AREAS, "Results [1]:\nNorth: 631.9 ha\nSouth: 250.4 ha"),
    (AREAS, "| # | district | area (ha) |\n|---|---|---|\n| 1 | North | 631.9 [1] |\n| 2 | South | 250.4 [1] |\n| | Total | 882.3 [1] |"),
    (AREAS, "### North\n- area: 631.9 ha [1]\n\n### South\n- area: 250.4 ha [1]"),
    (AREAS, "North has four features [1]."),
    # statistics
    (STATISTICS, "In North the mean depth is 1.234 m (max 3.4 m) [1]."),
    (STATISTICS, "North is 1.234 m deep on average [1]."),
    (STATISTICS, "In North the depth ranges from 0.25 to 3.4 m [1]."),
    (STATISTICS, "The mean depths in North and South are 1.234 m and 2.155 m [1]."),
    (STATISTICS, "The water is deepest in South: 5.1 m [1]."),
    (STATISTICS, "| district | mean (m) | max (m) |\n|---|---|---|\n| North | 1.234 [1] | 3.4 |\n| South | 2.155 [1] | 5.1 |"),
    # classes, parameters down the chain, facts beside the result, calculations
    (DEPTHS, "Deeper than 2 m: 12.00 ha in North and 30.00 ha in South [2]."),
    (DEPTHS, "Areas deeper than 2 m [2]:\n- North: 12.00 ha\n- South: 30.00 ha"),
    (DEPTHS, "North has 12.00 ha of class deep and 5.000 ha of class shallow [2]."),
    (DEPTHS, "North has 12.00 ha (12.0 %) of deep water [2]."),
    (DEPTHS, "North covers 100.0 ha in all, 12.00 ha of it deep [2]."),
    (DEPTHS, "Deep water covers 12.00 ha in North; 99.8 % of its pixels are valid [2]."),
    (DEPTHS, "The difference is 18.00 ha [3]."),
    (DEPTHS, "Deep water covers 18.00 ha less in North than in South [3]."),
    (DEPTHS, "These are the top 5 districts by area deeper than 200 cm [2]."),
    (DEPTHS, "Deep water, deeper than 2 m, was asked for. North has 12.00 ha of deep water [2]."),
]


@pytest.mark.parametrize(("case", "answer"), SUPPORTED, ids=[answer for _, answer in SUPPORTED])
def test_a_true_sentence_is_supported(case: Case, answer: str) -> None:
    grounding = case.check(answer)
    assert not grounding.unsupported
    assert grounding.claims


UNSUPPORTED = [
    # invented, derived, or cited wrongly
    (AREAS, "North covers 437 ha [1].", ["437"]),
    (AREAS, "North covers 631.9 ha.", ["631.9"]),
    (AREAS, "North covers 631.9 ha [7].", ["631.9", "[7]"]),
    (AREAS, "North covers 631.9 ha [1, 7].", ["631.9", "[1, 7]"]),
    (AREAS, "Together, North and South cover 882.3 ha, 381.5 ha apart [1].", ["882.3", "381.5"]),
    (AREAS, "North is 2.523 times as large as South [1].", ["2.523"]),
    (AREAS, "North covers six hundred hectares [1].", ["six hundred"]),
    (AREAS, "Three districts were measured [1].", ["Three"]),
    # subjects
    (AREAS, "North covers 250.4 ha and South 631.9 ha [1].", ["250.4", "631.9"]),
    (AREAS, "250.4 ha lie in North and 631.9 ha in South [1].", ["250.4", "631.9"]),
    (AREAS, "North and South cover 250.4 and 631.9 ha respectively [1].", ["250.4", "631.9"]),
    (AREAS, "| district | area (ha) |\n|---|---|\n| North | 250.4 [1] |\n| South | 631.9 [1] |", ["250.4", "631.9"]),
    (AREAS, "The area is 631.9 ha [1].", ["631.9"]),
    (AREAS, "North covers 882.3 ha [1].", ["882.3"]),
    # units and rounding
    (AREAS, "North covers 631.9 km² [1].", ["631.9"]),
    (AREAS, "North covers 631.9 [1].", ["631.9"]),
    (AREAS, "North covers 600 ha [1].", ["600"]),
    (AREAS, "North covers about 600 ha [1].", ["600"]),
    (AREAS, "North covers 631.8 ha [1].", ["631.8"]),
    (AREAS, "North covers 631.9 ha per year [1].", ["631.9"]),
    (AREAS, "South has 1,234,568 features [1].", ["1,234,568"]),
    # quantities
    (STATISTICS, "In North the mean depth is 3.4 m [1].", ["3.4"]),
    (STATISTICS, "In North the maximum is 1.234 m [1].", ["1.234"]),
    (STATISTICS, "The depth in North is 3.4 m [1].", ["3.4"]),
    (STATISTICS, "In North the depth ranges from 1.234 to 3.4 m [1].", ["1.234"]),
    (STATISTICS, "| district | mean (m) |\n|---|---|\n| North | 3.4 [1] |", ["3.4"]),
    (DEPTHS, "North has 12.00 % of water deeper than 2 m and an area of 12.00 % [1].", ["12.00", "12.00"]),
    (DEPTHS, "Deep water takes 99.8 % of North [2].", ["99.8"]),
    (DEPTHS, "100.0 ha are flooded in North [2].", ["100.0"]),
    (DEPTHS, "North has 5.000 ha deeper than 2 m [2].", ["5.000"]),
    # numbers of the question, and of the calls
    (DEPTHS, "North has 2 ha of deep water [2].", ["2"]),
    (DEPTHS, "The depth in North is 2 m [2].", ["2"]),
    (DEPTHS, "Deeper than 2 km, North has 12.00 ha [2].", ["2"]),
    (DEPTHS, "Deeper than 3 m, North has 12.00 ha of deep water [2].", ["3"]),
    (DEPTHS, "North has 5 ha of deep water [2].", ["5"]),
    # dates that nobody gave
    (AREAS, "North covered 631.9 ha on 14 May 2020 [1].", ["14 May 2020"]),
]


@pytest.mark.parametrize(("case", "answer", "expected"), UNSUPPORTED, ids=[answer for _, answer, _ in UNSUPPORTED])
def test_a_false_or_unclear_number_is_unsupported_and_only_that(case: Case, answer: str, expected: list[str]) -> None:
    assert case.unsupported(answer) == expected


def test_a_claim_tells_fact_unit_and_place() -> None:
    answer = "North covers 631.9 ha [1]."
    grounding = AREAS.check(answer)
    (claim,) = grounding.claims
    assert answer[slice(*claim.span)] == "631.9"
    assert (claim.value, claim.unit, claim.n, claim.path, claim.subject) == (631.9, "ha", 1, "facts/0", {"name": "North"})
    assert set(claim.to_json()) == {"span", "text", "value", "unit", "n", "path", "subject", "verdict", "reason"}
    assert grounding.cited == (1,)
    assert [fact.path for fact in used_facts(grounding, 1)] == ["facts/0"]


def test_a_number_without_a_unit_takes_the_unit_of_its_fact() -> None:
    (claim,) = AREAS.check("North has 4 features [1].").claims
    assert claim.unit == "count"


def test_a_parameter_names_the_call_in_which_it_stands() -> None:
    claims = DEPTHS.check("Deeper than 2 m: 12.00 ha in North [2].").claims
    assert [(claim.text, claim.verdict, claim.path) for claim in claims] == [
        ("2", "parameter", "params/classes/0/min"),
        ("12.00", "supported", "facts/0"),
    ]


@pytest.mark.parametrize(
    ("answer", "unsupported"),
    [
        ("North has 12 clinics [1] and South 30 [2].", []),
        ("North has 30 clinics [2] and South 12 [1].", ["30", "12"]),
        ("There are 12 clinics in North [1].", []),
        ("There are 12 clinics in South [1].", ["12"]),
        ("42 clinics lie in North and South [1][2].", ["42"]),
    ],
)
def test_the_filter_of_a_call_is_the_subject_of_its_total(answer: str, unsupported: list[str]) -> None:
    case = Case("How many clinics are in North and in South?")
    for place, count in (("North", 12), ("South", 30)):
        where = {"conditions": [{"column": "district", "op": "=", "value": place}]}
        case = case.with_result(
            "query_vector", {"layer": "clinics", "where": where, "measures": [{"aggregate": "count"}]}, [("count", count, "count", {})]
        )
    assert case.unsupported(answer) == unsupported


NEAREST = Case("Which earthquakes have a magnitude of at least 7, and what is the nearest place?").with_result(
    "query_vector",
    {"layer": "quakes", "where": {"conditions": [{"column": "mag", "op": ">=", "value": 7}]}, "nearest": {"other": "places"}},
    [
        ("distance", 3200.0, "m", {"feature": "Quake 12", "nearest": "Alpha"}),
        ("distance", 5400.0, "m", {"feature": "Quake 15", "nearest": "Beta"}),
        ("mag", 7.2, "unspecified", {"feature": "Quake 12"}),
        ("mag", 7.9, "unspecified", {"feature": "Quake 15"}),
        ("count", 2, "count", {}),
    ],
)


@pytest.mark.parametrize(
    ("answer", "unsupported"),
    [
        ("2 earthquakes have a magnitude of 7 or more [1].", []),
        ("- Quake 12 (magnitude 7.2): the nearest place is Alpha, 3.2 km [1]\n- Quake 15 (magnitude 7.9): Beta at 5.4 km [1]", []),
        ("Alpha is 3.2 km from Quake 12 and Beta 5.4 km from Quake 15 [1].", []),
        ("The place nearest to Quake 12 is Beta, 5.4 km away [1].", ["5.4"]),
        ("Quake 12 lies 5.4 km from Alpha [1].", ["5.4"]),
        ("Quake 12 has magnitude 7.9 [1].", ["7.9"]),
        ("7 earthquakes were found [1].", ["7"]),
    ],
)
def test_a_relation_needs_both_of_its_ends(answer: str, unsupported: list[str]) -> None:
    assert NEAREST.unsupported(answer) == unsupported


BEDS = Case("Which hospitals have the most beds?").with_result(
    "query_vector",
    {"layer": "hospitals", "select": ["beds", "staff"], "order_by": "beds", "limit": 3},
    [
        ("beds", 120, "unspecified", {"feature": "St. Mary"}),
        ("staff", 300, "unspecified", {"feature": "St. Mary"}),
        ("beds", 80, "unspecified", {"feature": "General"}),
        ("staff", 120, "unspecified", {"feature": "General"}),
        ("site_area_ha", 2.5, "unspecified", {"feature": "General"}),
    ],
)


@pytest.mark.parametrize(
    ("answer", "unsupported"),
    [
        ("St. Mary has 120 beds and 300 staff; General has 80 beds and 120 staff [1].", []),
        ("| Rank | Hospital | Beds |\n|---|---|---|\n| 1 | St. Mary | 120 [1] |\n| 2 | General | 80 [1] |", []),
        ("St. Mary has 300 beds [1].", ["300"]),
        ("St. Mary has 300 [1].", ["300"]),
        ("The site of General has an area of 2.5 ha [1].", []),
        ("The site of General has an area of 2.5 km² [1].", ["2.5"]),
        ("The top 3 hospitals by beds are St. Mary and General [1].", []),
    ],
)
def test_columns_are_told_apart_by_their_names(answer: str, unsupported: list[str]) -> None:
    assert BEDS.unsupported(answer) == unsupported


ZERO = Case("What area is deep?").with_result(
    "zonal_stats", {"raster": "depth", "classes": True}, [("area", 0.0, "m2", {"class": "deep"}), ("valid_share", 100.0, "%", {})]
)


ONE_ZONE = Case("How much of South is flooded, according to the Utah survey?").with_result(
    "zonal_stats", {"raster": "flood", "zones": "districts"}, [("area", 120_000.0, "m2", {"zone": "North"})]
)


@pytest.mark.parametrize(
    ("answer", "unsupported"),
    [
        ("12.00 ha are flooded [1].", []),  # there is but one subject
        ("In North 12.00 ha are flooded, according to the Utah survey [1].", []),
        ("12.00 ha of South are flooded [1].", ["12.00"]),
        ("South: 12.00 ha [1]", ["12.00"]),
    ],
)
def test_a_number_about_one_zone_does_not_answer_for_another_that_was_asked_for(answer: str, unsupported: list[str]) -> None:
    assert ONE_ZONE.unsupported(answer) == unsupported


RANGES = Case("How much is between 1 and 2 m deep, and how much deeper?").with_result(
    "classify",
    {
        "raster": "depth",
        "classes": [{"label": "wading", "min": 1.0, "max": 2.0}, {"label": "deep", "min": 2.0}, {"label": "dry feet", "max": 1.0}],
    },
    [
        ("area", 70_000.0, "m2", {"class": "wading"}),
        ("area", 20_000.0, "m2", {"class": "deep"}),
        ("area", 90_000.0, "m2", {"class": "dry feet"}),
    ],
)


@pytest.mark.parametrize(
    ("answer", "unsupported"),
    [
        ("7.000 ha are between 1 and 2 m deep and 2.000 ha deeper than 2 m [1].", []),
        ("Water of 1–2 m covers 7.000 ha [1].", []),
        ("Water of less than 1 m covers 9.000 ha [1].", []),
        ("Water deeper than 1 m covers 7.000 ha [1].", ["7.000"]),  # it has no upper limit
        ("Water deeper than 2 m covers 7.000 ha [1].", ["7.000"]),
        ("Water of less than 2 m covers 7.000 ha [1].", ["7.000"]),
    ],
)
def test_a_class_may_be_named_by_all_of_its_limits(answer: str, unsupported: list[str]) -> None:
    assert RANGES.unsupported(answer) == unsupported


def test_a_bare_number_in_a_table_is_a_name_only_under_a_header_of_names() -> None:
    rows = [("area", area, "m2", {"zone": zone, "class": "3"}) for zone, area in (("North", 70_000.0), ("7", 30_000.0))]
    case = Case("How much?").with_result("zonal_stats", {"raster": "cover"}, rows)
    head = "| zone | class | area (ha) |\n|---|---|---|\n"
    assert case.verdicts(f"Areas [1]:\n{head}| North | 3 | 7 |\n| 7 | 3 | 3 |") == [("7", "supported"), ("3", "supported")]
    assert case.unsupported(f"Areas [1]:\n{head}| North | 3 | 3 |\n| 7 | 3 | 7 |") == ["3", "7"]


def test_a_true_zero_is_a_number_like_any_other() -> None:
    assert ZERO.unsupported("0 ha are deep; 100 % of the area is covered by valid data [1].") == []
    assert ZERO.unsupported("0.01 ha are deep [1].") == ["0.01"]
    assert AREAS.unsupported("North covers 0 km² [1].") == ["0"]


NAMED = (
    Case("How large are 11-Residential Buildings in District 9 on the 100-year flood map of 2020?")
    .with_result(
        "query_vector",
        {"layer": "flood_100yr_2020", "group_by": ["use"], "as_of": "2020-05-14", "measures": [{"aggregate": "area"}]},
        [("area", 50_000.0, "m2", {"use": "11-Residential Buildings"}), ("area", 90_000.0, "m2", {"use": "District 9"})],
    )
    .with_result("describe_dataset", {"dataset": "flood_100yr_2020"}, [("bands", 3, "count", {})], data={"title": "Flood 100 2020"})
)


@pytest.mark.parametrize(
    "answer",
    [
        "11-Residential Buildings cover 5.000 ha and District 9 9.000 ha [1].",
        "In 2020 (14 May 2020), residential buildings covered 5.000 ha on the 100-year map [1].",
        "The layer flood_100yr_2020 (EPSG:32632, Sentinel-2, band 4, UTM zone 32N) gives 5.000 ha for 11-Residential Buildings [1].",
        "`Flood 100 2020` has 3 bands [2].",
    ],
)
def test_digits_of_names_codes_and_known_dates_claim_nothing(answer: str) -> None:
    grounding = NAMED.check(answer)
    assert not grounding.unsupported
    assert all(claim.text in ("5.000", "9.000", "3") for claim in grounding.claims)


def test_a_year_reused_as_a_count_is_unsupported() -> None:
    assert NAMED.unsupported("2020 residential buildings stand there [1].") == ["2020"]


def test_a_refusal_may_repeat_a_condition_of_the_question_but_state_nothing() -> None:
    bare = Case("Where is it deeper than 2 m?")
    assert bare.verdicts("Nothing deeper than 2 m can be computed here.") == [("2", "parameter")]
    assert bare.unsupported("It is 2 m deep.") == ["2"]


def test_a_hundred_numbers_find_their_facts_among_three_thousand() -> None:
    rows = [("area", 1000.0 + 37.0 * index, "m2", {"zone": f"District {index}", "class": "flooded"}) for index in range(3000)]
    case = Case("How much is flooded?").with_result("zonal_stats", {"raster": "r"}, rows)
    answer = "\n".join(f"- District {index} flooded: {1000 + 37 * index:,} m² [1]" for index in range(0, 3000, 30))
    grounding = case.check(answer)
    assert len(grounding.claims) == 100
    assert not grounding.unsupported


def test_only_cited_results_are_read_in_full() -> None:
    case = AREAS.with_result("query_vector", {"layer": "roads"}, [("length", 1200.0, "m", {})])
    read: list[int] = []

    def facts_of(n: int):
        read.append(n)
        return case.facts[n]

    from agent.grounding import check

    check("North covers 631.9 ha [1].", question=case.question, results=case.messages, facts_of=facts_of)
    assert read == [1]


def test_a_reference_by_full_key_leads_down_the_chain() -> None:
    key = "a:" + "00000000000" + "1" + "f" * 20
    case = DEPTHS.with_result("zonal_stats", {"raster": key, "classes": True}, [("area", 7_000.0, "m2", {"class": "deep"})])
    assert ref(1).removeprefix("a:") in key
    assert case.verdicts("Deeper than 2 m: 0.7000 ha [4].") == [("2", "parameter"), ("0.7000", "supported")]


def test_digits_of_a_number_are_no_class_of_that_name() -> None:
    from agent.grounding import check
    from tools.contract import Fact

    areas = {"2": 4_185_000.0, "3": 1_000_000.0, "4": 2_500_000.0}
    facts = [
        fact
        for label, area in areas.items()
        for fact in (
            Fact("area", area, "m2", {"zone": "Holm", "class": label}, f"facts/{label}0"),
            Fact("share", area / 1e5, "%", {"zone": "Holm", "class": label}, f"facts/{label}1"),
        )
    ]
    message = {"n": 1, "tool": "zonal_stats", "params": {}, "ref": "a:123456789abc", "facts": [fact.to_json() for fact in facts]}
    text = "Area of each class [1]:\n- class 2, Holm: 4.185 km² (share 41.85 %) [1]\n- class 4, Holm: 2.500 km² (share 25.00 %) [1]"
    checked = check(text, question="area of each class in Holm", results=[message], facts_of=lambda n: facts)
    assert [claim.verdict for claim in checked.claims] == ["supported"] * 4
    assert [claim.path for claim in checked.claims] == ["facts/20", "facts/21", "facts/40", "facts/41"]
