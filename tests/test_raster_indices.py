"""Spectral indices: the published formula over the right bands, weighted by true area, holes and clouds left out."""

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
from tools.geo.indices import INDICES
from tools.geotypes import IndexName
from tools.storage.rasters import raster_info

UTM = GeoBox((2, 3), Affine(30, 0, 500_000, 0, -30, 5_000_000), "EPSG:32631")
LONLAT = GeoBox((3, 2), Affine(1, 0, 10, 0, -20, 70), "EPSG:4326")  # rows of very different area


def ma(values: Any, hidden: Any = False) -> np.ma.MaskedArray[Any, Any]:
    return np.ma.MaskedArray(np.asarray(values), mask=hidden)


# Written out from the papers, apart from the formulas of the tool.
PUBLISHED = {
    "NDVI": lambda b: (b["nir"] - b["red"]) / (b["nir"] + b["red"]),
    "NDWI": lambda b: (b["green"] - b["nir"]) / (b["green"] + b["nir"]),
    "MNDWI": lambda b: (b["green"] - b["swir1"]) / (b["green"] + b["swir1"]),
    "NDMI": lambda b: (b["nir"] - b["swir1"]) / (b["nir"] + b["swir1"]),
    "NBR": lambda b: (b["nir"] - b["swir2"]) / (b["nir"] + b["swir2"]),
    "NBR2": lambda b: (b["swir1"] - b["swir2"]) / (b["swir1"] + b["swir2"]),
    "NDBI": lambda b: (b["swir1"] - b["nir"]) / (b["swir1"] + b["nir"]),
    "NDSI": lambda b: (b["green"] - b["swir1"]) / (b["green"] + b["swir1"]),
    "EVI": lambda b: 2.5 * (b["nir"] - b["red"]) / (b["nir"] + 6 * b["red"] - 7.5 * b["blue"] + 1),
    "EVI2": lambda b: 2.5 * (b["nir"] - b["red"]) / (b["nir"] + 2.4 * b["red"] + 1),
    "SAVI": lambda b: (b["nir"] - b["red"]) / (b["nir"] + b["red"] + 0.5) * 1.5,
    "MSAVI": lambda b: 0.5 * (2 * b["nir"] + 1 - np.sqrt((2 * b["nir"] + 1) ** 2 - 8 * (b["nir"] - b["red"]))),
    "GNDVI": lambda b: (b["nir"] - b["green"]) / (b["nir"] + b["green"]),
    "NDRE": lambda b: (b["nir"] - b["rededge1"]) / (b["nir"] + b["rededge1"]),
    "BSI": lambda b: (b["swir1"] + b["red"] - b["nir"] - b["blue"]) / (b["swir1"] + b["red"] + b["nir"] + b["blue"]),
    "AWEI_NSH": lambda b: 4 * (b["green"] - b["swir1"]) - 0.25 * b["nir"] - 2.75 * b["swir2"],
    "AWEI_SH": lambda b: b["blue"] + 2.5 * b["green"] - 1.5 * b["nir"] - 1.5 * b["swir1"] - 0.25 * b["swir2"],
}
ROLES = ("blue", "green", "red", "rededge1", "nir", "swir1", "swir2")


def test_parameter_and_table_name_the_same_indices() -> None:
    literal = IndexName.__args__[0] if hasattr(IndexName, "__args__") else IndexName  # type: ignore[attr-defined]
    assert set(literal.__args__) == set(INDICES) == set(PUBLISHED)


@pytest.mark.parametrize("index", PUBLISHED)
def test_every_index_is_its_published_formula(tmp_path: Path, index: str) -> None:
    rng = np.random.default_rng(1)
    bands = {role: rng.uniform(0.01, 0.6, UTM.shape).astype("float32") for role in ROLES}
    output = call(
        "spectral_index",
        tmp_path,
        {"raster": "r", "index": index.lower()},
        stack(tmp_path / "s.tif", {k: ma(v) for k, v in bands.items()}, UTM),
    )
    expected = PUBLISHED[index]({role: band.astype(float) for role, band in bands.items()})
    np.testing.assert_allclose(written(tmp_path, output), expected, rtol=1e-5, atol=1e-7)
    assert fact(output, "mean") == pytest.approx(expected.mean(), rel=1e-9)
    assert (fact(output, "min"), fact(output, "max")) == pytest.approx((expected.min(), expected.max()))
    assert fact(output, "std") == pytest.approx(expected.std())
    assert output.method["source"]


BYTES = arrays("uint8", LONLAT.shape, elements=st.integers(0, 255))
HOLES = arrays("bool", LONLAT.shape)


@settings(max_examples=25)
@given(green=BYTES, swir1=BYTES, holes_green=HOLES, holes_swir1=HOLES)
def test_statistics_weight_by_area_and_leave_out_holes_of_any_band(tmp_path_factory, green, swir1, holes_green, holes_swir1) -> None:
    folder = tmp_path_factory.mktemp("index")
    source = stack(folder / "s.tif", {"green": ma(green, holes_green), "swir1": ma(swir1, holes_swir1)}, LONLAT)
    output = call("spectral_index", folder, {"raster": "r", "index": "MNDWI"}, source)
    valid = ~(holes_green | holes_swir1) & (green.astype(int) + swir1 > 0)
    area = np.broadcast_to(lonlat_row_areas(LONLAT), LONLAT.shape)
    assert fact(output, "valid_share") == pytest.approx(100 * area[valid].sum() / area.sum(), rel=1e-6, abs=1e-9)
    np.testing.assert_array_equal(~np.ma.getmaskarray(written(folder, output)), valid)
    if not valid.any():
        assert output.outcome is Outcome.NO_COVERAGE
        return
    values = (green.astype(float) - swir1)[valid] / (green.astype(float) + swir1)[valid]
    mean = np.average(values, weights=area[valid])
    assert fact(output, "mean") == pytest.approx(mean, rel=1e-6, abs=1e-9)
    assert fact(output, "std") == pytest.approx(np.sqrt(np.average((values - mean) ** 2, weights=area[valid])), rel=1e-6, abs=1e-7)


def test_zero_denominators_are_nodata_counted_and_told(tmp_path: Path) -> None:
    bands = {"nir": ma([[0, 5, 0], [1, 1, 1]], [[0, 0, 1], [0, 0, 0]]), "red": ma([[0, 0, 0], [1, 3, 0]])}
    output = call("spectral_index", tmp_path, {"raster": "r", "index": "NDVI"}, stack(tmp_path / "s.tif", bands, UTM))
    assert written(tmp_path, output).tolist() == [[None, 1, None], [0, -0.5, 1]]
    assert fact(output, "count", pixels="undefined") == 1
    assert "divides by zero" in output.warnings[0]


def test_clouds_are_left_out_and_only_land_is_kept(tmp_path: Path) -> None:
    bands = {
        "nir": ma([[0.4, 0.5, 0.6], [0.4, 0.4, 0.4]]),
        "red": ma(np.full((2, 3), 0.1)),
        "scl": ma([[4, 5, 6], [9, 3, 11]], [[0] * 3, [0] * 3]),
    }
    source = stack(tmp_path / "s.tif", bands, UTM)
    land = call("spectral_index", tmp_path / "land", {"raster": "r", "index": "NDVI", "mask": "clear_land"}, source)
    clear = call("spectral_index", tmp_path / "clear", {"raster": "r", "index": "NDVI", "mask": "clear"}, source)
    assert fact(land, "mean") == pytest.approx((0.3 / 0.5 + 0.4 / 0.6) / 2)
    assert (fact(land, "valid_share"), fact(clear, "valid_share")) == pytest.approx((100 * 2 / 6, 100 * 4 / 6))
    assert "4 vegetation" in land.method["mask"]


def test_a_mask_without_quality_band_says_where_to_get_one(tmp_path: Path) -> None:
    source = stack(tmp_path / "s.tif", {"nir": ma(np.ones((2, 3))), "red": ma(np.ones((2, 3)))}, UTM)
    with pytest.raises(ParameterError, match=r"its roles are: nir, red.*read_asset"):
        call("spectral_index", tmp_path, {"raster": "r", "index": "NDVI", "mask": "clear"}, source)


def test_given_bands_win_and_are_what_the_call_is_known_by(tmp_path: Path, make_raster) -> None:
    path = make_raster(np.stack([np.full((2, 2), value, "uint8") for value in (10, 30, 90)]))
    call_params = {"raster": "r", "index": "NDVI", "bands": {"red": 1, "near infrared": 3}}
    assert fact(call("spectral_index", tmp_path, call_params, raster(path)), "mean") == pytest.approx(0.8)
    declared = raster(path, bands={"red": 2, "nir": 3})
    output = call("spectral_index", tmp_path, {"raster": "r", "index": "NDVI"}, declared)
    assert (fact(output, "mean"), output.method["bands"]) == (pytest.approx(0.5), {"nir": 3, "red": 2})


def test_a_missing_role_names_the_roles_there_are(tmp_path: Path) -> None:
    source = stack(tmp_path / "s.tif", {"green": ma(np.ones((2, 3))), "B8A": ma(np.ones((2, 3)))}, UTM)
    with pytest.raises(ParameterError, match=r"'swir1'; there are green \(band 1\), nir08 \(band 2\)"):
        call("spectral_index", tmp_path, {"raster": "r", "index": "MNDWI"}, source)


@pytest.mark.parametrize(("index", "refused"), [("EVI", True), ("SAVI", True), ("NDVI", False), ("MNDWI", False)])
def test_indices_with_constants_refuse_numbers_that_are_no_reflectance(tmp_path: Path, index: str, refused: bool) -> None:
    source = stack(tmp_path / "s.tif", {role: ma(np.full((2, 3), 3000 + n, "uint16")) for n, role in enumerate(ROLES)}, UTM)
    params = {"raster": "r", "index": index}
    if refused:
        with pytest.raises(ParameterError, match=r"--scale 0\.0001"):
            call("spectral_index", tmp_path, params, source)
        source = raster(tmp_path / "s.tif", scale=0.0001)
    assert call("spectral_index", tmp_path, params, source).outcome is Outcome.VALUE


def test_bands_of_classes_are_no_measurements(tmp_path: Path) -> None:
    bands = {"nir": ma(np.ones((2, 3))), "red": ma(np.ones((2, 3)))}
    source = stack(tmp_path / "s.tif", bands, UTM, red={1: "forest"})
    with pytest.raises(ParameterError, match="holds classes"):
        call("spectral_index", tmp_path, {"raster": "r", "index": "NDVI"}, source)


def test_the_index_carries_its_name_and_unit_and_can_be_classified_mapped_and_measured(tmp_path: Path, make_layer) -> None:
    from shapely.geometry import box

    from tools.contract import Source

    bands = {"green": ma([[9, 9, 0], [1, 1, 1]], [[0, 0, 0], [1, 0, 0]]), "swir1": ma([[1, 1, 0], [9, 9, 9]])}
    made = call("spectral_index", tmp_path, {"raster": "r", "index": "MNDWI"}, stack(tmp_path / "s.tif", bands, UTM))
    index = raster(tmp_path / made.files[0])
    info = raster_info(index)
    assert (info.unit, info.value_kind, info.grid) == ("1", "continuous", UTM)
    classes = call("classify", tmp_path / "c", {"raster": "r", "classes": [{"label": "water", "min": 0, "min_inclusive": False}]}, index)
    assert fact(classes, "area", **{"class": "water"}) == pytest.approx(1800, rel=2e-3)
    assert fact(classes, "valid_share") == pytest.approx(400 / 6, rel=1e-6)
    zones = Source("z", "vector", make_layer([box(500_000, 4_999_970, 500_060, 5_000_000)], crs="EPSG:32631"), "x")
    means = call("zonal_stats", tmp_path / "z", {"raster": "r", "zones": "z", "statistics": ["mean"]}, index, zones)
    assert [each.value for each in means.facts if each.name == "mean"] == pytest.approx([0.8], rel=1e-6)


def test_equal_calls_write_equal_bytes(tmp_path: Path) -> None:
    source = stack(tmp_path / "s.tif", {"nir": ma(np.arange(6.0).reshape(2, 3)), "red": ma(np.ones((2, 3)))}, UTM)
    files = []
    for name in ("one", "two"):
        output = call("spectral_index", tmp_path / name, {"raster": "r", "index": "NDVI"}, source)
        files.append((tmp_path / name / output.files[0]).read_bytes())
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("west", "bbox"),
    [(177.5, (177.5, 40, -177.5, 50)), (10, (10, 40, 15, 50)), (185, (-175, 40, -170, 50))],
)
def test_the_extent_is_told_in_longitudes_that_exist(tmp_path: Path, west: float, bbox: tuple[float, ...]) -> None:
    grid = GeoBox((2, 1), Affine(5, 0, west, 0, -5, 50), "EPSG:4326")
    source = stack(tmp_path / "s.tif", {"nir": ma([[3], [4]]), "red": ma([[1], [1]])}, grid)
    output = call("spectral_index", tmp_path, {"raster": "r", "index": "NDVI"}, source)
    assert output.bbox == pytest.approx(bbox)
    assert fact(output, "mean") == pytest.approx(np.average([0.5, 0.6], weights=lonlat_row_areas(grid)[:, 0]), rel=1e-6)


@pytest.mark.parametrize("transform", [Affine(30, 10, 5e5, 10, -30, 5e6), Affine(30, 0, 5e5, 0, 30, 5e6)], ids=["rotated", "south up"])
def test_rotated_and_south_up_grids_are_kept(tmp_path: Path, transform: Affine) -> None:
    grid = GeoBox((2, 3), transform, "EPSG:32631")
    source = stack(tmp_path / "s.tif", {"nir": ma(np.arange(1.0, 7).reshape(2, 3)), "red": ma(np.ones((2, 3)))}, grid)
    output = call("spectral_index", tmp_path, {"raster": "r", "index": "NDVI"}, source)
    made = raster(tmp_path / output.files[0])
    assert raster_info(made).grid == grid
    np.testing.assert_allclose(written(tmp_path, output).ravel(), [(n - 1) / (n + 1) for n in range(1, 7)], rtol=1e-6)
