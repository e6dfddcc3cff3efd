"""Values of a band that are given by number or by the name of their class."""

from __future__ import annotations

from collections.abc import Sequence

from tools.errors import ParameterError
from tools.storage.rasters import RasterInfo


def class_values(asked: Sequence[float | str], info: RasterInfo) -> list[float]:
    """Return the values that numbers and names of classes stand for, ascending; a name may be a number written as text.

    Raises ParameterError, naming the classes there are, for a name that is none.
    """
    codes = {label.casefold(): float(value) for value, label in info.classes.items()}
    return sorted({_value(each, codes, info) for each in asked})


def _value(asked: float | str, codes: dict[str, float], info: RasterInfo) -> float:
    if not isinstance(asked, str):
        return asked
    if asked.casefold() in codes:
        return codes[asked.casefold()]
    try:
        return float(asked)
    except ValueError:
        there = ", ".join(info.classes.values()) or "none; give values"
        raise ParameterError(f"The raster has no class {asked!r}.", hint=f"Its classes are: {there}.") from None
