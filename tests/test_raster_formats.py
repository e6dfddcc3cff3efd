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
from tools.errors import DataError
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
    losslessly: dict[str, dict[str, Any]] = {
        "WEBP": {"LOSSLESS": "YES"},
        "JP2OpenJPEG": {"QUALITY": 100, "REVERSIBLE": "YES"},
    }
    options = losslessly.get(driver, {})
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


WORLD = "10\n0\n0\n-10\n500005\n4999995\n"
ESRI = 'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'


@pytest.mark.parametrize(
    ("name", "driver", "side"),
    [("a.tif", "GTiff", "a.tfw"), ("a.tif", "GTiff", "a.TFW"), ("a.png", "PNG", "a.pgw"), ("a.png", "PNG", "a.wld")],
)
def test_a_world_file_places_a_picture(tmp_path: Path, name: str, driver: str, side: str) -> None:
    path = tmp_path / name
    with rasterio.open(tmp_path / "m.tif", "w", driver="GTiff", height=5, width=4, count=1, dtype="uint8") as dataset:
        dataset.write(counting(dtype="uint8"), 1)
    rasterio.shutil.copy(tmp_path / "m.tif", path, driver=driver)
    (tmp_path / side).write_text(WORLD)
    with open_raster(source(path), located=False) as dataset:
        assert dataset.transform == METRES


@pytest.mark.parametrize(("name", "driver"), [("a.asc", "AAIGrid"), ("a.bil", "EHdr"), ("a.sdat", "SAGA")])
def test_the_crs_of_a_prj_file_is_read(tmp_path: Path, name: str, driver: str) -> None:
    path = written(tmp_path / name, driver, counting(), "EPSG:4326", DEGREES)
    path.with_name(f"{name}.aux.xml").unlink(missing_ok=True)
    path.with_suffix(".prj").write_text(ESRI)
    assert raster_info(source(path)).crs.to_epsg(min_confidence=20) == 4326


def test_nodata_crs_and_overviews_of_files_beside_a_raster_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with rasterio.open(path, "w", driver="GTiff", height=8, width=8, count=1, dtype="uint8", transform=DEGREES) as dataset:
        dataset.write(counting((8, 8), "uint8"), 1)
    with rasterio.Env(TIFF_USE_OVR=True), rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2])
    path.with_name("a.tif.aux.xml").write_text(
        '<PAMDataset><SRS>EPSG:4326</SRS><PAMRasterBand band="1"><NoDataValue>5</NoDataValue></PAMRasterBand></PAMDataset>'
    )
    with open_raster(source(path)) as dataset:
        assert (dataset.crs.to_epsg(), dataset.nodata, dataset.overviews(1)) == (4326, 5, [2])


def test_what_lies_beside_a_raster_and_is_no_part_of_it_is_not_read(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tif", "GTiff", counting())
    (tmp_path / "a.IMD").write_text(
        'BEGIN_GROUP = IMAGE_1\n\tsatId = "WV02";\n\tfirstLineTime = 2010-01-01T00:00:00.000000Z;\nEND_GROUP = IMAGE_1\nEND;\n'
    )
    (tmp_path / "a.aux").write_bytes(b"EHFA_HEADER_TAG\0")
    with rasterio.open(path) as dataset:
        assert dataset.tags(ns="IMD")  # GDAL by itself reads it
    with open_raster(source(path)) as dataset:
        assert not dataset.tags(ns="IMD")
        assert len(dataset.files) == 1


@pytest.mark.parametrize(("name", "driver"), [("a.png", "GTiff"), ("a.tif", "PNG"), ("a.asc", "GTiff"), ("a.img", "GTiff")])
def test_a_file_whose_first_bytes_are_of_another_format_is_refused(tmp_path: Path, name: str, driver: str) -> None:
    path = written(tmp_path / name, driver, counting(dtype="uint8"))
    with pytest.raises(DataError, match="not what its name says"):
        raster_info(source(path))


@pytest.mark.parametrize("content", [b"some text", b"<GDAL_WMS/>", b"CDF\x01" + bytes(60), b"GRIB" + bytes(60)])
def test_a_file_that_nobody_knows_or_trusts_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.dat"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"not recognised|TERRACITE_TRUSTED_FORMATS"):
        raster_info(source(path))


def test_messages_name_the_file_and_no_place_of_ours(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tif", "GTiff", counting())
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError) as caught:
        raster_info(source(path))
    assert "'a.tif'" in str(caught.value)
    assert "vsi" not in str(caught.value)
