"""Phrasings of real questions that the planner once misread: what it plans for small hand-made sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from agent.planner.atlas import read_atlas
from agent.planner.engine import plan
from agent.planner.frames import Frame, Plan
from agent.planner.names import Search
from agent.planner.step import Draft, ToolCalls
from agent.planner.understand import read_question
from agent.planner.wording import layer_words

Json = dict[str, Any]


def column(name: str, kind: str, values: Sequence[object], distinct: int = 0) -> Json:
    return {"name": name, "type": kind, "distinct": distinct or len(values), "values": list(values)}


def layer(name: str, geometry: str, count: int, *columns: Json, name_column: str | None = None) -> Json:
    return {
        "id": name, "title": name, "kind": "vector", "focus": True, "geometry_type": geometry, "feature_count": count,
        "name_column": name_column, "columns": list(columns),
    }  # fmt: skip


def raster(name: str, kind: str, classes: Json | None = None, high: float = 9.0) -> Json:
    band = {"index": 1, "value_kind": kind, "unit": "unspecified", "classes": classes or {}, "minimum": 0.0, "maximum": high}
    return {"id": name, "title": name.replace("_", " "), "kind": "raster", "focus": True, "bands": [band]}


RESERVE = layer("reserve_outline", "Polygon", 1, column("kind", "text", ["Nature Reserve"]), column("made_by", "text", ["Lands"]))
COVER, RELIEF = raster("reserve_lulc", "categorical"), raster("reserve_dem", "unknown", high=900.0)
WATER, USES = (
    raster("flood_depth", "unknown"),
    layer("fields_use", "Polygon", 40, column("landuse", "text", ["orchard", "pasture", "mill"])),
)
FIRST = layer("observed_event_first", "Polygon", 70, column("event", "text", ["5-Flood"]))
LATER = layer("observed_event_later", "Polygon", 80, column("event", "text", ["5-Flood"]))
SHAKES = layer("shakes", "Point", 90, column("code", "text", ["a", "b"], 90), column("magnitude", "real", [2.5, 7.5], 60))
TOWNS = layer(
    "inhabited_places_simple", "Point", 30, column("label", "text", ["Ostra", "Vells"], 30), column("feature", "text", ["Capital", "Inhabited place"]),
    name_column="label",
)  # fmt: skip
STATES = layer(
    "states", "Polygon", 50, column("name", "text", ["Aland", "Borland"], 50), column("continent", "text", ["Africa", "Europe"]),
    column("un_region", "text", ["Africa", "Europe"]), column("people", "integer", [1, 2], 50), name_column="name",
)  # fmt: skip
WARDS = layer("wards", "Polygon", 3, column("ward", "text", ["Zanve", "Kariwick", "Tolm"]), name_column="ward")
WOODS = raster("cover_type", "categorical", {"1": "mixed forest", "2": "flax", "3": "marsh"})
BAKERIES = layer("bakeries", "Point", 9, column("label", "text", ["B1", "B2"], 9), name_column="label")


def read(question: str, *datasets: Json, previous: Plan | None = None) -> Plan:
    session = {"datasets": list(datasets), "results": [], "previous": {"frame": previous.to_json()} if previous else None}
    understood = read_question(question, session, Search())
    assert isinstance(understood, Plan), understood
    return understood


def only(question: str, *datasets: Json) -> Frame:
    (frame,) = read(question, *datasets).frames
    return frame


@pytest.mark.parametrize(
    "question",
    [
        "What are the land-cover shares inside the reserve?",
        "What is the share of each land cover class inside the reserve?",
        "area of each land cover class inside the reserve",
        "percentage of each land cover class in the reserve",
        "What is the land cover of the reserve?",
    ],
)
def test_land_cover_means_the_classes_of_the_categorical_raster(question: str) -> None:
    frame = only(question, RESERVE, COVER, RELIEF)
    assert frame.kind == "cells"
    assert frame.cells
    assert frame.zones
    assert (frame.cells.ref, frame.cells.classes, frame.zones.layer.ref) == ("reserve_lulc", (), "reserve_outline")


@pytest.mark.parametrize("datasets", [(RESERVE,), (RESERVE, RELIEF)], ids=["no raster", "only measured values"])
def test_land_cover_is_never_dropped_when_nothing_holds_it(datasets: tuple[Json, ...]) -> None:
    session = {"datasets": list(datasets), "results": [], "previous": None}
    understood = read_question("What are the land cover shares inside the reserve?", session, Search())
    assert isinstance(understood, Draft)
    assert understood.status in ("refused", "input_needed")


@pytest.mark.parametrize(
    ("question", "limit"),
    [("What is the area of each land use class flooded?", None), ("Which land use class has the largest flooded area?", 1)],
)
def test_flooded_classes_of_a_layer_are_zones_on_the_depth(question: str, limit: int | None) -> None:
    frame = only(question, WATER, USES)
    assert frame.cells
    assert frame.zones
    assert (frame.kind, frame.cells.ref, frame.cells.ranges[0].low, frame.zones.column, frame.limit) == (
        "cells",
        "flood_depth",
        0.0,
        "landuse",
        limit,
    )


@pytest.mark.parametrize(("words", "low"), [("under at least 2 m of water", 2.0), ("under more than 0.5 m of water", 0.5)])
def test_metres_of_water_are_a_limit_on_the_depth(words: str, low: float) -> None:
    frame = only(f"Area of orchard land {words}?", WATER, USES)
    assert frame.cells
    assert (frame.cells.ref, frame.cells.ranges[0].low) == ("flood_depth", low)


@pytest.mark.parametrize("words", ["at or above 2 m", "at least 2 m"])
def test_limit_behind_is_at_is_a_limit(words: str) -> None:
    frame = only(f"area where flood depth is {words}", WATER, USES)
    assert frame.cells
    assert (frame.cells.ranges[0].low, frame.cells.ranges[0].low_in) == (2.0, True)


@pytest.mark.parametrize(
    "question",
    [
        "What area was observed as flooded in the first product, and in the later product, and what is their difference?",
        "What is the difference between observed event first and observed event later?",
    ],
)
def test_difference_of_two_layers_is_that_of_their_areas(question: str) -> None:
    understood = read(question, FIRST, LATER)
    assert understood.derived == "difference"
    assert [(frame.kind, frame.layer.ref, frame.measures) for frame in understood.frames if frame.layer] == [
        ("extent", "observed_event_first", (("area", None),)),
        ("extent", "observed_event_later", (("area", None),)),
    ]


def test_layer_is_named_where_all_its_features_share_the_value_that_was_asked_for() -> None:
    first = only("What area was observed as flooded in the first product?", FIRST, LATER).layer
    assert first
    assert "observed event first" in layer_words(first, read_atlas({"datasets": [FIRST, LATER]})).replace("_", " ")


@pytest.mark.parametrize("words", ["what is the nearest inhabited place to each", "the nearest inhabited place to each of them"])
def test_each_and_them_mean_the_features_asked_for_before(words: str) -> None:
    frame = only(f"Which shakes of magnitude 7 or more happened, and {words}?", SHAKES, TOWNS)
    assert frame.layer
    assert frame.other
    assert (frame.kind, frame.layer.ref, frame.other.ref, frame.other.where) == ("nearest", "shakes", "inhabited_places_simple", ())
    assert [(test.column, test.op, test.value) for test in frame.layer.where] == [("magnitude", ">=", 7)]


@pytest.mark.parametrize(
    ("question", "chosen"),
    [
        ("How many states in Africa have more than 50 million people?", "continent"),
        ("Total area of states in Europe in km²", "continent"),
    ],
)
def test_continent_is_looked_for_in_the_column_of_continents(question: str, chosen: str) -> None:
    frame = only(question, STATES)
    assert frame.layer
    assert chosen in {test.column for test in frame.layer.where}
    assert "un_region" not in {test.column for test in frame.layer.where}


@pytest.mark.parametrize(
    "question",
    [
        "What is the area of mixed forest in Zanve and in Kariwick, and what is their difference?",
        "How many bakeries are in Zanve and Kariwick, and what is the difference between them?",
    ],
)
def test_difference_of_two_places_takes_one_from_the_other(question: str) -> None:
    understood = read(question, WARDS, WOODS, BAKERIES)
    assert understood.derived == "difference"
    places = [frame.zones.layer.where[0].value for frame in understood.frames if frame.zones]
    assert places == ["Zanve", "Kariwick"]


def test_features_in_two_places_are_counted_by_place() -> None:
    frame = only("How many bakeries are in Zanve, and in Kariwick?", WARDS, BAKERIES)
    assert frame.zones
    assert (frame.group_by, frame.zones.column, frame.zones.layer.where[0].value) == ((), "ward", ("Zanve", "Kariwick"))


def test_map_of_two_datasets_is_one_map() -> None:
    assert only("A map of the flood depth and the fields", WATER, USES).refs == ("flood_depth", "fields_use")


@pytest.mark.parametrize("question", ["Put it on a map!", "plot it please"])
def test_map_of_it_is_the_map_of_the_last_result(question: str) -> None:
    assert only(question, WARDS, BAKERIES).kind == "map"


FOLLOW_UPS = [
    # after the area of a class by zone
    ("area of mixed forest by ward", "Which ward has the most?", ("cells", "desc", 1)),
    ("area of mixed forest by ward", "which is the biggest?", ("cells", "desc", 1)),
    # after a mean by zone
    ("mean reserve dem by ward", "which is the highest?", ("values", "desc", 1)),
]


@pytest.mark.parametrize(("first", "then", "expected"), FOLLOW_UPS)
def test_superlative_after_a_result_ranks_that_result(first: str, then: str, expected: tuple[str, str, int]) -> None:
    datasets = (WARDS, WOODS, RELIEF)
    frame = read(then, *datasets, previous=read(first, *datasets)).frames[-1]
    assert (frame.kind, frame.order, frame.limit) == expected


AREAS = [
    "Break down the area of mixed forest by ward.",
    "For each ward, how much mixed forest does it have?",
    "Rank the wards by area of mixed forest",
]


@pytest.mark.parametrize("question", AREAS)
def test_area_of_a_class_by_zone_is_understood_in_other_words(question: str) -> None:
    frame = only(question, WARDS, WOODS)
    assert frame.cells
    assert frame.zones
    assert (frame.kind, frame.cells.classes, frame.zones.layer.ref) == ("cells", ("mixed forest",), "wards")


def test_classes_by_area_are_all_classes_of_the_raster() -> None:
    frame = only("cover type classes by area", WARDS, WOODS)
    assert frame.cells
    assert (frame.kind, frame.cells.ref, frame.cells.classes) == ("cells", "cover_type", ())


def test_number_word_tells_how_many_of_the_nearest() -> None:
    assert only("Find the three bakeries nearest to Zanve", WARDS, BAKERIES).count == 3


def test_distance_from_a_place_is_a_whole_question_in_spite_of_it() -> None:
    frame = only("How far is it from Zanve to the nearest bakery in km?", WARDS, BAKERIES)
    assert frame.layer
    assert frame.other
    assert (frame.kind, frame.layer.where[0].value, frame.other.ref, frame.unit) == ("nearest", "Zanve", "bakeries", "km")


def test_refusals_suggest_questions_in_the_plural_without_what_stands_in_brackets() -> None:
    datasets = [{**WARDS, "title": "Wards (draft)"}, {**BAKERIES, "title": "Bakeries (synthetic)"}]
    step = plan("What is the colour of the sky?", {"datasets": datasets, "results": [], "previous": None}, [])
    text = step.text if isinstance(step, Draft) else str(step)
    if isinstance(step, ToolCalls):
        found = [{"tool": name, "params": params, "n": n, "data": {"candidates": []}} for n, (name, params) in enumerate(step.calls, 1)]
        after = plan("What is the colour of the sky?", {"datasets": datasets, "results": [], "previous": None}, found)
        assert isinstance(after, Draft)
        text = after.text
    assert "How many wards are there?" in text
    assert "synthetic" not in text


def test_list_of_all_zones_is_not_said_to_be_cut_by_facts_of_other_classes() -> None:
    session = {"datasets": [WATER, USES], "results": [], "previous": None}
    question, results = "What is the area of each land use class flooded?", list[Json]()
    for _ in range(3):
        step = plan(question, session, results)
        if isinstance(step, Draft):
            break
        results += [_answered(len(results) + 1, name, params) for name, params in step.calls]
    assert isinstance(step, Draft)
    assert all(name in step.text for name in ("orchard", "pasture", "mill"))
    assert "Only the first" not in step.text


def _answered(n: int, tool: str, params: Json) -> Json:
    subjects = [{"zone": zone, "class": "flooded (above 0)"} for zone in ("orchard", "pasture", "mill")] if tool == "zonal_stats" else []
    facts = [
        {"name": "area", "value": 5e4 + k, "unit": "m2", "subject": subject, "path": f"facts/{k}"} for k, subject in enumerate(subjects)
    ]
    return {
        "n": n,
        "tool": tool,
        "params": params,
        "ref": f"a:{n:012d}",
        "outcome": "value",
        "facts": facts,
        "fact_count": 99,
        "kind": "table",
        "data": {},
    }
