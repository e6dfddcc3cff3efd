"""Areas and shares of classes in zones: true areas, zeros that can be cited, labels, totals only where they add up."""

from __future__ import annotations

import geopandas
import numpy as np
import pytest
from pyproj import Geod

from tools.contract import Declared, Outcome, Source, ToolContext
from tools.errors import ParameterError
from tools.raster.classify import ClassifyParams, run
from zonal_calls import BOUNDS, UTM, at, has, number, zonal

LAND = Declared(kind="categorical", classes={"1": "water", "2": "forest", "3": "rock"})
CODES = np.array([[1, 1, 2, 2], [1, 1, 2, 2], [2, 2, 2, 2], [0, 0, 2, 2]], dtype="uint8")
GROUND = 1 / 0.9996**2
"""True m2 per m2 of the map near the central meridian of a UTM zone."""


@pytest.fixture
def land(make_raster):
    return make_raster(CODES, crs=UTM, bounds=BOUNDS, nodata=0)


def test_every_class_has_its_area_and_its_share_of_the_valid_area(land, make_layer) -> None:
    zones = make_layer([at(5, 0, 40, 40)], crs=UTM, columns={"name": ["Valley"]})
    output = zonal(land, zones, declared=LAND, zone_column="name", classes=True)
    # 1.5 columns of water in two rows; forest: 8 + 1.5 pixels; nodata 1.5 pixels.
    assert number(output, "area", zone="Valley", class_="water") == pytest.approx(300 * GROUND, rel=1e-6)
    assert number(output, "area", zone="Valley", class_="forest") == pytest.approx(950 * GROUND, rel=1e-6)
    assert number(output, "share", zone="Valley", class_="water") == pytest.approx(100 * 300 / 1250, rel=1e-6)
    assert number(output, "valid_share", zone="Valley") == pytest.approx(100 * 1250 / 1400, rel=1e-6)


def test_a_named_class_that_does_not_occur_is_a_zero_that_can_be_cited(land, make_layer) -> None:
    output = zonal(land, make_layer([at(0, 20, 20, 40)], crs=UTM), declared=LAND, classes=True)
    assert number(output, "area", zone="fid 0", class_="rock") == 0
    assert number(output, "share", zone="fid 0", class_="forest") == 0
    assert output.outcome is Outcome.VALUE


def test_class_areas_are_true_areas_even_where_the_raster_is_in_degrees(make_raster) -> None:
    raster = make_raster(np.array([[1], [2]], dtype="uint8"), crs="EPSG:4326", bounds=(0, 50, 1, 70))
    output = zonal(raster, declared=LAND, classes=True)
    geod = Geod(ellps="WGS84")
    lon = np.concatenate([np.linspace(0, 1, 300), np.linspace(1, 0, 300)])
    for label, south in [("water", 60), ("forest", 50)]:
        area = abs(geod.polygon_area_perimeter(lon, np.repeat([south, south + 10], 300))[0])
        assert number(output, "area", class_=label) == pytest.approx(area, rel=1e-6)


def test_zones_that_do_not_overlap_have_totals(land, make_layer) -> None:
    zones = make_layer([at(0, 20, 20, 40), at(20, 0, 40, 40)], crs=UTM, columns={"name": ["West", "East"]})
    output = zonal(land, zones, declared=LAND, zone_column="name", classes=True)
    assert number(output, "area", class_="water") == pytest.approx(400 * GROUND, rel=1e-6)
    assert number(output, "share", class_="forest") == pytest.approx(100 * 800 / 1200, rel=1e-6)
    assert number(output, "valid_area") == pytest.approx(1200 * GROUND, rel=1e-6)
    assert number(output, "valid_share") == pytest.approx(100)


def test_zones_that_overlap_have_no_totals_and_that_is_said(land, make_layer) -> None:
    zones = make_layer([at(0, 20, 30, 40), at(20, 0, 40, 40)], crs=UTM, columns={"name": ["West", "East"]})
    output = zonal(land, zones, declared=LAND, zone_column="name", classes=True)
    assert [fact.name for fact in output.facts if "zone" not in fact.subject] == ["pixel_size"]
    assert any(warning.startswith("Zones overlap") for warning in output.warnings)


def test_values_that_share_a_label_count_together(land) -> None:
    declared = Declared(kind="categorical", classes={"1": "green", "2": "green"})
    output = zonal(land, declared=declared, classes=True)
    assert number(output, "area", class_="green") == pytest.approx(1400 * GROUND, rel=1e-6)
    assert number(output, "share", class_="green") == pytest.approx(100)


def test_the_class_raster_of_classify_keeps_its_labels_and_its_zeros(make_raster, make_layer, tmp_path) -> None:
    depth = make_raster(np.array([[0.0, 0.5], [1.0, 3.0]], dtype="float32"), crs=UTM, bounds=BOUNDS)
    params = ClassifyParams(raster="depth", classes=[{"label": "deep", "min": 1}, {"label": "abyss", "min": -9, "max": 0}])
    (tmp_path / "made").mkdir()
    made = run(params, ToolContext(tmp_path / "made", {"depth": Source("depth", "raster", depth, "-")}))
    zones = make_layer([at(0, 0, 40, 40), at(0, 20, 40, 40)], crs=UTM, columns={"name": ["All", "Upper"]})
    output = zonal(tmp_path / "made" / made.files[0], zones, zone_column="name", classes=True)
    assert number(output, "area", zone="All", class_="deep") == pytest.approx(800 * GROUND, rel=1e-6)
    assert number(output, "area", zone="Upper", class_="deep") == 0
    assert number(output, "area", zone="All", class_="abyss") == 0
    assert number(output, "area", zone="All", class_="other") == pytest.approx(800 * GROUND, rel=1e-6)


def test_zones_are_ranked_by_the_area_of_the_one_class_beside_other(make_raster, make_layer, tmp_path) -> None:
    raster = make_raster(CODES, crs=UTM, bounds=BOUNDS)
    declared = Declared(kind="categorical", classes={"0": "other", "1": "wet", "2": "other"})
    zones = make_layer([at(20, 0, 40, 40), at(0, 0, 20, 40)], crs=UTM, columns={"name": ["East", "West"]})
    output = zonal(raster, zones, declared=declared, zone_column="name", classes=True, order_by="area", descending=True, limit=1)
    assert [row["zone"] for row in output.data["rows"]] == ["West"]
    assert output.data["rows"][0]["area of wet"] == pytest.approx(400 * GROUND, rel=1e-6)
    # Totals are over all zones, whatever the limit.
    assert number(output, "area", class_="other") == pytest.approx(1200 * GROUND, rel=1e-6)
    frame = geopandas.read_parquet(tmp_path / output.files[0])
    assert frame["share of wet"].tolist() == pytest.approx([50])


def test_zones_are_ranked_by_a_class_that_is_named(land, make_layer) -> None:
    zones = make_layer([at(0, 20, 20, 40), at(20, 0, 40, 40)], crs=UTM, columns={"name": ["West", "East"]})
    output = zonal(land, zones, declared=LAND, zone_column="name", classes=True, order_by="share of forest", descending=True)
    assert [row["zone"] for row in output.data["rows"]] == ["East", "West"]
    with pytest.raises(ParameterError, match="cannot be ranked by 'area'") as refusal:
        zonal(land, zones, declared=LAND, zone_column="name", classes=True, order_by="area")
    assert "area of forest" in refusal.value.hint


def test_whole_numbers_of_unknown_kind_are_taken_for_codes_and_that_is_said(make_raster) -> None:
    output = zonal(make_raster(CODES, crs=UTM, bounds=BOUNDS, nodata=0), classes=True)
    assert number(output, "area", class_="2") == pytest.approx(1000 * GROUND, rel=1e-6)
    assert any("assumed class codes" in warning for warning in output.warnings)


def test_measured_values_have_no_classes(make_raster) -> None:
    raster = make_raster(CODES.astype("float32"), crs=UTM, bounds=BOUNDS)
    with pytest.raises(ParameterError, match="measured values") as refusal:
        zonal(raster, classes=True)
    assert "Classify" in refusal.value.hint


def test_too_many_different_values_are_no_classes(make_raster) -> None:
    raster = make_raster(np.arange(1200, dtype="int32").reshape(30, 40), crs=UTM, bounds=BOUNDS)
    with pytest.raises(ParameterError, match="1,200 different values"):
        zonal(raster, classes=True)


def test_where_nothing_is_valid_there_is_no_class(make_raster, make_layer) -> None:
    raster = make_raster(np.zeros((4, 4), dtype="uint8"), crs=UTM, bounds=BOUNDS, nodata=0)
    output = zonal(raster, make_layer([at(0, 0, 40, 40)], crs=UTM), declared=LAND, classes=True)
    assert output.outcome is Outcome.NO_COVERAGE
    assert not has(output, "area")


def test_statistics_and_classes_may_be_asked_together(make_raster) -> None:
    output = zonal(make_raster(CODES, crs=UTM, bounds=BOUNDS, nodata=0), classes=True, statistics=["max", "variety"])
    assert number(output, "max") == 2
    assert number(output, "variety") == 2
    assert number(output, "share", class_="1") == pytest.approx(100 * 4 / 14)
