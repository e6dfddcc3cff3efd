"""What a language model is offered and told: within the budget whatever the data, deterministic, and nothing it needs is lost."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from shapely.geometry import Point, box

from agent import Agent, prompting, toolset
from agent.session import bounded
from agent.settings import AgentSettings
from agent.state import session_text
from agent.toolset.schemas import compact
from scripted_endpoint import scripted, tool_results
from tools import registry

KINDS = ("raster", "vector", "table", "document", "catalogue", "network", "items")
QUESTIONS = (
    "What data is here?",
    "How many hectares of each district are under more than 0.5 m of water?",
    "Mean NDVI of clear land in the scene with the least cloud in July 2020?",
    "Where did water give way to land between 1985 and 2020, as polygons on a map, and what do the reports say about why?",
    "Segment, classify, composite, change, polygonize, overlay, reproject, calculate, render, search, read, index, query, describe, list, find",
)


def names_of(schemas: list[dict[str, Any]]) -> list[str]:
    return [each["function"]["name"] for each in schemas]


def tokens(schemas: list[dict[str, Any]]) -> float:
    return len((prompting.load("system") + json.dumps(schemas, ensure_ascii=False)).encode()) / 4


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_combination_of_data_fits_the_budget(question: str) -> None:
    for count in range(len(KINDS) + 1):
        for kinds in itertools.combinations(KINDS, count):
            offered = toolset.offered(question, kinds)
            names = names_of(offered)
            assert tokens(offered) <= 6000, (kinds, names)
            assert len([name for name in names if name != "find_tools"]) <= 12
            assert names[-3:] == ["ask_user", "decline", "find_tools"]
            assert toolset.offered(question, kinds[::-1]) == offered


def test_tools_that_were_used_stay_and_found_ones_come_within_the_budget() -> None:
    everything = registry.names()
    for start in range(len(everything)):
        used, wanted = everything[start : start + 5], everything[start + 5 : start + 8]
        offered = toolset.offered("What data is here?", ["raster", "vector"], used, wanted)
        assert tokens(offered) <= 6000
        assert {*used, *wanted} <= set(names_of(offered))


@pytest.mark.parametrize(
    ("question", "kinds", "needed"),
    [
        ("How many clinics are in each district?", ["vector"], {"query_vector"}),
        ("How many hectares of each land use are flooded by 1 m or more?", ["raster", "vector"], {"classify", "zonal_stats"}),
        ("How much built-up land lies inside the flood?", ["vector"], {"overlay"}),
        ("Mean elevation inside the park?", ["raster", "vector"], {"zonal_stats"}),
        ("Which images of July 2020 have less than 10 % cloud?", ["catalogue"], {"search_stac"}),
        ("What is the mean NDVI of clear land in this scene?", ["catalogue", "vector"], {"search_stac", "read_asset", "spectral_index"}),
        ("How much water in 1985 compared with 2020?", ["raster"], {"spectral_index", "classify", "calculate"}),
        ("Draw a map of it.", ["raster", "vector"], {"render_map"}),
        ("What share of it is that?", ["vector"], {"calculate"}),
        ("What data is here?", ["vector", "raster"], {"list_datasets"}),
        ("In which CRS is the raster?", ["raster"], {"describe_dataset"}),
        ("What share of each municipality is steeper than 15 degrees?", ["raster", "vector"], {"terrain", "classify", "zonal_stats"}),
        ("What is the elevation at the clinics?", ["raster", "vector"], {"sample"}),
        ("Simplify the parcels by 5 m and save them as GeoPackage.", ["vector"], {"shapes"}),
        ("Export the parcels as a shapefile.", ["vector"], {"export"}),
        ("Clean the parcels; how many were invalid?", ["vector"], {"clean"}),
        ("Join the table to the municipalities: total population per province?", ["vector", "table"], {"join", "query_vector"}),
        ("Mean rainfall of each catchment by Thiessen polygons?", ["vector"], {"shapes", "join"}),
        ("Draw contours every 10 m.", ["raster"], {"contour"}),
        ("Where is the highest point?", ["raster"], {"histogram"}),
        ("What is the mean distance to water in each district?", ["raster", "vector"], {"raster_distance", "zonal_stats"}),
        ("Remove the speckle of the radar image.", ["raster"], {"filter_raster"}),
        ("Burn the land-use polygons onto the grid of the DEM.", ["raster", "vector"], {"rasterize"}),
    ],
)
def test_what_a_question_needs_is_offered(question: str, kinds: list[str], needed: set[str]) -> None:
    there = needed & set(registry.names())
    assert there <= set(names_of(toolset.offered(question, kinds)))


@pytest.mark.parametrize(
    ("need", "tool"), [("draw a map", "render_map"), ("change the coordinate system", "reproject"), ("nearest feature", "query_vector")]
)
def test_a_tool_is_found_by_what_it_does(need: str, tool: str) -> None:
    assert tool in toolset.found(need)


def test_find_tools_leaves_no_result_and_brings_what_it_found(tmp_path: Path) -> None:
    gpd.GeoDataFrame({"name": ["A"]}, geometry=[box(7, 50, 7.1, 50.1)], crs=4326).to_file(tmp_path / "areas.gpkg")
    count = [("query_vector", {"layer": "areas", "measures": [{"aggregate": "count"}]})]
    with scripted([[("find_tools", {"need": "reproject a layer"})], count, "There is 1 feature [1]."]) as endpoint:
        settings = AgentSettings(engine="model", openai_base_url=endpoint.url, openai_api_key="x", model_retries=0)
        result = Agent(tmp_path / "ws", settings=settings).run("How many features are there?", data=[tmp_path / "areas.gpkg"])
    assert (result.status, result.answer) == ("answered", "There is 1 feature [1].")
    assert "reproject" in {tool["name"] for tool in tool_results(endpoint.requests[1])[0]["tools"]}
    assert "reproject" in names_of(endpoint.requests[1]["tools"])
    assert [step["tool"] for step in result.steps] == ["find_tools", "query_vector"]


def properties(schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    """The tree of property names of a schema, with what is required, chosen from, and listed."""
    if "$ref" in schema:
        return properties(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    arms = [arm for arm in schema.get("anyOf", ()) if arm.get("type") != "null"]
    if len(arms) == 1:
        return properties(arms[0], definitions)
    if isinstance(schema.get("additionalProperties"), dict):
        return properties(schema["additionalProperties"], definitions)
    inner = {name: properties(each, definitions) for name, each in schema.get("properties", {}).items()}
    listed = schema.get("items", {})
    items = properties(listed, definitions) if {"properties", "$ref", "enum"} & set(listed) else None
    if "type" not in schema or "array" in schema["type"]:
        assert "anyOf" in schema or "$ref" in schema or "items" in schema or "prefixItems" in schema, schema
    return inner, sorted(schema.get("required", ())), schema.get("enum"), items


@pytest.mark.parametrize("name", registry.names())
def test_a_compact_schema_keeps_every_parameter_choice_and_description(name: str) -> None:
    full = registry.load(name).params.model_json_schema()
    short = compact(full)
    assert properties(short, short.get("$defs", {})) == properties(full, full.get("$defs", {}))
    assert {each["description"] for each in short["properties"].values() if "description" in each} == {
        each["description"] for each in full["properties"].values() if "description" in each
    }
    text = json.dumps(short)
    assert "prefixItems" not in text
    assert '"null"' not in text
    assert {part.split('"')[0] for part in text.split("#/$defs/")[1:]} == set(short.get("$defs", {}))


def dataset(number: int, *, focus: bool, columns: int = 20, values: int = 60, words: int = 5) -> dict[str, Any]:
    listed = [f"value {index} {'word ' * words}" for index in range(values)]
    made = [{"name": f"column_{index}", "type": "text", "distinct": values, "nulls": 0, "values": listed} for index in range(columns)]
    return {
        "id": f"layer_{number}",
        "title": f"Layer {number}",
        "kind": "vector",
        "focus": focus,
        "columns": made,
        "bands": [],
        "crs": None,
    }


def session(datasets: list[dict[str, Any]], results: int = 0) -> dict[str, Any]:
    result = {
        "n": 1,
        "tool": "query_vector",
        "ref": "a:0123456789ab",
        "facts": [{"name": "area", "value": 1.5}] * 60,
        "data": {"rows": ["x" * 200] * 90},
    }
    previous = {"question": "What?", "answer": "It is so. " * 2000, "cited": [1], "frame": {"x": 1}}
    return {"version": 1, "question": "What?", "datasets": datasets, "results": [result] * results, "previous": previous}


@pytest.mark.parametrize("count", [1, 3, 12, 300])
@pytest.mark.parametrize("in_focus", [0, 1, 300])
def test_a_session_of_any_size_is_told_within_its_limit(count: int, in_focus: int) -> None:
    whole = session([dataset(number, focus=number < in_focus) for number in range(count)], results=12)
    told = bounded(whole)
    assert len(session_text(told).encode()) <= 24_100
    assert told == bounded(json.loads(json.dumps(whole)))
    assert len(told["datasets"]) + told.get("more_datasets", 0) == count
    assert [each["id"] for each in told["datasets"]] == [f"layer_{number}" for number in range(len(told["datasets"]))]
    assert all(each.get("shortened") for each in told["datasets"] if "columns" not in each or len(each["columns"][0]) < 3)


def test_a_small_session_is_told_whole() -> None:
    small = dataset(1, focus=True, columns=2, values=60, words=0)
    told = bounded({**session([small]), "previous": None})
    assert told["datasets"][0]["columns"] == [
        {key: value for key, value in column.items() if key != "nulls"} for column in small["columns"]
    ]
    assert "shortened" not in told["datasets"][0]


def test_a_dataset_in_focus_keeps_more_than_one_beside_it() -> None:
    told = bounded(session([dataset(0, focus=True, columns=4), *(dataset(number, focus=False) for number in range(1, 30))]))
    assert len(told["datasets"][0]["columns"][0]["values"]) > 12
    assert "columns" not in told["datasets"][1] or isinstance(told["datasets"][1]["columns"][0], str)


def test_a_long_result_is_told_within_its_limit_and_says_what_is_missing(tmp_path: Path) -> None:
    many = gpd.GeoDataFrame(
        {"name": [f"Place {number} of a long name" for number in range(3000)]},
        geometry=[Point(7 + number / 1e4, 50) for number in range(3000)],
        crs=4326,
    )
    many.to_file(tmp_path / "places.gpkg")
    everything = [("query_vector", {"layer": "places", "select": ["name"], "limit": 3000})]
    with scripted([everything, [("decline", {"reason": "Too many.", "outcome": "refused"})]]) as endpoint:
        settings = AgentSettings(engine="model", openai_base_url=endpoint.url, openai_api_key="x", model_retries=0)
        Agent(tmp_path / "ws", settings=settings).run("Which places are there?", data=[tmp_path / "places.gpkg"])
    (told,) = (message["content"] for message in endpoint.requests[1]["messages"] if message["role"] == "tool")
    assert len(told.encode()) <= 13_000
    assert json.loads(told)["cut"]
