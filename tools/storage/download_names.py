"""What a file on another machine is, and what it is called here: by its address, else by what its server says of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from email.message import Message
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from tools.errors import DataError
from tools.storage import formats
from tools.storage.bodies import Opened

LONGEST_NAME = 120
_UNSAFE = re.compile(r"[^\w.-]+")
"""Whatever is no letter, digit, `_`, `.` or `-`, of any script."""
TYPES = {
    "image/tiff": ".tif", "image/geotiff": ".tif", "image/png": ".png", "image/jpeg": ".jpg", "image/jp2": ".jp2", "image/webp": ".webp",
    "application/geo+json": ".geojson", "application/geopackage+sqlite3": ".gpkg",
    "application/vnd.opengeospatial.geopackage+sqlite3": ".gpkg", "application/flatgeobuf": ".fgb",
    "application/vnd.apache.parquet": ".parquet", "application/x-parquet": ".parquet",
    "text/csv": ".csv", "text/tab-separated-values": ".tsv", "text/markdown": ".md", "text/plain": ".txt", "application/pdf": ".pdf",
}  # fmt: skip
"""Content types of data, and the suffix that such a file gets. JSON and HTML are not among them: a catalogue, and the page that
explains one, are sent as such."""
ARCHIVES = {
    "application/zip": ".zip", "application/x-zip-compressed": ".zip", "application/gzip": ".gz", "application/x-gzip": ".gz",
    "application/x-tar": ".tar", "application/x-7z-compressed": ".7z", "application/vnd.rar": ".rar", "application/x-bzip2": ".bz2",
    "application/vnd.google-earth.kmz": ".kmz",
}  # fmt: skip


def suffix_of(url: str) -> str:
    """Return the suffix of the name that an address ends in, in lower case; empty where it has none."""
    return PurePosixPath(unquote(urlsplit(url).path)).suffix.lower()


def is_data(url: str) -> bool:
    """Whether an address ends like a file of data: one of a supported format, or one that is refused as a file."""
    return suffix_of(url) in (*formats.BY_SUFFIX, *formats.ARCHIVE, *formats.PICKLED)


def type_suffix(headers: Mapping[str, str]) -> str:
    """Return the suffix of files of an answer's content type; empty for a type that says nothing, or is not of data."""
    stated = headers.get("content-type", "").partition(";")[0].strip().lower()
    return {**TYPES, **ARCHIVES}.get(stated, "")


def file_name(url: str, opened: Opened) -> str:
    """Return the safe name of a file: the last part of its address, else the name its server gives it, else one after its type.

    Raises DataError for an archive, a pickle, and where nothing says that it is of a supported format.
    """
    named = PurePosixPath(unquote(urlsplit(url).path)).name
    led_to = PurePosixPath(unquote(urlsplit(opened.url).path)).name
    offered, of_type = _offered(opened.headers), type_suffix(opened.headers)
    candidates = (named, offered, led_to, f"{PurePosixPath(offered or named).stem or 'file'}{of_type}")
    for name in candidates:
        suffix = PurePosixPath(name).suffix.lower()
        check_supported(opened.url, suffix)
        if suffix in formats.BY_SUFFIX:
            return safe_name(name)
    raise DataError(
        f"{opened.url} is of no supported format, by its name and by its type.",
        hint="Rasters, vector layers, tables and documents are supported; if it is one, fetch it and give it the suffix of its format.",
    )


def check_supported(url: str, suffix: str) -> None:
    """Raise DataError for an archive and for a pickle."""
    if suffix in formats.ARCHIVE:
        raise DataError(f"The file at {url} is an archive.", hint="Fetch and unpack it, and add the files or the folder.")
    if suffix in formats.PICKLED:
        raise DataError(
            f"The file at {url} is a pickle, which may hold any program.",
            hint="Save its weights with safetensors.torch.save_file, and add that file with its card.",
        )


def safe_name(name: str) -> str:
    """Return a name that is one plain file name everywhere: letters, digits, `_`, `.`, `-`; its suffix is kept."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    path = PurePosixPath(_UNSAFE.sub("_", last).strip("._-") or "file")
    suffix = path.suffix.lower()
    stem = path.name[: len(path.name) - len(suffix)].encode()[: LONGEST_NAME - len(suffix)].decode(errors="ignore")
    return f"{stem.strip('._-') or 'file'}{suffix}"


def _offered(headers: Mapping[str, str]) -> str:
    """Return the last part of the name in Content-Disposition (RFC 6266); empty where there is none."""
    message = Message()
    message["Content-Disposition"] = headers.get("content-disposition", "")
    try:
        name = message.get_filename("") or ""
    except UnicodeError:  # of a character set that is none for text, which the server chose
        name = ""
    return name.replace("\\", "/").rpartition("/")[2]
