"""Filters: each square is what the slow way makes of it, nodata counts for nothing, decibels are averaged as power."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pydantic import ValidationError

from tools.contract import Declared, Outcome, Source, ToolContext, ToolOutput
from tools.errors import DataError, ParameterError
from tools.geo import focal
from tools.raster.filter_raster import FilterRasterParams, resolve, run
from tools.storage.rasters import raster_info, read_band

UTM = "EPSG:32632"
BOUNDS = (412_000, 5_108_000, 412_080, 5_108_070)


def filter_raster(
    folder: Path, path: Path, operation: str, *, declared: Declared | None = None, **params: Any
) -> tuple[ToolOutput, np.ndarray]:
    sources = {"r": Source("r", "raster", path, "x", declared=declared or Declared())}
    settled = resolve(FilterRasterParams(raster="r", operation=operation, **params), sources)
    output = run(settled, ToolContext(folder, sources))
    with rasterio.open(folder / output.files[0]) as dataset:
        return output, dataset.read(1, masked=True)


def commonest(square: np.ndarray) -> float:
    own = square[square.shape[0] // 2, square.shape[1] // 2]
    counts = Counter(square[~np.isnan(square)].tolist())
    most = max(counts.values())
    return own if counts[own] == most else min(code for code, count in counts.items() if count == most)


def bell(square: np.ndarray) -> float:
    away = np.arange(len(square)) - len(square) // 2
    weights = np.exp(-(away[:, None] ** 2 + away**2) * 18 / len(square) ** 2)
    return np.nansum(square * weights) / weights[~np.isnan(square)].sum()


SLOW: dict[str, tuple[Callable[[np.ndarray, int], np.ndarray], Callable[[np.ndarray], float]]] = {
    "mean": (focal.mean, np.nanmean),
    "median": (focal.median, np.nanmedian),
    "minimum": (focal.minimum, np.nanmin),
    "maximum": (focal.maximum, np.nanmax),
    "std": (focal.std, np.nanstd),
    "gaussian": (focal.gaussian, bell),
    "majority": (focal.majority, commonest),
}


def slowly(values: np.ndarray, size: int, measure: Callable[[np.ndarray], float]) -> np.ndarray:
    around = size // 2
    result = np.full((values.shape[0] - 2 * around, values.shape[1] - 2 * around), np.nan)
    for row, col in np.ndindex(result.shape):
        if not np.isnan(values[row + around, col + around]):
            result[row, col] = measure(values[row : row + size, col : col + size])
    return result


@pytest.mark.parametrize("name", SLOW)
@settings(max_examples=8)
@given(
    values=arrays.arrays(
        np.float64, st.tuples(st.integers(7, 12), st.integers(7, 12)), elements=st.integers(-5, 5).map(float) | st.just(np.nan)
    ),
    size=st.sampled_from([3, 5, 7]),
)
def test_a_filter_is_what_the_slow_way_makes_of_every_square(name: str, values: np.ndarray, size: int) -> None:
    fast, measure = SLOW[name]
    np.testing.assert_allclose(fast(values, size), slowly(values, size, measure), atol=1e-12)


def test_small_variation_on_large_values_is_not_lost() -> None:
    values = 1e9 + np.random.default_rng(1).normal(0, 1e-3, (9, 9))
    np.testing.assert_allclose(focal.std(values, 5), slowly(values, 5, np.std), rtol=1e-3)


def test_a_huge_value_harms_only_the_squares_it_is_in() -> None:
    values = np.random.default_rng(2).uniform(1, 2, (20, 20))
    values[3, 3] = 1e30
    far = (slice(8, None), slice(8, None))
    for name in ("mean", "gaussian", "std"):
        fast, measure = SLOW[name]
        np.testing.assert_allclose(fast(values, 3)[far], slowly(values, 3, measure)[far], rtol=1e-9)


def test_medians_in_pieces_are_those_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(6).normal(size=(16, 19))
    whole = focal.median(values, 5)
    for most in (10, 100, 700):  # less than a square, a part of a row, some rows
        monkeypatch.setattr(focal, "SORTED_VALUES", most)
        np.testing.assert_array_equal(focal.median(values, 5), whole)


def test_lee_gives_the_estimate_of_least_mean_squared_error() -> None:
    rng = np.random.default_rng(3)
    values = rng.gamma(4, 0.25, (15, 15)) * np.where(np.arange(15) < 8, 1, 10)
    expected = np.empty((11, 11))
    for row, col in np.ndindex(expected.shape):
        square = values[row : row + 5, col : col + 5]
        mean, variance, speckle = square.mean(), square.var(), 1 / 4
        texture = max(0.0, (variance - mean**2 * speckle) / (1 + speckle))  # variance of what is below the speckle
        expected[row, col] = mean + texture / variance * (square[2, 2] - mean)
    np.testing.assert_allclose(focal.lee(values, 5, 4), expected, rtol=1e-9)


def test_lee_takes_speckle_from_even_ground_and_leaves_a_bright_point() -> None:
    speckled = np.random.default_rng(4).gamma(4.4, 1 / 4.4, (104, 104))
    assert focal.lee(speckled, 7, 4.4).std() < 0.35 * speckled.std()
    assert focal.lee(speckled, 7, 4.4).mean() == pytest.approx(speckled.mean(), rel=0.02)
    speckled[50, 50] = 1e4
    assert focal.lee(speckled, 7, 4.4)[47, 47] > 0.8e4


def test_squares_at_the_edge_and_beside_nodata_hold_what_there_is(tmp_path: Path, make_raster) -> None:
    values = np.array([[1, 2, 3], [4, -9, 6], [7, 8, 9]], "int16")
    output, filtered = filter_raster(tmp_path, make_raster(values, crs=UTM, bounds=BOUNDS, nodata=-9), "mean")
    assert filtered[0, 0] == pytest.approx(7 / 3)
    assert filtered[2, 1] == pytest.approx((4 + 6 + 7 + 8 + 9) / 5)
    assert np.isnan(filtered.data[1, 1])
    shares = {fact.name: fact.value for fact in output.facts}
    assert shares["valid_share"] == pytest.approx(100 * 8 / 9, rel=1e-4)
    assert shares["mean"] == pytest.approx(np.nanmean(filtered.data), rel=1e-3)


def test_decibels_are_averaged_as_power_and_medians_are_the_same_either_way(tmp_path: Path, make_raster) -> None:
    power = np.random.default_rng(5).gamma(2, 0.1, (7, 8))
    decibels = 10 * np.log10(power)
    path = make_raster(decibels, crs=UTM, bounds=BOUNDS, name="db.tif")
    with rasterio.open(path, "r+") as dataset:
        dataset.units = ("dB",)
    padded = np.pad(power, 1, constant_values=np.nan)
    for name, filtered in (("mean", focal.mean), ("lee", lambda part, size: focal.lee(part, size, 4.4)), ("median", focal.median)):
        expected = filtered(padded, 3)
        if name == "median":
            expected = 10 ** (focal.median(10 * np.log10(padded), 3) / 10)
        _, in_db = filter_raster(tmp_path, path, name)
        np.testing.assert_allclose(in_db, 10 * np.log10(expected), rtol=1e-5)
    _, linear = filter_raster(tmp_path, path, "mean", result="linear")
    np.testing.assert_allclose(linear, focal.mean(padded, 3), rtol=1e-5)
    assert raster_info(Source("m", "raster", tmp_path / "filtered.tif", "x")).unit == "1"


def test_power_of_zero_has_no_decibels_and_is_counted(tmp_path: Path, make_raster) -> None:
    power = np.ones((7, 8))
    power[0, 0] = 0
    power[5, 5] = 100
    output, filtered = filter_raster(tmp_path, make_raster(power, crs=UTM, bounds=BOUNDS), "min", result="db")
    assert np.isnan(filtered.data[:2, :2]).all()
    assert filtered[6, 7] == 0
    assert [fact.value for fact in output.facts if fact.name == "count"] == [4]
    assert any("no decibels" in warning for warning in output.warnings)


@pytest.mark.parametrize(
    ("operation", "values", "declared", "params", "match"),
    [
        pytest.param("lee", -12.0, Declared(), {}, "below 0", id="decibels that nobody said are decibels"),
        pytest.param("mean", 3.0, Declared(kind="categorical"), {}, "classes", id="a mean of classes"),
        pytest.param("majority", 3.5, Declared(), {}, "measured values", id="the commonest of measured values"),
        pytest.param("std", 3.5, Declared(), {"values": "db", "result": "linear"}, "standard deviation", id="variation in another scale"),
    ],
)
def test_what_would_give_a_plausible_wrong_number_is_refused(
    operation, values, declared, params, match, tmp_path: Path, make_raster
) -> None:
    path = make_raster(np.full((7, 8), values, "float32"), crs=UTM, bounds=BOUNDS)
    with pytest.raises(ParameterError, match=match):
        filter_raster(tmp_path, path, operation, declared=declared, **params)


def test_complex_numbers_are_refused(tmp_path: Path, make_raster) -> None:
    path = make_raster(np.full((7, 8), 1 + 2j, "complex64"), crs=UTM, bounds=BOUNDS)
    for operation in ("mean", "majority"):
        with pytest.raises(DataError, match="complex"):
            filter_raster(tmp_path, path, operation)


@pytest.mark.parametrize("size", [2, 4, 1, 53])
def test_a_square_without_a_middle_or_beyond_the_limit_is_refused(size: int) -> None:
    with pytest.raises(ValidationError, match="size"):
        FilterRasterParams(raster="r", operation="mean", size=size)


@pytest.mark.parametrize("nodata", [None, 255, 0])
def test_the_commonest_class_keeps_code_type_and_label(nodata, tmp_path: Path, make_raster) -> None:
    codes = np.full((7, 8), 11, "uint8")
    codes[:, 4:] = 42
    codes[3, 1] = 42  # a single pixel
    codes[0, 0] = 0
    path = make_raster(codes, crs=UTM, bounds=BOUNDS, nodata=nodata)
    declared = Declared(kind="categorical", classes={"11": "urban", "42": "water"})
    output, filtered = filter_raster(tmp_path, path, "majority", declared=declared)
    expected = codes.copy()
    expected[3, 1] = 11
    expected[0, 0] = 11
    assert filtered.dtype == "uint8"
    np.testing.assert_array_equal(filtered.data[1:], expected[1:])
    made = Source("m", "raster", tmp_path / output.files[0], "x")
    assert {label: raster_info(made).classes[label] for label in ("11", "42")} == {"11": "urban", "42": "water"}
    assert read_band(made).mask[0, 0] == (nodata == 0)
    areas = {fact.subject["class"]: fact.value for fact in output.facts if fact.name == "area"}
    assert areas["water"] == pytest.approx(28 * 100, rel=1e-3)


def test_a_raster_of_nothing_but_nodata_has_no_values(tmp_path: Path, make_raster) -> None:
    path = make_raster(np.zeros((7, 8), "uint8"), crs=UTM, bounds=BOUNDS, nodata=0)
    for operation in ("median", "majority"):
        output, _ = filter_raster(tmp_path, path, operation)
        assert output.outcome == Outcome.NO_COVERAGE
        assert [(fact.name, fact.value) for fact in output.facts] == [("valid_share", 0.0)]


@pytest.mark.realdata
def test_real_backscatter_loses_its_speckle_and_keeps_its_mean(tmp_path: Path, shared_data: Path) -> None:
    path = shared_data / "chips/sen1floods11_spain/S1_VV_VH_west.tif"
    with rasterio.open(path) as dataset:
        before = np.ma.masked_invalid(dataset.read(1, masked=True).astype(float))
    _, after = filter_raster(tmp_path, path, "lee", values="db", size=5)
    power, kept = (10 ** (np.ma.masked_invalid(each).compressed() / 10) for each in (before, after))
    assert kept.mean() == pytest.approx(power.mean(), rel=0.05)
    assert kept.std() < power.std()
    with pytest.raises(ParameterError, match="below 0"):
        filter_raster(tmp_path, path, "lee")
