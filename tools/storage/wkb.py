"""Well-known binary from outside, looked at before GEOS reads it: a reader calls itself for every level of nesting.

A collection that nests some 10,000 levels deep, in 90 kB, ends the process; no error can be caught. How deep a geometry
nests is told here from its bytes, without recursion and as GEOS takes them (src/io/WKBReader.cpp): OGC 06-103r4, 8.2, with
Z and M in either spelling, SRIDs, and curves.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow

POINT, POLYGON = 1, 3
SEQUENCES = (2, 8)
"""LineString, CircularString."""
NESTING = (4, 5, 6, 7, 9, 10, 11, 12)
"""Multi-geometries, collections, and curves and surfaces made of others: a reader reads whatever stands in them."""
Z, M, SRID = 0x80000000, 0x40000000, 0x20000000
HEADER_BYTES = 9
"""Byte order, type, number of parts: no level takes less."""
LITTLE = 1
MULTI_FIRST = np.array([any((low + 256 * high) % 1000 in NESTING for high in range(256)) for low in range(256)])
"""Whether a byte may be the lowest of the type of a geometry that holds others."""


def nests_deeper(column: pyarrow.Array, limit: int) -> bool:
    """Whether any geometry in a column of WKB nests deeper: a point takes one level, a multipolygon two."""
    import pyarrow

    _, offset_buffer, data_buffer = column.buffers()
    if not len(column) or data_buffer is None:
        return False
    wide = pyarrow.types.is_large_binary(column.type)
    offsets = np.frombuffer(offset_buffer, np.int64 if wide else np.int32)[column.offset : column.offset + len(column) + 1]
    data = np.frombuffer(data_buffer, np.uint8)
    long = np.flatnonzero(np.diff(offsets) > HEADER_BYTES * (limit - 1))
    starts = offsets[long]
    doubtful = long[MULTI_FIRST[data[starts + 1]] | MULTI_FIRST[data[starts + 4]]] if len(data) else long
    return any(depth(data[offsets[index] : offsets[index + 1]].tobytes(), limit) > limit for index in doubtful)


def depth(blob: bytes, limit: int) -> int:
    """Return how deep one geometry nests, or `limit` + 1 where it is deeper; it ends where the bytes do, or are no WKB."""
    place, order, deepest = 0, "<", 0
    waiting: list[int] = []  # of every level that is open, the parts that are still to come
    while True:
        deepest = max(deepest, len(waiting) + 1)
        part = _part(blob, place, order)
        if part is None or deepest > limit:
            return deepest
        place, order, parts = part
        if parts:
            waiting.append(parts)
            continue
        while waiting and waiting[-1] == 1:
            waiting.pop()
        if not waiting:
            return deepest
        waiting[-1] -= 1


def _part(blob: bytes, place: int, order: str) -> tuple[int, str, int] | None:
    """Return what follows a geometry's own header and coordinates: its place, byte order, and how many parts it is made of.

    None where the bytes end or are no WKB. A byte order that is none leaves the one before.
    """
    try:
        order = {0: ">", LITTLE: "<"}.get(blob[place], order)
        (word,) = struct.unpack_from(f"{order}I", blob, place + 1)
        kind, flavour = (word & 0xFFFF) % 1000, (word & 0xFFFF) // 1000
        step = 8 * (2 + bool(word & Z or flavour in (1, 3)) + bool(word & M or flavour in (2, 3)))
        place += 9 if word & SRID else 5
        if kind == POINT:
            return place + step, order, 0
        (count,) = struct.unpack_from(f"{order}I", blob, place)
        place += 4
        if kind in NESTING:
            return place, order, count
        for _ in range(count if kind == POLYGON else 0):
            place += 4 + step * struct.unpack_from(f"{order}I", blob, place)[0]
    except (struct.error, IndexError):
        return None
    if kind in SEQUENCES:
        place += step * count
    return (place, order, 0) if kind in (*SEQUENCES, POLYGON) else None
