"""Stacks and band roles: a band is found by its role under any provider's name, and comes back with its labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import box

from tools.catalog.describing import describe
from tools.contract import Declared, Source, ToolContext
from tools.errors import DataError, ParameterError
from tools.geo.clouds import seen
from tools.geo.roles import SCL_CLASSES, band_roles
from tools.storage.band_roles import band_of, roles_of
from tools.storage.rasters import raster_info, read_band
from tools.storage.stacks import write_stack
from tools.zonal.stats import ZonalStatsParams
from tools.zonal.stats import run as zonal_stats

GRID = GeoBox((2, 3), Affine(10, 0, 500_000, 0, -10, 5_000_000), "EPSG:32631")
RED = np.ma.MaskedArray(np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]), mask=[[1, 0, 0], [0, 0, 0]])
SCL = np.ma.MaskedArray(np.array([[0, 4, 4], [6, 9, 5]], "uint8"), mask=[[1, 0, 0], [0, 0, 0]])


def source(path: Path, **declared: Any) -> Source:
    return Source("r", "raster", path, "xxh3:0", declared=Declared(**declared))


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    path = tmp_path / "stack.tif"
    write_stack(path, [RED, SCL], GRID, ["red", "scl"], {"scl": SCL_CLASSES}, unit="1")
    return path


def test_bands_of_a_stack_come_back_with_names_labels_and_holes_and_the_bytes_are_equal_twice(tmp_path: Path, stack: Path) -> None:
    again = tmp_path / "again.tif"
    write_stack(again, [RED, SCL], GRID, ["red", "scl"], {"scl": SCL_CLASSES}, unit="1")
    assert stack.read_bytes() == again.read_bytes()
    red, scl = raster_info(source(stack), 1), raster_info(source(stack), 2)
    assert (red.value_kind, red.classes, red.unit) == ("continuous", {}, "1")
    assert (scl.value_kind, scl.classes["6"]) == ("categorical", "water")
    np.testing.assert_array_equal(read_band(source(stack), 2).filled(0), SCL.filled(0))
    np.testing.assert_allclose(read_band(source(stack), 1).filled(0), RED.filled(0), rtol=1e-7)


def test_class_areas_of_the_quality_band_of_a_stack_carry_its_labels(tmp_path: Path, stack: Path) -> None:
    output = zonal_stats(ZonalStatsParams(raster="r", band=2, classes=True), ToolContext(tmp_path, {"r": source(stack)}))
    areas = {fact.subject["class"]: fact.value for fact in output.facts if fact.name == "area" and "class" in fact.subject}
    shares = {label: area / sum(areas.values()) for label, area in areas.items() if area}
    assert shares == pytest.approx({"vegetation": 0.4, "water": 0.2, "not vegetated": 0.2, "cloud high probability": 0.2}, rel=1e-6)


def test_describing_a_stack_tells_name_and_role_of_every_band(stack: Path) -> None:
    assert [(band.name, band.role) for band in describe(source(stack)).bands] == [("red", "red"), ("scl", "scl")]


def test_integers_of_one_type_keep_it_and_others_become_floats(tmp_path: Path) -> None:
    full = np.ma.MaskedArray(np.arange(6, dtype="uint8").reshape(2, 3))
    for bands, dtype in [
        ([full, SCL], "uint8"),
        ([full, full.astype("uint16")], "float32"),
        ([full, full.astype("int32") + 2**30], "float64"),
    ]:
        path = tmp_path / f"{dtype}.tif"
        write_stack(path, bands, GRID, ["a", "b"])
        for band, written in enumerate(bands, start=1):
            read = read_band(source(path), band)
            assert read.dtype == dtype
            assert read.tolist() == written.tolist()


def test_a_type_without_a_free_value_is_widened_only_where_pixels_are_masked(tmp_path: Path) -> None:
    grid = GeoBox((16, 16), GRID.affine, GRID.crs)
    every = np.ma.MaskedArray(np.arange(256, dtype="uint8").reshape(16, 16))
    holed = np.ma.MaskedArray(every.data, mask=every.data == 7)
    for first, dtype in [(every, "uint8"), (holed, "float32")]:
        write_stack(tmp_path / "s.tif", [first, every], grid, ["a", "b"])
        read = read_band(source(tmp_path / "s.tif"), 1)
        assert (read.dtype, read.tolist()) == (dtype, first.tolist())


@pytest.mark.parametrize(
    ("descriptions", "declared", "roles"),
    [
        (["SWIR 1", "nir", "Red", "GREEN"], {}, {"swir1": 1, "nir": 2, "red": 3, "green": 4}),
        (["B04", "B8A", "B11", "SCL"], {}, {"red": 1, "nir08": 2, "swir1": 3, "scl": 4}),
        (["swir16", "swir22", "QA_PIXEL"], {}, {"swir1": 1, "swir2": 2, "qa_pixel": 3}),
        (["B1", "B11"], {}, {}),  # B11 of Landsat is thermal, not shortwave infrared
        (["red", "red"], {}, {}),  # nothing says which
        (["red", "red"], {"red": 2}, {"red": 2}),
        (["red", "green"], {"nir": 1}, {"nir": 1, "green": 2}),  # what is declared wins over the description
        ([None, "depth in metres"], {"swir16": 1}, {"swir1": 1}),
    ],
)
def test_roles_come_from_declarations_first_then_from_known_names(descriptions, declared, roles) -> None:
    assert band_roles(descriptions, declared) == roles


def test_a_band_is_found_under_any_of_its_names(make_raster) -> None:
    raster = make_raster(np.zeros((4, 2, 2), "uint8"), descriptions=["B04", "B8A", "B11", "my depth"])
    assert roles_of(source(raster)) == {"red": 1, "nir08": 2, "swir1": 3}
    found = [band_of(source(raster), name) for name in ("red", "nir", "nir08", "swir16", "SWIR-1", "My Depth")]
    assert found == [1, 2, 2, 3, 3, 4]


def test_a_role_that_is_not_there_names_the_roles_that_are(make_raster) -> None:
    raster = make_raster(np.zeros((2, 2, 2), "uint8"), descriptions=["B04", "odd"])
    with pytest.raises(ParameterError, match=r"'green'; there are red \(band 1\), 'odd' \(band 2\)\. .*--bands green=NUMBER"):
        band_of(source(raster), "green")
    with pytest.raises(ParameterError, match="its only band has no name"):
        band_of(source(make_raster(np.zeros((2, 2), "uint8"), name="one.tif")), "green")


def test_a_declared_scale_leaves_the_codes_of_the_quality_band_alone(make_raster) -> None:
    raster = make_raster(np.full((2, 2, 2), 4, "uint16"), descriptions=["red", "scl"])
    scaled = source(raster, scale=0.5, offset=1.0)
    assert read_band(scaled, 1)[0, 0] == 3.0
    assert read_band(scaled, 2)[0, 0] == 4


@pytest.mark.parametrize(
    ("role", "what", "kept"),
    [
        ("scl", "clear", {4, 5, 6, 7, 11}),
        ("scl", "clear_land", {4, 5}),
        ("scl", "clear_water", {6}),
        # USGS's own decoded values: 21824 clear, 21952 clear over water, 30048 snow; 22280 cloud, 23888 shadow, 21826 dilated, 1 fill
        ("qa_pixel", "clear", {21824, 21952, 30048}),
        ("qa_pixel", "clear_land", {21824}),
        ("qa_pixel", "clear_water", {21952}),
    ],
)
def test_quality_codes_tell_what_was_seen(role, what, kept) -> None:
    codes = list(range(12)) if role == "scl" else [21824, 21952, 30048, 22280, 23888, 21826, 54596, 1]
    clear = seen(role, np.ma.MaskedArray(codes), what)
    assert {code for code, is_clear in zip(codes, clear, strict=True) if is_clear} == kept
    assert not seen(role, np.ma.MaskedArray(codes, mask=True), what).any()


def test_codes_that_were_scaled_are_refused() -> None:
    with pytest.raises(DataError, match="no scale"):
        seen("scl", np.ma.MaskedArray([0.4, 0.5]), "clear")


def test_zones_over_a_float_quality_band_are_labelled_too(tmp_path: Path, stack: Path, make_layer) -> None:
    zones = make_layer([box(500_010, 4_999_980, 500_030, 5_000_000)], crs="EPSG:32631")
    sources = {"r": source(stack), "z": Source("z", "vector", zones, "x")}
    output = zonal_stats(ZonalStatsParams(raster="r", band=2, zones="z", classes=True), ToolContext(tmp_path, sources))
    classes = {fact.subject["class"] for fact in output.facts if fact.name == "area" and "class" in fact.subject and fact.value}
    assert classes == {"vegetation", "cloud high probability", "not vegetated"}


def test_the_role_of_a_band_tells_whether_it_measures_or_classifies(make_raster) -> None:
    path = make_raster(np.full((5, 2, 2), 4, "uint16"), descriptions=["red", "scl", "qa_pixel", "B08", "other"])
    for declared in ({}, {"kind": "continuous"}):
        kinds = [raster_info(source(path, **declared), band).value_kind for band in range(1, 6)]
        assert kinds == ["continuous", "categorical", "categorical", "continuous", "continuous" if declared else "unknown"]
    assert raster_info(source(path), 2).name_of(4) == "vegetation"
    assert raster_info(source(path, bands={"scl": 5}), 5).name_of(6) == "water"
