"""query_vector per zone of another layer: counts, cut areas and lengths, zeros, zones outside."""

from __future__ import annotations

import pytest
from shapely import LineString, Point, box

from tools.contract import Outcome
from tools.errors import ParameterError
from tools.storage.vectors import read_layer
from vector_calls import call, measures, value, values, where

EAST, NORTH = 500_000, 5_000_000
TRUE_M2 = 0.9996**-2
TRUE_M = 0.9996**-1


def utm_box(left: float, bottom: float, right: float, top: float) -> box:
    return box(EAST + left, NORTH + bottom, EAST + right, NORTH + top)


@pytest.fixture
def districts(make_layer):
    """Three districts of 1 km side by side, and one far away."""
    shapes = [utm_box(0, 0, 1000, 1000), utm_box(1000, 0, 2000, 1000), utm_box(2000, 0, 3000, 1000), utm_box(90_000, 0, 91_000, 1000)]
    return make_layer(shapes, crs="EPSG:32632", columns={"district": ["West", "Mid", "East", "Far"]}, name="districts.gpkg")


@pytest.fixture
def trees(make_layer):
    """Three trees in West, one on the border of West and Mid, one on the outer edge of East's row."""
    places = [(100, 100), (200, 200), (300, 300), (1000, 500), (2999, 900)]
    points = [Point(EAST + x, NORTH + y) for x, y in places]
    return make_layer(
        points, crs="EPSG:32632", columns={"age": [1, 2, 3, 4, 5], "kind": ["oak", "oak", "elm", "elm", "elm"]}, name="trees.gpkg"
    )


def test_features_are_counted_per_zone_zeros_included(tmp_path, trees, districts):
    output = call(
        "query_vector", tmp_path, {"t": trees, "d": districts}, layer="t", zones={"layer": "d"}, measures=measures("count", "mean of age")
    )
    assert values(output, "count", "zone") == {"East": 1, "Far": 0, "Mid": 1, "West": 4}
    assert values(output, "mean of age", "zone") == {"East": 5.0, "Mid": 4.0, "West": 2.5}
    assert "1 features lie in several zones and count in each of them" in output.warnings
    assert any("1 of 4 zones lie outside the layer's extent" in said and "Far" in said for said in output.warnings)


def test_zones_are_ranked_and_limited_by_a_measure(tmp_path, trees, districts):
    ranked = {"order_by": "count", "descending": True, "limit": 1}
    output = call(
        "query_vector", tmp_path, {"t": trees, "d": districts}, layer="t", zones={"layer": "d"}, measures=measures("count"), **ranked
    )
    assert values(output, "count", "zone") == {"West": 4}


def test_zones_and_groups_together(tmp_path, trees, districts):
    output = call(
        "query_vector",
        tmp_path,
        {"t": trees, "d": districts},
        layer="t",
        zones={"layer": "d"},
        group_by=["kind"],
        measures=measures("count"),
    )
    found = {(one.subject["zone"], one.subject["kind"]): one.value for one in output.facts}
    assert found[("West", "oak")] == 2
    assert found[("West", "elm")] == 2
    assert found[("Mid", "oak")] == 0
    assert len(found) == 8


def test_areas_are_cut_at_the_zone_and_overlap_counts_once(tmp_path, make_layer, districts):
    ponds = make_layer([utm_box(900, 0, 1100, 100), utm_box(950, 0, 1100, 100)], crs="EPSG:32632", name="ponds.gpkg")
    output = call(
        "query_vector", tmp_path, {"p": ponds, "d": districts}, layer="p", zones={"layer": "d"}, measures=measures("area", "count")
    )
    areas = values(output, "area", "zone")
    assert areas["West"] == pytest.approx(10_000 * TRUE_M2, rel=1e-6)
    assert areas["Mid"] == pytest.approx(10_000 * TRUE_M2, rel=1e-6)
    assert areas["East"] == 0
    assert values(output, "count", "zone")["West"] == 2
    assert value(output, "sum of feature areas", zone="West") == pytest.approx(15_000 * TRUE_M2, rel=1e-6)
    assert any(said.startswith("features overlap in 2 of 4 groups") for said in output.warnings)


def test_lengths_are_cut_at_the_zone(tmp_path, make_layer, districts):
    road = make_layer([LineString([(EAST + 500, NORTH + 50), (EAST + 2200, NORTH + 50)])], crs="EPSG:32632", name="road.gpkg")
    output = call("query_vector", tmp_path, {"r": road, "d": districts}, layer="r", zones={"layer": "d"}, measures=measures("length"))
    expected = {"West": 500 * TRUE_M, "Mid": 1000 * TRUE_M, "East": 200 * TRUE_M, "Far": 0}
    assert values(output, "length", "zone") == pytest.approx(expected, rel=1e-6)


def test_the_perimeter_of_polygons_in_a_zone_is_their_own_edge_and_not_the_cut(tmp_path, make_layer, districts):
    pond = make_layer([utm_box(900, 0, 1100, 100)], crs="EPSG:32632", name="pond.gpkg")
    output = call(
        "query_vector",
        tmp_path,
        {"p": pond, "d": districts},
        layer="p",
        zones={"layer": "d", "where": where("district", "=", "West")},
        measures=measures("perimeter"),
    )
    assert values(output, "perimeter", "zone") == pytest.approx({"West": 300 * TRUE_M}, rel=1e-6)


def test_a_parcel_that_only_touches_a_zone_is_not_in_it(tmp_path, make_layer, districts):
    parcel = make_layer([utm_box(500, 0, 1000, 100)], crs="EPSG:32632", name="parcel.gpkg")
    output = call("query_vector", tmp_path, {"p": parcel, "d": districts}, layer="p", zones={"layer": "d"}, measures=measures("count"))
    assert values(output, "count", "zone") == {"East": 0, "Far": 0, "Mid": 0, "West": 1}


def test_zones_of_one_name_are_one_zone(tmp_path, trees, make_layer):
    halves = make_layer(
        [utm_box(0, 0, 150, 1000), utm_box(150, 0, 3000, 1000)], crs="EPSG:32632", columns={"part": ["all", "all"]}, name="halves.gpkg"
    )
    output = call(
        "query_vector",
        tmp_path,
        {"t": trees, "h": halves},
        layer="t",
        zones={"layer": "h", "name_column": "part"},
        measures=measures("count"),
    )
    assert values(output, "count", "zone") == {"all": 5}


def test_zones_in_another_crs_are_transformed_and_written_with_their_numbers(tmp_path, trees, make_layer):
    zone = make_layer([box(8.9, 45.0, 9.1, 45.3)], columns={"name": ["Area"]}, name="zone.gpkg")
    output = call("query_vector", tmp_path, {"t": trees, "z": zone}, layer="t", zones={"layer": "z"}, measures=measures("count"))
    assert values(output, "count", "zone") == {"Area": 5}
    assert output.method["transformations"][0]["input"] == "zones"
    written = read_layer(_source(tmp_path / "call-0" / output.files[0]))
    assert written[["zone", "count", "outside"]].to_numpy().tolist() == [["Area", 5, False]]
    assert written.crs.to_epsg() == 4326


def test_zones_that_all_lie_outside_give_no_number(tmp_path, trees, make_layer):
    zone = make_layer([box(20, 10, 21, 11)], columns={"name": ["Away"]}, name="zone.gpkg")
    output = call("query_vector", tmp_path, {"t": trees, "z": zone}, layer="t", zones={"layer": "z"}, measures=measures("count"))
    assert output.outcome is Outcome.NO_COVERAGE
    assert output.facts == ()


def test_nothing_in_any_zone_is_a_true_zero(tmp_path, trees, districts):
    zones = {"layer": "d", "where": where("district", "=", "Mid")}
    output = call(
        "query_vector",
        tmp_path,
        {"t": trees, "d": districts},
        layer="t",
        where=where("kind", "=", "oak"),
        zones=zones,
        measures=measures("count"),
    )
    assert output.outcome is Outcome.TRUE_ZERO
    assert value(output, "count", zone="Mid") == 0
    assert value(output, "features searched") == 5


def test_zones_must_be_polygons_and_there_must_be_some(tmp_path, trees, districts):
    with pytest.raises(ParameterError, match="no polygons"):
        call("query_vector", tmp_path, {"t": trees}, layer="t", zones={"layer": "t"}, measures=measures("count"))
    with pytest.raises(ParameterError, match="No zone satisfies"):
        call(
            "query_vector",
            tmp_path,
            {"t": trees, "d": districts},
            layer="t",
            zones={"layer": "d", "where": where("district", "=", "Nowhere")},
            measures=measures("count"),
        )


def _source(path):
    from tools.contract import Source

    return Source("w", "vector", path, "xxh3:0")


def test_a_sum_over_features_that_a_border_cuts_says_where_they_are_shared_out(tmp_path, make_layer):
    zones = make_layer([box(0, 0, 1, 1), box(1, 0, 2, 1)], columns={"name": ["W", "E"]}, name="z.parquet")
    blocks = make_layer([box(0.2, 0.2, 0.4, 0.4), box(0.8, 0.2, 1.2, 0.4)], columns={"people": [10, 100]}, name="b.parquet")
    files = {"z": zones, "b": blocks}
    cut = call("query_vector", tmp_path, files, layer="b", zones={"layer": "z"}, measures=measures("sum of people"))
    assert any("1 features whole of which only a part" in warning and "join" in warning for warning in cut.warnings)
    inside = call(
        "query_vector", tmp_path, files, layer="b", zones={"layer": "z"}, measures=measures("sum of people"), where=where("people", "=", 10)
    )
    assert not any("only a part" in warning for warning in inside.warnings)
