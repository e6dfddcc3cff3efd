"""Questions that were once misread: each case gives the question and what the first calls must say, on small hand-made sessions."""

from __future__ import annotations

import pytest

from agent.planner.step import Draft
from planner_sessions import calls, column, first_step, is_declined, layer, raster

WARDS = [
    "St. Torka", "St. Lunby", "Lunby", "North Lunby", "P-08", "P-07", "O'Brien", "Saint-Denis", "Saint-Denis-sur-Loire", "Mount St. Helen",
    "A1", "Ward 3", "Ward 12", "East",
]  # fmt: skip
COVER = {"1": "Forest", "2": "Built-up", "3": "Bare soil"}
PLACES = [
    layer("wards", "Polygon", [column("ward", WARDS)], "ward", 14),
    layer("canals", "LineString", [column("name", ["St. Torkamouth", "Grand Canal"]), column("use", ["drainage", "irrigation"])], "name"),
    layer("towns", "Point", [column("town", ["Oxby"], distinct=500), column("kind", ["city", "village"])], "town", 500),
    raster("flood_depth"),
    raster("land_cover", kind="categorical", unit="unspecified", classes=COVER),
]
KINDS = [
    layer("counties", "Polygon", [column("county", ["Ardmoor", "Belfen"])], "county", 2),
    layer("roads", "LineString", [column("name", ["Old Way"]), column("road_class", ["paved", "dirt"])], "name"),
    layer("amenities", "Point", [column("name", ["Oxby"]), column("amenity", ["bakery", "school"])], "name"),
    layer("facilities", "Point", [column("name", ["Fenby"]), column("facility_type", ["quarry", "silo"])], "name"),
    layer("fields", "Polygon", [column("code", ["L1", "L2"]), column("crop_type", ["flax", "oats"])], None),
    raster("elevation"),
    raster("water_table_depth"),
    raster("codes", kind="categorical", unit="unspecified", high=60),
]
FLOOD = [layer("counties", "Polygon", [column("county", ["Ardmoor", "Belfen"])], "county", 2), raster("water_depth")]
HEIGHTS = [layer("counties", "Polygon", [column("county", ["Ardmoor", "Belfen"])], "county", 2), raster("elevation")]


@pytest.mark.parametrize(
    "question",
    [
        "How much water is there in each county?", "area of water by county", "area of water in Ardmoor", "water area", "How much water is there?",
        "area of water bodies by county", "area of surface water in Ardmoor", "Which county has the most water?", "share of water by county",
        "What share of Ardmoor is water?", "Ardmoor water area", "How much surface is covered by water in each county?", "how many water fields are there?",
        "length of water roads", "area of soil in Ardmoor", "area of country by county", "area of product by county",
        "How much soil is there in each county?",
    ],
)  # fmt: skip
def test_a_noun_that_nothing_explains_is_not_left_aside(question: str) -> None:
    assert is_declined(question, KINDS)


def test_ground_without_a_kind_is_the_place_itself() -> None:
    assert calls("area of land in Ardmoor", KINDS)[0][1]["layer"] == "counties"
    assert calls("area of flax soil by county", KINDS)[0][1]["where"]["conditions"][0]["value"] == "flax"


@pytest.mark.parametrize("question", ["area with more than 1 m of water", "area with water deeper than 1 m by county"])
def test_water_with_a_depth_is_the_raster_of_water_depth(question: str) -> None:
    name, params = calls(question, FLOOD)[0]
    assert (name, params["raster"], params["classes"][0]["min"]) == ("classify", "water_depth", 1.0)


def test_water_without_a_depth_is_asked_about_and_never_a_statistic() -> None:
    assert is_declined("How much water is there in Ardmoor?", FLOOD)
    assert is_declined("area of water by county", FLOOD)


def test_a_depth_of_water_is_never_looked_for_in_heights() -> None:
    assert is_declined("How many hectares of each county are under more than 2 m of water?", HEIGHTS)


@pytest.mark.parametrize(
    ("question", "column_name"),
    [
        ("total length of roads for each road_class", "road_class"), ("length of roads by road class", "road_class"),
        ("How many amenities are there of each amenity?", "amenity"), ("number of amenities by amenity", "amenity"), ("amenities by amenity", "amenity"),
        ("How many facilities are there of each facility_type?", "facility_type"), ("facilities by facility_type", "facility_type"),
        ("area of fields by crop_type", "crop_type"), ("area of fields for each crop type", "crop_type"),
    ],
)  # fmt: skip
def test_a_group_that_bears_the_name_of_a_column_is_that_column(question: str, column_name: str) -> None:
    assert calls(question, KINDS)[0][1]["group_by"] == [column_name]


def test_a_list_of_what_a_layer_is_called_is_the_layer_although_a_column_bears_its_name() -> None:
    assert calls("list the amenities", KINDS)[0][1]["layer"] == "amenities"
    assert calls("two largest counties", KINDS)[0][1]["limit"] == 2


@pytest.mark.parametrize("ward", WARDS)
def test_a_name_is_linked_as_a_whole(ward: str) -> None:
    name, params = calls(f"length of canals inside {ward}", PLACES)[0]
    assert (name, params["layer"]) == ("overlay", "canals")
    assert params["other_where"]["conditions"] == [{"column": "ward", "op": "=", "value": ward}]


def test_a_name_opens_and_ends_a_question() -> None:
    start = calls("How far is St. Lunby from the nearest canal?", PLACES)[0][1]
    assert start["where"]["conditions"] == [{"column": "ward", "op": "=", "value": "St. Lunby"}]
    assert calls("In P-08, what is the average flood depth?", PLACES)[0][1]["where"]["conditions"][0]["value"] == "P-08"


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("length of canals in St. Borby", "St Borby"), ("nearest canal to St. Wexham", "St Wexham"), ("length of canals in P-09", "P-09"),
        ("area of Z-09", "Z-09"), ("length of canals in East Lunby", "East Lunby"), ("length of canals in South Lunby", "South Lunby"),
        ("How large is Saint Torka?", "Saint Torka"),
    ],
)  # fmt: skip
def test_a_name_that_is_not_there_is_looked_up_whole_and_never_pieced_together(question: str, name: str) -> None:
    assert calls(question, PLACES) == [("find_place", {"name": name})]


def test_new_lake_is_not_lake() -> None:
    lakes = [layer("lakes", "Polygon", [column("name", ["New Hollow", "Old Hollow"])], "name", 2)]
    assert is_declined("area of Hollow", lakes)


@pytest.mark.parametrize(
    "question",
    [
        "class 40 area per county",
        "How much class 40 is there in each county?",
        "area of value 40 by county",
        "For each county, how much class 40 does it have?",
    ],
)
def test_a_class_without_a_name_is_its_number(question: str) -> None:
    name, params = calls(question, KINDS)[0]
    assert (name, params["raster"], params["classes"][0]["values"]) == ("classify", "codes", [40.0])


def test_band_one_of_a_raster_is_the_raster() -> None:
    assert calls("mean of band 1 of water_table_depth by county", KINDS)[0][1]["raster"] == "water_table_depth"
    step = first_step("mean of band 7 of water_table_depth by county", KINDS)
    assert isinstance(step, Draft) or step.calls[0][0] == "find_place"


@pytest.mark.parametrize(
    ("question", "statistics", "order"),
    [
        ("mean and maximum elevation for every county", ["mean", "max"], None), ("max and mean elevation per county", ["max", "mean"], None),
        ("What are the maximum and the mean elevation by county?", ["max", "mean"], None), ("minimum elevation by county", ["min"], None),
        ("lowest elevation by county", ["min"], None), ("highest elevation by county, lowest first", ["max"], False),
        ("List the counties by highest elevation, largest first", ["max"], True), ("By county, what is the average elevation?", ["mean"], None),
    ],
)  # fmt: skip
def test_statistics_by_zone_are_those_named(question: str, statistics: list[str], order: bool | None) -> None:
    params = calls(question, KINDS)[0][1]
    assert (params["statistics"], params["zones"], params.get("descending"), params.get("limit")) == (statistics, "counties", order, None)


def test_a_count_in_words_is_a_number() -> None:
    assert calls("Find the three canals nearest to St. Lunby", PLACES)[0][1]["nearest"]["k"] == 3


@pytest.mark.parametrize(
    "question",
    [
        "In P-08, how many towns are there?",
        "In P-08, which towns are there?",
        "Within P-08, list the towns",
        "For P-08, how many towns are there?",
    ],
)
def test_a_place_that_opens_a_question_is_not_what_is_counted(question: str) -> None:
    params = calls(question, PLACES)[0][1]
    assert params["layer"] == "towns"
    assert params["spatial"][0]["where"]["conditions"][0]["value"] == "P-08"


@pytest.mark.parametrize("words", ["is under 2", "is over 2"])
def test_under_and_over_a_number_are_comparisons(words: str) -> None:
    assert calls(f"area where elevation {words}", HEIGHTS)[0][0] == "classify"


@pytest.mark.parametrize(
    ("question", "column_name", "values"),
    [
        ("How many towns are not cities?", "kind", ["city"]),
        ("length of canals that are not drainage", "use", ["drainage"]),
        ("wards except P-08 and P-07", "ward", ["P-08", "P-07"]),
    ],
)
def test_others_of_the_same_layer_are_excluded_by_value_and_not_by_place(question: str, column_name: str, values: list[str]) -> None:
    params = calls(question, PLACES)[0][1]
    assert "spatial" not in params
    assert params["where"]["conditions"] == [{"column": column_name, "op": "!=", "value": value} for value in values]


def test_the_deepest_flood_is_a_maximum_and_no_area() -> None:
    params = calls("Which ward has the deepest flood?", PLACES)[0][1]
    assert (params["statistics"], params["descending"], params["limit"]) == (["max"], True, 1)


def test_a_dataset_in_focus_is_preferred_to_its_twin_out_of_focus() -> None:
    twin = {**raster("flood_depth_2023"), "focus": False}
    assert calls("mean flood depth by county", [raster("flood_depth_2023_copy"), twin, FLOOD[0]])[0][1]["raster"] == "flood_depth_2023_copy"


def test_in_which_zone_asks_for_a_ranking_of_zones() -> None:
    params = calls("In which county is the mean elevation highest?", KINDS)[0][1]
    assert (params["zone_column"], params["order_by"], params["limit"]) == ("county", "mean", 1)
    assert "merge_zones" not in params


@pytest.mark.parametrize("question", ["area of Denis", "How large is Denis?", "area of forest in Helen", "length of canals in Torka"])
def test_a_part_of_a_name_is_asked_about(question: str) -> None:
    step = first_step(question, PLACES)
    assert isinstance(step, Draft)
    assert step.status == "input_needed"
    assert "Saint-Denis" in step.text or "Helen" in step.text or "Torka" in step.text


def test_the_kind_of_place_may_be_left_out_of_a_name() -> None:
    counties = [layer("counties", "Polygon", [column("name", ["Ardmoor County", "Belfen County"])], "name", 2)]
    assert calls("area of Ardmoor", counties)[0][1]["where"]["conditions"][0]["value"] == "Ardmoor County"


def test_an_article_is_no_code_of_a_column() -> None:
    codes = [layer("wells", "Point", [column("name", ["Oxby"]), column("grade", ["A", "B"]), column("depth_m", [3], "real")], "name")]
    assert calls("Which wells have a depth_m above 3?", codes)[0][1]["where"]["conditions"] == [
        {"column": "depth_m", "op": ">", "value": 3}
    ]


def test_participles_name_no_clipped_column() -> None:
    layers = [
        layer("countries", "Polygon", [column("NAME", ["Ardmoor"]), column("POP", [3], "integer")], "NAME", 1),
        layer("populated_places", "Point", [column("name", ["Oxby"])], "name"),
    ]
    name, params = calls("Which populated places are in Ardmoor?", layers)[0]
    assert (name, params["layer"]) == ("query_vector", "populated_places")


@pytest.mark.parametrize(
    ("question", "grouped"),
    [
        ("What is the perimeter of Ardmoor?", False),
        ("perimeter of the fields", False),
        ("How long is the perimeter of each county?", True),
        ("What is the circumference of each county in km?", True),
    ],
)
def test_a_perimeter_is_measured_as_one(question: str, grouped: bool) -> None:
    (_, params), *_ = calls(question, KINDS)
    assert params["measures"] == [{"aggregate": "perimeter"}]
    assert bool(params.get("group_by")) is grouped


@pytest.mark.parametrize(
    "question", ["perimeter of the roads", "area and perimeter of Ardmoor", "How many roads lie inside the perimeter of Ardmoor?"]
)
def test_a_perimeter_that_no_call_measures_is_declined(question: str) -> None:
    assert is_declined(question, KINDS)


@pytest.mark.parametrize(
    "question",
    ["What are the coordinates of Oxby?", "latitude and longitude of Oxby", "coordinates of the village Oxby", "coordinates of the towns"],
)
def test_coordinates_of_points_are_looked_up(question: str) -> None:
    (name, params), *_ = calls(question, PLACES)
    assert name == "query_vector"
    assert {"@longitude", "@latitude"} <= set(params["select"])


@pytest.mark.parametrize("question", ["What are the coordinates of the canals?", "coordinates of East", "coordinates of the largest town"])
def test_coordinates_of_what_is_no_point_are_declined(question: str) -> None:
    assert is_declined(question, PLACES)
