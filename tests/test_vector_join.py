"""Joins: keys as text, every spatial predicate as geopandas has it, distances by geodesy, numbers in zones that add up."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pyproj import Geod
from shapely.geometry import LineString, Point, Polygon, box

from tools.contract import Outcome, Source, ToolOutput
from tools.errors import DataError, LimitError, MissingCrsError, ParameterError
from tools.geo.pairs import related_pairs
from tools.registry import load
from tools.settings import ToolSettings
from tools.storage.vectors import read_rows
from vector_calls import call, fact, value, values, where

CODES = ["001", "002", "010", "100", "200"]


def squares(names: list[str], crs: int = 32632) -> gpd.GeoDataFrame:
    """Return 10 m squares in a row, 5 m apart."""
    cells = [box(500_000 + 15 * n, 5_000_000, 500_010 + 15 * n, 5_000_010) for n in range(len(names))]
    return gpd.GeoDataFrame({"code": names}, geometry=cells, crs=crs)


def stored(folder: Path, name: str, frame: gpd.GeoDataFrame) -> Path:
    frame.to_parquet(folder / f"{name}.parquet")
    return folder / f"{name}.parquet"


def table(folder: Path, text: str, name: str = "table") -> Path:
    (folder / f"{name}.csv").write_text(text)
    return folder / f"{name}.csv"


def made(output: ToolOutput, folder: Path) -> gpd.GeoDataFrame:
    """Read what the last call wrote, as an input of a later call."""
    last = sorted(folder.glob("call-*"), key=lambda each: int(each.name[5:]))[-1]
    return read_rows(Source("a", "vector", last / output.files[0], "xxh3:0", producer="k"))


def by_key(folder: Path, layer: gpd.GeoDataFrame, text: str, **params: object) -> ToolOutput:
    return call(
        "join", folder, {"l": stored(folder, "l", layer), "t": table(folder, text)}, operation="attributes", layer="l", other="t", **params
    )


# By key -------------------------------------------------------------------------------------------------------------


def test_codes_with_leading_zeros_find_their_rows(tmp_path) -> None:
    output = by_key(tmp_path, squares(CODES), "code,people\n001,1\n002,2\n010,3\n100,4\n200,5\n")
    assert (value(output, "count"), output.method["cardinality"]) == (5, "one-to-one")
    assert made(output, tmp_path)["people"].tolist() == [1, 2, 3, 4, 5]


def test_codes_that_lost_their_zeros_are_told_and_not_matched(tmp_path) -> None:
    output = by_key(tmp_path, squares(CODES), "code,people\n1,1\n2,2\n10,3\n100,4\n200,5\n")
    assert value(output, "features without a partner") == 3
    assert any("leading zeros" in warning and "'001' and '1'" in warning for warning in output.warnings)
    with pytest.raises(DataError, match="leading zeros"):
        by_key(tmp_path, squares(["001", "002"]), "code,people\n1,1\n2,2\n")


def test_whole_numbers_equal_their_text_and_a_missing_key_equals_nothing(tmp_path) -> None:
    layer = squares(["a", "b", "c"]).assign(number=[7.0, 8.0, None])
    output = by_key(tmp_path, layer, 'number,people\n7,"one"\n8,"two"\n,"none"\n', key="number")
    assert made(output, tmp_path)["people"].tolist()[:2] == ["one", "two"]
    assert value(output, "pairs") == 2


def test_a_feature_without_a_row_stays_with_left_and_goes_with_inner(tmp_path) -> None:
    text = "code,people\n001,1\n999,9\n"
    left = by_key(tmp_path, squares(CODES), text)
    frame = made(left, tmp_path)
    assert frame["people"].isna().tolist() == [False, True, True, True, True]
    assert value(left, "other rows without a partner") == 1
    assert "4 of 5 features have no partner" in left.warnings
    inner = by_key(tmp_path, squares(CODES), text, how="inner")
    assert made(inner, tmp_path)["code"].tolist() == ["001"]


def test_a_column_of_both_sides_is_kept_twice_and_only_chosen_ones_are_brought(tmp_path) -> None:
    layer = squares(CODES).assign(year=2020)
    output = by_key(tmp_path, layer, "code,year,people,note\n001,2021,1,x\n", key="code", columns=["year", "people"])
    assert list(made(output, tmp_path).columns) == ["code", "year", "other year", "people", "layer_fid", "other_fid", "geometry"]


def test_the_key_is_found_by_its_values_where_no_name_is_shared(tmp_path) -> None:
    output = by_key(tmp_path, squares(CODES), "istat,people\n001,1\n002,2\n010,3\n100,4\n200,5\n")
    assert (output.method["key"], output.method["other_key"], output.method["key_found"]) == ("code", "istat", "by values")
    assert "joined by 'code' and 'istat'" in output.warnings


def test_a_key_that_is_not_sure_is_asked_for(tmp_path) -> None:
    layer = squares(["a", "b"]).assign(number=[1, 2], other=["x", "y"])
    with pytest.raises(ParameterError, match="may be the key"):  # both numberings start at 1, whatever they number
        by_key(tmp_path, layer.drop(columns="code"), "rank,people\n1,10\n2,20\n")
    with pytest.raises(ParameterError, match="may be the key"):  # two shared columns pair different rows
        by_key(tmp_path, layer, "code,other,people\na,y,10\nb,x,20\n")
    with pytest.raises(ParameterError, match="no column 'cod'"):
        by_key(tmp_path, layer, "code,people\na,10\n", key="cod")


@given(
    own=st.lists(st.sampled_from(["1", "01", "2", "x", None]), min_size=1, max_size=8),
    theirs=st.lists(st.sampled_from(["1", "01", "3", "x", None]), min_size=1, max_size=8),
)
@settings(max_examples=30, deadline=None)
def test_equal_keys_pair_as_in_every_combination(own: list[str | None], theirs: list[str | None]) -> None:
    from tools.vector.keys import equal_pairs

    expected = [(i, j) for i, one in enumerate(own) for j, two in enumerate(theirs) if one is not None and one == two]
    first, second = equal_pairs(np.array(own, dtype=object), np.array(theirs, dtype=object))
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == expected


# One to many --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def owners(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Three parcels of 100 m2 with people 5, 7 and 9, the first of two owners who paid 10 and 20, the others of one who paid 10."""
    folder = tmp_path_factory.mktemp("owners")
    layer = squares(["p1", "p2", "p3"]).assign(people=[5, 7, 9])
    output = by_key(folder, layer, "code,owner,paid\np1,Ash,10\np1,Birch,20\np2,Ash,10\np3,Ash,10\n")
    assert output.method["cardinality"] == "one-to-many"
    assert any("stand in 4 rows" in warning for warning in output.warnings)
    return folder, next(folder.glob("call-*")) / output.files[0]


def joined_query(owners: tuple[Path, Path], **params: object) -> ToolOutput:
    folder, file = owners
    source = Source("l", "vector", file, "xxh3:0", producer="k")
    from tools.contract import ToolContext

    out = folder / f"call-{len(list(folder.glob('call-*')))}"
    out.mkdir()
    tool = load("query_vector")
    return tool.run(tool.params(layer="l", **params), ToolContext(out, {"l": source}))


def measured(aggregate: str, column: str | None = None) -> list[dict[str, str]]:
    return [{"aggregate": aggregate} | ({"column": column} if column else {})]


def test_a_feature_with_several_owners_counts_once_in_sums_means_and_areas(owners) -> None:
    assert value(joined_query(owners, measures=measured("sum", "people")), "sum of people") == 21
    assert value(joined_query(owners, measures=measured("mean", "people")), "mean of people") == 7
    assert value(joined_query(owners, measures=measured("area")), "area") == pytest.approx(300, rel=2e-3)


def test_what_belongs_to_the_owners_counts_as_often_as_it_is_there(owners) -> None:
    assert value(joined_query(owners, measures=measured("sum", "paid")), "sum of paid") == 50
    by_owner = joined_query(owners, measures=measured("sum", "people"), group_by=["owner"])
    assert values(by_owner, "sum of people", "owner") == {"Ash": 21, "Birch": 5}


def test_a_number_of_many_features_partner_is_summed_once(tmp_path) -> None:
    layer = squares(["a", "b", "c"]).assign(region=["N", "N", "S"])
    joined = by_key(tmp_path, layer, "region,people\nN,100\nS,50\n")
    assert joined.method["cardinality"] == "many-to-one"
    file = next(tmp_path.glob("call-*")) / joined.files[0]
    total = joined_query((tmp_path, file), measures=measured("sum", "people"))
    assert value(total, "sum of people") == 150
    assert any("once" in warning for warning in total.warnings)


# By place -----------------------------------------------------------------------------------------------------------

SHAPES = st.one_of(
    st.builds(Point, st.integers(0, 6), st.integers(0, 6)),
    st.builds(
        lambda x, y, dx, dy: LineString([(x, y), (x + dx, y + dy)]),
        st.integers(0, 4),
        st.integers(0, 4),
        st.integers(1, 3),
        st.integers(0, 3),
    ),
    st.builds(lambda x, y, w, h: box(x, y, x + w, y + h), st.integers(0, 4), st.integers(0, 4), st.integers(1, 3), st.integers(1, 3)),
)
RELATIONS = ["intersects", "within", "contains", "covers", "covered_by", "touches", "crosses", "overlaps", "equals", "disjoint"]


@pytest.mark.parametrize("relation", RELATIONS)
@given(own=st.lists(SHAPES, min_size=1, max_size=7), theirs=st.lists(SHAPES, min_size=1, max_size=7))
@settings(max_examples=10, deadline=None)
def test_pairs_are_those_of_shapely_asked_one_by_one(relation: str, own: list[shapely.Geometry], theirs: list[shapely.Geometry]) -> None:
    expected = [(i, j) for i, one in enumerate(own) for j, two in enumerate(theirs) if getattr(shapely, relation)(one, two)]
    first, second = related_pairs(np.array(own, dtype=object), np.array(theirs, dtype=object), relation)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == expected


def points_and_cells(folder: Path) -> dict[str, Path]:
    """Four points on and about two cells that share the edge x = 2; in two systems."""
    points = gpd.GeoDataFrame({"name": list("abcd")}, geometry=[Point(1, 1), Point(2, 1), Point(3, 1), Point(9, 9)], crs=4326)
    cells = gpd.GeoDataFrame({"zone": ["W", "E"], "name": ["w", "e"]}, geometry=[box(0, 0, 2, 2), box(2, 0, 4, 2)], crs=4326)
    return {"points": stored(folder, "points", points), "cells": stored(folder, "cells", cells)}


def test_a_point_on_a_border_joins_both_sides_unless_one_is_asked_for(tmp_path) -> None:
    files = points_and_cells(tmp_path)
    both = call("join", tmp_path, files, operation="spatial", layer="points", other="cells")
    assert [(row["name"], row["zone"]) for row in both.data["rows"]] == [("a", "W"), ("b", "W"), ("b", "E"), ("c", "E"), ("d", None)]
    assert value(both, "pairs") == 4
    first = call("join", tmp_path, files, operation="spatial", layer="points", other="cells", keep="first", how="inner")
    assert [(row["name"], row["zone"], row["other name"]) for row in first.data["rows"]] == [
        ("a", "W", "w"),
        ("b", "W", "w"),
        ("c", "E", "e"),
    ]
    inside = call("join", tmp_path, files, operation="spatial", layer="points", other="cells", predicate="within", how="inner")
    assert [row["name"] for row in inside.data["rows"]] == ["a", "c"]


def test_layers_of_two_systems_are_joined_and_the_record_says_how(tmp_path) -> None:
    files = points_and_cells(tmp_path)
    moved = gpd.read_parquet(files["cells"]).set_geometry([box(0, 0, 1.9, 2), box(2.1, 0, 4, 2)], crs=4326).to_crs(3857)
    files["cells"] = stored(tmp_path, "moved", moved)
    output = call("join", tmp_path, files, operation="spatial", layer="points", other="cells", how="inner")
    assert [(row["name"], row["zone"]) for row in output.data["rows"]] == [("a", "W"), ("c", "E")]
    assert output.method["transformations"][0]["from"] == "WGS 84 / Pseudo-Mercator"


def test_the_partner_with_the_largest_overlap_is_chosen(tmp_path) -> None:
    parcels = gpd.GeoDataFrame({"p": [1, 2]}, geometry=[box(0, 0, 3, 1), box(0, 2, 3, 3)], crs=32632)
    soils = gpd.GeoDataFrame({"soil": ["sand", "clay"]}, geometry=[box(0, 0, 1, 3), box(1, 0, 3, 1)], crs=32632)
    shift = [shapely.affinity.translate(each, 500_000, 5_000_000) for each in parcels.geometry]
    files = {
        "parcels": stored(tmp_path, "parcels", parcels.set_geometry(shift, crs=32632)),
        "soils": stored(
            tmp_path,
            "soils",
            soils.set_geometry([shapely.affinity.translate(each, 500_000, 5_000_000) for each in soils.geometry], crs=32632),
        ),
    }
    output = call("join", tmp_path, files, operation="spatial", layer="parcels", other="soils", keep="largest_overlap")
    assert [row["soil"] for row in output.data["rows"]] == ["clay", "sand"]


def test_a_layer_elsewhere_is_no_coverage_and_no_partner_a_true_zero(tmp_path) -> None:
    files = points_and_cells(tmp_path)
    far = gpd.GeoDataFrame({"zone": ["F"]}, geometry=[box(50, 50, 51, 51)], crs=4326)
    files["far"] = stored(tmp_path, "far", far)
    assert call("join", tmp_path, files, operation="spatial", layer="points", other="far").outcome is Outcome.NO_COVERAGE
    gap = gpd.GeoDataFrame({"zone": ["G"]}, geometry=[box(5, 5, 6, 6)], crs=4326)
    files["gap"] = stored(tmp_path, "gap", gap)
    output = call("join", tmp_path, files, operation="spatial", layer="points", other="gap")
    assert (output.outcome, value(output, "count"), len(made(output, tmp_path))) == (Outcome.TRUE_ZERO, 0, 4)


def test_a_layer_without_a_crs_and_a_table_without_places_are_refused(tmp_path) -> None:
    files = points_and_cells(tmp_path)
    files["nowhere"] = stored(tmp_path, "nowhere", gpd.read_parquet(files["cells"]).set_crs(None, allow_override=True))
    files["table"] = table(tmp_path, "zone,people\nW,1\n")
    with pytest.raises(MissingCrsError, match="no coordinate reference system"):
        call("join", tmp_path, files, operation="spatial", layer="points", other="nowhere")
    with pytest.raises(DataError, match="no coordinates"):
        call("join", tmp_path, files, operation="spatial", layer="points", other="table")


def test_more_pairs_than_the_limit_are_refused_before_they_are_written(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = points_and_cells(tmp_path)
    monkeypatch.setenv("TERRACITE_MAX_FEATURES", "7")
    assert ToolSettings().max_features == 7
    with pytest.raises(LimitError, match="8 pairs; the limit is 7"):
        call("join", tmp_path, files, operation="spatial", layer="points", other="cells", predicate="disjoint")


# By distance --------------------------------------------------------------------------------------------------------


def test_all_within_a_distance_and_the_nearest_are_told_with_geodesic_metres(tmp_path) -> None:
    wells = gpd.GeoDataFrame({"name": ["w1", "w2", "w3"]}, geometry=[Point(179.9, 60), Point(-179.9, 60), Point(0, 0)], crs=4326)
    towns = gpd.GeoDataFrame({"name": ["t"]}, geometry=[Point(180, 60)], crs=4326)
    files = {"wells": stored(tmp_path, "wells", wells), "towns": stored(tmp_path, "towns", towns)}
    metres = Geod(ellps="WGS84").inv(180, 60, 179.9, 60)[2]
    near = call("join", tmp_path, files, operation="distance", layer="towns", other="wells", distance_m=6000)
    assert {row["other name"]: row["distance_m"] for row in near.data["rows"]} == pytest.approx({"w1": metres, "w2": metres})
    one = call("join", tmp_path, files, operation="nearest", layer="wells", other="towns", distance_m=6000)
    assert [fact.subject["feature"] for fact in one.facts if fact.name == "distance"] == ["w1", "w2"]
    assert fact(one, "distance", feature="w1", nearest="t").unit == "m"
    frame = made(one, tmp_path)
    assert frame["distance_m"].notna().tolist() == [True, True, False]


def test_a_layer_joined_to_itself_has_no_feature_for_its_own_neighbour(tmp_path) -> None:
    towns = gpd.GeoDataFrame({"name": list("abc")}, geometry=[Point(0, 0), Point(1, 0), Point(5, 0)], crs=4326)
    output = call("join", tmp_path, {"towns": stored(tmp_path, "towns", towns)}, operation="nearest", layer="towns", other="towns")
    assert [(row["name"], row["other name"]) for row in output.data["rows"]] == [("a", "b"), ("b", "a"), ("c", "b")]


# Into zones ---------------------------------------------------------------------------------------------------------


def test_sums_are_shared_out_by_area_and_means_weighted_by_it(tmp_path) -> None:
    zones = squares(["z"]).rename(columns={"code": "name"}).set_geometry([box(500_000, 5_000_000, 500_100, 5_000_100)], crs=32632)
    blocks = gpd.GeoDataFrame(
        {"people": [100.0, 40.0, 7.0], "rain": [10.0, 30.0, 99.0]},
        geometry=[box(500_000, 5_000_000, 500_050, 5_000_100), box(500_050, 5_000_000, 500_150, 5_000_100), box(500_200, 5_000_000, 500_250, 5_000_100)],
        crs=32632,
    )  # fmt: skip
    files = {"zones": stored(tmp_path, "zones", zones), "blocks": stored(tmp_path, "blocks", blocks)}
    numbers = [{"column": "people", "aggregate": "sum"}, {"column": "rain", "aggregate": "mean"}]
    output = call("join", tmp_path, files, operation="zones", layer="zones", other="blocks", numbers=numbers)
    assert value(output, "sum of people", zone="z") == pytest.approx(100 + 40 / 2, rel=1e-6)
    assert value(output, "mean of rain", zone="z") == pytest.approx((10 + 30) / 2, rel=1e-6)
    assert value(output, "count", zone="z") == 2
    assert any(warning.startswith("18.4 % of people lies outside") for warning in output.warnings)
    assert made(output, tmp_path)["sum of people"].tolist() == [pytest.approx(120, rel=1e-6)]


@given(cuts=st.lists(st.floats(0.05, 0.95), max_size=5), seed=st.integers(0, 99))
@settings(max_examples=4, deadline=None)
def test_what_lies_in_zones_that_fill_the_ground_adds_up_to_the_whole(tmp_path_factory, cuts: list[float], seed: int) -> None:
    edges = [0, *sorted(set(cuts)), 1]
    zones = gpd.GeoDataFrame(
        {"zone": [f"z{n}" for n in range(len(edges) - 1)]},
        geometry=[box(a, 50, b, 51) for a, b in pairwise(edges)],
        crs=4326,
    )
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0.1, 0.8, (6, 2))
    cells = [Polygon([(x, 50 + y), (x + 0.1, 50 + y), (x + 0.05, 50.1 + y)]) for x, y in corners]
    blocks = gpd.GeoDataFrame({"people": rng.integers(1, 100, 6)}, geometry=cells, crs=4326)
    folder = tmp_path_factory.mktemp("zones")
    files = {"zones": stored(folder, "zones", zones), "blocks": stored(folder, "blocks", blocks)}
    output = call(
        "join", folder, files, operation="zones", layer="zones", other="blocks", numbers=[{"column": "people", "aggregate": "sum"}]
    )
    assert sum(values(output, "sum of people", "zone").values()) == pytest.approx(blocks["people"].sum(), rel=1e-6)
    assert value(output, "sum of people", of="whole other layer") == blocks["people"].sum()


def test_points_count_whole_and_one_on_a_shared_border_is_told(tmp_path) -> None:
    files = points_and_cells(tmp_path)
    points = gpd.read_parquet(files["points"]).assign(people=[1, 10, 100, 1000])
    files["points"] = stored(tmp_path, "points", points)
    numbers = [{"column": "people", "aggregate": "sum"}]
    output = call("join", tmp_path, files, operation="zones", layer="cells", other="points", numbers=numbers)
    assert values(output, "sum of people", "zone") == {"w": 11, "e": 110}
    assert any("share a border" in warning for warning in output.warnings)
    with pytest.raises(ParameterError, match="no polygons"):
        call("join", tmp_path, files, operation="zones", layer="points", other="cells")


# Parameters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        {"operation": "spatial", "key": "code"},
        {"operation": "distance"},
        {"operation": "spatial", "distance_m": 5},
        {"operation": "attributes", "predicate": "within"},
        {"operation": "spatial", "k": 2},
        {"operation": "attributes", "keep": "largest_overlap"},
        {"operation": "zones", "columns": ["a"]},
        {"operation": "spatial", "numbers": [{"column": "a", "aggregate": "sum"}]},
    ],
)
def test_parameters_that_go_with_another_operation_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        load("join").params(layer="l", other="o", **params)


def test_a_filter_of_the_table_leaves_its_other_rows_out(tmp_path) -> None:
    output = by_key(
        tmp_path, squares(CODES), "code,year,people\n001,2020,1\n001,2021,2\n", other_where=where("year", "=", 2021), how="inner"
    )
    assert made(output, tmp_path)["people"].tolist() == [2]
    assert isinstance(made(output, tmp_path), pd.DataFrame)


def test_rates_are_brought_into_zones_by_their_base_and_not_by_area(tmp_path) -> None:
    zone = gpd.GeoDataFrame({"name": ["z"]}, geometry=[box(500_000, 5_000_000, 500_100, 5_000_100)], crs=32632)
    halves = [box(500_000, 5_000_000, 500_090, 5_000_100), box(500_090, 5_000_000, 500_110, 5_000_100)]
    towns = gpd.GeoDataFrame({"population": [100, 9800], "jobless_rate": [20.0, 1.0]}, geometry=halves, crs=32632)
    files = {"zone": stored(tmp_path, "zone", zone), "towns": stored(tmp_path, "towns", towns)}
    numbers = [{"column": "jobless_rate", "aggregate": "mean"}]
    output = call("join", tmp_path, files, operation="zones", layer="zone", other="towns", numbers=numbers)
    assert value(output, "mean of jobless_rate", zone="z") == pytest.approx((20 * 100 + 1 * 4900) / 5000, rel=1e-6)
    assert any("weighted by 'population'" in warning for warning in output.warnings)
    plain = call("join", tmp_path, files, operation="zones", layer="zone", other="towns", numbers=[{**numbers[0], "weight": "@none"}])
    assert value(plain, "mean of jobless_rate", zone="z") == pytest.approx((20 * 90 + 1 * 10) / 100, rel=1e-6)


def test_keys_that_would_make_too_many_pairs_are_refused_before_they_are_made(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRACITE_MAX_FEATURES", "8")
    text = "code,people\n" + "x,1\n" * 3
    with pytest.raises(LimitError, match="9 pairs; the limit is 8"):
        by_key(tmp_path, squares(["x", "x", "x"]), text, key="code")


@pytest.mark.parametrize("operation", ["attributes", "spatial", "nearest", "zones"])
def test_a_filter_that_leaves_nothing_joins_nothing(tmp_path, operation: str) -> None:
    files = {**points_and_cells(tmp_path), "table": table(tmp_path, "name,people\nw,1\n")}
    other = "table" if operation == "attributes" else "points"
    none = call("join", tmp_path, files, operation=operation, layer="cells", other=other, where=where("name", "is null"))
    assert (none.outcome, value(none, "count")) == (Outcome.TRUE_ZERO, 0)
    empty = call("join", tmp_path, files, operation=operation, layer="cells", other=other, other_where=where("name", "is null"))
    assert (empty.outcome, value(empty, "count")) == (Outcome.TRUE_ZERO, 0)


def test_what_repeats_a_feature_is_still_known_after_a_filter(owners) -> None:
    folder, _ = owners
    chosen = joined_query(owners, where=where("people", "<", 9))
    last = max(folder.glob("call-*"), key=lambda each: int(each.name[5:]))
    again = joined_query((folder, last / chosen.files[0]), measures=measured("sum", "people"))
    assert value(again, "sum of people") == 12
