"""What a file is: a digest over its content and over the side files that change how it is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tools.storage import formats
from tools.storage.paths import real_file, side_file
from tools.storage.virtual import vrt_sources

RECIPE = "xxh3"
"""Tag of the recipe: XXH3, 128 bit, over role, length and content of every part in order."""
CHUNK_BYTES = 1 << 20

SHAPEFILE_PARTS = (".shx", ".dbf", ".prj", ".cpg")
"""Beside `x.shp`: index, attributes, CRS, encoding; without them the same geometry reads otherwise."""
SQLITE_APPENDED = ("-wal", "-journal")
"""Beside a GeoPackage: what was written and not yet moved into the file, and what undoes a change that was not finished."""
RASTER_APPENDED = (".aux.xml", ".msk", ".ovr")
"""Beside `x.tif`, as `x.tif.msk`: GDAL's side file (nodata, CRS, categories), mask, overviews."""
RASTER_PARTS = (".wld", ".tab")
"""Beside `x.tif`, as `x.tab`: georeferencing; the world file is named after the suffix, see `world_suffixes`."""
NETWORK_PARTS = (".card.json",)
"""Beside `x.safetensors`: what its outputs mean, see `tools.storage.network_card`."""
RAW_APPENDED = (".hdr",)
"""Beside a raster that is not a GeoTIFF, as `x.bil.hdr`: header of ENVI."""
RAW_PARTS = (".hdr", ".prj", ".clr", ".stx", ".sgrd")
"""Beside a raster that is not a GeoTIFF: header, CRS, colours, statistics of ENVI, Esri, SAGA and ASCII grids."""
_NAMED_BY_PLACE = re.compile(r"[NS]\d{2}[EW]\d{3}", re.IGNORECASE | re.ASCII)
Stamp = tuple[tuple[str, int, int, int, int], ...]
"""(role, bytes, mtime in ns, inode, ctime in ns) of every part of a file: equal stamps mean that nothing was written since.

Anybody can set an mtime, as copying tools do; the time of the last change of anything (ctime) is the kernel's own.
"""


def world_suffixes(suffix: str) -> tuple[str, ...]:
    """Return the suffixes of a raster's world file, e.g. `.tfw` and `.tifw` for `.tif`."""
    bare = suffix.removeprefix(".")
    return (f".{bare[0]}{bare[-1]}w", f".{bare}w") if len(bare) > 1 else ()


def place_in_name(path: Path) -> str:
    """Return what the name alone says of a file: a tile of SRTM, such as N45E006.hgt, lies where it is called."""
    found = _NAMED_BY_PLACE.match(path.name) if path.suffix.lower() == ".hgt" else None
    return found[0].upper() if found else ""


def parts(path: Path, *, is_ours: bool = False) -> tuple[tuple[str, Path], ...]:
    """Return (role, file) of the file itself (role "") and of everything that is read with it, sorted by role.

    Roles are suffixes, never names: the same bytes under another name are the same data. The sources of a virtual raster
    are parts too, by position. `is_ours` is for results of the workspace, see `real_file`. Raises NotFoundError or DataError
    where the file, or a source, is not there or may not be read.
    """
    file = real_file(path, is_ours=is_ours)
    return (("", file), *sorted({**dict(_side_files(file)), **dict(_virtual_parts(file))}.items()))


def _side_files(file: Path) -> Iterator[tuple[str, Path]]:
    appended, replaced = _side_suffixes(file.suffix.lower())
    for suffix in appended:
        appendix = side_file(file.with_name(file.name + suffix), file)
        if appendix is not None and appendix.stat().st_size:
            yield f"+{suffix}", appendix
    for suffix in replaced:
        spellings = (file.with_suffix(spelling) for spelling in (suffix, suffix.upper()))
        found = next((side for spelling in spellings if spelling != file and (side := side_file(spelling, file)) is not None), None)
        if found:
            yield suffix, found


def _side_suffixes(suffix: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the suffixes that are appended to a name, and those that replace its own, for files of this suffix."""
    if suffix == ".shp":
        return (), SHAPEFILE_PARTS
    if suffix == ".dbf":
        return (), (".cpg",)
    if suffix == ".gpkg":
        return SQLITE_APPENDED, ()
    if suffix in formats.NETWORK:
        return (), NETWORK_PARTS
    if suffix in formats.VECTOR or suffix in formats.DOCUMENT:
        return (), ()
    located = (*RASTER_PARTS, *world_suffixes(suffix))
    if suffix in (".tif", ".tiff", ".vrt"):
        return RASTER_APPENDED, located
    return (*RASTER_APPENDED, *RAW_APPENDED), (*located, *RAW_PARTS)


def _virtual_parts(file: Path) -> Iterator[tuple[str, Path]]:
    if file.suffix.lower() != ".vrt":
        return
    for position, source in enumerate(vrt_sources(file)):
        yield f"source {position:06d}", source
        for suffix, side in _side_files(source):
            yield f"source {position:06d} {suffix}", side


def content_digest(path: Path) -> str:
    """Return `xxh3:<32 hex digits>` over the file and its parts: equal for equal content under any name.

    Raises NotFoundError or DataError where the file, or a source of a virtual raster, is not there.
    """
    import xxhash

    digest = xxhash.xxh3_128(place_in_name(path).encode())
    for role, file in parts(path):
        digest.update(f"{role}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
    return f"{RECIPE}:{digest.hexdigest()}"


def stamp(path: Path) -> Stamp:
    """Return the stamp of a file and its parts, by which a caller may keep the digest instead of reading again."""
    found = ((role, file.stat()) for role, file in parts(path))
    return tuple((role, stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_ctime_ns) for role, stat in found)
