"""Every raster format that is promised opens by its own driver and reads what was written; what only claims a format is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine

from tools.contract import Source
from tools.storage.rasters import open_raster, raster_info, read_band

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

SHAPE = (5, 4)
DEGREES = Affine(0.5, 0, 7, 0, -0.5, 46)
METRES = Affine(10, 0, 500000, 0, -10, 5000000)


def source(path: Path) -> Source:
    return Source("x", "raster", path, "xxh3:0")


def counting(shape: tuple[int, int] = SHAPE, dtype: str = "int16") -> np.ndarray[Any, Any]:
    return np.arange(shape[0] * shape[1], dtype=dtype).reshape(shape)


def written(
    path: Path, driver: str, values: np.ndarray[Any, Any], crs: str = "EPSG:32631", transform: Affine = METRES, **options: Any
) -> Path:
    """Write `(row, col)` in any format: as GeoTIFF first, since some drivers can only copy."""
    made = path.with_name("made.tif")
    shape = {"height": values.shape[0], "width": values.shape[1], "count": 1, "dtype": values.dtype}
    with rasterio.open(made, "w", driver="GTiff", crs=crs, transform=transform, **shape) as dataset:
        dataset.write(values, 1)
    rasterio.shutil.copy(made, path, driver=driver, **options)
    made.unlink()
    return path


@pytest.mark.parametrize(
    ("name", "driver", "dtype"),
    [
        ("a.tif", "GTiff", "int16"),
        ("a.tiff", "COG", "int16"),
        ("a.img", "HFA", "int16"),
        ("b.img", "ENVI", "int16"),  # the same suffix for pixels with a header beside them
        ("a.dat", "ENVI", "float32"),  # which may have any
        ("a.dat", "GTiff", "uint8"),  # a suffix that nobody knows: recognised by the first bytes
        ("a.png", "PNG", "uint16"),
        ("a.webp", "WEBP", "uint8"),
        ("a.jp2", "JP2OpenJPEG", "uint8"),
        ("a.asc", "AAIGrid", "int16"),
        ("a.bil", "EHdr", "int16"),
        ("a.bsq", "ENVI", "int16"),
        ("a.flt", "EHdr", "float32"),
        ("a.sdat", "SAGA", "int16"),
        ("a.xyz", "XYZ", "int16"),
    ],
)
def test_a_raster_of_any_promised_format_reads_as_written(tmp_path: Path, name: str, driver: str, dtype: str) -> None:
    values = counting(dtype=dtype)
    options: dict[str, Any] = {
        "WEBP": {"LOSSLESS": "YES"},
        "JP2OpenJPEG": {"QUALITY": 100, "REVERSIBLE": "YES"},
    }.get(driver, {})
    if driver == "WEBP":
        values = np.stack([values] * 3)
        path = tmp_path / name
        with rasterio.open(path.with_name("m.tif"), "w", driver="GTiff", height=5, width=4, count=3, dtype=dtype) as dataset:
            dataset.write(values)
        rasterio.shutil.copy(path.with_name("m.tif"), path, driver=driver, **options)
        values = values[0]
    else:
        path = written(tmp_path / name, driver, values, **options)
    with open_raster(source(path), located=False) as dataset:
        assert dataset.driver == ("GTiff" if driver == "COG" else driver)
        np.testing.assert_array_equal(dataset.read(1), values)


def test_tiles_of_elevation_are_placed_by_their_names_and_headers(tmp_path: Path) -> None:
    side = 1 / 1200
    values = (np.arange(1201 * 1201) % 3000).astype("int16").reshape(1201, 1201)
    edge = Affine(side, 0, 6 - side / 2, 0, -side, 46 + side / 2)
    hgt = written(tmp_path / "N45E006.hgt", "SRTMHGT", values, "EPSG:4326", edge)
    side = 1 / 120
    coarse = values[::10, ::10].copy()
    dted = written(tmp_path / "a.dt0", "DTED", coarse, "EPSG:4326", Affine(side, 0, 6 - side / 2, 0, -side, 46 + side / 2))
    dem = written(tmp_path / "a.dem", "USGSDEM", coarse, "EPSG:4326", Affine(side, 0, 6 - side / 2, 0, -side, 46 + side / 2))
    for path, expected in ((hgt, values), (dted, coarse), (dem, coarse)):
        info = raster_info(source(path))
        assert (info.transform.c, info.transform.f) == pytest.approx((6, 46), abs=0.01)
        np.testing.assert_array_equal(read_band(source(path)).data, expected)
