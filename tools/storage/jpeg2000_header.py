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
_CODING_STYLE = 0xFF52
_TILE_BYTES, _COMPONENT_BYTES, _PIECE_BYTES = 6_000, 1_200, 200
"""What OpenJPEG 2.5 holds of every tile and of each component of it from the start (opj_tcp_t, opj_tccp_t), and of every code block
or precinct of the tile that is decoded (opj_tcd_cblk_dec_t and its segments); measured, rounded up."""
_LARGEST_PRECINCT = 15
MOST_BOXES = 1_000
MOST_SEGMENTS = 100


def check_jpeg2000(read: Read, name: str) -> None:
    """Check size, components and tiles of a JPEG 2000 file or codestream; what is broken otherwise is left to its reader.

    A tile may override the coding style of the main header; only a worker's memory limit holds against that.

    Raises LimitError, naming the setting, for more bands, pixels or tiles, or longer texts, than may be read.
    """
    start_at = _codestream(read, name)
    head = read(start_at, _SIZE.size)
    if len(head) < _SIZE.size:
        return
    start, _, _, _, right, bottom, left, top, tile_width, tile_height, first_left, first_top, bands = _SIZE.unpack(head)
    if start != _CODESTREAM or not tile_width or not tile_height:
        return
    check_raster_size(name, max(0, right - left), max(0, bottom - top), bands)
    tiles = -(-(right - first_left) // tile_width) * -(-(bottom - first_top) // tile_height)
    in_tile = min(tile_width, right - left) * min(tile_height, bottom - top) * bands
    pieces = in_tile // _smallest_piece(read, start_at + 2)
    check_block(name, tiles * (_TILE_BYTES + _COMPONENT_BYTES * bands) + pieces * _PIECE_BYTES)


def _smallest_piece(read: Read, at: int) -> int:
    """Return the area of a code block or precinct, whichever is smaller, after the coding style (COD) of the main header."""
    for _ in range(MOST_SEGMENTS):
        head = read(at, 4)
        if len(head) < 4:
            break
        marker, size = struct.unpack(">HH", head)
        if marker == _CODING_STYLE:
            style = read(at + 4, size - 2)
            if len(style) < 10:
                break
            blocks = style[6] + 2 + style[7] + 2
            precincts = [(pair & 15) + (pair >> 4) for pair in style[10:]] if style[0] & 1 else [2 * _LARGEST_PRECINCT]
            return 1 << min(blocks, *precincts)
        at += 2 + size
    return 1 << 12


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
