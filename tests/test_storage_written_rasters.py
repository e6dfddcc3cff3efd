"""Rasters that are written come back as they were, in equal bytes each time, and cloud optimized."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from tools.contract import Declared, Source
from tools.errors import StorageError
from tools.storage import cog
from tools.storage.rasters import raster_info, read_band, write_class_raster, write_raster

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")  # of the rasters made here


def source(path: Path, **declared: Any) -> Source:
    return Source("x", "raster", path, "xxh3:0", declared=Declared(**declared))


GRIDS = [
    GeoBox((30, 40), Affine(10, 0, 500_000, 0, -10, 5_000_000), "EPSG:32631"),
    GeoBox((30, 40), Affine(0.1, 0, 5, 0, 0.1, 50), "EPSG:4326"),  # south up
    GeoBox((30, 40), Affine(10, 3, 5, 3, -10, 5), "EPSG:3577"),  # rotated
    GeoBox((30, 40), Affine(10, 0, 5, 0, -10, 5), "+proj=laea +lat_0=10 +lon_0=20 +datum=WGS84"),  # in no registry
]


@pytest.mark.parametrize("grid", GRIDS, ids=["utm", "south-up", "rotated", "own-crs"])
def test_class_raster_comes_back_as_written_and_equal_bytes_twice(tmp_path: Path, grid: GeoBox) -> None:
    array = (np.arange(30 * 40).reshape(30, 40) % 3).astype("uint8")
    paths = [tmp_path / "one.tif", tmp_path / "two.tif"]
    for path in paths:
        write_class_raster(path, array, grid, {1: "tørt", 2: "vådt"})
    info = raster_info(source(paths[0]))
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert (info.grid, info.nodata, info.value_kind, info.classes) == (grid, 0, "categorical", {"1": "tørt", "2": "vådt"})
    values = read_band(source(paths[0]))
    np.testing.assert_array_equal(values.data, array)
    np.testing.assert_array_equal(values.mask, array == 0)
    assert sorted(tmp_path.iterdir()) == paths


def test_value_raster_comes_back_with_unit_and_nodata(tmp_path: Path) -> None:
    array = np.array([[1.5, np.nan]], dtype="float32")
    write_raster(tmp_path / "a.tif", array, GeoBox((1, 2), Affine(1, 0, 0, 0, -1, 0), "EPSG:32631"), np.nan, "mm")
    info = raster_info(source(tmp_path / "a.tif"))
    assert (info.unit, info.dtype, info.value_kind) == ("mm", "float32", "continuous")
    assert read_band(source(tmp_path / "a.tif")).tolist() == [[1.5, None]]


def test_written_rasters_are_cloud_optimized(tmp_path: Path) -> None:
    array = np.zeros((1200, 1200), dtype="uint8")
    write_class_raster(tmp_path / "a.tif", array, GeoBox((1200, 1200), Affine(1, 0, 0, 0, -1, 0), "EPSG:32631"), {})
    with rasterio.open(tmp_path / "a.tif") as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.block_shapes == [(512, 512)]
        assert dataset.overviews(1)


def test_raster_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        write_class_raster(tmp_path / "gone" / "a.tif", np.zeros((3, 4), dtype="uint8"), GRIDS[0][:3, :4], {})


@pytest.mark.parametrize("held_bytes", [cog.IN_MEMORY_BYTES, 0], ids=["in memory", "on disk"])
def test_windows_written_in_any_order_give_the_bytes_of_the_whole_raster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held_bytes: int
) -> None:
    values = np.random.default_rng(3).normal(size=(2, 700, 600)).astype("float32")
    grid = GeoBox((700, 600), Affine(10, 0, 500_000, 0, -10, 5_000_000), "EPSG:32632")
    marks = [cog.BandMark("red"), cog.BandMark("nir", unit="1")]
    cog.write_cog(tmp_path / "whole.tif", values, grid, marks, nodata=np.nan)
    monkeypatch.setattr(cog, "IN_MEMORY_BYTES", held_bytes)
    windows = [(row, col, 100, 300) for row in range(0, 700, 100) for col in (0, 300)]
    np.random.default_rng(4).shuffle(windows)
    with cog.cog_writer(tmp_path / "parts.tif", grid, marks, dtype="float32", nodata=np.nan) as writer:
        for row, col, height, width in map(tuple, windows):
            writer.write((row, col, height, width), values[:, row : row + height, col : col + width])
    assert (tmp_path / "parts.tif").read_bytes() == (tmp_path / "whole.tif").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"whole.tif", "parts.tif"}


@pytest.mark.parametrize("held_bytes", [cog.IN_MEMORY_BYTES, 0], ids=["in memory", "on disk"])
def test_an_error_on_the_way_leaves_no_raster_and_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held_bytes: int) -> None:
    monkeypatch.setattr(cog, "IN_MEMORY_BYTES", held_bytes)
    grid = GeoBox((20, 30), Affine(10, 0, 500_000, 0, -10, 5_000_000), "EPSG:32632")

    def broken_off() -> None:
        with cog.cog_writer(tmp_path / "r.tif", grid, [cog.BandMark()], dtype="uint8", nodata=0) as writer:
            writer.write((0, 0, 10, 30), np.ones((10, 30), "uint8"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken_off()
    assert not list(tmp_path.iterdir())
