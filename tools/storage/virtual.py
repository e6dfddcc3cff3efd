"""The files behind a GDAL virtual raster (.vrt): nothing may point elsewhere unseen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tools.errors import DataError
from tools.storage.paths import real_file

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_BYTES = 16_000_000
"""Largest .vrt that is parsed; a mosaic of 30,000 files needs about 12 MB."""
MAX_DEPTH = 8
"""Deepest nesting of one .vrt in another."""
SOURCE_TAGS = ("sourcefilename", "sourcedataset")
"""Elements that name a file, in lower case, after https://gdal.org/en/stable/drivers/raster/vrt.html."""
REFUSED = ("vrtrawrasterband", "vrtprocesseddataset", "dempath", "overview_file", "x_dataset", "y_dataset")
"""Kinds of bands and datasets that read more than rasters, and entries that name files in another way; in lower case."""


def vrt_sources(path: Path) -> tuple[Path, ...]:
    """Return the real files that a virtual raster reads, nested ones included, each once, level by level.

    Raises DataError where it is broken, reads itself, nests too deep, or names anything that is not a local raster.
    """
    found: dict[Path, None] = {}
    level: tuple[Path, ...] = (path,)
    for _ in range(MAX_DEPTH):
        named = dict.fromkeys(source for vrt in level for source in _named(vrt))
        if path in named:
            raise DataError(f"The virtual raster {path.name!r} reads itself.", hint="Build it again with gdalbuildvrt.")
        level = tuple(source for source in named if source not in found and source.suffix.lower() == ".vrt")
        found.update(named)
    if level:
        raise DataError(f"The virtual raster {path.name!r} nests deeper than {MAX_DEPTH} levels.", hint="Write it out as one GeoTIFF.")
    return tuple(found)


def _named(vrt: Path) -> Iterator[Path]:
    for element in _parse(vrt).iter():
        _check_element(vrt, element)
        if element.tag.lower() in SOURCE_TAGS and (element.text or "").strip():
            yield _source(vrt, element)


def _check_element(vrt: Path, element: Element) -> None:
    """Refuse what names a file elsewhere than in an element of its own; GDAL takes names in any case, and attributes for elements."""
    words = (element.tag, *element.attrib.values())
    found = next((word for word in words if word.lower() in REFUSED), None) or next(
        (name for name in element.attrib if name.lower() in SOURCE_TAGS), None
    )
    if found:
        raise DataError(
            f"The virtual raster {vrt.name!r} uses {found!r}, by which it could read any file.", hint="Write it out as one GeoTIFF."
        )


def _parse(path: Path) -> Element:
    from xml.etree import ElementTree

    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"The virtual raster {path.name!r} is larger than {MAX_BYTES} bytes.", hint="Write it out as one GeoTIFF.")
    try:
        root = ElementTree.fromstring(path.read_bytes())  # noqa: S314 - size is bounded, and expat refuses entity bombs
    except ElementTree.ParseError as error:
        raise DataError(
            f"The virtual raster {path.name!r} is not valid XML ({error}).", hint="Build it again with gdalbuildvrt."
        ) from error
    if root.tag != "VRTDataset":
        raise DataError(f"The file {path.name!r} is a <{root.tag}>, not a virtual raster.", hint="Register the files it names instead.")
    return root


def _source(vrt: Path, element: Element) -> Path:
    name = (element.text or "").strip()
    relative = element.get("relativeToVRT", element.get("relativetoVRT")) == "1"
    # GDAL starts from where a link leads.
    source = Path(os.path.realpath(vrt)).parent / name if relative else Path(name)
    if not source.is_absolute() or not source.is_file():
        raise DataError(
            f"The virtual raster {vrt.name!r} reads {name!r}, which is not a file here.",
            hint="Put the source file in place, or register the sources themselves.",
        )
    return real_file(source)
