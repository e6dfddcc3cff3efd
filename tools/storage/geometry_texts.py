"""Geometries written as text in a table: WKT, WKB in hexadecimal digits, and both as PostGIS writes them, with the code of the CRS."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from tools.errors import DataError
from tools.geo.wkt import from_wkt
from tools.settings import current_settings
from tools.storage.wkb import depth

SRID = re.compile(r"\s*SRID\s*=\s*(\d+)\s*;\s*", re.IGNORECASE)
WKT = re.compile(
    r"\s*(?:SRID\s*=\s*\d+\s*;\s*)?(?:(?:MULTI)?(?:POINT|LINESTRING|POLYGON)|GEOMETRYCOLLECTION)\s*(?:Z|M|ZM)?\s*(?:\(|EMPTY)",
    re.IGNORECASE,
)
HEX = re.compile(r"\s*0[01](?:[0-9A-Fa-f]{2}){4,}\s*")
"""A byte order, then a type: no text of a person looks so."""


@dataclass(frozen=True)
class Written:
    """What a column of texts holds."""

    geometry: NDArray[np.object_]
    crs: str | None
    """`EPSG:…` where the texts state it."""


def is_geometry(text: str) -> bool:
    """Whether a text begins as WKT or is WKB in hexadecimal digits."""
    return WKT.match(text) is not None or HEX.fullmatch(text) is not None


def geometries(texts: Sequence[str | None], column: str) -> Written:
    """Return a geometry per text, None for None.

    Raises DataError for what is neither WKT nor WKB, for one that nests too deep, and where the texts state several CRSs.
    """
    hint = "Correct the cell, or declare another column."
    present = [text for text in texts if text is not None]
    is_hex = bool(present) and HEX.fullmatch(present[0]) is not None
    try:
        found = _from_hex(texts) if is_hex else from_wkt([None if text is None else SRID.sub("", text, count=1) for text in texts])
    except (shapely.errors.ShapelyError, TypeError, ValueError) as error:
        raise DataError(f"The column {column!r} holds text that is not {'WKB' if is_hex else 'WKT'} ({error}).", hint=hint) from error
    codes = set(shapely.get_srid(found[~shapely.is_missing(found)]).tolist()) if is_hex else {_srid(text) for text in present}
    stated = codes - {0}
    if len(codes) > 1:
        raise DataError(f"The column {column!r} states several reference systems ({', '.join(map(str, sorted(codes)))}).", hint=hint)
    return Written(shapely.set_srid(found, 0), f"EPSG:{stated.pop()}" if stated else None)


def _srid(text: str) -> int:
    match = SRID.match(text)
    return 0 if match is None else int(match[1])


def _from_hex(texts: Sequence[str | None]) -> NDArray[np.object_]:
    limit = current_settings().max_nesting
    blobs = [None if text is None else bytes.fromhex(text.strip()) for text in texts]
    if any(blob is not None and depth(blob, limit) > limit for blob in blobs):
        raise ValueError(f"nested deeper than {limit} levels")
    made: NDArray[np.object_] = shapely.from_wkb(np.asarray(blobs, dtype=object))
    return made
