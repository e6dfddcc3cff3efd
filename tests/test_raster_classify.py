"""Classify: every value falls into the right class, areas are true, nodata stays nodata, overlaps are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from tools.contract import Declared, Outcome, Source, ToolContext, ToolOutput
from tools.errors import ParameterError
from tools.raster.classify import ClassifyParams, ClassRange, resolve, run
from tools.raster.ranges import check_apart, codes_of
from tools.storage.rasters import raster_info, read_band


def classify(folder: Path, raster: Path, *classes: ClassRange) -> ToolOutput:
    source = Source("r", "raster", raster, "x")
    return run(ClassifyParams(raster="r", classes=list(classes)), ToolContext(folder, {"r": source}))


def areas(output: ToolOutput) -> dict[str, float]:
    return {fact.subject["class"]: fact.value for fact in output.facts if fact.name == "area"}


def test_area_of_a_class_in_degrees_is_that_of_its_pixels_on_the_ellipsoid(tmp_path: Path, make_raster) -> None:
    values = np.array([[0.0, 1.0], [2.0, -9.0]], "float32")
    raster = make_raster(values, crs="EPSG:4326", bounds=(10, 50, 12, 52), nodata=-9)
    output = classify(tmp_path, raster, ClassRange(label="deep", min=1))
    geod = Geod(ellps="WGS84")

    def cell(west: float, south: float) -> float:
        lon = [*np.linspace(west, west + 1, 500), *np.linspace(west + 1, west, 500)]
        return abs(geod.polygon_area_perimeter(lon, [south] * 500 + [south + 1] * 500)[0])

    upper, lower = cell(10, 51), cell(10, 50)
    assert areas(output) == pytest.approx({"deep": upper + lower, "other": upper}, rel=1e-6)
    (valid,) = [fact.value for fact in output.facts if fact.name == "valid_share"]
    assert valid == pytest.approx(100 * (2 * upper + lower) / (2 * upper + 2 * lower), rel=1e-6)


def test_the_class_raster_keeps_grid_labels_and_nodata(tmp_path: Path, make_raster) -> None:
    raster = make_raster(np.array([[0, 1, 2, 9]], "int16"), crs="EPSG:32632", bounds=(500000, 5400000, 500400, 5400100), nodata=9)
    output = classify(tmp_path, raster, ClassRange(label="low", max=1), ClassRange(label="one", values=[1]))
    made = Source("m", "raster", tmp_path / output.files[0], "x")
    info = raster_info(made, 1)
    assert (info.value_kind, info.classes) == ("categorical", {"1": "low", "2": "one", "3": "other"})
    assert info.grid == raster_info(Source("r", "raster", raster, "x"), 1).grid
    assert read_band(made, 1).tolist() == [[1, 2, 3, None]]


@pytest.mark.parametrize(
    ("values", "outcome"),
    [([[0, 0]], Outcome.TRUE_ZERO), ([[0, 5]], Outcome.VALUE), ([[9, 9]], Outcome.NO_COVERAGE)],
)
def test_nothing_there_and_no_data_are_different_outcomes(tmp_path: Path, make_raster, values, outcome) -> None:
    raster = make_raster(np.array(values, "int16"), crs="EPSG:32632", bounds=(500000, 5400000, 500200, 5400100), nodata=9)
    output = classify(tmp_path, raster, ClassRange(label="deep", min=3))
    assert output.outcome == outcome
    assert bool(output.facts) == (outcome != Outcome.NO_COVERAGE)


LIMIT = st.one_of(st.none(), st.integers(-3, 3).map(float))


@st.composite
def ranges(draw) -> ClassRange:
    low, high = draw(LIMIT), draw(LIMIT)
    if low is None and high is None:
        return ClassRange(label="x", values=[float(draw(st.integers(-3, 3)))])
    if low is not None and high is not None and low > high:
        low, high = high, low
    if low is not None and low == high:
        return ClassRange(label="x", min=low, max=high, max_inclusive=True)
    return ClassRange(label="x", min=low, max=high, min_inclusive=draw(st.booleans()), max_inclusive=draw(st.booleans()))


@given(ranges(), ranges())
def test_classes_are_refused_exactly_where_some_value_falls_into_both(one: ClassRange, other: ClassRange) -> None:
    other = other.model_copy(update={"label": "y"})
    probe = np.ma.MaskedArray(np.arange(-8, 8.01, 0.25))
    both = (codes_of(probe, [one]) == 1) & (codes_of(probe, [other]) == 1)
    if both.any():
        with pytest.raises(ParameterError, match="overlap"):
            check_apart([one, other])
    else:
        check_apart([one, other])


def test_classes_of_the_raster_become_others_by_name_or_code(tmp_path: Path, make_raster) -> None:
    path = make_raster(np.array([[1, 2, 3, 4]], "uint8"), crs="EPSG:32632", bounds=(500000, 5400000, 500400, 5400100))
    source = Source("r", "raster", path, "x", declared=Declared(classes={"1": "Spruce", "2": "Beech", "3": "Lake"}))
    classes = [ClassRange(label="forest", values=["beech", "spruce"]), ClassRange(label="rest", values=["4", 3])]
    params = resolve(ClassifyParams(raster="r", classes=classes), {"r": source})
    assert [each.values for each in params.classes] == [[1.0, 2.0], [3.0, 4.0]]
    output = run(params, ToolContext(tmp_path, {"r": source}))
    assert read_band(Source("m", "raster", tmp_path / output.files[0], "x"), 1).tolist() == [[1, 1, 2, 2]]
    with pytest.raises(ParameterError, match=r"no class 'oak'.*Spruce, Beech, Lake"):
        resolve(ClassifyParams(raster="r", classes=[ClassRange(label="forest", values=["oak"])]), {"r": source})


def test_two_classes_of_one_label_are_refused() -> None:
    with pytest.raises(ParameterError, match="label"):
        check_apart([ClassRange(label="a", max=0), ClassRange(label="a", min=1)])


def test_a_missing_band_names_the_bands_there_are(tmp_path: Path, make_raster) -> None:
    raster = make_raster(np.zeros((2, 2), "int16"), crs="EPSG:32632", bounds=(500000, 5400000, 500200, 5400200))
    source = Source("r", "raster", raster, "x")
    params = ClassifyParams(raster="r", band=3, classes=[ClassRange(label="a", min=0)])
    with pytest.raises(ParameterError, match="band 1"):
        run(params, ToolContext(tmp_path, {"r": source}))
