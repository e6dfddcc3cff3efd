"""TIFF and JPEG 2000 files written byte by byte, so that they can claim what no program would write."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

FORMS = {1: "B", 2: "B", 3: "H", 4: "I", 16: "Q"}
"""Letter of `struct` by the type of a field: byte, ASCII, short, long, 8-byte long."""


def tiff(fields: Mapping[int, tuple[int, Sequence[int]]], *, images: int = 1, big: bool = False, loop: bool = False) -> bytes:
    """Return a TIFF of equal images, each with these fields (tag → type, values); `loop` leads from the last to the first."""
    pointer, entry, room = ("Q", "HHQ", 8) if big else ("I", "HHI", 4)
    head = struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16) if big else struct.pack("<2sHI", b"II", 42, 8)
    length = (8 if big else 2) + len(fields) * (20 if big else 12) + room
    values_at = len(head) + images * length
    entries, values = b"", b""
    for tag, (kind, numbers) in sorted(fields.items()):
        packed = struct.pack(f"<{len(numbers)}{FORMS[kind]}", *numbers)
        if len(packed) > room:
            place = struct.pack(f"<{pointer}", values_at + len(values))
            values += packed
        else:
            place = packed.ljust(room, b"\0")
        entries += struct.pack(f"<{entry}", tag, kind, len(numbers)) + place
    count = struct.pack("<Q" if big else "<H", len(fields))
    directories = b"".join(
        count + entries + struct.pack(f"<{pointer}", len(head) + (number + 1) * length if number + 1 < images else len(head) if loop else 0)
        for number in range(images)
    )
    return head + directories + values


def sparse(
    width: int = 16, height: int = 16, *, bands: int = 1, bits: int = 8, compression: int = 8, rows: int | None = None
) -> dict[int, tuple[int, Sequence[int]]]:
    """Return the fields of an image of strips of which none is in the file, which read as zeros."""
    strips = -(-height // (rows or height))
    return {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [bits]),
        259: (3, [compression]),
        262: (3, [1]),
        273: (4, [0] * strips),
        277: (3, [bands]),
        278: (4, [rows or height]),
        279: (4, [0] * strips),
        284: (3, [1]),
    }


def jpeg2000(width: int, height: int, tile: int, *, bands: int = 1, block: int = 6) -> bytes:
    """Return the head of a codestream of square tiles, with code blocks of 2 ** block pixels along each side."""
    size = struct.pack(">HHIIIIIIIIH", 38 + 3 * bands, 0, width, height, 0, 0, tile, tile, 0, 0, bands) + b"\x07\x01\x01" * bands
    style = struct.pack(">HHBBHBBBBBB", 0xFF52, 12, 0, 0, 1, 0, 5, block - 2, block - 2, 0, 1)
    return b"\xff\x4f\xff\x51" + size + style + b"\xff\xd9"
