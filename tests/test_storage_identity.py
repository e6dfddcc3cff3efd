"""A digest says what a file is: content and side files, not its name; a stamp says whether it was written since."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import pytest
import xxhash

from tools.errors import DataError, NotFoundError
from tools.storage.identity import content_digest, stamp


def write(path: Path, content: bytes = b"content") -> Path:
    path.write_bytes(content)
    return path


def test_digest_is_that_of_the_content_and_its_length(tmp_path: Path) -> None:
    path = write(tmp_path / "a.geojson", b"{}")
    expected = xxhash.xxh3_128(b"\x00" + b"2" + b"\x00" + b"{}").hexdigest()  # role (none), length, content
    assert content_digest(path) == f"xxh3:{expected}"


def test_digest_is_the_same_under_another_name(tmp_path: Path) -> None:
    for suffix in (".shp", ".dbf", ".prj"):
        write(tmp_path / f"one{suffix}", suffix.encode())
        shutil.copy(tmp_path / f"one{suffix}", tmp_path / f"two{suffix}")
    assert content_digest(tmp_path / "one.shp") == content_digest(tmp_path / "two.shp")


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("a.shp", "a.dbf"),  # attributes
        ("a.shp", "a.prj"),  # CRS
        ("a.shp", "a.cpg"),  # encoding
        ("a.shp", "a.DBF"),  # as some systems write it
        ("a.tif", "a.tif.aux.xml"),  # nodata, CRS, categories
        ("a.tif", "a.tif.msk"),
        ("a.tif", "a.tif.ovr"),
        ("a.tif", "a.tfw"),
        ("a.png", "a.pgw"),
        ("a.png", "a.wld"),
        ("a.bil", "a.hdr"),
        ("a.asc", "a.prj"),
        ("a.gpkg", "a.gpkg-wal"),  # what SQLite has not yet moved into the file
    ],
)
def test_digest_and_stamp_change_with_a_side_file_that_is_read(tmp_path: Path, name: str, side: str) -> None:
    path = write(tmp_path / name)
    digest, before = content_digest(path), stamp(path)
    write(tmp_path / side, b"one")
    appeared = content_digest(path)
    write(tmp_path / side, b"two")
    assert len({digest, appeared, content_digest(path)}) == 3
    assert stamp(path) != before


@pytest.mark.parametrize(
    ("name", "side"), [("a.geojson", "a.prj"), ("a.tif", "a.dbf"), ("a.tif", "a.prj"), ("a.gpkg", "a.tfw"), ("a.md", "a.prj")]
)
def test_digest_ignores_neighbours_that_are_not_read(tmp_path: Path, name: str, side: str) -> None:
    path = write(tmp_path / name)
    digest = content_digest(path)
    write(tmp_path / side)
    assert content_digest(path) == digest


def test_the_name_of_a_file_counts_only_where_it_says_where_the_file_lies(tmp_path: Path) -> None:
    named = {
        name: content_digest(write(tmp_path / name)) for name in ("N45E006.hgt", "n45e006.SRTMGL1.hgt", "N46E006.hgt", "a.tif", "b.tif")
    }
    assert named["N45E006.hgt"] == named["n45e006.SRTMGL1.hgt"] != named["N46E006.hgt"]
    assert named["a.tif"] == named["b.tif"]


def test_digest_tells_apart_content_moved_between_parts(tmp_path: Path) -> None:
    for name, (shp, dbf) in {"one": (b"ab", b"c"), "two": (b"a", b"bc")}.items():
        write(tmp_path / f"{name}.shp", shp)
        write(tmp_path / f"{name}.dbf", dbf)
    assert content_digest(tmp_path / "one.shp") != content_digest(tmp_path / "two.shp")


def vrt(path: Path, *sources: str, relative: int = 1) -> Path:
    named = "".join(
        f'<SimpleSource><SourceFilename relativeToVRT="{relative}">{source}</SourceFilename></SimpleSource>' for source in sources
    )
    path.write_text(
        f'<VRTDataset rasterXSize="1" rasterYSize="1"><VRTRasterBand dataType="Byte" band="1">{named}</VRTRasterBand></VRTDataset>'
    )
    return path


def test_digest_of_a_virtual_raster_changes_with_its_sources_also_nested(tmp_path: Path) -> None:
    source = write(tmp_path / "s.tif", b"one")
    inner = vrt(tmp_path / "inner.vrt", "s.tif")
    outer = vrt(tmp_path / "outer.vrt", str(inner), relative=0)
    digests = {content_digest(outer)}
    write(source, b"two")
    digests.add(content_digest(outer))
    write(tmp_path / "s.tif.msk")
    digests.add(content_digest(outer))
    assert len(digests) == 3


@pytest.mark.parametrize(
    "source", ["gone.tif", "/vsicurl/http://127.0.0.1/a.tif", "NETCDF:a.nc:v", "<VRTDataset/>", "../../../../../../../../nothing.tif"]
)
def test_virtual_raster_over_what_is_no_file_is_refused(tmp_path: Path, source: str) -> None:
    from xml.sax.saxutils import escape

    with pytest.raises(DataError, match="not a file here"):
        content_digest(vrt(tmp_path / "a.vrt", escape(source)))


@pytest.mark.parametrize("chain", ["aa", "aba"])
def test_virtual_raster_that_reads_itself_is_refused(tmp_path: Path, chain: str) -> None:
    for outer, inner in pairwise(chain):
        vrt(tmp_path / f"{outer}.vrt", f"{inner}.vrt")
    with pytest.raises(DataError, match="reads itself"):
        content_digest(tmp_path / "a.vrt")


def test_virtual_rasters_that_nest_too_deep_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.tif")
    for outer, inner in pairwise("0123456789"):
        vrt(tmp_path / f"{outer}.vrt", f"{inner}.vrt")
    vrt(tmp_path / "9.vrt", "a.tif")
    assert content_digest(tmp_path / "2.vrt")
    with pytest.raises(DataError, match="nests deeper"):
        content_digest(tmp_path / "0.vrt")


@pytest.mark.parametrize("name", ["/vsicurl/http://127.0.0.1/a.tif", "/vsizip/a.zip/a.tif", "PG:dbname=a", "GTIFF_DIR:1:a.tif", "gone.tif"])
def test_names_that_are_no_files_are_not_found(name: str) -> None:
    with pytest.raises(NotFoundError, match="There is no file"):
        content_digest(Path(name))


def test_folders_and_empty_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        content_digest(tmp_path)
    with pytest.raises(DataError, match="empty"):
        content_digest(write(tmp_path / "a.tif", b""))
