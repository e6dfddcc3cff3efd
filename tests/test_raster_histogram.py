"""Histogram: every valid pixel falls in one bin, quantiles are exact, extremes are told with the place where they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pydantic import ValidationError
from pyproj import Transformer

from tools.contract import Declared, Outcome, Source, ToolContext, ToolOutput
from tools.geo.quantiles import quantiles
from tools.raster.histogram import HistogramParams, run

UTM = "EPSG:32632"
BOUNDS = (412_000, 5_107_000, 412_400, 5_107_300)


def histogram(folder: Path, path: Path, declared: Declared | None = None, **params: Any) -> ToolOutput:
    source = Source("r", "raster", path, "x", declared=declared or Declared())
    return run(HistogramParams(raster="r", **params), ToolContext(folder, {"r": source}))


def facts(output: ToolOutput) -> dict[tuple[str, ...], float]:
    return {(fact.name, *(value for key, value in fact.subject.items() if key != "place")): fact.value for fact in output.facts}


def per_bin(output: ToolOutput, name: str) -> list[float]:
    return [fact.value for fact in output.facts if fact.name == name and "bin" in fact.subject]


VALUES = st.floats(allow_nan=False, allow_infinity=False, width=64)


@settings(max_examples=15)
@given(arrays.arrays(np.float64, st.integers(1, 60), elements=VALUES | st.sampled_from([-1.0, -0.0, 0.0, 2.0])), st.data())
def test_quantiles_are_the_values_that_sorting_finds(values: np.ndarray, data: st.DataObject) -> None:
    weights = data.draw(arrays.arrays(np.float64, len(values), elements=st.integers(1, 9).map(float)))
    cut = data.draw(st.integers(0, len(values)))
    shares = [0.0, 0.1, 0.25, 0.5, 0.9, 1.0]
    found = quantiles(lambda: iter([(values[:cut], weights[:cut]), (values[cut:], weights[cut:])]), shares)
    assert found == np.quantile(values, shares, weights=weights, method="inverted_cdf").tolist()


def test_bins_hold_what_numpy_counts_and_the_area_of_their_pixels(tmp_path: Path, make_raster) -> None:
    values = np.random.default_rng(1).normal(50, 20, (30, 40)).astype("float32")
    values[3, :7] = np.nan
    output = histogram(tmp_path, make_raster(values, crs=UTM, bounds=BOUNDS), bins=7)
    counts, edges = np.histogram(values[~np.isnan(values)].astype(float), 7)
    assert per_bin(output, "count") == counts.tolist()
    assert per_bin(output, "upper") == pytest.approx(edges[1:].tolist())
    shares = np.array(per_bin(output, "share"))
    assert shares == pytest.approx(100 * counts / counts.sum(), rel=1e-6)
    assert facts(output)[("valid_share",)] == pytest.approx(100 * (1200 - 7) / 1200, rel=1e-6)
    table = pandas.read_parquet(tmp_path / output.files[0])
    assert table["count"].tolist() == counts.tolist()
    assert table["area_m2"].sum() == pytest.approx((1200 - 7) * 100, rel=1e-3)


def test_area_counts_where_pixels_shrink_towards_the_pole(tmp_path: Path, make_raster) -> None:
    values = np.repeat(np.arange(60.0)[:, None], 4, axis=1)  # row 0 is the northernmost
    output = histogram(tmp_path, make_raster(values, crs="EPSG:4326", bounds=(0, 0, 4, 60)), method="quantile", bins=2)
    share = per_bin(output, "share")
    assert share == pytest.approx([50, 50], abs=2)
    counts = per_bin(output, "count")
    assert counts[0] > counts[1]  # small pixels of the north make up the first half


def test_quartiles_hold_a_quarter_each(tmp_path: Path, make_raster) -> None:
    values = np.random.default_rng(2).permutation(1200).reshape(30, 40).astype("float32")
    output = histogram(tmp_path, make_raster(values, crs=UTM, bounds=BOUNDS), method="quantile", bins=4)
    assert per_bin(output, "lower") == np.quantile(values, [0, 0.25, 0.5, 0.75], method="inverted_cdf").tolist()
    assert sum(per_bin(output, "count")) == 1200


@pytest.mark.parametrize(("low", "high", "beyond"), [(0.0, 9.0, set()), (2.0, 5.0, {"below 2", "above 5"}), (-5.0, 8.5, {"above 8.5"})])
def test_values_beyond_the_limits_given_are_told_not_dropped(low, high, beyond, tmp_path: Path, make_raster) -> None:
    values = (np.arange(1200) % 10).reshape(30, 40).astype("float32")
    output = histogram(tmp_path, make_raster(values, crs=UTM, bounds=BOUNDS), edges=[low, high])
    counts = {fact.subject["bin"]: fact.value for fact in output.facts if fact.name == "count" and "bin" in fact.subject}
    assert set(counts) == {f"{low:g} to {high:g}"} | beyond
    assert sum(counts.values()) == 1200
    assert counts[f"{low:g} to {high:g}"] == ((values >= low) & (values <= high)).sum()


@pytest.mark.parametrize(
    "transform",
    [
        pytest.param(Affine(30, 0, 412_000, 0, -30, 5_108_000), id="north-up"),
        pytest.param(Affine(30, 0, 412_000, 0, 30, 5_107_000), id="south-up"),
        pytest.param(Affine(24, 18, 412_000, 18, -24, 5_108_000), id="rotated"),
    ],
)
@pytest.mark.parametrize("registration", ["Area", "Point"])
def test_an_extreme_is_told_with_the_centre_of_its_pixel(transform, registration, tmp_path: Path, make_raster) -> None:
    values = np.random.default_rng(3).permutation(600).reshape(30, 20).astype("float32")
    path = make_raster(values, crs=UTM, transform=transform)
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(AREA_OR_POINT=registration)
    with rasterio.open(path) as dataset:
        places = {
            name: dataset.xy(*np.unravel_index(at, values.shape))
            for name, at in (("minimum", values.argmin()), ("maximum", values.argmax()))
        }
    found = facts(histogram(tmp_path, path))
    for name, (x, y) in places.items():
        lon, lat = Transformer.from_crs(UTM, "EPSG:4326", always_xy=True).transform(x, y)
        assert [found[(each, name)] for each in ("x", "y")] == pytest.approx([x, y], abs=1e-6)
        assert [found[(each, name)] for each in ("longitude", "latitude")] == pytest.approx([lon, lat], abs=1e-9)
    assert (found[("minimum",)], found[("maximum",)]) == (0, 599)


def test_several_pixels_with_the_extreme_are_counted_and_said(tmp_path: Path, make_raster) -> None:
    values = np.zeros((6, 8), "float32")
    values[4, 5] = 3
    output = histogram(tmp_path, make_raster(values, crs=UTM, bounds=BOUNDS))
    assert facts(output)[("count", "minimum")] == 47
    assert ("count", "maximum") not in facts(output)
    assert [warning for warning in output.warnings if "minimum" in warning]
    assert not [warning for warning in output.warnings if "maximum" in warning]


def test_a_raster_of_one_value_has_one_bin(tmp_path: Path, make_raster) -> None:
    for method in ("equal", "quantile"):
        output = histogram(tmp_path, make_raster(np.full((3, 4), 7.5, "float32"), crs=UTM, bounds=BOUNDS), method=method)
        assert per_bin(output, "count") == [12]
        assert per_bin(output, "share") == [100]


def test_classes_are_counted_each_and_have_no_mean(tmp_path: Path, make_raster) -> None:
    codes = np.array([[1, 1, 1, 3], [1, 3, 0, 0]], "uint8")
    path = make_raster(codes, crs=UTM, bounds=(412_000, 5_107_000, 412_040, 5_107_020), nodata=0)
    output = histogram(tmp_path, path, Declared(kind="categorical", classes={"1": "forest"}))
    found = facts(output)
    assert {key: value for key, value in found.items() if key[0] == "count"} == {("count", "forest"): 4, ("count", "3"): 2}
    assert found[("share", "forest")] == pytest.approx(200 / 3)
    assert found[("area", "3")] == pytest.approx(200, rel=1e-3)
    assert not {"mean", "minimum", "x"} & {fact.name for fact in output.facts}


def test_a_raster_of_nothing_but_nodata_has_no_histogram(tmp_path: Path, make_raster) -> None:
    path = make_raster(np.zeros((3, 4), "uint8"), crs=UTM, bounds=BOUNDS, nodata=0)
    for declared in (Declared(), Declared(kind="categorical")):
        output = histogram(tmp_path, path, declared)
        assert output.outcome == Outcome.NO_COVERAGE
        assert facts(output) == {("valid_share",): 0.0}


@pytest.mark.parametrize("edges", [[1.0], [1.0, 1.0], [2.0, 1.0]])
def test_limits_that_make_no_bin_are_refused(edges: list[float]) -> None:
    with pytest.raises(ValidationError, match="greater than the one before"):
        HistogramParams(raster="r", edges=edges)


@pytest.mark.realdata
def test_the_highest_point_of_a_park_is_where_the_file_has_it(tmp_path: Path, shared_data: Path) -> None:
    path = shared_data / "rasters/zion_srtm.tif"
    with rasterio.open(path) as dataset:
        heights = dataset.read(1, masked=True)
        lon, lat = dataset.xy(*np.unravel_index(heights.argmax(), heights.shape))
    found = facts(histogram(tmp_path, path))
    assert found[("maximum",)] == heights.max()
    assert (found[("longitude", "maximum")], found[("latitude", "maximum")]) == pytest.approx((lon, lat), abs=1e-9)


def test_only_pixels_within_a_layer_count_and_the_extreme_is_the_one_inside(tmp_path: Path, make_raster, make_layer) -> None:
    values = np.arange(1200, dtype="float32").reshape(30, 40)  # the last row and column are the largest
    raster = make_raster(values, crs=UTM, bounds=BOUNDS)
    inside = shapely.box(412_100, 5_107_100, 412_200, 5_107_200)  # rows 10 to 19, columns 10 to 19 of 10 m
    layer = make_layer([inside], crs=UTM, columns={"name": ["park"]})
    sources = {"r": Source("r", "raster", raster, "x"), "l": Source("l", "vector", layer, "y")}
    output = run(HistogramParams(raster="r", within="l", bins=3), ToolContext(tmp_path, sources))
    part = values[10:20, 10:20]
    found = facts(output)
    assert (found[("minimum",)], found[("maximum",)]) == (part.min(), part.max())
    assert (found[("x", "maximum")], found[("y", "maximum")]) == (412_195, 5_107_105)
    assert per_bin(output, "count") == np.histogram(part, 3)[0].tolist()
    assert found[("valid_share",)] == 100


def test_layer_beside_the_raster_gives_no_coverage(tmp_path: Path, make_raster, make_layer) -> None:
    raster = make_raster(np.ones((30, 40), "float32"), crs=UTM, bounds=BOUNDS)
    layer = make_layer([shapely.box(500_000, 5_107_100, 500_100, 5_107_200)], crs=UTM, columns={"name": ["far"]})
    sources = {"r": Source("r", "raster", raster, "x"), "l": Source("l", "vector", layer, "y")}
    assert run(HistogramParams(raster="r", within="l"), ToolContext(tmp_path, sources)).outcome is Outcome.NO_COVERAGE
