"""The CRS of a file as pyproj knows it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from tools.errors import DataError
from tools.geotypes import crs_names_file

if TYPE_CHECKING:
    from pyproj import CRS

MOST_COORDINATE = 1e12
"""Above every coordinate on the Earth in any unit of length: once around it are 4 × 10¹⁰ mm."""


CRS_FILE_IN_TEXT = re.compile(
    r'(?:PARAMETERFILE\s*\[\s*"[^"]*"|"PROJ4_GRIDS")\s*,\s*"[^"]*[/\\~]'
    r"|\+init=(?!(?:epsg|esri|ogc|iau):)|\+proj=[^<\"]{0,1000}?(?:grids|model|file)=[^\s\"<]*[/\\~]",
    re.IGNORECASE,
)
"""As `tools.geotypes.CRS_FILE`, in text that holds more than a CRS and may speak of files."""


def check_crs_text(name: str, text: str) -> None:
    """Raise DataError for text of a file, before GDAL reads it, that holds a CRS which names a grid by its path: GDAL opens it at once."""
    if CRS_FILE_IN_TEXT.search(text):
        raise DataError(
            f"The coordinate reference system of {name} names another file by its path.",
            hint="Export it again with the code of its CRS, or declare which it is: terracite add PATH --crs EPSG:….",
        )


@lru_cache(maxsize=256)
def crs_from_wkt(wkt: str) -> CRS:
    """Parse a CRS; by its code where it is exactly a registered one, so that axes and datum are the registry's.

    Kept, since looking for the code of a CRS that has none takes PROJ half a second.
    Raises DataError for text that is no CRS, and for one that names a grid by its path: PROJ would open it.
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    hint = "Declare which it is: terracite add PATH --crs EPSG:…."
    try:
        crs = CRS.from_wkt(wkt)
    except CRSError as error:
        raise DataError(f"The file's coordinate reference system cannot be understood ({wkt[:80]!r}).", hint=hint) from error
    if crs_names_file(wkt) or crs_names_file(crs.to_wkt()):
        raise DataError("The file's coordinate reference system names another file by its path.", hint=hint)
    authority = _authority(crs)
    return CRS.from_authority(*authority) if authority else crs


@lru_cache(maxsize=256)
def crs_from_text(text: str) -> CRS:
    """Parse PROJJSON, or other text of a CRS that is known to name no file; kept, since it takes PROJ 20 ms."""
    from pyproj import CRS

    return CRS.from_user_input(text)


def crs_text(crs: CRS) -> str:
    """Write a CRS as `AUTH:CODE` where it is exactly that one, else as WKT2."""
    authority = _authority(crs)
    return ":".join(authority) if authority else crs.to_wkt("WKT2_2019")


def _authority(crs: CRS) -> tuple[str, str] | None:
    """Return the code; a CRS with its own datum shift is none of the registry, and need not be looked for."""
    return None if crs.is_bound else crs.to_authority(min_confidence=100)
