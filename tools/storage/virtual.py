"""The files behind a GDAL virtual raster (.vrt), and files that only claim to be rasters: nothing may point elsewhere unseen."""

from __future__ import annotations

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
SOURCE_TAGS = ("SourceFilename", "SourceDataset")
"""Elements that name a file, after https://gdal.org/en/stable/drivers/raster/vrt.html."""
POINTER_STARTS = (b"<", b"{")
"""First characters of XML and JSON: GDAL takes such a file, under any name, for a description of data elsewhere."""


def check_raster_content(path: Path) -> None:
    """Refuse what points elsewhere: a virtual raster over what is not here, a web service described in a small file."""
    if path.suffix.lower() == ".vrt":
        vrt_sources(path)
    else:
        _check_no_pointer(path)


def _check_no_pointer(path: Path) -> None:
    with path.open("rb") as stream:
        start = stream.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(POINTER_STARTS):
        raise DataError(
            f"The file {path.name!r} is text (XML or JSON), not a raster.",
            hint="Give the raster itself; a virtual raster must end in .vrt.",
        )


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
        if element.tag in SOURCE_TAGS and (element.text or "").strip():
            source = _source(vrt, element)
            if source.suffix.lower() != ".vrt":
                _check_no_pointer(source)
            yield source


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
    source = vrt.parent / name if relative else Path(name)
    if not source.is_absolute() or not source.is_file():
        raise DataError(
            f"The virtual raster {vrt.name!r} reads {name!r}, which is not a file here.",
            hint="Put the source file in place, or register the sources themselves.",
        )
    return real_file(source)
