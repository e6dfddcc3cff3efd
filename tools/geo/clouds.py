"""Which pixels saw the ground: masks from the quality bands of Sentinel-2 and Landsat.

Sources: Sentinel-2 level 2A scene classification (ESA, Sentinel-2 MSI Level-2A Algorithm Theoretical Basis Document, table of classes);
Landsat Collection 2 QA_PIXEL (USGS, LSDS-1619 Landsat 8-9 Collection 2 Level 2 Science Product Guide, table 6-2).
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tools.errors import DataError
from tools.geo.roles import SCL_CLASSES

Seen = Literal["clear", "clear_land", "clear_water"]
"""`clear`: neither cloud, shadow, cirrus nor defect; `clear_land`: of these vegetation and bare ground, without snow; `clear_water`: water."""

SCL_KEPT: dict[Seen, tuple[int, ...]] = {"clear": (4, 5, 6, 7, 11), "clear_land": (4, 5), "clear_water": (6,)}
"""Dark areas (2) are left out: most are shadows, of relief and of clouds."""

FILL, DILATED_CLOUD, CIRRUS, CLOUD, CLOUD_SHADOW, SNOW, WATER = (1 << bit for bit in (0, 1, 2, 3, 4, 5, 7))
OBSCURED = FILL | DILATED_CLOUD | CIRRUS | CLOUD | CLOUD_SHADOW


def seen(role: str, values: np.ma.MaskedArray[Any, np.dtype[Any]], what: Seen) -> NDArray[np.bool_]:
    """Return True where the quality band (`scl` or `qa_pixel`) says that a pixel is what is asked for; False where it is masked.

    `values` has any shape. Raises DataError for values that are no codes: a scale was applied, or another band was given.
    """
    valid = ~np.ma.getmaskarray(values)
    raw = np.where(valid, values.data, 0)
    codes = raw.astype("int64")
    highest = 11 if role == "scl" else 0xFFFF
    if (codes != raw).any() or codes.min(initial=0) < 0 or codes.max(initial=0) > highest:
        raise DataError(
            f"The quality band {role!r} holds values that are not its codes (whole numbers 0 to {highest}).",
            hint="Check which band it is, and that no scale is declared for it.",
        )
    kept: NDArray[np.bool_] = np.isin(codes, SCL_KEPT[what]) if role == "scl" else _by_bits(codes, what)
    return kept & valid


def imaged(role: str, values: np.ma.MaskedArray[Any, np.dtype[Any]]) -> NDArray[np.bool_]:
    """Return True where the quality band says that the satellite took an image, of clouds or of the ground."""
    codes = np.where(np.ma.getmaskarray(values), 0, values.data).astype("int64")
    there: NDArray[np.bool_] = codes != 0 if role == "scl" else (codes & FILL) == 0
    return there & ~np.ma.getmaskarray(values)


def _by_bits(codes: NDArray[np.int64], what: Seen) -> NDArray[np.bool_]:
    clear: NDArray[np.bool_] = (codes & OBSCURED) == 0
    if what == "clear":
        return clear
    surface: NDArray[np.bool_] = (codes & WATER) != 0 if what == "clear_water" else (codes & (WATER | SNOW)) == 0
    return np.logical_and(clear, surface)


def kept_text(role: str, what: Seen) -> str:
    """Say in words which pixels are kept, for the record of how something was measured."""
    if role == "scl":
        return "scene classification " + ", ".join(f"{code} {SCL_CLASSES[code]}" for code in SCL_KEPT[what])
    rest = {"clear": "", "clear_land": ", not water, not snow", "clear_water": ", water"}[what]
    return f"QA_PIXEL without fill, dilated cloud, cirrus, cloud and cloud shadow{rest}"
