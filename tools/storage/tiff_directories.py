"""The directories of a TIFF, read before GDAL does: how many images there are, and what it would take to unpack them.

GDAL builds an object per band and reads every directory and tag before anybody can ask it for a size. What is looked at here is
only what costs: a file that is broken otherwise is left to GDAL, which says so.
Sources: TIFF 6.0 (Adobe, 1992); BigTIFF (https://www.awaresystems.be/imaging/tiff/bigtiff.html).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tools.errors import DataError, LimitError
from tools.settings import current_settings
from tools.storage.limits import check_block, check_raster_size
from tools.storage.side_files import check_no_pointer

Read = Callable[[int, int], bytes]
"""(offset, count) → bytes; fewer at the end of the file."""

_WIDTH, _HEIGHT, _BITS, _COMPRESSION = 256, 257, 258, 259
_STRIP_OFFSETS, _SAMPLES, _STRIP_ROWS, _STRIP_COUNTS, _PLANAR = 273, 277, 278, 279, 284
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS = 322, 323, 324, 325
_SUB_DIRECTORIES, _GDAL_METADATA, _GEO_TEXTS = 330, 42112, 34737
_ARRAYS = {_STRIP_OFFSETS, _STRIP_COUNTS, _TILE_OFFSETS, _TILE_COUNTS}
"""Where the blocks are: read in part, when a block is asked for."""
_TYPE_BYTES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of a value by its type; 1 for all others."""
_NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
MOST_FIELDS = 4_096
"""Fields of one directory; libtiff reads no directory with more either."""


@dataclass(frozen=True)
class _Field:
    type: int
    count: int
    at: int
    """Where its values are."""

    @property
    def bytes(self) -> int:
        return self.count * _TYPE_BYTES.get(self.type, 1)


@dataclass(frozen=True)
class _Layout:
    """How numbers and directories are written in a file."""

    order: str
    first: int
    """Where the first directory is."""
    is_big: bool


def check_tiff(read: Read, name: str) -> None:
    """Check every image of a TIFF: the raster, its overviews, masks and further pages.

    Raises LimitError, naming the setting, for more images, bands, pixels, larger blocks or longer texts than may be read;
    DataError where its own metadata points elsewhere.
    """
    layout = _layout(read)
    if layout is None:
        return
    limits = current_settings()
    for number, fields in enumerate(_directories(read, layout)):
        if number >= limits.max_images:
            raise LimitError(
                f"The TIFF {name} holds more than {limits.max_images:,} images (overviews, masks, pages).",
                hint="Write the one you need as a GeoTIFF of its own, or raise TERRACITE_MAX_IMAGES.",
            )
        _check_texts(read, fields, name)
        _check_image(_Image(read, layout, fields), name)


class _Image:
    """The numbers of one directory."""

    def __init__(self, read: Read, layout: _Layout, fields: dict[int, _Field]) -> None:
        self._read, self._layout, self._fields = read, layout, fields

    def number(self, tag: int, otherwise: int) -> int:
        """Return the first value of a field of whole numbers."""
        return next(iter(self.numbers(tag, 1)), otherwise)

    def numbers(self, tag: int, most: int) -> tuple[int, ...]:
        field = self._fields.get(tag)
        if field is None or field.type not in _NUMBERS:
            return ()
        form = _NUMBERS[field.type]
        count = min(field.count, most)
        body = self._read(field.at, count * struct.calcsize(f"={form}"))
        return struct.unpack(f"{self._layout.order}{count}{form}", body) if len(body) == count * struct.calcsize(f"={form}") else ()

    @property
    def is_tiled(self) -> bool:
        return _TILE_WIDTH in self._fields


def _check_image(image: _Image, name: str) -> None:
    width, height, bands = image.number(_WIDTH, 0), image.number(_HEIGHT, 0), image.number(_SAMPLES, 1)
    check_raster_size(name, width, height, bands)
    depth = max(1, -(-max(image.numbers(_BITS, bands), default=1) // 8))
    bands_in_block = bands if image.number(_PLANAR, 1) == 1 else 1
    if image.is_tiled:
        across, down = image.number(_TILE_WIDTH, 1), image.number(_TILE_HEIGHT, 1)
    else:
        across, down = width, min(height, image.number(_STRIP_ROWS, height))
        if down == height and image.number(_COMPRESSION, 1) == 1:
            return  # one strip that is not compressed is read in parts
    check_block(name, across * down * depth * bands_in_block)


def _check_texts(read: Read, fields: dict[int, _Field], name: str) -> None:
    limit = current_settings().max_side_file_bytes
    if any(field.bytes > limit for tag, field in fields.items() if tag not in _ARRAYS):
        raise LimitError(
            f"The TIFF {name} holds a field of more than {limit:,} bytes beside its pixels.",
            hint="Write it again without that metadata, or raise TERRACITE_MAX_SIDE_FILE_BYTES.",
        )
    for text in (fields.get(_GDAL_METADATA), fields.get(_GEO_TEXTS)):
        if text is not None:
            check_no_pointer(read(text.at, text.bytes), name)


def _layout(read: Read) -> _Layout | None:
    head = read(0, 16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:
        return None
    (version,) = struct.unpack(f"{order}H", head[2:4])
    if version == 43 and len(head) == 16:
        return _Layout(order, struct.unpack(f"{order}Q", head[8:])[0], is_big=True)
    return _Layout(order, struct.unpack(f"{order}I", head[4:8])[0], is_big=False) if version == 42 else None


def _directories(read: Read, layout: _Layout) -> Iterator[dict[int, _Field]]:
    """Yield the fields of each directory by tag, sub-directories included; a chain that bites its tail ends there."""
    waiting, seen = [layout.first], {0}
    while waiting:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        fields, following = _directory(read, layout, at)
        if not fields:
            continue
        yield fields
        image = _Image(read, layout, fields)
        waiting += [following, *image.numbers(_SUB_DIRECTORIES, current_settings().max_images + 1)]


def _directory(read: Read, layout: _Layout, at: int) -> tuple[dict[int, _Field], int]:
    """Return the fields of the directory at an offset, and where the next one is; none where the file ends before it does."""
    counter, entry, pointer = ("Q", "HHQQ", "Q") if layout.is_big else ("H", "HHII", "I")
    size, each = struct.calcsize(f"={counter}"), struct.calcsize(f"={entry}")
    head = read(at, size)
    if len(head) < size:
        return {}, 0
    (count,) = struct.unpack(layout.order + counter, head)
    if count > MOST_FIELDS:
        raise DataError(f"The TIFF has a directory of {count:,} fields, more than any program writes.", hint="Fetch it again.")
    body = read(at + size, count * each + struct.calcsize(f"={pointer}"))
    if len(body) < count * each:
        return {}, 0
    fields: dict[int, _Field] = {}
    room = 8 if layout.is_big else 4
    for number in range(count):
        tag, kind, values, place = struct.unpack_from(layout.order + entry, body, number * each)
        field = _Field(kind, values, place)
        inside = at + size + (number + 1) * each - room
        fields[tag] = field if field.bytes > room else _Field(kind, values, inside)
    following = body[count * each :]
    return fields, struct.unpack(layout.order + pointer, following)[0] if len(following) == struct.calcsize(f"={pointer}") else 0
