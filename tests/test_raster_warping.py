"""Reproject in tiles: the same as in one piece, at poles too, with masks of every kind, in a type that has room for nodata."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.enums import ColorInterp, Resampling
from rasterio.warp import reproject

from raster_calls import call, fact, raster, stack
from tools.storage import warping
from tools.storage.rasters import raster_info, read_band

UTM = GeoBox((90, 120), Affine(100, 0, 500_000, 0, -100, 5_400_000), "EPSG:32632")
SURFACE = np.hypot(*np.mgrid[-40:50, -50:70]).astype("float32")


def moved(folder: Path, source: Any, **params: Any) -> tuple[Any, Any]:
    output = call("reproject", folder, {"source": source.ref, **params}, source)
    return output, raster(folder / output.files[0])


@pytest.mark.parametrize("way", ["nearest", "bilinear", "average", "cubic"])
def test_tiles_join_without_a_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    source = stack(tmp_path / "r.tif", {"v": np.ma.MaskedArray(SURFACE)}, UTM)
    _, whole = moved(tmp_path / "one", source, crs="EPSG:3035", resampling=way, resolution=130)
    monkeypatch.setattr(warping, "TILE_PX", 17)
    _, tiled = moved(tmp_path / "many", source, crs="EPSG:3035", resampling=way, resolution=130)
    a, b = read_band(whole), read_band(tiled)
    np.testing.assert_array_equal(a.mask, b.mask)
    # GDAL approximates coordinates along rows to an eighth of a pixel; this surface rises by 1 per pixel.
    np.testing.assert_allclose(a.compressed(), b.compressed(), atol=1.01 if way == "nearest" else 0.15)


def test_a_pole_in_the_middle_of_a_tile_has_its_pixels(tmp_path: Path) -> None:
    grid = GeoBox((90, 360), Affine(1, 0, -180, 0, -1, 90), "EPSG:4326")
    latitude = np.broadcast_to(89.5 - np.arange(90.0)[:, None], (90, 360))
    source = stack(tmp_path / "r.tif", {"v": np.ma.MaskedArray(latitude)}, grid)
    _, made = moved(tmp_path / "out", source, crs="EPSG:3995", resolution=50_000, resampling="nearest")
    info, values = raster_info(made), read_band(made)
    col, row = (int(part) for part in ~info.transform @ (0.0, 0.0))
    around = values[row - 8 : row + 8, col - 8 : col + 8]
    assert not around.mask.any()
    assert around.max() == 89.5
    assert around.min() > 83


def masked_file(path: Path, kind: str) -> None:
    """Write a raster of 50 whose left half is not valid, told in one of the ways that files have."""
    values = np.full((20, 20), 50, "uint8")
    profile = {"driver": "GTiff", "width": 20, "height": 20, "dtype": "uint8", "crs": UTM.crs.to_wkt(), "transform": UTM.affine}
    count = 2 if kind == "alpha" else 1
    valid = np.full((20, 20), 255, "uint8")
    valid[:, :10] = 0
    if kind == "nodata":
        values[valid == 0] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=kind == "mask inside"), rasterio.open(path, "w", count=count, **profile) as dataset:
        dataset.write(values, 1)
        if kind == "nodata":
            dataset.nodata = 0
        if kind.startswith("mask"):
            dataset.write_mask(valid)
        if kind == "alpha":
            dataset.colorinterp = [ColorInterp.gray, ColorInterp.alpha]
            dataset.write(valid, 2)


@pytest.mark.parametrize("kind", ["nodata", "mask inside", "mask beside", "alpha"])
@pytest.mark.parametrize("way", ["nearest", "bilinear", "average"])
def test_what_is_not_valid_stays_so_and_enters_no_other_pixel(tmp_path: Path, kind: str, way: str) -> None:
    masked_file(tmp_path / "r.tif", kind)
    output, made = moved(tmp_path / "out", raster(tmp_path / "r.tif"), crs="EPSG:32632", resolution=150, resampling=way)
    values = read_band(made)
    assert set(values.compressed().tolist()) == {50}
    assert fact(output, "valid_share") == pytest.approx(49, abs=10)
    assert values.mask[:, :6].all()
    assert not values.mask[1:12, 7:13].any()


def test_bytes_that_use_every_value_become_wider_instead_of_losing_one(tmp_path: Path, make_raster: Any) -> None:
    values = np.arange(256, dtype="uint8").reshape(16, 16)
    path = make_raster(values, crs="EPSG:32632", bounds=(500_000, 5_400_000, 501_600, 5_401_600))
    _, made = moved(tmp_path / "out", raster(path), crs="EPSG:32632", resampling="nearest")
    info = raster_info(made)
    assert (info.dtype, info.nodata) == ("uint16", 65535)
    np.testing.assert_array_equal(read_band(made).filled(0), values)


def test_a_value_that_interpolation_makes_equal_to_nodata_is_not_lost(tmp_path: Path, make_raster: Any) -> None:
    values = np.where(np.arange(400).reshape(20, 20) % 2, 255, 0).astype("uint8")
    values.flat[:253] = list(range(1, 254))  # 254 is the one free value, and lies between 253 and 255
    path = make_raster(values, crs="EPSG:32632", bounds=(500_000, 5_400_000, 502_000, 5_402_000))
    _, made = moved(tmp_path / "out", raster(path), crs="EPSG:32632", resolution=70, resampling="bilinear")
    assert raster_info(made).nodata == 254
    assert not read_band(made).mask[1:-1, 1:-1].any()


@pytest.mark.realdata
@pytest.mark.skipif(shutil.which("gdalwarp") is None, reason="GDAL's programs are not installed")
@pytest.mark.parametrize("way", ["bilinear", "cubic"])
def test_real_ground_comes_out_as_gdalwarp_has_it(tmp_path: Path, shared_data: Path, way: str) -> None:
    elevation = shared_data / "rasters" / "zion_srtm.tif"
    _, made = moved(tmp_path, raster(elevation), crs="EPSG:32612", resolution=90, resampling=way)
    info = raster_info(made)
    left, bottom, right, top = info.grid.boundingbox
    extent = [str(value) for value in (left, bottom, right, top)]
    size = [str(info.width), str(info.height)]
    theirs = tmp_path / "gdal.tif"
    # An exact transformer on both sides would be the purest comparison; ours approximates to an eighth of a pixel as gdalwarp does.
    command = [
        "gdalwarp",
        "-q",
        "-t_srs",
        "EPSG:32612",
        "-te",
        *extent,
        "-ts",
        *size,
        "-r",
        way,
        "-ovr",
        "NONE",
        str(elevation),
        str(theirs),
    ]
    subprocess.run(command, check=True)
    ours, gdal = read_band(made), read_band(raster(theirs))
    both = ~ours.mask & ~gdal.mask
    assert (ours.mask == gdal.mask).mean() > 0.995
    assert np.percentile(np.abs(ours.data[both].astype(float) - gdal.data[both]), 95) <= 3  # metres, on cliffs


def test_reads_of_one_file_in_threads_give_what_rasterio_warps(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(1, 4000, (300, 300)).astype("uint16")
    grid = GeoBox((300, 300), Affine(10, 0, 500_000, 0, -10, 5_400_000), "EPSG:32632")
    source = stack(tmp_path / "r.tif", {"v": np.ma.MaskedArray(values)}, grid)
    _, made = moved(tmp_path / "out", source, crs="EPSG:3857", resampling="nearest")
    info = raster_info(made)
    expected = np.zeros((info.height, info.width), "uint16")
    reproject(
        values,
        expected,
        src_transform=grid.affine,
        src_crs="EPSG:32632",
        src_nodata=0,
        dst_transform=info.transform,
        dst_crs="EPSG:3857",
        resampling=Resampling.nearest,
    )
    assert (read_band(made).filled(0) == expected).mean() > 0.99
