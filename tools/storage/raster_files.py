"""From a raster file that somebody gave to an open dataset: recognised by its first bytes, measured, then read by one driver.

suffix or first bytes → format → is it trusted? → side files and header within the limits → opened in a folder of its own → size
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tools.contract import Declared
from tools.errors import DataError, LimitError
from tools.settings import current_settings
from tools.storage.formats import BY_SUFFIX, FORMATS, HEAD_BYTES, Format, check_magic
from tools.storage.georeferencing import ORDER, SIDE, check_agreement
from tools.storage.identity import parts
from tools.storage.jpeg2000_header import check_jpeg2000
from tools.storage.limits import check_block, check_raster_size
from tools.storage.paths import shown
from tools.storage.raster_folder import RasterFolder
from tools.storage.side_files import check_side_text
from tools.storage.tiff_directories import check_tiff

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

ENVI = Format("ENVI", "raster", (), ("ENVI",))
"""Pixels without a mark of their own, under any suffix; the header beside them begins with this word."""
NOTHING_DECLARED = Declared()
TIFF_SIDES = ("+.msk", "+.ovr")
_CHECKS: dict[str, Callable[[Callable[[int, int], bytes], str], None]] = {"GTiff": check_tiff, "JP2OpenJPEG": check_jpeg2000}


@contextmanager
def opened_file(
    path: Path, *, is_ours: bool = False, in_place: bool = False, declared: Declared = NOTHING_DECLARED
) -> Iterator[DatasetReader]:
    """Open a raster file read-only with its side files; `is_ours` as in `real_file`.

    `in_place` lets GDAL open the file itself, for a virtual raster over it: GDAL reads the sources of those under a lock that every
    closing takes as well, and would wait there for Python, which another thread holds. An Imagine file, which may name others, never is.
    Of what was declared only the georeferencing is heeded here, see `tools.storage.georeferencing`.

    Raises NotFoundError, DataError for what is no raster of a known format, points elsewhere, or needs trust that no setting
    gives, LimitError for what is larger than the published limits, and what rasterio raises for a broken file.
    """
    files = parts(path, is_ours=is_ours)
    form = _checked(files)
    name = nullcontext(str(files[0][1])) if form.needs_trust or (in_place and form.name != "HFA") else RasterFolder(files).shown_to_gdal()
    with name as where:
        driver = form.drivers[0]
        check_agreement(
            lambda only: opened(where, driver, only), dict(files).get(SIDE) if driver == "GTiff" else None, declared, files[0][1].name
        )
        with opened(where, driver, ORDER[declared.georeferencing] if driver == "GTiff" else None) as dataset:
            _check_measures(dataset, form, files[0][1])
            yield dataset


def opened(name: str, driver: str, georeferenced_by: str | None = None) -> DatasetReader:
    """Open by name with this driver only, without rasterio's warning on missing georeferencing: whoever needs it checks, and raises.

    `georeferenced_by` is GDAL's option GDAL_GEOREF_SOURCES (its open option of that name does not get through rasterio). A raster of more bands than GDAL was told to accept is a LimitError.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioIOError

    sources = nullcontext() if georeferenced_by is None else rasterio.Env(GDAL_GEOREF_SOURCES=georeferenced_by)
    with sources, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            return rasterio.open(name, driver=driver)
        except RasterioIOError as error:
            if "GDAL_MAX_BAND_COUNT" in f"{error} {error.__cause__}":
                limit = current_settings().max_bands
                raise LimitError(
                    f"The raster has more bands than the limit of {limit:,}.",
                    hint="Write out those you need, e.g. with gdal_translate -b, or raise TERRACITE_MAX_BANDS.",
                ) from error
            raise


def check_source(file: Path) -> None:
    """Check a raster that a virtual raster reads as `opened_file` checks one that is opened."""
    _checked(parts(file))


def _checked(files: Sequence[tuple[str, Path]]) -> Format:
    """Return the format of a raster whose parts are within the limits."""
    file = files[0][1]
    form = _format(file, dict(files))
    if form.needs_trust and not _is_trusted(form):
        raise DataError(
            f"The file {shown(file.name)} is in the format {form.name}, which may name other files and is not trusted here.",
            hint=f"Write it as GeoTIFF; or set TERRACITE_TRUSTED_FORMATS={form.name.casefold()} if you trust where it comes from.",
        )
    for role, side in files[1:]:
        if role in TIFF_SIDES:
            check_magic(side, BY_SUFFIX[".tif"])
            _read_header(side, check_tiff)
        elif not role.startswith("source "):
            check_side_text(side, shown(file.name))
    if form.name in _CHECKS:
        _read_header(file, _CHECKS[form.name])
    if form.name == "VRT":
        for role, source in files[1:]:
            if role.startswith("source ") and role.count(" ") == 1:
                check_source(source)
    return form


def _format(file: Path, by_role: dict[str, Path]) -> Format:
    """Return the format by the suffix, where the first bytes agree; of an unknown suffix by the first bytes alone."""
    header = by_role.get(".hdr") or by_role.get("+.hdr")
    form = BY_SUFFIX.get(file.suffix.lower())
    if header is not None and (form is None or form.name in ("HFA", "EHdr")) and _head(header).startswith(b"ENVI"):
        return ENVI
    if form is None:
        return _recognised(file)
    if form.kind != "raster":
        raise DataError(f"The file {shown(file.name)} is no raster but {form.name}.", hint="Give it the suffix of its format.")
    check_magic(file, form)
    return form


def _recognised(file: Path) -> Format:
    head = _head(file)
    found = next((form for form in FORMATS if form.kind == "raster" and form.magic is not None and form.magic.match(head)), None)
    if found is None:
        names = ", ".join(form.name for form in FORMATS if form.kind == "raster")
        raise DataError(f"The file {shown(file.name)} is not recognised as a raster.", hint=f"Formats that can be read: {names}.")
    return found


def _is_trusted(form: Format) -> bool:
    names = {name.strip().casefold() for name in current_settings().trusted_formats.split(",")}
    return not names.isdisjoint(name.casefold() for name in (form.name, *form.drivers))


def _head(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(HEAD_BYTES)


def _read_header(file: Path, check: Callable[[Callable[[int, int], bytes], str], None]) -> None:
    with file.open("rb") as stream:
        check(partial(_read_at, stream), shown(file.name))


def _read_at(stream: BinaryIO, offset: int, count: int) -> bytes:
    stream.seek(min(offset, 1 << 62))
    return stream.read(count)


def _check_measures(dataset: DatasetReader, form: Format, file: Path) -> None:
    check_raster_size(shown(file.name), dataset.width, dataset.height, dataset.count)
    if form.name == "AAIGrid" and dataset.width * dataset.height > file.stat().st_size:  # GDAL seeks every missing row from the start
        raise DataError(
            f"The file {shown(file.name)} is too short for {dataset.height:,} rows of {dataset.width:,} values.", hint="Fetch it again."
        )
    if form.name != "GTiff":  # its directories said more
        check_block(shown(file.name), _block_bytes(dataset, form, file))


def _block_bytes(dataset: DatasetReader, form: Format, file: Path) -> int:
    """Return what the largest piece takes that can be unpacked by itself."""
    import numpy as np

    depths = [np.dtype({"complex_int16": "int32"}.get(name, name)).itemsize for name in dataset.dtypes]
    if form.name == "WEBP" or (form.name == "PNG" and _head(file)[28:29] == b"\x01"):  # interlaced
        return int(dataset.width * dataset.height * sum(depths))
    if form.name == "JP2OpenJPEG":
        return int(max((rows * columns for rows, columns in dataset.block_shapes), default=0) * 4 * dataset.count)
    return max((rows * columns * depth for (rows, columns), depth in zip(dataset.block_shapes, depths, strict=True)), default=0)
