"""raster_calc: numbers become a raster of values, conditions become classes with areas, other grids are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox

from raster_calls import call, fact, lonlat_row_areas, raster, stack, written
from tools.contract import Outcome
from tools.errors import ParameterError
from tools.storage.rasters import raster_info

LONLAT = GeoBox((3, 2), Affine(1, 0, 10, 0, -20, 70), "EPSG:4326")  # rows of very different area


def ma(values: Any, hidden: Any = False) -> np.ma.MaskedArray[Any, Any]:
    return np.ma.MaskedArray(np.asarray(values), mask=hidden)


A = ma([[1, 2], [3, 4], [200, 6]], [[0, 0], [0, 1], [0, 0]]).astype("uint8")
B = ma([[1, 1], [1, 1], [100, 0]]).astype("uint8")


def calc(folder: Path, expression: str, *sources: Any, **names: int) -> Any:
    rasters = {name: {"raster": "r", "band": band} for name, band in names.items()}
    return call("raster_calc", folder, {"expression": expression, "rasters": rasters}, *sources)


def test_numbers_are_weighted_by_true_area(tmp_path: Path) -> None:
    source = stack(tmp_path / "s.tif", {"a": A, "b": B}, LONLAT)
    output = calc(tmp_path, "a + b", source, a=1, b=2)
    assert written(tmp_path, output).tolist() == [[2, 3], [4, None], [300, 6]]
    area = np.broadcast_to(lonlat_row_areas(LONLAT), (3, 2))
    valid = ~A.mask
    expected = np.average((A.data.astype(int) + B.data)[valid], weights=area[valid])
    assert fact(output, "mean") == pytest.approx(expected, rel=1e-6)
    assert fact(output, "valid_share") == pytest.approx(100 * area[valid].sum() / area.sum(), rel=1e-6)


def test_a_condition_gives_classes_and_their_true_areas(tmp_path: Path) -> None:
    source = stack(tmp_path / "s.tif", {"a": A, "b": B}, LONLAT)
    output = calc(tmp_path, "(a > 2) & (b > 0)", source, a=1, b=2)
    area = lonlat_row_areas(LONLAT)[:, 0]
    assert fact(output, "area", **{"class": "true"}) == pytest.approx(area[1] + area[2], rel=1e-6)
    assert fact(output, "area", **{"class": "false"}) == pytest.approx(2 * area[0] + area[2], rel=1e-6)
    info = raster_info(raster(tmp_path / output.files[0]))
    assert (info.value_kind, info.classes) == ("categorical", {"1": "true", "2": "false"})


@pytest.mark.parametrize(
    ("expression", "outcome"),
    [
        ("a > 250", Outcome.TRUE_ZERO),
        ("a > 100", Outcome.VALUE),
        ("log(0 - a) > 0", Outcome.NO_COVERAGE),
        ("log(0 - a)", Outcome.NO_COVERAGE),
    ],
)
def test_nothing_there_and_no_value_are_different_outcomes(tmp_path: Path, expression: str, outcome: Outcome) -> None:
    output = calc(tmp_path, expression, stack(tmp_path / "s.tif", {"a": A}, LONLAT), a=1)
    assert output.outcome is outcome
    if outcome is Outcome.NO_COVERAGE:
        assert fact(output, "valid_share") == 0


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (GeoBox((3, 2), Affine(1, 0, 11, 0, -20, 70), "EPSG:4326"), "corners up to 1 pixels"),
        (GeoBox((3, 3), LONLAT.affine, "EPSG:4326"), "2 × 3 against 3 × 3"),
        (GeoBox((3, 2), LONLAT.affine, "EPSG:4258"), "WGS 84 against ETRS89"),
    ],
)
def test_another_grid_is_refused_with_a_way_out(tmp_path: Path, other: GeoBox, told: str) -> None:
    one = stack(tmp_path / "a.tif", {"a": A}, LONLAT, "one")
    two = stack(tmp_path / "b.tif", {"a": ma(np.ones(other.shape))}, other, "two")
    with pytest.raises(ParameterError, match=rf"(?s){told}.*reproject with source 'two' and like 'one'"):
        call("raster_calc", tmp_path, {"expression": "a - b", "rasters": {"a": {"raster": "one"}, "b": {"raster": "two"}}}, one, two)


@pytest.mark.parametrize(("expression", "told"), [("a + c", "'c'"), ("a + 1", "does not use 'b'"), ("a + b.real", "not allowed")])
def test_names_must_fit_the_rasters(tmp_path: Path, expression: str, told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        calc(tmp_path, expression, stack(tmp_path / "s.tif", {"a": A, "b": B}, LONLAT), a=1, b=2)


def test_large_whole_numbers_keep_their_digits(tmp_path: Path) -> None:
    source = stack(tmp_path / "s.tif", {"a": ma(np.full((3, 2), 2**24 + 1, "int32"))}, LONLAT)
    assert written(tmp_path, calc(tmp_path, "a + 2", source, a=1))[0, 0] == 2**24 + 3


def test_nodata_that_no_type_of_64_bits_can_lose(tmp_path: Path) -> None:
    source = stack(tmp_path / "s.tif", {"a": A.astype("int64")}, LONLAT)
    assert written(tmp_path, calc(tmp_path, "a * 1", source, a=1)).tolist() == A.tolist()
