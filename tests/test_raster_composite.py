"""Composites: one value out of the clear ones of every pixel, whole images at a pixel or not at all, counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from odc.geo.geobox import GeoBox

from raster_calls import call, fact, lonlat_row_areas, raster, stack, written
from tools.contract import Outcome
from tools.errors import ParameterError
from tools.geo.roles import SCL_CLASSES
from tools.raster.compositing import join, pick_first, taken
from tools.storage.band_roles import band_of, roles_of
from tools.storage.rasters import raster_info

LONLAT = GeoBox((3, 2), Affine(1, 0, 10, 0, -20, 70), "EPSG:4326")  # rows of very different area
UTM = GeoBox((1, 3), Affine(30, 0, 500_000, 0, -30, 5_000_000), "EPSG:32631")


def ma(values: Any, hidden: Any = False) -> np.ma.MaskedArray[Any, Any]:
    return np.ma.MaskedArray(np.asarray(values), mask=hidden)


STACK = arrays("float64", (5, 2, 3), elements=st.one_of(st.just(float("nan")), st.integers(-9, 9).map(float)))
ORACLES = {
    "median": lambda values: sorted(values)[len(values) // 2] / 2 + sorted(values)[(len(values) - 1) // 2] / 2,
    "mean": lambda values: sum(values) / len(values),
    "minimum": min,
    "maximum": max,
}


@pytest.mark.parametrize("method", ORACLES)
@given(stack=STACK)
def test_a_pixel_is_what_plain_python_makes_of_its_clear_values(method: str, stack: np.ndarray[Any, Any]) -> None:
    joined = join(stack, method)
    for row, col in np.ndindex(joined.shape):
        values = [value for value in stack[:, row, col].tolist() if value == value]
        if values:
            assert joined[row, col] == pytest.approx(ORACLES[method](values))
        else:
            assert np.isnan(joined[row, col])


HOLES = arrays("bool", (3, 3, 2))
VALUES = arrays("uint8", (3, 3, 2))


@settings(max_examples=20)
@given(red=VALUES, nir=VALUES, holes_red=HOLES, holes_nir=HOLES)
def test_an_image_counts_at_a_pixel_with_all_its_bands_or_not_at_all(tmp_path_factory, red, nir, holes_red, holes_nir) -> None:
    folder = tmp_path_factory.mktemp("composite")
    sources = [
        stack(folder / f"{n}.tif", {"red": ma(red[n], holes_red[n]), "nir": ma(nir[n], holes_nir[n])}, LONLAT, f"r{n}") for n in range(3)
    ]
    output = call("composite", folder / "out", {"rasters": ["r0", "r1", "r2"], "method": "mean"}, *sources)
    whole = ~(holes_red | holes_nir)
    count = whole.sum(axis=0)
    area = np.broadcast_to(lonlat_row_areas(LONLAT), (3, 2))
    assert fact(output, "valid_share") == pytest.approx(100 * area[count > 0].sum() / area.sum(), rel=1e-6, abs=1e-9)
    if not count.any():
        assert output.outcome is Outcome.NO_COVERAGE
        return
    for band, values in enumerate((red, nir), start=1):
        total = np.where(whole, values, 0).sum(axis=0)
        made = written(folder / "out", output, band)
        np.testing.assert_array_equal(~made.mask, count > 0)
        np.testing.assert_allclose(made.compressed(), (total[count > 0] / count[count > 0]), rtol=1e-6)
    np.testing.assert_array_equal(written(folder / "out", output, 3).filled(-1), count)
    assert fact(output, "mean", band="observations") == pytest.approx(np.average(count, weights=area), rel=1e-6)
    assert fact(output, "min", band="observations") == count.min()


def image(path: Path, ref: str, red: list[float], scl: list[int]) -> Any:
    return stack(path, {"red": ma([red]), "scl": ma([scl]).astype("uint8")}, UTM, ref, scl=SCL_CLASSES)


def test_clouds_and_shadows_are_left_out_where_all_images_tell_of_them(tmp_path: Path) -> None:
    one = image(tmp_path / "1.tif", "one", [0.1, 0.9, 0.9], [4, 9, 3])
    two = image(tmp_path / "2.tif", "two", [0.3, 0.2, 0.8], [4, 5, 8])
    output = call("composite", tmp_path / "out", {"rasters": ["one", "two"]}, one, two)
    assert written(tmp_path / "out", output).tolist() == [[pytest.approx(0.2), pytest.approx(0.2), None]]
    assert written(tmp_path / "out", output, 2).tolist() == [[2, 1, 0]]
    assert (fact(output, "mean", band="observations"), fact(output, "min", band="observations")) == (pytest.approx(1), 0)
    assert "cloud" in output.method["mask"] or "vegetation" in output.method["mask"]
    made = raster(tmp_path / "out" / output.files[0])
    assert roles_of(made) == {"red": 1}
    assert band_of(made, "observations") == 2


def test_without_quality_bands_clouds_count_and_that_is_said(tmp_path: Path) -> None:
    sources = [stack(tmp_path / f"{n}.tif", {"red": ma([[n, n, n]]).astype("uint8")}, UTM, f"r{n}") for n in (1, 3)]
    output = call("composite", tmp_path / "out", {"rasters": ["r1", "r3"]}, *sources)
    assert written(tmp_path / "out", output).tolist() == [[2, 2, 2]]
    assert "clouds and shadows count" in output.warnings[0]
    with pytest.raises(ParameterError, match="'scl' or 'qa_pixel'"):
        call("composite", tmp_path / "out", {"rasters": ["r1", "r3"], "mask": "clear"}, *sources)


def test_bands_are_matched_by_role_not_by_position(tmp_path: Path) -> None:
    ones, twos = ma([[1.0, 1, 1]]), ma([[2.0, 2, 2]])
    first = stack(tmp_path / "1.tif", {"red": ones, "nir": twos}, UTM, "a")
    second = stack(tmp_path / "2.tif", {"B08": twos, "B04": ones}, UTM, "b")
    output = call("composite", tmp_path / "out", {"rasters": ["a", "b"], "method": "mean"}, first, second)
    assert output.method["bands"] == ["red", "nir"]
    assert [written(tmp_path / "out", output, band)[0, 0] for band in (1, 2)] == [1, 2]


def test_unnamed_bands_are_matched_by_position_where_they_are_as_many(tmp_path: Path, make_raster) -> None:
    one, two, three = (make_raster(np.full((count, 2, 2), count, "uint8"), name=f"{n}.tif") for n, count in enumerate((2, 2, 3)))
    output = call("composite", tmp_path / "out", {"rasters": ["a", "b"]}, raster(one, "a"), raster(two, "b"))
    assert output.method["bands"] == ["band1", "band2"]
    with pytest.raises(ParameterError, match="do not share their bands"):
        call("composite", tmp_path / "out", {"rasters": ["a", "c"]}, raster(one, "a"), raster(three, "c"))


def test_bands_that_are_described_alike_are_matched_by_position_and_none_is_lost(tmp_path: Path, make_raster) -> None:
    values = np.stack([np.full((2, 2), 1, "uint8"), np.full((2, 2), 2, "uint8")])
    paths = [make_raster(values, name=f"{n}.tif", descriptions=("grey", "grey")) for n in range(2)]
    output = call("composite", tmp_path / "out", {"rasters": ["a", "b"]}, raster(paths[0], "a"), raster(paths[1], "b"))
    assert output.method["bands"] == ["band1", "band2"]
    assert [written(tmp_path / "out", output, band)[0, 0] for band in (1, 2)] == [1, 2]


def test_classes_are_never_averaged_but_may_be_the_first(tmp_path: Path) -> None:
    cover = [
        stack(
            tmp_path / f"{n}.tif",
            {"cover": ma([codes], [np.array(codes) == 0]).astype("uint8")},
            UTM,
            f"r{n}",
            cover={1: "forest", 3: "bare"},
        )
        for n, codes in enumerate(([0, 1, 3], [3, 3, 3]))
    ]
    with pytest.raises(ParameterError, match="holds classes, which have no median"):
        call("composite", tmp_path / "out", {"rasters": ["r0", "r1"]}, *cover)
    output = call("composite", tmp_path / "out", {"rasters": ["r0", "r1"], "method": "first"}, *cover)
    assert written(tmp_path / "out", output).tolist() == [[3, 1, 3]]


def filled(path: Path, value: float, grid: GeoBox, ref: str) -> Any:
    return stack(path, {"red": ma(np.full(grid.shape, value))}, grid, ref)


def test_images_side_by_side_become_a_mosaic_on_the_pixels_of_the_first(tmp_path: Path) -> None:
    left = stack(tmp_path / "1.tif", {"red": ma([[1.0, 2, 3]])}, UTM, "a")
    right = stack(tmp_path / "2.tif", {"red": ma([[30.0, 4, 5]])}, UTM.translate_pix(2, 0), "b")
    output = call("composite", tmp_path / "out", {"rasters": ["a", "b"], "method": "last"}, left, right)
    assert written(tmp_path / "out", output).tolist() == [[1, 2, 30, 4, 5]]
    assert written(tmp_path / "out", output, 2).tolist() == [[1, 1, 2, 1, 1]]
    assert (fact(output, "share", image="1"), fact(output, "share", image="2")) == (
        pytest.approx(40, rel=1e-3),
        pytest.approx(60, rel=1e-3),
    )
    assert output.method["images on other pixels"] == []
    mean = call("composite", tmp_path / "out2", {"rasters": ["a", "b"], "method": "mean"}, left, right)
    assert written(tmp_path / "out2", mean).tolist() == [[1, 2, 16.5, 4, 5]]


def test_an_image_of_another_zone_keeps_its_place_on_the_ground(tmp_path: Path) -> None:
    from pyproj import Transformer

    here = GeoBox((40, 40), Affine(100, 0, 700_000, 0, -100, 5_000_000), "EPSG:32631")
    x, y = Transformer.from_crs(32631, 32632, always_xy=True).transform(706_000, 4_998_000)
    there = GeoBox((40, 40), Affine(100, 0, x - 2000, 0, -100, y + 2000), "EPSG:32632")
    images = filled(tmp_path / "1.tif", 1, here, "a"), filled(tmp_path / "2.tif", 2, there, "b")
    output = call("composite", tmp_path / "out", {"rasters": ["a", "b"], "method": "first"}, *images)
    info = raster_info(raster(tmp_path / "out" / output.files[0]))
    made = written(tmp_path / "out", output)
    col, row = ~info.transform @ (706_000, 4_998_000)
    assert made[int(row), int(col)] == 2
    assert np.count_nonzero(made.filled(0) == 1) == 1600
    assert np.count_nonzero(made.filled(0) == 2) * 1e4 == pytest.approx(1.6e7, rel=0.02)


@pytest.mark.parametrize("given", [{"like": "c"}, {"crs": "EPSG:3035", "resolution": 200.0}])
def test_the_grid_is_the_one_asked_for(tmp_path: Path, given: dict[str, Any]) -> None:
    small = GeoBox((20, 20), Affine(100, 0, 500_000, 0, -100, 5_000_000), "EPSG:32631")
    images = filled(tmp_path / "1.tif", 1, small, "a"), filled(tmp_path / "2.tif", 3, small, "b")
    other = filled(tmp_path / "3.tif", 0, GeoBox((7, 9), Affine(300, 0, 500_000, 0, -300, 5_000_000), "EPSG:32631"), "c")
    output = call("composite", tmp_path / "out", {"rasters": ["a", "b"], "method": "mean", **given}, *images, other)
    info = raster_info(raster(tmp_path / "out" / output.files[0]))
    assert (info.crs.to_epsg(), info.transform.a) == ((32631, 300) if "like" in given else (3035, 200))
    assert set(written(tmp_path / "out", output).compressed().tolist()) == {2}
    assert output.method["images on other pixels"] == [1, 2]
    assert any("nearest one of it, not their average" in text for text in output.warnings)


def test_no_cloud_is_mixed_into_a_clear_pixel_of_another_grid(tmp_path: Path) -> None:
    grid = GeoBox((30, 30), Affine(10, 0, 500_000, 0, -10, 5_000_000), "EPSG:32631")
    rng = np.random.default_rng(0)
    images = []
    for name in "ab":
        scl = rng.choice([4, 9], (30, 30)).astype("uint8")
        red = np.where(scl == 4, 0.25, 0.95)
        images.append(stack(tmp_path / f"{name}.tif", {"red": ma(red), "scl": ma(scl)}, grid, name, scl=SCL_CLASSES))
    output = call("composite", tmp_path / "out", {"rasters": ["a", "b"], "method": "maximum", "crs": "EPSG:3035"}, *images)
    assert set(written(tmp_path / "out", output).compressed().tolist()) == {0.25}


def test_the_best_image_is_the_least_cloudy_the_nearest_in_time_or_the_greenest(tmp_path: Path) -> None:
    cloudy = image(tmp_path / "1.tif", "one", [0.1, 0.9, 0.9], [4, 9, 3])
    clear = image(tmp_path / "2.tif", "two", [0.3, 0.2, 0.8], [4, 5, 8])
    both = {"rasters": ["one", "two"]}
    output = call("composite", tmp_path / "a", {**both, "method": "least_cloud"}, cloudy, clear)
    assert written(tmp_path / "a", output).tolist() == [[pytest.approx(0.3), pytest.approx(0.2), None]]
    assert fact(output, "share", image="1", of="hidden by the mask") == pytest.approx(200 / 3)
    dates = {"dates": ["2024-06-01", "2024-06-20"], "date": "2024-06-08"}
    output = call("composite", tmp_path / "b", {**both, "method": "nearest_date", **dates}, cloudy, clear)
    assert written(tmp_path / "b", output).tolist() == [[pytest.approx(0.1), pytest.approx(0.2), None]]
    red, nir = ma([[0.1, 0.4, 0.0]]), ma([[0.5, 0.5, 0.0]])
    pair = [
        stack(tmp_path / "3.tif", {"red": red, "nir": nir}, UTM, "p"),
        stack(tmp_path / "4.tif", {"red": nir / 2, "nir": nir}, UTM, "q"),
    ]
    output = call("composite", tmp_path / "c", {"rasters": ["p", "q"], "method": "greenest"}, *pair)
    assert written(tmp_path / "c", output).tolist() == [[pytest.approx(0.1), pytest.approx(0.25), 0]]
    with pytest.raises(ParameterError, match="bands red and nir"):
        call("composite", tmp_path / "d", {**both, "method": "greenest"}, cloudy, clear)
    with pytest.raises(ParameterError, match="How cloudy"):
        call("composite", tmp_path / "d", {"rasters": ["p", "q"], "method": "least_cloud"}, *pair)
    with pytest.raises(ValueError, match="needs 'date'"):
        call("composite", tmp_path / "d", {**both, "method": "nearest_date"}, cloudy, clear)


@given(stack=STACK)
def test_first_and_last_are_one_image_with_something_there(stack: np.ndarray[Any, Any]) -> None:
    picked = pick_first(stack[:, None])
    made = taken(stack[:, None], picked)[0]
    for row, col in np.ndindex(made.shape):
        values = [value for value in stack[:, row, col].tolist() if value == value]
        assert made[row, col] == values[0] if values else np.isnan(made[row, col])
