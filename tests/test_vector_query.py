"""query_vector on layers whose answers are computable in the head, or by the geodesic inverse."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import Geod
from shapely import LineString, MultiPolygon, Point, Polygon, box

from tools.contract import Declared, Outcome
from tools.errors import DataError, MissingCrsError, ParameterError
from vector_calls import call, fact, measures, value, values, where

GEOD = Geod(ellps="WGS84")
EAST, NORTH = 500_000, 5_000_000
"""On the central meridian of UTM, where a grid metre is 1 / 0.9996 true metres."""
TRUE_M2 = 0.9996**-2


def square(x: float, y: float, size: float = 100) -> Polygon:
    return box(EAST + x, NORTH + y, EAST + x + size, NORTH + y + size)


@pytest.fixture
def parcels(make_layer):
    """Five parcels of 100 m in a row, in UTM; the fourth has no name, the last no geometry."""
    shapes = [square(0, 0), square(200, 0), square(400, 0, 200), square(800, 0), None]
    columns = {
        "name": ["Ash", "Birch", "Cedar", None, "Elm"],
        "use": ["farm", "farm", "wood", "wood", "farm"],
        "people": [10, 20, 30, 40, 50],
    }
    return make_layer(shapes, crs="EPSG:32632", columns=columns, name="parcels.gpkg")


@pytest.fixture
def cities(make_layer):
    places = [(0.0, 0.0), (1.0, 0.0), (0.0, 2.0), (179.5, 10.0), (-179.5, 10.0)]
    return make_layer(
        [Point(place) for place in places],
        columns={"name": ["A", "B", "C", "D", "E"], "size": [1.5, 2.5, 3.5, 4.5, None]},
        name="cities.gpkg",
    )


# Features -----------------------------------------------------------------------------------------------------------


def test_features_are_counted_listed_and_written(tmp_path, parcels):
    output = call("query_vector", tmp_path, {"p": parcels}, layer="p", where=where("use", "=", "Wood"))
    assert output.outcome is Outcome.VALUE
    assert value(output, "count") == 2
    assert [row["feature"] for row in output.data["rows"]] == ["Cedar", "fid 3"]
    assert output.files == ("features.parquet",)
    again = call("query_vector", tmp_path, {"w": next(tmp_path.glob("call-0/features.parquet"))}, layer="w", measures=measures("count"))
    assert value(again, "count") == 2


def test_own_area_is_true_to_the_ellipsoid_and_ranks_features(tmp_path, parcels):
    output = call("query_vector", tmp_path, {"p": parcels}, layer="p", order_by="area", descending=True, limit=2)
    areas = values(output, "area", "feature")
    assert next(iter(areas)) == "Cedar"
    assert areas["Cedar"] == pytest.approx(40_000 * TRUE_M2, rel=1e-6)
    assert value(output, "count") == 5
    assert "2 of 5 features are shown, as limited" in output.warnings


def test_selected_numeric_columns_become_facts_without_a_known_unit(tmp_path, parcels):
    output = call("query_vector", tmp_path, {"p": parcels}, layer="p", select=["people", "use"], where=where("people", ">", 35))
    assert values(output, "people", "feature") == {"fid 3": 40, "Elm": 50}
    assert fact(output, "people", feature="Elm").unit == "unspecified"


def test_features_are_sorted_by_a_column_without_case_and_nulls_come_last(tmp_path, make_layer):
    path = make_layer([Point(0, 0)] * 4, columns={"name": ["b", None, "A", "C"]})
    output = call("query_vector", tmp_path, {"p": path}, layer="p", order_by="name")
    assert [row["name"] for row in output.data["rows"]] == ["A", "b", "C", None]


def test_features_of_the_same_name_are_told_apart(tmp_path, make_layer):
    path = make_layer([Point(0, 0), Point(1, 1), Point(2, 2)], columns={"name": ["Oak", "Oak", "Elm"], "size": [1, 2, 3]})
    output = call("query_vector", tmp_path, {"p": path}, layer="p", select=["size"])
    assert values(output, "size", "feature") == {"Oak (fid 0)": 1, "Oak (fid 1)": 2, "Elm": 3}


def test_a_declared_name_column_names_the_features(tmp_path, make_layer):
    path = make_layer([Point(0, 0)], columns={"name": ["x"], "plate": ["K-1"]})
    output = call("query_vector", tmp_path, {"p": path}, declared={"p": Declared(name_column="plate")}, layer="p")
    assert output.data["rows"][0]["feature"] == "K-1"


def test_conditions_on_the_own_area_see_true_square_metres(tmp_path, parcels):
    output = call("query_vector", tmp_path, {"p": parcels}, layer="p", where=where("@area_m2", ">", 10_005), measures=measures("count"))
    assert value(output, "count") == 4
    output = call("query_vector", tmp_path, {"p": parcels}, layer="p", where=where("@area_m2", ">", 10_010), measures=measures("count"))
    assert value(output, "count") == 1


def test_own_conditions_may_be_alternatives_to_others(tmp_path, parcels):
    either = {
        "match": "any",
        "conditions": [{"column": "@area_m2", "op": ">", "value": 20_000}, {"column": "name", "op": "=", "value": "Ash"}],
    }
    output = call("query_vector", tmp_path, {"p": parcels}, layer="p", where=either)
    assert [row["feature"] for row in output.data["rows"]] == ["Ash", "Cedar"]


# Measures -----------------------------------------------------------------------------------------------------------


def test_measures_over_all_features(tmp_path, parcels):
    asked = measures("count", "area", "sum of people", "mean of people", "min of people", "max of people", "median of people")
    output = call("query_vector", tmp_path, {"p": parcels}, layer="p", measures=asked)
    assert [(one.name, one.unit) for one in output.facts][:3] == [("count", "count"), ("area", "m2"), ("sum of people", "unspecified")]
    assert [one.value for one in output.facts][2:] == [150, 30, 10, 50, 30]
    assert value(output, "area") == pytest.approx(70_000 * TRUE_M2, rel=1e-6)
    assert any("have no geometry" in said for said in output.warnings)


def test_measures_per_group_are_ranked_by_a_measure(tmp_path, parcels):
    output = call(
        "query_vector",
        tmp_path,
        {"p": parcels},
        layer="p",
        group_by=["use"],
        measures=measures("count", "sum of people"),
        order_by="sum of people",
        descending=True,
    )
    assert values(output, "sum of people", "use") == {"farm": 80, "wood": 70}
    assert list(values(output, "count", "use")) == ["farm", "wood"]


def test_the_covered_area_counts_overlap_once_and_says_so(tmp_path, make_layer):
    path = make_layer([square(0, 0), square(50, 0), square(50, 0)], crs="EPSG:32632", columns={"image": [1, 2, 3]})
    output = call("query_vector", tmp_path, {"p": path}, layer="p", measures=measures("area"))
    assert value(output, "area") == pytest.approx(15_000 * TRUE_M2, rel=1e-6)
    assert value(output, "sum of feature areas") == pytest.approx(30_000 * TRUE_M2, rel=1e-6)
    assert output.warnings[0].startswith("3 features overlap: the covered area is 15,0")
    assert "1 features are exact duplicates" in output.warnings[0]


def test_a_column_that_explains_the_overlap_is_named_with_its_areas(tmp_path, make_layer):
    shapes = [square(0, 0), square(200, 0), square(50, 0)]
    path = make_layer(shapes, crs="EPSG:32632", columns={"quality": ["x", "x", "x"], "image": [7, 7, 8]})
    output = call("query_vector", tmp_path, {"p": path}, layer="p", measures=measures("area"))
    assert value(output, "area", image="7") == pytest.approx(20_000 * TRUE_M2, rel=1e-6)
    assert value(output, "area", image="8") == pytest.approx(10_000 * TRUE_M2, rel=1e-6)
    assert any("same image do not overlap" in said for said in output.warnings)


def test_without_overlap_only_one_area_is_told(tmp_path, parcels):
    output = call("query_vector", tmp_path, {"p": parcels}, layer="p", measures=measures("area"))
    assert [one.name for one in output.facts] == ["area"]


def test_the_length_of_lines_is_geodesic(tmp_path, make_layer):
    path = make_layer([LineString([(5, 50), (5, 51)])], columns={"name": ["road"]})
    output = call("query_vector", tmp_path, {"p": path}, layer="p", measures=measures("length"))
    assert value(output, "length") == pytest.approx(GEOD.inv(5, 50, 5, 51)[2], rel=1e-9)


@pytest.mark.parametrize(
    ("measure", "words"),
    [("area", "no polygons"), ("length", "no lines"), ("sum of name", "does not hold numbers"), ("sum of peple", "no column")],
)
def test_a_measure_that_the_layer_cannot_have_is_refused(tmp_path, cities, measure, words):
    with pytest.raises(ParameterError, match=words):
        call("query_vector", tmp_path, {"c": cities}, layer="c", measures=measures(measure))


# Spatial filters ------------------------------------------------------------------------------------------------------


def test_a_filter_layer_in_another_crs_is_transformed_and_recorded(tmp_path, parcels, make_layer):
    zone = make_layer([box(8.9, 45.1, 9.0 + 350 / 78_700, 45.2)], columns={"name": ["zone"]}, name="zone.geojson")
    output = call("query_vector", tmp_path, {"p": parcels, "z": zone}, layer="p", spatial=[{"predicate": "intersects", "other": "z"}])
    assert [row["feature"] for row in output.data["rows"]] == ["Ash", "Birch"]
    assert output.method["transformations"][0]["from"] == "WGS 84"
    assert "UTM" in output.method["transformations"][0]["to"]


@pytest.mark.parametrize(
    ("predicate", "expected"), [("within", ["A", "B"]), ("disjoint", ["C", "D", "E"]), ("intersects", ["A", "B"])], ids=str
)
def test_a_geometry_in_degrees_filters_points(tmp_path, cities, predicate, expected):
    output = call(
        "query_vector",
        tmp_path,
        {"c": cities},
        layer="c",
        spatial=[{"predicate": predicate, "geometry": "POLYGON ((-1 -1, 2 -1, 2 1, -1 1, -1 -1))"}],
    )
    assert [row["feature"] for row in output.data["rows"]] == expected


def test_a_filter_geometry_past_180_degrees_finds_both_sides_of_the_antimeridian(tmp_path, cities):
    across = box(179, 9, 181, 11).wkt
    output = call("query_vector", tmp_path, {"c": cities}, layer="c", spatial=[{"predicate": "within", "geometry": across}])
    assert [row["feature"] for row in output.data["rows"]] == ["D", "E"]


def test_within_distance_measures_true_metres(tmp_path, cities):
    degree = GEOD.inv(0, 0, 1, 0)[2]
    for metres, expected in [(degree + 1, ["A", "B"]), (degree - 1, ["A"])]:
        spatial = [{"predicate": "within_distance", "geometry": "POINT (0 0)", "distance_m": metres}]
        output = call("query_vector", tmp_path, {"c": cities}, layer="c", spatial=spatial)
        assert [row["feature"] for row in output.data["rows"]] == expected


def test_several_filters_must_all_hold(tmp_path, cities):
    spatial = [{"predicate": "within", "geometry": box(-1, -1, 2, 3).wkt}, {"predicate": "disjoint", "geometry": box(0.5, -1, 2, 1).wkt}]
    output = call("query_vector", tmp_path, {"c": cities}, layer="c", spatial=spatial)
    assert [row["feature"] for row in output.data["rows"]] == ["A", "C"]


def test_features_measured_whole_beyond_the_filter_are_said(tmp_path, parcels, make_layer):
    zone = make_layer([square(-50, -50, 100)], crs="EPSG:32632", columns={"name": ["z"]}, name="zone.gpkg")
    output = call(
        "query_vector",
        tmp_path,
        {"p": parcels, "z": zone},
        layer="p",
        measures=measures("area"),
        spatial=[{"predicate": "intersects", "other": "z"}],
    )
    assert value(output, "area") == pytest.approx(10_000 * TRUE_M2, rel=1e-6)
    assert any("1 of 1 features reach beyond" in said for said in output.warnings)


@pytest.mark.parametrize("wkt", ["POLYGON ((1 2", "no geometry", "POINT EMPTY"])
def test_broken_wkt_is_refused_with_an_example(tmp_path, cities, wkt):
    with pytest.raises(ParameterError) as caught:
        call("query_vector", tmp_path, {"c": cities}, layer="c", spatial=[{"predicate": "within", "geometry": wkt}])
    assert "longitude first" in caught.value.hint


# Outcomes -----------------------------------------------------------------------------------------------------------


def test_nothing_in_a_covered_place_is_a_true_zero_with_proof(tmp_path, cities):
    output = call(
        "query_vector",
        tmp_path,
        {"c": cities},
        layer="c",
        measures=measures("count"),
        spatial=[{"predicate": "within", "geometry": box(50, 5, 51, 6).wkt}],
    )
    assert output.outcome is Outcome.TRUE_ZERO
    assert value(output, "count") == 0
    assert value(output, "features searched") == 5
    assert output.files == ()


def test_a_sum_of_zero_over_features_that_are_there_is_a_value(tmp_path, make_layer):
    path = make_layer([Point(0, 0), Point(1, 1)], columns={"balance": [5, -5]})
    output = call("query_vector", tmp_path, {"p": path}, layer="p", measures=measures("sum of balance"))
    assert (output.outcome, value(output, "sum of balance")) == (Outcome.VALUE, 0)


def test_a_place_outside_the_layer_gives_no_number(tmp_path, cities):
    for predicate in ("within", "intersects"):
        output = call(
            "query_vector",
            tmp_path,
            {"c": cities},
            layer="c",
            measures=measures("count"),
            spatial=[{"predicate": predicate, "geometry": box(50, 50, 51, 51).wkt}],
        )
        assert output.outcome is Outcome.NO_COVERAGE
        assert output.facts == ()


@pytest.mark.parametrize(("metres", "outcome"), [(50_000, Outcome.NO_COVERAGE), (150_000, Outcome.TRUE_ZERO)])
def test_within_distance_is_covered_where_it_reaches_the_extent(tmp_path, cities, metres, outcome):
    spatial = [{"predicate": "within_distance", "geometry": "POINT (90 11)", "distance_m": metres}]
    assert call("query_vector", tmp_path, {"c": cities}, layer="c", measures=measures("count"), spatial=spatial).outcome is outcome


def test_a_place_name_that_the_other_layer_does_not_hold_gives_no_number(tmp_path, cities, make_layer):
    zone = make_layer([box(-1, -1, 2, 3)], columns={"name": ["Westland"]}, name="zone.gpkg")
    spatial = [{"predicate": "within", "other": "z", "where": where("name", "=", "Atlantis")}]
    output = call("query_vector", tmp_path, {"c": cities, "z": zone}, layer="c", measures=measures("count"), spatial=spatial)
    assert output.outcome is Outcome.NO_COVERAGE
    assert any("'Atlantis'" in said for said in output.warnings)


@pytest.mark.parametrize("typed", ["residental", "Residentail", "residential area"])
def test_a_misspelt_value_is_refused_with_the_nearest(tmp_path, make_layer, typed):
    path = make_layer([Point(0, 0), Point(1, 1)], columns={"use": ["residential", "industrial"]})
    with pytest.raises(ParameterError) as caught:
        call("query_vector", tmp_path, {"p": path}, layer="p", where=where("use", "=", typed))
    assert caught.value.hint == "Nearest values: residential."


@pytest.mark.parametrize("asked", ["swamp", "B13", "North 3"])
def test_a_value_that_occurs_nowhere_is_a_true_zero_that_says_what_occurs(tmp_path, make_layer, asked):
    path = make_layer([Point(0, 0), Point(1, 1), Point(2, 2)], columns={"kind": ["B12", "North 2", "forest"]})
    output = call("query_vector", tmp_path, {"p": path}, layer="p", where=where("kind", "=", asked), measures=measures("count"))
    assert output.outcome is Outcome.TRUE_ZERO
    assert output.warnings == (f"no feature has kind = {asked!r}; values there: B12, North 2, forest",)


def test_an_unknown_column_is_refused_with_the_nearest(tmp_path, parcels):
    for params in (
        {"order_by": "peple"},
        {"select": ["peple"]},
        {"where": where("peple", ">", 1)},
        {"group_by": ["peple"], "measures": measures("count")},
    ):
        with pytest.raises(ParameterError) as caught:
            call("query_vector", tmp_path, {"p": parcels}, layer="p", **params)
        assert "people" in caught.value.hint


def test_groups_cannot_be_ordered_by_what_was_not_measured(tmp_path, parcels):
    with pytest.raises(ParameterError, match="cannot be ordered by 'area'"):
        call("query_vector", tmp_path, {"p": parcels}, layer="p", group_by=["use"], measures=measures("count"), order_by="area")


def test_an_empty_layer_and_one_without_geometry_are_bad_data(tmp_path, make_layer):
    empty = tmp_path / "empty.geojson"
    empty.write_text('{"type": "FeatureCollection", "features": []}')
    nothing = make_layer([None, None], columns={"name": ["a", "b"]}, name="nothing.gpkg")
    for path in (empty, nothing):
        with pytest.raises(DataError, match="has no features") as caught:
            call("query_vector", tmp_path, {"p": path}, layer="p", measures=measures("count"))
        assert caught.value.hint


def test_a_layer_without_crs_is_refused(tmp_path, make_layer):
    path = make_layer([Point(0, 0)], crs=None, name="bare.parquet")
    with pytest.raises(MissingCrsError):
        call("query_vector", tmp_path, {"p": path}, layer="p", measures=measures("count"))


# Nearest ------------------------------------------------------------------------------------------------------------


def test_the_nearest_feature_of_another_layer_with_its_geodesic_distance(tmp_path, cities, make_layer):
    wells = make_layer([Point(0.4, 0), Point(-179.9, 10), Point(0, 1.2)], columns={"name": ["w1", "w2", "w3"]}, name="wells.gpkg")
    output = call("query_vector", tmp_path, {"c": cities, "w": wells}, layer="c", nearest={"other": "w"})
    found = {(one.subject["feature"], one.subject["nearest"]): one.value for one in output.facts if one.name == "distance"}
    expected = {
        ("A", "w1"): (0, 0, 0.4, 0),
        ("B", "w1"): (1, 0, 0.4, 0),
        ("C", "w3"): (0, 2, 0, 1.2),
        ("D", "w2"): (179.5, 10, -179.9, 10),
        ("E", "w2"): (-179.5, 10, -179.9, 10),
    }
    assert found == pytest.approx({pair: GEOD.inv(*places)[2] for pair, places in expected.items()}, abs=1e-6)


def test_features_are_ranked_by_the_distance_of_their_nearest(tmp_path, cities, make_layer):
    wells = make_layer([Point(0.4, 0)], columns={"name": ["w1"]}, name="wells.gpkg")
    output = call("query_vector", tmp_path, {"c": cities, "w": wells}, layer="c", nearest={"other": "w"}, order_by="distance", limit=2)
    assert [row["feature"] for row in output.data["rows"]] == ["A", "B"]


def test_several_neighbours_and_a_limit_to_the_distance(tmp_path, cities, make_layer):
    wells = make_layer([Point(0.4, 0), Point(0, 0.5), Point(70, 0)], columns={"name": ["w1", "w2", "w3"]}, name="wells.gpkg")
    output = call("query_vector", tmp_path, {"c": cities, "w": wells}, layer="c", nearest={"other": "w", "k": 3, "max_distance_m": 60_000})
    assert [(row["feature"], row["nearest"]) for row in output.data["rows"]] == [("A", "w1"), ("A", "w2")]
    assert value(output, "count") == 1
    assert any("4 of 5 features have no neighbour within 60,000 m" in said for said in output.warnings)


def test_a_feature_is_not_its_own_neighbour_in_the_same_layer(tmp_path, cities):
    output = call("query_vector", tmp_path, {"c": cities}, layer="c", nearest={"other": "c"}, where=where("name", "=", "A"))
    assert [(row["feature"], row["nearest"]) for row in output.data["rows"]] == [("A", "B")]


def test_no_neighbour_within_the_limit_is_a_true_zero(tmp_path, cities, make_layer):
    wells = make_layer([Point(70, 0)], columns={"name": ["w1"]}, name="wells.gpkg")
    output = call("query_vector", tmp_path, {"c": cities, "w": wells}, layer="c", nearest={"other": "w", "max_distance_m": 1000})
    assert output.outcome is Outcome.TRUE_ZERO
    assert value(output, "count") == 0


# Geometry ------------------------------------------------------------------------------------------------------------


def test_invalid_and_overrunning_geometry_is_mended_and_said(tmp_path, make_layer):
    bowtie = Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    path = make_layer([bowtie, box(178, 0, 182, 1), MultiPolygon([box(10, 0, 11, 1)])], columns={"name": ["a", "b", "c"]})
    output = call("query_vector", tmp_path, {"p": path}, layer="p", select=["area"])
    assert np.isfinite(list(values(output, "area", "feature").values())).all()
    assert any("1 of 3 features had invalid geometry" in said for said in output.warnings)
    assert any("1 features reach beyond the antimeridian" in said for said in output.warnings)
    assert output.bbox == (-180.0, 0.0, 180.0, 2.0)


def test_the_same_call_gives_the_same_bytes(tmp_path, parcels):
    first, second = (call("query_vector", tmp_path, {"p": parcels}, layer="p", order_by="area") for _ in range(2))
    assert first.facts == second.facts
    files = sorted(tmp_path.glob("call-*/features.parquet"))
    assert files[0].read_bytes() == files[1].read_bytes()


def test_empty_text_is_a_group_that_can_be_named(tmp_path, make_layer):
    layer = make_layer([Point(7, 50), Point(8, 50), Point(9, 50)], columns={"kind": ["", "a", "a"]})
    output = call("query_vector", tmp_path, {"p": layer}, layer="p", group_by=["kind"], measures=measures("count"))
    assert {fact.subject["kind"]: fact.value for fact in output.facts if fact.subject} == {"(empty)": 1, "a": 2}
