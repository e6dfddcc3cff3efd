"""The formats that are read: what their files are called, how they begin, and which driver alone may open them.

A file name or a file is a small program to GDAL, which asks every driver in turn whether it knows it. Here the suffix names
the format, the first bytes must be those of that format, and no other driver than the format's own is then asked.
Light, so that registered files are recognised without any reader.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tools.errors import DataError

FileKind = Literal["raster", "vector", "document", "network"]


@dataclass(frozen=True)
class Format:
    """One format of files."""

    name: str
    """As records and messages say it; of a raster as GDAL has it."""
    kind: FileKind
    suffixes: tuple[str, ...]
    """In lower case, with the dot; each belongs to one format only."""
    drivers: tuple[str, ...] = ()
    """GDAL's names of the drivers that may open it; empty where GDAL never does."""
    magic: re.Pattern[bytes] | None = None
    """Matches the first bytes of every such file; None for formats that have no mark of their own."""
    needs_trust: bool = False
    """Its files may name other files or need a library that runs code of theirs: only where `trusted_formats` names it."""


def _starts(*patterns: bytes) -> re.Pattern[bytes]:
    return re.compile(b"|".join(patterns), re.DOTALL | re.IGNORECASE)


BYTE_ORDER_MARK = rb"(?:\xef\xbb\xbf)?\s*"
_GEOJSON = _starts(BYTE_ORDER_MARK + rb"\x1e?\{")
"""An object, also as the first of a sequence; a list of features is no GeoJSON."""
_SQLITE = _starts(rb"SQLite format 3\x00")
_DBF = _starts(rb"[\x02\x03\x30-\x32\x43\x63\x83\x8b\x8c\xcb\xf5\xfb]")
"""Versions of dBASE, FoxPro and Visual FoxPro, after https://www.clicketyclick.dk/databases/xbase/format/dbf.html."""
_KML = _starts(BYTE_ORDER_MARK + rb"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:\w+:)?kml[\s>]")
_HDF5 = rb"\x89HDF\r\n\x1a\n"

FORMATS: tuple[Format, ...] = (
    Format("GeoJSON", "vector", (".geojson", ".json"), ("GeoJSON", "GeoJSONSeq"), _GEOJSON),
    Format("GeoJSONSeq", "vector", (".geojsonl",), ("GeoJSONSeq", "GeoJSON"), _GEOJSON),
    Format("GPKG", "vector", (".gpkg",), ("GPKG",), _SQLITE),
    Format("ESRI Shapefile", "vector", (".shp",), ("ESRI Shapefile",), _starts(rb"\x00\x00\x27\x0a")),
    Format("DBF", "vector", (".dbf",), ("ESRI Shapefile",), _DBF),
    Format("FlatGeobuf", "vector", (".fgb",), ("FlatGeobuf",), _starts(rb"fgb\x03fgb[\x00\x01]")),
    Format("KML", "vector", (".kml",), ("LIBKML",), _KML),
    Format("Parquet", "vector", (".parquet", ".geoparquet"), (), _starts(rb"PAR1")),
    Format("CSV", "vector", (".csv", ".tsv")),
    Format("GTiff", "raster", (".tif", ".tiff"), ("GTiff",), _starts(rb"II[*+]\x00", rb"MM\x00[*+]")),
    Format("VRT", "raster", (".vrt",), ("VRT",), _starts(BYTE_ORDER_MARK + rb"(?:<\?xml[^>]*>\s*)?<VRTDataset"), needs_trust=True),
    Format("HFA", "raster", (".img",), ("HFA",), _starts(rb"EHFA_HEADER_TAG")),
    Format("JP2OpenJPEG", "raster", (".jp2",), ("JP2OpenJPEG",), _starts(rb"\x00\x00\x00\x0cjP  \r\n\x87\n", rb"\xff\x4f\xff\x51")),
    Format("PNG", "raster", (".png",), ("PNG",), _starts(rb"\x89PNG\r\n\x1a\n")),
    Format("JPEG", "raster", (".jpg", ".jpeg"), ("JPEG",), _starts(rb"\xff\xd8\xff")),
    Format("WEBP", "raster", (".webp",), ("WEBP",), _starts(rb"RIFF....WEBP")),
    Format("AAIGrid", "raster", (".asc",), ("AAIGrid",), _starts(rb"\s*(?:ncols|nrows|[xy]ll(?:corner|center)|cellsize|d[xy])\s")),
    Format("netCDF", "raster", (".nc",), ("netCDF",), _starts(rb"CDF[\x01\x02\x05]", _HDF5), needs_trust=True),
    Format("GRIB", "raster", (".grib", ".grb", ".grb2"), ("GRIB",), _starts(rb"GRIB"), needs_trust=True),
    Format("EHdr", "raster", (".bil", ".bip", ".bsq", ".flt"), ("EHdr", "ENVI")),
    Format("USGSDEM", "raster", (".dem",), ("USGSDEM",)),
    Format("SRTMHGT", "raster", (".hgt",), ("SRTMHGT",)),
    Format("DTED", "raster", (".dt0", ".dt1", ".dt2"), ("DTED",), _starts(rb"(?:HDR.{77})?(?:VOL.{77})?UHL")),
    Format("SAGA", "raster", (".sdat",), ("SAGA",)),
    Format("PCRaster", "raster", (".map",), ("PCRaster",), _starts(rb"RUU CROSS SYSTEM MAP FORMAT"), needs_trust=True),
    Format("XYZ", "raster", (".xyz",), ("XYZ",)),
    Format("Markdown", "document", (".md",)),
    Format("Text", "document", (".txt",)),
    Format("reStructuredText", "document", (".rst",)),
    Format("HTML", "document", (".html", ".htm")),
    Format("PDF", "document", (".pdf",)),
    Format("safetensors", "network", (".safetensors",)),
)  # fmt: skip

BY_SUFFIX: dict[str, Format] = {suffix: form for form in FORMATS for suffix in form.suffixes}
JSON = (".geojson", ".json", ".geojsonl")
PARQUET = (".parquet", ".geoparquet")
DELIMITED = (".csv", ".tsv")
LAYERED = (".gpkg", ".kml")
"""Formats of several layers; in KML these are its folders."""
PICKLED = (".pt", ".pth", ".ckpt", ".pkl", ".pickle")
"""Never opened: reading a pickle runs whatever program it holds."""
ARCHIVE = (".zip", ".gz", ".tgz", ".tar", ".7z", ".rar", ".bz2", ".xz", ".zst", ".kmz", ".shz")
"""Not entered: what a user unpacks is what is registered."""
HEAD_BYTES = 1024
"""So much of a file is compared with its format's first bytes."""


def _suffixes(kind: FileKind) -> tuple[str, ...]:
    return tuple(suffix for form in FORMATS if form.kind == kind for suffix in form.suffixes)


VECTOR = _suffixes("vector")
"""Vector layers and tables."""
DOCUMENT = _suffixes("document")
RASTER = _suffixes("raster")
NETWORK = _suffixes("network")
"""Weights of networks, each with its card beside it, see `tools.storage.network_card`."""
DRIVERS: dict[str, str] = {suffix: form.name for suffix, form in BY_SUFFIX.items()}


def kind_of(path: Path) -> FileKind:
    """Return the kind of data by the suffix; whatever is neither vector, document nor network is tried as a raster."""
    form = BY_SUFFIX.get(path.suffix.lower())
    return "raster" if form is None else form.kind


def check_magic(file: Path, form: Format) -> None:
    """Raise DataError unless the first bytes of a real file are those of its format."""
    with file.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if form.magic is not None and not form.magic.match(head):
        raise DataError(
            f"The file {file.name!r} is not what its name says: its first bytes are not those of {form.name}.",
            hint="Give it the suffix of its format, or fetch it again.",
        )
