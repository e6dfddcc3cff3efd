"""Raster distance: metres over the ground to the nearest target, by brute force, in degrees, at the poles and across the antimeridian."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from pydantic import ValidationError
from pyproj import CRS, Geod, Transformer
from scipy.ndimage import distance_transform_edt

from tools.contract import Declared, Outcome, Source, ToolContext, ToolOutput
from tools.errors import DataError, LimitError, ParameterError
from tools.raster import targets as outlines
from tools.raster.raster_distance import RasterDistanceParams, resolve, run

WATER = Declared(kind="categorical", classes={"1": "land", "2": "water"})


def distances(folder: Path, path: Path, declared: Declared = WATER, **params: Any) -> tuple[ToolOutput, np.ndarray]:
    sources = {"r": Source("r", "raster", path, "x", declared=declared)}
    output = run(resolve(RasterDistanceParams(raster="r", **params), sources), ToolContext(folder, sources))
    if not output.files:
        return output, np.empty(0)
    with rasterio.open(folder / output.files[0]) as dataset:
        return output, dataset.read(1)


def by_brute_force(path: Path, target: float) -> np.ndarray:
    """Geodesic metres from every pixel to every target, the least of them."""
    with rasterio.open(path) as dataset:
        values, crs = dataset.read(1), CRS(dataset.crs)
        rows, cols = np.indices(values.shape)
        x, y = dataset.transform * (cols + 0.5, rows + 0.5)
    lon, lat = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True).transform(x, y)
    is_target = values == target
    geod = crs.get_geod() or Geod(ellps="WGS84")
    least = np.full(values.shape, np.inf)
    for to_lon, to_lat in zip(lon[is_target], lat[is_target], strict=True):
        metres = geod.inv(lon, lat, np.full_like(lon, to_lon), np.full_like(lat, to_lat))[2]
        least = np.minimum(least, metres)
    return least


GRIDS = [
    pytest.param("EPSG:32632", Affine(30, 0, 412_000, 0, -30, 5_108_000), id="UTM"),
    pytest.param("EPSG:32632", Affine(24, 18, 412_000, 18, -24, 5_108_000), id="UTM, rotated"),
    pytest.param("EPSG:4326", Affine(0.01, 0, 7, 0, 0.01, 60), id="degrees at 60 north, south-up"),
    pytest.param("EPSG:4326", Affine(0.5, 0, 179, 0, -0.5, 89), id="half degrees near the pole, across the antimeridian"),
    pytest.param("EPSG:4326", Affine(12, 0, -180, 0, -7, 70), id="the whole Earth"),
    pytest.param("EPSG:3857", Affine(500, 0, 1e6, 0, -500, 9e6), id="Web Mercator"),
    pytest.param("EPSG:3413", Affine(1000, 0, -15_500, 0, -1000, 15_500), id="around the pole"),
    pytest.param("EPSG:2263", Affine(100, 0, 900_000, 0, -100, 200_000), id="US survey feet"),
]


@pytest.mark.parametrize(("crs", "transform"), GRIDS)
def test_every_pixel_has_the_geodesic_distance_to_the_nearest_target(crs: str, transform: Affine, tmp_path: Path, make_raster) -> None:
    codes = np.where(np.random.default_rng(1).random((20, 30)) < 0.01, 2, 1).astype("uint8")
    codes[4:9, 20:26] = 2
    path = make_raster(codes, crs=crs, transform=transform)
    output, metres = distances(tmp_path, path, targets=["Water"])
    expected = by_brute_force(path, 2)
    np.testing.assert_allclose(metres, expected, rtol=1e-6, atol=1e-3)
    assert (metres[codes == 2] == 0).all()
    (largest,) = [fact.value for fact in output.facts if fact.name == "max"]
    assert largest == pytest.approx(expected.max(), rel=1e-6)


def test_in_a_plane_it_is_the_distance_transform(tmp_path: Path, make_raster) -> None:
    codes = np.where(np.random.default_rng(2).random((60, 80)) < 0.02, 2, 1).astype("uint8")
    path = make_raster(codes, crs="EPSG:32632", transform=Affine(10, 0, 499_600, 0, -10, 5_108_000))
    _, metres = distances(tmp_path, path, targets=[2])
    np.testing.assert_allclose(metres, distance_transform_edt(codes != 2) * 10 / 0.9996, rtol=1e-4)


def test_beyond_the_largest_distance_there_is_nodata_and_nothing_else_changes(tmp_path: Path, make_raster) -> None:
    codes = np.ones((1, 40), "uint8")
    codes[0, 0] = 2
    path = make_raster(codes, crs="EPSG:32632", transform=Affine(10, 0, 500_000, 0, -10, 5_108_000))
    _, free = distances(tmp_path, path, targets=[2])
    output, bounded = distances(tmp_path, path, targets=[2], max_distance_m=105)
    np.testing.assert_array_equal(bounded[0, :11], free[0, :11])
    assert np.isnan(bounded[0, 11:]).all()
    assert any("within the largest distance" in warning for warning in output.warnings)
    assert {fact.name: fact.value for fact in output.facts}["valid_share"] == pytest.approx(100 * 11 / 40, rel=1e-4)


def test_nodata_is_neither_a_target_nor_has_a_distance(tmp_path: Path, make_raster) -> None:
    codes = np.array([[2, 1, 0, 1, 2, 2]], "uint8")
    path = make_raster(codes, crs="EPSG:32632", transform=Affine(10, 0, 500_000, 0, -10, 5_108_000), nodata=0)
    output, metres = distances(tmp_path, path, targets=[2])
    np.testing.assert_allclose(metres[0], [0, 10 / 0.9996, np.nan, 10 / 0.9996, 0, 0], rtol=1e-6)
    facts = {(fact.name, *fact.subject.values()): fact.value for fact in output.facts}
    assert facts[("area", "target")] == pytest.approx(300 / 0.9996**2, rel=1e-5)
    assert any("nodata" in warning for warning in output.warnings)


@pytest.mark.parametrize(
    ("params", "targets"),
    [({"at_least": 3.0}, [3, 4]), ({"at_most": 1.0}, [0, 1]), ({"at_least": 1.0, "at_most": 2.0}, [1, 2]), ({"targets": [0, 4]}, [0, 4])],
)
def test_targets_are_values_or_a_range_with_its_limits(params, targets, tmp_path: Path, make_raster) -> None:
    values = np.tile(np.arange(5, dtype="float32"), (3, 1))
    path = make_raster(values, crs="EPSG:32632", transform=Affine(10, 0, 500_000, 0, -10, 5_108_000))
    _, metres = distances(tmp_path, path, Declared(), **params)
    assert np.flatnonzero(metres[1] == 0).tolist() == targets


def test_infinite_values_are_no_targets(tmp_path: Path, make_raster) -> None:
    values = np.array([[np.inf, 1, 5, 1]], "float32")
    path = make_raster(values, crs="EPSG:32632", transform=Affine(10, 0, 500_000, 0, -10, 5_108_000))
    _, metres = distances(tmp_path, path, Declared(), at_least=4)
    assert np.isnan(metres[0, 0])
    assert (metres[0, 1:] == 0).tolist() == [False, True, False]


def test_no_target_and_no_data_are_different_outcomes(tmp_path: Path, make_raster) -> None:
    where = {"crs": "EPSG:32632", "transform": Affine(10, 0, 500_000, 0, -10, 5_108_000), "nodata": 0}
    output, _ = distances(tmp_path, make_raster(np.ones((3, 3), "uint8"), **where), targets=["water"])
    assert output.outcome == Outcome.TRUE_ZERO
    assert [(fact.name, fact.value) for fact in output.facts] == [("area", 0.0), ("valid_share", 100.0)]
    output, _ = distances(tmp_path, make_raster(np.zeros((3, 3), "uint8"), **where), targets=["water"])
    assert output.outcome == Outcome.NO_COVERAGE


def test_a_target_that_is_no_place_on_the_earth_is_none(tmp_path: Path, make_raster) -> None:
    codes = np.ones((9, 18), "uint8")
    codes[0, 0] = 2  # a corner of the world map, outside the ellipse
    path = make_raster(codes, crs="ESRI:54009", transform=Affine(2e6, 0, -18e6, 0, -2e6, 9e6))
    output, _ = distances(tmp_path, path, targets=["water"])
    assert output.outcome == Outcome.TRUE_ZERO


def test_a_class_that_is_not_there_names_those_that_are(tmp_path: Path, make_raster) -> None:
    path = make_raster(np.ones((3, 3), "uint8"), crs="EPSG:32632")
    with pytest.raises(ParameterError, match=r"no class 'forest'.*land, water"):
        distances(tmp_path, path, targets=["forest"])


@pytest.mark.parametrize("params", [{}, {"targets": [1], "at_least": 2}, {"at_least": 2, "at_most": 1}])
def test_targets_that_are_none_or_two_things_are_refused(params) -> None:
    with pytest.raises(ValidationError, match="at_"):
        RasterDistanceParams(raster="r", **params)


def test_outlines_too_long_to_hold_are_refused_with_a_way_out(tmp_path: Path, make_raster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlines, "MOST_OUTLINE_PX", 10)
    path = make_raster(np.full((3, 20), 2, "uint8"), crs="EPSG:32632")
    with pytest.raises(LimitError, match="majority"):
        distances(tmp_path, path, targets=[2])


def test_complex_numbers_are_refused(tmp_path: Path, make_raster) -> None:
    path = make_raster(np.full((3, 3), 1 + 2j, "complex64"), crs="EPSG:32632")
    with pytest.raises(DataError, match="complex"):
        distances(tmp_path, path, Declared(), at_least=0)
