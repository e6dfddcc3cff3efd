"""The files behind a GDAL virtual raster (.vrt): all must be real local files, and all belong to its identity."""

from __future__ import annotations

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
SOURCE_TAGS = ("SourceFilename", "SourceDataset")
"""Elements that name a file, after https://gdal.org/en/stable/drivers/raster/vrt.html."""


def vrt_sources(path: Path, depth: int = 0) -> tuple[Path, ...]:
    """Return the real files that a virtual raster reads, nested ones included, each once, in order of appearance.

    Raises DataError where it is broken, nests too deep, or names anything that is not an existing local file.
    """
    if depth > MAX_DEPTH:
        raise DataError(f"The virtual raster {path.name!r} nests deeper than {MAX_DEPTH} levels.", hint="Write it out as one GeoTIFF.")
    found: dict[Path, None] = {}
    for element in _parse(path).iter():
        if element.tag in SOURCE_TAGS and (element.text or "").strip():
            source = _source(path, element)
            found[source] = None
            if source.suffix.lower() == ".vrt":
                found.update(dict.fromkeys(vrt_sources(source, depth + 1)))
    return tuple(found)


def _parse(path: Path) -> Element:
    from xml.etree import ElementTree

    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"The virtual raster {path.name!r} is larger than {MAX_BYTES} bytes.", hint="Write it out as one GeoTIFF.")
    try:
        root = ElementTree.fromstring(path.read_bytes())  # noqa: S314 - size is bounded, and expat refuses entity bombs
    except ElementTree.ParseError as error:
        raise DataError(f"The virtual raster {path.name!r} is not valid XML ({error}).", hint="Build it again with gdalbuildvrt.") from error
    if root.tag != "VRTDataset":
        raise DataError(f"The file {path.name!r} is a <{root.tag}>, not a virtual raster.", hint="Register the files it names instead.")
    return root


def _source(vrt: Path, element: Element) -> Path:
    name = (element.text or "").strip()
    relative = element.get("relativeToVRT", element.get("relativetoVRT")) == "1"
    source = vrt.parent / name if relative else Path(name)
    if not source.is_absolute() or not source.is_file():
        raise DataError(
            f"The virtual raster {vrt.name!r} reads {name!r}, which is not a file here.",
            hint="Put the source file in place, or register the sources themselves.",
        )
    return real_file(source)
