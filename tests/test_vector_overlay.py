"""overlay on squares whose intersections are known by heart, across CRSs, with groups, zeros and slivers."""

from __future__ import annotations

import pytest
from shapely import LineString, Point, box

from tools.contract import Outcome, Source
from tools.errors import ParameterError
from tools.storage.vectors import read_layer
from vector_calls import call, value, values, where

EAST, NORTH = 500_000, 5_000_000
TRUE_M2 = 0.9996**-2
TRUE_M = 0.9996**-1


def utm_box(left: float, bottom: float, right: float, top: float) -> box:
    return box(EAST + left, NORTH + bottom, EAST + right, NORTH + top)


@pytest.fixture
def fields(make_layer):
    """Two wheat fields of 1 ha that overlap by half, a rye field of 1 ha, a barley field of 1 ha far from any flood."""
    shapes = [utm_box(0, 0, 100, 100), utm_box(50, 0, 150, 100), utm_box(300, 0, 400, 100), utm_box(900, 0, 1000, 100)]
    return make_layer(
        shapes, crs="EPSG:32632", columns={"crop": ["wheat", "wheat", "rye", "barley"], "owner": [1, 2, 3, 4]}, name="fields.gpkg"
    )


@pytest.fixture
def floods(make_layer):
    """Two floods that overlap, over the eastern part of the wheat and half of the rye."""
    shapes = [utm_box(100, -50, 350, 150), utm_box(120, -50, 200, 150)]
    return make_layer(shapes, crs="EPSG:32632", columns={"depth": ["deep", "shallow"]}, name="floods.gpkg")


def written(folder, output, number=0):
    return read_layer(Source("w", "vector", folder / f"call-{number}" / output.files[0], "xxh3:0"))


def test_intersection_counts_overlap_of_both_layers_once(tmp_path, fields, floods):
    output = call("overlay", tmp_path, {"a": fields, "b": floods}, operation="intersection", layer="a", other="b")
    assert value(output, "area") == pytest.approx((5_000 + 5_000) * TRUE_M2, rel=1e-6)
    assert value(output, "share") == pytest.approx(100 * 10_000 / 35_000, rel=1e-6)
    assert value(output, "layer area") == pytest.approx(35_000 * TRUE_M2, rel=1e-6)
    assert value(output, "other area") == pytest.approx(50_000 * TRUE_M2, rel=1e-6)
    assert any(said.startswith("in the layer, 4 features overlap") for said in output.warnings)
    assert any(said.startswith("in the other layer, 2 features overlap") for said in output.warnings)


def test_intersection_by_group_lists_groups_with_nothing_as_zero(tmp_path, fields, floods):
    output = call("overlay", tmp_path, {"a": fields, "b": floods}, operation="intersection", layer="a", other="b", by=["crop"])
    assert values(output, "area", "crop") == pytest.approx({"rye": 5_000 * TRUE_M2, "wheat": 5_000 * TRUE_M2, "barley": 0}, rel=1e-6)
    assert values(output, "share", "crop") == pytest.approx({"rye": 50, "wheat": 100 / 3, "barley": 0}, rel=1e-6)
    assert sorted(written(tmp_path, output)["crop"]) == ["rye", "wheat"]


def test_intersection_by_groups_of_both_layers(tmp_path, fields, floods):
    output = call(
        "overlay", tmp_path, {"a": fields, "b": floods}, operation="intersection", layer="a", other="b", by=["crop"], other_by=["depth"]
    )
    found = {(one.subject["crop"], one.subject["depth"]): one.value for one in output.facts if one.name == "area" and one.subject}
    expected = {("wheat", "deep"): 5_000, ("wheat", "shallow"): 3_000, ("rye", "deep"): 5_000}
    assert found == pytest.approx({key: area * TRUE_M2 for key, area in expected.items()}, rel=1e-6)


def test_intersection_without_groups_keeps_features_and_their_attributes(tmp_path, fields, floods):
    output = call("overlay", tmp_path, {"a": fields, "b": floods}, operation="intersection", layer="a", other="b")
    layer = written(tmp_path, output)
    assert layer[["owner", "fid"]].to_numpy().tolist() == [[2, 1], [3, 2]]
    assert layer["area_m2"].tolist() == pytest.approx([5_000 * TRUE_M2] * 2, rel=1e-6)


def test_an_overlay_across_crss_is_transformed_and_recorded(tmp_path, fields, make_layer):
    everything = make_layer([box(8, 44, 10, 46)], columns={"name": ["all"]}, name="all.geojson")
    output = call("overlay", tmp_path, {"a": fields, "b": everything}, operation="intersection", layer="a", other="b")
    assert value(output, "share") == pytest.approx(100)
    assert output.method["transformations"][0]["from"] == "WGS 84"


def test_difference_by_group(tmp_path, fields, floods):
    output = call("overlay", tmp_path, {"a": fields, "b": floods}, operation="difference", layer="a", other="b", by=["crop"])
    assert values(output, "area", "crop") == pytest.approx(
        {"barley": 10_000 * TRUE_M2, "rye": 5_000 * TRUE_M2, "wheat": 10_000 * TRUE_M2}, rel=1e-6
    )
    assert value(output, "share") == pytest.approx(100 * 25 / 35, rel=1e-6)


def test_symmetric_difference_tells_both_sides(tmp_path, fields, floods):
    output = call("overlay", tmp_path, {"a": fields, "b": floods}, operation="symmetric_difference", layer="a", other="b")
    assert value(output, "area", part="only in the layer") == pytest.approx(25_000 * TRUE_M2, rel=1e-6)
    assert value(output, "area", part="only in the other layer") == pytest.approx(40_000 * TRUE_M2, rel=1e-6)
    assert value(output, "area") == pytest.approx(65_000 * TRUE_M2, rel=1e-6)


def test_union_covers_both_once(tmp_path, fields, floods):
    output = call("overlay", tmp_path, {"a": fields, "b": floods}, operation="union", layer="a", other="b")
    assert value(output, "area") == pytest.approx(75_000 * TRUE_M2, rel=1e-6)
    assert len(written(tmp_path, output)) == 1


def test_dissolve_by_group(tmp_path, fields):
    output = call("overlay", tmp_path, {"a": fields}, operation="dissolve", layer="a", by=["crop"])
    assert values(output, "area", "crop") == pytest.approx(
        {"barley": 10_000 * TRUE_M2, "rye": 10_000 * TRUE_M2, "wheat": 15_000 * TRUE_M2}, rel=1e-6
    )
    assert written(tmp_path, output)["crop"].tolist() == ["barley", "rye", "wheat"]


def test_dissolve_adds_up_columns_of_the_merged_features(tmp_path, make_layer):
    shapes = [utm_box(0, 0, 100, 100), utm_box(100, 0, 200, 100), utm_box(300, 0, 400, 100), None]
    columns = {"region": ["a", "a", "b", "b"], "people": [10, 30, 5, 7], "rate": [0.5, 0.1, 0.2, None]}
    wards = make_layer(shapes, crs="EPSG:32632", columns=columns, name="wards.gpkg")
    aggregates = [
        {"aggregate": "sum", "column": "people"},
        {"aggregate": "count"},
        {"aggregate": "mean", "column": "rate", "weight": "people"},
    ]
    output = call("overlay", tmp_path, {"a": wards}, operation="dissolve", layer="a", by=["region"], aggregates=aggregates)
    assert values(output, "sum of people", "region") == {"a": 40, "b": 12}
    assert values(output, "mean of rate", "region") == pytest.approx({"a": (0.5 * 10 + 0.1 * 30) / 40, "b": 0.2})
    assert value(output, "sum of people") == 52
    layer = written(tmp_path, output)
    assert layer[["region", "sum of people", "count"]].to_numpy().tolist() == [["a", 40, 2], ["b", 12, 2]]
    whole = call("overlay", tmp_path, {"a": wards}, operation="dissolve", layer="a", aggregates=aggregates[:1])
    assert written(tmp_path, whole, 1)["sum of people"].tolist() == [52]


def test_aggregates_go_with_dissolve_only_and_need_numbers(tmp_path, fields):
    with pytest.raises(ValueError, match="dissolve only"):
        call("overlay", tmp_path, {"a": fields}, operation="buffer", layer="a", distance_m=1, aggregates=[{"aggregate": "count"}])
    with pytest.raises(ParameterError, match="does not hold numbers"):
        call("overlay", tmp_path, {"a": fields}, operation="dissolve", layer="a", aggregates=[{"aggregate": "sum", "column": "crop"}])


def test_buffer_in_true_metres_counts_overlap_once_and_keeps_features(tmp_path, make_layer):
    wells = make_layer([Point(9, 45), Point(9, 45)], columns={"name": ["a", "b"]}, name="wells.gpkg")
    output = call("overlay", tmp_path, {"w": wells}, operation="buffer", layer="w", distance_m=500)
    assert value(output, "area") == pytest.approx(3.14159265 * 500**2, rel=1e-3)
    assert value(output, "layer count") == 2
    assert written(tmp_path, output)["name"].tolist() == ["a", "b"]
    assert output.method["distance_m"] == 500


def test_lines_are_measured_by_length_and_points_by_count(tmp_path, make_layer, floods):
    shapes = [LineString([(EAST, NORTH), (EAST + 200, NORTH)]), Point(EAST + 150, NORTH), Point(EAST + 10, NORTH)]
    mixed = make_layer(shapes, crs="EPSG:32632", columns={"name": ["road", "in", "out"]}, name="mixed.geojson")
    output = call("overlay", tmp_path, {"m": mixed, "f": floods}, operation="intersection", layer="m", other="f")
    assert value(output, "length") == pytest.approx(100 * TRUE_M, rel=1e-6)
    assert value(output, "count") == 1


def test_a_point_in_two_overlapping_polygons_counts_once(tmp_path, make_layer, floods):
    point = make_layer([Point(EAST + 150, NORTH)], crs="EPSG:32632", name="point.gpkg")
    output = call("overlay", tmp_path, {"p": point, "f": floods}, operation="intersection", layer="p", other="f", other_by=["depth"])
    assert value(output, "count") == 1
    assert values(output, "count", "depth") == {"deep": 1, "shallow": 1}


# Outcomes -----------------------------------------------------------------------------------------------------------


def test_nothing_in_common_inside_the_extent_is_a_true_zero_with_both_areas(tmp_path, fields, make_layer):
    between = make_layer([utm_box(500, 0, 600, 100)], crs="EPSG:32632", name="between.gpkg")
    output = call("overlay", tmp_path, {"a": fields, "b": between}, operation="intersection", layer="a", other="b")
    assert output.outcome is Outcome.TRUE_ZERO
    assert value(output, "area") == 0
    assert value(output, "layer area") > 0
    assert value(output, "other area") == pytest.approx(10_000 * TRUE_M2, rel=1e-6)
    assert output.files == ()


def test_layers_that_do_not_meet_give_no_number(tmp_path, fields, make_layer):
    away = make_layer([box(50, 10, 51, 11)], name="away.gpkg")
    output = call("overlay", tmp_path, {"a": fields, "b": away}, operation="intersection", layer="a", other="b")
    assert output.outcome is Outcome.NO_COVERAGE
    assert output.facts == ()


def test_taking_away_what_does_not_meet_leaves_everything_and_says_so(tmp_path, fields, make_layer):
    away = make_layer([box(50, 10, 51, 11)], name="away.gpkg")
    output = call("overlay", tmp_path, {"a": fields, "b": away}, operation="difference", layer="a", other="b")
    assert value(output, "share") == pytest.approx(100)
    assert any("nothing was taken away" in said for said in output.warnings)


def test_the_difference_of_equal_layers_is_exactly_zero(tmp_path, make_layer):
    cut = [box(10 + i / 7, 50, 10 + (i + 1) / 7, 51) for i in range(7)]
    parts, whole = make_layer(cut, name="parts.gpkg"), make_layer([box(10, 50, 11, 51)], name="whole.gpkg")
    output = call("overlay", tmp_path, {"a": whole, "b": parts}, operation="difference", layer="a", other="b")
    assert output.outcome is Outcome.TRUE_ZERO
    assert value(output, "area") == 0


def test_what_is_left_of_nearly_equal_layers_is_called_slivers(tmp_path, make_layer):
    whole = make_layer([utm_box(0, 0, 1000, 1000)], crs="EPSG:32632", name="whole.gpkg")
    shifted = make_layer([utm_box(0.00002, 0, 1000.00002, 1000)], crs="EPSG:32632", name="shifted.gpkg")
    output = call("overlay", tmp_path, {"a": whole, "b": shifted}, operation="difference", layer="a", other="b")
    assert value(output, "area") == pytest.approx(0.02, rel=1e-2)
    assert any("slivers" in said for said in output.warnings)


def test_a_value_that_the_other_layer_does_not_hold_gives_no_number(tmp_path, fields, floods):
    output = call(
        "overlay",
        tmp_path,
        {"a": fields, "b": floods},
        operation="intersection",
        layer="a",
        other="b",
        other_where=where("depth", "=", "frozen"),
    )
    assert output.outcome is Outcome.NO_COVERAGE


def test_filters_apply_to_both_layers(tmp_path, fields, floods):
    filters = {"where": where("crop", "=", "rye"), "other_where": where("@area_m2", ">", 20_000)}
    output = call("overlay", tmp_path, {"a": fields, "b": floods}, operation="intersection", layer="a", other="b", **filters)
    assert value(output, "share") == pytest.approx(50, rel=1e-6)


def test_unlike_kinds_cannot_be_united_and_wholes_have_no_groups(tmp_path, fields, floods, make_layer):
    points = make_layer([Point(EAST, NORTH)], crs="EPSG:32632", name="points.gpkg")
    with pytest.raises(ParameterError, match="same kind of geometry"):
        call("overlay", tmp_path, {"a": fields, "b": points}, operation="union", layer="a", other="b")
    with pytest.raises(ParameterError, match="has no groups"):
        call("overlay", tmp_path, {"a": fields, "b": floods}, operation="union", layer="a", other="b", by=["crop"])


def test_an_unknown_group_column_is_refused_with_the_nearest(tmp_path, fields, floods):
    with pytest.raises(ParameterError) as caught:
        call("overlay", tmp_path, {"a": fields, "b": floods}, operation="intersection", layer="a", other="b", by=["crops"])
    assert "crop" in caught.value.hint


def test_a_line_through_overlapping_polygons_counts_once(tmp_path, make_layer) -> None:
    """A slanted line, so that where it is cut is rounded off the line; the two squares share a sixth of it."""
    line = LineString([(EAST + 0.1, NORTH + 0.3), (EAST + 900.7, NORTH + 301.9)])
    lines = make_layer([line], crs="EPSG:32632", name="lines.gpkg")
    areas = make_layer([utm_box(100, -900, 500, 900), utm_box(400, -900, 700, 900)], crs="EPSG:32632", name="areas.gpkg")
    output = call("overlay", tmp_path, {"a": lines, "b": areas}, operation="intersection", layer="a", other="b")
    assert value(output, "length") == pytest.approx(line.length * 600 / 900.6 * TRUE_M, rel=1e-5)
