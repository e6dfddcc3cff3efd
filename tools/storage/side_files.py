"""What stands beside a raster and is read with it: texts of bounded size that name nothing else, masks and overviews."""

from __future__ import annotations

import html
import re
from pathlib import Path

from tools.errors import DataError, LimitError
from tools.settings import current_settings
from tools.storage.crs import check_crs_text

_POINTER = re.compile(
    r"OVERVIEW_FILE|[XY]_DATASET|SourceFilename|SourceDataset|SUBDATASET_\d+_NAME|ProxyOverviewRequest|DEMPath", re.IGNORECASE
)
"""How GDAL's metadata names other files: overviews, arrays of coordinates, sources of virtual rasters, parts, terrain."""


def check_no_pointer(text: bytes, name: str) -> None:
    """Raise DataError where metadata, XML or not, names another file for GDAL to open.

    It is searched as text, with references such as `&#79;` resolved: no difference between two parsers can hide anything.
    """
    plain = html.unescape(text.decode("latin-1"))
    check_crs_text(name, plain)
    found = _POINTER.search(plain)
    if found:
        raise DataError(
            f"The metadata of {name} point to another file ({found[0].upper()}), which is not followed.",
            hint="Remove that entry, e.g. by writing the raster again with gdal_translate.",
        )


def check_side_text(file: Path, owner: str) -> None:
    """Check a side file that is text: header, world file, CRS, GDAL's .aux.xml.

    Raises LimitError where it is larger than TERRACITE_MAX_SIDE_FILE_BYTES, DataError where it is no text or points elsewhere.
    """
    limit = current_settings().max_side_file_bytes
    with file.open("rb") as stream:
        text = stream.read(limit + 1)
    if len(text) > limit:
        raise LimitError(
            f"The file {file.name!r} beside {owner} is larger than {limit:,} bytes.",
            hint="Move it away, or raise TERRACITE_MAX_SIDE_FILE_BYTES.",
        )
    if b"\0" in text:
        raise DataError(f"The file {file.name!r} beside {owner} is no text.", hint="Move it away, or write it again.")
    check_no_pointer(text, f"{file.name!r}")
