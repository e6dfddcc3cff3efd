"""Which zones are meant and what may be asked: names, merging, conditions, ranks, repairs, refusals."""

from __future__ import annotations

import geopandas
import pytest
from shapely import affinity
from shapely.geometry import Point, Polygon

from tools.contract import Declared
from tools.errors import DataError, LimitError, ParameterError
from zonal_calls import BOUNDS, COUNT, UTM, at, number, zonal


@pytest.fixture
def counting(make_raster):
    return make_raster(COUNT, crs=UTM, bounds=BOUNDS)


def test_zones_of_one_name_are_merged_and_their_overlap_counts_once(counting, make_layer) -> None:
    zones = make_layer(
        [at(0, 30, 20, 40), at(10, 30, 30, 40), at(0, 0, 10, 10)], crs=UTM, columns={"district": ["North", "North", "South"]}
    )
    output = zonal(counting, zones, zone_column="district", statistics=["mean", "sum"])
    assert number(output, "sum", zone="North") == pytest.approx(0 + 1 + 2)
    assert number(output, "mean", zone="North") == pytest.approx(1)
    assert number(output, "mean", zone="South") == 12
    assert number(output, "zone_area", zone="North") == pytest.approx(300 / 0.9996**2, rel=1e-6)


def test_merged_zones_are_one_without_a_name(counting, make_layer) -> None:
    zones = make_layer([at(0, 30, 20, 40), at(10, 30, 30, 40)], crs=UTM)
    output = zonal(counting, zones, merge_zones=True, statistics=["sum"])
    assert number(output, "sum") == pytest.approx(0 + 1 + 2)
    assert output.data["rows"][0]["sum"] == pytest.approx(3)
    assert "zone" not in output.data["rows"][0]


def test_whole_number_names_have_no_decimal_point_and_nameless_zones_say_so(counting, make_layer) -> None:
    zones = make_layer([at(0, 0, 10, 10), at(10, 0, 20, 10)], crs=UTM, columns={"code": [7.0, None]})
    output = zonal(counting, zones, zone_column="code", statistics=["mean"])
    assert [row["zone"] for row in output.data["rows"]] == ["7", "(no code)"]


def test_conditions_choose_zones_also_by_their_own_area(counting, make_layer) -> None:
    zones = make_layer([at(0, 0, 10, 10), at(10, 0, 40, 40)], crs=UTM, columns={"kind": ["Park", "Lake"]})
    lake = zonal(counting, zones, where={"conditions": [{"column": "kind", "op": "=", "value": "lake"}]}, statistics=["mean"])
    assert [row["zone"] for row in lake.data["rows"]] == ["fid 1"]
    large = zonal(counting, zones, where={"conditions": [{"column": "@area_m2", "op": "<", "value": 500}]}, statistics=["mean"])
    assert [row["zone"] for row in large.data["rows"]] == ["fid 0"]


def test_zones_are_ranked_and_cut_to_the_limit(counting, make_layer, tmp_path) -> None:
    zones = make_layer([at(0, 30, 10, 40), at(30, 0, 40, 10), at(10, 10, 20, 20)], crs=UTM, columns={"name": ["a", "b", "c"]})
    output = zonal(counting, zones, zone_column="name", statistics=["mean"], order_by="mean", descending=True, limit=2)
    assert [row["zone"] for row in output.data["rows"]] == ["b", "c"]
    assert [fact.subject["zone"] for fact in output.facts if fact.name == "mean"] == ["b", "c"]
    frame = geopandas.read_parquet(tmp_path / output.files[0])
    assert frame["zone"].tolist() == ["b", "c"]
    assert frame["mean"].tolist() == [15, 9]
    assert frame.geometry.iloc[0].equals(at(30, 0, 40, 10))
    assert output.kind == "vector"


def test_the_same_call_writes_the_same_bytes(counting, make_layer, tmp_path) -> None:
    zones = make_layer([at(0, 30, 15, 40)], crs=UTM)
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        output = zonal(counting, zones, statistics=["mean"], folder=tmp_path / name)
        written.append((tmp_path / name / output.files[0]).read_bytes())
    assert written[0] == written[1]


def test_an_invalid_zone_is_repaired_and_that_is_said(counting, make_layer) -> None:
    bow_tie = affinity.translate(Polygon([(0, 0), (20, 20), (20, 0), (0, 20)]), 500_000, 5_000_000)
    output = zonal(counting, make_layer([bow_tie], crs=UTM), statistics=["sum"])
    assert any("repaired" in warning for warning in output.warnings)
    # Two triangles that meet in the middle: half of the box, each pixel to its half.
    assert number(output, "sum", zone="fid 0") == pytest.approx((8 + 9 + 12 + 13) / 2, rel=1e-6)


def test_unknown_whole_numbers_are_taken_for_measurements_and_that_is_said(make_raster) -> None:
    output = zonal(make_raster(COUNT.astype("int16"), crs=UTM, bounds=BOUNDS), statistics=["mean"])
    assert any("assumed continuous" in warning for warning in output.warnings)
    assert number(output, "mean") == 7.5


def test_means_of_class_codes_are_refused(make_raster) -> None:
    raster = make_raster(COUNT.astype("uint8"), crs=UTM, bounds=BOUNDS)
    with pytest.raises(ParameterError, match="class codes, so mean") as refusal:
        zonal(raster, declared=Declared(kind="categorical"), statistics=["majority", "mean"])
    assert "classes" in refusal.value.hint


def test_unfit_zones_and_parameters_are_refused_with_a_hint(counting, make_layer) -> None:
    zones = make_layer([at(0, 0, 10, 10)], crs=UTM, columns={"name": ["a"]})
    points = make_layer([Point(500_001, 5_000_001)], crs=UTM, name="points.gpkg")
    nothing = {"conditions": [{"column": "name", "op": "=", "value": "Atlantis"}]}
    cases = [
        (ParameterError, "no band 2", lambda: zonal(counting, zones, band=2, statistics=["mean"])),
        (ParameterError, "no column 'nme'", lambda: zonal(counting, zones, zone_column="nme", statistics=["mean"])),
        (ParameterError, "satisfies the conditions", lambda: zonal(counting, zones, where=nothing, statistics=["mean"])),
        (ParameterError, "ranked by 'max'", lambda: zonal(counting, zones, statistics=["mean"], order_by="max")),
        (DataError, "no polygons", lambda: zonal(counting, points, statistics=["mean"])),
    ]
    for kind, reason, call in cases:
        with pytest.raises(kind, match=reason) as refusal:
            call()
        assert refusal.value.hint


def test_points_among_the_zones_are_left_out_and_that_is_said(counting, make_layer) -> None:
    mixed = make_layer([Point(500_001, 5_000_001), at(0, 0, 10, 10), None], crs=UTM, name="mixed.parquet")
    output = zonal(counting, mixed, statistics=["mean"])
    assert [row["zone"] for row in output.data["rows"]] == ["fid 1"]
    assert any("points or lines" in warning for warning in output.warnings)
    assert any("no geometry" in warning for warning in output.warnings)


def test_reading_more_pixels_than_the_limit_is_refused_by_its_name(counting, monkeypatch) -> None:
    monkeypatch.setenv("TERRACITE_MAX_PIXELS", "10")
    with pytest.raises(LimitError, match="16 pixels") as refusal:
        zonal(counting, statistics=["mean"])
    assert "TERRACITE_MAX_PIXELS" in refusal.value.hint
