"""The size of a JPEG 2000, read before its library sets aside memory for each component of each tile.

Source: ISO/IEC 15444-1, annexes A.5.1 (SIZ) and I (boxes).
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from tools.errors import LimitError
from tools.settings import current_settings
from tools.storage.limits import check_block, check_raster_size

Read = Callable[[int, int], bytes]
_SIZE = struct.Struct(">HHHHIIIIIIIIH")
"""SOC, SIZ, Lsiz, Rsiz, Xsiz, Ysiz, XOsiz, YOsiz, XTsiz, YTsiz, XTOsiz, YTOsiz, Csiz."""
_CODESTREAM = 0xFF4F
_TILE_COMPONENT_BYTES = 1_200
"""What OpenJPEG holds of every component of every tile from the start (opj_tccp_t of version 2.5, rounded up)."""
MOST_BOXES = 1_000


def check_jpeg2000(read: Read, name: str) -> None:
    """Check size, components and tiles of a JPEG 2000 file or codestream; what is broken otherwise is left to its reader.

    Raises LimitError, naming the setting, for more bands, pixels or tiles, or longer texts, than may be read.
    """
    head = read(_codestream(read, name), _SIZE.size)
    if len(head) < _SIZE.size:
        return
    start, _, _, _, right, bottom, left, top, tile_width, tile_height, first_left, first_top, bands = _SIZE.unpack(head)
    if start != _CODESTREAM or not tile_width or not tile_height:
        return
    check_raster_size(name, max(0, right - left), max(0, bottom - top), bands)
    tiles = -(-(right - first_left) // tile_width) * -(-(bottom - first_top) // tile_height)
    check_block(name, tiles * bands * _TILE_COMPONENT_BYTES)


def _codestream(read: Read, name: str) -> int:
    """Return where the codestream begins; past the end where there is none."""
    limit = current_settings().max_side_file_bytes
    at = 0
    for _ in range(MOST_BOXES):
        head = read(at, 16)
        if len(head) < 8 or head[:2] == b"\xff\x4f":
            break
        size, kind = struct.unpack(">I4s", head[:8])
        body = 16 if size == 1 and len(head) == 16 else 8
        if kind == b"jp2c":
            return at + body
        size = struct.unpack(">Q", head[8:])[0] if body == 16 else size
        if size > limit:
            raise LimitError(
                f"The raster {name} holds a text of more than {limit:,} bytes beside its pixels.",
                hint="Write it again without that metadata, or raise TERRACITE_MAX_SIDE_FILE_BYTES.",
            )
        if size < body:
            break
        at += size
    return at
