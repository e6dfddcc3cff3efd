"""What a raster claims is measured before it is read: each published limit is named where it is reached, and what is within is read."""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import CRS

from generated_tiffs import jpeg2000, sparse, tiff
from tools.catalog.describing import describe
from tools.contract import Source
from tools.errors import DataError, LimitError
from tools.storage.band_roles import roles_of
from tools.storage.rasters import open_raster, raster_info, read_band
from tools.storage.remote_rasters import open_remote
from tools.storage.warp import default_grid, warped_band

if TYPE_CHECKING:
    from conftest import MakeRaster

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

PLACED = {"crs": "EPSG:32631", "transform": Affine(10, 0, 500000, 0, -10, 5000000)}


def source(path: Path) -> Source:
    return Source("x", "raster", path, "xxh3:0")


def file(folder: Path, content: bytes, name: str = "a.tif") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def interlaced_png(side: int) -> bytes:
    """Return the head of a picture that is unpacked as a whole."""
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 1)
    rows = b"IDAT" + zlib.compress(bytes(side + 1))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in (header, rows)
    )


def webp(side: int) -> bytes:
    body = b"\x2f" + struct.pack("<I", (side - 1) | (side - 1) << 14) + bytes(50)
    return b"RIFF" + struct.pack("<I", 12 + len(body)) + b"WEBPVP8L" + struct.pack("<I", len(body)) + body


TOO_LARGE = {
    "bands": (tiff(sparse(bands=65_535)), "a.tif", "TERRACITE_MAX_BANDS"),
    "bands of BigTIFF": (tiff(sparse(bands=65_535), big=True), "a.tif", "TERRACITE_MAX_BANDS"),
    "pixels": (tiff(sparse(2**31, 2**31)), "a.tif", "TERRACITE_MAX_PIXELS"),
    "one strip of 858 MB": (tiff(sparse(29_000, 29_612)), "a.tif", "TERRACITE_MAX_BLOCK_BYTES"),
    "one strip of 858 MB, by ZSTD": (tiff(sparse(29_000, 29_612, compression=50_000)), "a.tif", "TERRACITE_MAX_BLOCK_BYTES"),
    "strips of many bands": (tiff(sparse(100_000, 2_000, bands=3_000, rows=2)), "a.tif", "TERRACITE_MAX_BLOCK_BYTES"),
    "a tile": (tiff({**sparse(), 322: (4, [2**31 - 16]), 323: (4, [16])}), "a.tif", "TERRACITE_MAX_BLOCK_BYTES"),
    "images": (tiff(sparse(), images=1_001), "a.tif", "TERRACITE_MAX_IMAGES"),
    "a text": (tiff({**sparse(), 270: (2, b"x" * 16_000_001)}), "a.tif", "TERRACITE_MAX_SIDE_FILE_BYTES"),
    "bands of raw pixels": (b"0" * 100, "a.bip", "TERRACITE_MAX_BANDS"),
    "components of JPEG 2000": (jpeg2000(256, 256, 256, bands=16_384), "a.jp2", "TERRACITE_MAX_BANDS"),
    "pixels of JPEG 2000": (jpeg2000(2**31, 2**31, 2**31), "a.jp2", "TERRACITE_MAX_PIXELS"),
    "tiles of JPEG 2000": (jpeg2000(50_000, 50_000, 200, bands=13), "a.jp2", "TERRACITE_MAX_BLOCK_BYTES"),
    "blocks of JPEG 2000": (jpeg2000(40_000, 40_000, 40_000, block=2), "a.jp2", "TERRACITE_MAX_BLOCK_BYTES"),
    "a picture by interlaced rows": (interlaced_png(30_000), "a.png", "TERRACITE_MAX_BLOCK_BYTES"),
    "a picture as a whole": (webp(16_384), "a.webp", "TERRACITE_MAX_BLOCK_BYTES"),
}


@pytest.mark.parametrize(("content", "name", "setting"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_small_file_that_claims_too_much_is_refused_at_once(tmp_path: Path, content: bytes, name: str, setting: str) -> None:
    (tmp_path / "a.hdr").write_text("NROWS 10\nNCOLS 10\nNBANDS 65000\nNBITS 8\nLAYOUT BIP\n")
    path = file(tmp_path, content, name)
    begun = time.perf_counter()
    with pytest.raises(LimitError, match=setting):
        describe(source(path))
    assert time.perf_counter() - begun < 2


def test_images_without_end_are_one_image(tmp_path: Path) -> None:
    with open_raster(source(file(tmp_path, tiff(sparse(), images=3, loop=True))), located=False) as dataset:
        assert not dataset.read(1).any()


@pytest.mark.parametrize(
    "content",
    [
        tiff(sparse(bands=300)),
        tiff(sparse(8_000, 8_000, rows=100)),
        tiff(sparse(30_000, 30_000, compression=1)),  # one strip that is not compressed is read in parts
        tiff(sparse(), images=20),
        tiff({**sparse(), 270: (2, b"a long text " * 1_000)}),
    ],
    ids=["300 bands", "strips", "uncompressed", "pages", "text"],
)
def test_a_file_within_the_limits_is_read(tmp_path: Path, content: bytes) -> None:
    with open_raster(source(file(tmp_path, content)), located=False) as dataset:
        assert not dataset.read(1, window=((0, 16), (0, 16))).any()


def test_a_raised_limit_lets_a_large_block_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file(tmp_path, tiff(sparse(29_000, 29_612)))
    monkeypatch.setenv("TERRACITE_MAX_BLOCK_BYTES", "900000000")
    with open_raster(source(path), located=False) as dataset:
        assert dataset.shape == (29_612, 29_000)


GRID = GeoBox((2, 2), Affine(20, 0, 500000, 0, -20, 5000000), "EPSG:32631")
READERS: dict[str, Callable[[Source], Any]] = {
    "info": raster_info,
    "band": read_band,
    "description": describe,
    "grid": lambda raster: default_grid(raster, CRS(4326)),
    "warp": lambda raster: warped_band(raster, 1, GRID),
    "roles": roles_of,
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_every_reader_keeps_to_the_limit_of_pixels(
    make_raster: MakeRaster, monkeypatch: pytest.MonkeyPatch, read: Callable[[Source], Any]
) -> None:
    path = make_raster(np.ones((4, 4), "uint8"), transform=PLACED["transform"])
    assert read(source(path)) is not None
    monkeypatch.setenv("TERRACITE_MAX_PIXELS", "15")
    with pytest.raises(LimitError, match="16 pixels in a band, more than the limit of 15"):
        read(source(path))


class Bytes:
    """A remote file that is here."""

    plain_url = "https://example.org/a.tif"

    def __init__(self, content: bytes) -> None:
        self.size, self._content = len(content), content

    def read(self, offset: int, count: int) -> bytes:
        return self._content[offset : offset + count]

    def read_many(self, ranges: list[tuple[int, int]]) -> list[bytes]:
        return [self.read(*each) for each in ranges]


def test_a_remote_file_keeps_to_the_same_limits() -> None:
    with open_remote(Bytes(tiff(sparse(rows=4)))) as dataset:  # type: ignore[arg-type]  # as much of one as is needed
        assert not dataset.read(1).any()
    with pytest.raises(LimitError, match=r"https://example\.org/a\.tif has 65,535 bands"), open_remote(Bytes(tiff(sparse(bands=65_535)))):  # type: ignore[arg-type]
        pass


# --- side files


@pytest.mark.parametrize(
    ("suffix", "content", "error", "said"),
    [
        (".ovr", tiff(sparse(bands=65_535)), LimitError, "TERRACITE_MAX_BANDS"),
        (".msk", tiff(sparse(40_000, 40_000)), LimitError, "TERRACITE_MAX_BLOCK_BYTES"),
        (".msk", b"<VRTDataset/>", DataError, "first bytes are not those of GTiff"),
        (".aux.xml", b"<PAMDataset>" + b" " * 16_000_000 + b"</PAMDataset>", LimitError, "TERRACITE_MAX_SIDE_FILE_BYTES"),
        (".aux.xml", b"<PAMDataset>\0</PAMDataset>", DataError, "no text"),
        (".aux.xml", b'<PAMDataset><Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">b.tif</MDI></Metadata></PAMDataset>', DataError, "OVERVIEW_FILE"),
        (".aux.xml", b'<PAMDataset><Metadata domain="OVERVIEWS"><MDI key="&#79;verview_File">b.tif</MDI></Metadata></PAMDataset>', DataError, "OVERVIEW_FILE"),
        (".aux.xml", b'<PAMDataset><Metadata domain="GEOLOCATION"><MDI key="X_DATASET">b.tif</MDI></Metadata></PAMDataset>', DataError, "X_DATASET"),
    ],
    ids=["bands", "block", "no TIFF", "long", "bytes", "overviews", "overviews in disguise", "coordinates"],
)  # fmt: skip
def test_a_side_file_is_measured_and_names_nothing(
    make_raster: MakeRaster, suffix: str, content: bytes, error: type[Exception], said: str
) -> None:
    path = make_raster(np.ones((4, 4), "uint8"))
    assert raster_info(source(path)).count == 1
    path.with_name(path.name + suffix).write_bytes(content)
    with pytest.raises(error, match=said):
        raster_info(source(path))


def test_a_world_file_is_text(make_raster: MakeRaster) -> None:
    path = make_raster(np.ones((4, 4), "uint8"))
    path.with_suffix(".tfw").write_bytes(bytes(100))
    with pytest.raises(DataError, match=r"'raster\.tfw' beside 'raster\.tif' is no text"):
        raster_info(source(path))


def test_a_geotiff_may_carry_metadata_but_not_name_its_overviews(make_raster: MakeRaster) -> None:
    path = make_raster(np.ones((4, 4), "uint8"))
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(ns="OWN", OVERVIEWS="none", FILE="other.tif")
    with open_raster(source(path)) as dataset:
        assert dataset.tags(ns="OWN") == {"OVERVIEWS": "none", "FILE": "other.tif"}
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE="/elsewhere/other.tif")
    with pytest.raises(DataError, match="OVERVIEW_FILE"):
        raster_info(source(path))


# --- virtual rasters, which are trusted here


def vrt(folder: Path, inside: str, attributes: str = "") -> Path:
    band = f'<VRTRasterBand dataType="Byte" band="1"><SimpleSource{attributes}>{inside}</SimpleSource></VRTRasterBand>'
    place = "<SRS>EPSG:32631</SRS><GeoTransform>500000, 10, 0, 5000000, 0, -10</GeoTransform>"
    return file(folder, f'<VRTDataset rasterXSize="4" rasterYSize="4">{place}{band}</VRTDataset>'.encode(), "a.vrt")


@pytest.mark.parametrize(
    ("inside", "attributes"),
    [
        ('<sourcefilename relativeToVRT="1">no.txt</sourcefilename>', ""),  # GDAL takes names in any case
        ("", ' SourceFilename="{here}/raster.tif"'),  # and attributes for elements
        ('<SourceFilename relativeToVRT="1">large.tif</SourceFilename>', ""),
        ('<SourceFilename relativeToVRT="1">raster.tif</SourceFilename><DEMPath>raster.tif</DEMPath>', ""),
        ('<SourceFilename relativeToVRT="1">raster.tif</SourceFilename><x subClass="VRTRawRasterBand"/>', ""),
    ],
)
def test_a_trusted_virtual_raster_reads_measured_rasters_only(
    make_raster: MakeRaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str, attributes: str
) -> None:
    monkeypatch.setenv("TERRACITE_TRUSTED_FORMATS", "vrt")
    make_raster(np.full((4, 4), 7, "uint8"))
    file(tmp_path, tiff(sparse(bands=65_535)), "large.tif")
    file(tmp_path, b"secret", "no.txt")
    good = vrt(tmp_path, '<SourceFilename relativeToVRT="1">raster.tif</SourceFilename>')
    assert (read_band(source(good)) == 7).all()
    with pytest.raises((DataError, LimitError)):
        read_band(source(vrt(tmp_path, inside, attributes.format(here=tmp_path))))


def test_a_virtual_raster_stays_below_the_allowed_roots(make_raster: MakeRaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "root").mkdir()
    outside = make_raster(np.ones((4, 4), "uint8"))
    path = vrt(tmp_path / "root", f"<SourceFilename>{outside}</SourceFilename>")
    monkeypatch.setenv("TERRACITE_TRUSTED_FORMATS", "vrt")
    assert read_band(source(path)).all()
    monkeypatch.setenv("TERRACITE_ALLOWED_ROOTS", str(tmp_path / "root"))
    with pytest.raises(DataError, match="TERRACITE_ALLOWED_ROOTS"):
        read_band(source(path))
