"""Give columns another type, where every value of theirs can have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from tools.errors import ParameterError

if TYPE_CHECKING:
    import pandas

TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def retyped(frame: pandas.DataFrame, types: Mapping[str, str]) -> pandas.DataFrame:
    """Return the frame with columns of these types (text, integer, real, boolean, date, datetime); gaps stay gaps.

    Raises ParameterError, naming the first row, for a value that is not of the type: nothing is rounded or left out.
    """
    return frame.assign(**{name: _column(frame[name], name, wanted) for name, wanted in types.items()}) if types else frame


def _column(column: pandas.Series[Any], name: str, wanted: str) -> pandas.Series[Any]:  # Any: as the column holds it
    import pandas

    values: list[Any] = []
    for row, (value, gap) in enumerate(zip(column, column.isna(), strict=True)):
        try:
            values.append(None if gap else READERS[wanted](value))
        except (ValueError, KeyError, TypeError) as error:
            raise ParameterError(
                f"The value {value!r} of column {name!r} (row {row}) is no {wanted}.",
                hint="Correct it first (clean), or choose another type.",
            ) from error
    dtype = {"integer": "Int64", "real": "float64", "boolean": "boolean", "datetime": "datetime64[ms]"}.get(wanted, "object")
    return pandas.Series(values, index=column.index, dtype=dtype)


def _as_text(value: Any) -> str:
    """Write a value as a table shows it; a whole number that a gap made real has no fraction."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else str(value)


def _as_integer(value: Any) -> int:
    number = int(value) if isinstance(value, str) else value
    if int(number) != number:
        raise ValueError("a fraction")
    return int(number)


def _as_time(value: Any) -> datetime:
    moment = (
        datetime.fromisoformat(value)
        if isinstance(value, str)
        else datetime.combine(value, datetime.min.time())
        if type(value) is date
        else value
    )
    if moment.tzinfo is not None:
        raise ValueError("a time with an offset")
    return moment


def _as_day(value: Any) -> date:
    moment = _as_time(value)
    if moment.time() != datetime.min.time():
        raise ValueError("a time of day")
    return moment.date()


READERS: Mapping[str, Callable[[Any], Any]] = {
    "text": _as_text,
    "integer": _as_integer,
    "real": float,
    "boolean": lambda value: TRUTHS[_as_text(value).strip().casefold()],
    "date": _as_day,
    "datetime": _as_time,
}
