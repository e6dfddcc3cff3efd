"""Requests to make something, terrain, values at points and joins: what is asked gives these first calls, or a question back."""

from __future__ import annotations

from typing import Any

import pytest

from agent.planner.engine import plan
from agent.planner.step import Draft, ToolCalls
from planner_sessions import Json, calls, column, first_step, is_declined, layer, raster

COVER = {"1": "Forest", "2": "Built-up", "3": "Bare soil"}
DATA = [
    layer("districts", "Polygon", [column("name", ["North", "South", "East"])], "name", 3),
    layer("clinics", "Point", [column("name", ["Oxby clinic", "Fenby clinic"]), column("beds", [1, 5], "integer")], "name", 2),
    layer("stations", "Point", [column("station", ["S1 Hill", "S2 Dale"]), column("rainfall_mm", [100.5, 120], "real")], "station", 12),
    layer("parcels", "Polygon", [column("parcel_id", ["P-1", "P-2"], distinct=40), column("land_use", ["residential", "farm"])], None, 40),
    layer("municipalities", "Polygon", [column("name", ["Oxby", "Fenby"]), column("code", ["001", "002"]), column("province", ["A", "B"])], "name", 2),
    {
        "id": "population", "title": "population", "kind": "table", "focus": True, "feature_count": 2, "name_column": None,
        "columns": [column("code", ["001", "002"]), column("population", [10, 20], "integer")],
    },
    raster("elevation"),
    raster("land_cover", kind="categorical", unit="unspecified", classes=COVER),
]  # fmt: skip
FARMS = {"conditions": [{"column": "land_use", "op": "=", "value": "farm"}]}
NORTH = {"conditions": [{"column": "name", "op": "=", "value": "North"}]}
OXBY = {"conditions": [{"column": "name", "op": "=", "value": "Oxby clinic"}]}


@pytest.mark.parametrize(
    ("question", "tool", "params"),
    [
        ("How steep is the terrain?", "terrain", {"raster": "elevation", "operation": "slope"}),
        ("How steep is each district?", "terrain", {"raster": "elevation", "operation": "slope"}),
        ("Which district is steepest?", "terrain", {"raster": "elevation", "operation": "slope"}),
        ("What area is steeper than 15 degrees in each district?", "terrain", {"raster": "elevation", "operation": "slope"}),
        ("What is the ruggedness of each district?", "terrain", {"raster": "elevation", "operation": "tri"}),
        ("What is the mean distance to forest in each district?", "raster_distance", {"raster": "land_cover", "targets": ["Forest"]}),
        ("What area of each district lies within 500 m of forest?", "raster_distance", {"raster": "land_cover", "targets": ["Forest"]}),
        ("Which district has the highest mean distance to bare soil?", "raster_distance", {"raster": "land_cover", "targets": ["Bare soil"]}),
        ("What is the distance to forest at the clinics?", "raster_distance", {"raster": "land_cover", "targets": ["Forest"]}),
        ("Export the parcels as GeoPackage", "export", {"dataset": "parcels", "format": "gpkg"}),
        ("Please save elevation as a GeoTIFF", "export", {"dataset": "elevation", "format": "geotiff"}),
        ("Export the population table as CSV", "export", {"dataset": "population", "format": "csv"}),
        ("Export the farm parcels as GeoJSON", "query_vector", {"layer": "parcels", "where": FARMS}),
        ("Clean the parcels", "clean", {"layer": "parcels"}),
        ("Simplify the parcels by 0.5 km", "shapes", {"operation": "simplify", "layer": "parcels", "tolerance_m": 500.0}),
        ("Draw contours every 10 m", "contour", {"raster": "elevation", "interval": 10.0}),
        ("Draw contours every 25 m of the elevation", "contour", {"raster": "elevation", "interval": 25.0}),
        ("Contours of the elevation at intervals of 50 ft", "contour", {"raster": "elevation", "interval": 15.24}),
        ("What is the elevation at the clinics?", "sample", {"raster": "elevation", "points": "clinics"}),
        ("What is the elevation at Oxby clinic?", "sample", {"raster": "elevation", "points": "clinics", "where": OXBY}),
        ("What is the slope at the clinics?", "terrain", {"raster": "elevation", "operation": "slope"}),
        ("Which clinic lies highest?", "sample", {"raster": "elevation", "points": "clinics"}),
        ("What land cover is at the clinics?", "sample", {"raster": "land_cover", "points": "clinics"}),
        ("Join population.csv to municipalities, total population", "join", {"operation": "attributes", "layer": "municipalities", "other": "population"}),
        ("Join the population table to the municipalities by code", "join", {"operation": "attributes", "layer": "municipalities", "other": "population", "key": "code"}),
        ("What is the mean rainfall of each district by Thiessen polygons?", "shapes", {"operation": "voronoi", "layer": "stations", "within": "districts"}),
        ("Make Thiessen polygons of the stations clipped to the districts", "shapes", {"operation": "voronoi", "layer": "stations", "within": "districts"}),
        ("What is the area of the convex hull around all clinics?", "shapes", {"operation": "convex_hull", "layer": "clinics", "by": []}),
        ("Where is the highest point?", "histogram", {"raster": "elevation"}),
        ("Where is the highest point of the elevation in North?", "query_vector", {"layer": "districts", "where": NORTH}),
        ("Where is the lowest point in the districts?", "histogram", {"raster": "elevation", "within": "districts"}),
        ("Show a histogram of elevation in 5 bins", "histogram", {"raster": "elevation", "bins": 5}),
        ("Buffer the clinics by 500 m", "overlay", {"operation": "buffer", "layer": "clinics", "distance_m": 500.0}),
        ("Dissolve the parcels by land use", "overlay", {"operation": "dissolve", "layer": "parcels", "by": ["land_use"]}),
        ("Reproject elevation to UTM zone 33S", "reproject", {"source": "elevation", "crs": "EPSG:32733"}),
    ],
)  # fmt: skip
def test_a_request_becomes_its_first_call(question: str, tool: str, params: Json) -> None:
    assert calls(question, DATA) == [(tool, params)]


@pytest.mark.parametrize(
    ("question", "tool"),
    [
        ("Which clinic has the most beds?", "query_vector"),  # a column of its own, no raster
        ("Which district is the largest?", "query_vector"),
        ("Which district has the highest elevation?", "zonal_stats"),
        ("What is the distribution of land cover?", "zonal_stats"),
        ("Which clinic is nearest to each station?", "query_vector"),
        ("Which clinics are within 500 m of the stations?", "query_vector"),
        ("What is the distance from each clinic to the nearest station?", "query_vector"),
    ],
)
def test_other_questions_are_read_as_before(question: str, tool: str) -> None:
    assert calls(question, DATA)[0][0] == tool


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Simplify the parcels", "tolerance"),
        ("Draw contours of the elevation", "interval"),
        ("Export it as GeoJSON", "no earlier result"),
    ],
)
def test_what_is_missing_is_asked_for(question: str, words: str) -> None:
    step = first_step(question, DATA)
    assert isinstance(step, Draft)
    assert step.status == "input_needed"
    assert words in step.text


@pytest.mark.parametrize("question", ["Clean the rivers", "Join the roads to the municipalities", "What is the snow depth at the clinics?"])
def test_a_request_for_what_is_not_there_is_declined(question: str) -> None:
    assert is_declined(question, DATA) or calls(question, DATA)[0][0] == "find_place"


def test_slope_needs_a_raster_of_heights() -> None:
    step = first_step("How steep is each district?", [one for one in DATA if one["id"] != "elevation"])
    assert isinstance(step, Draft)
    assert (step.status, "DEM" in step.text) == ("refused", True)


def test_of_two_surfaces_the_one_that_is_meant_is_asked_for() -> None:
    step = first_step("What is the elevation at the clinics?", [*DATA, raster("elevation_1990")])
    assert isinstance(step, Draft)
    assert step.status == "input_needed"


def done(n: int, tool: str, params: Json, **more: Any) -> Json:
    return {"n": n, "tool": tool, "params": params, "ref": f"a:{n:012x}", "outcome": "value", "kind": "vector", "facts": [], **more}


def test_each_task_takes_what_the_one_before_made() -> None:
    question = "Simplify the parcels by 10 m and then export them as GeoJSON"
    session = {"version": 1, "question": question, "datasets": DATA, "results": [], "previous": None}
    made = done(1, "shapes", {"operation": "simplify", "layer": "parcels", "tolerance_m": 10.0})
    step = plan(question, session, [made])
    assert step == ToolCalls((("export", {"dataset": made["ref"], "format": "geojson"}),))


def test_an_export_may_take_the_last_result() -> None:
    question = "Export that as GeoPackage"
    last = {"n": 1, "ref": "a:0123456789ab", "kind": "vector", "files": ["x.parquet"]}
    previous = {
        "question": "…",
        "frame": {"version": 1, "frames": [{"kind": "features", "layer": {"ref": "parcels"}}], "derived": ""},
        "cited": [1],
    }
    step = plan(question, {"version": 1, "question": question, "datasets": DATA, "results": [last], "previous": previous}, [])
    assert step == ToolCalls((("export", {"dataset": "a:0123456789ab", "format": "gpkg"}),))


TOWNS = [layer("towns", "Point", [column("town", ["Oxby"], distinct=500), column("state", ["Ohio", "Iowa"])], "town", 500), DATA[1]]


def looked_up(name: str, *boxes: list[float]) -> Json:
    namesakes = [
        {"fid": number, "state": state, "bbox": bbox} for number, (state, bbox) in enumerate(zip(("Ohio", "Iowa"), boxes, strict=True))
    ]
    candidate = {"dataset": "towns", "column": "town", "value": name, "exactness": "exact", "features": 2, "namesakes": namesakes}
    return done(1, "find_place", {"name": name}, kind="text", data={"candidates": [candidate]})


def asked_of_towns(question: str, found: Json) -> Any:
    return plan(question, {"version": 1, "question": question, "datasets": TOWNS, "results": [], "previous": None}, [found])


def test_two_towns_of_one_name_are_asked_about() -> None:
    apart = looked_up("Springfield", [-84, 40, -84, 40], [-93, 42, -93, 42])
    step = asked_of_towns("How many clinics are within 5 km of Springfield?", apart)
    assert isinstance(step, Draft)
    assert (step.status, "Ohio; Iowa" in step.text) == ("input_needed", True)


@pytest.mark.parametrize(
    ("question", "boxes"),
    [
        ("How many clinics are within 5 km of Springfield?", ([-84, 40, -83, 41], [-83, 40, -82, 41])),  # parts of one
        ("How many clinics are within 5 km of Springfield in Ohio?", ([-84, 40, -84, 40], [-93, 42, -93, 42])),
    ],
)
def test_parts_of_one_place_and_a_place_that_is_told_apart_are_not_asked_about(
    question: str, boxes: tuple[list[float], list[float]]
) -> None:
    step = asked_of_towns(question, looked_up("Springfield", *boxes))
    assert not isinstance(step, Draft) or "Several places" not in step.text
