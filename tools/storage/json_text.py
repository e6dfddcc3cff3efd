"""JSON from outside, looked at as text before it is parsed: its size, its depth, and CRSs that are addresses.

A parser takes many times the memory of the text, and calls itself for every level. GDAL moreover fetches a CRS that a
GeoJSON gives as a link, past all that else keeps its files from the network. A pass over the bytes finds all of it.
"""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tools.errors import DataError, LimitError
from tools.settings import current_settings
from tools.storage.crs import check_crs_text

CHUNK_BYTES = 1 << 22
CRS_BYTES = 1 << 12
"""Longest CRS that may stand in a GeoJSON."""
CRS_KEY = re.compile(rb'"(?:c|\\u00[46]3)(?:r|\\u00[57]2)(?:s|\\u00[57]3)"\s*:\s*(?=\{)', re.IGNORECASE)
"""The member `crs` of any object as GDAL finds it: in any case, also where its letters are escaped."""
CRS_TYPES = ("name", "epsg", "ogc")
"""Beginnings of the types that need no network; the others are `link` and `url`."""
ESCAPE = re.compile(rb"\\.", re.DOTALL)
TEXT = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)(?:"(\s*+:)?+)?+', re.DOTALL)
"""A text, and the colon that makes it a name; each byte is looked at once, also of a text that never ends."""
QUOTE = ord('"')
PLAIN = bytes(set(range(256)) - set(b'"{}[]'))
"""What neither opens nor closes anything."""
STEPS = np.zeros(256, np.int8)
"""By how much each byte outside of text changes the depth."""
STEPS[[ord("{"), ord("[")]] = 1
STEPS[[ord("}"), ord("]")]] = -1


def check_text_size(file: Path) -> None:
    """Raise LimitError for a file larger than what is parsed as a whole in memory."""
    size, limit = file.stat().st_size, current_settings().max_text_bytes
    if size > limit:
        raise LimitError(
            f"The file {file.name!r} has {size:,} bytes, more than {limit:,}, the limit of text that is read as a whole.",
            hint="Convert it to GeoPackage, FlatGeobuf or GeoParquet, or raise TERRACITE_MAX_TEXT_BYTES.",
        )


def check_json(file: Path) -> tuple[int, int]:
    """Raise LimitError for JSON that is too large or nests too deep, DataError for a CRS that is an address.

    Return what `most` says of it.
    """
    check_text_size(file)
    limit = current_settings().max_nesting
    with _mapped(file) as text:
        if depth(text) > limit:
            raise LimitError(
                f"The JSON {file.name!r} nests deeper than {limit} levels.",
                hint="No GeoJSON needs that; if this one does, raise TERRACITE_MAX_NESTING.",
            )
        for key in CRS_KEY.finditer(text):
            _check_crs(file, text[key.end() : key.end() + CRS_BYTES])
        return most(text)


@contextmanager
def _mapped(file: Path) -> Iterator[mmap.mmap]:
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        yield text


def most(text: bytes | mmap.mmap) -> tuple[int, int]:
    """Return how many features and columns there can be at most: every feature opens an object, every column has a name."""
    objects = sum(text[start : start + CHUNK_BYTES].count(b"{") for start in range(0, len(text), CHUNK_BYTES))
    return objects, len({found[1] for found in TEXT.finditer(text) if found[2]})


def depth(text: bytes | mmap.mmap) -> int:
    """Return how deep objects and arrays nest; brackets inside of text do not count, nor does it matter whether they match."""
    level = deepest = 0
    in_text = False
    start = 0
    while start < len(text):
        chunk = text[start : start + CHUNK_BYTES]
        while chunk.endswith(b"\\") and start + len(chunk) < len(text):  # keep an escape whole
            chunk += text[start + len(chunk) : start + len(chunk) + 1]
        start += len(chunk)
        signs = (ESCAPE.sub(b"", chunk) if b"\\" in chunk else chunk).translate(None, PLAIN)
        codes = np.frombuffer(signs, np.uint8)
        inside = np.logical_xor.accumulate(np.concatenate(([in_text], codes == QUOTE)))
        levels = level + np.cumsum(np.where(inside[1:], 0, STEPS[codes]), dtype=np.int64)
        in_text, level, deepest = bool(inside[-1]), int(levels[-1]) if len(levels) else level, int(levels.max(initial=deepest))
    return deepest


def _check_crs(file: Path, text: bytes) -> None:
    """Raise DataError for a CRS whose type is none of CRS_TYPES; members that stand twice, or in another case, all count."""
    try:
        pairs, _ = json.JSONDecoder(object_pairs_hook=list).raw_decode(text.decode("utf-8", errors="replace"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"The CRS in {file.name!r} is broken or too long.", hint="Export it again in EPSG:4326.") from error
    kinds = [value for name, value in pairs if name.casefold() == "type"]
    if not all(value is None or (isinstance(value, str) and value.casefold().startswith(CRS_TYPES)) for value in kinds):
        raise DataError(
            f"The CRS in {file.name!r} is an address ({str(kinds)[:80]}), which is not fetched.",
            hint="Export it again in EPSG:4326, or with the code of its CRS.",
        )
    for value in _strings(pairs):
        check_crs_text(repr(file.name), value)


def _strings(value: object) -> Iterator[str]:
    """Yield the texts in JSON whose objects are lists of pairs."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _strings(part)
