"""An SQLite file that is kept with a write-ahead log, as one image in memory: nothing beside the data is touched.

SQLite itself, opened read-only, moves the log into the file and removes it when the last reader leaves. Here the committed
pages of the log are laid over the file as https://www.sqlite.org/fileformat2.html#the_write_ahead_log describes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.errors import LimitError
from tools.settings import current_settings

MAGIC = (0x377F0682, 0x377F0683)
"""First word of a log whose checksums are little-endian, and big-endian."""
VERSION = 3_007_000
HEADER_BYTES, FRAME_BYTES = 32, 24
MODE_OFFSET = 18
"""Where a file says how it is written and read: 1 by a rollback journal, 2 by a log."""


@dataclass(frozen=True)
class _Frame:
    number: int
    """Page, from 1."""
    pages: int
    """Pages of the file after the commit that this frame ends; 0 where it ends none."""
    content: bytes


def keeps_log(file: Path) -> bool:
    """Whether an SQLite file is read and written by way of a log, also where there is none at the moment."""
    with file.open("rb") as stream:
        stream.seek(MODE_OFFSET)
        return b"\x02" in stream.read(2)


def image(file: Path, log: Path | None) -> bytes:
    """Return the file as its last commit left it, in a form that needs no log.

    Raises LimitError where both are larger than the setting `max_text_bytes`.
    """
    limit = current_settings().max_text_bytes
    size = file.stat().st_size + (log.stat().st_size if log else 0)
    if size > limit:
        raise LimitError(
            f"The file {file.name!r} and what was not yet moved into it have {size:,} bytes, more than {limit:,}.",
            hint="Close it in the program that writes it, or raise TERRACITE_MAX_TEXT_BYTES.",
        )
    content = bytearray(file.read_bytes())
    waiting: list[_Frame] = []
    for frame in _frames(log.read_bytes() if log else b""):
        waiting.append(frame)
        if frame.pages:
            _commit(content, waiting)
            waiting = []
    content[MODE_OFFSET : MODE_OFFSET + 2] = b"\x01\x01"
    return bytes(content)


def _commit(content: bytearray, frames: list[_Frame]) -> None:
    size = len(frames[0].content)
    # A hostile log could state a file of terabytes; no file grows by more pages than were written.
    wanted = min(frames[-1].pages * size, len(content) + len(frames) * size)
    content.extend(bytes(max(0, wanted - len(content))))
    for frame in frames:
        start = (frame.number - 1) * size
        if start + size <= len(content):
            content[start : start + size] = frame.content
    del content[wanted:]


def _frames(log: bytes) -> Iterator[_Frame]:
    """Yield the frames whose salt and checksum are those of the log; it ends at the first that is not."""
    if len(log) < HEADER_BYTES:
        return
    magic, version, size, _, *salt = struct.unpack_from(">6I", log)
    order = "<" if magic == MAGIC[0] else ">"
    sums = _checksum(log[:24], (0, 0), order)
    is_whole = magic in MAGIC and version == VERSION and 512 <= size <= 65_536 and size & (size - 1) == 0
    if not is_whole or sums != struct.unpack_from(">2I", log, 24):
        return
    for start in range(HEADER_BYTES, len(log) - FRAME_BYTES - size + 1, FRAME_BYTES + size):
        number, pages, *rest = struct.unpack_from(">6I", log, start)
        content = log[start + FRAME_BYTES : start + FRAME_BYTES + size]
        sums = _checksum(log[start : start + 8] + content, sums, order)
        if rest != [*salt, *sums] or number == 0:
            return
        yield _Frame(number, pages, content)


def _checksum(data: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    first, second = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
