"""Polygonize: patches follow the pixels, their geodesic areas are those of the pixels, nodata is no patch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from odc.geo.geobox import GeoBox
from scipy import ndimage

from raster_calls import call, fact, raster
from tools.contract import Outcome, Source
from tools.errors import ParameterError
from tools.geo.pixels import pixel_area_m2
from tools.storage import cog
from tools.storage.rasters import write_class_raster, write_raster

LABELS = {1: "water", 2: "forest", 3: "field"}
GRIDS = {
    "degrees": GeoBox((6, 5), Affine(0.5, 0, 10, 0, -0.5, 60), "EPSG:4326"),
    "utm": GeoBox((6, 5), Affine(3000, 0, 300_000, 0, -3000, 5_000_000), "EPSG:32631"),
    "south up": GeoBox((6, 5), Affine(3000, 0, 300_000, 0, 3000, 5_000_000), "EPSG:32631"),
    "rotated": GeoBox((6, 5), Affine(3000, 400, 300_000, 400, -3000, 5_000_000), "EPSG:32631"),
    "mercator": GeoBox((6, 5), Affine(3000, 0, 300_000, 0, -3000, 8_000_000), "EPSG:3857"),
}


def classes(path: Path, codes: Any, grid: GeoBox) -> Source:
    write_class_raster(path, np.asarray(codes, "uint8"), grid, LABELS)
    return raster(path)


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
@settings(max_examples=12)
@given(codes=arrays("uint8", (6, 5), elements=st.integers(0, 3)))
def test_patches_are_those_of_scipy_and_areas_are_those_of_the_pixels(tmp_path_factory, grid, connectivity, codes) -> None:
    folder = tmp_path_factory.mktemp("patches")
    output = call("polygonize", folder, {"raster": "r", "connectivity": connectivity}, classes(folder / "c.tif", codes, grid))
    area = np.broadcast_to(pixel_area_m2(grid), codes.shape)
    around = ndimage.generate_binary_structure(2, 1 if connectivity == 4 else 2)
    frame = geopandas.read_parquet(folder / output.files[0])
    assert frame.geometry.is_valid.all()
    assert list(frame.columns) == ["class", "value", "area_m2", "geometry"]
    if not codes.any():
        assert (output.outcome, len(frame)) == (Outcome.NO_COVERAGE, 0)
        return
    for value, label in LABELS.items():
        mine = frame[frame["class"] == label]
        _, patches = ndimage.label(codes == value, around)
        assert len(mine) == patches
        assert mine["area_m2"].sum() == pytest.approx(area[codes == value].sum(), rel=1e-4)
        if patches:
            assert fact(output, "area", **{"class": label}) == pytest.approx(area[codes == value].sum(), rel=1e-4)
            assert fact(output, "count", **{"class": label}) == patches
    assert fact(output, "area") == pytest.approx(area[codes > 0].sum(), rel=1e-4)
    inside = shapely.area(shapely.intersection_all([frame.geometry.union_all(), grid.extent.geom]))
    assert inside == pytest.approx(abs(grid.affine.determinant) * (codes > 0).sum(), rel=1e-9)


def test_patches_come_by_class_and_then_from_the_first_row_on_and_equal_calls_write_equal_bytes(tmp_path: Path) -> None:
    source = classes(tmp_path / "c.tif", [[2, 1, 2, 0, 1], [2, 2, 1, 0, 1]], GeoBox((2, 5), GRIDS["utm"].affine, "EPSG:32631"))
    one, two = (call("polygonize", tmp_path / name, {"raster": "r"}, source) for name in ("one", "two"))
    assert (tmp_path / "one" / one.files[0]).read_bytes() == (tmp_path / "two" / two.files[0]).read_bytes()
    frame = geopandas.read_parquet(tmp_path / "one" / one.files[0])
    corners = ((frame.geometry.bounds["minx"] - 300_000) / 3000).tolist()
    assert list(zip(frame["class"], corners, strict=True)) == [("water", 1), ("water", 4), ("water", 2), ("forest", 0), ("forest", 2)]


def test_many_pixels_wait_on_disk_and_nothing_of_that_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = np.random.default_rng(0).integers(0, 4, (40, 30))
    source = classes(tmp_path / "c.tif", codes, GeoBox((40, 30), GRIDS["utm"].affine, "EPSG:32631"))
    call("polygonize", tmp_path / "memory", {"raster": "r"}, source)
    monkeypatch.setattr(cog, "IN_MEMORY_BYTES", 0)
    output = call("polygonize", tmp_path / "disk", {"raster": "r"}, source)
    assert [path.name for path in (tmp_path / "disk").iterdir()] == list(output.files)
    assert (tmp_path / "disk" / output.files[0]).read_bytes() == (tmp_path / "memory" / output.files[0]).read_bytes()


def test_only_the_classes_asked_for_become_patches(tmp_path: Path) -> None:
    source = classes(tmp_path / "c.tif", [[1, 2], [2, 2]], GeoBox((2, 2), GRIDS["utm"].affine, "EPSG:32631"))
    output = call("polygonize", tmp_path, {"raster": "r", "classes": ["Water"]}, source)
    assert fact(output, "count") == fact(output, "count", **{"class": "water"}) == 1
    absent = call("polygonize", tmp_path, {"raster": "r", "classes": ["field"]}, source)
    assert (absent.outcome, fact(absent, "count")) == (Outcome.TRUE_ZERO, 0)
    with pytest.raises(ParameterError, match=r"no class 'town'.*field, forest, water"):
        call("polygonize", tmp_path, {"raster": "r", "classes": ["town"]}, source)


def test_small_patches_are_left_out_and_told(tmp_path: Path) -> None:
    source = classes(tmp_path / "c.tif", [[1, 2, 2], [2, 2, 1]], GeoBox((2, 3), GRIDS["utm"].affine, "EPSG:32631"))
    output = call("polygonize", tmp_path, {"raster": "r", "minimum_area": 2e7}, source)
    assert fact(output, "count") == 1
    assert output.warnings[0].startswith("2 patches below 2e+07 m2")


def test_measured_values_form_no_patches(tmp_path: Path) -> None:
    write_raster(tmp_path / "v.tif", np.ones((6, 5), "float32"), GRIDS["utm"])
    with pytest.raises(ParameterError, match="classify"):
        call("polygonize", tmp_path, {"raster": "r"}, raster(tmp_path / "v.tif"))
