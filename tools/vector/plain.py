"""Values of a table as they may stand in JSON, in facts and in the subject of a fact."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tools.contract import Scalar
from tools.errors import ParameterError

if TYPE_CHECKING:
    import geopandas
    import pandas

NO_VALUE = "(none)"
"""How a missing value is called where it forms a group."""
EMPTY = "(empty)"
"""How a text without a character is called: no answer could name it otherwise."""


def plain(value: object) -> Scalar:
    """Return a cell as text, number, boolean or None; NaN and infinity are None, dates ISO 8601 text."""
    item = value.item() if hasattr(value, "item") else value
    if item is None or isinstance(item, (bool, str, int)):
        return item
    if isinstance(item, float):
        return item if math.isfinite(item) else None
    text = item.isoformat() if hasattr(item, "isoformat") else str(item)
    return None if text == "NaT" else text


def group_label(value: object) -> str:
    """Return the text by which a value names its group; whole numbers without a decimal point."""
    item = plain(value)
    if item is None:
        return NO_VALUE
    if isinstance(item, str) and not item.strip():
        return EMPTY
    return str(int(item)) if isinstance(item, float) and item.is_integer() else str(item)


def is_numeric(column: pandas.Series[object]) -> bool:
    """Whether a column holds numbers (booleans are none)."""
    return bool(column.dtype.kind in "iuf")


def require_numeric(frame: geopandas.GeoDataFrame, name: str) -> None:
    """Raise ParameterError unless the column holds numbers."""
    if not is_numeric(frame[name]):
        numeric = [str(column) for column in frame.columns if column != "geometry" and is_numeric(frame[column])]
        raise ParameterError(
            f"The column {name!r} does not hold numbers, so it has no sum or mean.",
            hint=f"Numeric columns: {', '.join(numeric) or 'none'}.",
        )
